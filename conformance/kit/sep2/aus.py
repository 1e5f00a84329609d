"""What scripts of CSIP-AUS cases do again and again."""

from datetime import datetime, timedelta
from typing import Final

from conformance.kit.sep2.acts import PROGRAM
from conformance.kit.sep2.utility import ClientStage
from conformance.kit.sep2.values import Content, Program, aus_limit

ZERO: Final[Content] = {**aus_limit("Imp", 0), **aus_limit("Exp", 0)}
"""Default of the public procedures: nothing goes in or out at the connection point."""
GRADIENT: Final = 27
"""setGradW of theirs: 0.27 % of setMaxW per second."""
AUS: Final = ("csipaus",)
RATES: Final = (("post_s", "60"),)
"""Facts: readings and status are told every minute."""


def assign(
    stage: ClientStage, default: Content = ZERO, *, gradient: int = GRADIENT, primacy: int = 10
) -> None:
    """Have the program that is there from the beginning bring this default."""
    stage.utility.put_program(
        Program(
            id=PROGRAM, primacy=primacy, default=default, default_settings={"setGradW": gradient}
        )
    )


def note(stage: ClientStage, name: str, at: datetime | None = None) -> None:
    """Mark an instant, for checks that read it as ``at``; without one: now."""
    stage.mark(name, at=at or stage.now)


async def to_minute(stage: ClientStage, seconds: int = 0) -> datetime:
    """Let time pass until so many seconds after the next whole minute; return that instant."""
    now = stage.now.replace(microsecond=0)
    at = now + timedelta(seconds=60 - now.timestamp() % 60 + seconds)
    await stage.sleep_until(at)
    return at
