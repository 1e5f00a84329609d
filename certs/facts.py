"""Read certificates and keys out of files, and say of each certificate what it says of itself."""

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, SignatureAlgorithmOID

from certs.files import Found
from gateway.domain.test_mark import TEST_MARK_OID
from gateway.protocols.oadr2b.identity import fingerprint

_BLOCK: Final = re.compile(
    rb"-----BEGIN (?P<label>[A-Z0-9 ]+)-----.*?-----END (?P=label)-----", re.DOTALL
)
_DER: Final = "DER"
_LOADERS: Final = {
    _DER: x509.load_der_x509_certificate,
    "CERTIFICATE": x509.load_pem_x509_certificate,
    "X509 CERTIFICATE": x509.load_pem_x509_certificate,
}
_PURPOSES: Final = {
    ExtendedKeyUsageOID.CLIENT_AUTH: "TLS client",
    ExtendedKeyUsageOID.SERVER_AUTH: "TLS server",
}
_SIGNATURES: Final = {
    SignatureAlgorithmOID.RSA_WITH_SHA256: "RSA with SHA-256",
    SignatureAlgorithmOID.ECDSA_WITH_SHA256: "ECDSA with SHA-256",
}
BAD_BLOCK: Final = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)
"""What the library raises for bytes that are no certificate or key it can read; found by feeding it damaged ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Something that is wrong, and whose move it is."""

    code: str
    """Stable upper-case word."""
    where: str
    """File and certificate."""
    what: str
    fix: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """One certificate in plain values."""

    file: Path
    position: int
    """Place among the certificates of its file, from 1."""
    der: bytes
    parsed: x509.Certificate
    subject: str
    issuer: str
    key: str
    """Kind and size of the key, e.g. ``ECC secp256r1``."""
    key_bits: int
    signature: str
    start: datetime
    """First instant at which it counts; aware UTC."""
    end: datetime
    """Last instant at which it counts; aware UTC."""
    names: tuple[str, ...]
    """Host names and addresses that a client may look for."""
    purposes: tuple[str, ...]
    """Extended key usage in words; empty when any use is allowed."""
    is_authority: bool
    path_length: int | None
    """How many authorities may follow below; None is no bound."""
    is_test: bool
    """Whether it carries the project's test mark."""

    @property
    def fingerprint(self) -> str:
        """OpenADR 2.0b form (section 10.5.1)."""
        return fingerprint(self.der)

    @property
    def sha256(self) -> str:
        """SHA-256 over the DER bytes, 64 lower-case hex digits."""
        return hashlib.sha256(self.der).hexdigest()

    @property
    def is_self_issued(self) -> bool:
        """Say whether it names itself as issuer, as roots do."""
        return self.parsed.subject == self.parsed.issuer

    @property
    def where(self) -> str:
        """File and place, for people."""
        return f"{self.file} (certificate {self.position})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """The public half of a private key that was found; the private half is dropped at once."""

    file: Path
    public: bytes
    """SubjectPublicKeyInfo, DER."""
    exposed: bool
    """Whether others than the owner of the file can read it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """All that some files hold."""

    certificates: tuple[Certificate, ...]
    keys: tuple[Key, ...]
    faults: tuple[Fault, ...]
    """What could not be read."""


def contents(found: Found) -> Contents:
    """Read the certificates and keys of one file, PEM or DER; what is neither becomes a fault."""
    certificates: list[Certificate] = []
    keys: list[Key] = []
    faults: list[Fault] = []
    pem = [
        (match["label"].decode("ascii"), match.group()) for match in _BLOCK.finditer(found.content)
    ]
    for label, block in pem or [(_DER, found.content)]:
        try:
            if label.endswith("PRIVATE KEY"):
                keys.append(_key(found, block))
            elif label in _LOADERS:
                parsed = _LOADERS[label](block)
                certificates.append(_certificate(found.path, len(certificates) + 1, parsed))
        except BAD_BLOCK as error:
            faults.append(_unreadable(found.path, label, error))
    if not (certificates or keys or faults):
        faults.append(_nothing(found.path))
    return Contents(certificates=tuple(certificates), keys=tuple(keys), faults=tuple(faults))


def _certificate(path: Path, position: int, parsed: x509.Certificate) -> Certificate:
    extensions = {found.oid.dotted_string: found.value for found in parsed.extensions}
    key, key_bits = _key_in_words(parsed.public_key())
    constraints = extensions.get(x509.BasicConstraints.oid.dotted_string)
    basic = constraints if isinstance(constraints, x509.BasicConstraints) else None
    return Certificate(
        file=path,
        position=position,
        der=parsed.public_bytes(Encoding.DER),
        parsed=parsed,
        subject=_plain(parsed.subject.rfc4514_string()),
        issuer=_plain(parsed.issuer.rfc4514_string()),
        key=key,
        key_bits=key_bits,
        signature=_signature_in_words(parsed),
        start=parsed.not_valid_before_utc,
        end=parsed.not_valid_after_utc,
        names=_names(extensions.get(x509.SubjectAlternativeName.oid.dotted_string)),
        purposes=_purposes(extensions.get(x509.ExtendedKeyUsage.oid.dotted_string)),
        is_authority=basic is not None and basic.ca,
        path_length=basic.path_length if basic else None,
        is_test=TEST_MARK_OID in extensions,
    )


def _plain(text: str) -> str:
    # A name comes from a stranger and goes to a terminal, where control characters would act.
    return "".join(one if one.isprintable() else f"\\x{ord(one):02x}" for one in text)


def _key_in_words(key: PublicKeyTypes) -> tuple[str, int]:
    match key:
        case rsa.RSAPublicKey():
            return f"RSA {key.key_size} bits", key.key_size
        case ec.EllipticCurvePublicKey():
            return f"ECC {key.curve.name}", key.key_size
        case _:
            return type(key).__name__.removesuffix("PublicKey"), 0


def _signature_in_words(parsed: x509.Certificate) -> str:
    oid = parsed.signature_algorithm_oid
    return _SIGNATURES.get(oid, oid.dotted_string)


def _names(extension: x509.ExtensionType | None) -> tuple[str, ...]:
    if not isinstance(extension, x509.SubjectAlternativeName):
        return ()
    hosts = extension.get_values_for_type(x509.DNSName)
    addresses = extension.get_values_for_type(x509.IPAddress)
    return tuple(_plain(str(name)) for name in (*hosts, *addresses))


def _purposes(extension: x509.ExtensionType | None) -> tuple[str, ...]:
    if not isinstance(extension, x509.ExtendedKeyUsage):
        return ()
    return tuple(_PURPOSES.get(oid, oid.dotted_string) for oid in extension)


def _key(found: Found, block: bytes) -> Key:
    public = load_pem_private_key(block, password=None).public_key()
    return Key(
        file=found.path,
        public=public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        exposed=bool(found.mode & 0o077),
    )


def _unreadable(path: Path, label: str, error: Exception) -> Fault:
    if isinstance(error, TypeError):
        return Fault(
            code="KEY_ENCRYPTED",
            where=str(path),
            what="the private key is encrypted, so it was not compared with the certificate",
            fix="give an unencrypted copy to compare, or leave the key out",
        )
    block = f"its {label} block cannot be read"
    return Fault(
        code="UNREADABLE",
        where=str(path),
        what="it is neither PEM nor a DER certificate" if label == _DER else block,
        fix="name a certificate file in PEM or DER; this one may be cut off or damaged",
    )


def _nothing(path: Path) -> Fault:
    return Fault(
        code="NO_CERTIFICATE",
        where=str(path),
        what="the file holds neither a certificate nor a private key",
        fix="name a file with -----BEGIN CERTIFICATE----- blocks",
    )
