"""How fast a limit is to be reached: rampTms of the control, else setGradW of the default that counts.

A site follows levels, so a ramp becomes stairs inside the control: from what held right before to what is asked, never
above the line that the standard draws. Whoever is cut off the grid is so at once.

Spec: IEEE 2030.5-2018 DERControlBase (rampTms), DefaultDERControl (setGradW); CSIP BASIC-007; CSIP-AUS ALL-13, ALL-25.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from gateway.domain.event import Basis, Kind
from gateway.domain.quantity import Safe, round_safely
from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.client.modes import Asked

MOST_STEPS: Final = 30
SHORTEST_STEP: Final = 10
"""Seconds."""
_HUNDREDTHS: Final = 100
_WHOLE: Final = Decimal(10_000)
_BOUNDS: Final = frozenset({Kind.LIMIT_IMPORT, Kind.SETPOINT})
_AT_ONCE: Final = frozenset({"opModConnect", "opModEnergize"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Ramp:
    """How one control is reached."""

    from_kw: Decimal = Decimal(0)
    seconds: int = 0
    """0: at once."""


def ramp(
    base: sep.DERControlBase, asked: Asked, from_kw: Decimal, grad: int | None, rated_kw: Decimal
) -> Ramp:
    """Return how one mode of a control is reached.

    Args:
        base: The control; its rampTms counts before everything else.
        asked: What the mode asks.
        from_kw: What held before.
        grad: setGradW, hundredths of a percent of the rating per second; 0 and None: no limit.
        rated_kw: setMaxW.
    """
    bounds = asked.kind in _BOUNDS and asked.basis is Basis.ABSOLUTE
    if not bounds or asked.mode in _AT_ONCE:
        return Ramp()
    if base.ramp_tms is not None:
        return Ramp(from_kw=from_kw, seconds=base.ramp_tms // _HUNDREDTHS)
    if not grad or not rated_kw:
        return Ramp()
    per_second = rated_kw * grad / _WHOLE
    return Ramp(from_kw=from_kw, seconds=math.ceil(abs(from_kw - asked.value) / per_second))


def stairs(start: int, end: int, ramp: Ramp, to_kw: Decimal) -> Iterator[tuple[int, int, Decimal]]:
    """Yield (start, end, kW) of a stretch in seconds: the stairs, and then what is asked.

    Every step lies at or below the ramp: coming down it has the level of its end, going up that of its start.
    """
    change, at = to_kw - ramp.from_kw, start
    count = min(max(ramp.seconds // SHORTEST_STEP, 1), MOST_STEPS) if ramp.seconds else 0
    for step in range(count if change else 0):
        until = min(start + ramp.seconds * (step + 1) // count, end)
        share = Decimal(step + (change < 0)) / count
        if at < until and share != 1:
            yield at, until, round_safely(ramp.from_kw + change * share, Safe.CAP)
            at = until
    if at < end or start == end:
        yield at, end, to_kw
