"""Controls as a device finds them that polls: each limit of CSIP-AUS, alone and together (S-ALL-11 to S-ALL-18)."""

from collections.abc import Sequence

from conformance.kit.case import Case
from conformance.kit.sep2.acts import MINUTE, PROGRAM
from conformance.kit.sep2.checks.shown import all_listed, shows, stands, unedited
from conformance.kit.sep2.server_case import AUS, SERVERS, case
from conformance.kit.sep2.server_stage import ServerStage
from conformance.kit.sep2.serving_acts import offer, see_life
from conformance.kit.sep2.serving_observations import control_shown, looked_after
from conformance.kit.sep2.values import Content, aus_limit, connect, energize, fixed, limit

_SHOWN = "REQ-CSIPAUS-S-ALL-11-1"
_COURSE = "REQ-CSIPAUS-S-ALL-41-1"
_EDITED = "REQ-SEP2-10.2.3-51"
_LISTED = "REQ-SEP2-10.10-51"
_ONE = "one"
ALL: Content = {
    **aus_limit("Imp", 3000),
    **aus_limit("Exp", 2000),
    **aus_limit("Gen", 5000),
    **aus_limit("Load", 7000),
}


def _control(
    id_: str,
    what: str,
    base: Content,
    public: Sequence[str],
    *,
    modes: Sequence[str] = AUS,
    required: str = "03",
) -> Case:
    @case(
        id=id_,
        title=f"A control of {what} is shown from its making to its end",
        purpose=f"Exposes a server that shows {what} otherwise than it was told, or a control at the wrong time.",
        public=public,
        requirements=(_SHOWN, _COURSE, _EDITED, _LISTED),
        checks=(
            shows(_ONE, requirement=_SHOWN),
            stands(_ONE, requirement=_COURSE),
            unedited(_ONE, requirement=_EDITED),
            all_listed(PROGRAM, requirement=_LISTED),
        ),
        observations=(control_shown(_ONE, 0), control_shown(_ONE, 1), looked_after(_ONE)),
        modes=modes,
        applies_if="SRV-AUS" if modes == AUS else "",
    )
    async def control(stage: ServerStage) -> None:
        """Publish one control; look before and after its start and its end."""
        await see_life(stage, await offer(stage, _ONE, base, required=required))

    return control


export = _control("CSIPAUS-SRV-CTL-011", "an export limit", aus_limit("Exp", 2000), ("S-ALL-11",))
generation = _control(
    "CSIPAUS-SRV-CTL-012", "a generation limit", aus_limit("Gen", 5000), ("S-ALL-12",)
)
imports = _control("CSIPAUS-SRV-CTL-013", "an import limit", aus_limit("Imp", 1500), ("S-ALL-13",))
load = _control("CSIPAUS-SRV-CTL-014", "a load limit", aus_limit("Load", 7000), ("S-ALL-14",))
deenergise = _control("CSIPAUS-SRV-CTL-015", "opModEnergize", energize(on=False), ("S-ALL-15",))
disconnect = _control("CSIPAUS-SRV-CTL-016", "opModConnect", connect(on=False), ("S-ALL-16",))
together = _control("CSIPAUS-SRV-CTL-017", "all four limits together", ALL, ("S-ALL-17",))
ramped = _control(
    "CSIPAUS-SRV-CTL-018",
    "a limit with rampTms",
    {**aus_limit("Exp", 2000), "rampTms": 3000},
    ("S-ALL-18",),
)
zero = _control(
    "CSIPAUS-SRV-CTL-021",
    "limits of nothing",
    {**aus_limit("Imp", 0), **aus_limit("Exp", 0)},
    ("S-ALL-17",),
)
large = _control(
    "CSIPAUS-SRV-CTL-022", "a limit of 150 MW", aus_limit("Imp", 15000, 4), ("S-ALL-13",)
)
cap = _control(
    "CSIP-SRV-CTL-001",
    "a cap on generation",
    limit(60),
    ("BASIC-010", "BASIC-018"),
    modes=SERVERS,
    required="07",
)
set_point = _control(
    "CSIP-SRV-CTL-002", "a set point", fixed(-75), ("BASIC-013",), modes=SERVERS, required="07"
)
power_factor = _control(
    "CSIP-SRV-CTL-003",
    "a power factor",
    {"opModFixedPFInjectW": {"displacement": 95, "excitation": True, "multiplier": -2}},
    ("BASIC-008",),
    modes=SERVERS,
    required="07",
)


@case(
    id="CSIPAUS-SRV-CTL-020",
    title="Off, then on again: opModEnergize and opModConnect one after the other",
    purpose="Exposes a server that shows true for false, or keeps a switch from the control before.",
    public=("S-ALL-15", "S-ALL-16"),
    requirements=(_SHOWN, _COURSE),
    checks=tuple(
        check
        for name in ("off", "on", "open", "closed")
        for check in (shows(name, requirement=_SHOWN), stands(name, requirement=_COURSE))
    ),
    observations=tuple(control_shown(name, 1) for name in ("off", "on", "open", "closed")),
    modes=AUS,
    applies_if="SRV-AUS",
)
async def switches(stage: ServerStage) -> None:
    """Publish four controls that follow each other; look at each."""
    bases = {
        "off": energize(on=False),
        "on": energize(on=True),
        "open": connect(on=False),
        "closed": connect(on=True),
    }
    made = [
        await offer(stage, name, base, ahead=(place + 1) * MINUTE)
        for place, (name, base) in enumerate(bases.items())
    ]
    await see_life(stage, *made)
