"""The command line and the files it makes: private, never overwritten, explained in plain words."""

import hashlib
import json
import ssl
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from certs.cli import main
from certs.files import NewFile, create, read, write
from certs.folder import load
from certs.issue import openadr
from certs.keys import Seeded
from gateway.domain.codes.registry import by_reason
from gateway.domain.errors import MisuseError
from gateway.transport.marks import is_test_certificate

NOW = datetime(2026, 5, 3, tzinfo=UTC)
PKI = openadr("ecc", NOW, source=Seeded(b"cli"))


@dataclass(frozen=True, kw_only=True)
class Ran:
    """How a run of the command line ended."""

    code: object
    out: str
    err: str


class Shell:
    """Runs the command line inside this process."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self.capsys = capsys

    def __call__(self, *arguments: object) -> Ran:
        with pytest.raises(SystemExit) as ended:
            main([str(one) for one in arguments])
        shown = self.capsys.readouterr()
        return Ran(code=ended.value.code, out=shown.out, err=shown.err)


@pytest.fixture
def shell(capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(capsys)


@pytest.fixture
def made(shell: Shell, tmp_path: Path) -> Path:
    folder = tmp_path / "keys"
    assert shell("init", folder, "--profile", "openadr-ecc", "--ven", "ven-1").code == 0
    return folder


def fingerprint_of(path: Path) -> str:
    """Compute the fingerprint of the first certificate without any code of the project."""
    pem = path.read_text().partition("-----END CERTIFICATE-----")
    digits = hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem[0] + pem[1])).hexdigest()[-20:].upper()
    return ":".join(digits[at : at + 2] for at in range(0, 20, 2))


@pytest.mark.parametrize("profile", ["openadr-rsa", "openadr-ecc"])
def test_init_makes_what_both_sides_need_and_says_what_it_is_for(
    shell: Shell, tmp_path: Path, profile: str
) -> None:
    ran = shell("init", tmp_path / "k", "--profile", profile, "--ven", "a", "--ven", "b")

    leaves = [
        tmp_path / "k" / name for name in ("ven/a", "ven/b", "vtn/localhost", "server/localhost")
    ]
    assert ran.code == 0
    assert "TEST" in ran.out
    assert (tmp_path / "k" / "anchor.pem").is_file()
    for leaf in leaves:
        certificate = leaf.with_name(leaf.name + ".pem")
        assert str(certificate) in ran.out
        assert fingerprint_of(certificate) in ran.out
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(
            certificate, leaf.with_name(leaf.name + ".key")
        )


def test_every_key_is_readable_by_its_owner_alone(made: Path) -> None:
    keys = sorted(made.rglob("*.key"))

    assert len(keys) == 7
    assert {key.stat().st_mode & 0o777 for key in keys} == {0o600}
    assert not any(b"PRIVATE" in path.read_bytes() for path in made.rglob("*.pem"))


def test_every_certificate_on_disk_is_marked(made: Path) -> None:
    for path in made.rglob("*.pem"):
        for one in x509.load_pem_x509_certificates(path.read_bytes()):
            assert is_test_certificate(one.public_bytes(Encoding.DER))


def test_init_never_overwrites_and_leaves_nothing_half_done(shell: Shell, made: Path) -> None:
    before = {path: path.read_bytes() for path in made.rglob("*.*")}
    (made / "anchor.pem").unlink()

    ran = shell("init", made, "--profile", "openadr-ecc")

    assert ran.code == 2
    assert "error[GG-8001]" in ran.err
    assert not (made / "anchor.pem").exists()
    assert {path: path.read_bytes() for path in made.rglob("*.*")} == {
        path: content for path, content in before.items() if path.name != "anchor.pem"
    }


def test_issue_adds_a_leaf_that_the_first_anchor_vouches_for(shell: Shell, made: Path) -> None:
    ran = shell("issue", made, "--role", "ven", "ven-2", "--json")

    told = json.loads(ran.out)["certificates"][0]
    checked = shell("inspect", told["certificate"], told["key"], made / "anchor.pem")
    assert ran.code == 0
    assert told["fingerprint_oadr20b"] == fingerprint_of(made / "ven" / "ven-2.pem")
    assert checked.code == 0


def test_issue_works_from_an_rsa_folder(shell: Shell, tmp_path: Path) -> None:
    shell("init", tmp_path, "--profile", "openadr-rsa")

    ran = shell("issue", tmp_path, "--role", "vtn", "vtn.test")

    checked = shell("inspect", tmp_path / "vtn" / "vtn.test.pem", tmp_path / "anchor.pem")
    assert ran.code == 0
    assert checked.code == 0
    assert "RSA 2048 bits" in checked.out


def _code(reason: str) -> str:
    row = by_reason(reason, MisuseError)
    assert row is not None
    return row.code


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--role", "vtn", "vtn.utility.com"), "PRODUCTION_NAME"),
        (("--role", "ven", "a/b"), "INVALID_NAME"),
        (("--role", "ven", "ven-1"), "ALREADY_EXISTS"),
    ],
)
def test_issue_refuses_with_a_reason_and_no_traceback(
    shell: Shell, made: Path, arguments: tuple[str, ...], reason: str
) -> None:
    ran = shell("issue", made, *arguments)

    assert ran.code == 2
    assert ran.err.startswith(f"error[{_code(reason)}]: ")
    assert "Traceback" not in ran.err
    assert ran.out == ""


def test_issue_says_how_to_make_a_missing_hierarchy(shell: Shell, tmp_path: Path) -> None:
    ran = shell("issue", tmp_path, "--role", "ven", "ven-1")

    assert ran.code == 2
    assert f"gridgate-certs init {tmp_path}" in ran.err


def test_nothing_is_issued_from_an_authority_that_lacks_the_mark(made: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a real authority")])
    real = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW)
        .not_valid_after(NOW)
        .sign(key, hashes.SHA256())
    )
    (made / "authority" / "ven-authority.pem").write_bytes(real.public_bytes(Encoding.PEM))

    with pytest.raises(MisuseError, match="NOT_A_TEST_AUTHORITY"):
        load(made)


@pytest.mark.parametrize(
    ("spoiled", "content"),
    [
        ("root.pem", b"no certificate"),
        ("root.key", b"no key"),
        ("root.key", PKI.ven("v").key_pem),
    ],
)
def test_a_damaged_hierarchy_is_refused(made: Path, spoiled: str, content: bytes) -> None:
    (made / "authority" / spoiled).write_bytes(content)

    with pytest.raises(MisuseError, match="DAMAGED_HIERARCHY"):
        load(made)


def test_inspect_tells_a_chain_from_leaf_to_root(shell: Shell, made: Path) -> None:
    ran = shell("inspect", made / "vtn" / "localhost.pem", made / "anchor.pem")

    assert ran.code == 0
    assert "names        localhost, 127.0.0.1, ::1" in ran.out
    assert "itself: it is the root" in ran.out
    assert fingerprint_of(made / "vtn" / "localhost.pem") in ran.out
    assert ran.out.endswith("no fault found; TEST certificates, for rehearsals only\n")


def test_inspect_ends_with_one_and_a_fix_when_something_is_wrong(shell: Shell, made: Path) -> None:
    ran = shell("inspect", made / "vtn" / "localhost.pem", made / "ven" / "ven-1.key")

    assert ran.code == 1
    assert "fault[KEY_MISMATCH]" in ran.out
    assert "fix: " in ran.out


def test_inspect_as_json_is_one_document(shell: Shell, made: Path) -> None:
    ran = shell("inspect", made / "ven" / "ven-1.pem", made / "anchor.pem", "--json")

    told = json.loads(ran.out)
    assert (ran.code, told["ok"], told["test"], told["complete"]) == (0, True, True, True)
    assert told["chain"][0]["fingerprint_oadr20b"] == fingerprint_of(made / "ven" / "ven-1.pem")


def test_inspect_judges_at_the_instant_asked_for(shell: Shell, made: Path) -> None:
    chain = made / "ven" / "ven-1.pem"

    assert shell("inspect", chain, "--at", "2025-05-03T23:30:00Z").code == 0
    assert shell("inspect", chain, "--at", "2050-01-01T00:00:00Z").code == 1
    assert shell("inspect", chain, "--at", "yesterday").code == 2


@pytest.mark.parametrize("verb", ["inspect", "identity"])
def test_a_missing_file_is_wrong_use_and_a_file_of_something_else_a_problem(
    shell: Shell, tmp_path: Path, verb: str
) -> None:
    (tmp_path / "notes.txt").write_text("hello")

    missing, folder = shell(verb, tmp_path / "none.pem"), shell(verb, tmp_path)
    other = shell(verb, tmp_path / "notes.txt")

    assert (missing.code, folder.code, other.code) == (2, 2, 1)
    assert "none.pem" in missing.err
    assert "UNREADABLE" in other.out + other.err


def test_a_file_too_large_for_certificates_is_refused(tmp_path: Path) -> None:
    large = tmp_path / "large.pem"
    large.write_bytes(bytes((1 << 20) + 1))

    with pytest.raises(MisuseError, match="NOT_READABLE"):
        read(large)


def test_identity_prints_the_fingerprint_to_hand_over(shell: Shell, made: Path) -> None:
    certificate = made / "ven" / "ven-1.pem"

    words, document = shell("identity", certificate), shell("identity", certificate, "--json")

    assert fingerprint_of(certificate) in words.out
    assert json.loads(document.out)["fingerprint_oadr20b"] == fingerprint_of(certificate)


def test_wrong_arguments_are_wrong_use(shell: Shell, tmp_path: Path) -> None:
    assert shell("init", tmp_path).code == 2
    assert shell("init", tmp_path, "--profile", "sep3").code == 2
    assert shell("revoke", tmp_path).code == 2


def test_the_help_names_exactly_the_verbs_that_work() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "certs.cli", "--help"], capture_output=True, text=True, check=True
    )

    shown = ran.stdout.partition("Commands:")[2].partition("Exit codes:")[0]
    assert [line.split()[0] for line in shown.splitlines() if line.strip()] == [
        "init",
        "issue",
        "inspect",
        "identity",
    ]


def test_a_leaf_is_written_once_as_chain_and_private_key(tmp_path: Path) -> None:
    leaf = PKI.ven("ven-1")

    files = write(leaf, tmp_path / "new" / "folder", "gateway")

    assert files.certificate.read_bytes() == leaf.chain_pem
    assert files.key.read_bytes() == leaf.key_pem
    assert files.key.stat().st_mode & 0o777 == 0o600
    with pytest.raises(MisuseError, match="ALREADY_EXISTS"):
        write(leaf, tmp_path / "new" / "folder", "gateway")


def test_a_certificate_in_the_way_leaves_no_key_behind(tmp_path: Path) -> None:
    (tmp_path / "gateway.pem").write_text("mine")

    with pytest.raises(MisuseError, match="ALREADY_EXISTS"):
        write(PKI.ven("ven-1"), tmp_path, "gateway")

    assert not (tmp_path / "gateway.key").exists()
    assert (tmp_path / "gateway.pem").read_text() == "mine"


def test_a_key_is_not_written_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "gateway.key").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(MisuseError, match="ALREADY_EXISTS"):
        write(PKI.ven("ven-1"), tmp_path, "gateway")

    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("name", ["", "../up", "a/b", ".hidden", "a\0"])
def test_a_name_that_leaves_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(MisuseError, match="INVALID_NAME"):
        write(PKI.ven("ven-1"), tmp_path, name)


def test_a_folder_that_is_a_file_is_not_writable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(MisuseError):
        create([NewFile(path=tmp_path / "file" / "a.key", content=b"", mode=0o600)])
