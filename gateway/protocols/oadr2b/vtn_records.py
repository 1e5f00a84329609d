"""What a VTN remembers about its VENs, its events and its report requests: frozen records, one key each."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import TypeAlias

from gateway.domain.timespan import instant_text
from gateway.protocols.oadr2b.messages import (
    OadrCreateOpt,
    OadrEvent,
    OadrReport,
    OadrReportRequest,
    OptType,
)
from gateway.protocols.oadr2b.vtn_requests import RequestState

Key: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One event as a VEN last saw it, without the instant of creation."""

    event_id: str
    modification_number: int
    status: str
    current_value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VenRecord:
    """A registered VEN, bound to the certificate it registered with (OpenADR 2.0b rule 517)."""

    ven_id: str
    registration_id: str
    fingerprint: str
    """Of the client certificate; empty over plain HTTP."""
    ven_name: str
    registered_at: datetime
    xml_signature: bool = False
    report_only: bool = False
    transport_address: str = ""
    """Where it takes what is pushed to it, as it announced that; empty: it polls."""
    shown: tuple[Shown, ...] = ()
    """The last oadrDistributeEvent sent, to know when createdDateTime is to be renewed (rule 115)."""
    shown_at: datetime | None = None
    """The createdDateTime that this oadrDistributeEvent bore."""

    @property
    def owner(self) -> str:
        """Return the VEN this record belongs to."""
        return self.ven_id

    @property
    def key(self) -> Key:
        """Return the key among the owner's records."""
        return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRecord:
    """An event as published, at its newest version."""

    event: OadrEvent
    """Its status and createdDateTime are filled in anew at each delivery."""
    audience: tuple[str, ...] = ()
    """venIDs that get it; empty: every VEN."""
    published_at: datetime
    cancelled_at: datetime | None = None

    @property
    def event_id(self) -> str:
        """Return the event's id."""
        return self.event.ei_event.event_descriptor.event_id

    def concerns(self, ven_id: str) -> bool:
        """Say whether a VEN is among those it is for."""
        return not self.audience or ven_id in self.audience

    @property
    def version(self) -> int:
        """Return the modificationNumber."""
        return self.event.ei_event.event_descriptor.modification_number

    @property
    def owner(self) -> str:
        """Return the empty owner: events belong to the VTN."""
        return ""

    @property
    def key(self) -> Key:
        """Return the event id."""
        return (self.event_id,)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryRecord:
    """How far one event has come with one VEN."""

    ven_id: str
    event_id: str
    sent_version: int
    sent_at: datetime
    answered_version: int | None = None
    """Newest version that the VEN answered; None: none yet."""
    opt: OptType | None = None
    """The answer that counts now."""
    opt_by_message: bool = False
    """True: an oadrCreateOpt decided, and only another one may change that (rule 206)."""
    resource_opts: tuple[tuple[str, OptType], ...] = ()
    """What oadrCreateOpts said for parts of the VEN, as ``kind:name`` and the opt."""

    @property
    def owner(self) -> str:
        """Return the VEN this record belongs to."""
        return self.ven_id

    @property
    def key(self) -> Key:
        """Return the event id."""
        return (self.event_id,)


@dataclass(frozen=True, slots=True, kw_only=True)
class AllocationRecord:
    """A venID given out beforehand, and the certificates that may use it."""

    ven_id: str
    fingerprints: tuple[str, ...] = ()
    """Two while one is rolled over, the new one first; empty: whoever asks for this venID first."""
    name: str = ""
    """For people."""
    overlap_until: datetime | None = None
    """From then on only the first certificate counts; None: all of them, until they are taken off."""

    def counting(self, now: datetime) -> tuple[str, ...]:
        """Return the certificates that count at an instant."""
        over = self.overlap_until is not None and now >= self.overlap_until
        return self.fingerprints[:1] if over else self.fingerprints

    @property
    def owner(self) -> str:
        """Return the empty owner: allocations belong to the VTN."""
        return ""

    @property
    def key(self) -> Key:
        """Return the venID."""
        return (self.ven_id,)


class Waiting(StrEnum):
    """What may wait in a poll queue."""

    EVENTS = "events"
    REGISTER_REPORT = "register_report"
    UPDATE_REPORT = "update_report"
    CREATE_REPORT = "create_report"
    CANCEL_REPORT = "cancel_report"
    CANCEL_REGISTRATION = "cancel_registration"
    REREGISTRATION = "reregistration"


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueRecord:
    """One message that waits for a poll, or for its answer after one."""

    ven_id: str
    number: int
    """Position: first in, first out."""
    waiting: Waiting
    subject: str = ""
    """reportRequestIDs of ours concerned, separated by spaces; the requesting one of a metadata report."""
    request_id: str
    """requestID of the message, the same at each delivery."""
    to_follow: bool = False
    """reportToFollow of a cancellation."""
    since: datetime | None = None
    until: datetime | None = None
    """Span that a report of ours covers, half-open."""
    sent_at: datetime | None = None
    times_sent: int = 0

    @property
    def owner(self) -> str:
        """Return the VEN this record belongs to."""
        return self.ven_id

    @property
    def key(self) -> Key:
        """Return the position as sortable text."""
        return (f"{self.number:012d}",)

    @property
    def subjects(self) -> tuple[str, ...]:
        """Return the reportRequestIDs concerned; ours hold no spaces."""
        return tuple(self.subject.split())


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferRecord:
    """One report that a VEN registered as metadata."""

    ven_id: str
    report: OadrReport

    @property
    def owner(self) -> str:
        """Return the VEN this record belongs to."""
        return self.ven_id

    @property
    def key(self) -> Key:
        """Return the reportSpecifierID."""
        return (self.report.report_specifier_id,)


@dataclass(frozen=True, slots=True, kw_only=True)
class WantRecord:
    """A report that the utility wishes to get; it becomes a request as soon as a VEN offers it."""

    want_id: str
    ven_id: str = ""
    """Empty: from every VEN that offers it."""
    report_name: str
    """Without ``METADATA_``, e.g. ``TELEMETRY_USAGE``."""
    r_ids: tuple[str, ...] = ()
    """Data points; empty: all of the report."""
    granularity: timedelta
    report_back: timedelta
    """How often it is delivered; zero: once."""
    starts_at: datetime | None = None
    """Start of the period of interest; None: when the request is made."""
    lasts: timedelta | None = None
    """Zero: until cancelled; None: no reportInterval (one report at once)."""
    piggyback: bool = False
    """Ask in the oadrRegisteredReport that takes the metadata, where there is one (rule 344)."""

    @property
    def owner(self) -> str:
        """Return the empty owner: wishes belong to the VTN."""
        return ""

    @property
    def key(self) -> Key:
        """Return the id of the wish."""
        return (self.want_id,)


class Riding(StrEnum):
    """Whether a cancellation travels in an oadrUpdatedReport (rules 328 and 335)."""

    NO = "no"
    DUE = "due"
    """In the answer to the next update."""
    DUE_TO_FOLLOW = "due_to_follow"
    """The same, asking for one last report."""
    TOLD = "told"
    """Told; it gets no confirmation. Another update means that it was not heard."""
    TOLD_TO_FOLLOW = "told_to_follow"
    """Told; one more update is expected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRecord:
    """One report request to one VEN."""

    ven_id: str
    want_id: str
    report_name: str
    request: OadrReportRequest
    state: RequestState = RequestState.QUEUED
    riding: Riding = Riding.NO

    @property
    def owner(self) -> str:
        """Return the VEN this record belongs to."""
        return self.ven_id

    @property
    def key(self) -> Key:
        """Return the reportRequestID."""
        return (self.request.report_request_id,)


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnReportRecord:
    """A report that this VTN offers to its VENs."""

    report: OadrReport
    """As metadata: reportName with ``METADATA_``, its descriptions."""

    @property
    def owner(self) -> str:
        """Return the empty owner: the VTN's own reports belong to it."""
        return ""

    @property
    def key(self) -> Key:
        """Return the reportSpecifierID."""
        return (self.report.report_specifier_id,)


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnValueRecord:
    """One value of a report of ours."""

    report_specifier_id: str
    r_id: str
    at: datetime
    value: Decimal
    """In the unit of the report's description."""

    @property
    def owner(self) -> str:
        """Return the reportSpecifierID."""
        return self.report_specifier_id

    @property
    def key(self) -> Key:
        """Return the data point and the instant as sortable text."""
        return (self.r_id, instant_text(self.at))


@dataclass(frozen=True, slots=True, kw_only=True)
class SupplyRecord:
    """A report that a VEN asked us for, pending until its last delivery is acknowledged."""

    ven_id: str
    request: OadrReportRequest
    covered_until: datetime
    """Where the next delivery begins."""
    next_at: datetime | None
    """When it is due; None: nothing more follows what waits in the queue."""

    @property
    def owner(self) -> str:
        """Return the VEN this record belongs to."""
        return self.ven_id

    @property
    def key(self) -> Key:
        """Return the reportRequestID that the VEN chose."""
        return (self.request.report_request_id,)


class OptState(StrEnum):
    """Where an opt of a VEN stands."""

    STANDING = "standing"
    REPLACED = "replaced"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class OptRecord:
    """An oadrCreateOpt as received; kept after its end, since its optID stays known (rule 204)."""

    ven_id: str
    number: int
    opt: OadrCreateOpt
    state: OptState = OptState.STANDING
    taken_at: datetime | None = None
    """None: taken by a release that did not note it."""
    superseded: tuple[str, ...] = ()
    """Parts of the VEN that a later schedule speaks for (rule 202)."""
    cancelled_by: str = ""
    """requestID of the oadrCancelOpt, which may come again when its answer was lost."""

    @property
    def owner(self) -> str:
        """Return the VEN this record belongs to."""
        return self.ven_id

    @property
    def key(self) -> Key:
        """Return the position as sortable text."""
        return (f"{self.number:012d}",)


Record: TypeAlias = (
    VenRecord
    | EventRecord
    | AllocationRecord
    | DeliveryRecord
    | QueueRecord
    | OfferRecord
    | WantRecord
    | RequestRecord
    | OptRecord
    | OwnReportRecord
    | OwnValueRecord
    | SupplyRecord
)
