"""A certificate before it is signed: everything about it in one value, so that a bad one is a good one with a change.

Spec: IEEE 2030.5-2018 clause 6.11 (certificate profile); RFC 4108 section 5 (hardware module names).
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID, ObjectIdentifier

from certs.keys import PrivateKey
from certs.profiles import MARK_TEXT, ORGANISATION
from gateway.domain.test_mark import TEST_MARK_OID

HARDWARE_MODULE_NAME: Final = ObjectIdentifier("1.3.6.1.5.5.7.8.4")
"""id-on-hardwareModuleName: how a device's certificate names it."""
DEVICE_TYPE: Final = "1.3.6.1.4.1.40732.1.1"
"""Policy: a generic device."""
TEST_POLICY: Final = "1.3.6.1.4.1.40732.2.1"
"""Policy: test certificate."""
SERVICE_PROVIDER: Final = "1.3.6.1.4.1.40732.2.3"
"""Policy: certificate of a service provider, such as an aggregator."""
ANY_POLICY: Final = "2.5.29.32.0"
START: Final = datetime(2020, 1, 1, tzinfo=UTC)
NEVER: Final = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
"""99991231235959Z: device certificates do not expire (RFC 5280, section 4.1.2.5)."""
NOBODY: Final = x509.Name([])
"""The empty subject."""
_SEQUENCE: Final = 0x30
_OCTETS: Final = 0x04
_UTF8: Final = 0x0C
_HARDWARE_TYPE: Final = bytes.fromhex("060a2b0601040182be1c0101")
"""DER of ``DEVICE_TYPE``, which stands for any maker's type here."""

Extension = tuple[x509.ExtensionType, bool]
"""What it is, and whether it is critical."""
Hash = hashes.SHA256 | hashes.SHA384


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What a certificate will say."""

    subject: x509.Name
    extensions: tuple[Extension, ...]
    start: datetime = START
    end: datetime = NEVER
    digest: Hash = field(default_factory=hashes.SHA256)
    self_signed: bool = False
    """Signed by its own key, whoever should have."""

    def without(self, kind: type[x509.ExtensionType]) -> "tuple[Extension, ...]":
        """Return the extensions but one."""
        return tuple(pair for pair in self.extensions if not isinstance(pair[0], kind))

    def softened(self, kind: type[x509.ExtensionType]) -> "tuple[Extension, ...]":
        """Return the extensions, one of them no longer critical."""
        return tuple(
            (one, critical and not isinstance(one, kind)) for one, critical in self.extensions
        )


def sign(
    draft: Draft, key: PrivateKey, issuer: x509.Name, signer: PrivateKey, serial: int
) -> x509.Certificate:
    """Make the certificate.

    Args:
        draft: What it says.
        key: Whose public half it certifies.
        issuer: Name of who signs; a self-signed one has its own subject there.
        signer: Key of who signs.
        serial: Positive.
    """
    if draft.self_signed:
        issuer, signer = draft.subject, key
    builder = (
        x509.CertificateBuilder()
        .subject_name(draft.subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(draft.start)
        .not_valid_after(draft.end)
    )
    for extension, critical in draft.extensions:
        builder = builder.add_extension(extension, critical=critical)
    deterministic = True if isinstance(signer, ec.EllipticCurvePrivateKey) else None
    return builder.sign(signer, draft.digest, ecdsa_deterministic=deterministic)


# --- the parts


def authority(
    title: str, key: PrivateKey, signer: PrivateKey, *, path_length: int | None, policy: str
) -> Draft:
    """Draft a root (path length None), a maker's authority or a device-issuing one (0)."""
    return Draft(
        subject=named(title),
        extensions=(
            (x509.BasicConstraints(ca=True, path_length=path_length), True),
            (usage("key_cert_sign", "crl_sign"), True),
            (policies(policy), True),
            (x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False),
            (x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), False),
            (mark(), False),
        ),
    )


def device(serial_number: str, signer: PrivateKey) -> Draft:
    """Draft a device: nameless but for its hardware module name, in a critical alternative name; it never expires."""
    return Draft(
        subject=NOBODY,
        extensions=(
            (usage("digital_signature", "key_agreement"), True),
            (policies(DEVICE_TYPE, TEST_POLICY), True),
            (x509.SubjectAlternativeName([hardware(serial_number)]), True),
            (x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), False),
            (mark(), False),
        ),
    )


def client(name: str, signer: PrivateKey) -> Draft:
    """Draft a client that is named by its subject, as aggregators and some devices are."""
    return Draft(
        subject=named(name),
        extensions=(
            (usage("digital_signature", "key_agreement"), True),
            (policies(SERVICE_PROVIDER, TEST_POLICY), True),
            (x509.SubjectAlternativeName([hardware(name)]), False),
            (x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), False),
            (mark(), False),
        ),
    )


def server(
    names: x509.SubjectAlternativeName, title: str, signer: PrivateKey, *, critical: bool
) -> Draft:
    """Draft a server; with a critical alternative name its subject is empty, as peers that want that demand."""
    return Draft(
        subject=NOBODY if critical else named(title),
        extensions=(
            (usage("digital_signature", "key_agreement"), True),
            (policies(DEVICE_TYPE, TEST_POLICY), True),
            (names, critical),
            (x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), False),
            (mark(), False),
        ),
    )


def named(title: str) -> x509.Name:
    """Return a subject."""
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, ORGANISATION),
            x509.NameAttribute(NameOID.COMMON_NAME, title),
        ]
    )


def hardware(serial_number: str) -> x509.OtherName:
    """Return a hardware module name: SEQUENCE { hwType, hwSerialNum }."""
    number = serial_number.encode()
    content = _HARDWARE_TYPE + bytes((_OCTETS, len(number))) + number
    return x509.OtherName(HARDWARE_MODULE_NAME, bytes((_SEQUENCE, len(content))) + content)


def policies(*oids: str) -> x509.CertificatePolicies:
    """Return certificate policies without qualifiers."""
    return x509.CertificatePolicies(
        [x509.PolicyInformation(ObjectIdentifier(oid), None) for oid in oids]
    )


def usage(*purposes: str) -> x509.KeyUsage:
    """Return a key usage with some purposes."""
    every = (
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
        "encipher_only",
        "decipher_only",
    )
    return x509.KeyUsage(**{purpose: purpose in purposes for purpose in every})


def mark() -> x509.UnrecognizedExtension:
    """Return the mark by which the gateway knows a test certificate."""
    text = MARK_TEXT.encode()
    return x509.UnrecognizedExtension(
        ObjectIdentifier(TEST_MARK_OID), bytes((_UTF8, len(text))) + text
    )
