"""DERControls under unusual conditions: over, found late, randomised, for others, vanished (SunSpec CORE-021)."""

from dataclasses import replace
from datetime import timedelta

from conformance.kit.sep2.acts import MINUTE, PROGRAM, announce, prove, run_through
from conformance.kit.sep2.case import case
from conformance.kit.sep2.checks.events import (
    never_responds,
    responds,
    spread,
    timely,
)
from conformance.kit.sep2.conditions import responded, seen
from conformance.kit.sep2.observations import control_seen, response_seen
from conformance.kit.sep2.utility import ClientStage
from conformance.kit.sep2.values import limit

SECOND = timedelta(seconds=1)
ONE_DEVICE = ("der", "csipaus")
_RSP = "REQ-SEP2-8.8-1"
_END = "REQ-SEP2-10.2.3-2"
_EXPIRED = "REQ-SEP2-10.2.3-4"
_RANDOM = "REQ-SEP2-10.2.3-5"
_CATEGORY = "REQ-SEP2-10.2.3-6"
_GONE = "REQ-SEP2-10.2.3-7"
_UNABLE = "REQ-SEP2-8.8-3"
_STOPS = "REQ-SEP2-10.2.3-8"


@case(
    id="CSIP-CLI-EVT-126",
    title="Over before it was read: 254, and nothing else",
    purpose="Exposes a client that starts, or receives, what is over.",
    requirements=(_EXPIRED,),
    checks=(responds("one", 254, requirement=_EXPIRED),),
    observations=(control_seen("one"), response_seen("one")),
    modes=ONE_DEVICE,
    mutants=("receives-what-is-over",),
)
async def expired(stage: ClientStage) -> None:
    """Publish a control that ended a minute ago and is listed for its randomisation."""
    announce(stage, "one", limit(60), ahead=-6 * MINUTE, lasts=5 * MINUTE, random_lasts=1800)
    await stage.until(responded("one", 254), 3 * MINUTE, "say that it came too late")
    await stage.sleep(2 * MINUTE)


@case(
    id="CSIP-CLI-EVT-127",
    title="Found while it runs: started at once, ended in time",
    purpose="Exposes a client that starts only what it knew before.",
    requirements=(_RSP, _END),
    checks=(
        responds("one", 1, 2, 3, requirement=_RSP),
        timely("one", 3, "one.ends", requirement=_END),
    ),
    observations=(control_seen("one"), response_seen("one", 2)),
    modes=ONE_DEVICE,
    mutants=("misses-what-has-begun",),
)
async def found_late(stage: ClientStage) -> None:
    """Publish a control that began two minutes ago."""
    await run_through(stage, announce(stage, "one", limit(60), ahead=-2 * MINUTE, lasts=6 * MINUTE))


def _window(seconds: int) -> tuple[timedelta, timedelta]:
    """Return by how much a start may be early and late."""
    early = timedelta(seconds=max(-seconds, 0) + 1)
    return early, timedelta(seconds=max(seconds, 0) + 30)


_SHIFTS = {"none": 0, "later": 40, "sooner": -40}


@case(
    id="CSIP-CLI-EVT-021",
    title="Randomised starts lie within their windows",
    purpose="Exposes a client that minds no randomizeStart, or its sign.",
    public=("CORE-021", "ALL-22"),
    requirements=(_RANDOM,),
    checks=tuple(
        timely(
            name, 2, f"{name}.starts", requirement=_RANDOM, early=_window(s)[0], late=_window(s)[1]
        )
        for name, s in _SHIFTS.items()
    ),
    observations=tuple(response_seen(name, 2) for name in _SHIFTS),
    modes=ONE_DEVICE,
    lasts=12 * MINUTE,
    mutants=("minds-no-sign",),
)
async def randomised(stage: ClientStage) -> None:
    """Publish three controls, apart from each other."""
    rows = [
        announce(stage, name, limit(60), ahead=(3 + 3 * place) * MINUTE, random_start=shift)
        for place, (name, shift) in enumerate(_SHIFTS.items())
    ]
    await run_through(stage, rows[-1])


@case(
    id="CSIP-CLI-EVT-221",
    title="Starts are spread over their window",
    purpose="Exposes a client that starts everything at the specified instant.",
    public=("CORE-021", "ALL-22"),
    requirements=(_RANDOM,),
    checks=(
        *(
            timely(f"c{n}", 2, f"c{n}.starts", requirement=_RANDOM, late=21 * MINUTE)
            for n in range(4)
        ),
        spread("c", 4, requirement=_RANDOM, least=30 * SECOND),
    ),
    observations=tuple(response_seen(f"c{n}", 2) for n in range(4)),
    modes=ONE_DEVICE,
    lasts=160 * MINUTE,
    mutants=("draws-nothing",),
)
async def spread_starts(stage: ClientStage) -> None:
    """Publish four controls with windows of twenty minutes."""
    rows = [
        announce(
            stage,
            f"c{n}",
            limit(60),
            ahead=(3 + 40 * n) * MINUTE,
            lasts=2 * MINUTE,
            random_start=1200,
        )
        for n in range(4)
    ]
    await stage.until(responded("c3", 3), rows[-1].end - stage.now + 24 * MINUTE, "end the last")


@case(
    id="CSIP-CLI-EVT-128",
    title="A control for other categories of devices is not answered at all",
    purpose="Exposes a client that minds no deviceCategory.",
    requirements=(_CATEGORY,),
    checks=(never_responds("one", requirement=_CATEGORY),),
    observations=(control_seen("one"), response_seen("proof", 1)),
    modes=ONE_DEVICE,
    mutants=("minds-no-category",),
)
async def other_category(stage: ClientStage) -> None:
    """Publish a control for thermostats."""
    announce(stage, "one", limit(60), category="00000001")
    await stage.until(seen("one"), 2 * MINUTE, "read the control")
    await stage.sleep(4 * MINUTE)
    await prove(stage)


@case(
    id="CSIP-CLI-EVT-129",
    title="A control that vanishes from its list is carried out to its end",
    purpose="Exposes a client that takes absence for a cancellation (2018: rule s).",
    requirements=(_GONE,),
    checks=(responds("one", 1, 2, 3, requirement=_GONE),),
    observations=(control_seen("one"), response_seen("one", at_least=3)),
    modes=ONE_DEVICE,
    mutants=("takes-absence-for-cancelled",),
)
async def vanished(stage: ClientStage) -> None:
    """Withdraw a running control without a word."""
    control = announce(stage, "one", limit(60), lasts=5 * MINUTE)
    await stage.until(responded("one", 2), 5 * MINUTE, "start the control")
    stage.utility.withdraw("one")
    await run_through(stage, control)


@case(
    id="CSIP-CLI-EVT-130",
    title="A control that it cannot carry out is rejected",
    purpose="Exposes a client that says it does what it cannot.",
    requirements=(_UNABLE,),
    checks=(
        responds("one", 252, requirement=_UNABLE, or_else=(251, 253)),
        never_responds("one", 2, 3, requirement=_UNABLE),
    ),
    observations=(control_seen("one"), response_seen("one")),
    modes=ONE_DEVICE,
    applies_if="not CLI-TARGET-VAR",
    mutants=("takes-every-mode",),
)
async def unable(stage: ClientStage) -> None:
    """Publish a control with a mode that the client does not claim."""
    announce(stage, "one", {"opModTargetVar": {"multiplier": 0, "value": 100}})
    await stage.until(responded("one", 252), 3 * MINUTE, "reject the control")
    await stage.sleep(3 * MINUTE)


@case(
    id="CSIP-CLI-EVT-131",
    title="Marked as superseded by the server: stopped at once",
    purpose="Exposes a client that goes on with what the server shows as superseded.",
    requirements=(_STOPS,),
    checks=(responds("one", 1, 2, 7, requirement=_STOPS),),
    observations=(control_seen("one"), response_seen("one", 2), response_seen("one", at_least=3)),
    modes=ONE_DEVICE,
    mutants=("minds-no-superseded-status",),
)
async def superseded_by_status(stage: ClientStage) -> None:
    """Set currentStatus 4 on a running control."""
    control = announce(stage, "one", limit(60), lasts=10 * MINUTE)
    await stage.until(responded("one", 2), 5 * MINUTE, "start the control")
    stage.utility.publish(PROGRAM, replace(control, status=4))
    await stage.until(seen("one", 4), 2 * MINUTE, "read that it is superseded")
    await stage.sleep(11 * MINUTE)
