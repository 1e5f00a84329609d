"""Reason -> answer: the one table of the southbound interface's refusals."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from gateway.domain.codes import sites
from gateway.domain.codes.row import Row as CodeRow
from gateway.domain.errors import (
    ConfigError,
    DeliveryError,
    GatewayError,
    IdentityError,
    MeterDataError,
    MisuseError,
    SessionError,
    SignalError,
    StoreError,
    TransportError,
    WireError,
)


@dataclass(frozen=True, slots=True)
class Row:
    """How one reason is answered."""

    status: int
    slug: str
    """Last part of the problem's type."""
    known: CodeRow

    @property
    def code(self) -> str:
        """Return ``GG-nnnn``; never changes its meaning."""
        return self.known.code

    @property
    def title(self) -> str:
        """Return what happened, in a few words."""
        return self.known.title

    @property
    def fix(self) -> str:
        """Return what the caller does next."""
        return self.known.fix


_KNOWN: Final = {row.reason: row for row in sites.ROWS}
_ANSWERS: Final = {
    "HTTP": (400, "http"),
    "MALFORMED_JSON": (400, "malformed"),
    "DUPLICATE_KEY": (400, "malformed"),
    "INVALID_NUMBER": (400, "malformed"),
    "INVALID_TEXT": (422, "invalid"),
    "INVALID_BODY": (422, "invalid"),
    "INVALID_QUERY": (422, "invalid"),
    "NO_TOKEN": (401, "token"),
    "BAD_TOKEN": (401, "token"),
    "SCOPE": (403, "scope"),
    "NOT_FOUND": (404, "not-found"),
    "NO_PLAN": (404, "no-plan"),
    "NO_ROUTE": (404, "no-route"),
    "METHOD": (405, "method"),
    "SLOW_BODY": (408, "slow"),
    "STALE_REVISION": (409, "stale"),
    "CONFLICT": (409, "conflict"),
    "TOO_LATE": (409, "late"),
    "REFUSED": (409, "refused"),
    "CURSOR": (410, "cursor"),
    "TOO_LARGE": (413, "too-large"),
    "ENCODING": (415, "media-type"),
    "MEDIA_TYPE": (415, "media-type"),
    "METER_DATA": (422, "meter-data"),
    "CLOCKS_DIFFER": (425, "clocks"),
    "STREAMS": (429, "streams"),
    "OVERLOADED": (429, "rate"),
    "INTERNAL": (500, "internal"),
    "BUSY": (503, "busy"),
}
TABLE: Final[Mapping[str, Row]] = {
    reason: Row(status, slug, _KNOWN[reason]) for reason, (status, slug) in _ANSWERS.items()
}
"""A reason that is not listed is answered by its class."""

_BY_CLASS: Final[tuple[tuple[type[GatewayError], str], ...]] = (
    (WireError, "INVALID_BODY"),
    (SessionError, "REFUSED"),
    (SignalError, "REFUSED"),
    (MeterDataError, "METER_DATA"),
    (IdentityError, "BAD_TOKEN"),
    (StoreError, "BUSY"),
    (TransportError, "BUSY"),
    (DeliveryError, "BUSY"),
    (MisuseError, "INTERNAL"),
    (ConfigError, "INTERNAL"),
)
_OURS: Final = (StoreError, TransportError, DeliveryError, MisuseError, ConfigError)
"""Faults on this side: reason and detail are for the operator, a site is told the class only."""


def listed_reason(error: GatewayError) -> str:
    """Return the key of ``TABLE`` under which an error is answered."""
    if isinstance(error, StoreError) and error.reason == "STALE_REVISION":
        return "STALE_REVISION"  # the store's own guard saw what the pipeline would have refused
    if error.reason in TABLE and not isinstance(error, _OURS):
        return error.reason
    return next(reason for kind, reason in _BY_CLASS if isinstance(error, kind))


def told_detail(error: GatewayError) -> str:
    """Return what a site may read about an error."""
    return TABLE[listed_reason(error)].title if isinstance(error, _OURS) else error.detail
