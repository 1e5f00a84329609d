"""A server in trouble: errors, silence, outages; what was scheduled goes on (SunSpec ERR, CSIP-AUS ALL-23)."""

from dataclasses import dataclass
from datetime import timedelta

from conformance.kit.case import Case
from conformance.kit.replies import Reply, raw, status, struck
from conformance.kit.sep2.acts import MINUTE, announce, look, run_through
from conformance.kit.sep2.case import case
from conformance.kit.sep2.checks.events import responds, responds_at_last
from conformance.kit.sep2.checks.reporting import puts_within
from conformance.kit.sep2.checks.state import in_force
from conformance.kit.sep2.checks.walk import backs_off, waits
from conformance.kit.sep2.conditions import read, refused, responded, seen
from conformance.kit.sep2.observations import control_seen, put_seen, response_seen
from conformance.kit.sep2.utility import ClientStage
from conformance.kit.sep2.values import limit

ONE_DEVICE = ("der", "csipaus")
_AFTER = "REQ-SEP2-5.5-2"
_PAUSE = "REQ-SEP2-5.5-3"
_SCHEDULE = "REQ-CSIP-5.2-1"
_RECOVER = "REQ-CSIP-5.2-2"


@case(
    id="SEP2-CLI-ERR-001",
    title="503 with Retry-After: it asks again then, and not before",
    purpose="Exposes a client that asks again at once, or never.",
    requirements=(_AFTER, _RECOVER),
    checks=(
        waits("DERProgramList", timedelta(seconds=40), "busy", requirement=_AFTER),
        responds("one", 1, 2, 3, requirement=_RECOVER),
    ),
    observations=(control_seen("one"), response_seen("one", 3)),
    modes=ONE_DEVICE,
    mutants=("minds-no-retry-after",),
)
async def retry_after(stage: ClientStage) -> None:
    """Be busy once."""
    stage.utility.answer_next("GET DERProgramList", status(503, ("Retry-After", "40")))
    stage.mark("busy")
    await run_through(stage, announce(stage, "one", limit(60), ahead=4 * MINUTE))


@case(
    id="SEP2-CLI-ERR-002",
    title="Errors for a while: tries grow apart",
    purpose="Exposes a client that hammers a server in trouble.",
    requirements=(_PAUSE, _RECOVER),
    checks=(
        backs_off("DERProgramList", 24, "trouble", requirement=_PAUSE),
        responds("one", 1, 2, 3, requirement=_RECOVER),
    ),
    observations=(control_seen("one"), response_seen("one", 3)),
    modes=ONE_DEVICE,
    lasts=12 * MINUTE,
    mutants=("never-backs-off",),
)
async def trouble(stage: ClientStage) -> None:
    """Answer 500 for five minutes."""
    stage.utility.answer_always("GET DERProgramList", status(500))
    stage.mark("trouble")
    await stage.sleep(5 * MINUTE)
    stage.mark("trouble over")
    stage.utility.answer_always("GET DERProgramList", None)
    await run_through(stage, announce(stage, "one", limit(60), ahead=3 * MINUTE))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    number: str
    title: str
    what: str
    reply: Reply
    mutant: str


def _made(row: _Row) -> Case:
    async def script(stage: ClientStage) -> None:
        stage.utility.answer_next(row.what, row.reply, row.reply)
        await run_through(stage, announce(stage, "one", limit(60), ahead=4 * MINUTE))

    return case(
        id=f"SEP2-CLI-ERR-{row.number}",
        title=row.title,
        purpose="Exposes a client that dies, hangs or forgets what it knew over one spoilt answer.",
        requirements=(_RECOVER,),
        checks=(responds("one", 1, 2, 3, requirement=_RECOVER),),
        observations=(control_seen("one"), response_seen("one", 3)),
        modes=ONE_DEVICE,
        mutants=(row.mutant,),
    )(script)


_LIST = "GET DERControlList"
CASES = tuple(
    _made(row)
    for row in (
        _Row(
            number="010",
            title="A document that ends in the middle",
            what=_LIST,
            reply=raw(b"<DERControlList xmlns='urn:ieee:std:2030.5:ns'", wrong="broken XML"),
            mutant="dies-of-broken-xml",
        ),
        _Row(
            number="011",
            title="An empty body",
            what=_LIST,
            reply=raw(b"", wrong="an empty body"),
            mutant="dies-of-broken-xml",
        ),
        _Row(
            number="012",
            title="The line breaks in the middle of an answer",
            what=_LIST,
            reply=struck("reset_mid"),
            mutant="dies-of-a-broken-line",
        ),
        _Row(
            number="013",
            title="The line breaks before the answer",
            what=_LIST,
            reply=struck("reset_before"),
            mutant="dies-of-a-broken-line",
        ),
        _Row(
            number="014",
            title="404 for a list that was there",
            what=_LIST,
            reply=status(404),
            mutant="gives-up-on-404",
        ),
        _Row(
            number="015",
            title="429 with Retry-After",
            what=_LIST,
            reply=status(429, ("Retry-After", "5")),
            mutant="takes-429-for-never",
        ),
        _Row(
            number="016",
            title="500 for the clock",
            what="GET Time",
            reply=status(500),
            mutant="dies-of-500",
        ),
    )
)


@case(
    id="SEP2-CLI-ERR-017",
    title="500 for what it puts: it puts it once more",
    purpose="Exposes a client that gives a report up when it fails.",
    requirements=(_RECOVER,),
    checks=(puts_within("DERStatus", 2 * MINUTE, "refused", requirement=_RECOVER),),
    observations=(put_seen("DERStatus", 2),),
    modes=ONE_DEVICE,
    facts=(("post_s", "60"),),
    mutants=("gives-status-up",),
)
async def put_fails(stage: ClientStage) -> None:
    """Fail twice."""
    stage.utility.answer_next("PUT DERStatus", status(500), status(503))
    await stage.until(lambda t: refused(t, "DERStatus"), 3 * MINUTE, "put its status")
    stage.mark("refused")
    await stage.sleep(4 * MINUTE)


@case(
    id="SEP2-CLI-ERR-020",
    title="The server is gone: the schedule goes on, the default follows",
    purpose="Exposes a client that stops, or fails open, when it loses its server.",
    public=("ALL-23",),
    requirements=(_SCHEDULE, _RECOVER),
    checks=(
        in_force("first", "opModMaxLimW", "6000", requirement=_SCHEDULE),
        in_force("second", "opModMaxLimW", "4000", requirement=_SCHEDULE),
        in_force("default", "opModMaxLimW", "8000", requirement=_SCHEDULE),
        responds_at_last("one", 1, 2, 3, requirement=_RECOVER),
        responds_at_last("two", 1, 2, 3, requirement=_RECOVER),
        responds("three", 1, 2, 3, requirement=_RECOVER),
    ),
    observations=(response_seen("one", 1), response_seen("two", 1), response_seen("three", 3)),
    modes=ONE_DEVICE,
    applies_if="CLI-STATE",
    lasts=20 * MINUTE,
    mutants=("stops-without-server", "forgets-what-it-could-not-say"),
)
async def outage(stage: ClientStage) -> None:
    """Close the port before two known controls begin; open it when they are over."""
    one = announce(stage, "one", limit(60), ahead=4 * MINUTE, lasts=2 * MINUTE)
    two = announce(stage, "two", limit(40), ahead=7 * MINUTE, lasts=2 * MINUTE)
    await stage.until(responded("two", 1), 3 * MINUTE, "receive the controls")
    await stage.utility.down()
    await stage.sleep_until(one.start + MINUTE)
    await look(stage, "first")
    await stage.sleep_until(two.start + MINUTE)
    await look(stage, "second")
    await stage.sleep_until(two.end + MINUTE)
    await look(stage, "default")
    await stage.utility.up()
    await stage.until(responded("two", 3), 4 * MINUTE, "send what it could not send")
    await run_through(stage, announce(stage, "three", limit(20), ahead=3 * MINUTE))


@case(
    id="SEP2-CLI-ERR-021",
    title="Restarted while a control runs: it goes on, and nothing is said twice",
    purpose="Exposes a client that forgets events, or what it said, over a restart.",
    public=("ALL-30",),
    requirements=(_SCHEDULE,),
    checks=(responds("one", 1, 2, 3, requirement=_SCHEDULE),),
    observations=(control_seen("one"), response_seen("one", 3)),
    modes=ONE_DEVICE,
    applies_if="CLI-RESTART",
    needs=("kill", "start"),
    mutants=("forgets-what-it-said",),
)
async def restarted(stage: ClientStage) -> None:
    """Kill it in the middle of a control."""
    control = announce(stage, "one", limit(60), lasts=4 * MINUTE)
    await stage.until(responded("one", 2), 5 * MINUTE, "start the control")
    await stage.sleep(timedelta(seconds=10))
    await stage.driver.kill()
    await stage.sleep(timedelta(seconds=20))
    await stage.driver.start()
    await run_through(stage, control)


@case(
    id="SEP2-CLI-ERR-022",
    title="The server forgot: a control that it lists again is not begun again",
    purpose="Exposes a client that begins an event a second time when it comes back.",
    requirements=(_SCHEDULE,),
    checks=(responds("one", 1, 2, 3, requirement=_SCHEDULE),),
    observations=(control_seen("one", 3), response_seen("one", 3)),
    modes=ONE_DEVICE,
    mutants=("begins-again",),
)
async def listed_again(stage: ClientStage) -> None:
    """Withdraw a running control and list it again."""
    control = announce(stage, "one", limit(60), lasts=6 * MINUTE)
    await stage.until(responded("one", 2), 5 * MINUTE, "start the control")
    stage.utility.withdraw("one")
    mark = stage.transcript.messages[-1].number
    await stage.until(read("DERControlList", after=mark), 3 * MINUTE, "poll")
    stage.utility.publish("program", control)
    await stage.until(seen("one"), 3 * MINUTE, "poll")
    await run_through(stage, control)
