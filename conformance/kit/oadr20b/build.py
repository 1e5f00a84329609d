"""Messages of a VTN and of a VEN as lxml elements, in the order that the schema wants.

``payload(element)`` makes the bytes of a document. Everything is a plain tree: change it as you like before it goes.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Final

from lxml import etree

from conformance.kit.oadr20b.event import Baseline, Event, Signal, Step, Target, Unit
from conformance.kit.oadr20b.names import NAMES
from conformance.kit.oadr20b.report import ReportRequest
from conformance.kit.xml import Element

VERSION: Final = "2.0b"
Content = Element | str | None
_SECOND: Final = timedelta(seconds=1)


@cache
def tag(name: str) -> str:
    """Return ``prefix:local`` in Clark's notation."""
    prefix, _, local = name.partition(":")
    return f"{{{NAMES[prefix]}}}{local}"


@cache
def _own(name: str) -> dict[str, str]:
    """Return the one namespace that an element needs by itself; nine that nobody needs cost five times as much."""
    prefix = name.partition(":")[0]
    return {prefix: NAMES[prefix]}


def make(name: str, *content: Content | Iterable[Element]) -> Element:
    """Make an element.

    Args:
        name: With prefix, e.g. ``ei:eventID``.
        content: Children, text, or None for what is left out.
    """
    found = etree.Element(tag(name), nsmap=_own(name))
    for item in content:
        if item is None:
            continue
        if isinstance(item, str):
            found.text = item
        elif isinstance(item, etree._Element):  # noqa: SLF001 - lxml's class has no public name
            found.append(item)
        else:
            found.extend(list(item))
    return found


def optional(name: str, text: str | None) -> Element | None:
    """Make a leaf, or None without a text."""
    return None if text is None else make(name, text)


def message(name: str, *content: Content | Iterable[Element], version: bool = True) -> Element:
    """Make a message, e.g. ``oadr:oadrPoll``, with its schemaVersion."""
    found = make(name, *content)
    if version:
        found.set(tag("ei:schemaVersion"), VERSION)
    return found


def payload(element: Element) -> bytes:
    """Put a message into the envelope and write it."""
    root = etree.Element(tag("oadr:oadrPayload"), nsmap=NAMES)
    root.append(make("oadr:oadrSignedObject", element))
    etree.cleanup_namespaces(root, keep_ns_prefixes=["oadr", "ei", "pyld"])
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


# --- texts


def instant(at: datetime) -> str:
    """Write an instant: UTC with Z (2.0b section 1)."""
    text = at.astimezone(UTC).replace(tzinfo=None).isoformat()
    return f"{text}Z"


def duration(length: timedelta) -> str:
    """Write a duration in whole seconds, ``PT90S``, ``-PT300S``."""
    seconds = length // _SECOND
    return f"-PT{-seconds}S" if seconds < 0 else f"PT{seconds}S"


def number(value: Decimal) -> str:
    """Write a number without exponent."""
    return format(value, "f")


def span(name: str, length: timedelta | None) -> Element | None:
    """Make an element with one ``xcal:duration`` child, or None."""
    return None if length is None else make(name, make("xcal:duration", duration(length)))


# --- shared


def response(request_id: str, code: str = "200", text: str = "OK") -> Element:
    """Make an ``ei:eiResponse``."""
    return make(
        "ei:eiResponse",
        make("ei:responseCode", code),
        make("ei:responseDescription", text),
        make("pyld:requestID", request_id),
    )


def answer(
    name: str, request_id: str, code: str = "200", *rest: Content, ven_id: str | None = None
) -> Element:
    """Make an answer that consists of eiResponse, other children and the venID."""
    text = "OK" if code.startswith("2") else "refused"
    return message(name, response(request_id, code, text), *rest, optional("ei:venID", ven_id))


def oadr_response(request_id: str, code: str = "200", ven_id: str | None = None) -> Element:
    """Make an ``oadrResponse``."""
    return answer("oadr:oadrResponse", request_id, code, ven_id=ven_id)


def target(given: Target) -> Element:
    """Make an ``ei:eiTarget``."""
    rows = (
        ("groupID", given.group_ids),
        ("resourceID", given.resource_ids),
        ("venID", given.ven_ids),
        ("partyID", given.party_ids),
    )
    return make("ei:eiTarget", [make(f"ei:{name}", text) for name, texts in rows for text in texts])


def item_base(unit: Unit | None) -> Element | None:
    """Make what stands for ``itemBase``; None for a signal without unit."""
    if unit is None:
        return None
    prefix = unit.name.partition(":")[0]
    attributes = [make(f"power:{key}", text) for key, text in unit.attributes]
    return make(
        unit.name,
        make(f"{prefix}:itemDescription", unit.description),
        make(f"{prefix}:itemUnits", unit.units),
        make("scale:siScaleCode", unit.scale),
        make("power:powerAttributes", attributes) if attributes else None,
    )


# --- events


def _steps(steps: Sequence[Step]) -> Element:
    return make("strm:intervals", [_step(place, step) for place, step in enumerate(steps)])


def _step(place: int, step: Step) -> Element:
    uid = str(place) if step.uid is None else step.uid
    value = make("ei:payloadFloat", make("ei:value", number(step.value)))
    return make(
        "ei:interval",
        None if step.dtstart is None else make("xcal:dtstart", _at(step.dtstart)),
        make("xcal:duration", make("xcal:duration", duration(step.lasts))),
        make("xcal:uid", make("xcal:text", uid)),
        make("ei:signalPayload", value),
    )


def _at(at: datetime) -> Element:
    return make("xcal:date-time", instant(at))


def _current(signal: Signal, event: Event, status: str, now: datetime) -> Decimal | None:
    if signal.current is not None or signal.name != "SIMPLE":
        return signal.current
    if status != "active":
        return Decimal(0)
    at = event.start
    for step in signal.steps:
        at += step.lasts
        if now < at or not step.lasts:
            return step.value
    return signal.steps[-1].value


def _signal(signal: Signal, event: Event, status: str, now: datetime) -> Element:
    current = _current(signal, event, status, now)
    shown = None if current is None else make("ei:payloadFloat", make("ei:value", number(current)))
    asset = make("power:endDeviceAsset", make("power:mrid", signal.device_class))
    return make(
        "ei:eiEventSignal",
        _steps(signal.steps),
        make("ei:eiTarget", asset) if signal.device_class else None,
        make("ei:signalName", signal.name),
        make("ei:signalType", signal.type),
        make("ei:signalID", signal.id),
        item_base(signal.unit),
        None if shown is None else make("ei:currentValue", shown),
    )


def _baseline(given: Baseline) -> Element:
    return make(
        "ei:eiEventBaseline",
        make("xcal:dtstart", _at(given.start)),
        make("xcal:duration", make("xcal:duration", duration(given.lasts))),
        _steps(given.steps),
        make("ei:baselineID", given.id),
        make("ei:baselineName", given.name),
        item_base(given.unit),
    )


def status_at(event: Event, now: datetime) -> str:
    """Return the eventStatus that a clock gives (2.0b section 8.2, rule 13)."""
    if event.status:
        return event.status
    if event.lasts and now >= event.end:
        return "completed"
    if now >= event.start:
        return "active"
    ramp = event.ramp_up or timedelta(0)
    return "near" if ramp > timedelta(0) and now >= event.start - ramp else "far"


def _descriptor(event: Event, now: datetime, context: str) -> Element:
    return make(
        "ei:eventDescriptor",
        make("ei:eventID", event.id),
        make("ei:modificationNumber", str(event.version)),
        optional("ei:priority", None if event.priority is None else str(event.priority)),
        make("ei:eiMarketContext", make("emix:marketContext", event.context or context)),
        make("ei:createdDateTime", instant(event.created or now)),
        make("ei:eventStatus", status_at(event, now)),
        optional("ei:testEvent", event.test),
        optional("ei:vtnComment", event.comment),
    )


def _period(event: Event) -> Element:
    tolerance = None
    if event.start_after is not None:
        after = make("xcal:startafter", duration(event.start_after))
        tolerance = make("xcal:tolerance", make("xcal:tolerate", after))
    properties = make(
        "xcal:properties",
        make("xcal:dtstart", _at(event.start)),
        make("xcal:duration", make("xcal:duration", duration(event.lasts))),
        tolerance,
        span("ei:x-eiNotification", event.notification),
        span("ei:x-eiRampUp", event.ramp_up),
        span("ei:x-eiRecovery", event.recovery),
    )
    return make("ei:eiActivePeriod", properties, make("xcal:components"))


def ei_event(event: Event, now: datetime, context: str) -> Element:
    """Make an ``oadrEvent``.

    Args:
        event: What it says.
        now: For status, createdDateTime and currentValue where the event leaves them open.
        context: Market context where the event names none.
    """
    status = status_at(event, now)
    signals = [_signal(signal, event, status, now) for signal in event.signals]
    baseline = _baseline(event.baseline) if event.baseline else None
    body = make(
        "ei:eiEvent",
        _descriptor(event, now, context),
        _period(event),
        make("ei:eiEventSignals", signals, baseline),
        target(event.target),
    )
    required = "always" if event.required else "never"
    return make("oadr:oadrEvent", body, make("oadr:oadrResponseRequired", required))


def distribute_event(
    events: Iterable[Element], *, vtn_id: str, request_id: str, replying_to: str | None
) -> Element:
    """Make an ``oadrDistributeEvent``.

    Args:
        events: From ``ei_event``, in the order of rule 15.
        vtn_id: Of the sender.
        request_id: Its own; what the eventResponses repeat.
        replying_to: requestID of the request that it answers (rule 40), empty for a poll; None: pushed.
    """
    head = None if replying_to is None else response(replying_to)
    return message(
        "oadr:oadrDistributeEvent",
        head,
        make("pyld:requestID", request_id),
        make("ei:vtnID", vtn_id),
        list(events),
    )


# --- reports


def report_request(given: ReportRequest) -> Element:
    """Make an ``oadrReportRequest``."""
    interval = None
    if given.start is not None:
        properties = make(
            "xcal:properties",
            make("xcal:dtstart", _at(given.start)),
            make("xcal:duration", make("xcal:duration", duration(given.lasts))),
        )
        interval = make("ei:reportInterval", properties)
    points = [
        make("ei:specifierPayload", make("ei:rID", r), make("ei:readingType", given.reading_type))
        for r in given.points
    ]
    return make(
        "oadr:oadrReportRequest",
        make("ei:reportRequestID", given.id),
        make(
            "ei:reportSpecifier",
            make("ei:reportSpecifierID", given.specifier),
            make("xcal:granularity", make("xcal:duration", duration(given.granularity))),
            make("ei:reportBackDuration", make("xcal:duration", duration(given.back))),
            interval,
            points,
        ),
    )


def create_report(request_id: str, requests: Iterable[ReportRequest], ven_id: str) -> Element:
    """Make an ``oadrCreateReport``."""
    rows = [report_request(x) for x in requests]
    return message(
        "oadr:oadrCreateReport",
        make("pyld:requestID", request_id),
        rows,
        make("ei:venID", ven_id),
    )


def cancel_report(
    request_id: str, report_ids: Iterable[str], ven_id: str, *, to_follow: bool = False
) -> Element:
    """Make an ``oadrCancelReport``."""
    return message(
        "oadr:oadrCancelReport",
        make("pyld:requestID", request_id),
        [make("ei:reportRequestID", x) for x in report_ids],
        make("pyld:reportToFollow", "true" if to_follow else "false"),
        make("ei:venID", ven_id),
    )


def register_report(
    request_id: str, reports: Iterable[Element], ven_id: str | None, answers: str | None = None
) -> Element:
    """Make an ``oadrRegisterReport``; without reports it says that there is nothing to offer."""
    return message(
        "oadr:oadrRegisterReport",
        make("pyld:requestID", request_id),
        list(reports),
        optional("ei:venID", ven_id),
        optional("ei:reportRequestID", answers),
    )
