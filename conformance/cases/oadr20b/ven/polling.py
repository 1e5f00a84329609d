"""OadrPoll, a VEN under test: empty queue, order of the queue, answers that fit nothing (2.0b section 8.6)."""

from datetime import timedelta

from conformance.kit.case import Timing, case
from conformance.kit.checks.events import answers_event
from conformance.kit.checks.flow import answers, never, on_right_path
from conformance.kit.checks.network import goes_on
from conformance.kit.checks.polling import answers_before_next_poll, drains, polls_on_time
from conformance.kit.checks.registration import CREATE
from conformance.kit.oadr20b.build import answer, make, oadr_response
from conformance.kit.oadr20b.conditions import answered, exchanged, received
from conformance.kit.oadr20b.event import simple
from conformance.kit.oadr20b.offers import USAGE, offered
from conformance.kit.observations import event_reached, exchanges, mark_set, reached, sent
from conformance.kit.stage import VenStage, says
from conformance.kit.xml import Element

PATIENCE = timedelta(minutes=2)
OWN_PERIOD = timedelta(seconds=12)
"""It is judged here, so the period of an IXIT does not take its place."""
_PULL = ("pull",)
_ORDER = "REQ-OADR20B-R64-1"
_OPERATION = "REQ-OADR20B-8.6-1"


@case(
    id="OADR20B-VEN-GEN-011",
    title="An empty queue is no error",
    purpose="Exposes a VEN that stumbles over an oadrResponse with an empty requestID.",
    public=("G1_4011",),
    requirements=("REQ-OADR20B-R500-1", "REQ-OADR20B-T0015-1", "REQ-OADR20B-8.6-1"),
    checks=(
        polls_on_time(),
        never((CREATE,), requirement=_OPERATION, after="case.prepared"),
    ),
    observations=(reached("oadrResponse", 4), sent("oadrPoll", 4)),
    modes=_PULL,
    timing=Timing(poll=OWN_PERIOD),
    mutants=("polls-twice-as-often",),
)
async def empty_queue(stage: VenStage) -> None:
    """Watch five empty polls."""
    await stage.sleep(timedelta(seconds=52))


@case(
    id="OADR20B-VEN-GEN-015",
    title="The queue is emptied in order and at once",
    purpose="Exposes a VEN that waits a period between queued messages, or answers them too late.",
    public=("G1_4015", "CFX2B-NET-10"),
    requirements=(
        "REQ-OADR20B-R500-2",
        "REQ-OADR20B-R500-1",
        "REQ-OADR20B-R64-1",
        "REQ-OADR20B-8.6-1",
        "REQ-OADR20B-8-1",
        "REQ-OADR20B-R48-1",
        "REQ-OADR20B-R12-1",
    ),
    checks=(
        drains(),
        answers_before_next_poll("oadrDistributeEvent", "oadrCreatedEvent", requirement=_ORDER),
        answers_before_next_poll("oadrCreateReport", "oadrCreatedReport", requirement=_ORDER),
        answers("oadrCreateReport", "oadrCreatedReport", requirement=_OPERATION),
        answers_event("queued-1"),
        on_right_path(),
        polls_on_time(slow=False),
    ),
    observations=(
        event_reached("queued-1"),
        reached("oadrCreateReport"),
        exchanges(3, after_mark="queued"),
    ),
    modes=_PULL,
    timing=Timing(poll=OWN_PERIOD),
    mutants=("queue-by-period", "answers-after-next-poll", "reports-on-wrong-path"),
)
async def queue_order(stage: VenStage) -> None:
    """Queue an event and a request for a report together."""
    offer = await offered(stage, USAGE)
    stage.mark("queued")
    stage.utility.publish(simple("queued-1", stage.now + timedelta(hours=2), timedelta(hours=1)))
    stage.utility.request_report(offer.request("queued-report"))
    await stage.until(answered("queued-1"), PATIENCE, "answer event queued-1")
    await stage.until(received("oadrCreatedReport"), PATIENCE, "answer the request")
    await stage.sleep(timedelta(seconds=31))


def _stray() -> Element:
    return answer("oadr:oadrCreatedOpt", "stray", "200", make("ei:optID", "stray"))


@case(
    id="OADR20B-VEN-GEN-018",
    title="A message that no poll brings is passed over",
    purpose="Exposes a VEN that ends, or registers again, on an answer of a kind that it does not expect.",
    requirements=("REQ-OADR20B-9.1.4-1", "REQ-OADR20B-8.6-1"),
    checks=(
        goes_on(),
        never((CREATE,), requirement=_OPERATION, after="case.prepared"),
        polls_on_time(after="again"),
    ),
    observations=(reached("oadrCreatedOpt"), mark_set("watched")),
    modes=_PULL,
    timing=Timing(poll=OWN_PERIOD),
    mutants=("ends-on-stray-answer",),
)
async def stray_answer(stage: VenStage) -> None:
    """Answer one poll with oadrCreatedOpt."""
    stage.utility.answer_next("oadrPoll", says(_stray(), wrong="no answer to a poll"))
    await stage.until(
        lambda t: t.delivered("oadrCreatedOpt") or None, PATIENCE, "take the strange answer"
    )
    stage.mark("again")
    await stage.sleep(timedelta(seconds=90))
    stage.mark("watched")


@case(
    id="OADR20B-VEN-GEN-019",
    title="An application error in answer to a poll ends nothing",
    purpose="Exposes a VEN that gives up its registration after an error 459.",
    public=("A_E1_0310",),
    requirements=("REQ-OADR20B-9.1.4-1", "REQ-OADR20B-8.6-2"),
    checks=(
        goes_on(),
        never((CREATE,), requirement="REQ-OADR20B-8.6-2", after="case.prepared"),
    ),
    observations=(mark_set("watched"), exchanges(1, after_mark="again")),
    modes=_PULL,
    timing=Timing(lasts=timedelta(minutes=2)),
    mutants=("registers-on-any-error", "ends-on-error"),
)
async def error_answer(stage: VenStage) -> None:
    """Answer one poll with 459."""
    refusal = oadr_response("", "459", stage.utility.ven_id)
    stage.utility.answer_next("oadrPoll", says(refusal, wrong="an error without a cause"))
    here = stage.transcript.messages[-1].number
    await stage.until(exchanged(1, after=here), PATIENCE, "poll")
    stage.mark("again")
    await stage.sleep(timedelta(seconds=90))
    stage.mark("watched")
