"""Reason -> answer: the one table of the southbound interface's refusals."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

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
    code: str
    """``GG-nnnn``; never changes its meaning."""
    title: str
    fix: str
    """What the caller does next."""


_LATER: Final = "Send the same request again later."
_API: Final = "Compare with /openapi.json."
TABLE: Final[Mapping[str, Row]] = {
    "HTTP": Row(400, "http", "GG-4000", "Not answered", _API),
    "MALFORMED_JSON": Row(400, "malformed", "GG-4001", "No valid JSON", _API),
    "DUPLICATE_KEY": Row(400, "malformed", "GG-4002", "A key stands twice", _API),
    "INVALID_NUMBER": Row(
        400, "malformed", "GG-4003", "No usable number", 'Send decimals as strings, e.g. "12.5".'
    ),
    "INVALID_TEXT": Row(
        422, "invalid", "GG-4004", "No usable text", "Send plain text without control characters."
    ),
    "INVALID_BODY": Row(422, "invalid", "GG-4005", "Invalid body", _API),
    "INVALID_QUERY": Row(422, "invalid", "GG-4006", "Invalid query", _API),
    "NO_TOKEN": Row(401, "token", "GG-4011", "No token", "Send Authorization: Bearer <token>."),
    "BAD_TOKEN": Row(401, "token", "GG-4012", "Token not accepted", "Ask for a new token."),
    "SCOPE": Row(403, "scope", "GG-4031", "Outside the token's scope", "Use another token."),
    "NOT_FOUND": Row(
        404, "not-found", "GG-4041", "Not found", "Check the id, and whose token it is."
    ),
    "NO_PLAN": Row(404, "no-plan", "GG-4042", "No plan yet", "Open the stream and wait for it."),
    "NO_ROUTE": Row(404, "no-route", "GG-4043", "No such address", _API),
    "METHOD": Row(405, "method", "GG-4051", "Method not offered here", _API),
    "SLOW_BODY": Row(408, "slow", "GG-4081", "The body came too slowly", _LATER),
    "STALE_REVISION": Row(
        409, "stale", "GG-4091", "Not the newest revision", "Answer the newest revision."
    ),
    "CONFLICT": Row(
        409, "conflict", "GG-4092", "Same key, other content", "Use a new key for new content."
    ),
    "TOO_LATE": Row(409, "late", "GG-4093", "Too late", "Nothing; the event is over."),
    "REFUSED": Row(409, "refused", "GG-4094", "Not allowed now", "Read the detail."),
    "CURSOR": Row(
        410, "cursor", "GG-4101", "Cursor of no use", "Read the plan, start again without it."
    ),
    "TOO_LARGE": Row(413, "too-large", "GG-4131", "Too large", "Send less at once."),
    "ENCODING": Row(415, "media-type", "GG-4151", "Compressed", "Send the body uncompressed."),
    "MEDIA_TYPE": Row(
        415, "media-type", "GG-4152", "Not JSON", "Send Content-Type: application/json."
    ),
    "METER_DATA": Row(422, "meter-data", "GG-4221", "Meter data of no use", "Read the detail."),
    "STREAMS": Row(429, "streams", "GG-4291", "Too many streams", "Close one of them first."),
    "OVERLOADED": Row(429, "rate", "GG-4292", "Too many requests", _LATER),
    "INTERNAL": Row(500, "internal", "GG-5001", "A fault of the gateway", "Tell its operator."),
    "BUSY": Row(503, "busy", "GG-5031", "The gateway cannot store now", _LATER),
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
