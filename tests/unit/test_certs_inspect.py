"""Each fault planted in a chain is named; a sound chain has none."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from certs.facts import contents
from certs.files import Found
from certs.inspect import explain
from certs.issue import Authority, openadr
from certs.keys import Seeded
from certs.profiles import Role, Validity
from certs.render import explanation, report_json

NOW = datetime(2026, 5, 3, tzinfo=UTC)
PKI = openadr("ecc", NOW, source=Seeded(b"inspect"))
OTHER = openadr("ecc", NOW, source=Seeded(b"other"))
VTN = PKI.vtn()
BELOW = PKI.authorities[Role.VTN_AUTHORITY].certificate_pem
LEAF_ALONE = VTN.chain_pem.removesuffix(BELOW)


def file(content: bytes, name: str = "chain.pem", mode: int = 0o600) -> Found:
    return Found(path=Path(name), content=content, mode=mode)


ANCHOR = file(PKI.anchor_pem, "anchor.pem")


def codes(*files: Found, now: datetime = NOW) -> list[str]:
    return [fault.code for fault in explain(files, now).faults]


def made(
    subject: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: Authority | None = None,
    *,
    path_length: int | None = None,
    is_authority: bool = False,
    digest: hashes.HashAlgorithm | None = None,
) -> Authority:
    """Make a certificate that the project itself would not make."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer.certificate.subject if issuer else name)
        .public_key(key.public_key())
        .serial_number(9)
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=path_length), True)
    )
    chosen = digest or hashes.SHA256()
    signed = builder.sign(issuer.key if issuer else key, chosen)  # type: ignore[arg-type]  # SHA-2 all of them
    return Authority(certificate=signed, key=key)


def key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def test_a_sound_chain_with_its_anchor_and_key_has_no_fault() -> None:
    report = explain([file(VTN.chain_pem), ANCHOR, file(VTN.key_pem, "vtn.key")], NOW)

    assert report.faults == ()
    assert report.complete
    assert [one.subject.partition(",")[0] for one in report.chain] == [
        "CN=localhost",
        "CN=gridgate TEST VTN authority (ECC)",
        "CN=gridgate TEST root (ECC)",
    ]


def test_the_order_of_the_arguments_does_not_matter() -> None:
    forward = explain([file(VTN.chain_pem), ANCHOR], NOW)
    backward = explain([ANCHOR, file(VTN.chain_pem)], NOW)

    assert forward == backward


def test_without_the_anchor_a_chain_is_sound_as_far_as_it_goes() -> None:
    report = explain([file(VTN.chain_pem)], NOW)

    assert report.faults == ()
    assert not report.complete
    assert "root was not given" in report.notes[0]


def test_the_anchor_alone_is_sound() -> None:
    report = explain([ANCHOR], NOW)

    assert (report.faults, report.complete) == ((), True)


def test_a_chain_that_carries_the_root_too_is_sound() -> None:
    assert codes(file(VTN.chain_pem + PKI.anchor_pem), ANCHOR) == []


@pytest.mark.parametrize("files", [(file(LEAF_ALONE),), (file(LEAF_ALONE), ANCHOR)])
def test_a_missing_intermediate_is_named(files: tuple[Found, ...]) -> None:
    report = explain(files, NOW)

    assert [fault.code for fault in report.faults] == ["MISSING_INTERMEDIATE"]
    assert "gridgate TEST VTN authority (ECC)" in report.faults[0].what


def test_a_gap_further_up_is_named_when_the_root_is_there() -> None:
    root = made("root", key(), is_authority=True)
    upper = made("upper", key(), root, is_authority=True)
    lower = made("lower", key(), upper, is_authority=True)
    leaf = made("leaf", key(), lower)

    pem = leaf.certificate_pem + lower.certificate_pem

    assert codes(file(pem), file(root.certificate_pem, "root.pem")) == ["MISSING_ISSUER"]
    assert codes(file(pem + upper.certificate_pem), file(root.certificate_pem, "root.pem")) == []


def test_a_broken_order_is_named_with_the_right_one() -> None:
    report = explain([file(BELOW + LEAF_ALONE), ANCHOR], NOW)

    assert [fault.code for fault in report.faults] == ["BROKEN_ORDER"]
    assert report.faults[0].fix == "put them in this order: 2, 1"


def test_a_broken_order_is_seen_even_when_another_file_repeats_the_intermediate() -> None:
    assert codes(file(BELOW, "authority.pem"), file(BELOW + LEAF_ALONE), ANCHOR) == ["BROKEN_ORDER"]


def test_an_anchor_of_another_hierarchy_with_the_same_names_is_found_out() -> None:
    report = explain([file(VTN.chain_pem), file(OTHER.anchor_pem, "other.pem")], NOW)

    assert [fault.code for fault in report.faults] == ["WRONG_ISSUER"]
    assert "other.pem" in report.faults[0].what


def test_an_expired_certificate_and_one_of_the_future_are_named() -> None:
    year = timedelta(days=365)
    past = PKI.vtn(validity=Validity(start=NOW - 2 * year, end=NOW - year))
    future = PKI.vtn(validity=Validity(start=NOW + year, end=NOW + 2 * year))

    assert codes(file(past.chain_pem), ANCHOR) == ["EXPIRED"]
    assert codes(file(future.chain_pem), ANCHOR) == ["NOT_YET_VALID"]


def test_validity_includes_both_its_ends() -> None:
    validity = Validity(start=NOW, end=NOW + timedelta(hours=1))
    leaf = file(PKI.vtn(validity=validity).chain_pem)
    second = timedelta(seconds=1)

    assert codes(leaf, ANCHOR, now=validity.start) == []
    assert codes(leaf, ANCHOR, now=validity.end) == []
    assert codes(leaf, ANCHOR, now=validity.start - second) == ["NOT_YET_VALID"]
    assert codes(leaf, ANCHOR, now=validity.end + second) == ["EXPIRED"]


def test_an_expired_authority_is_named_too() -> None:
    assert (
        codes(file(VTN.chain_pem), ANCHOR, now=datetime(2050, 1, 1, tzinfo=UTC)) == ["EXPIRED"] * 3
    )


def test_a_key_of_another_certificate_is_named() -> None:
    assert codes(file(VTN.chain_pem), file(PKI.ven("v").key_pem, "v.key")) == ["KEY_MISMATCH"]


def test_a_key_that_others_can_read_is_named() -> None:
    assert codes(file(VTN.chain_pem), file(VTN.key_pem, "vtn.key", 0o640)) == ["KEY_EXPOSED"]


def test_an_encrypted_key_is_said_not_to_have_been_compared() -> None:
    opened = load_pem_private_key(VTN.key_pem, password=None)
    locked = opened.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x"))

    assert codes(file(VTN.chain_pem), file(locked, "vtn.key")) == ["KEY_ENCRYPTED"]


def test_a_key_without_certificate_is_named() -> None:
    assert codes(file(VTN.key_pem)) == ["NO_CERTIFICATE"]


def test_a_certificate_of_another_chain_is_a_stray() -> None:
    report = explain([file(VTN.chain_pem), file(PKI.ven("v").chain_pem, "ven.pem"), ANCHOR], NOW)

    assert {fault.code for fault in report.faults} == {"STRAY"}
    assert len(report.strays) == 2


def test_a_leaf_that_issued_is_no_authority() -> None:
    root = made("root", key(), is_authority=True)
    false = made("false authority", key(), root)
    leaf = made("leaf", key(), false)

    found = codes(file(leaf.certificate_pem + false.certificate_pem + root.certificate_pem))

    assert found == ["NOT_AN_AUTHORITY"]


def test_a_path_longer_than_allowed_is_named() -> None:
    root = made("root", key(), is_authority=True, path_length=0)
    middle = made("middle", key(), root, is_authority=True)
    leaf = made("leaf", key(), middle)

    found = codes(file(leaf.certificate_pem + middle.certificate_pem + root.certificate_pem))

    assert found == ["PATH_TOO_LONG"]


def test_a_certificate_that_only_vouches_for_itself_is_named() -> None:
    assert codes(file(made("device", key()).certificate_pem)) == ["SELF_SIGNED"]


@pytest.mark.spec("OpenADR 2.0b rule 68")
def test_a_short_key_and_another_hash_are_named() -> None:
    root = made("root", key(), is_authority=True)
    short = made("short", ec.generate_private_key(ec.SECP224R1()), root)
    other_hash = made("hash", key(), root, digest=hashes.SHA384())
    anchor = file(root.certificate_pem, "root.pem")

    assert codes(file(short.certificate_pem), anchor) == ["UNSUITABLE_KEY"]
    assert codes(file(other_hash.certificate_pem), anchor) == ["UNSUITABLE_SIGNATURE"]


def test_an_altered_certificate_is_found_out_by_its_signature() -> None:
    altered = VTN.der.replace(b"\x82\x09localhost", b"\x82\x09localhoax")
    assert altered != VTN.der

    found = codes(file(altered, "leaf.der"), file(BELOW, "below.pem"), ANCHOR)

    assert found == ["WRONG_ISSUER"]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "UNREADABLE"),
        (b"hello", "UNREADABLE"),
        (VTN.chain_pem[:200], "UNREADABLE"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "UNREADABLE"),
        (b"-----BEGIN DH PARAMETERS-----\nAAAA\n-----END DH PARAMETERS-----\n", "NO_CERTIFICATE"),
    ],
)
def test_a_file_without_certificate_is_named(content: bytes, code: str) -> None:
    report = explain([file(content)], NOW)

    assert [fault.code for fault in report.faults] == [code]
    assert report.chain == ()


def test_two_authorities_that_issued_each_other_end_the_walk() -> None:
    one_key, two_key = key(), key()
    one = made("one", one_key, is_authority=True)
    two = made("two", two_key, one, is_authority=True)
    one_by_two = made("one", one_key, two, is_authority=True)

    report = explain([file(two.certificate_pem + one_by_two.certificate_pem)], NOW)

    assert len(report.chain) == 2


def test_der_is_read_as_well_as_pem() -> None:
    (one,) = contents(file(VTN.der)).certificates

    assert one.der == VTN.der
    assert one.fingerprint == VTN.fingerprint


def test_the_mark_is_told() -> None:
    test = explain([file(VTN.chain_pem)], NOW)
    real = explain([file(made("root", key(), is_authority=True).certificate_pem)], NOW)

    assert (test.is_test, real.is_test) == (True, False)
    assert "TEST certificate" in explanation(test)
    assert "TEST" not in explanation(real)


def test_control_characters_in_a_name_do_not_reach_the_terminal() -> None:
    report = explain([file(made("\x1b[2Jroot", key(), is_authority=True).certificate_pem)], NOW)

    assert "\x1b" not in explanation(report)
    assert "\\x1b[2Jroot" in report.chain[0].subject


def tampered(cut: int, spots: list[tuple[int, int]]) -> bytes:
    raw = bytearray(VTN.der)
    for at, value in spots:
        raw[at % len(raw)] = value
    return bytes(raw[: len(raw) - cut])


@pytest.mark.filterwarnings("ignore")  # the library warns of odd but readable certificates
@given(
    st.sampled_from([0, 0, 0, 1, 50]),
    st.lists(st.tuples(st.integers(0, 4095), st.integers(0, 255)), max_size=3),
)
def test_no_damage_stops_the_explanation(cut: int, spots: list[tuple[int, int]]) -> None:
    raw = tampered(cut, spots)

    report = explain([file(raw), file(BELOW, "below.pem"), ANCHOR], NOW)

    assert explanation(report)
    assert report_json(report)
    assert bool(report.faults) == (raw != VTN.der)
