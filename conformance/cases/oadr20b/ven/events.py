"""EiEvent, a VEN under test: distribution, answers, modifications, cancellations (2.0b section 8.2)."""

from datetime import timedelta
from decimal import Decimal

from conformance.kit.case import case
from conformance.kit.checks.events import (
    answers_event,
    answers_every_delivery,
    never_answers,
    repeats_request_id,
)
from conformance.kit.checks.messages import never_sends
from conformance.kit.oadr20b.announce import CONTROL, still_answers
from conformance.kit.oadr20b.conditions import answered, exchanged
from conformance.kit.oadr20b.event import Signal, Step, dispatch, price, simple
from conformance.kit.observations import event_answered, event_reached, exchanges, reached
from conformance.kit.stage import VenStage

_SOON = timedelta(hours=2)
_HOUR = timedelta(hours=1)
_PATIENCE = timedelta(minutes=2)


@case(
    id="OADR20B-VEN-EVT-010",
    title="An empty distribution asks for no answer",
    purpose="Exposes a VEN that answers a distribution without events.",
    public=("E1_1010", "E0_6010"),
    requirements=("REQ-OADR20B-R12-2",),
    checks=(
        never_sends("oadrCreatedEvent", requirement="REQ-OADR20B-R12-2", before_mark="control"),
    ),
    observations=(
        reached("oadrDistributeEvent"),
        exchanges(1),
        event_answered(CONTROL),
    ),
    mutants=("answers-empty-distribution",),
)
async def empty_distribution(stage: VenStage) -> None:
    """Distribute nothing, see the device go on, and answer when there is something to answer."""
    stage.utility.distribute()
    await stage.sleep(timedelta(seconds=45))
    await still_answers(stage)


@case(
    id="OADR20B-VEN-EVT-020",
    title="A price event is accepted",
    purpose="Exposes a VEN that does not know ELECTRICITY_PRICE, or answers the wrong event.",
    public=("E1_1020", "E0_6020"),
    requirements=("REQ-OADR20B-R48-1", "REQ-OADR20B-R12-1", "REQ-OADR20B-R42-1"),
    checks=(answers_event("price-1"), repeats_request_id()),
    observations=(event_reached("price-1"), event_answered("price-1")),
    mutants=("opts-out-of-everything",),
)
async def price_event(stage: VenStage) -> None:
    """Announce four prices for tomorrow's first hour."""
    prices = ("0.10", "0.25", "0.40", "0.15")
    stage.utility.publish(price("price-1", stage.now + _SOON, _HOUR, *prices))
    await stage.until(answered("price-1"), _PATIENCE, "answer event price-1")


@case(
    id="OADR20B-VEN-EVT-025",
    title="A dispatch event is accepted",
    purpose="Exposes a VEN that does not know LOAD_DISPATCH setpoint.",
    public=("E1_1025", "E0_6025"),
    requirements=("REQ-OADR20B-R48-1", "REQ-OADR20B-R12-1"),
    checks=(answers_event("dispatch-1"),),
    observations=(event_reached("dispatch-1"), event_answered("dispatch-1")),
    mutants=("opts-out-of-everything",),
)
async def dispatch_event(stage: VenStage) -> None:
    """Ask for 80 kW."""
    stage.utility.publish(dispatch("dispatch-1", stage.now + _SOON, _HOUR, "80"))
    await stage.until(answered("dispatch-1"), _PATIENCE, "answer event dispatch-1")


@case(
    id="OADR20B-VEN-EVT-030",
    title="Each version of an event is answered once",
    purpose="Exposes a VEN that repeats the old modificationNumber, or does not answer a modification.",
    public=("E1_1030", "E0_6030"),
    requirements=("REQ-OADR20B-R48-1", "REQ-OADR20B-R12-1"),
    checks=(
        answers_event("e1", version=0),
        answers_event("e1", version=1),
        answers_every_delivery("e1"),
    ),
    observations=(event_reached("e1", 2), event_answered("e1", 2)),
    mutants=("answers-old-version",),
)
async def modified_event(stage: VenStage) -> None:
    """Announce an event, then lengthen it."""
    event = simple("e1", stage.now + _SOON, _HOUR)
    stage.utility.publish(event)
    await stage.until(answered("e1", 0), _PATIENCE, "answer event e1")
    step = Step(lasts=2 * _HOUR, value=Decimal(2))
    longer = event.modified(
        lasts=2 * _HOUR, signals=(Signal(name="SIMPLE", type="level", steps=(step,)),)
    )
    stage.utility.modify(longer)
    await stage.until(answered("e1", 1), _PATIENCE, "answer version 1 of event e1")
    await stage.sleep(timedelta(seconds=31))


@case(
    id="OADR20B-VEN-EVT-086",
    title="An event that wants no answer gets none",
    purpose="Exposes a VEN that ignores oadrResponseRequired.",
    public=("A_E1_0086", "A_E0_0086"),
    requirements=("REQ-OADR20B-R12-2",),
    checks=(never_answers("quiet-1"),),
    observations=(
        event_reached("quiet-1"),
        exchanges(1, after_mark="quiet.delivered"),
        event_answered(CONTROL),
    ),
    mutants=("answers-never",),
)
async def never_event(stage: VenStage) -> None:
    """Announce an event with oadrResponseRequired never and watch two periods."""
    stage.utility.publish(simple("quiet-1", stage.now + _SOON, _HOUR, required=False))
    await stage.until(
        lambda t: t.delivered("oadrDistributeEvent") or None, _PATIENCE, "take the event"
    )
    stage.mark("quiet.delivered")
    if stage.mode == "push":
        stage.utility.distribute()
    here = stage.transcript.marks[-1].number
    await stage.until(exchanged(1, after=here), _PATIENCE, "go on exchanging")
    await stage.sleep(timedelta(seconds=30))
    await still_answers(stage)
