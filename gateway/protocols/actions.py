"""What a session may ask for: plain values, performed by the driver in the order given.

Order is a promise. The driver persists the session's state, together with every ``Emit`` of the list, in one
transaction before it performs any ``Send`` or ``Reply`` of that list: nothing is acknowledged that is not remembered.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Literal

from gateway.domain.event import GridEvent, RawMessage
from gateway.domain.reading import Reading
from gateway.domain.timespan import Span

UNREADABLE: Final = "unreadable_answer"
"""Word of the note that tells of an answer that was no message; its field ``reason`` says why."""


UNPROVEN: Final = "signature_refused"
"""Word of the note that tells of a message whose author or time is not proven; its field ``reason`` says why."""
SYNCHRONISED: Final = "synchronised"
"""Word of the ``Note`` by which a session says that it has handed in every event that the utility has at present."""


Method = Literal["GET", "HEAD", "POST", "PUT", "DELETE"]
"""What a request does (RFC 9110, section 9.3)."""


class FactKind(StrEnum):
    """What a ``Fact`` is about."""

    OPT = "opt"
    """How the utility took an opt schedule; the key is its id."""
    OFFER = "offer"
    """A report that the utility offers; the key is its reportSpecifierID."""
    REQUEST = "request"
    """A report that we asked the utility for; the key is our reportRequestID."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """Ask the peer something; the answer or the failure comes back under ``request_id``."""

    request_id: str
    """Names the exchange inside this session; at most one in flight per id."""
    service: str
    """Last path segment, e.g. ``OadrPoll``; with ``href``, only a word for the log, e.g. ``get``."""
    body: bytes
    media_type: str = "application/xml"
    method: Method = "POST"
    href: str = ""
    """Where to, as the peer's own link says, relative or whole; empty: ``service`` below the configured root."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """Answer the message being handled (server role, push mode)."""

    body: bytes
    status: int = 200
    media_type: str = "application/xml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wake:
    """Call ``on_time`` at this instant; of several wishes the earliest counts."""

    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Emit:
    """Hand new versions of events inward; remembered before anything is sent."""

    events: tuple[GridEvent, ...]
    raw: RawMessage
    answer_within: timedelta | None = None
    """The utility waits no longer than this for the answers; None: as long as the program says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Collect:
    """Ask for metered values that a report needs; they come back through ``on_readings`` under ``key``."""

    key: str
    meters: tuple[tuple[str, str], ...]
    """(site, meter) pairs."""
    span: Span
    step: timedelta
    """Length of each wanted value; a whole multiple of the meter's own interval."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A fact for the log and the audit: an event word and fields without secrets."""

    word: str
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Close:
    """Stop driving this session; the reason is for the operator."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """What the utility said that people may look up; committed with the session's state, newer replaces older."""

    kind: FactKind
    key: str
    at: datetime
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedValue:
    """One value that the utility reported to us."""

    specifier: str
    """reportSpecifierID, or what the protocol names a report by."""
    point: str
    """rID."""
    start: datetime
    duration: timedelta | None
    """None: a point in time."""
    value: str
    """A plain decimal, or a status in words."""
    unit: str
    """Of the offer; empty: not known."""
    quality: str
    """As received; empty: not told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """Values that the utility reported; committed with the session's state before they are acknowledged."""

    request: str
    """Which of our requests they answer."""
    at: datetime
    values: tuple[ReceivedValue, ...]


Kept = Fact | Received
"""What is stored beside the session's state, for people."""
Action = Send | Reply | Wake | Emit | Collect | Note | Close | Fact | Received


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """Bytes that came in: the answer to a ``Send``, or a request when we are the server."""

    request_id: str
    """Of the ``Send`` that this answers; empty for a request by the peer."""
    service: str
    body: bytes
    status: int = 200
    media_type: str = "application/xml"
    peer: str = ""
    """Fingerprint of the peer's certificate, empty without TLS."""
    date: datetime | None = None
    """The peer's clock as its HTTP ``Date`` header told."""
    location: str = ""
    """Where the peer says that a created or moved thing stands (``Location``), verbatim; empty: it does not say."""
    href: str = ""
    """Where the answer came from in the end, whole; it differs from what was asked when the peer moved it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A ``Send`` that got no answer."""

    request_id: str
    reason: str
    """Of the ``TransportError``."""
    retry_after: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    """What a ``Collect`` asked for; one tuple per (site, meter), in time order, gaps as missing readings."""

    key: str
    series: Mapping[tuple[str, str], tuple[Reading, ...]]
