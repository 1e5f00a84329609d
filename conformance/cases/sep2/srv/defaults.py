"""DefaultDERControl as a device finds it that polls: each limit of CSIP-AUS, alone and together (S-ALL-19 to -24)."""

from collections.abc import Sequence

from conformance.cases.sep2.srv.controls import ALL
from conformance.kit.case import Case
from conformance.kit.sep2.acts import PROGRAM
from conformance.kit.sep2.checks.shown import shows_default
from conformance.kit.sep2.server_case import AUS, SERVERS, case
from conformance.kit.sep2.server_stage import ServerStage
from conformance.kit.sep2.serving_acts import see, set_default
from conformance.kit.sep2.serving_observations import looked
from conformance.kit.sep2.values import Content, aus_limit, limit

_SHOWN = "REQ-CSIPAUS-S-ALL-19-1"
_DEFAULT = "DefaultDERControl"


def _default(
    id_: str,
    what: str,
    steps: Sequence[tuple[Content, Content]],
    public: Sequence[str],
    *,
    modes: Sequence[str] = AUS,
) -> Case:
    @case(
        id=id_,
        title=f"A default of {what} is shown as it was set last",
        purpose=f"Exposes a server that shows {what} otherwise than it was told, or keeps a default that was changed.",
        public=public,
        requirements=(_SHOWN,),
        checks=(shows_default(PROGRAM, requirement=_SHOWN),),
        observations=(looked(_DEFAULT, PROGRAM, len(steps) + 1),),
        modes=modes,
        applies_if="SRV-AUS" if modes == AUS else "",
    )
    async def default(stage: ServerStage) -> None:
        """Read the default, have it set otherwise, read it again, for each step."""
        await see(stage.client, _DEFAULT)
        for base, settings in steps:
            await set_default(stage, base, settings)
            await see(stage.client, _DEFAULT)

    return default


_NONE: Content = {}
export = _default(
    "CSIPAUS-SRV-DEF-019",
    "an export limit",
    [(aus_limit("Exp", 1500), _NONE), (aus_limit("Exp", 0), _NONE)],
    ("S-ALL-19",),
)
generation = _default(
    "CSIPAUS-SRV-DEF-020",
    "a generation limit",
    [(aus_limit("Gen", 4000), _NONE), (aus_limit("Gen", 0), _NONE)],
    ("S-ALL-20",),
)
imports = _default(
    "CSIPAUS-SRV-DEF-021",
    "an import limit",
    [(aus_limit("Imp", 1500), _NONE), (aus_limit("Imp", 0), _NONE)],
    ("S-ALL-21",),
)
load = _default(
    "CSIPAUS-SRV-DEF-022",
    "a load limit",
    [(aus_limit("Load", 6000), _NONE), (aus_limit("Load", 0), _NONE)],
    ("S-ALL-22",),
)
gradient = _default(
    "CSIPAUS-SRV-DEF-023",
    "setGradW",
    [(_NONE, {"setGradW": 27}), (_NONE, {"setGradW": 100})],
    ("S-ALL-23",),
)
together = _default(
    "CSIPAUS-SRV-DEF-024",
    "all limits with setGradW",
    [(ALL, {"setGradW": 27}), (aus_limit("Exp", 5000), _NONE)],
    ("S-ALL-24",),
)
cap = _default(
    "CSIP-SRV-DEF-001",
    "a cap on generation, with ramps",
    [(limit(50), {"setGradW": 27, "setSoftGradW": 10}), (limit(100), _NONE)],
    ("BASIC-007", "BASIC-016"),
    modes=SERVERS,
)
