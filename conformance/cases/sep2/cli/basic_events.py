"""DERControls one at a time: received, started, ended, cancelled (SunSpec BASIC-017 to BASIC-019, CORE-022)."""

from datetime import timedelta

from conformance.kit.sep2.case import case
from conformance.kit.sep2.checks.events import responds, timely
from conformance.kit.sep2.conditions import responded
from conformance.kit.sep2.observations import control_seen, response_seen
from conformance.kit.sep2.utility import ClientStage
from conformance.kit.sep2.values import Control, limit

MINUTE = timedelta(minutes=1)
PROGRAM = "program"
_RSP = "REQ-SEP2-8.8-1"
_START = "REQ-SEP2-10.2.3-1"
_END = "REQ-SEP2-10.2.3-2"


@case(
    id="CSIP-CLI-EVT-018",
    title="A control with a default behind it runs from its start to its end",
    purpose="Exposes a client that does not receive, start or end a control, or says so at another time.",
    public=("BASIC-018", "CORE-012"),
    requirements=(_RSP, _START, _END),
    checks=(
        responds("one", 1, 2, 3, requirement=_RSP),
        timely("one", 2, "starts", requirement=_START),
        timely("one", 3, "ends", requirement=_END),
    ),
    observations=(control_seen("one"), response_seen("one", 2), response_seen("one", 3)),
    modes=("der", "csipaus"),
    mutants=("starts-late",),
)
async def one_control(stage: ClientStage) -> None:
    """Publish one control two minutes ahead and wait for its end."""
    start = stage.now + 2 * MINUTE
    stage.utility.publish(PROGRAM, Control(id="one", start=start, lasts=MINUTE, base=limit(60)))
    stage.mark("starts", at=start)
    stage.mark("ends", at=start + MINUTE)
    await stage.until(responded("one", 1), 2 * MINUTE, "receive the control")
    await stage.until(responded("one", 2), 3 * MINUTE, "start it")
    await stage.until(responded("one", 3), 2 * MINUTE, "end it")
    await stage.sleep(MINUTE)
