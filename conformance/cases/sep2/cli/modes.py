"""Every control mode of the catalogue, delivered, carried out and ended (SunSpec BASIC-004 to BASIC-015)."""

from dataclasses import dataclass, field

from conformance.kit.case import Case
from conformance.kit.sep2.acts import MINUTE, PROGRAM, announce, look, run_through
from conformance.kit.sep2.case import case
from conformance.kit.sep2.checks.events import responds, timely
from conformance.kit.sep2.checks.state import in_force
from conformance.kit.sep2.checks.walk import reads_all
from conformance.kit.sep2.conditions import responded
from conformance.kit.sep2.observations import control_seen, response_seen
from conformance.kit.sep2.utility import ClientStage
from conformance.kit.sep2.values import (
    Content,
    Curve,
    Program,
    connect,
    energize,
    fixed,
    limit,
    watts,
)

_RSP = "REQ-SEP2-8.8-1"
_APPLY = "REQ-SEP2-10.10-1"
_START = "REQ-SEP2-10.2.3-1"
_CURVE = "REQ-SEP2-10.10-2"
_VOLT_VAR = Curve(
    id="volt-var",
    type=11,
    points=((9200, 3000), (9670, 0), (10330, 0), (10700, -3000)),
    content={
        "yRefType": 2,
        "openLoopTms": 500,
        "autonomousVRefEnable": True,
        "autonomousVRefTimeConstant": 300,
        "vRef": 10000,
    },
)
_CURVES = {
    curve.id: curve
    for curve in (
        _VOLT_VAR,
        Curve(
            id="lvrt",
            type=10,
            points=((50, 2000), (500, 2000), (500, 8800)),
            content={"yRefType": 4},
        ),
        Curve(id="hvrt", type=5, points=((50, 12000), (500, 12000)), content={"yRefType": 4}),
        Curve(id="lfrt", type=7, points=((16, 5650), (30000, 5850))),
        Curve(id="hfrt", type=2, points=((16, 6200), (30000, 6120))),
        Curve(
            id="volt-watt", type=12, points=((10600, 10000), (11000, 2000)), content={"yRefType": 1}
        ),
        Curve(id="freq-watt", type=0, points=((6003, 10000), (6300, 0)), content={"yRefType": 1}),
    )
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """One mode, or several in one control."""

    number: str
    public: tuple[str, ...]
    title: str
    base: Content = field(hash=False)
    shown: tuple[tuple[str, str], ...] = ()
    """Mode and value in force."""
    curves: tuple[str, ...] = ()
    applies: str = ""
    mutant: str


def _made(row: _Row) -> Case:
    looks = tuple(in_force("during", mode, value, requirement=_APPLY) for mode, value in row.shown)
    after = tuple(in_force("after", mode, "", requirement=_APPLY) for mode, _ in row.shown)
    read = (reads_all("DERCurveList", requirement=_CURVE),) if row.curves else ()
    requirements = (
        _RSP,
        _START,
        *((_CURVE,) if row.curves else ()),
        *((_APPLY,) if row.shown else ()),
    )

    async def script(stage: ClientStage) -> None:
        if row.curves:
            told = Program(
                id=PROGRAM, primacy=10, curves=tuple(_CURVES[name] for name in row.curves)
            )
            stage.utility.put_program(told)
        control = announce(stage, "one", row.base, lasts=2 * MINUTE)
        await stage.until(responded("one", 2), 6 * MINUTE, "start the control")
        await stage.sleep(MINUTE / 2)
        if row.shown:
            await look(stage, "during")
        await run_through(stage, control)
        if row.shown:
            await look(stage, "after")

    return case(
        id=f"CSIP-CLI-MOD-{row.number}",
        title=row.title,
        purpose="Exposes a client that does not carry out this control, or refuses it.",
        public=row.public,
        requirements=requirements,
        checks=(
            responds("one", 1, 2, 3, requirement=_RSP),
            timely("one", 2, "one.starts", requirement=_START),
            *looks,
            *after,
            *read,
        ),
        observations=(control_seen("one"), response_seen("one", 3)),
        modes=("der",),
        applies_if=" and ".join(filter(None, (row.applies, "CLI-STATE" if row.shown else ""))),
        mutants=(row.mutant,),
    )(script)


_CAN_CURVES = "CLI-CURVES"
CASES = tuple(
    _made(row)
    for row in (
        _Row(
            number="004",
            public=("BASIC-004",),
            title="Ride-through curves of voltage",
            base={"opModLVRTMustTrip": "lvrt", "opModHVRTMustTrip": "hvrt"},
            curves=("lvrt", "hvrt"),
            applies=_CAN_CURVES,
            mutant="reads-no-curves",
        ),
        _Row(
            number="005",
            public=("BASIC-005",),
            title="Ride-through curves of frequency",
            base={"opModLFRTMustTrip": "lfrt", "opModHFRTMustTrip": "hfrt"},
            curves=("lfrt", "hfrt"),
            applies=_CAN_CURVES,
            mutant="reads-no-curves",
        ),
        _Row(
            number="006",
            public=("BASIC-006", "CORE-012"),
            title="A volt-var curve",
            base={"opModVoltVar": "volt-var"},
            curves=("volt-var",),
            applies=_CAN_CURVES,
            mutant="knows-no-volt-var",
        ),
        _Row(
            number="008",
            public=("BASIC-008",),
            title="A fixed power factor",
            base={
                "opModFixedPFInjectW": {"displacement": 95, "excitation": True, "multiplier": -2}
            },
            shown=(("opModFixedPFInjectW", "95 true -2"),),
            applies="CLI-FIXED-PF",
            mutant="knows-no-power-factor",
        ),
        _Row(
            number="009",
            public=("BASIC-009", "ALL-12"),
            title="Disconnect",
            base=connect(on=False),
            shown=(("opModConnect", "false"),),
            applies="CLI-CONNECT",
            mutant="knows-no-connect",
        ),
        _Row(
            number="090",
            public=("ALL-11",),
            title="De-energise",
            base=energize(on=False),
            shown=(("opModEnergize", "false"),),
            applies="CLI-ENERGIZE",
            mutant="knows-no-energize",
        ),
        _Row(
            number="011",
            public=("BASIC-011",),
            title="A volt-watt curve",
            base={"opModVoltWatt": "volt-watt"},
            curves=("volt-watt",),
            applies=_CAN_CURVES,
            mutant="knows-no-volt-watt",
        ),
        _Row(
            number="012",
            public=("BASIC-012",),
            title="A freq-watt curve and frequency droop",
            base={
                "opModFreqWatt": "freq-watt",
                "opModFreqDroop": {
                    "dBOF": 36,
                    "dBUF": 36,
                    "kOF": 50,
                    "kUF": 50,
                    "openLoopTms": 500,
                },
            },
            curves=("freq-watt",),
            applies=_CAN_CURVES,
            mutant="reads-no-curves",
        ),
        _Row(
            number="013",
            public=("BASIC-013",),
            title="A fixed output in percent",
            base=fixed(60),
            shown=(("opModFixedW", "6000"),),
            applies="CLI-FIXED-W",
            mutant="knows-no-fixed-w",
        ),
        _Row(
            number="014",
            public=("BASIC-014",),
            title="A target in watts, with its multiplier",
            base={"opModTargetW": watts(6500, 1)},
            shown=(("opModTargetW", "65000"),),
            applies="CLI-TARGET-W",
            mutant="minds-no-multiplier",
        ),
        _Row(
            number="015",
            public=("BASIC-015",),
            title="Several modes in one control",
            base={**limit(50), **fixed(40), "opModFixedVar": {"refType": 2, "value": 3000}},
            shown=(("opModFixedW", "4000"), ("opModFixedVar", "2 3000")),
            applies="CLI-FIXED-W and CLI-CAP",
            mutant="takes-first-mode-alone",
        ),
    )
)


@case(
    id="CSIP-CLI-MOD-010",
    title="A cap on active power takes the place of the default's and gives it back",
    purpose="Exposes a client that keeps to the default, or does not return to it.",
    public=("BASIC-010", "BASIC-018"),
    requirements=(_APPLY,),
    checks=(
        in_force("before", "opModMaxLimW", "8000", requirement=_APPLY),
        in_force("during", "opModMaxLimW", "5000", requirement=_APPLY),
        in_force("after", "opModMaxLimW", "8000", requirement=_APPLY),
    ),
    observations=(control_seen("one"), response_seen("one", 3)),
    modes=("der", "csipaus"),
    applies_if="CLI-STATE and CLI-CAP",
    mutants=("prefers-the-default",),
)
async def cap(stage: ClientStage) -> None:
    """Look before, during and after a control."""
    await look(stage, "before")
    control = announce(stage, "one", limit(50))
    await stage.until(responded("one", 2), 6 * MINUTE, "start the control")
    await look(stage, "during")
    await run_through(stage, control)
    await look(stage, "after")
