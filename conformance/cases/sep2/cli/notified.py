"""What a client is notified of it does at once: whole, in part, bare, twice, in an old order."""

from conformance.cases.sep2.cli.subscribing import RARELY, SUB, TOLD
from conformance.kit.sep2.acts import MINUTE, PROGRAM, announce, look, prove
from conformance.kit.sep2.case import case
from conformance.kit.sep2.checks.events import never_responds, timely
from conformance.kit.sep2.checks.notifications import (
    acts_on_notification,
    answers,
    answers_at_once,
    listens,
    reaches_after,
)
from conformance.kit.sep2.checks.state import in_force
from conformance.kit.sep2.conditions import responded
from conformance.kit.sep2.notices import Notice
from conformance.kit.sep2.observations import control_seen, response_seen
from conformance.kit.sep2.subscribed import (
    notice_seen,
    notification_seen,
    notified,
    settle,
    subscription_seen,
)
from conformance.kit.sep2.utility import ClientStage
from conformance.kit.sep2.values import Program, limit

CONTROLS = ("DERControlList", PROGRAM)
"""What most notices are about."""
_ANSWERS = "REQ-SEP2-8.9-3"
_ACTS = "REQ-SEP2-8.9-4"
_ORDER = "REQ-SEP2-8.9-7"
_REST = "REQ-SEP2-8.9-8"
_FORM = "REQ-SEP2-8.9-2"


@case(
    id="SEP2-CLI-SUB-003",
    title="A notification is answered at once, by 201 or 204, without a body",
    purpose="Exposes a client that does not listen where it said, or answers otherwise.",
    public=("CORE-018",),
    requirements=(_ANSWERS, _FORM),
    checks=(
        listens(requirement=_FORM),
        answers(201, 204, requirement=_ANSWERS),
        answers_at_once(requirement=_ANSWERS),
    ),
    observations=(subscription_seen("DERControlList"), notification_seen(2)),
    facts=(*TOLD, ("post_s", "60")),
    poll=RARELY,
    applies_if=SUB,
    mutants=("listens-elsewhere", "answers-by-200", "answers-with-a-body"),
)
async def answered(stage: ClientStage) -> None:
    """Publish two controls, one after the other."""
    await settle(stage, "DERControlList")
    announce(stage, "one", limit(60), ahead=10 * MINUTE)
    await stage.sleep(MINUTE)
    announce(stage, "two", limit(50), ahead=20 * MINUTE)
    await stage.sleep(MINUTE)


@case(
    id="SEP2-CLI-SUB-004",
    title="A control by notification: received and started in time, though the next poll is far",
    purpose="Exposes a client that takes notifications and waits for its poll.",
    public=("MAINT-004",),
    requirements=(_ACTS,),
    checks=(
        acts_on_notification("one", requirement=_ACTS),
        timely("one", 2, "one.starts", requirement=_ACTS),
        acts_on_notification("two", requirement=_ACTS),
    ),
    observations=(notification_seen(2), control_seen("one"), response_seen("one", 2)),
    facts=TOLD,
    poll=RARELY,
    lasts=10 * MINUTE,
    applies_if=SUB,
    mutants=("waits-for-its-poll", "minds-the-first-notification"),
)
async def control(stage: ClientStage) -> None:
    """Publish a control that starts before any poll; another while it runs."""
    await settle(stage, "DERControlList")
    announce(stage, "one", limit(60), lasts=3 * MINUTE)
    await stage.until(responded("one", 2), 4 * MINUTE, "start the control")
    announce(stage, "two", limit(50), ahead=4 * MINUTE)
    await stage.sleep(2 * MINUTE)


@case(
    id="SEP2-CLI-SUB-005",
    title="A cancellation by notification: stopped at once",
    purpose="Exposes a client that learns of new controls by notification, and of their end by polling.",
    requirements=(_ACTS,),
    checks=(
        acts_on_notification("one", requirement=_ACTS),
        acts_on_notification("one", requirement=_ACTS, status=6),
        never_responds("one", 3, requirement=_ACTS),
    ),
    observations=(notification_seen(2), response_seen("one", 2)),
    facts=TOLD,
    poll=RARELY,
    lasts=12 * MINUTE,
    applies_if=SUB,
    mutants=("minds-the-first-notification",),
)
async def cancelled(stage: ClientStage) -> None:
    """Cancel a running control."""
    await settle(stage, "DERControlList")
    announce(stage, "one", limit(60), lasts=6 * MINUTE)
    await stage.until(responded("one", 2), 4 * MINUTE, "start the control")
    await stage.sleep(MINUTE)
    stage.utility.cancel("one")
    await stage.sleep(7 * MINUTE)


@case(
    id="SEP2-CLI-SUB-006",
    title="A notification without the resource: it reads what has changed",
    purpose="Exposes a client that takes a bare notice for nothing.",
    requirements=(_REST, _ANSWERS),
    checks=(
        answers(requirement=_ANSWERS, notice="bare"),
        reaches_after("one", "published", requirement=_REST, within=MINUTE),
    ),
    observations=(notice_seen("bare"), control_seen("one")),
    facts=TOLD,
    poll=RARELY,
    applies_if=SUB,
    mutants=("minds-no-bare-notice",),
)
async def bare(stage: ClientStage) -> None:
    """Say that something has changed, and no more."""
    await settle(stage, "DERControlList")
    stage.utility.hush()
    announce(stage, "one", limit(60), ahead=8 * MINUTE)
    stage.mark("published")
    await stage.utility.notify(Notice(name="bare", of=CONTROLS, bare=True))
    await stage.sleep(2 * MINUTE)


@case(
    id="SEP2-CLI-SUB-007",
    title="A notification with a part of the list: it reads the rest",
    purpose="Exposes a client that takes the part for the whole.",
    requirements=(_REST, _ANSWERS),
    checks=(
        answers(requirement=_ANSWERS, notice="part"),
        reaches_after("first", "published", requirement=_REST, within=MINUTE),
        reaches_after("last", "published", requirement=_REST, within=MINUTE),
    ),
    observations=(notice_seen("part"), control_seen("first")),
    facts=TOLD,
    poll=RARELY,
    applies_if=SUB,
    mutants=("takes-a-part-for-the-whole",),
)
async def part(stage: ClientStage) -> None:
    """Publish two controls; carry the first of them."""
    await settle(stage, "DERControlList")
    stage.utility.hush()
    announce(stage, "first", limit(60), ahead=8 * MINUTE)
    announce(stage, "last", limit(50), ahead=11 * MINUTE)
    stage.mark("published")
    await stage.utility.notify(Notice(name="part", of=CONTROLS, members=1))
    await stage.sleep(2 * MINUTE)


@case(
    id="SEP2-CLI-SUB-009",
    title="The same notification three times: answered each time, acted upon once",
    purpose="Exposes a client that refuses a repetition, or takes it for news.",
    requirements=(_ORDER, _ANSWERS, _ACTS),
    checks=(
        answers(requirement=_ANSWERS, notice="second"),
        answers(requirement=_ANSWERS, notice="third"),
        acts_on_notification("one", requirement=_ACTS),
    ),
    observations=(notification_seen(3), notice_seen("third"), response_seen("one", 3)),
    facts=TOLD,
    poll=RARELY,
    applies_if=SUB,
    mutants=("refuses-what-is-repeated",),
)
async def repeated(stage: ClientStage) -> None:
    """Notify of one control again and again; general rules refuse a Response that is sent twice."""
    await settle(stage, "DERControlList")
    announce(stage, "one", limit(60))
    await stage.until(notified(), MINUTE, "answer the notification")
    await stage.utility.notify(Notice(name="second", of=CONTROLS))
    await stage.until(responded("one", 2), 4 * MINUTE, "start the control")
    await stage.utility.notify(Notice(name="third", of=CONTROLS))
    await stage.until(responded("one", 3), 3 * MINUTE, "end the control")
    await stage.sleep(MINUTE)


@case(
    id="SEP2-CLI-SUB-010",
    title="An old notification overtaken by a newer one: what was cancelled stays cancelled",
    purpose="Exposes a client that believes whatever came last.",
    requirements=(_ORDER, _ACTS, _ANSWERS),
    checks=(
        acts_on_notification("one", requirement=_ACTS, status=6),
        never_responds("one", 2, 3, requirement=_ORDER),
        answers(requirement=_ANSWERS, notice="old"),
    ),
    observations=(notification_seen(2), notice_seen("old"), response_seen("one", 6)),
    facts=TOLD,
    poll=RARELY,
    lasts=10 * MINUTE,
    applies_if=SUB,
    mutants=("believes-what-came-last",),
)
async def overtaken(stage: ClientStage) -> None:
    """Publish, cancel, then notify how things stood before."""
    await settle(stage, "DERControlList")
    announce(stage, "one", limit(60), ahead=4 * MINUTE)
    before = stage.utility.document(*CONTROLS)
    await stage.until(responded("one", 1), 2 * MINUTE, "receive the control")
    stage.utility.cancel("one")
    await stage.until(responded("one", 6), 2 * MINUTE, "say that it was cancelled")
    await stage.utility.notify(Notice(name="old", of=CONTROLS, document=before))
    await stage.sleep(6 * MINUTE)


@case(
    id="SEP2-CLI-SUB-011",
    title="Notifications late and in a burst: every control is found",
    purpose="Exposes a client that misses what comes while it reads.",
    requirements=(_ACTS, _ANSWERS),
    checks=(
        *(acts_on_notification(f"c{n}", requirement=_ACTS) for n in range(8)),
        answers(requirement=_ANSWERS),
    ),
    observations=(notification_seen(2), *(control_seen(f"c{n}") for n in range(8))),
    facts=TOLD,
    poll=RARELY,
    applies_if=SUB,
    mutants=("minds-the-first-notification",),
)
async def burst(stage: ClientStage) -> None:
    """Publish eight controls, a quarter of a second after each other."""
    await settle(stage, "DERControlList")
    for n in range(8):
        announce(stage, f"c{n}", limit(10 + 5 * n), ahead=(5 + 2 * n) * MINUTE)
        await stage.sleep(MINUTE / 240)
    await stage.sleep(2 * MINUTE)


@case(
    id="SEP2-CLI-SUB-032",
    title="subscriptionURI without a host is understood",
    purpose="Exposes a client that compares addresses letter by letter.",
    requirements=(_ANSWERS, _ACTS),
    checks=(
        answers(requirement=_ANSWERS, notice="relative"),
        reaches_after("one", "published", requirement=_ACTS, within=MINUTE),
    ),
    observations=(notice_seen("relative"), control_seen("one")),
    facts=TOLD,
    poll=RARELY,
    applies_if=SUB,
    mutants=("compares-letter-by-letter",),
)
async def relative(stage: ClientStage) -> None:
    """Name the subscription by its path."""
    await settle(stage, "DERControlList")
    stage.utility.hush()
    announce(stage, "one", limit(60), ahead=8 * MINUTE)
    stage.mark("published")
    await stage.utility.notify(Notice(name="relative", of=CONTROLS, relative=True))
    await stage.sleep(2 * MINUTE)


@case(
    id="SEP2-CLI-SUB-033",
    title="A default that changes by notification is in force at once",
    purpose="Exposes a client that is told of controls alone.",
    public=("S-ALL-25",),
    requirements=(_ACTS,),
    checks=(
        in_force("before", "opModMaxLimW", "8000", requirement=_ACTS),
        in_force("after", "opModMaxLimW", "4500", requirement=_ACTS),
    ),
    observations=(subscription_seen("DefaultDERControl"), notification_seen()),
    facts=TOLD,
    poll=RARELY,
    applies_if=f"{SUB} and CLI-STATE and CLI-CAP",
    needs=("state",),
    mutants=("minds-no-default-that-is-told",),
)
async def default(stage: ClientStage) -> None:
    """Change the default."""
    await settle(stage, "DefaultDERControl")
    await look(stage, "before")
    stage.utility.put_program(Program(id=PROGRAM, primacy=10, default=limit(45)))
    await stage.sleep(MINUTE)
    await look(stage, "after")


@case(
    id="SEP2-CLI-SUB-034",
    title="It goes on listening for hours",
    purpose="Exposes a client whose listener dies of silence, or of a connection that is gone.",
    requirements=(_ACTS, _ANSWERS),
    checks=(
        acts_on_notification("proof", requirement=_ACTS),
        answers(requirement=_ANSWERS),
    ),
    observations=(subscription_seen("DERControlList"), notification_seen(), response_seen("proof")),
    facts=(*TOLD, ("post_s", "3600")),
    poll=RARELY,
    lasts=4 * 60 * MINUTE,
    applies_if=SUB,
    modes=("der", "csipaus"),
    mutants=("listens-for-an-hour",),
)
async def hours(stage: ClientStage) -> None:
    """Let four hours go by."""
    await settle(stage, "DERControlList")
    await stage.sleep(4 * 60 * MINUTE)
    await prove(stage)
    await stage.sleep(MINUTE)
