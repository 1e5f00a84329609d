"""Checks of the Time resource."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from conformance.kit.finding import Check, Finding, wrong
from conformance.kit.sep2.checks.answers import within
from conformance.kit.transcript import Message, Transcript

DRIFT: Final = timedelta(seconds=5)
"""Of CSIP-AUS; whole seconds are told, which is one more."""
_QUALITIES: Final = ("3", "4", "5", "6", "7")


def tells_time(*, requirement: str, part: str) -> Check:
    """Demand that Time is that of the suite, that localTime follows from it, and that its quality means something."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        for one in within(transcript, part, "GET", got="Time"):
            if one.fine and one.answer is not None:
                yield from _judged(one.answer, requirement)

    return Check(f"Time is right in {part}", judge)


def _number(message: Message, name: str) -> int:
    found = message.text(f"s:{name}")
    return int(found) if found.lstrip("-").isdigit() else 0


def _judged(message: Message, requirement: str) -> Iterator[Finding]:
    told = _number(message, "currentTime")
    off = timedelta(seconds=abs(told - message.at.timestamp()))
    if off > DRIFT + timedelta(seconds=1):
        right = str(round(message.at.timestamp()))
        yield wrong(
            requirement, message, "s:currentTime", right, str(told), tolerance=DRIFT, beyond=off - DRIFT
        )  # fmt: skip
    if message.text("s:quality") not in _QUALITIES:
        yield wrong(requirement, message, "s:quality", "3 to 7", message.text("s:quality"))
    summer = _number(message, "dstStartTime") <= told < _number(message, "dstEndTime")
    local = told + _number(message, "tzOffset") + (_number(message, "dstOffset") if summer else 0)
    if message.text("s:localTime") not in ("", str(local)):
        yield wrong(requirement, message, "s:localTime", str(local), message.text("s:localTime"))
