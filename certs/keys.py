"""Where private keys and serial numbers come from: fresh ones, or the same ones again from a seed."""

import hashlib
from typing import Final, Protocol

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from certs.profiles import RSA_BITS, KeyKind
from gateway.domain.errors import MisuseError

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
"""The kinds of private key that the profiles use."""

_CURVE: Final = ec.SECP256R1()


class KeySource(Protocol):
    """Gives the two things in a certificate that must not be guessed."""

    def key(self, kind: KeyKind, label: str) -> PrivateKey:
        """Return the private key for one certificate.

        Args:
            kind: RSA of 2048 bits or ECC P-256.
            label: Role and name of the certificate; never the same twice in one hierarchy.
        """
        ...

    def serial(self, label: str) -> int:
        """Return a positive serial number of at most 159 bits (RFC 5280, 4.1.2.2)."""
        ...


class Fresh:
    """Keys and serial numbers of the operating system's randomness."""

    def key(self, kind: KeyKind, label: str) -> PrivateKey:
        """Make a new key; an RSA key takes about a tenth of a second."""
        if kind is KeyKind.RSA:
            return rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS)
        return ec.generate_private_key(_CURVE)

    def serial(self, label: str) -> int:
        """Draw a new serial number."""
        return x509.random_serial_number()


class Seeded:
    """The same ECC keys and serial numbers for the same seed: equal runs, equal fingerprints.

    Anyone who knows the seed knows the keys. That is in order for certificates that are refused outside test mode.

    Args:
        seed: Any bytes.
    """

    def __init__(self, seed: bytes) -> None:
        self._seed = seed

    def key(self, kind: KeyKind, label: str) -> PrivateKey:
        """Derive an ECC key.

        Raises:
            MisuseError: ``NOT_REPRODUCIBLE`` for RSA, whose primes cannot be asked for by seed.
        """
        if kind is KeyKind.RSA:
            raise MisuseError("NOT_REPRODUCIBLE", "only ECC keys can be derived from a seed")
        # Below 2^255, hence below the order of the curve; zero would need a preimage of the hash.
        return ec.derive_private_key(self._number("key", label) >> 1, _CURVE)

    def serial(self, label: str) -> int:
        """Derive a serial number."""
        return self._number("serial", label) >> 97

    def _number(self, purpose: str, label: str) -> int:
        framed = b"\0".join((purpose.encode(), label.encode(), self._seed))
        return int.from_bytes(hashlib.sha256(framed).digest(), "big")
