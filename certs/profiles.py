"""What the certificates of each profile look like: keys, validity, extensions; data only.

    root ─┬─ VEN authority  ── ven      a client of the utility, named by a unique id
          ├─ VTN authority  ── vtn      the utility, named by its host
          └─ site authority ── server   the gateway's own listener towards the site

Spec: OpenADR 2.0b, section 10 (security) and rule 68: RSA of 2048 bits or more, or ECC P-256; SHA-256; one root,
separate intermediates for VENs and VTNs. The site branch is the project's own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier

ORGANISATION: Final = "gridgate TEST only"
"""Organisation in the subject of every certificate made here."""
MARK_TEXT: Final = "gridgate TEST certificate"
"""What the test mark extension says to whoever prints it."""
RSA_BITS: Final = 2048


class KeyKind(StrEnum):
    """Which keys a hierarchy uses, from root to leaf."""

    RSA = "rsa"
    ECC = "ecc"


class ProfileName(StrEnum):
    """The profiles as named on the command line."""

    OPENADR_RSA = "openadr-rsa"
    OPENADR_ECC = "openadr-ecc"
    SEP2 = "sep2"
    """IEEE 2030.5, CSIP and CSIP-AUS; made by ``certs.sep2``."""


class Role(StrEnum):
    """What a certificate is for."""

    ROOT = "root"
    VEN_AUTHORITY = "ven-authority"
    VTN_AUTHORITY = "vtn-authority"
    SITE_AUTHORITY = "site-authority"
    VEN = "ven"
    VTN = "vtn"
    SERVER = "server"


@dataclass(frozen=True, slots=True, kw_only=True)
class Validity:
    """When certificates count, both ends included as in X.509; aware UTC, whole seconds."""

    start: datetime
    end: datetime

    def contains(self, at: datetime) -> bool:
        """Say whether certificates of this validity count at ``at``."""
        return self.start <= at <= self.end


VALIDITY: Final = Validity(
    start=datetime(2020, 1, 1, tzinfo=UTC), end=datetime(2049, 12, 31, 23, 59, 59, tzinfo=UTC)
)
"""Wide on purpose: TLS libraries compare with the real clock while rehearsals run at simulated times.

2049 is the last year that X.509 writes with two digits (RFC 5280, 4.1.2.5), which old stacks read safely.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What a certificate of one role holds beside its name and key."""

    issuer: Role | None
    """Who signs it; the root signs itself."""
    title: str = ""
    """Common name of an authority; a leaf is named by who asks for it."""
    path_length: int | None = None
    """How many authorities may follow below; leaves have none."""
    purposes: tuple[ObjectIdentifier, ...] = ()
    """Extended key usage."""

    @property
    def is_authority(self) -> bool:
        """Say whether it may sign certificates."""
        return self.path_length is not None


_BOTH: Final = (ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH)

SHAPES: Final[Mapping[Role, Shape]] = {
    Role.ROOT: Shape(issuer=None, title="gridgate TEST root", path_length=1),
    Role.VEN_AUTHORITY: Shape(issuer=Role.ROOT, title="gridgate TEST VEN authority", path_length=0),
    Role.VTN_AUTHORITY: Shape(issuer=Role.ROOT, title="gridgate TEST VTN authority", path_length=0),
    Role.SITE_AUTHORITY: Shape(
        issuer=Role.ROOT, title="gridgate TEST site authority", path_length=0
    ),
    # In push mode the roles of HTTP turn round: the VEN listens and the VTN calls (OpenADR 2.0b, section 9).
    Role.VEN: Shape(issuer=Role.VEN_AUTHORITY, purposes=_BOTH),
    Role.VTN: Shape(issuer=Role.VTN_AUTHORITY, purposes=_BOTH),
    Role.SERVER: Shape(issuer=Role.SITE_AUTHORITY, purposes=(ExtendedKeyUsageOID.SERVER_AUTH,)),
}

PROFILES: Final[Mapping[ProfileName, KeyKind]] = {
    ProfileName.OPENADR_RSA: KeyKind.RSA,
    ProfileName.OPENADR_ECC: KeyKind.ECC,
}
"""Which keys the hierarchy of a profile uses. A VTN is to hold certificates of both kinds."""
