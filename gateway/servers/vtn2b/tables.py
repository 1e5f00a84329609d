"""The VTN's own tables, in metadata of their own.

What the standard has a message for is kept as that message; the rest in columns. Durations are ISO 8601 text, numbers
plain decimal text: both exact.
"""

from datetime import datetime

from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel


class VtnRow(SQLModel, registry=registry()):
    """Base of this server's rows."""


class VenRow(VtnRow, table=True):
    """A registered VEN."""

    __tablename__ = "vtn2b_ven"
    ven_id: str = Field(primary_key=True)
    registration_id: str
    fingerprint: str
    ven_name: str
    registered_at: datetime
    xml_signature: bool
    report_only: bool
    transport_address: str = Field(default="", sa_column_kwargs={"server_default": ""})
    shown: str
    """JSON list of [eventID, modificationNumber, eventStatus, currentValue]."""
    shown_at: datetime | None


class ReplayRow(VtnRow, table=True):
    """One signed message that came in lately; the row without digest tells below which bucket all were dropped."""

    __tablename__ = "vtn2b_replay"
    bucket: int = Field(primary_key=True)
    digest: str = Field(primary_key=True)
    peer: str


class EventRow(VtnRow, table=True):
    """A published event at its newest version."""

    __tablename__ = "vtn2b_event"
    event_id: str = Field(primary_key=True)
    audience: str
    """JSON list of venIDs."""
    published_at: datetime
    cancelled_at: datetime | None
    message: bytes
    """An oadrDistributeEvent that holds it alone."""


class AllocationRow(VtnRow, table=True):
    """A venID given out beforehand."""

    __tablename__ = "vtn2b_allocation"
    ven_id: str = Field(primary_key=True)
    fingerprints: str
    """JSON list."""
    name: str
    overlap_until: datetime | None = None


class DeliveryRow(VtnRow, table=True):
    """How far one event has come with one VEN."""

    __tablename__ = "vtn2b_delivery"
    ven_id: str = Field(primary_key=True)
    event_id: str = Field(primary_key=True)
    sent_version: int
    sent_at: datetime
    answered_version: int | None
    opt: str | None
    opt_by_message: bool
    resource_opts: str = Field(default="[]", sa_column_kwargs={"server_default": "[]"})
    """JSON list of [kind:name, opt]."""


class QueueRow(VtnRow, table=True):
    """One message in a poll queue."""

    __tablename__ = "vtn2b_queue"
    ven_id: str = Field(primary_key=True)
    number: int = Field(primary_key=True)
    waiting: str
    subject: str
    request_id: str
    to_follow: bool
    since: datetime | None = None
    until: datetime | None = None
    sent_at: datetime | None
    times_sent: int


class OfferRow(VtnRow, table=True):
    """One report that a VEN offers."""

    __tablename__ = "vtn2b_offer"
    ven_id: str = Field(primary_key=True)
    report_specifier_id: str = Field(primary_key=True)
    message: bytes
    """An oadrRegisterReport that holds it alone."""


class WantRow(VtnRow, table=True):
    """A report that the utility wishes to get."""

    __tablename__ = "vtn2b_want"
    want_id: str = Field(primary_key=True)
    ven_id: str
    report_name: str
    r_ids: str
    """JSON list."""
    granularity: str
    report_back: str
    starts_at: datetime | None
    lasts: str | None
    piggyback: bool = Field(default=False, sa_column_kwargs={"server_default": "0"})


class RequestRow(VtnRow, table=True):
    """One report request."""

    __tablename__ = "vtn2b_request"
    ven_id: str = Field(primary_key=True)
    report_request_id: str = Field(primary_key=True)
    want_id: str
    report_name: str
    state: str
    riding: str = Field(default="no", sa_column_kwargs={"server_default": "no"})
    """Whether its cancellation travels in an answer."""
    message: bytes
    """An oadrCreateReport that holds it alone."""


class OwnReportRow(VtnRow, table=True):
    """One report that the VTN offers."""

    __tablename__ = "vtn2b_own_report"
    report_specifier_id: str = Field(primary_key=True)
    message: bytes
    """An oadrRegisterReport that holds it alone."""


class OwnValueRow(VtnRow, table=True):
    """One value of a report of the VTN's own."""

    __tablename__ = "vtn2b_own_value"
    report_specifier_id: str = Field(primary_key=True)
    r_id: str = Field(primary_key=True)
    at: str = Field(primary_key=True)
    """ISO 8601."""
    value: str
    """Plain decimal text."""


class SupplyRow(VtnRow, table=True):
    """A report that a VEN asked the VTN for."""

    __tablename__ = "vtn2b_supply"
    ven_id: str = Field(primary_key=True)
    report_request_id: str = Field(primary_key=True)
    covered_until: datetime
    next_at: datetime | None
    message: bytes
    """An oadrCreateReport that holds it alone."""


class OptRow(VtnRow, table=True):
    """One opt as received."""

    __tablename__ = "vtn2b_opt"
    ven_id: str = Field(primary_key=True)
    number: int = Field(primary_key=True)
    opt_id: str
    state: str
    taken_at: datetime | None = None
    superseded: str = Field(default="[]", sa_column_kwargs={"server_default": "[]"})
    """JSON list of kind:name."""
    cancelled_by: str = Field(default="", sa_column_kwargs={"server_default": ""})
    message: bytes
    """The oadrCreateOpt."""


class AnswerRow(VtnRow, table=True):
    """One answer to one event; only ever added."""

    __tablename__ = "vtn2b_answer"
    id: int | None = Field(default=None, primary_key=True)
    at: datetime
    ven_id: str
    event_id: str
    version: int
    opt: str
    code: str
    description: str
    accepted: str
    by: str
    request_id: str


class ValueRow(VtnRow, table=True):
    """One reported value; a later report about the same point in time corrects it."""

    __tablename__ = "vtn2b_value"
    ven_id: str = Field(primary_key=True)
    report_request_id: str = Field(primary_key=True)
    r_id: str = Field(primary_key=True)
    starts_at: datetime = Field(primary_key=True)
    lasts: str | None
    received_at: datetime
    want_id: str
    report_name: str
    reading: str | None
    """Plain decimal text; None for a status."""
    online: bool | None
    manual_override: bool | None
    load_control: str | None = None
    """JSON object of the oadrLoadControlState, numbers as text."""
    quality: str
    confidence: int | None
    accuracy: str | None


class ExchangeRow(VtnRow, table=True):
    """One request with its answer, as it went over the wire; the oldest are forgotten."""

    __tablename__ = "vtn2b_exchange"
    number: int = Field(primary_key=True)
    at: datetime
    by: str
    peer: str
    method: str
    path: str
    status: int
    request: bytes
    answer: bytes
    struck: bool


STATE_ROWS: tuple[type[VtnRow], ...] = (
    VenRow,
    EventRow,
    AllocationRow,
    DeliveryRow,
    QueueRow,
    OfferRow,
    WantRow,
    RequestRow,
    OptRow,
    OwnReportRow,
    OwnValueRow,
    SupplyRow,
)
"""Rows that make the book; answers and values are only history."""
