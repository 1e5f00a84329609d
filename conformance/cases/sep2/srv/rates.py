"""How often clients are told to ask (S-ALL-43), and what the clock says (CORE-005)."""

from collections.abc import Mapping
from datetime import timedelta

from conformance.kit.case import Case
from conformance.kit.sep2.acts import ASSIGNMENT
from conformance.kit.sep2.checks.answers import attribute, done_well
from conformance.kit.sep2.checks.clock import tells_time
from conformance.kit.sep2.server_acts import part
from conformance.kit.sep2.server_case import case
from conformance.kit.sep2.server_stage import ServerStage

_RATE = "REQ-CSIPAUS-S-ALL-43-1"
_TIME = "REQ-SEP2-9.2-51"
_RESOURCES: Mapping[int, str] = {
    1: "DeviceCapability",
    2: "EndDeviceList",
    3: "FunctionSetAssignmentsList",
    4: "DERProgramList",
    5: "DERList",
    6: "MirrorUsagePointList",
}
"""Whose pollRates the public procedure sets."""


def _rated(number: int, what: str) -> Case:
    @case(
        id=f"CSIP-SRV-RAT-{number:03}",
        title=f"pollRate of {what} is the one that the operator has set",
        purpose="Exposes a server that serves a pollRate of its own, or the one of another resource.",
        public=("S-ALL-43",),
        requirements=(_RATE,),
        checks=(
            attribute(what, "pollRate", "77", requirement=_RATE, part="first"),
            attribute(what, "pollRate", "123", requirement=_RATE, part="second"),
            attribute("Time", "pollRate", "450", requirement=_RATE, part="first"),
            attribute("Time", "pollRate", "450", requirement=_RATE, part="second"),
        ),
        observations=(
            done_well("first", got=what),
            done_well("second", got=what),
            done_well("second", got="Time"),
        ),
        applies_if="SRV-MUP" if what == "MirrorUsagePointList" else "",
        needs=("set_rates",),
    )
    async def script(stage: ServerStage) -> None:
        """Have the rate set twice, that of Time once; read both."""
        await stage.operator.set_rates("Time", 450)
        of = ASSIGNMENT if what == "DERProgramList" else ""
        for name, seconds in (("first", 77), ("second", 123)):
            await stage.operator.set_rates(what, seconds)
            async with part(stage, name):
                await stage.client.read(what, of)
                await stage.client.read("Time")

    return script


rated = tuple(_rated(number, what) for number, what in _RESOURCES.items())


@case(
    id="CSIP-SRV-TIM-001",
    title="Time is right for an hour, and its parts agree",
    purpose="Exposes a server whose clock drifts, whose localTime is another, or of a quality that means nothing.",
    public=("CORE-005", "S-ALL-01"),
    requirements=(_TIME,),
    checks=(tells_time(requirement=_TIME, part="hour"),),
    observations=(done_well("hour", 7, got="Time"),),
    lasts=timedelta(hours=1),
)
async def hour(stage: ServerStage) -> None:
    """Read Time every ten minutes for an hour."""
    async with part(stage, "hour"):
        for _ in range(7):
            await stage.client.read("Time")
            await stage.sleep(timedelta(minutes=10))
