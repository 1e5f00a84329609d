"""Intervals of one meter that were not there when they were asked for: asked for again, later each time, for a day.

A site tells its samples when it can: seconds after an interval, or hours, when the way to it was cut. What comes late
is mirrored late; what never comes stays out, and keeps nothing else waiting.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from gateway.domain.timespan import Span

FIRST_LOOK: Final = timedelta(seconds=15)
"""Before a gap is looked at again; it doubles while nothing comes."""
LONGEST_PAUSE: Final = timedelta(hours=1)
KEPT_FOR: Final = timedelta(days=1)
"""After its end a gap is let go."""
Run: TypeAlias = tuple[datetime, int, int]
"""Start of the first of several gaps side by side, seconds of each, how many."""


@dataclass(slots=True)
class Gaps:
    """The gaps of one meter, oldest first."""

    spans: dict[Span, None] = field(default_factory=dict)
    look_at: datetime | None = None
    """When to ask for them again; None: there are none, or they are being asked for."""
    _pause: timedelta = FIRST_LOOK
    _silent: bool = False
    """The newest interval was not there."""

    @property
    def runs(self) -> tuple[Run, ...]:
        """Return them as they are stored: what lies side by side in one."""
        found: list[Run] = []
        for span in self.spans:
            length = span.duration
            start, seconds, count = found[-1] if found else (span.start, 0, 0)
            if seconds == length.total_seconds() and start + count * length == span.start:
                found[-1] = start, seconds, count + 1
            else:
                found.append((span.start, int(length.total_seconds()), 1))
        return tuple(found)

    def recall(self, runs: Iterable[Run], now: datetime) -> None:
        """Take what is stored; it is asked for soon, since much may have come meanwhile."""
        for start, seconds, count in runs:
            length = timedelta(seconds=seconds)
            for place in range(count):
                self.missed(Span.lasting(start + place * length, length), now)

    def missed(self, span: Span, now: datetime) -> None:
        """Take that an interval was not there."""
        if not self.spans:
            self._pause = FIRST_LOOK
            self.look_at = now + FIRST_LOOK
        self.spans[span] = None
        self._silent = True

    def heard(self, now: datetime) -> None:
        """Take that the newest interval was there: after a silence, what was missing may have come with it."""
        if self.spans and self._silent:
            self._pause = FIRST_LOOK
            self.look_at = now + FIRST_LOOK
        self._silent = False

    def take(self, now: datetime) -> tuple[Span, ...]:
        """Return what to ask for, all of one length; nothing, unless it is time to look."""
        if self.look_at is None or self.look_at > now:
            return ()
        self.spans = {span: None for span in self.spans if span.end > now - KEPT_FOR}
        self.look_at = None
        length = next((span.duration for span in self.spans), None)
        return tuple(span for span in self.spans if span.duration == length)

    def found(self, told: Collection[Span], now: datetime) -> None:
        """Take which of them were there when they were asked for; the others are asked for again."""
        for span in told:
            self.spans.pop(span, None)
        self._pause = FIRST_LOOK if told else min(2 * self._pause, LONGEST_PAUSE)
        self.look_at = now + self._pause if self.spans else None
