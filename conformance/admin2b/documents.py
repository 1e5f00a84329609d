"""What a played utility shows its operator."""

from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, PlainSerializer, WithJsonSchema

from gateway.domain.quantity import plain
from gateway.domain.timespan import Duration, Instant

Exact = Annotated[
    Decimal,
    PlainSerializer(plain, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "description": "plain decimal number"}),
]


class Document(BaseModel):
    """Base of every answer; new optional fields may come."""

    model_config = ConfigDict(frozen=True, json_schema_serialization_defaults_required=True)


class Done(Document):
    """It is stored; VENs hear of it at their next poll, or by push."""

    done: bool = True


class Utility(Document):
    """The utility itself."""

    vtn_id: str
    url: str
    """What VENs are given."""
    now: Instant
    poll_every: Duration
    vens: int
    events: int


class OfferDocument(Document):
    """A report that a VEN, or the utility, has registered."""

    report_specifier_id: str
    report_name: str
    r_ids: tuple[str, ...]


class VenDocument(Document):
    """A VEN, registered or only allocated."""

    ven_id: str
    name: str
    registered: bool
    online: bool
    registration_id: str | None
    fingerprint: str | None
    """Of the certificate it registered with; none over plain HTTP."""
    allocated: tuple[str, ...] | None
    """Fingerprints that may use the venID; none: not allocated."""
    registered_at: Instant | None
    xml_signature: bool
    report_only: bool
    push: bool
    waiting: tuple[str, ...]
    """What its queue holds, first in first out."""
    offers: tuple[OfferDocument, ...]


class Vens(Document):
    """VENs in the order of their ids."""

    vens: tuple[VenDocument, ...]
    next: str | None
    """Cursor for ``after``; none: there are no more."""


class StepDocument(Document):
    """One interval."""

    duration: Duration
    value: Exact | None


class SignalDocument(Document):
    """One signal."""

    name: str
    type: str
    unit: str
    id: str
    intervals: tuple[StepDocument, ...]


class DeliveryDocument(Document):
    """How far an event has come with one VEN."""

    ven_id: str
    event_id: str
    sent_version: int
    sent_at: Instant
    answered_version: int | None
    opt: str | None
    """The answer that counts now."""
    opt_by_message: bool
    """True: an oadrCreateOpt said so."""
    resource_opts: dict[str, str]
    """What was said for parts of the VEN."""


class EventDocument(Document):
    """An event at its newest version."""

    id: str
    version: int
    status: str
    market_context: str
    start: Instant
    duration: Duration
    priority: int | None
    response_required: str
    test_event: str | None
    vens: tuple[str, ...]
    published_at: Instant
    cancelled_at: Instant | None
    signals: tuple[SignalDocument, ...]


class Events(Document):
    """Events in the order of their ids."""

    events: tuple[EventDocument, ...]
    next: str | None


class Deliveries(Document):
    """Where every VEN stands with one event."""

    deliveries: tuple[DeliveryDocument, ...]


class AnswerDocument(Document):
    """One answer to an event, as it came."""

    number: int
    at: Instant
    ven_id: str
    event_id: str
    version: int
    opt: str
    code: str
    description: str
    accepted: str
    by: str
    request_id: str


class Answers(Document):
    """Answers, oldest first."""

    answers: tuple[AnswerDocument, ...]
    next: int
    """Cursor for ``after``."""


class RequestDocument(Document):
    """One report request to one VEN."""

    ven_id: str
    report_request_id: str
    state: str


class WishDocument(Document):
    """A wish and the requests made for it."""

    id: str
    ven: str
    name: str
    data_points: tuple[str, ...]
    granularity: Duration
    back: Duration
    start: Instant | None
    lasts: Duration | None
    piggyback: bool
    requests: tuple[RequestDocument, ...]


class Wishes(Document):
    """All wishes."""

    wishes: tuple[WishDocument, ...]


class ValueDocument(Document):
    """One value reported by a VEN."""

    number: int
    ven_id: str
    wish: str
    report_request_id: str
    report_name: str
    r_id: str
    starts_at: Instant
    lasts: str | None
    received_at: Instant
    value: str | None
    """Plain decimal number, in the unit of the metadata; none for a status."""
    online: bool | None
    manual_override: bool | None
    load_control: dict[str, Any] | None
    quality: str
    confidence: int | None
    accuracy: str | None


class Values(Document):
    """Values, in the order in which they came."""

    values: tuple[ValueDocument, ...]
    next: int


class WindowDocument(Document):
    """One window of an opt schedule."""

    start: Instant
    duration: Duration


class OptDocument(Document):
    """An opt as a VEN created it."""

    ven_id: str
    opt_id: str
    state: str
    opt: str
    reason: str
    market_context: str | None
    event_id: str | None
    version: int | None
    windows: tuple[WindowDocument, ...]
    target: tuple[str, ...]
    """What it names, as ``kind:name``; empty: the whole VEN."""
    superseded: tuple[str, ...]
    """What a later schedule speaks for."""
    taken_at: Instant | None


class Opts(Document):
    """Opts, by VEN, oldest first."""

    opts: tuple[OptDocument, ...]


class Availability(Document):
    """Whether a VEN's schedules have it take part."""

    ven_id: str
    at: Instant
    takes_part: bool


class Offers(Document):
    """What the utility offers, and which VENs asked for it."""

    reports: tuple[OfferDocument, ...]
    pending: dict[str, tuple[str, ...]]
    """venID -> reportRequestIDs."""


class FactDocument(Document):
    """Something that happened."""

    number: int
    at: Instant
    what: str
    fields: dict[str, Any]


class Facts(Document):
    """Facts of this run, oldest first."""

    facts: tuple[FactDocument, ...]
    next: str
    """Cursor for ``after``; one of an earlier run starts from the beginning."""


class ExchangeDocument(Document):
    """One line of the transcript."""

    number: int
    at: Instant
    by: str
    """Who asked: ``ven``, or ``vtn`` for a push."""
    peer: str
    method: str
    path: str
    status: int
    said: tuple[str, str]
    """Names of the two messages."""
    request: str | None
    """As text; none when it is no UTF-8."""
    request_base64: str | None
    answer: str | None
    answer_base64: str | None
    struck: bool
    """Whether a secret was struck out or a body cut off."""


class FieldFault(Document):
    """One thing wrong with a request."""

    pointer: str
    """JSON Pointer (RFC 6901) into the body, or the name of a query parameter."""
    detail: str
    fix: str


class Problem(Document):
    """Why a request was refused, and what to do about it (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    """``GG-nnnn``; never changes its meaning."""
    reason: str
    fix: str
    errors: tuple[FieldFault, ...] = ()
