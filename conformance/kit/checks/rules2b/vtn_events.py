"""Rules about the events of a distribution, one by one: 008 to 014 and 018 to 022."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from typing import Final

from conformance.kit.checks.rules2b.vtn_identity import given_ids
from conformance.kit.checks.rules2b.vtn_signals import fits_table
from conformance.kit.finding import Check, Finding, wrong
from conformance.kit.oadr20b.times import at, lasting
from conformance.kit.transcript import Message, Transcript

NOTHING: Final = timedelta(0)
_EVENT_WINDOW: Final = timedelta(minutes=5)
_METADATA_WINDOW: Final = timedelta(minutes=1)
_EDGE: Final = timedelta(seconds=2)
"""Around a change of intervals, both values are right."""
HEAD: Final = "ei:eventDescriptor"
PERIOD: Final = "ei:eiActivePeriod/xcal:properties"
SIGNAL: Final = "ei:eiEventSignals/ei:eiEventSignal"
BASELINE: Final = "ei:eiEventSignals/ei:eiEventBaseline"
INTERVAL: Final = "strm:intervals/ei:interval"
LENGTH: Final = "xcal:duration/xcal:duration"
START: Final = "xcal:dtstart/xcal:date-time"
VALUE: Final = "ei:signalPayload/ei:payloadFloat/ei:value"
_CREATED: Final = "ei:createdDateTime"


def distributed(transcript: Transcript) -> Iterator[tuple[Message, str]]:
    """Yield every event that the device distributed, with its path."""
    for message in transcript.from_device("oadrDistributeEvent"):
        for place in range(1, len(message.elements("oadr:oadrEvent")) + 1):
            yield message, f"oadr:oadrEvent[{place}]/ei:eiEvent"


def signals(message: Message, event: str) -> Iterator[str]:
    """Yield the path of every signal of an event."""
    for place in range(1, len(message.elements(f"{event}/{SIGNAL}")) + 1):
        yield f"{event}/{SIGNAL}[{place}]"


def _series(message: Message, event: str) -> Iterator[str]:
    """Yield the path of every series of intervals of an event."""
    yield from signals(message, event)
    if message.elements(f"{event}/{BASELINE}"):
        yield f"{event}/{BASELINE}"


def rule_008(transcript: Transcript) -> Iterator[Finding]:
    """Stamp events with the present time to five minutes, the same in one payload, and metadata to one.

    A push that is tried again is judged by its first try alone.
    """
    seen: set[bytes] = set()
    for message in transcript.from_device("oadrDistributeEvent"):
        if message.body in seen:
            continue
        seen.add(message.body)
        path = f"oadr:oadrEvent/ei:eiEvent/{HEAD}/{_CREATED}"
        yield from _stamped(message, path, _EVENT_WINDOW)
        found = message.all(path)
        if len(set(found)) > 1:
            yield wrong("RULE-2B-008", message, path, "one value in a payload", " ".join(found))
    for message in transcript.from_device("oadrRegisterReport"):
        yield from _stamped(message, f"oadr:oadrReport/{_CREATED}", _METADATA_WINDOW)


def _stamped(message: Message, path: str, window: timedelta) -> Iterator[Finding]:
    for text in message.all(path):
        found = at(text)
        if found is None or abs(message.at - found) > window:
            shown = f"{message.at.isoformat()} to {window.total_seconds():g} s"
            slack = None if found is None else window
            yield wrong("RULE-2B-008", message, path, shown, text, tolerance=slack)


def rule_009(transcript: Transcript) -> Iterator[Finding]:
    """Number the intervals of signals and baselines from 0 in steps of 1."""
    for message, event in distributed(transcript):
        for series in _series(message, event):
            path = f"{series}/{INTERVAL}/xcal:uid/xcal:text"
            count = len(message.elements(f"{series}/{INTERVAL}"))
            found, wanted = message.all(path), [str(n) for n in range(count)]
            if found != wanted:
                text = " ".join(found) or "none"
                yield wrong("RULE-2B-009", message, path, " ".join(wanted), text)


def rule_010(transcript: Transcript) -> Iterator[Finding]:
    """Give no interval of an event a start of its own."""
    for message, event in distributed(transcript):
        for series in _series(message, event):
            path = f"{series}/{INTERVAL}/xcal:dtstart"
            if message.elements(path):
                yield wrong("RULE-2B-010", message, path, "none", "one")


def rule_011(transcript: Transcript) -> Iterator[Finding]:
    """Let the intervals of every signal last as long as the event."""
    for message, event in distributed(transcript):
        whole = lasting(message.text(f"{event}/{PERIOD}/{LENGTH}"))
        for signal in signals(message, event):
            yield from _sum(message, signal, whole, "RULE-2B-011")


def rule_022(transcript: Transcript) -> Iterator[Finding]:
    """Let the intervals of a baseline last as long as it says."""
    for message, event in distributed(transcript):
        base = f"{event}/{BASELINE}"
        if message.elements(base):
            whole = lasting(message.text(f"{base}/{LENGTH}"))
            yield from _sum(message, base, whole, "RULE-2B-022")


def _sum(
    message: Message, series: str, whole: timedelta | None, requirement: str
) -> Iterator[Finding]:
    path = f"{series}/{INTERVAL}/{LENGTH}"
    steps = [lasting(text) for text in message.all(path)]
    total = sum((step or NOTHING for step in steps), NOTHING)
    if whole is not None and total != whole:
        text, found = f"{whole.total_seconds():g} s", f"{total.total_seconds():g} s"
        yield wrong(requirement, message, path, f"{text} in all", found)


def rule_012(transcript: Transcript) -> Iterator[Finding]:
    """Let SIMPLE be a level from 0 to 3, without a unit."""
    for message, event in distributed(transcript):
        for signal in signals(message, event):
            if message.text(f"{signal}/ei:signalName") != "SIMPLE":
                continue
            path = f"{signal}/{INTERVAL}/{VALUE}"
            for text in message.all(path):
                if _number(text) not in (0, 1, 2, 3):
                    yield wrong("RULE-2B-012", message, path, "0, 1, 2 or 3", text)


def rule_013(transcript: Transcript) -> Iterator[Finding]:
    """Let currentValue of SIMPLE be 0 unless the event is active, and then the running interval's (rules 14, 29)."""
    for message, event in distributed(transcript):
        status = message.text(f"{event}/{HEAD}/ei:eventStatus")
        for signal in signals(message, event):
            path = f"{signal}/ei:currentValue/ei:payloadFloat/ei:value"
            text = message.text(path)
            simple = message.text(f"{signal}/ei:signalName") == "SIMPLE"
            if not text or not simple:
                continue
            allowed = _running(message, event, signal) if status == "active" else {Decimal(0)}
            if allowed and _number(text) not in allowed:
                wanted = " or ".join(str(x) for x in sorted(allowed))
                yield wrong("RULE-2B-013", message, path, wanted, text, tolerance=_EDGE)


def _running(message: Message, event: str, signal: str) -> set[Decimal]:
    """Return the value of the interval that runs as the message is sent, with its neighbour's near an edge."""
    begin = at(message.text(f"{event}/{PERIOD}/{START}"))
    found = set()
    for place in range(1, len(message.elements(f"{signal}/{INTERVAL}")) + 1):
        row = f"{signal}/{INTERVAL}[{place}]"
        lasts = lasting(message.text(f"{row}/{LENGTH}"))
        value = _number(message.text(f"{row}/{VALUE}"))
        if begin is None or lasts is None or value is None:
            return set()
        if begin - _EDGE <= message.at and (not lasts or message.at < begin + lasts + _EDGE):
            found.add(value)
        begin += lasts
    return found


def _number(text: str) -> Decimal | None:
    try:
        return Decimal(text)
    except InvalidOperation:
        return None


def rule_014(transcript: Transcript) -> Iterator[Finding]:
    """Let an eventID stand once in a payload, and a signalID once in an event."""
    for message in transcript.from_device("oadrDistributeEvent"):
        yield from _twice(message, f"oadr:oadrEvent/ei:eiEvent/{HEAD}/ei:eventID")
    for message, event in distributed(transcript):
        yield from _twice(message, f"{event}/{SIGNAL}/ei:signalID")


def _twice(message: Message, path: str) -> Iterator[Finding]:
    found = message.all(path)
    for name in sorted({x for x in found if found.count(x) > 1}):
        yield wrong("RULE-2B-014", message, path, f"{name} once", f"{found.count(name)} times")


def rule_018(transcript: Transcript) -> Iterator[Finding]:
    """Name at most one VEN in the target of an event."""
    for message, event in distributed(transcript):
        found = message.all(f"{event}/ei:eiTarget/ei:venID")
        if len(found) > 1:
            path = f"{event}/ei:eiTarget/ei:venID"
            yield wrong("RULE-2B-018", message, path, "at most one", " ".join(found))


def rule_019(transcript: Transcript) -> Iterator[Finding]:
    """Name no VEN in the target of an event that this VTN has not registered."""
    for message, event in distributed(transcript):
        path = f"{event}/ei:eiTarget/ei:venID"
        known = given_ids(transcript, message.number)
        for found in message.all(path):
            if known and found not in known:
                yield wrong("RULE-2B-019", message, path, " or ".join(sorted(known)), found)


def rule_020(transcript: Transcript) -> Iterator[Finding]:
    """Carry x-eiNotification in every active period (rule 105)."""
    for message, event in distributed(transcript):
        path = f"{event}/{PERIOD}/ei:x-eiNotification"
        if not message.elements(path):
            yield wrong("RULE-2B-020", message, path, "one", "none")


def rule_021(transcript: Transcript) -> Iterator[Finding]:
    """Give well-known signals the types and units that belong to them (rule 104)."""
    for message, event in distributed(transcript):
        for signal in signals(message, event):
            yield from fits_table(message, signal)


RULES: Final = (
    Check("RULE-2B-008", rule_008),
    Check("RULE-2B-009", rule_009),
    Check("RULE-2B-010", rule_010),
    Check("RULE-2B-011", rule_011),
    Check("RULE-2B-012", rule_012),
    Check("RULE-2B-013", rule_013),
    Check("RULE-2B-014", rule_014),
    Check("RULE-2B-018", rule_018),
    Check("RULE-2B-019", rule_019),
    Check("RULE-2B-020", rule_020),
    Check("RULE-2B-021", rule_021),
    Check("RULE-2B-022", rule_022),
)
