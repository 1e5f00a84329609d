"""What a VEN knows: frozen values that survive a restart, and the link's passing state, which need not.

Everything in ``VenState`` is persisted before anything of a turn is sent. ``Link`` starts afresh with the process: a
request in flight is simply sent again with its old id and body (every operation is idempotent, section 9.1.4), the
events are asked for once, and polling begins anew.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from gateway.domain.names import SiteId
from gateway.domain.opting import Window
from gateway.domain.timespan import Span
from gateway.protocols.oadr2b import asks, events, opts, registration, reports
from gateway.protocols.oadr2b.messages import OptType
from gateway.protocols.oadr2b.signature.replay import NOTHING_SEEN, Remembered


class Purpose(StrEnum):
    """Why a message is sent; decides what its answer means."""

    QUERY = "query"
    REGISTER = "register"
    UNREGISTER = "unregister"
    METADATA = "metadata"
    REQUEST_EVENT = "request_event"
    POLL = "poll"
    CREATED_EVENT = "created_event"
    UPDATE = "update"
    CREATE_OPT = "create_opt"
    CANCEL_OPT = "cancel_opt"
    ASK_REPORT = "ask_report"
    CANCEL_ASKED = "cancel_asked"
    ANSWER = "answer"
    """Answers something that a poll brought; nothing follows from its acknowledgement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A message that waits to be sent, or for its answer."""

    key: str
    """Names the exchange; the message's own requestID where it has one."""
    purpose: Purpose
    service: str
    body: str
    subject: str = ""
    """reportRequestID or optID concerned, or the message's own requestID."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """The registration with this VTN."""

    state: registration.State = registration.State.UNREGISTERED
    registration_id: str = ""
    ven_id: str = ""
    vtn_id: str = ""
    poll_every: timedelta | None = None
    """oadrRequestedOadrPollFreq."""
    asked_ven_id: str = ""
    """The pre-allocated venID of the configuration that this registration was made under."""
    asked_signature: bool = False
    """The registration was asked for with oadrXmlSignature."""
    asked_address: str = ""
    """The oadrTransportAddress that this registration was made with; empty: pull."""
    certificate: str = ""
    """Fingerprint of the VTN's certificate as our last call saw it; push only, to know who pushes after a restart."""
    ended: tuple[str, str] | None = None
    """registrationID and venID that the VTN has ended, so that a repetition gets the same answer."""
    metadata: str = ""
    """Digest of the offer that the VTN has; empty: it has none."""
    retry_at: datetime | None = None
    """Not before this instant shall registering be tried again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What was last answered about one version of an event."""

    code: str
    opt: OptType
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRecord:
    """One event of this VTN."""

    event_id: str
    version: int
    """Highest modificationNumber seen."""
    state: events.State
    required: bool
    """oadrResponseRequired was ``always`` at the last delivery."""
    startafter: timedelta
    """As of the version taken; zero: none."""
    offset: timedelta = timedelta(0)
    """Drawn once from ``[0, startafter]`` (rule 30)."""
    answer: Answer | None = None
    """None: not decided yet."""
    owed: tuple[str, ...] = ()
    """requestIDs of the deliveries of this version that wait for the decision."""
    request_id: str = ""
    """Of the last delivery (rule 42)."""
    touched_at: datetime
    """When it was last listed, or ended."""
    starts_at: datetime | None = None
    """With the offset; None once nothing more follows from it."""
    ends_at: datetime | None = None
    """With the offset, exclusive; None: open-ended, or nothing more follows from it."""
    xml: str = ""
    """The version taken, as a document of its own; empty once nothing more follows from it."""
    path: str = ""
    """Where it stood in its message."""
    raw_sha256: str = ""
    doubted: bool = False
    """It was handed in while the VTN's clock was too far off, and waits for the clocks to agree."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A report request that is not ended."""

    report_request_id: str
    report_name: str
    """Without ``METADATA_``."""
    specifier_id: str
    r_ids: tuple[str, ...]
    schedule: reports.Schedule
    window: Span | None = None
    """Of a history request; None: the schedule tells what each report covers."""
    fallen_due: int = 0
    covered_until: datetime
    state: reports.State = reports.State.RUNNING
    on_change: bool = False
    """Only values that differ from the one before them (granularity zero)."""
    fingerprint: str
    """Digest of the request, to know a repetition from a change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A report that has fallen due and waits for its readings or for its turn."""

    report_request_id: str
    span: Span
    ready_at: datetime
    """When its readings may be expected to be there."""

    @property
    def key(self) -> str:
        """Return what names the readings it needs, the same after a restart."""
        return f"{self.report_request_id} {self.span.start:%Y%m%dT%H%M%S}/{self.span.end:%Y%m%dT%H%M%S}"


@dataclass(frozen=True, slots=True, kw_only=True)
class OptRecord:
    """An opt that is told in its own right: a schedule, or for some sites of an event."""

    opt_id: str
    state: opts.State
    opt: OptType
    reason: str
    """optReason."""
    sites: tuple[SiteId, ...]
    """Empty: all."""
    windows: tuple[Window, ...] = ()
    """Of a schedule; empty: it is about an event."""
    program: str = ""
    device_class: str = ""
    event_id: str = ""
    version: int = 0
    """Of the event that it is about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VtnPoint:
    """A data point that the VTN offers."""

    r_id: str
    unit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VtnOffer:
    """A report that the VTN offers."""

    specifier_id: str
    name: str
    """Without ``METADATA_``."""
    points: tuple[VtnPoint, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A report that we asked the VTN for."""

    report_request_id: str
    state: asks.State
    specifier_id: str
    wish: str
    """Digest of the setting that wants it."""
    once: bool
    ends_at: datetime | None = None
    """End of the period of interest; None: it has none."""
    message_id: str = ""
    """requestID of the message under way about it; empty: it went with another one."""
    reports: int = 0
    """Reports that came."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VenState:
    """Everything that must survive a restart."""

    registration: Registration = Registration()
    outbox: tuple[Outgoing, ...] = ()
    events: Mapping[str, EventRecord] = field(default_factory=dict)
    running: Mapping[str, Running] = field(default_factory=dict)
    owed: tuple[Due, ...] = ()
    opts: Mapping[str, OptRecord] = field(default_factory=dict)
    """optID -> an opt that is not over."""
    vtn_offers: Mapping[str, VtnOffer] = field(default_factory=dict)
    """reportSpecifierID -> what the VTN offers."""
    asked: Mapping[str, Asked] = field(default_factory=dict)
    """reportRequestID -> what we asked the VTN for."""
    finished: tuple[str, ...] = ()
    """reportRequestIDs of the last requests that ended, so that a repetition is known as one."""
    replay: Remembered = NOTHING_SEEN
    """Signed messages that came in lately."""
    restored_at: datetime | None = None
    """When the gateway went on with an older backup; what it reported until then is stored at the VTN alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """A message that was sent in vain."""

    attempts: int
    not_before: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """How the exchange with the VTN stands; forgotten at a restart."""

    in_flight: Outgoing | None = None
    failures: int = 0
    """In a row, of the whole link."""
    not_before: datetime | None = None
    """Nothing is sent before this instant."""
    asked_until: datetime | None = None
    """The VTN asked to be left alone until then."""
    waits: Mapping[str, Wait] = field(default_factory=dict)
    """Key of an outgoing message -> how long it alone is put off."""
    polled_at: datetime | None = None
    """Start of the last poll."""
    next_poll_at: datetime | None = None
    poll_failures: int = 0
    drained: int = 0
    """Polls in a row that brought something."""
    losses: int = 0
    """Times in a row that the VTN did not know us right after a registration."""
    queried: bool = False
    synced: bool = False
    """The events were asked for since the start or since the registration was lost."""
    listed_at: datetime | None = None
    """createdDateTime of the newest listing that was pushed or asked for (rule 115)."""
    told_at: datetime | None = None
    """When the VTN last answered the question for events."""
    crossed: bool = False
    """A listing was pushed while the question for events was on its way: its answer may be the older one."""
    collecting: str = ""
    """Key of the readings asked for; empty: none."""
    silent: frozenset[tuple[str, str]] = frozenset()
    """(site, meter) that had not told the last value of the newest report: the next one does not wait for them."""
    offset_s: float | None = None
    """The VTN's clock minus ours as last noted, seconds."""
    seen_at: datetime | None = None
    """Our clock at the last door."""
