"""How fast all sites together are driven: each ramp books a share of the fleet's limit for as long as it lasts.

limit   ┌──────────┬─────────┐
        │  site a  │ site c  │        c finds no room beside a and b, so it starts when a is done:
        ├──────────┴──┬──────┘        later, never earlier, and the same way every time
        │   site b    │
        └─────────────┴──────────▶ time
"""

from bisect import bisect_right, insort
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from gateway.domain.guard import ZERO, Move

_MINUTE: Final = timedelta(minutes=1)


@dataclass
class Fleet:
    """What is booked, and room for more; lives as long as one transaction.

    Args:
        limit_kw_per_min: Over all sites together.
        booked: Ramps that are granted.
    """

    limit_kw_per_min: Decimal
    booked: Iterable[Move] = ()
    _edges: list[datetime] = field(default_factory=list, init=False)
    _change: dict[datetime, Decimal] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        for move in self.booked:
            self.book(move)

    def book(self, move: Move) -> None:
        """Take a granted ramp's share."""
        self._change_by(move, move.kw_per_min)

    def drop(self, move: Move) -> None:
        """Give a booked ramp's share back."""
        self._change_by(move, -move.kw_per_min)

    def _change_by(self, move: Move, kw_per_min: Decimal) -> None:
        if move.ramp_until > move.at:
            self._at(move.at, kw_per_min)
            self._at(move.ramp_until, -kw_per_min)

    def _at(self, edge: datetime, kw_per_min: Decimal) -> None:
        found = self._change.get(edge)
        if found is None:
            insort(self._edges, edge)
        # Where one ramp ends and an equal one begins, nothing changes: a full stretch stays one stretch.
        total = (found or ZERO) + kw_per_min
        self._change[edge] = total
        if total == 0:
            self._edges.remove(edge)
            del self._change[edge]

    def slot(self, earliest: datetime, minutes: int, kw_per_min: Decimal) -> datetime:
        """Return the first instant from ``earliest`` on at which a ramp finds room for all of its length.

        Args:
            earliest: When the site could begin.
            minutes: How long the ramp lasts.
            kw_per_min: Its share; at most the limit.
        """
        room = self.limit_kw_per_min - kw_per_min
        begin = earliest
        place = bisect_right(self._edges, earliest)
        level = sum((self._change[edge] for edge in self._edges[:place]), ZERO)
        free = level <= room
        while place < len(self._edges):
            edge = self._edges[place]
            if free and edge >= begin + minutes * _MINUTE:
                break
            level += self._change[edge]
            if level > room:
                free = False
            elif not free:
                begin, free = edge, True
            place += 1
        return begin

    def peak(self) -> Decimal:
        """Return the highest share that is booked at any instant."""
        level = highest = ZERO
        for edge in self._edges:
            level += self._change[edge]
            highest = max(highest, level)
        return highest
