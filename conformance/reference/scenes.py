"""What happens at the reference gateway: deeds of a utility and of fate, in the field demonstration's own time."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final

from conformance.peers.event_spec import EventSpec, SignalSpec, Step
from gateway.protocols.oadr2b.messages import SignalType

PROGRAM: Final = "http://utility.example/programs/fast-dr"
NOTICE: Final = timedelta(minutes=30)
RAMP_IN: Final = timedelta(minutes=15)
HOLD: Final = timedelta(hours=3)
RECOVERY: Final = timedelta(minutes=30)
PAUSE: Final = timedelta(minutes=30)
"""Between one round and the next."""
ROUND: Final = NOTICE + HOLD + RECOVERY + PAUSE


class Deed(StrEnum):
    """What is done."""

    PUBLISH = "publish"
    REVISE = "revise"
    CANCEL = "cancel"
    SILENCE = "silence"
    """The gateway is gone for longer than a lease, and comes back on the same address and store."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One deed of a scene."""

    at: timedelta
    """Since the publication."""
    deed: Deed
    share: Decimal = Decimal("0.75")
    """Of the contracted import, that may be drawn from now on."""


_PUBLISH: Final = Move(at=timedelta(0), deed=Deed.PUBLISH)
_MIDDLE: Final = NOTICE + HOLD / 2
SCENES: Final[Mapping[str, tuple[Move, ...]]] = {
    "phoenix": (_PUBLISH,),
    "revise": (_PUBLISH, Move(at=_MIDDLE, deed=Deed.REVISE, share=Decimal("0.5"))),
    "cancel": (_PUBLISH, Move(at=_MIDDLE, deed=Deed.CANCEL)),
    "silence": (_PUBLISH, Move(at=NOTICE + HOLD / 3, deed=Deed.SILENCE)),
}
"""Scenario -> its moves: one event, held three hours; lowered or cancelled half-way; or the gateway falls silent."""


def event(
    event_id: str, site: str, limit_kw: Decimal, published_at: datetime, factor: float
) -> EventSpec:
    """Return the event of one round as its utility states it.

    Args:
        event_id: A new one for each round.
        site: Whom it is for.
        limit_kw: Highest import, kW.
        published_at: When the round began; aware, UTC.
        factor: How much faster than in the field everything goes.
    """

    def shorter(length: timedelta) -> timedelta:
        return timedelta(seconds=max(1, round(length.total_seconds() / factor)))

    signal = SignalSpec(
        name="LOAD_DISPATCH",
        type=SignalType.SETPOINT,
        unit="kW",
        steps=(Step(lasts=shorter(HOLD), value=limit_kw),),
    )
    return EventSpec(
        event_id=event_id,
        market_context=PROGRAM,
        start=published_at.replace(microsecond=0) + shorter(NOTICE),
        signals=(signal,),
        notification=shorter(NOTICE),
        ramp_up=shorter(RAMP_IN),
        recovery=shorter(RECOVERY),
        resources=(site,),
    )
