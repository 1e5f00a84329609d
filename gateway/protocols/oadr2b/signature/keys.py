"""Keys of signatures: ours, loaded and judged once, and those in the certificates of peers."""

import base64
import binascii
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from gateway.domain.errors import ConfigError, IdentityError
from gateway.protocols.oadr2b.identity import fingerprint
from gateway.protocols.oadr2b.signature.names import ECDSA_SHA1, ECDSA_SHA256, RSA_SHA1, RSA_SHA256

LEAST_RSA_BITS: Final = 2048
LEAST_ECC_BITS: Final = 256
_KNOWN: Final = 4096
"""Peers whose certificate is kept parsed."""
_RSA: Final[dict[str, hashes.HashAlgorithm]] = {
    RSA_SHA256: hashes.SHA256(),
    RSA_SHA1: hashes.SHA1(),  # noqa: S303 - refused unless the operator allows it
}
_ECDSA: Final[dict[str, hashes.HashAlgorithm]] = {
    ECDSA_SHA256: hashes.SHA256(),
    ECDSA_SHA1: hashes.SHA1(),  # noqa: S303 - refused unless the operator allows it
}
PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey
PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerKey:
    """What a certificate says about signatures made with its key."""

    fingerprint: str
    public: PublicKey | None
    starts_at: datetime
    ends_at: datetime
    fault: str = ""
    """Why nothing signed with it counts; empty: nothing speaks against it."""

    def admit(self, now: datetime) -> PublicKey:
        """Return the key when it may sign at an instant.

        Raises:
            IdentityError: ``SIGNATURE_KEY``.

        Spec: OpenADR 2.0b rules 68 and 516, section 10.1.
        """
        if self.public is None or self.fault:
            raise IdentityError("SIGNATURE_KEY", f"the signing certificate {self.fault}")
        if not self.starts_at <= now <= self.ends_at:
            detail = "the signing certificate has expired, or is not valid yet"
            raise IdentityError("SIGNATURE_KEY", detail)
        return self.public


@lru_cache(maxsize=_KNOWN)
def peer_key(der: bytes) -> PeerKey | None:
    """Read a peer's certificate; None when it is none."""
    try:
        found = x509.load_der_x509_certificate(der)
        public, fault = _judged(found)
        return PeerKey(
            fingerprint=fingerprint(der),
            public=public,
            starts_at=found.not_valid_before_utc,
            ends_at=found.not_valid_after_utc,
            fault=fault,
        )
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None


def _judged(found: x509.Certificate) -> tuple[PublicKey | None, str]:
    """Return the key of a certificate, and what speaks against using it."""
    public = found.public_key()
    if isinstance(public, rsa.RSAPublicKey):
        if public.key_size < LEAST_RSA_BITS:
            return public, f"has an RSA key of {public.key_size} bits; {LEAST_RSA_BITS} are needed"
    elif isinstance(public, ec.EllipticCurvePublicKey):
        if public.curve.key_size < LEAST_ECC_BITS:
            return public, f"has a key on {public.curve.name}; P-256 or more is needed"
    else:
        return None, "has a key that is neither RSA nor ECC"
    try:
        usage = found.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return public, ""
    signs = usage.digital_signature or usage.content_commitment
    return public, "" if signs else "may not be used for signatures (keyUsage)"


def verifies(public: PublicKey, method: str, value: bytes, signed: bytes) -> bool:
    """Say whether a signature value fits.

    Args:
        public: The peer's key.
        method: Identifier of the signature algorithm; one that does not go with the key fits nothing.
        value: As RFC 4050 and RFC 8017 write it: r and s side by side for ECDSA.
        signed: The bytes signed.
    """
    try:
        if isinstance(public, rsa.RSAPublicKey):
            public.verify(value, signed, PKCS1v15(), _RSA[method])
        else:
            half = (public.curve.key_size + 7) // 8
            if len(value) != 2 * half:
                return False
            pair = (int.from_bytes(value[:half], "big"), int.from_bytes(value[half:], "big"))
            public.verify(encode_dss_signature(*pair), signed, ec.ECDSA(_ECDSA[method]))
    except (InvalidSignature, KeyError, UnsupportedAlgorithm):
        return False
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """Our own key with its certificate."""

    method: str
    """Identifier of the signature algorithm."""
    certificate: str
    """The certificate alone, DER in base64."""
    peer: PeerKey
    """What peers see."""
    private: PrivateKey = field(repr=False)

    def sign(self, content: bytes) -> bytes:
        """Return the signature value of some bytes."""
        if isinstance(self.private, rsa.RSAPrivateKey):
            return self.private.sign(content, PKCS1v15(), _RSA[self.method])
        half = (self.private.curve.key_size + 7) // 8
        r, s = decode_dss_signature(self.private.sign(content, ec.ECDSA(_ECDSA[self.method])))
        return r.to_bytes(half, "big") + s.to_bytes(half, "big")


def signing_key(chain: bytes, key: bytes) -> SigningKey:
    """Read and judge our own signing material; meant to be called once.

    Args:
        chain: Certificates in PEM, ours first.
        key: Its private key in PEM, not encrypted.

    Raises:
        ConfigError: ``SIGNING_KEY`` when peers could not accept what it signs. Dates are not judged.
    """
    try:
        certificate = x509.load_pem_x509_certificates(chain)[0]
        private = load_pem_private_key(key, password=None)
    except (ValueError, TypeError, IndexError, UnsupportedAlgorithm) as error:
        fault = f"certificate and key cannot be read ({type(error).__name__}); give PEM files, the key not encrypted"
        raise ConfigError((fault,), "SIGNING_KEY") from None
    der = certificate.public_bytes(Encoding.DER)
    peer = peer_key(der)
    if peer is None or peer.fault:
        fault = (
            f"the certificate {peer.fault if peer else 'cannot be read'}; ask for one that may sign"
        )
        raise ConfigError((fault,), "SIGNING_KEY")
    if not isinstance(private, PrivateKey) or private.public_key() != peer.public:
        fault = "the key is not that of the certificate; they must belong together"
        raise ConfigError((fault,), "SIGNING_KEY")
    method = RSA_SHA256 if isinstance(private, rsa.RSAPrivateKey) else ECDSA_SHA256
    text = base64.b64encode(der).decode()
    return SigningKey(method=method, certificate=text, peer=peer, private=private)


def decoded(text: str | None, largest: int) -> bytes:
    """Return the bytes of a base64 text, blanks and line ends allowed.

    Raises:
        IdentityError: ``SIGNATURE_SHAPE``.
    """
    bare = "".join((text or "").split())
    if not bare or len(bare) > 2 * largest:
        raise IdentityError("SIGNATURE_SHAPE", "a value of the signature is empty or too long")
    try:
        return base64.b64decode(bare, validate=True)
    except (binascii.Error, ValueError):
        raise IdentityError("SIGNATURE_SHAPE", "a value of the signature is no base64") from None
