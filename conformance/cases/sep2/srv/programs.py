"""Programs of different primacy with controls and defaults, and ramps that change (S-ALL-48, S-ALL-49)."""

from typing import Final

from conformance.kit.sep2.acts import ASSIGNMENT, MINUTE, PROGRAM
from conformance.kit.sep2.checks.shown import (
    all_listed,
    independent,
    ranks,
    shows,
    shows_default,
    stands,
)
from conformance.kit.sep2.server_case import AUS, case
from conformance.kit.sep2.server_stage import ServerStage
from conformance.kit.sep2.serving_acts import (
    MARGIN,
    add_program,
    offer,
    see,
    see_at,
    see_life,
    set_default,
)
from conformance.kit.sep2.serving_observations import control_shown, looked
from conformance.kit.sep2.values import aus_limit, limit

_SHOWN: Final = "REQ-CSIPAUS-S-ALL-11-1"
_COURSE: Final = "REQ-CSIPAUS-S-ALL-41-1"
_DEFAULT: Final = "REQ-CSIPAUS-S-ALL-19-1"
_SIDE: Final = "REQ-CSIPAUS-S-ALL-49-1"
_APART: Final = "REQ-SEP2-10.2.3-52"
_LISTED: Final = "REQ-SEP2-10.10-51"
_OTHER: Final = "second"
_DEFAULTS: Final = "DefaultDERControl"


@case(
    id="CSIP-SRV-PRG-049",
    title="Two programs of different primacy each show their own default and active control",
    purpose="Exposes a server that supersedes across programs, or mixes up what belongs to which.",
    public=("S-ALL-49", "BASIC-020", "BASIC-023"),
    requirements=(_SIDE, _APART, _COURSE, _DEFAULT, _LISTED),
    checks=(
        ranks((PROGRAM, 10), (_OTHER, 5), requirement=_SIDE),
        shows("one", requirement=_SIDE),
        shows("two", requirement=_SIDE),
        stands("one", requirement=_COURSE),
        stands("two", requirement=_COURSE),
        independent("one", "two", requirement=_APART),
        shows_default(PROGRAM, requirement=_DEFAULT),
        shows_default(_OTHER, requirement=_DEFAULT),
        all_listed(PROGRAM, requirement=_LISTED),
        all_listed(_OTHER, requirement=_LISTED),
    ),
    observations=(
        control_shown("one", 1),
        control_shown("two", 1),
        looked(_DEFAULTS, PROGRAM),
        looked(_DEFAULTS, _OTHER),
        looked("DERProgramList", ASSIGNMENT),
    ),
    lasts=5 * MINUTE,
)
async def two_programs(stage: ServerStage) -> None:
    """Publish the same mode in two programs at the same time; look at both lists while both are active."""
    await add_program(stage, _OTHER, 5, limit(50), {"setGradW": 27})
    one = await offer(stage, "one", limit(60), lasts=2 * MINUTE)
    await stage.sleep(MARGIN)
    two = await offer(stage, "two", limit(40), program=_OTHER)
    await see(stage.client, "DERProgramList", ASSIGNMENT)
    for program in (PROGRAM, _OTHER):
        await see(stage.client, _DEFAULTS, program)
    for at in (two.start + MARGIN, two.end - MARGIN):
        await see_at(stage, at)
        await see(stage.client, of=_OTHER)
    await see_life(stage, one)
    await see(stage.client, of=_OTHER)


@case(
    id="CSIPAUS-SRV-PRG-048",
    title="Ramps that change are shown: setGradW of the default, rampTms of each control",
    purpose="Exposes a server that keeps an old setGradW, or gives a control the ramp of another.",
    public=("S-ALL-48",),
    requirements=(_SHOWN, _DEFAULT, _COURSE),
    checks=(
        shows_default(PROGRAM, requirement=_DEFAULT),
        *(shows(name, requirement=_SHOWN) for name in ("slow", "fast", "plain")),
        *(stands(name, requirement=_COURSE) for name in ("slow", "fast", "plain")),
    ),
    observations=(
        looked(_DEFAULTS, PROGRAM, 3),
        *(control_shown(name, 1) for name in ("slow", "fast", "plain")),
    ),
    modes=AUS,
    applies_if="SRV-AUS",
    lasts=5 * MINUTE,
)
async def ramps(stage: ServerStage) -> None:
    """Change setGradW twice while controls with two rampTms, and one without any, follow each other."""
    made = []
    for place, (name, ramp) in enumerate((("slow", 6000), ("fast", 100), ("plain", None))):
        base = {**aus_limit("Exp", 1000 * (place + 1)), "rampTms": ramp}
        given = {key: value for key, value in base.items() if value is not None}
        made.append(await offer(stage, name, given, ahead=(place + 1) * MINUTE))
    for gradient in (27, 100):
        await set_default(stage, aus_limit("Exp", 1500), {"setGradW": gradient})
        await see(stage.client, _DEFAULTS)
    await see_at(stage, made[0].start + MARGIN)
    await set_default(stage, aus_limit("Exp", 1500), {"setGradW": 0})
    await see(stage.client, _DEFAULTS)
    await see_life(stage, *made)
