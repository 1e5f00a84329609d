"""What a VEN must not act on, and how it is brought before one, with a good event afterwards."""

from datetime import timedelta
from typing import Final

from conformance.kit.oadr20b.build import distribute_event, ei_event, payload
from conformance.kit.oadr20b.conditions import answered, exchanged, received
from conformance.kit.oadr20b.event import simple
from conformance.kit.stage import Reply, VenStage

TRAP: Final = "trap-1"
GOOD: Final = "good-1"
_PATIENCE: Final = timedelta(minutes=2)
_HOUR: Final = timedelta(hours=1)


def announced(stage: VenStage, event_id: str = TRAP) -> bytes:
    """Make a distribution of one event that begins in an hour."""
    event = simple(event_id, stage.now + _HOUR, _HOUR)
    listed = ei_event(event, stage.now, stage.value("market_context"))
    replying = "" if stage.mode == "pull" else None
    return payload(
        distribute_event(
            [listed], vtn_id=stage.utility.vtn_id, request_id="trap", replying_to=replying
        )
    )


async def instead(stage: VenStage, *replies: Reply) -> None:
    """Answer polls so, then as usual, and see whether an event is taken afterwards."""
    stage.utility.answer_next("oadrPoll", *replies)
    here = stage.transcript.messages[-1].number
    await stage.until(received("oadrPoll", times=len(replies), after=here), _PATIENCE, "poll")
    stage.mark("again")
    last = stage.transcript.messages[-1].number
    await stage.maybe(exchanged(2, after=last), timedelta(minutes=5), "go on polling")
    await good_event(stage)


async def good_event(stage: VenStage) -> None:
    """Announce an event and wait for the answer."""
    stage.utility.publish(simple(GOOD, stage.now + 2 * _HOUR, _HOUR))
    await stage.maybe(answered(GOOD), _PATIENCE, f"answer event {GOOD}")
    stage.mark("watched")
