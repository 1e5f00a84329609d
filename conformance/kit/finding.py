"""What a check says: which requirement was violated where, what was expected and what was seen."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Final

from conformance.kit.transcript import Message, Transcript


class Level(StrEnum):
    """How binding a requirement is."""

    MUST = "must"
    SHOULD = "should"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One violation."""

    requirement: str
    """E.g. ``REQ-OADR20B-R58-1`` or ``RULE-2B-004``."""
    expected: str
    observed: str
    message: int | None = None
    """Number of the violating message; None: one that never came."""
    path: str = ""
    """XPath of the offending field, below the message."""
    level: Level = Level.MUST
    late: bool = False
    """True: something did not come in time. A violation only if the line was shown to be healthy meanwhile."""
    healthy: bool = True
    """For ``late``: whether it was."""
    tolerance_s: float | None = None
    """How much of the time may be wrong before the device is; None: not about time, or, if late, all that it had."""
    beyond_s: float | None = None
    """By how much the tolerance was exceeded; None: not measured."""
    check: str = ""
    """Name of the check; filled in by the judge."""


PATIENCE: Final = timedelta(seconds=30)
"""What a device waits for an answer, about, before it says something once more: a suite that is late itself makes it
repeat what it would have said once."""
Judge = Callable[[Transcript], Iterable[Finding]]


@dataclass(frozen=True, slots=True)
class Check:
    """A named, parametrised, pure judgement over a transcript."""

    name: str
    judge: Judge = field(compare=False, repr=False)

    def __call__(self, transcript: Transcript) -> list[Finding]:
        """Return every violation, in the order of the history."""
        return list(self.judge(transcript))


def wrong(
    requirement: str,
    message: Message,
    path: str,
    expected: str,
    observed: str,
    *,
    tolerance: timedelta | None = None,
    beyond: timedelta | None = None,
) -> Finding:
    """Make the finding about a field of a message, or about its time, where there is a tolerance that was exceeded."""
    return Finding(
        requirement=requirement,
        message=message.number,
        path=path,
        expected=expected,
        observed=observed,
        tolerance_s=None if tolerance is None else tolerance.total_seconds(),
        beyond_s=None if beyond is None else beyond.total_seconds(),
    )
