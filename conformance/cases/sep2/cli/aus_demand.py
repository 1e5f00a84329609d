"""Demand response by DERControls, told back in operationalModeStatus (DRA-02, DRL-01, DRG-01, DRD-01)."""

from collections.abc import Sequence

from conformance.kit.case import Case
from conformance.kit.sep2.acts import MINUTE, announce
from conformance.kit.sep2.aus import AUS, RATES, assign, note
from conformance.kit.sep2.case import case
from conformance.kit.sep2.checks.events import responds
from conformance.kit.sep2.checks.status import MODE, says, tells
from conformance.kit.sep2.conditions import responded
from conformance.kit.sep2.observations import put_seen, response_seen
from conformance.kit.sep2.utility import ClientStage
from conformance.kit.sep2.values import Content, connect, fixed

_RSP = "REQ-CSIPAUS-ALL-18-1"
_Step = tuple[str, Content, int]
"""Name, what is controlled, and the operationalModeStatus that tells it."""
_OFF: tuple[_Step, ...] = (("disconnected", connect(on=False), 100),)
_LOADS: tuple[_Step, ...] = (
    ("load 75", fixed(-75), 103),
    ("load 50", fixed(-50), 102),
    ("load 0", {"opModFixedW": -1}, 101),
    ("load 100", fixed(-100), 104),
)
_GENERATIONS: tuple[_Step, ...] = (
    ("generation 75", fixed(75), 107),
    ("generation 50", fixed(50), 106),
)
_REST: tuple[_Step, ...] = (
    ("generation 0", fixed(0), 105),
    ("generation 100", fixed(100), 108),
)


def _made(
    number: str,
    public: Sequence[str],
    title: str,
    steps: Sequence[_Step],
    requirement: str,
    *mutants: str,
) -> Case:
    operating = "REQ-CSIPAUS-ALL-07-2"

    @case(
        id=f"CSIPAUS-CLI-DRM-{number}",
        title=title,
        purpose="Exposes a client that does not carry out a control of demand response, or does not tell what it does.",
        public=public,
        requirements=(_RSP, requirement, operating),
        checks=(
            *(responds(name, 1, 2, 3, requirement=_RSP) for name, _, _ in steps),
            *(
                tells("DERStatus", MODE, says(str(code)), requirement=requirement, after=f"{n} on", before=f"{n} off")
                for n, _, code in steps
            ),
            tells("DERStatus", MODE, says("2"), requirement=operating, after="all done"),
        ),
        observations=(
            put_seen("DERStatus", len(steps)),
            *(response_seen(name, 3) for name, _, _ in steps),
        ),
        modes=AUS,
        facts=RATES,
        applies_if="CLI-AUS and CLI-DEMAND-RESPONSE",
        mutants=mutants,
    )  # fmt: skip
    async def script(stage: ClientStage) -> None:
        assign(stage, {})
        for name, base, _ in steps:
            control = announce(stage, name, base, ahead=MINUTE, lasts=3 * MINUTE)
            await stage.until(responded(name, 2), 4 * MINUTE, f"start {name}")
            note(stage, f"{name} on")
            await stage.sleep_until(control.end - MINUTE / 4)
            note(stage, f"{name} off")
            await stage.until(responded(name, 3), 2 * MINUTE, f"end {name}")
        note(stage, "all done")
        await stage.sleep(2 * MINUTE)

    return script


CASES = (
    _made(
        "102", ("DRA-02",), "Disconnected, and told so", _OFF,
        "REQ-CSIPAUS-DRA-02-1", "tells-no-disconnection",
    ),
    _made(
        "103", ("DRL-01",), "Load at three quarters, half, nothing and all of it", _LOADS,
        "REQ-CSIPAUS-DRL-01-1", "tells-no-level-of-load",
    ),
    _made(
        "104", ("DRG-01",), "Generation at three quarters and half", _GENERATIONS,
        "REQ-CSIPAUS-DRG-01-1", "tells-no-level-of-generation",
    ),
    _made(
        "105", ("DRD-01",), "Every level that there is, one after the other",
        (*_OFF, *_LOADS, *_GENERATIONS, *_REST), "REQ-CSIPAUS-DRD-01-1", "tells-none-and-all-alike",
    ),
)  # fmt: skip
