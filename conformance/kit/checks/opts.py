"""Checks of oadrCreateOpt and oadrCancelOpt (2.0b section 8.5)."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from conformance.kit.checks.flow import fresh
from conformance.kit.finding import Check, Finding, wrong
from conformance.kit.oadr20b.times import at, lasting
from conformance.kit.transcript import Message, Transcript

CREATE_OPT: Final = "oadrCreateOpt"
_WINDOW: Final = "xcal:vavailability/xcal:components/xcal:available/xcal:properties"
_START: Final = f"{_WINDOW}/xcal:dtstart/xcal:date-time"
_LENGTH: Final = f"{_WINDOW}/xcal:duration/xcal:duration"


def opts(transcript: Transcript, opt_id: str) -> list[Message]:
    """Return the opts that the device created under an id, each once, oldest first."""
    return [m for m in fresh(transcript, CREATE_OPT) if m.text("ei:optID") == opt_id]


def has_window(opt_id: str, mark: str, *, requirement: str) -> Check:
    """Demand the window of availability that the operator ordered.

    Args:
        opt_id: Of the schedule.
        mark: Of the script, with ``start`` (ISO) and ``seconds`` (0: open-ended).
        requirement: Cited.
    """

    def judge(transcript: Transcript) -> Iterator[Finding]:
        ordered = transcript.mark(mark)
        found = opts(transcript, opt_id)
        if ordered is None or not found:
            return
        begins = datetime.fromisoformat(ordered.values["start"])
        seconds = float(ordered.values["seconds"])
        starts, lengths = found[-1].all(_START), found[-1].all(_LENGTH)
        if [at(x) for x in starts] != [begins]:
            seen = " ".join(starts) or "none"
            yield wrong(requirement, found[-1], _START, begins.isoformat(), seen)
        read = [length.total_seconds() for x in lengths if (length := lasting(x)) is not None]
        if read != [seconds]:
            seen = " ".join(lengths) or "none"
            yield wrong(requirement, found[-1], _LENGTH, f"{seconds:g} s", seen)

    return Check(f"opt {opt_id} has the window that was ordered", judge)


def in_order(*opt_types: str, requirement: str, after: str) -> Check:
    """Demand opts of these types after a mark, in this order."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        mark = transcript.mark(after)
        if mark is None:
            return
        sent = [m for m in fresh(transcript, CREATE_OPT) if m.number > mark.number]
        for message, wanted in zip(sent, opt_types, strict=False):
            found = message.text("ei:optType")
            if found != wanted:
                yield wrong(requirement, message, "ei:optType", wanted, found or "none")

    return Check(f"opts {', '.join(opt_types)} in this order", judge)


def names_own_resource(mark: str, *, requirement: str) -> Check:
    """Demand that an opt names no resource but the device's own.

    Args:
        mark: Of the script, with ``resource``.
        requirement: Cited.
    """

    def judge(transcript: Transcript) -> Iterator[Finding]:
        told = transcript.mark(mark)
        for message in fresh(transcript, CREATE_OPT) if told is not None else ():
            for found in message.all("ei:eiTarget/ei:resourceID"):
                if told is not None and found != told.values["resource"]:
                    path = "ei:eiTarget/ei:resourceID"
                    yield wrong(requirement, message, path, told.values["resource"], found)

    return Check("opts name the device's own resource", judge)
