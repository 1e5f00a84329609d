"""Checks of what a VTN delivers by itself: pushes, their repetition, and reports in their rhythm."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from conformance.kit.finding import Check, Finding, wrong
from conformance.kit.oadr20b.times import at, lasting
from conformance.kit.transcript import Message, Part, Transcript, between

_OK: Final = 200
_REPORT: Final = "oadr:oadrReport"
_ASKED: Final = ".//oadr:oadrReportRequest/ei:reportRequestID"
_INTERVAL: Final = "strm:intervals/ei:interval"
_START: Final = "xcal:dtstart/xcal:date-time"
_LENGTH: Final = "xcal:duration/xcal:duration"
_CLOSE: Final = 0.02
"""Of a pause, beyond its jitter: what the line itself takes."""


def pushed(transcript: Transcript, name: str) -> list[Message]:
    """Return what the device pushed of a name, every try."""
    return [m for m in transcript.from_device(name) if m.part is Part.REQUEST]


def tries(name: str, pauses: Sequence[timedelta], *, requirement: str) -> Check:
    """Demand that a push that fails comes again, unchanged, after these pauses, each within 10 % (section 9.1.7)."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        found = pushed(transcript, name)
        if len(found) < len(pauses) + 1:
            number = found[-1].number if found else None
            text = f"{len(pauses) + 1} tries of {name}"
            yield Finding(
                requirement=requirement, message=number, expected=text, observed=str(len(found))
            )
        for earlier, later, pause in zip(found, found[1:], pauses, strict=False):
            passed = between(transcript.answer(earlier) or earlier, later)
            if abs(passed - pause) > pause * (0.1 + _CLOSE):
                shown = f"{pause.total_seconds():g} s within 10 %"
                seen = f"{passed.total_seconds():g} s"
                slack = pause * 0.1
                beyond = abs(passed - pause) - slack
                yield wrong(requirement, later, "", shown, seen, tolerance=slack, beyond=beyond)
            if later.body != earlier.body:
                yield wrong(requirement, later, "", "the same bytes again", "others")

    return Check(f"tries {name} again after {len(pauses)} failures", judge)


def on_path(name: str, service: str, *, requirement: str) -> Check:
    """Demand on which service of the VEN a message is posted."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        for message in pushed(transcript, name):
            if message.service != service:
                yield wrong(requirement, message, "path", service, message.path)

    return Check(f"posts {name} to {service}", judge)


def delivers(request: str, times: int, *, requirement: str, rows: int | None = None) -> Check:
    """Demand how many reports come under a reportRequestID, and perhaps how many intervals each has."""
    path = f"{_REPORT}[ei:reportRequestID='{request}']"

    def judge(transcript: Transcript) -> Iterator[Finding]:
        if not any(request in m.all(_ASKED) for m in transcript.from_suite()):
            return  # the script ended before it asked
        found = [m for m in transcript.from_device("oadrUpdateReport") if m.elements(path)]
        for message in found[times:]:
            yield wrong(requirement, message, path, f"{times} deliveries", str(len(found)))
        if len(found) < times:
            yield Finding(
                requirement=requirement,
                expected=f"{times} deliveries of {request}",
                observed=str(len(found)),
                message=found[-1].number if found else None,
                late=True,
                healthy=any(e.delivered for e in transcript.exchanges()),
            )
        for message in found if rows is not None else ():
            count = len(message.elements(f"{path}/{_INTERVAL}"))
            if count != rows:
                at_path = f"{path}/{_INTERVAL}"
                yield wrong(requirement, message, at_path, f"{rows} intervals", str(count))

    return Check(f"delivers {request} {times} times", judge)


def contiguous(request: str, back: timedelta, *, requirement: str) -> Check:
    """Demand that each delivery begins where the one before ended, and covers one reportBackDuration."""
    path = f"{_REPORT}[ei:reportRequestID='{request}']"

    def judge(transcript: Transcript) -> Iterator[Finding]:
        end: datetime | None = None
        for message in transcript.from_device("oadrUpdateReport"):
            starts = [at(text) for text in message.all(f"{path}/{_INTERVAL}/{_START}")]
            lengths = [lasting(text) for text in message.all(f"{path}/{_INTERVAL}/{_LENGTH}")]
            begin = starts[0] if starts else None
            if begin is None:
                continue
            whole = sum((length or timedelta(0) for length in lengths), timedelta(0))
            if end is not None and begin != end:
                place = f"{path}/{_INTERVAL}/{_START}"
                yield wrong(requirement, message, place, end.isoformat(), begin.isoformat())
            if whole != back:
                place = f"{path}/{_INTERVAL}/{_LENGTH}"
                text = f"{back.total_seconds():g} s in all"
                yield wrong(requirement, message, place, text, f"{whole.total_seconds():g} s")
            end = begin + whole

    return Check(f"delivers {request} without a gap", judge)
