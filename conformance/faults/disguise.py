"""What a server may show in the handshake: the right identity, or one of the wrong ones.

Spec: OpenADR 2.0b section 10, rule 68; reliability clauses on TLS edges.
"""

import ssl
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ObjectIdentifier

from certs.issue import Leaf, OpenAdrPki, openadr
from certs.profiles import Role, Validity

_HOST: Final = "localhost"
_UNKNOWN: Final = ObjectIdentifier("2.25.329800735698586629295641978511506172918")
_PAST: Final = Validity(
    start=datetime(2020, 1, 1, tzinfo=UTC), end=datetime(2021, 1, 1, tzinfo=UTC)
)
_FUTURE: Final = Validity(
    start=datetime(2048, 1, 1, tzinfo=UTC), end=datetime(2049, 1, 1, tzinfo=UTC)
)
_ANY_LEVEL: Final = "@SECLEVEL=0"

Show = Callable[[OpenAdrPki], tuple[bytes, bytes]]
"""Makes chain and key (PEM) from the hierarchy that the client trusts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Disguise:
    """How a handshake is spoilt."""

    show: Show
    oldest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2
    newest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3
    ciphers: str = ""
    stall: bool = False
    """The handshake is begun and never answered."""
    tickets: bool = True
    refuse: bool = False
    """The connection is reset before a byte."""
    renegotiate: bool = False
    """In the middle of the first answer the client is asked to shake hands again (TLS 1.2 alone)."""


def _pair(leaf: Leaf) -> tuple[bytes, bytes]:
    return leaf.chain_pem, leaf.key_pem


def honest(pki: OpenAdrPki) -> tuple[bytes, bytes]:
    """Show what the client expects."""
    return _pair(pki.vtn(_HOST))


def expired(pki: OpenAdrPki) -> tuple[bytes, bytes]:
    """Show a certificate that has ended."""
    return _pair(pki.vtn(_HOST, validity=_PAST))


def not_yet_valid(pki: OpenAdrPki) -> tuple[bytes, bytes]:
    """Show a certificate of the future."""
    return _pair(pki.vtn(_HOST, validity=_FUTURE))


def wrong_authority(pki: OpenAdrPki) -> tuple[bytes, bytes]:
    """Show a certificate of a stranger's hierarchy with the same names."""
    return _pair(openadr("ecc", _PAST.start).vtn(_HOST))


def wrong_host(pki: OpenAdrPki) -> tuple[bytes, bytes]:
    """Show a certificate of the right hierarchy for another host."""
    return _pair(pki.vtn("elsewhere.example"))


def missing_intermediate(pki: OpenAdrPki) -> tuple[bytes, bytes]:
    """Show the leaf alone."""
    leaf = pki.vtn(_HOST)
    return x509.load_der_x509_certificate(leaf.der).public_bytes(Encoding.PEM), leaf.key_pem


def wrong_curve(pki: OpenAdrPki) -> tuple[bytes, bytes]:
    """Show a key on P-224, which TLS libraries no longer take."""
    return _altered(pki, ec.generate_private_key(ec.SECP224R1()))


def unknown_critical(pki: OpenAdrPki) -> tuple[bytes, bytes]:
    """Show a certificate with a critical extension that nobody knows."""
    return _altered(pki, ec.generate_private_key(ec.SECP256R1()), critical=True)


def _altered(
    pki: OpenAdrPki, key: ec.EllipticCurvePrivateKey, *, critical: bool = False
) -> tuple[bytes, bytes]:
    """Issue a copy of the honest leaf for another key, perhaps with a strange extension."""
    issuer = pki.authorities[Role.VTN_AUTHORITY]
    model = x509.load_der_x509_certificate(pki.vtn(_HOST).der)
    builder = x509.CertificateBuilder(
        issuer_name=issuer.certificate.subject,
        subject_name=model.subject,
        public_key=key.public_key(),
        serial_number=x509.random_serial_number(),
        not_valid_before=model.not_valid_before_utc,
        not_valid_after=model.not_valid_after_utc,
    )
    for found in model.extensions:
        if not isinstance(found.value, x509.SubjectKeyIdentifier):
            builder = builder.add_extension(found.value, critical=found.critical)
    if critical:
        strange = x509.UnrecognizedExtension(_UNKNOWN, b"\x05\x00")
        builder = builder.add_extension(strange, critical=True)
    made = builder.sign(issuer.key, hashes.SHA256())
    chain = made.public_bytes(Encoding.PEM) + issuer.certificate_pem
    return chain, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


HONEST: Final = Disguise(show=honest)


class Wardrobe:
    """Makes the TLS contexts of a hierarchy, each once.

    Args:
        pki: The hierarchy that the client trusts.
    """

    def __init__(self, pki: OpenAdrPki) -> None:
        self._pki = pki
        self._made: dict[Disguise, ssl.SSLContext] = {}

    def context(self, disguise: Disguise) -> ssl.SSLContext:
        """Return the server's context; a client certificate of the hierarchy is demanded."""
        if disguise not in self._made:
            self._made[disguise] = self._make(disguise)
        return self._made[disguise]

    def _make(self, disguise: Disguise) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with warnings.catch_warnings():
            # Old versions are what some of these are about.
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = disguise.oldest
            context.maximum_version = disguise.newest
        if disguise.ciphers:
            context.set_ciphers(disguise.ciphers)
        if not disguise.tickets:
            context.options |= ssl.OP_NO_TICKET
            context.num_tickets = 0
        chain, key = disguise.show(self._pki)
        with tempfile.NamedTemporaryFile(suffix=".pem") as file:
            path = Path(file.name)
            path.write_bytes(key + chain)
            context.load_cert_chain(path)
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cadata=self._pki.anchor_pem.decode())
        return context


OLD: Final = Disguise(
    show=honest,
    oldest=ssl.TLSVersion.TLSv1_1,
    newest=ssl.TLSVersion.TLSv1_1,
    ciphers=f"ALL:{_ANY_LEVEL}",
)
"""TLS 1.1 alone."""
NEW: Final = Disguise(show=honest, oldest=ssl.TLSVersion.TLSv1_3)
"""TLS 1.3 alone."""
AGAIN: Final = Disguise(show=honest, newest=ssl.TLSVersion.TLSv1_2, renegotiate=True)
"""Renegotiation, once per connection."""
STRANGE_CIPHER: Final = Disguise(
    show=honest, newest=ssl.TLSVersion.TLSv1_2, ciphers="ECDHE-ECDSA-CHACHA20-POLY1305"
)
"""No cipher suite in common."""
