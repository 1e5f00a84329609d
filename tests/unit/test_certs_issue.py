"""What the test PKI issues, and how the gateway recognises it."""

import hashlib
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, SignatureAlgorithmOID

from certs.issue import Leaf, OpenAdrPki, openadr
from certs.keys import Seeded
from certs.profiles import KeyKind, Role
from gateway.domain.errors import IdentityError, MisuseError
from gateway.transport.marks import (
    TEST_MARK,
    first_test_mark,
    is_test_certificate,
    refuse_test_certificates,
)

NOW = datetime(2026, 5, 3, tzinfo=UTC)


@pytest.fixture(scope="module")
def ecc() -> OpenAdrPki:
    return openadr("ecc", NOW)


@pytest.fixture(scope="module")
def rsa_pki() -> OpenAdrPki:
    return openadr("rsa", NOW)


def chain(leaf: Leaf) -> list[x509.Certificate]:
    return x509.load_pem_x509_certificates(leaf.chain_pem)


def common_name(certificate: x509.Certificate) -> object:
    return certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value


def usage(certificate: x509.Certificate) -> x509.KeyUsage:
    return certificate.extensions.get_extension_for_class(x509.KeyUsage).value


def all_ders(pki: OpenAdrPki) -> list[bytes]:
    """Return every authority, and one leaf of each role."""
    leaves = (pki.vtn(), pki.ven("ven-1"), pki.server())
    authorities = (one.certificate.public_bytes(Encoding.DER) for one in pki.authorities.values())
    return [*authorities, *(leaf.der for leaf in leaves)]


def foreign(*, oid: str = "1.3.6.1.4.1.32473.71.2") -> bytes:
    """Make a certificate that is not ours, with some private extension."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "gridgate TEST only")])
    private = x509.UnrecognizedExtension(x509.ObjectIdentifier(oid), b"\x05\x00")
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(NOW)
        .not_valid_after(NOW + timedelta(days=1))
        .add_extension(private, critical=False)
        .sign(key, hashes.SHA256())
        .public_bytes(Encoding.DER)
    )


@pytest.mark.spec("OpenADR 2.0b rule 68")
def test_an_rsa_hierarchy_has_2048_bits_and_sha256_throughout(rsa_pki: OpenAdrPki) -> None:
    found = [x509.load_der_x509_certificate(der) for der in all_ders(rsa_pki)]

    for one in found:
        key = one.public_key()
        assert isinstance(key, rsa.RSAPublicKey)
        assert key.key_size == 2048
        assert one.signature_algorithm_oid == SignatureAlgorithmOID.RSA_WITH_SHA256


@pytest.mark.spec("OpenADR 2.0b rule 68")
def test_an_ecc_hierarchy_has_p256_and_sha256_throughout(ecc: OpenAdrPki) -> None:
    found = [x509.load_der_x509_certificate(der) for der in all_ders(ecc)]

    for one in found:
        key = one.public_key()
        assert isinstance(key, ec.EllipticCurvePublicKey)
        assert key.curve.name == "secp256r1"
        assert one.signature_algorithm_oid == SignatureAlgorithmOID.ECDSA_WITH_SHA256


@pytest.mark.spec("OpenADR 2.0b section 10")
def test_vens_and_vtns_have_separate_intermediates_under_one_root(ecc: OpenAdrPki) -> None:
    ven_leaf, ven_authority = chain(ecc.ven("ven-1"))
    vtn_leaf, vtn_authority = chain(ecc.vtn())
    (root,) = x509.load_pem_x509_certificates(ecc.anchor_pem)

    ven_leaf.verify_directly_issued_by(ven_authority)
    vtn_leaf.verify_directly_issued_by(vtn_authority)
    ven_authority.verify_directly_issued_by(root)
    vtn_authority.verify_directly_issued_by(root)
    assert ven_authority.public_key() != vtn_authority.public_key()


def test_a_vtn_is_named_by_its_host_and_a_ven_by_its_id(ecc: OpenAdrPki) -> None:
    vtn, ven = chain(ecc.vtn("vtn.example"))[0], chain(ecc.ven("02:00:00:00:00:01"))[0]

    names = vtn.extensions.get_extension_for_class(x509.SubjectAlternativeName).value

    assert common_name(vtn) == "vtn.example"
    assert names.get_values_for_type(x509.DNSName) == ["vtn.example"]
    assert names.get_values_for_type(x509.IPAddress) == []
    assert common_name(ven) == "02:00:00:00:00:01"
    with pytest.raises(x509.ExtensionNotFound):
        ven.extensions.get_extension_for_class(x509.SubjectAlternativeName)


def test_localhost_covers_the_loopback_addresses(ecc: OpenAdrPki) -> None:
    leaf = chain(ecc.server())[0]

    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value

    assert names.get_values_for_type(x509.DNSName) == ["localhost"]
    assert [str(one) for one in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1", "::1"]


def test_either_openadr_side_may_call_and_listen_but_a_site_listener_only_listens(
    ecc: OpenAdrPki,
) -> None:
    both = {ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH}

    found = [
        set(chain(leaf)[0].extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
        for leaf in (ecc.ven("ven-1"), ecc.vtn(), ecc.server())
    ]

    assert found == [both, both, {ExtendedKeyUsageOID.SERVER_AUTH}]


def test_only_authorities_sign_and_only_rsa_leaves_take_encrypted_keys(
    ecc: OpenAdrPki, rsa_pki: OpenAdrPki
) -> None:
    leaf, authority = chain(ecc.vtn())
    rsa_leaf, rsa_authority = chain(rsa_pki.vtn())

    assert usage(authority).key_cert_sign
    assert not usage(authority).digital_signature
    assert not usage(leaf).key_cert_sign
    assert (usage(leaf).key_encipherment, usage(rsa_leaf).key_encipherment) == (False, True)
    assert not usage(rsa_authority).key_encipherment


@pytest.mark.parametrize("at", [datetime(2025, 5, 3, 23, 30, tzinfo=UTC), NOW])
def test_validity_covers_the_simulated_and_the_real_present(ecc: OpenAdrPki, at: datetime) -> None:
    for der in all_ders(ecc):
        one = x509.load_der_x509_certificate(der)
        assert one.not_valid_before_utc <= at <= one.not_valid_after_utc


def test_an_instant_that_no_certificate_covers_is_refused() -> None:
    with pytest.raises(MisuseError, match="OUTSIDE_VALIDITY"):
        openadr("ecc", datetime(2050, 1, 1, tzinfo=UTC))


def test_the_key_belongs_to_the_leaf(ecc: OpenAdrPki) -> None:
    leaf = ecc.ven("ven-1")

    key = load_pem_private_key(leaf.key_pem, password=None)

    spki = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert key.public_key().public_bytes(*spki) == chain(leaf)[0].public_key().public_bytes(*spki)


def test_no_private_key_shows_in_the_text_of_a_value(ecc: OpenAdrPki) -> None:
    shown = repr(ecc) + repr(ecc.ven("ven-1"))

    assert "PRIVATE" not in shown
    assert "PrivateKey" not in shown


@pytest.mark.spec("OpenADR 2.0b section 10.5.1")
def test_the_fingerprint_is_the_last_ten_bytes_of_sha256_in_pairs(ecc: OpenAdrPki) -> None:
    leaf = ecc.ven("ven-1")

    independent = ":".join(f"{byte:02X}" for byte in hashlib.sha256(leaf.der).digest()[22:])

    assert leaf.fingerprint == independent
    assert len(leaf.fingerprint) == 29


def test_one_seed_gives_the_same_bytes_again_and_another_gives_others() -> None:
    first, again, other = (
        openadr("ecc", NOW, source=Seeded(seed)).ven("ven-1") for seed in (b"1", b"1", b"2")
    )

    assert first == again
    assert first.fingerprint != other.fingerprint


def test_a_seeded_hierarchy_has_a_different_key_and_serial_for_each_certificate() -> None:
    found = [
        x509.load_der_x509_certificate(der)
        for der in all_ders(openadr("ecc", NOW, source=Seeded(b"")))
    ]

    keys = {
        one.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint) for one in found
    }

    assert len(keys) == len(found) == 7
    assert len({one.serial_number for one in found}) == 7
    assert all(0 < one.serial_number < 1 << 159 for one in found)


def test_rsa_keys_cannot_be_asked_for_by_seed() -> None:
    with pytest.raises(MisuseError, match="NOT_REPRODUCIBLE"):
        Seeded(b"").key(KeyKind.RSA, "root")


def test_an_authority_is_not_issued_as_a_leaf(ecc: OpenAdrPki) -> None:
    for role in (Role.ROOT, Role.VEN_AUTHORITY):
        with pytest.raises(MisuseError, match="NOT_A_LEAF"):
            ecc.leaf(role, "localhost")


@pytest.mark.parametrize(
    "host",
    [
        "vtn.utility.com",
        "localhost.utility.com",
        "test",
        "example",
        "vtn",
        "10.0.0.1",
        "192.0.2.1",
        "0.0.0.0",
        "::",
        "test.com",
        "example.com",
        "vtn.testing",
    ],
)
def test_production_looking_hosts_are_refused(ecc: OpenAdrPki, host: str) -> None:
    for issue in (ecc.vtn, ecc.server):
        with pytest.raises(MisuseError, match="PRODUCTION_NAME"):
            issue(host)


@pytest.mark.parametrize(
    "host",
    [
        "",
        ".",
        "a..test",
        "-a.test",
        "a-.test",
        "*.test",
        "a b.test",
        "a.test.",
        "a\0.test",
        "ä.test",
        "::1%lo",
        "a" * 64 + ".test",
        "/etc.test",
        "a.test\n",
    ],
)
def test_what_is_no_host_name_is_refused(ecc: OpenAdrPki, host: str) -> None:
    with pytest.raises(MisuseError, match="INVALID_NAME"):
        ecc.vtn(host)


@pytest.mark.parametrize(
    ("host", "named"),
    [
        ("VTN.Test", "vtn.test"),
        ("a.b.localhost", "a.b.localhost"),
        ("127.8.8.8", "127.8.8.8"),
        ("::1", "::1"),
    ],
)
def test_reserved_and_loopback_hosts_are_issued(ecc: OpenAdrPki, host: str, named: str) -> None:
    assert ecc.vtn(host).name == named


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("ven.utility.com", "PRODUCTION_NAME"),
        ("10.1.2.3", "PRODUCTION_NAME"),
        ("", "INVALID_NAME"),
        ("../ven", "INVALID_NAME"),
        ("ven 1", "INVALID_NAME"),
        ("ven-1\n", "INVALID_NAME"),
        ("v" * 65, "INVALID_NAME"),
    ],
)
def test_a_ven_that_could_be_real_or_has_no_usable_name_is_refused(
    ecc: OpenAdrPki, name: str, reason: str
) -> None:
    with pytest.raises(MisuseError, match=reason):
        ecc.ven(name)


@pytest.mark.parametrize("kind", ["rsa", "ecc"])
def test_the_gateway_recognises_every_certificate_made_here(
    kind: str, ecc: OpenAdrPki, rsa_pki: OpenAdrPki
) -> None:
    ders = all_ders(ecc if kind == "ecc" else rsa_pki)

    assert len(ders) == 7
    assert all(is_test_certificate(der) for der in ders)


def test_the_mark_is_an_extension_that_no_stack_must_understand(ecc: OpenAdrPki) -> None:
    for der in all_ders(ecc):
        found = x509.load_der_x509_certificate(der).extensions
        mark = found.get_extension_for_oid(x509.ObjectIdentifier(TEST_MARK))
        assert not mark.critical


def test_a_certificate_from_elsewhere_is_not_taken_for_a_test_certificate() -> None:
    assert not is_test_certificate(foreign())
    assert is_test_certificate(foreign(oid=TEST_MARK))


def test_a_marked_authority_gives_an_unmarked_leaf_away(ecc: OpenAdrPki) -> None:
    authority = ecc.authorities[Role.VTN_AUTHORITY].certificate.public_bytes(Encoding.DER)

    assert first_test_mark([foreign(), authority]) == "certificate 2 of 2"
    assert first_test_mark([foreign(), foreign()]) is None
    assert first_test_mark([]) is None


def test_outside_test_mode_a_marked_chain_is_refused(ecc: OpenAdrPki) -> None:
    refuse_test_certificates([foreign()])

    with pytest.raises(IdentityError) as caught:
        refuse_test_certificates([ecc.ven("ven-1").der])

    assert caught.value.reason == "TEST_CERTIFICATE"
    assert "test_mode" in caught.value.detail
