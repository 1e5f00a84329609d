"""Two VTNs, a VEN under test that serves both (2.0b section 8.4)."""

from datetime import timedelta
from typing import Final

from conformance.kit.case import Timing, case
from conformance.kit.checks.events import ANSWERED, RIGHT_ANSWER, answers_event
from conformance.kit.checks.execution import acts_as_expected, look, looked, see
from conformance.kit.checks.several import answers_only, keeps_apart
from conformance.kit.oadr20b.conditions import answered
from conformance.kit.oadr20b.event import simple
from conformance.kit.observations import event_answered, mark_set
from conformance.kit.stage import VenStage

_APART: Final = "REQ-OADR20B-T0295-1"
_MINUTE: Final = timedelta(minutes=1)
_PATIENCE: Final = timedelta(minutes=2)


@case(
    id="OADR20B-VEN-EVT-295",
    title="Two VTNs are served side by side, and each for itself",
    purpose="Exposes a VEN that mixes up the ids or the events of two VTNs.",
    public=("A_E0_0295", "CFX2B-EVT-09"),
    applies_if="VEN-TWO-VTNS and VEN-EVT-STATE",
    requirements=(_APART, RIGHT_ANSWER, ANSWERED),
    checks=(
        keeps_apart(requirement=_APART),
        answers_only("first-1", "first", requirement=_APART),
        answers_only("second-1", "second", requirement=_APART),
        answers_event("first-1"),
        answers_event("second-1"),
        acts_as_expected("first-1"),
        acts_as_expected("second-1"),
    ),
    observations=(
        event_answered("first-1"),
        event_answered("second-1"),
        looked("first-1", 1),
        looked("second-1", 1),
        mark_set("second"),
    ),
    needs=("state",),
    facts=(("second_vtn", "yes"),),
    suspends=("RULE-2B-005", "RULE-2B-006", "RULE-2B-026", "RULE-2B-046"),
    timing=Timing(lasts=5 * _MINUTE),
    mutants=("one-event-book-for-all",),
)
async def two(stage: VenStage) -> None:
    """Have each VTN announce an event of the same time, of which the other knows nothing, and look at both."""
    await stage.until(
        lambda _: stage.second.registration_id or None, _PATIENCE, "register with the second VTN"
    )
    await stage.sleep(timedelta(seconds=20))
    stage.mark("first", ven_id=stage.utility.ven_id)
    stage.mark("second", ven_id=stage.second.ven_id)
    first = simple("first-1", stage.now + 2 * _MINUTE, 5 * _MINUTE, 1)
    second = simple("second-1", first.start, 5 * _MINUTE, 2)
    stage.utility.publish(first)
    stage.second.publish(second)
    for name in ("first-1", "second-1"):
        await stage.until(answered(name), _PATIENCE, f"answer event {name}")
    await see(stage, "first-1", first.start + _MINUTE, acts=True, cites=_APART)
    await look(stage, "second-1", acts=True, cites=_APART)
