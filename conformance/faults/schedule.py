"""Which fault strikes where: by connection and message, never by time, so that a run repeats exactly.

3.2: reset_mid          the second message of the third connection
4: tls_expired          the fourth connection
*.*: delay=20           every message, twenty seconds
5-9.1: http_503         the first message of connections five to nine
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from conformance.faults.fault import Fault
from conformance.faults.registry import FAULTS
from gateway.domain.chance import Chance
from gateway.domain.errors import MisuseError

_ROW: Final = re.compile(
    r"(?P<connection>\*|\d+(?:-\d+)?)(?:\.(?P<message>\*|\d+(?:-\d+)?))?\s*:\s*"
    r"(?P<fault>[a-z0-9_]+)(?:=(?P<amount>\d+(?:\.\d+)?))?"
)
_LAST: Final = 10**9


@dataclass(frozen=True, slots=True)
class Range:
    """Whole numbers from ``first`` to ``last``, both included."""

    first: int
    last: int

    def __contains__(self, number: int) -> bool:
        return self.first <= number <= self.last

    def __str__(self) -> str:
        if (self.first, self.last) == (1, _LAST):
            return "*"
        return str(self.first) if self.first == self.last else f"{self.first}-{self.last}"

    @classmethod
    def parse(cls, text: str) -> "Range":
        """Read ``*``, ``7`` or ``7-9``."""
        if text == "*":
            return cls(1, _LAST)
        first, _, last = text.partition("-")
        return cls(int(first), int(last or first))


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of a schedule."""

    connections: Range
    messages: Range | None
    """None: the connection as a whole."""
    fault: Fault

    def __str__(self) -> str:
        place = (
            f"{self.connections}"
            if self.messages is None
            else f"{self.connections}.{self.messages}"
        )
        usual = FAULTS[self.fault.name].amount == self.fault.amount
        return f"{place}: {self.fault.name}" + ("" if usual else f"={self.fault.amount:g}")


@dataclass(frozen=True, slots=True)
class Schedule:
    """Faults in order; the first line that fits decides."""

    entries: tuple[Entry, ...] = ()

    def __str__(self) -> str:
        return "\n".join(str(entry) for entry in self.entries)

    @classmethod
    def parse(cls, text: str) -> "Schedule":
        """Read what ``str`` wrote, or what somebody wrote by hand; ``;`` stands for a new line, ``#`` for a remark.

        Raises:
            MisuseError: ``SCHEDULE`` naming the line.
        """
        lines = (line.partition("#")[0].strip() for line in re.split(r"[;\n]", text))
        return cls(tuple(_entry(line) for line in lines if line))

    @classmethod
    def drawn(
        cls,
        chance: Chance,
        faults: Sequence[Fault],
        *,
        connections: int,
        messages: int,
        share: float,
    ) -> "Schedule":
        """Draw a schedule: of so many connections with so many messages each, a share is struck.

        Args:
            chance: Seeded, for a schedule that can be drawn again.
            faults: To choose from.
            connections: How many are looked at, from the first.
            messages: Of each connection.
            share: Of all messages, 0 to 1.
        """
        entries = []
        for connection in range(1, connections + 1):
            for message in range(1, messages + 1):
                if chance.random() >= share:
                    continue
                fault = faults[chance.randint(0, len(faults) - 1)]
                at = None if fault.whole_connection else Range(message, message)
                place = Range(connection, connection)
                entries.append(Entry(connections=place, messages=at, fault=fault))
        return cls(tuple(entries))

    def at(self, connection: int, message: int | None = None) -> Fault | None:
        """Return what strikes a message, or the connection as a whole; both count from 1."""
        for entry in self.entries:
            if connection in entry.connections:
                if message is None and entry.messages is None:
                    return entry.fault
                if message is not None and entry.messages is not None and message in entry.messages:
                    return entry.fault
        return None


def _entry(line: str) -> Entry:
    found = _ROW.fullmatch(line)
    if found is None:
        raise MisuseError("SCHEDULE", f"{line!r} does not look like '3.2: reset_mid'")
    fault = FAULTS.get(found["fault"])
    if fault is None:
        raise MisuseError("SCHEDULE", f"{line!r}: there is no fault {found['fault']}")
    if fault.whole_connection != (found["message"] is None):
        place = (
            "a connection alone, e.g. '4: …'"
            if fault.whole_connection
            else "a message, e.g. '4.1: …'"
        )
        raise MisuseError("SCHEDULE", f"{line!r}: {fault.name} strikes {place}")
    return Entry(
        connections=Range.parse(found["connection"]),
        messages=Range.parse(found["message"]) if found["message"] else None,
        fault=fault.with_amount(float(found["amount"])) if found["amount"] else fault,
    )
