"""A 2030.5 hierarchy and what is issued from it; nothing here touches a file or reads the clock.

    depth 2    SERCA ── device
    depth 3    SERCA ── MICA ── device
    depth 4    SERCA ── MCA ── MICA ── device

pki = sep2(depth=4)
pki.anchor_pem                     what the other side must trust
pki.device("0001")                 a leaf: chain_pem, key_pem, lfdi

Spec: IEEE 2030.5-2018 clause 6.11; CSIP Implementation Guide v2.1 section 5.2 (chain depths).
"""

import hashlib
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from certs import names
from certs.keys import Fresh, KeySource, PrivateKey
from certs.profiles import KeyKind
from certs.sep2 import draft
from certs.sep2.draft import Draft

_FRESH: Final = Fresh()
Depth = Literal[2, 3, 4]
"""Certificates from root to leaf, both counted."""
DEPTHS: Final[Mapping[int, Depth]] = {2: 2, 3: 3, 4: 4}


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """Something that signs."""

    certificate: x509.Certificate
    key: PrivateKey = field(repr=False)

    @property
    def pem(self) -> bytes:
        """The certificate."""
        return self.certificate.public_bytes(Encoding.PEM)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sep2Leaf:
    """A certificate with its key, ready to be used by one side of a TLS connection."""

    name: str
    der: bytes
    chain_pem: bytes
    """The certificate and what stands between it and the root, which stays away."""
    key_pem: bytes = field(repr=False)

    @property
    def lfdi(self) -> str:
        """The long-form device identifier: 40 hex digits (IEEE 2030.5-2018 clause 6.3.4)."""
        return hashlib.sha256(self.der).hexdigest()[:40].upper()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sep2Pki:
    """One hierarchy with the keys of its authorities, root first."""

    authorities: tuple[Authority, ...]
    source: KeySource

    @property
    def anchor_pem(self) -> bytes:
        """The root certificate: what every peer of this hierarchy trusts."""
        return self.authorities[0].pem

    @property
    def issuer(self) -> Authority:
        """Who signs leaves."""
        return self.authorities[-1]

    def device(self, serial_number: str) -> Sep2Leaf:
        """Issue for a device; its subject is empty and its serial number names it."""
        return self.leaf(draft.device(serial_number, self.issuer.key), f"device/{serial_number}")

    def aggregator(self, name: str) -> Sep2Leaf:
        """Issue for a client that is named by its subject: an aggregator, or a device of that shape.

        Raises:
            MisuseError: ``INVALID_NAME`` or ``PRODUCTION_NAME``.
        """
        return self.leaf(draft.client(names.ven(name), self.issuer.key), f"aggregator/{name}")

    def server(self, host: str = "localhost", *, critical: bool = False) -> Sep2Leaf:
        """Issue for a server.

        Args:
            host: ``localhost`` covers the loopback addresses too.
            critical: An empty subject and a critical alternative name, for peers that demand it.

        Raises:
            MisuseError: ``INVALID_NAME`` or ``PRODUCTION_NAME``.
        """
        allowed = names.host(host)
        made = draft.server(_hosts(allowed), allowed, self.issuer.key, critical=critical)
        return self.leaf(made, f"server/{allowed}")

    def leaf(self, made: Draft, label: str, *, key: PrivateKey | None = None) -> Sep2Leaf:
        """Sign a draft of whatever shape and put the chain below it.

        Args:
            made: What it says.
            label: Role and name, never twice in one hierarchy.
            key: Another key than a fresh one on P-256.
        """
        key = key or self.source.key(KeyKind.ECC, label)
        issuer = self.issuer
        found = draft.sign(
            made, key, issuer.certificate.subject, issuer.key, self.source.serial(label)
        )
        between = b"".join(authority.pem for authority in reversed(self.authorities[1:]))
        return Sep2Leaf(
            name=label.partition("/")[2],
            der=found.public_bytes(Encoding.DER),
            chain_pem=found.public_bytes(Encoding.PEM) + between,
            key_pem=key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        )


def sep2(depth: Depth = 4, *, source: KeySource = _FRESH) -> Sep2Pki:
    """Build the authorities of a hierarchy; every certificate bears the test mark and never expires."""
    titles: dict[int, tuple[str, ...]] = {
        2: ("SERCA",),
        3: ("SERCA", "MICA"),
        4: ("SERCA", "MCA", "MICA"),
    }
    found: list[Authority] = []
    for title in titles[depth]:
        found.append(below(found, title, source))
    return Sep2Pki(authorities=tuple(found), source=source)


def below(above: list[Authority], title: str, source: KeySource) -> Authority:
    """Make the authority that follows those above it; the first is the root."""
    key = source.key(KeyKind.ECC, title)
    signer = above[-1].key if above else key
    made = authority_draft(title, key, signer)
    issuer = above[-1].certificate.subject if above else made.subject
    return Authority(
        certificate=draft.sign(made, key, issuer, signer, source.serial(title)), key=key
    )


def authority_draft(title: str, key: PrivateKey, signer: PrivateKey) -> Draft:
    """Draft an authority by its place: SERCA, MCA or MICA."""
    policy = draft.ANY_POLICY if title == "SERCA" else draft.DEVICE_TYPE
    length = 0 if title == "MICA" else None
    return draft.authority(f"gridgate TEST {title}", key, signer, path_length=length, policy=policy)


def _hosts(host: str) -> x509.SubjectAlternativeName:
    loopback = ("127.0.0.1", "::1") if host == "localhost" else ()
    try:
        return x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(host))])
    except ValueError:
        addresses = [x509.IPAddress(ipaddress.ip_address(text)) for text in loopback]
        return x509.SubjectAlternativeName([x509.DNSName(host), *addresses])
