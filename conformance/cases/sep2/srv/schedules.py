"""Controls that follow each other, that are randomised, that overlap, and those of three days (S-ALL-44, -45, -50)."""

from datetime import timedelta
from typing import Final

from conformance.kit.case import Case, Maturity
from conformance.kit.sep2.acts import MINUTE, PROGRAM
from conformance.kit.sep2.checks.shown import (
    all_listed,
    all_stand,
    independent,
    ordered,
    shows,
    stands,
    unedited,
)
from conformance.kit.sep2.server_case import SERVERS, case
from conformance.kit.sep2.server_stage import ServerStage
from conformance.kit.sep2.serving_acts import MARGIN, offer, see, see_life
from conformance.kit.sep2.serving_observations import (
    active_looks,
    control_shown,
    looked,
    looked_after,
)
from conformance.kit.sep2.values import fixed, limit

_SHOWN: Final = "REQ-CSIPAUS-S-ALL-11-1"
_COURSE: Final = "REQ-CSIPAUS-S-ALL-41-1"
_IN_TURN: Final = "REQ-CSIPAUS-S-ALL-44-1"
_RANDOM: Final = "REQ-CSIPAUS-S-ALL-45-1"
_LONG: Final = "REQ-CSIPAUS-S-ALL-50-1"
_ORDER: Final = "REQ-SEP2-4.6-61"
_LISTED: Final = "REQ-SEP2-10.10-51"
_APART: Final = "REQ-SEP2-10.2.3-52"
_EDITED: Final = "REQ-SEP2-10.2.3-51"
_ONE: Final = "one"
_NAMES: Final = tuple(f"step-{n}" for n in range(8))


@case(
    id="CSIP-SRV-SCH-044",
    title="Eight controls without a gap are active one after the other",
    purpose="Exposes a server that takes back-to-back for overlapping, or loses one of many.",
    public=("S-ALL-44",),
    requirements=(_SHOWN, _IN_TURN, _ORDER, _LISTED),
    checks=(
        *(shows(name, requirement=_SHOWN) for name in _NAMES),
        *(stands(name, requirement=_IN_TURN) for name in _NAMES),
        ordered(PROGRAM, requirement=_ORDER),
        all_listed(PROGRAM, requirement=_LISTED),
    ),
    observations=tuple(control_shown(name, 1) for name in _NAMES),
    lasts=10 * MINUTE,
)
async def in_turn(stage: ServerStage) -> None:
    """Publish the last control first; look before and after every change."""
    made = [
        await offer(stage, name, limit(10 * (place + 1)), ahead=timedelta(seconds=90 + 60 * place))
        for place, name in reversed(list(enumerate(_NAMES)))
    ]
    await see_life(stage, *made)


def _randomised(
    number: int, what: str, *, start: int | None = None, lasts: int | None = None
) -> Case:
    @case(
        id=f"CSIP-SRV-SCH-{number:03}",
        title=f"A control with {what} says so, and stays until the last device has ended it",
        purpose=f"Exposes a server that leaves out {what}, or drops the control while devices still carry it out.",
        public=("S-ALL-45", "CORE-021"),
        requirements=(_SHOWN, _RANDOM, _EDITED),
        checks=(
            shows(_ONE, requirement=_SHOWN),
            stands(_ONE, requirement=_RANDOM),
            unedited(_ONE, requirement=_EDITED),
        ),
        observations=(control_shown(_ONE, 0), control_shown(_ONE, 1), looked_after(_ONE)),
        lasts=5 * MINUTE,
    )
    async def randomised(stage: ServerStage) -> None:
        """Publish it; look around its start, its end, and its latest end."""
        given = await offer(
            stage, _ONE, limit(60), lasts=2 * MINUTE, random_start=start, random_lasts=lasts
        )
        await see(stage.client)
        await see_life(stage, given)

    return randomised


later = _randomised(45, "randomizeStart of 60 s", start=60)
earlier = _randomised(46, "randomizeStart of -30 s", start=-30)
longer = _randomised(47, "randomizeDuration of 60 s", lasts=60)
shorter = _randomised(48, "randomizeDuration of -30 s", lasts=-30)
both = _randomised(49, "both randomisations", start=30, lasts=30)


@case(
    id="CSIP-SRV-SCH-051",
    title="Controls of different modes that overlap are both active",
    purpose="Exposes a server that supersedes whatever overlaps.",
    public=("BASIC-024", "BASIC-026"),
    requirements=(_APART, _COURSE),
    checks=(
        independent(_ONE, "two", requirement=_APART),
        stands(_ONE, requirement=_COURSE),
        stands("two", requirement=_COURSE),
    ),
    observations=(control_shown(_ONE, 1), control_shown("two", 1)),
    lasts=5 * MINUTE,
)
async def side_by_side(stage: ServerStage) -> None:
    """Publish two controls of different modes, the second inside the first."""
    one = await offer(stage, _ONE, limit(60), lasts=3 * MINUTE)
    await stage.sleep(MARGIN)
    two = await offer(stage, "two", fixed(50), ahead=2 * MINUTE)
    await see_life(stage, one, two)


_DAYS: Final = timedelta(hours=72)
_EVERY: Final = timedelta(hours=6)
_SHIFTS: Final = tuple(f"shift-{n}" for n in range(_DAYS // _EVERY))


@case(
    id="CSIP-SRV-SCH-050",
    title="A client that polls every minute for three days finds every control of them",
    purpose="Exposes a server that tires: it loses controls, shows them late, or refuses a client that polls on time.",
    public=("S-ALL-50",),
    requirements=(_LONG,),
    checks=(all_stand(PROGRAM, requirement=_LONG),),
    observations=(
        active_looks(PROGRAM, 59 * len(_SHIFTS)),
        looked("DERControlList", PROGRAM, round(_DAYS / MINUTE)),
    ),
    maturity=Maturity.WATCHLIST,
    applies_if="SRV-LONG",
    lasts=_DAYS,
    modes=SERVERS,
)
async def three_days(stage: ServerStage) -> None:
    """Publish a control of an hour for each six hours; read the list every minute."""
    for place, name in enumerate(_SHIFTS):
        await offer(stage, name, limit(60), ahead=MINUTE + place * _EVERY, lasts=timedelta(hours=1))
    until = stage.now + _DAYS + MINUTE
    while stage.now < until:
        await stage.sleep(MINUTE)
        await see(stage.client)
