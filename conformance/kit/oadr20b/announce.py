"""Scripts in one word: announce events, change them, cancel them, and wait for the answers."""

from datetime import timedelta
from typing import Final

from conformance.kit.oadr20b.conditions import answered, delivered, exchanged
from conformance.kit.oadr20b.event import Event, simple
from conformance.kit.stage import VenStage

PATIENCE: Final = timedelta(minutes=2)
"""Longest wait for an answer: several poll periods."""
CONTROL: Final = "control-1"
"""The event by which a device shows that it reads distributions, where silence alone would earn a PASS."""
EVENT_ID: Final = ".//ei:eventDescriptor/ei:eventID"


async def announce(stage: VenStage, *events: Event) -> None:
    """Distribute events and wait until all of them that ask for it are answered."""
    stage.utility.publish(*events)
    await _answers(stage, events)


async def change(stage: VenStage, *events: Event) -> None:
    """Distribute newer versions and wait for the answers."""
    stage.utility.hold(*events)
    stage.utility.distribute()
    await _answers(stage, events)


async def cancel(stage: VenStage, event: Event) -> None:
    """Cancel an event and wait for the answer; ``event`` is its newest version."""
    stage.utility.cancel(event.id)
    await _answers(stage, (event.cancelled(),))


async def withdraw(stage: VenStage, event_id: str) -> None:
    """Let an event vanish from the distributions and wait until one without it has arrived."""
    before = newest(stage)
    stage.utility.withdraw(event_id)
    await stage.until(
        delivered("oadrDistributeEvent", after=before), PATIENCE, f"hear no more of {event_id}"
    )


async def take(stage: VenStage, *events: Event) -> None:
    """Distribute events and wait until they have arrived, whatever the device says."""
    before = newest(stage)
    stage.utility.publish(*events)
    await stage.until(delivered("oadrDistributeEvent", after=before), PATIENCE, "take the events")


async def still_answers(stage: VenStage) -> None:
    """Announce one event more, which asks for an answer, and wait for it; mark ``control`` stands before."""
    stage.mark("control")
    await announce(stage, simple(CONTROL, stage.now + timedelta(hours=12), timedelta(hours=1)))


async def go_on(stage: VenStage, length: timedelta) -> None:
    """Let time pass in which the device is seen to live: in push mode it is told everything once more."""
    before = newest(stage)
    if stage.mode == "push":
        stage.utility.distribute()
    await stage.until(exchanged(1, after=before), PATIENCE, "go on exchanging")
    await stage.sleep(length)


def newest(stage: VenStage) -> int:
    """Return the number of the newest message."""
    found = stage.transcript.messages
    return found[-1].number if found else 0


async def _answers(stage: VenStage, events: tuple[Event, ...]) -> None:
    for event in events:
        if event.required:
            what = f"answer version {event.version} of event {event.id}"
            await stage.until(answered(event.id, event.version), PATIENCE, what)
        else:
            path, version = ".//ei:modificationNumber", str(event.version)
            come = delivered("oadrDistributeEvent", path=path, value=version)
            await stage.until(come, PATIENCE, f"take event {event.id}")
