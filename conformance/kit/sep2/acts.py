"""What scripts of 2030.5 cases do again and again."""

from datetime import datetime, timedelta
from typing import Final

from conformance.kit.sep2.conditions import responded
from conformance.kit.sep2.utility import ClientStage
from conformance.kit.sep2.values import Content, Control

MINUTE: Final = timedelta(minutes=1)
PROGRAM: Final = "program"
"""Id of the program that is there from the beginning."""
ASSIGNMENT: Final = "assignment"


def announce(
    stage: ClientStage,
    name: str,
    base: Content,
    *,
    ahead: timedelta = 2 * MINUTE,
    lasts: timedelta = MINUTE,
    program: str = PROGRAM,
    **fields: object,
) -> Control:
    """Publish a control and mark its start and end, as ``<name>.starts`` and ``<name>.ends``.

    Args:
        stage: Where.
        name: Id of the control.
        base: What it controls.
        ahead: Time until it starts.
        lasts: Its duration.
        program: That it belongs to.
        fields: Further fields of ``Control``.
    """
    start = stage.now.replace(microsecond=0) + ahead
    made = Control(id=name, start=start, lasts=lasts, base=base, **fields)  # type: ignore[arg-type] # by name
    stage.utility.publish(program, made)
    mark_times(stage, name, start, start + lasts)
    return made


def mark_times(stage: ClientStage, name: str, start: datetime, end: datetime) -> None:
    """Mark when a control starts and ends, for the checks."""
    stage.mark(f"{name}.starts", at=start)
    stage.mark(f"{name}.ends", at=end)


async def run_through(stage: ClientStage, control: Control, lfdi: str = "") -> None:
    """Wait until the client has responded 1, 2 and 3 to a control, then a little more."""
    for status, what in ((1, "receive"), (2, "start"), (3, "end")):
        within = max(control.end - stage.now, timedelta(0)) + 3 * MINUTE
        await stage.until(
            responded(control.id, status, lfdi=lfdi), within, f"{what} control {control.id}"
        )
    await stage.sleep(timedelta(seconds=20))


async def prove(stage: ClientStage) -> None:
    """Have the client receive one more control, ``proof``: what it left unanswered before, it did not merely miss."""
    announce(stage, "proof", {"opModMaxLimW": 7000}, ahead=3 * MINUTE)
    await stage.until(responded("proof", 1), 3 * MINUTE, "receive control proof")


async def look(stage: ClientStage, name: str) -> None:
    """Ask the client what is in force now and keep it as the mark ``state.<name>``."""
    stage.mark(f"state.{name}", **await stage.driver.state())
