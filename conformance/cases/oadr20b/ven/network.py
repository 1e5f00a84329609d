"""A VEN on a bad line: the VTN away, restarts, lost and repeated messages, pauses between tries (section 9.1)."""

from datetime import timedelta

from conformance.kit.case import Start, Timing, case
from conformance.kit.checks.events import answers_event
from conformance.kit.checks.flow import never, sends
from conformance.kit.checks.network import (
    GOES_ON,
    backs_off,
    goes_on,
    never_repeats,
    repeats,
)
from conformance.kit.checks.polling import polls_on_time
from conformance.kit.checks.registration import CREATE, bootstraps
from conformance.kit.checks.state import acts_on, state_seen
from conformance.kit.oadr20b.conditions import answered, exchanged, received
from conformance.kit.oadr20b.event import simple
from conformance.kit.oadr20b.offers import USAGE, offered
from conformance.kit.observations import event_answered, event_reached, exchanges, mark_set, sent
from conformance.kit.stage import Reply, VenStage, raw, status, struck

PATIENCE = timedelta(minutes=3)
_AGAIN = ("oadrCreatePartyRegistration", "oadrRegisterReport")


@case(
    id="OADR20B-VEN-NET-001",
    title="A VTN that is away at the start is waited for",
    purpose="Exposes a VEN that gives up when its first attempt to register fails.",
    public=("CFX2B-NET-01",),
    requirements=("REQ-OADR20B-9.1.4-1", "REQ-OADR20B-R309-1", "REQ-OADR20B-R405-1"),
    checks=(
        goes_on(),
        sends(CREATE, requirement=GOES_ON, after="again"),
        bootstraps(),
    ),
    observations=(mark_set("watched"), sent(CREATE)),
    start=Start.FRESH,
    timing=Timing(lasts=timedelta(minutes=5)),
    mutants=("gives-up-at-start",),
)
async def away_at_start(stage: VenStage) -> None:
    """Let the device meet a busy VTN, then a closed port for 100 seconds, then all well."""
    stage.utility.answer_always("*", status(503))
    await stage.until(lambda t: t.from_device() or None, PATIENCE, "speak to its VTN")
    await stage.utility.down()
    await stage.sleep(timedelta(seconds=100))
    stage.utility.answer_always("*", None)
    await stage.utility.up()
    stage.mark("again")
    await stage.maybe(received("oadrRequestEvent"), PATIENCE, "register")
    await stage.sleep(timedelta(seconds=30))
    stage.mark("watched")


@case(
    id="OADR20B-VEN-NET-002",
    title="A VTN that was away is met again without a new registration",
    purpose="Exposes a VEN that registers anew, or never comes back, after an outage.",
    public=("CFX2B-NET-02", "CFX2B-RPT-08"),
    requirements=("REQ-OADR20B-9.1.4-1", "REQ-OADR20B-R48-1", "REQ-OADR20B-R12-1"),
    checks=(
        goes_on(),
        never(_AGAIN, requirement=GOES_ON, after="suite.down"),
        answers_event("after-outage"),
        sends(
            "oadrUpdateReport",
            requirement=GOES_ON,
            after="again",
            where=(".//ei:reportRequestID", "through-outage"),
            most=99,
        ),
    ),
    observations=(mark_set("watched"), event_answered("after-outage"), sent("oadrUpdateReport", 2)),
    timing=Timing(lasts=timedelta(minutes=5)),
    mutants=("registers-after-outage",),
)
async def outage(stage: VenStage) -> None:
    """Let a report run, close the port for 90 seconds, and announce an event afterwards."""
    offer = await offered(stage, USAGE)
    every = max(offer.least, timedelta(seconds=20))
    stage.utility.request_report(offer.request("through-outage", every=every, start=stage.now))
    await stage.until(received("oadrUpdateReport"), PATIENCE, "deliver a report")
    await stage.utility.down()
    await stage.sleep(timedelta(seconds=90))
    await stage.utility.up()
    stage.mark("again")
    stage.utility.publish(
        simple("after-outage", stage.now + timedelta(hours=2), timedelta(hours=1))
    )
    await stage.maybe(answered("after-outage"), PATIENCE, "answer event after-outage")
    await stage.sleep(timedelta(seconds=60))
    stage.mark("watched")


@case(
    id="OADR20B-VEN-NET-003",
    title="A restart inside an event changes nothing",
    purpose="Exposes a VEN that forgets its registration, its event or its random delay over a restart.",
    public=("CFX2B-NET-03",),
    applies_if="VEN-RESTART and VEN-EVT-STATE and VEN-EVT-RANDOM",
    requirements=("REQ-OADR20B-R30-2", "REQ-OADR20B-9.1.4-1"),
    checks=(
        acts_on("kept-1", "1", after="restarted", requirement="REQ-OADR20B-R30-2"),
        never(_AGAIN, requirement=GOES_ON, after="case.prepared"),
    ),
    observations=(event_answered("kept-1"), mark_set("restarted"), state_seen("restarted", 2)),
    needs=("kill", "start", "state"),
    timing=Timing(lasts=timedelta(minutes=15)),
    mutants=("forgets-events-at-restart", "forgets-registration-at-restart"),
)
async def restart(stage: VenStage) -> None:
    """Kill the device as soon as it acts on an event with ten minutes of random delay, and start it again."""
    soon = stage.now + timedelta(minutes=1)
    delay = timedelta(minutes=10)
    stage.utility.publish(simple("kept-1", soon, timedelta(hours=1), start_after=delay))
    await stage.until(answered("kept-1"), PATIENCE, "answer event kept-1")
    for _ in range(140):
        if (await stage.driver.state()).get("event.kept-1"):
            break
        await stage.sleep(timedelta(seconds=5))
    await stage.driver.kill()
    await stage.sleep(timedelta(seconds=5))
    await stage.driver.start()
    await stage.sleep(timedelta(seconds=15))
    stage.mark("restarted")
    for _ in range(3):
        await stage.driver.state()
        await stage.sleep(timedelta(seconds=10))


@case(
    id="OADR20B-VEN-NET-006",
    title="A request for a report that comes twice counts once",
    purpose="Exposes a VEN that starts a second series for a repeated oadrCreateReport.",
    public=("CFX2B-NET-06",),
    requirements=("REQ-OADR20B-9.1.4-3",),
    checks=(
        sends(
            "oadrUpdateReport",
            2,
            requirement="REQ-OADR20B-9.1.4-3",
            after="asked",
            where=(".//ei:reportRequestID", "twice-1"),
            most=3,
        ),
    ),
    observations=(sent("oadrCreatedReport", 2), sent("oadrUpdateReport", 2)),
    timing=Timing(lasts=timedelta(minutes=4)),
    mutants=("counts-requests-twice",),
)
async def twice(stage: VenStage) -> None:
    """Send one request for two one-minute reports twice."""
    offer = await offered(stage, USAGE)
    stage.mark("asked")
    minute = timedelta(minutes=1)
    request = offer.request("twice-1", every=minute, start=stage.now, lasts=2 * minute)
    for times in (1, 2):
        stage.utility.request_report(request)
        await stage.until(
            received("oadrCreatedReport", times=times), PATIENCE, "accept the request"
        )
    await stage.sleep(timedelta(minutes=3))


@case(
    id="OADR20B-VEN-NET-007",
    title="An answer to an event is repeated when its receipt is lost",
    purpose="Exposes a VEN whose answer to an event is lost with one broken connection.",
    public=("CFX2B-NET-07",),
    requirements=("REQ-OADR20B-9.1.4-2", "REQ-OADR20B-9.1.4-1"),
    checks=(repeats("oadrCreatedEvent"), goes_on()),
    observations=(event_reached("lost-1"), sent("oadrCreatedEvent", 1), mark_set("watched")),
    timing=Timing(lasts=timedelta(minutes=2)),
    mutants=("forgets-lost-answers",),
)
async def lost_receipt(stage: VenStage) -> None:
    """Break the connection after an oadrCreatedEvent was read, before its receipt."""
    stage.utility.answer_next("oadrCreatedEvent", struck("reset_before"))
    stage.utility.publish(simple("lost-1", stage.now + timedelta(hours=2), timedelta(hours=1)))
    await stage.until(received("oadrCreatedEvent"), PATIENCE, "answer event lost-1")
    stage.mark("again")
    await stage.sleep(timedelta(seconds=60))
    stage.mark("watched")


@case(
    id="OADR20B-VEN-NET-008",
    title="200 without a body ends nothing",
    purpose="Exposes a VEN that ends, or registers again, on an empty answer to a poll.",
    public=("CFX2B-NET-08",),
    requirements=("REQ-OADR20B-9.1.4-1",),
    checks=(goes_on(), never(_AGAIN, requirement=GOES_ON, after="case.prepared")),
    observations=(exchanges(1, after_mark="again"), mark_set("watched")),
    modes=("pull",),
    timing=Timing(lasts=timedelta(minutes=2)),
    mutants=("ends-on-empty-answer",),
)
async def empty_body(stage: VenStage) -> None:
    """Answer a poll with nothing."""
    await _struck_polls(stage, raw(b"", wrong="no body"))


async def _struck_polls(stage: VenStage, *replies: Reply) -> None:
    stage.utility.answer_next("oadrPoll", *replies)
    here = stage.transcript.messages[-1].number
    await stage.until(received("oadrPoll", times=len(replies), after=here), PATIENCE, "poll")
    stage.mark("again")
    last = stage.transcript.messages[-1].number
    await stage.maybe(exchanged(3, after=last), timedelta(minutes=5), "go on polling")
    stage.mark("watched")


@case(
    id="OADR20B-VEN-NET-012",
    title="Pauses between tries double, and end when the VTN is back",
    purpose="Exposes a VEN that hammers a busy VTN, or is still slow when it is back.",
    public=("CFX2B-NET-05", "CFX2B-NET-12"),
    requirements=(
        "REQ-OADR20B-9.1.7-1",
        "REQ-OADR20B-9.1.4-1",
        "REQ-OADR20B-R500-1",
        "REQ-OADR20B-T0015-1",
    ),
    checks=(backs_off("oadrPoll"), goes_on(), polls_on_time(after="recovered")),
    observations=(sent("oadrPoll", 9), mark_set("watched"), mark_set("recovered")),
    modes=("pull",),
    timing=Timing(poll=timedelta(seconds=40), lasts=timedelta(minutes=8)),
    mutants=("constant-pause", "hammers"),
)
async def busy(stage: VenStage) -> None:
    """Be busy for two minutes and a half."""
    stage.utility.answer_always("oadrPoll", status(503))
    await stage.sleep(timedelta(seconds=150))
    stage.utility.answer_always("oadrPoll", None)
    stage.mark("again")
    here = stage.transcript.marks[-1].number
    await stage.maybe(exchanged(2, after=here), timedelta(minutes=5), "poll again")
    stage.mark("watched")
    stage.mark("recovered")
    await stage.sleep(timedelta(seconds=170))


@case(
    id="OADR20B-VEN-NET-021",
    title="What was refused by 406 is not sent again",
    purpose="Exposes a VEN that repeats for ever what its VTN cannot take.",
    requirements=("REQ-OADR20B-9.1.5-1", "REQ-OADR20B-9.1.4-1"),
    checks=(never_repeats("oadrUpdateReport"), goes_on()),
    observations=(sent("oadrUpdateReport"), mark_set("watched"), exchanges(1, after_mark="again")),
    timing=Timing(lasts=timedelta(minutes=3)),
    mutants=("repeats-what-was-refused",),
)
async def refused(stage: VenStage) -> None:
    """Refuse one delivery by 406."""
    await _delivery(stage, status(406, wrong="refuses a good document"))
    stage.utility.distribute()
    await stage.sleep(timedelta(seconds=90))
    stage.mark("watched")


@case(
    id="OADR20B-VEN-NET-022",
    title="What met a busy VTN is sent again unchanged",
    purpose="Exposes a VEN that loses a report to one 503, or repeats it under a new requestID.",
    requirements=("REQ-OADR20B-9.1.4-2", "REQ-OADR20B-9.1.4-1"),
    checks=(repeats("oadrUpdateReport"), goes_on()),
    observations=(sent("oadrUpdateReport"), mark_set("watched"), exchanges(1, after_mark="again")),
    timing=Timing(lasts=timedelta(minutes=3)),
    mutants=("gives-up-after-503", "repeats-under-new-id"),
)
async def busy_once(stage: VenStage) -> None:
    """Answer one delivery with 503 twice."""
    await _delivery(stage, status(503), status(503))
    stage.utility.distribute()
    await stage.sleep(timedelta(seconds=90))
    stage.mark("watched")


async def _delivery(stage: VenStage, *replies: Reply) -> None:
    """Ask for one report and answer its delivery so."""
    offer = await offered(stage, USAGE)
    stage.utility.answer_next("oadrUpdateReport", *replies)
    stage.utility.request_report(offer.request("once-1"))
    await stage.until(received("oadrUpdateReport"), PATIENCE, "deliver the report")
    stage.mark("again")
