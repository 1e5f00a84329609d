"""What stands behind the reference client's meter: a load that nobody controls, and a DER that obeys.

Power is in W; what the DER delivers is positive, what it draws negative; the site's power is import positive.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

_KEPT: Final = timedelta(hours=2)
"""Longer than any postRate that is met."""
STORAGE_TARGET: Final = "beta:opModStorageTargetW"
_NOMINAL_W: Final = 81_000
"""What the DER does unless it is told otherwise."""


class Trace:
    """A power over time, straight between its turns."""

    def __init__(self, watts: float) -> None:
        self._first = watts
        self._turns: list[tuple[datetime, float]] = []

    def at(self, now: datetime) -> float:
        """Return the power at an instant."""
        before: tuple[datetime, float] | None = None
        for turn in self._turns:
            if turn[0] > now:
                return self._first if before is None else _between(before, turn, now)
            before = turn
        return self._first if before is None else before[1]

    def turn(self, now: datetime, watts: float, over: timedelta) -> None:
        """Go to another power, evenly within some time."""
        present = self.at(now)
        kept = [t for t in self._turns if now - _KEPT <= t[0] <= now]
        self._turns = [*kept, (now, present), (now + over, watts)]

    def aims_at(self) -> float:
        """Return the power that it is at, or goes to."""
        return self._turns[-1][1] if self._turns else self._first

    def mean(self, start: datetime, end: datetime) -> float:
        """Return the average within a period."""
        inner = [t for t in self._turns if start < t[0] < end]
        points = [(start, self.at(start)), *inner, (end, self.at(end - timedelta(microseconds=1)))]
        total = sum((b[0] - a[0]).total_seconds() * (a[1] + b[1]) / 2 for a, b in pairwise(points))
        return total / (end - start).total_seconds()


def _between(before: tuple[datetime, float], after: tuple[datetime, float], now: datetime) -> float:
    part = (now - before[0]) / (after[0] - before[0])
    return before[1] + part * (after[1] - before[1])


class Plant:
    """A DER and a load behind one meter.

    Args:
        max_w: Rating of the DER.
        storage_wh: Energy of its storage when that is full; it begins half full.
    """

    def __init__(self, max_w: int, storage_wh: int = 0) -> None:
        self._max_w = max_w
        self.storage_wh = storage_wh
        self._stored = storage_wh / 2
        self._counted: datetime | None = None
        self._wish = float(_NOMINAL_W)
        self._orders: Mapping[str, str] = {}
        self.load = Trace(0)
        self.der = Trace(_NOMINAL_W)
        self.closed = True
        """False: somebody has opened the switch between the DER and the site."""

    def set_load(self, watts: float, now: datetime) -> None:
        """Have the load that nobody controls draw so much."""
        self.load.turn(now, watts, timedelta(0))
        self._settle(now, timedelta(0))

    def set_wish(self, watts: float, now: datetime) -> None:
        """Have the DER deliver (or, below zero, draw) so much where nothing limits it."""
        self._wish = watts
        self._settle(now, timedelta(0))

    def switch(self, *, closed: bool, now: datetime) -> None:
        """Open or close the switch of the DER."""
        self.closed = closed
        self._settle(now, timedelta(0))

    def obey(self, orders: Mapping[str, str], now: datetime) -> None:
        """Take what is in force; ``rampTms`` says in what time it is reached."""
        if orders != self._orders:
            ramp = float(orders.get("rampTms") or self._orders.get("rampTms") or 0)
            self._orders = orders
            self._settle(now, timedelta(seconds=ramp / 100))

    def site_mean(self, start: datetime, end: datetime) -> float:
        """Return the average import of the site."""
        return self.load.mean(start, end) - self.der.mean(start, end)

    def stored(self, now: datetime) -> float:
        """Return the energy in the storage, Wh: what the DER delivered since the last look is gone."""
        if self._counted is not None and now > self._counted:
            hours = (now - self._counted) / timedelta(hours=1)
            left = self._stored - hours * self.der.mean(self._counted, now)
            self._stored = min(max(left, 0.0), float(self.storage_wh))
        self._counted = now
        return self._stored

    def _settle(self, now: datetime, over: timedelta) -> None:
        watts = self._allowed(self.load.at(now))
        if watts != self.der.aims_at():
            self.der.turn(now, watts, over)

    def _allowed(self, load: float) -> float:
        """Return what the DER does: its wish, cut by everything in force."""
        orders = self._orders
        if not self.closed or "false" in (orders.get("opModConnect"), orders.get("opModEnergize")):
            return 0.0
        watts = self._wish
        if "opModFixedW" in orders:
            watts = self._max_w * float(orders["opModFixedW"]) / 10_000
        watts = float(orders.get(STORAGE_TARGET, watts))
        most = self._max_w * float(orders.get("opModMaxLimW", 10_000)) / 10_000
        most = min(most, _limit(orders, "Gen"), load + _limit(orders, "Exp"))
        least = max(-_limit(orders, "Load"), min(load - _limit(orders, "Imp"), 0.0))
        return max(min(watts, max(most, 0.0)), least)


def _limit(orders: Mapping[str, str], which: str) -> float:
    return float(orders.get(f"aus:opMod{which}LimW", "inf"))
