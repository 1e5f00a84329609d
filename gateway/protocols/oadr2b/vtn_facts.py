"""What a VTN has to tell: facts without secrets, for whoever operates or judges it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TypeAlias

from gateway.protocols.oadr2b.messages import OadrLoadControlState, OadrReport, OptType
from gateway.protocols.oadr2b.vtn_records import Waiting
from gateway.protocols.oadr2b.vtn_requests import RequestState


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """A VEN has registered, or renewed its registration."""

    ven_id: str
    ven_name: str
    fingerprint: str
    renewed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Unregistered:
    """A registration has ended."""

    ven_id: str
    by: str
    """``ven`` or ``vtn``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """A VEN has registered its reports."""

    ven_id: str
    reports: tuple[OadrReport, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """A VEN has answered an event; every answer is kept, also one that we refused."""

    ven_id: str
    event_id: str
    version: int
    opt: OptType
    code: str
    """responseCode that the VEN gave."""
    description: str
    accepted: str
    """responseCode that we gave."""
    by: str
    """``oadrCreatedEvent`` or ``oadrCreateOpt``."""
    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportAnswered:
    """A VEN has promised, refused or ended a report."""

    ven_id: str
    report_request_id: str
    state: RequestState
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """One value of one data point, or one status."""

    ven_id: str
    want_id: str
    report_request_id: str
    report_name: str
    r_id: str
    starts_at: datetime
    lasts: timedelta | None
    """None: a reading at one instant."""
    value: Decimal | None
    """In the unit of the metadata; None for a status."""
    online: bool | None = None
    manual_override: bool | None = None
    load_control: OadrLoadControlState | None = None
    quality: str = ""
    confidence: int | None = None
    accuracy: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OptTaken:
    """A VEN has created or cancelled an opt schedule."""

    ven_id: str
    opt_id: str
    opt: OptType | None
    """None: cancelled."""
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """A message has left the poll queue towards a VEN."""

    ven_id: str
    waiting: Waiting
    times_sent: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GaveUp:
    """A message was sent as often as allowed and never answered."""

    ven_id: str
    waiting: Waiting


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A message was answered with an error."""

    ven_id: str
    """As far as the certificate tells; empty for a stranger."""
    message: str
    code: str
    detail: str


Fact: TypeAlias = (
    Registered
    | Unregistered
    | Offered
    | Answered
    | ReportAnswered
    | Reported
    | OptTaken
    | Delivered
    | GaveUp
    | Refused
)
