"""Build hierarchies and leaves; nothing here touches a file or reads the clock.

pki = openadr("ecc", now)
pki.anchor_pem                what the other side must trust
pki.vtn("localhost")          a leaf: chain_pem, key_pem, fingerprint
"""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID, ObjectIdentifier

from certs import names
from certs.keys import Fresh, KeySource, PrivateKey
from certs.profiles import MARK_TEXT, ORGANISATION, SHAPES, VALIDITY, KeyKind, Role, Validity
from gateway.domain.errors import MisuseError
from gateway.domain.test_mark import TEST_MARK_OID
from gateway.protocols.oadr2b.identity import fingerprint

_PEM: Final = serialization.Encoding.PEM
_DER: Final = serialization.Encoding.DER
_LOOPBACK: Final = ("127.0.0.1", "::1")
_UTF8_STRING: Final = 0x0C
_FRESH: Final = Fresh()


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """Something that signs: the root or an intermediate."""

    certificate: x509.Certificate
    key: PrivateKey = field(repr=False)

    @property
    def certificate_pem(self) -> bytes:
        """The certificate alone, PEM."""
        return self.certificate.public_bytes(_PEM)

    @property
    def key_pem(self) -> bytes:
        """The private key, PEM (PKCS 8), not encrypted."""
        return _key_pem(self.key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """A certificate with its key, ready to be used by one side of a TLS connection."""

    role: Role
    name: str
    """Common name: host name or VEN id."""
    der: bytes
    """The certificate alone."""
    chain_pem: bytes
    """The certificate and then its intermediates, without the root: what TLS sends."""
    key_pem: bytes = field(repr=False)
    """The private key, PEM (PKCS 8), not encrypted."""

    @property
    def fingerprint(self) -> str:
        """What the other side puts on file (OpenADR 2.0b, section 10.5.1)."""
        return fingerprint(self.der)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenAdrPki:
    """One OpenADR hierarchy with the keys of its authorities."""

    kind: KeyKind
    authorities: Mapping[Role, Authority]
    source: KeySource

    @property
    def anchor_pem(self) -> bytes:
        """The root certificate: what every peer of this hierarchy trusts."""
        return self.authorities[Role.ROOT].certificate_pem

    def vtn(self, host: str = "localhost", *, validity: Validity = VALIDITY) -> Leaf:
        """Issue for a utility's server, named by host; ``localhost`` covers the loopback addresses too.

        Raises:
            MisuseError: ``INVALID_NAME`` or ``PRODUCTION_NAME``.
        """
        return self.leaf(Role.VTN, host, validity=validity)

    def ven(self, name: str, *, validity: Validity = VALIDITY) -> Leaf:
        """Issue for a VEN, named by its unique id; without host name, since peers know it by fingerprint.

        Raises:
            MisuseError: ``INVALID_NAME`` or ``PRODUCTION_NAME``.
        """
        return self.leaf(Role.VEN, name, validity=validity)

    def server(self, host: str = "localhost", *, validity: Validity = VALIDITY) -> Leaf:
        """Issue for the gateway's listener towards the site.

        Raises:
            MisuseError: ``INVALID_NAME`` or ``PRODUCTION_NAME``.
        """
        return self.leaf(Role.SERVER, host, validity=validity)

    def leaf(self, role: Role, name: str, *, validity: Validity = VALIDITY) -> Leaf:
        """Issue for any role that is not an authority.

        Raises:
            MisuseError: ``INVALID_NAME`` or ``PRODUCTION_NAME``; ``NOT_A_LEAF`` for an authority's role.
        """
        shape = SHAPES[role]
        if shape.issuer is None or shape.is_authority:
            raise MisuseError("NOT_A_LEAF", f"{role} is an authority; ask for ven, vtn or server")
        allowed = names.ven(name) if role is Role.VEN else names.host(name)
        label = f"{role}/{allowed}"
        key = self.source.key(self.kind, label)
        issuer = self.authorities[shape.issuer]
        certificate = _certify(
            role, allowed, key, issuer, validity=validity, serial=self.source.serial(label)
        )
        return Leaf(
            role=role,
            name=allowed,
            der=certificate.public_bytes(_DER),
            chain_pem=certificate.public_bytes(_PEM) + issuer.certificate_pem,
            key_pem=_key_pem(key),
        )


def openadr(kind: Literal["rsa", "ecc"], at: datetime, *, source: KeySource = _FRESH) -> OpenAdrPki:
    """Build a root and its three intermediates.

    Args:
        kind: Keys of the whole hierarchy; RSA takes about a second, ECC a few milliseconds.
        at: When it is to be used, aware; validity is the same for all and covers 2020 to 2049.
        source: Where keys and serial numbers come from.

    Raises:
        MisuseError: ``OUTSIDE_VALIDITY`` when ``at`` lies outside 2020 to 2049.

    Spec: OpenADR 2.0b, section 10: one root, separate VEN and VTN intermediates.
    """
    if not VALIDITY.contains(at):
        raise MisuseError(
            "OUTSIDE_VALIDITY", "test certificates cover 2020 to 2049; choose an instant there"
        )
    authorities: dict[Role, Authority] = {}
    for role, shape in SHAPES.items():
        if shape.is_authority:
            issuer = None if shape.issuer is None else authorities[shape.issuer]
            authorities[role] = _authority(role, KeyKind(kind), issuer, source)
    return OpenAdrPki(kind=KeyKind(kind), authorities=authorities, source=source)


def _authority(role: Role, kind: KeyKind, issuer: Authority | None, source: KeySource) -> Authority:
    key = source.key(kind, role)
    title = f"{SHAPES[role].title} ({kind.upper()})"
    certificate = _certify(role, title, key, issuer, validity=VALIDITY, serial=source.serial(role))
    return Authority(certificate=certificate, key=key)


def _certify(
    role: Role,
    common_name: str,
    key: PrivateKey,
    issuer: Authority | None,
    *,
    validity: Validity,
    serial: int,
) -> x509.Certificate:
    subject = _subject(common_name)
    signer = key if issuer is None else issuer.key
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if issuer is None else issuer.certificate.subject)
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(validity.start)
        .not_valid_after(validity.end)
    )
    for extension, critical in _extensions(role, common_name, key, signer):
        builder = builder.add_extension(extension, critical=critical)
    # Deterministic signatures (RFC 6979) make the certificate a function of its keys and serial number.
    deterministic = True if isinstance(signer, ec.EllipticCurvePrivateKey) else None
    return builder.sign(signer, hashes.SHA256(), ecdsa_deterministic=deterministic)


def _extensions(
    role: Role, common_name: str, key: PrivateKey, signer: PrivateKey
) -> list[tuple[x509.ExtensionType, bool]]:
    """List the extensions of a role, each with whether it is critical (RFC 5280, 4.2)."""
    shape = SHAPES[role]
    found: list[tuple[x509.ExtensionType, bool]] = [
        (x509.BasicConstraints(ca=shape.is_authority, path_length=shape.path_length), True),
        (_usage(is_authority=shape.is_authority, key=key), True),
        (x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False),
        (x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), False),
        (_mark(), False),
    ]
    if shape.purposes:
        found.append((x509.ExtendedKeyUsage(shape.purposes), False))
    if role in {Role.VTN, Role.SERVER}:
        found.append((_host_names(common_name), False))
    return found


def _usage(*, is_authority: bool, key: PrivateKey) -> x509.KeyUsage:
    # TLS_RSA_WITH_AES_128_CBC_SHA256 sends the secret encrypted to the server's key, hence keyEncipherment.
    return x509.KeyUsage(
        digital_signature=not is_authority,
        content_commitment=False,
        key_encipherment=not is_authority and not isinstance(key, ec.EllipticCurvePrivateKey),
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=is_authority,
        crl_sign=is_authority,
        encipher_only=False,
        decipher_only=False,
    )


def _mark() -> x509.UnrecognizedExtension:
    text = MARK_TEXT.encode()
    value = bytes((_UTF8_STRING, len(text))) + text
    return x509.UnrecognizedExtension(ObjectIdentifier(TEST_MARK_OID), value)


def _host_names(host: str) -> x509.SubjectAlternativeName:
    try:
        return x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(host))])
    except ValueError:
        addresses = _LOOPBACK if host == "localhost" else ()
    return x509.SubjectAlternativeName(
        [x509.DNSName(host), *(x509.IPAddress(ipaddress.ip_address(text)) for text in addresses)]
    )


def _subject(common_name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, ORGANISATION),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def _key_pem(key: PrivateKey) -> bytes:
    return key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
