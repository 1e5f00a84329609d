"""Events of one market context that would run at the same time, a VTN under test that keeps them apart (rule 18)."""

from dataclasses import replace
from datetime import timedelta
from typing import Final

from conformance.kit.case import case
from conformance.kit.checks.vtn import never_lists, says
from conformance.kit.oadr20b.event import Event, simple
from conformance.kit.oadr20b.vtn_acts import look, settle
from conformance.kit.observations import mark_set, sent
from conformance.kit.stage import VtnStage

_HOUR: Final = timedelta(hours=1)
_DELAY: Final = timedelta(minutes=10)
_REFUSES: Final = "REQ-OADR20B-R18-63"
_TAKES: Final = "REQ-OADR20B-R18-64"
_LISTING: Final = "oadrDistributeEvent"
_OTHER: Final = "http://gridgate.example/another-program"


async def _offered(stage: VtnStage, event: Event) -> None:
    """Order an event, and note whether the VTN took it."""
    taken = await stage.takes(event)
    stage.mark(f"ordered.{event.id}", taken="yes" if taken else "no")


@case(
    id="OADR20B-VTN-EVT-530",
    title="An event that would overlap another one of its market context is refused",
    purpose="Exposes a VTN that announces events which run at the same time, or keeps apart what does not meet.",
    public=("A_E3_0530", "A_E2_0530"),
    requirements=(_REFUSES, _TAKES),
    checks=(
        never_lists("inside", "around", "in-the-delay", requirement=_REFUSES),
        says("ordered.first", "taken", "yes", requirement=_TAKES),
        says("ordered.another-context", "taken", "yes", requirement=_TAKES),
        says("ordered.right-behind", "taken", "yes", requirement=_TAKES),
        says("ordered.right-before", "taken", "yes", requirement=_TAKES),
    ),
    observations=(sent(_LISTING, 2), mark_set("ordered.right-before")),
    applies_if="VTN-EVT-OVERLAP",
    needs=("create_event",),
    facts=(("refuse_overlap", "yes"),),
    mutants=(
        "vtn-lets-events-overlap",
        "vtn-keeps-contexts-apart",
        "vtn-forgets-delays-in-overlaps",
    ),
)
async def overlap(stage: VtnStage) -> None:
    """Order an event with a random delay, then some that meet it and some that do not; look what is listed."""
    start = (stage.now + 4 * _HOUR).replace(microsecond=0)
    first = simple("first", start, _HOUR, start_after=_DELAY)
    end = first.end
    await _offered(stage, first)
    await settle(stage)
    await _offered(stage, simple("inside", start + _HOUR / 2, _HOUR / 4))
    await _offered(stage, simple("around", start - _HOUR, 4 * _HOUR))
    await _offered(stage, simple("in-the-delay", end + _DELAY / 2, _HOUR))
    another = simple("another-context", start + _HOUR / 2, _HOUR)
    await _offered(stage, replace(another, context=_OTHER))
    await _offered(stage, simple("right-behind", end + _DELAY, _HOUR))
    await _offered(stage, simple("right-before", start - _HOUR, _HOUR))
    await settle(stage)
    await look(stage)
