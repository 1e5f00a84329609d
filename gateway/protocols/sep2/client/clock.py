"""The server's clock as the client sees it: an offset to ours that does not tremble.

Times of the server have whole seconds and travel for a while, so an estimate is good to about a second. The offset
follows only when it is off by more than that, and backward at most a minute at a time (CSIP TIME.011).

Spec: IEEE 2030.5-2018 clause 9.2.3; IEEE 2030.5 Time.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from gateway.protocols.sep2.events.values import EARLIEST, LATEST

TREMBLE: Final = timedelta(seconds=1.5)
FARTHEST_BACK: Final = timedelta(seconds=60)
_HALF: Final = timedelta(seconds=0.5)


@dataclass(slots=True, kw_only=True)
class ServerClock:
    """Reads the server's time off ours.

    Args:
        offset: The server's clock minus ours, whole seconds.
    """

    offset: timedelta = timedelta(0)

    @staticmethod
    def plausible(current_time: int) -> bool:
        """Say whether a time can be meant: what lies outside two centuries is a fault, whoever says so."""
        return EARLIEST <= current_time < LATEST

    def read(self, current_time: int, asked_at: datetime, heard_at: datetime) -> bool:
        """Take a Time resource; say whether the offset moved.

        Args:
            current_time: As told, and plausible.
            asked_at: When it was asked for, by our clock.
            heard_at: When the answer came.
        """
        told = datetime.fromtimestamp(current_time, UTC) + _HALF
        wanted = told - (asked_at + (heard_at - asked_at) / 2)
        move = wanted - self.offset
        if abs(move) <= TREMBLE:
            return False
        move = max(move, -FARTHEST_BACK)
        self.offset = timedelta(seconds=round((self.offset + move).total_seconds()))
        return True

    def seconds(self, now: datetime) -> int:
        """Return the server's time at an instant of ours, whole seconds, rounded down."""
        return int((now + self.offset).timestamp())

    def ours(self, at: int) -> datetime:
        """Return an instant of the server's time by our clock."""
        return datetime.fromtimestamp(at, UTC) - self.offset
