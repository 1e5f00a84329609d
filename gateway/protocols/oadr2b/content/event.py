"""Content models of EiEvent."""

from decimal import Decimal
from typing import Any, Final

from lxml import etree

from gateway.domain.errors import MisuseError, WireError
from gateway.protocols.oadr2b.content.basic import (
    ANSWER,
    CREATED,
    DTSTART,
    DURATION_PROP,
    EI_RESPONSE,
    EI_TARGET,
    QUALIFIED_EVENT_ID,
    REQUEST_ID,
    UID,
    VEN_ID,
    CalendarProperties,
)
from gateway.protocols.oadr2b.content.item_base import ITEM_BASE
from gateway.protocols.oadr2b.content.model import (
    Enclosed,
    Leaf,
    Listing,
    Struct,
    many,
    maybe,
    maybe_listing,
    one,
    spread,
)
from gateway.protocols.oadr2b.lexical import (
    ID,
    INSTANT,
    NUMBER,
    TEXT,
    TOKEN,
    WHOLE,
    one_of,
    read_duration,
    read_ids,
    read_number,
    read_numbers,
)
from gateway.protocols.oadr2b.messages.event import (
    EiActivePeriod,
    EiEvent,
    EiEventBaseline,
    EiEventSignal,
    EventDescriptor,
    EventResponse,
    EventStatus,
    OadrCreatedEvent,
    OadrDistributeEvent,
    OadrEvent,
    OadrRequestEvent,
    OptType,
    ResponseRequired,
    SignalInterval,
    SignalType,
    UnreadableEvent,
)
from gateway.protocols.oadr2b.names import qualified
from gateway.protocols.xml import Element

_INTERVAL: Final = qualified("ei:interval")
_FOREIGN: Final = (
    qualified("oadr:oadrPayloadResourceStatus"),
    qualified("oadr:oadrReportPayload"),
    qualified("oadr:oadrGBPayload"),
)
_VALUE: Final = qualified("ei:value")
_DURATION: Final = qualified("xcal:duration")
_UID: Final = qualified("xcal:text")
_DTSTART: Final = qualified("xcal:date-time")


class SignalIntervals:
    """``strm:intervals`` of a signal or baseline: nine tenths of a large message, hence read with special care.

    An interval with several payloads, a status instead of a number, or a report payload is valid by the schema and
    wrong by the rules; its ``signal_payload`` stays empty so that the session can say so.
    """

    tags: Final = (qualified("strm:intervals"),)
    prefixes: Final = frozenset({"strm", "ei", "xcal"})

    def read(self, element: Element) -> tuple[SignalInterval, ...]:
        """Return the intervals in document order."""
        values = _texts(element, _VALUE)
        uids = _texts(element, _UID)
        durations = _texts(element, _DURATION)[1::2]
        # The schema gives an interval one uid and one duration at most and one payload at least. So when none of the
        # odd elements is there, equal counts mean that each interval has exactly one of each.
        if {len(element)} != {len(values), len(uids), len(durations)} or _has_odd(element):
            return _irregular(element)
        # Steps of one signal are nearly always equally long: each length is worked out once per listing.
        lengths = {text: read_duration(text) for text in set(durations)}
        columns = zip(durations, read_ids(uids), read_numbers(values), strict=True)
        return tuple(
            [
                SignalInterval(duration=lengths[duration], uid=uid, signal_payload=number)
                for duration, uid, number in columns
            ]
        )

    def write(self, parent: Element, value: tuple[SignalInterval, ...]) -> None:
        """Append the intervals.

        Raises:
            MisuseError: ``SCHEMA``.
        """
        listing = etree.SubElement(parent, self.tags[0])
        for interval in value:
            if interval.signal_payload is None:
                raise MisuseError("SCHEMA", "an interval of a signal needs its number")
            element = etree.SubElement(listing, _INTERVAL)
            if interval.dtstart is not None:
                DTSTART.write(element, interval.dtstart)
            if interval.duration is not None:
                DURATION_PROP.write(element, interval.duration)
            if interval.uid is not None:
                UID.write(element, interval.uid)
            _SIGNAL_PAYLOAD.write(element, interval.signal_payload)


def _texts(element: Element, tag: str) -> list[str]:
    return [part.text or "" for part in element.iter(tag)]


def _has_odd(element: Element) -> bool:
    return next(element.iter(_DTSTART, *_FOREIGN), None) is not None


def _irregular(element: Element) -> tuple[SignalInterval, ...]:
    """Read intervals of which some lack a part or have one too many."""
    return tuple(
        SignalInterval(
            dtstart=None if (dtstart := _last(each, _DTSTART)) is None else INSTANT.read(dtstart),
            duration=None if (length := _last(each, _DURATION)) is None else read_duration(length),
            uid=None if (uid := _last(each, _UID)) is None else ID.read(uid),
            signal_payload=_one_number(each),
        )
        for each in element
    )


def _last(element: Element, tag: str) -> str | None:
    # A duration wraps another of the same name; the inner one comes later.
    texts = _texts(element, tag)
    return texts[-1] if texts else None


def _one_number(element: Element) -> Decimal | None:
    values = _texts(element, _VALUE)
    is_foreign = next(element.iter(*_FOREIGN), None) is not None
    return read_number(values[0]) if len(values) == 1 and not is_foreign else None


_SIGNAL_PAYLOAD: Final = Leaf(NUMBER, "ei:signalPayload", "ei:payloadFloat", "ei:value")
_INTERVALS: Final = one("intervals", SignalIntervals())

_DESCRIPTOR: Final = Struct(
    EventDescriptor,
    "ei:eventDescriptor",
    one("event_id", Leaf(ID, "ei:eventID")),
    one("modification_number", Leaf(WHOLE, "ei:modificationNumber")),
    maybe("modification_date_time", Leaf(INSTANT, "ei:modificationDateTime")),
    maybe("modification_reason", Leaf(TEXT, "ei:modificationReason")),
    maybe("priority", Leaf(WHOLE, "ei:priority")),
    one("ei_market_context", Leaf(ID, "ei:eiMarketContext", "emix:marketContext")),
    CREATED,
    one("event_status", Leaf(one_of(EventStatus), "ei:eventStatus")),
    maybe("test_event", Leaf(TEXT, "ei:testEvent")),
    maybe("vtn_comment", Leaf(TEXT, "ei:vtnComment")),
)

_SIGNAL: Final = Struct(
    EiEventSignal,
    "ei:eiEventSignal",
    _INTERVALS,
    maybe("ei_target", EI_TARGET),
    one("signal_name", Leaf(TOKEN, "ei:signalName")),
    one("signal_type", Leaf(one_of(SignalType), "ei:signalType")),
    one("signal_id", Leaf(ID, "ei:signalID")),
    ITEM_BASE,
    maybe("current_value", Leaf(NUMBER, "ei:currentValue", "ei:payloadFloat", "ei:value")),
)

_BASELINE: Final = Struct(
    EiEventBaseline,
    "ei:eiEventBaseline",
    one("dtstart", DTSTART),
    one("duration", DURATION_PROP),
    _INTERVALS,
    one("baseline_id", Leaf(ID, "ei:baselineID")),
    many("resource_ids", Leaf(ID, "ei:resourceID")),
    one("baseline_name", Leaf(TEXT, "ei:baselineName")),
    ITEM_BASE,
)

_EI_EVENT: Final = Struct(
    EiEvent,
    "ei:eiEvent",
    one("event_descriptor", _DESCRIPTOR),
    one(
        "ei_active_period",
        Enclosed("ei:eiActivePeriod", CalendarProperties(EiActivePeriod), "xcal:components"),
    ),
    spread(
        "ei:eiEventSignals",
        many("ei_event_signals", _SIGNAL),
        maybe("ei_event_baseline", _BASELINE),
    ),
    one("ei_target", EI_TARGET),
)
_REQUIRED: Final = Leaf(one_of(ResponseRequired), "oadr:oadrResponseRequired")


class OadrEventContent(Struct[OadrEvent | UnreadableEvent]):
    """``oadr:oadrEvent``; one that holds an unbounded value is set aside instead of spoiling its neighbours."""

    def __init__(self) -> None:
        super().__init__(
            OadrEvent,
            "oadr:oadrEvent",
            one("ei_event", _EI_EVENT),
            one("oadr_response_required", _REQUIRED),
        )

    def read(self, element: Element) -> OadrEvent | UnreadableEvent:
        """Return the event, or what is needed to refuse it.

        Raises:
            WireError: When not even its identity can be read.
        """
        try:
            return super().read(element)
        except WireError as error:
            return UnreadableEvent(
                qualified_event_id=QUALIFIED_EVENT_ID.read(element[0][0]),
                oadr_response_required=ResponseRequired(_REQUIRED.read(element[1]) or ""),
                reason=error.reason,
                detail=error.detail,
            )


def _distribute_event(
    oadr_events: tuple[OadrEvent | UnreadableEvent, ...] = (), **fields: Any
) -> OadrDistributeEvent:
    return OadrDistributeEvent(
        oadr_events=tuple(event for event in oadr_events if isinstance(event, OadrEvent)),
        unreadable=tuple(event for event in oadr_events if isinstance(event, UnreadableEvent)),
        **fields,
    )


DISTRIBUTE_EVENT: Final = Struct(
    _distribute_event,
    "oadr:oadrDistributeEvent",
    maybe("ei_response", EI_RESPONSE),
    REQUEST_ID,
    one("vtn_id", Leaf(ID, "ei:vtnID")),
    many("oadr_events", OadrEventContent()),
)

REQUEST_EVENT: Final = Struct(
    OadrRequestEvent,
    "oadr:oadrRequestEvent",
    spread(
        "pyld:eiRequestEvent",
        REQUEST_ID,
        VEN_ID,
        maybe("reply_limit", Leaf(WHOLE, "pyld:replyLimit")),
    ),
)

_EVENT_RESPONSE: Final = Struct(
    EventResponse,
    "ei:eventResponse",
    one("response_code", Leaf(ID, "ei:responseCode")),
    maybe("response_description", Leaf(TEXT, "ei:responseDescription")),
    REQUEST_ID,
    one("qualified_event_id", QUALIFIED_EVENT_ID),
    one("opt_type", Leaf(one_of(OptType), "ei:optType")),
)

CREATED_EVENT: Final = Struct(
    OadrCreatedEvent,
    "oadr:oadrCreatedEvent",
    spread(
        "pyld:eiCreatedEvent",
        ANSWER,
        maybe_listing("event_responses", Listing("ei:eventResponses", _EVENT_RESPONSE)),
        VEN_ID,
    ),
)
