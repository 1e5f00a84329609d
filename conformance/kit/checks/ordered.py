"""Does a VTN distribute what its operator has ordered? The order stands in a mark, the event in a distribution."""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from conformance.kit.checks.state import states
from conformance.kit.checks.vtn import of_event, seen_after
from conformance.kit.finding import Check, Finding, wrong
from conformance.kit.oadr20b.event import Event
from conformance.kit.oadr20b.times import at, lasting
from conformance.kit.oadr20b.ven_build import event_json
from conformance.kit.stage import VtnStage
from conformance.kit.transcript import Mark, Message, Transcript

ORDERED: Final = "event.ordered"
_DISTRIBUTION: Final = "oadrDistributeEvent"
_PERIOD: Final = "ei:eiEvent/ei:eiActivePeriod/xcal:properties"
_HEAD: Final = "ei:eiEvent/ei:eventDescriptor"
_SIGNAL: Final = "ei:eiEvent/ei:eiEventSignals/ei:eiEventSignal"
_BASELINE: Final = "ei:eiEvent/ei:eiEventSignals/ei:eiEventBaseline"
_STEP: Final = "strm:intervals/ei:interval"
_LASTS: Final = "xcal:duration/xcal:duration"
_VALUE: Final = "ei:signalPayload/ei:payloadFloat/ei:value"
_START: Final = "xcal:dtstart/xcal:date-time"
_NO_TIME: Final = timedelta(0)
_SCALES: Final = {"k": 1000, "M": 1_000_000, "G": 1_000_000_000}
Given = Mapping[str, Any]
"""An order as it stands in JSON."""
Row = tuple[str, object, object]
"""Path, what was ordered, what was found; comparable."""


async def order(stage: VtnStage, event: Event) -> None:
    """Have the operator create an event, and note the order for the checks."""
    stage.mark(ORDERED, event=event.id, order=event_json(event))
    await stage.publish(event)


async def reorder(stage: VtnStage, event: Event) -> None:
    """Have the operator change an event, and note the order."""
    stage.mark(ORDERED, event=event.id, order=event_json(event))
    await stage.modify(event)


def carries(event_id: str, *parts: str, requirement: str) -> Check:
    """Demand that the first distribution of an event after each order has these parts of it as ordered.

    Args:
        event_id: Of the event.
        parts: Keys of ``PARTS``.
        requirement: Cited.
    """

    def judge(transcript: Transcript) -> Iterator[Finding]:
        for mark in transcript.all_marks(ORDERED):
            if mark.values["event"] == event_id:
                yield from _compared(transcript, mark, event_id, parts, requirement)

    return Check(f"distributes {' '.join(parts)} of {event_id} as ordered", judge)


def _compared(
    transcript: Transcript, mark: Mark, event_id: str, parts: tuple[str, ...], requirement: str
) -> Iterator[Finding]:
    base = of_event(event_id)
    found = first_with(transcript, mark, event_id)
    if found is None:
        yield Finding(
            requirement=requirement,
            message=mark.number,
            expected=f"a distribution of event {event_id}",
            observed="none",
            late=True,
            healthy=transcript.healthy(mark.at, transcript.ended_at or mark.at),
        )
        return
    given: Given = json.loads(mark.values["order"])
    for part in parts:
        for path, wanted, got in PARTS[part](given, found, base):
            if wanted != got:
                yield wrong(requirement, found, path, str(wanted), str(got))


def first_with(transcript: Transcript, mark: Mark, event_id: str) -> Message | None:
    """Return the first distribution of an event after a mark."""
    base = of_event(event_id)
    later = (m for m in transcript.from_device(_DISTRIBUTION) if m.number > mark.number)
    return next((m for m in later if m.has(base)), None)


def _number(text: str) -> Decimal | str:
    try:
        return Decimal(text)
    except InvalidOperation:
        return text or "none"


def _length(text: str | None) -> timedelta | str:
    found = lasting(text) if text else _NO_TIME
    return text or "none" if found is None else found


def _instant(text: str) -> datetime | str:
    return at(text) or text or "none"


def _period(given: Given, message: Message, base: str) -> Iterator[Row]:
    start, lasts = f"{base}/{_PERIOD}/{_START}", f"{base}/{_PERIOD}/{_LASTS}"
    yield start, _instant(given["start"]), _instant(message.text(start))
    yield lasts, _length(given["lasts"]), _length(message.text(lasts))


def _span(name: str, tail: str) -> "Part":
    def rows(given: Given, message: Message, base: str) -> Iterator[Row]:
        path = f"{base}/{_PERIOD}/{tail}"
        yield path, _length(given[name]), _length(message.text(path))

    return rows


def _steps(given: Given, message: Message, series: str) -> Iterator[Row]:
    lasts, values = f"{series}/{_STEP}/{_LASTS}", f"{series}/{_STEP}/{_VALUE}"
    factor = _factor(given["unit"]["scale"] if given["unit"] else "none")
    scale = _factor(message.text(f"{series}/*/scale:siScaleCode"))
    wanted = [Decimal(step["value"]) * factor for step in given["steps"]]
    got = [_scaled(text, scale) for text in message.all(values)]
    yield values, wanted, got
    yield (
        lasts,
        [_length(step["lasts"]) for step in given["steps"]],
        [_length(text) for text in message.all(lasts)],
    )


def _factor(scale: str) -> int:
    return _SCALES.get(scale, 1)


def _scaled(text: str, scale: int) -> Decimal | str:
    found = _number(text)
    return found * scale if isinstance(found, Decimal) else found


def _signals(given: Given, message: Message, base: str) -> Iterator[Row]:
    names = [signal["name"] for signal in given["signals"]]
    path = f"{base}/{_SIGNAL}/ei:signalName"
    yield path, sorted(names), sorted(message.all(path))
    for signal in given["signals"]:
        mine = f"{base}/{_SIGNAL}[ei:signalName='{signal['name']}']"
        kind, unit = f"{mine}/ei:signalType", f"{mine}/*/*[local-name()='itemUnits']"
        yield kind, signal["type"], message.text(kind)
        yield unit, signal["unit"]["units"] if signal["unit"] else "", message.text(unit)
        yield from _steps(signal, message, mine)


def _baseline(given: Given, message: Message, base: str) -> Iterator[Row]:
    start, lasts = f"{base}/{_BASELINE}/{_START}", f"{base}/{_BASELINE}/{_LASTS}"
    baseline = given["baseline"]
    yield start, _instant(baseline["start"]), _instant(message.text(start))
    yield lasts, _length(baseline["lasts"]), _length(message.text(lasts))
    yield from _steps(baseline, message, f"{base}/{_BASELINE}")


def _target(given: Given, message: Message, base: str) -> Iterator[Row]:
    rows = (("groupID", "group_ids"), ("resourceID", "resource_ids"), ("partyID", "party_ids"))
    for name, key in rows:
        path = f"{base}/ei:eiEvent/ei:eiTarget/ei:{name}"
        yield path, sorted(given["target"][key]), sorted(message.all(path))


def _context(given: Given, message: Message, base: str) -> Iterator[Row]:
    path = f"{base}/{_HEAD}/ei:eiMarketContext/emix:marketContext"
    yield path, given["context"], message.text(path)


def _priority(given: Given, message: Message, base: str) -> Iterator[Row]:
    path = f"{base}/{_HEAD}/ei:priority"
    yield path, _number(str(given["priority"])), _number(message.text(path) or "0")


def _test(given: Given, message: Message, base: str) -> Iterator[Row]:
    path = f"{base}/{_HEAD}/ei:testEvent"
    yield path, given["test"] not in (None, "false"), message.text(path) not in ("", "false")


def _comment(given: Given, message: Message, base: str) -> Iterator[Row]:
    path = f"{base}/{_HEAD}/ei:vtnComment"
    yield path, given["comment"] or "", message.text(path)


def _required(given: Given, message: Message, base: str) -> Iterator[Row]:
    path = f"{base}/oadr:oadrResponseRequired"
    yield path, "always" if given["required"] else "never", message.text(path)


Part = Callable[[Given, Message, str], Iterator[Row]]
PARTS: Final[Mapping[str, Part]] = {
    "period": _period,
    "startafter": _span("start_after", "xcal:tolerance/xcal:tolerate/xcal:startafter"),
    "notification": _span("notification", "ei:x-eiNotification/xcal:duration"),
    "ramp-up": _span("ramp_up", "ei:x-eiRampUp/xcal:duration"),
    "recovery": _span("recovery", "ei:x-eiRecovery/xcal:duration"),
    "signals": _signals,
    "baseline": _baseline,
    "target": _target,
    "context": _context,
    "priority": _priority,
    "test": _test,
    "comment": _comment,
    "required": _required,
}
"""What may be compared."""


# --- one event after a mark


def event_shows(mark: str, event_id: str, path: str, value: str, *, requirement: str) -> Check:
    """Demand what a field of an event says in the first distribution after a mark; numbers are compared as such.

    Args:
        mark: Set by the script.
        event_id: Of the event, which must be listed.
        path: Below ``oadrEvent``.
        value: Wanted.
        requirement: Cited.
    """

    def judge(transcript: Transcript) -> Iterator[Finding]:
        found = seen_after(transcript, mark, _DISTRIBUTION)
        if found is None:
            return
        whole = f"{of_event(event_id)}/{path}"
        got = found.text(whole)
        if got != value and _number(got) != _number(value):
            yield wrong(requirement, found, whole, value, got or "none")

    return Check(f"shows {path.rpartition('/')[2]} of {event_id} after {mark}", judge)


def records(event_id: str, opt: str, *, requirement: str, after: str = "") -> Check:
    """Demand that the VTN shows, by the driver's ``state``, the opt that its VEN has said last; empty: none."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        for mark in states(transcript, after)[-1:]:
            found = mark.values.get(f"opt.{event_id}", "")
            if found != opt:
                yield Finding(
                    requirement=requirement,
                    message=mark.number,
                    path=f"state opt.{event_id}",
                    expected=opt or "no answer on record",
                    observed=found or "no answer on record",
                )

    return Check(f"records {opt or 'no answer'} for {event_id}", judge)
