"""Several controls of CSIP-AUS: primacy, ends, outage, ramps (ALL-18, -19, -23, -25, GEN-10, LOA-10)."""

from conformance.kit.case import Case
from conformance.kit.replies import status
from conformance.kit.sep2.acts import MINUTE, announce, look, run_through
from conformance.kit.sep2.aus import AUS, RATES, assign, note, to_minute
from conformance.kit.sep2.averages import SITE
from conformance.kit.sep2.case import case
from conformance.kit.sep2.checks.averages import Bounds, averages_seen, stays
from conformance.kit.sep2.checks.events import responds, responds_at_last
from conformance.kit.sep2.checks.state import in_force
from conformance.kit.sep2.checks.walk import polls
from conformance.kit.sep2.conditions import read, responded
from conformance.kit.sep2.observations import control_seen, read_seen, response_seen
from conformance.kit.sep2.utility import ClientStage
from conformance.kit.sep2.values import Assignment, Program, aus_limit

_RSP = "REQ-CSIPAUS-ALL-18-1"
_CANCELLED = "REQ-CSIPAUS-ALL-18-2"
_SUPERSEDED = "REQ-CSIPAUS-ALL-18-3"
_FSA = "REQ-CSIPAUS-ALL-19-1"
_GOES_ON = "REQ-CSIPAUS-ALL-23-1"
_RECOVERS = "REQ-CSIPAUS-ALL-23-2"
_RAMP = "REQ-CSIPAUS-ALL-25-1"
_PRIMACY = "REQ-CSIPAUS-GEN-10-1"
_STATE = "CLI-AUS and CLI-STATE"
_NEAR, _FAR = range(1, 11), range(11, 16)
"""Primacies of the programs of two assignments."""


def _primacy(number: str, public: str, which: str) -> Case:
    mode = f"aus:opMod{which}LimW"

    @case(
        id=f"CSIPAUS-CLI-LIM-{number}",
        title=f"Fifteen programs in two assignments set {mode.removeprefix('aus:')}: the best that speaks wins",
        purpose="Exposes a client that knows one assignment alone, or lets a worse program overrule a better one.",
        public=(public,),
        requirements=(_PRIMACY,),
        checks=(
            in_force("before", mode, "1000", requirement=_PRIMACY),
            in_force("worse", mode, "6500", requirement=_PRIMACY),
            in_force("better", mode, "3500", requirement=_PRIMACY),
            in_force("after", mode, "1000", requirement=_PRIMACY),
            responds("worse", 1, 2, 7, requirement=_PRIMACY, or_else=(14,)),
            responds("better", 1, 2, 3, requirement=_PRIMACY),
        ),
        observations=(control_seen("worse"), control_seen("better"), response_seen("better", 3)),
        modes=AUS,
        applies_if=_STATE,
        needs=("state",),
        mutants=("knows-one-assignment", "knows-best-programs-of-many"),
    )
    async def script(stage: ClientStage) -> None:
        for primacy in (*_NEAR, *_FAR):
            default = aus_limit(which, 1000 * primacy)
            stage.utility.put_program(Program(id=f"of {primacy}", primacy=primacy, default=default))
        for name, primacies in (("near", _NEAR), ("far", _FAR)):
            programs = tuple(f"of {primacy}" for primacy in primacies)
            stage.utility.put_assignment(Assignment(id=name, programs=programs))
        await stage.sleep(7 * MINUTE)
        await look(stage, "before")
        announce(stage, "worse", aus_limit(which, 6500), program="of 12", lasts=20 * MINUTE)
        await stage.until(responded("worse", 2), 5 * MINUTE, "start the control")
        await look(stage, "worse")
        better = announce(stage, "better", aus_limit(which, 3500), program="of 3", lasts=3 * MINUTE)
        await stage.until(responded("better", 2), 5 * MINUTE, "start the better one")
        await look(stage, "better")
        await run_through(stage, better)
        await look(stage, "after")
        await stage.sleep(MINUTE)

    return script


CASES = (_primacy("110", "GEN-10", "Exp"), _primacy("210", "LOA-10", "Imp"))


@case(
    id="CSIPAUS-CLI-SCH-118",
    title="One control runs, one is cancelled while it does, one before, one is superseded",
    purpose="Exposes a client that responds to one of the four ways in which a control ends by another.",
    public=("ALL-18",),
    requirements=(_RSP, _CANCELLED, _SUPERSEDED),
    checks=(
        responds("first", 1, 2, 3, requirement=_RSP),
        responds("second", 1, 2, 6, requirement=_CANCELLED),
        responds("third", 1, 6, requirement=_CANCELLED),
        responds("fourth", 1, 7, requirement=_SUPERSEDED),
        responds("fifth", 1, 2, 3, requirement=_RSP),
    ),
    observations=(
        response_seen("first", 3),
        control_seen("second"),
        control_seen("third"),
        control_seen("fourth"),
        response_seen("fifth", 3),
    ),
    modes=AUS,
    applies_if="CLI-AUS",
    mutants=("aborts-within-a-program", "completes-what-was-cancelled"),
)
async def four_ends(stage: ClientStage) -> None:
    """The schedule of the public procedure; responseRequired is 03."""
    assign(stage)
    base = aus_limit("Exp", 5000)
    first = announce(stage, "first", base, required="03")
    await run_through(stage, first)
    announce(stage, "second", base, lasts=10 * MINUTE, required="03")
    await stage.until(responded("second", 2), 5 * MINUTE, "start the second")
    stage.utility.cancel("second")
    await stage.until(responded("second", 6), 3 * MINUTE, "let the second go")
    announce(stage, "third", base, ahead=5 * MINUTE, required="03")
    await stage.until(responded("third", 1), 3 * MINUTE, "receive the third")
    stage.utility.cancel("third")
    await stage.until(responded("third", 6), 3 * MINUTE, "let the third go")
    announce(stage, "fourth", base, ahead=5 * MINUTE, lasts=5 * MINUTE, required="03")
    await stage.until(responded("fourth", 1), 3 * MINUTE, "receive the fourth")
    later = announce(
        stage, "fifth", aus_limit("Exp", 3000), ahead=4 * MINUTE, lasts=5 * MINUTE, required="03"
    )
    await run_through(stage, later)
    await stage.sleep(2 * MINUTE)


@case(
    id="CSIPAUS-CLI-SCH-119",
    title="Another pollRate of its assignments is followed",
    purpose="Exposes a client that keeps to the pollRate that it has learnt first.",
    public=("ALL-19",),
    requirements=(_FSA,),
    checks=(
        polls(
            "FunctionSetAssignmentsList", MINUTE, requirement=_FSA, too_often=_FSA, after="settled"
        ),
    ),
    observations=(read_seen("FunctionSetAssignmentsList", 4, after="settled"),),
    modes=AUS,
    applies_if="CLI-AUS",
    mutants=("keeps-the-rate-of-assignments",),
)
async def assignment_rate(stage: ClientStage) -> None:
    """Five minutes, then one."""
    stage.utility.set_rates(walk_s=60)
    changed = stage.transcript.messages[-1].number
    wanted = read("FunctionSetAssignmentsList", after=changed)
    await stage.until(wanted, 6 * MINUTE, "read its assignments again")
    stage.mark("settled")
    await stage.sleep(11 * MINUTE)


@case(
    id="CSIPAUS-CLI-SCH-123",
    title="The server fails while five controls are to come: they run, then the default; later it all goes on",
    purpose="Exposes a client that drops its schedule with the server, stays at the last limit, or does not come back.",
    public=("ALL-23",),
    requirements=(_GOES_ON, _RECOVERS),
    checks=(
        *(
            in_force(f"step {n}", "aus:opModExpLimW", f"{1000 * (n + 1)}", requirement=_GOES_ON)
            for n in range(5)
        ),
        in_force("default", "aus:opModExpLimW", "0", requirement=_GOES_ON),
        *(responds_at_last(f"step {n}", 1, 2, 3, requirement=_RECOVERS) for n in range(5)),
        responds("new", 1, 2, 3, requirement=_RECOVERS),
    ),
    observations=(
        *(control_seen(f"step {n}") for n in range(5)),
        response_seen("new", 3),
    ),
    modes=AUS,
    applies_if=_STATE,
    needs=("state",),
    mutants=("needs-its-server", "falls-silent-after-an-outage"),
)
async def outage(stage: ClientStage) -> None:
    """Answer 500 to everything from within the first of five controls until all of them are over."""
    assign(stage)
    await stage.sleep(2 * MINUTE)
    steps = [
        announce(
            stage, f"step {n}", aus_limit("Exp", 1000 * (n + 1)), ahead=(3 + 3 * n) * MINUTE, lasts=3 * MINUTE
        )
        for n in range(5)
    ]  # fmt: skip
    await stage.until(responded("step 4", 1), 3 * MINUTE, "receive the schedule")
    for n, step in enumerate(steps):
        await stage.sleep_until(step.start + MINUTE)
        await look(stage, step.id)
        if n == 0:
            stage.utility.answer_always("*", status(500))
    await stage.sleep_until(steps[-1].end + MINUTE)
    await look(stage, "default")
    await stage.sleep(MINUTE)
    stage.utility.answer_always("*", None)
    await stage.sleep(3 * MINUTE)
    await run_through(stage, announce(stage, "new", aus_limit("Exp", 7000)))


@case(
    id="CSIPAUS-CLI-LIM-125",
    title="A control with a ramp is reached evenly, in the time that it says",
    purpose="Exposes a client that steps to its limit where it is told to go there slowly.",
    public=("ALL-25",),
    requirements=(_RAMP,),
    checks=(
        stays(SITE, Bounds(least=-15_500, most=-15_500, slack=0.15), "first", "second", requirement=_RAMP),
        stays(SITE, Bounds(least=-6_500, most=-6_500, slack=0.15), "second", "third", requirement=_RAMP),
        stays(SITE, Bounds(least=-2_000, most=-2_000), "third", "last", requirement=_RAMP),
    ),
    observations=(
        averages_seen("first", "second", role=SITE),
        averages_seen("second", "third", role=SITE),
        averages_seen("third", "last", role=SITE),
    ),
    modes=AUS,
    facts=RATES,
    applies_if="CLI-AUS and CLI-MUP and CLI-LOAD",
    needs=("set_der",),
    mutants=("minds-no-ramp",),
)  # fmt: skip
async def ramp(stage: ClientStage) -> None:
    """From 20 kW to 2 kW in two minutes."""
    await stage.driver.call("set_der", kw="30")
    assign(stage, aus_limit("Exp", 20_000))
    await stage.sleep(2 * MINUTE)
    await to_minute(stage)
    base = {**aus_limit("Exp", 2_000), "rampTms": 12_000}
    control = announce(stage, "one", base, lasts=5 * MINUTE)
    for place, name in enumerate(("first", "second", "third", "last")):
        note(stage, name, control.start + place * MINUTE)
    await run_through(stage, control)
    await stage.sleep(MINUTE)
