"""The command line of the test certificates for IEEE 2030.5: hierarchies, identities, bad variants."""

import json
import ssl
from pathlib import Path

import pytest

from certs.cli import main
from certs.sep2.variants import VARIANTS
from gateway.domain.codes.registry import by_reason
from gateway.domain.errors import MisuseError
from gateway.protocols.sep2.identity import is_sfdi, lfdi_of, sfdi_of
from gateway.transport.marks import is_test_certificate
from gateway.transport.sep2_tls import judge_chain, sep2_client, sep2_server
from gateway.transport.tls import TlsFiles
from tests.sep2_pki import shake


class Shell:
    """Runs the command line inside this process."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self.capsys = capsys

    def __call__(self, *arguments: object) -> tuple[object, str, str]:
        """Return (exit code, output, errors)."""
        with pytest.raises(SystemExit) as ended:
            main([str(one) for one in arguments])
        shown = self.capsys.readouterr()
        return ended.value.code, shown.out, shown.err


@pytest.fixture
def shell(capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(capsys)


@pytest.fixture
def made(shell: Shell, tmp_path: Path) -> Path:
    folder = tmp_path / "keys"
    assert shell("init", folder, "--profile", "sep2", "--device", "A1")[0] == 0
    return folder


def files(folder: Path, name: str) -> TlsFiles:
    return TlsFiles(
        certificate=folder / f"{name}.pem", key=folder / f"{name}.key", ca=folder / "anchor.pem"
    )


def der(path: Path) -> bytes:
    from_pem = path.read_text().partition("-----END CERTIFICATE-----")
    return ssl.PEM_cert_to_DER_cert(from_pem[0] + from_pem[1])


@pytest.mark.spec("IEEE 2030.5-2018 6.11")
@pytest.mark.parametrize("depth", [2, 3, 4])
def test_what_init_makes_shakes_hands(shell: Shell, tmp_path: Path, depth: int) -> None:
    code, out, _ = shell("init", tmp_path, "--profile", "sep2", "--depth", depth, "--json")

    assert code == 0
    roles = [each["role"] for each in json.loads(out)["certificates"]]
    assert roles == ["sep2-server", "device"]
    server = sep2_server(files(tmp_path, "server/localhost"))
    shake(sep2_client(files(tmp_path, "device/0001")), server, judge_chain)
    assert len(list((tmp_path / "authority").glob("*.pem"))) == depth - 1


@pytest.mark.spec("IEEE 2030.5-2018 6.3.4", "CSIP BASIC-001")
def test_the_identifiers_to_hand_over_are_those_of_the_certificate(
    shell: Shell, made: Path
) -> None:
    certificate = made / "device" / "A1.pem"
    lfdi = lfdi_of(der(certificate))

    told = json.loads(shell("identity", certificate, "--json")[1])

    assert (told["lfdi"], told["sfdi"]) == (lfdi, sfdi_of(lfdi))
    assert is_sfdi(told["sfdi"])
    assert lfdi in shell("identity", certificate)[1]


@pytest.mark.spec("IEEE 2030.5-2018 6.11")
def test_an_aggregator_is_issued_from_the_folder(shell: Shell, made: Path) -> None:
    assert shell("issue", made, "north", "--role", "aggregator")[0] == 0

    server = sep2_server(files(made, "server/localhost"))
    shake(sep2_client(files(made, "aggregator/north")), server, judge_chain)
    assert shell("inspect", made / "aggregator" / "north.pem", made / "anchor.pem")[0] == 0


@pytest.mark.parametrize("name", ["expired", "p384-key", "mica-policy-mapping"])
def test_a_bad_variant_is_issued_by_its_name(shell: Shell, made: Path, name: str) -> None:
    code, out, _ = shell("issue", made, name, "--role", "bad", "--json")

    assert code == 0
    assert json.loads(out)["certificates"][0]["name"] == name
    assert (made / "bad" / f"{name}.key").stat().st_mode & 0o777 == 0o600


@pytest.mark.spec("IEEE 2030.5-2018 6.11", "CSIP COMM-004D..G")
def test_every_bad_variant_is_explained_and_nothing_good_is(shell: Shell, made: Path) -> None:
    anchor = made / "anchor.pem"
    for good in (made / "device" / "A1.pem", made / "server" / "localhost.pem"):
        assert shell("inspect", good, anchor, "--sep2")[0] == 0
    unexplained = []
    for name in VARIANTS:
        shell("issue", made, name, "--role", "bad")
        code, out, _ = shell(*("inspect", made / "bad" / f"{name}.pem", anchor, "--sep2", "--json"))
        if code != 1 or not json.loads(out)["faults"]:
            unexplained.append(name)
    assert unexplained == []


def test_a_variant_that_is_not_there_names_those_that_are(shell: Shell, made: Path) -> None:
    code, _, err = shell("issue", made, "smudged", "--role", "bad")

    assert code == 2
    assert all(name in err for name in VARIANTS)


def test_roles_of_another_profile_are_refused(shell: Shell, made: Path, tmp_path: Path) -> None:
    row = by_reason("WRONG_ROLE", MisuseError)
    assert row is not None
    assert shell("issue", made, "ven-1", "--role", "ven")[2].startswith(f"error[{row.code}]: ")
    other = tmp_path / "oadr"
    shell("init", other, "--profile", "openadr-ecc")
    assert shell("issue", other, "A2", "--role", "device")[2].startswith(f"error[{row.code}]: ")


def test_every_certificate_on_disk_is_marked(made: Path) -> None:
    found = sorted(made.rglob("*.pem"))
    assert len(found) == 6
    assert all(is_test_certificate(der(path)) for path in found)


def test_init_never_overwrites(shell: Shell, made: Path) -> None:
    before = (made / "anchor.pem").read_bytes()
    assert shell("init", made, "--profile", "sep2")[0] == 2
    assert (made / "anchor.pem").read_bytes() == before
