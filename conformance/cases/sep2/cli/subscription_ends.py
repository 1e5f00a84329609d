"""Subscriptions that end or are lost: by the server's word, over an outage, over a restart of the client."""

from conformance.cases.sep2.cli.notified import CONTROLS
from conformance.cases.sep2.cli.subscribing import RARELY, SUB, TOLD
from conformance.kit.case import Case
from conformance.kit.sep2.acts import MINUTE, PROGRAM, announce
from conformance.kit.sep2.case import case
from conformance.kit.sep2.checks.notifications import (
    acts_on_notification,
    answers,
    listens,
    reaches_after,
)
from conformance.kit.sep2.checks.subscriptions import (
    looks_for_subscriptions,
    posts_at_most,
    subscribes_to,
)
from conformance.kit.sep2.notices import CANCELLED, DELETED, MOVED, REDEFINED, Notice
from conformance.kit.sep2.observations import control_seen
from conformance.kit.sep2.subscribed import (
    notice_seen,
    notification_seen,
    settle,
    subscription_seen,
)
from conformance.kit.sep2.utility import ClientStage
from conformance.kit.sep2.values import limit

_OFTEN = (("subscribable", "yes"), ("walk_s", "120"))
_BUSY = (*TOLD, ("post_s", "60"))
"""Facts: it has something to say every minute, so it finds out that the server is away."""
_ANSWERS = "REQ-SEP2-8.9-3"
_FORM = "REQ-SEP2-8.9-2"
_ACTS = "REQ-SEP2-8.9-4"
_ENDED = "REQ-SEP2-8.9-9"
_OUTAGE = "REQ-SEP2-8.9.3-1"


def _ends(number: int, code: int, title: str) -> Case:
    """The server ends a subscription."""

    @case(
        id=f"SEP2-CLI-SUB-{number:03}",
        title=title,
        purpose="Exposes a client that waits for notifications that will not come, or subscribes again at once.",
        public=("CORE-019", "ERR-002"),
        requirements=(_ENDED, _ANSWERS),
        checks=(
            answers(requirement=_ANSWERS, notice="end"),
            posts_at_most(
                "DERControlList", 0, requirement=_ENDED, after="ended", before="ended over"
            ),
            reaches_after("one", "published", requirement=_ENDED, within=4 * MINUTE),
        ),
        observations=(notice_seen("end"), control_seen("one")),
        facts=_OFTEN,
        poll=2 * MINUTE,
        lasts=20 * MINUTE,
        applies_if=SUB,
        mutants=("subscribes-again-at-once", "minds-no-end", "polls-rarely-after-an-end"),
    )
    async def script(stage: ClientStage) -> None:
        await settle(stage, "DERProgramList", "DERControlList")
        await stage.sleep(5 * MINUTE)
        await stage.utility.notify(Notice(of=CONTROLS, name="end", status=code))
        stage.mark("ended")
        await stage.sleep(3 * MINUTE)
        stage.mark("ended over")
        announce(stage, "one", limit(60), ahead=8 * MINUTE)
        stage.mark("published")
        await stage.sleep(6 * MINUTE)

    return script


@case(
    id="SEP2-CLI-SUB-042",
    title="What it subscribes to has moved: it is found where it lies now",
    purpose="Exposes a client that goes on asking at the old place, or not at all.",
    requirements=(_ENDED, _ANSWERS),
    checks=(
        answers(requirement=_ANSWERS, notice="end"),
        reaches_after("one", "published", requirement=_ENDED, within=4 * MINUTE),
    ),
    observations=(notice_seen("end"), control_seen("one")),
    facts=_OFTEN,
    poll=2 * MINUTE,
    lasts=20 * MINUTE,
    applies_if=SUB,
    mutants=("polls-rarely-after-an-end",),
)
async def moved(stage: ClientStage) -> None:
    """Give the controls a new address."""
    await settle(stage, "DERProgramList", "DERControlList")
    await stage.sleep(5 * MINUTE)
    stage.utility.hush()
    stage.utility.move("DERControlList")
    where = stage.utility.href("DERControlList", PROGRAM)
    await stage.utility.notify(Notice(of=CONTROLS, name="end", status=MOVED, moved_to=where))
    stage.utility.hush(silent=False)
    await stage.sleep(4 * MINUTE)
    announce(stage, "one", limit(60), ahead=8 * MINUTE)
    stage.mark("published")
    await stage.sleep(6 * MINUTE)


@case(
    id="SEP2-CLI-SUB-028",
    title="The server comes back and has lost its subscriptions: they are made again",
    purpose="Exposes a client that is never told of anything again.",
    public=("ERR-002",),
    requirements=(_OUTAGE, _ACTS),
    checks=(
        looks_for_subscriptions(requirement=_OUTAGE, after="back"),
        subscribes_to("DERControlList", requirement=_OUTAGE, after="back"),
        acts_on_notification("one", requirement=_ACTS),
    ),
    observations=(subscription_seen("DERControlList", 2), control_seen("one")),
    facts=_BUSY,
    poll=RARELY,
    lasts=30 * MINUTE,
    applies_if=SUB,
    mutants=("minds-no-outage",),
)
async def forgotten(stage: ClientStage) -> None:
    """Be away for ten minutes and forget."""
    await settle(stage, "DERControlList")
    await stage.utility.down()
    stage.utility.forget_subscriptions()
    await stage.sleep(10 * MINUTE)
    await stage.utility.up()
    stage.mark("back")
    await stage.sleep(10 * MINUTE)
    announce(stage, "one", limit(60), ahead=4 * MINUTE)
    await stage.sleep(2 * MINUTE)


@case(
    id="SEP2-CLI-SUB-035",
    title="The server comes back: what nobody notified meanwhile is found",
    purpose="Exposes a client that relies on notifications of what happened while there was no server.",
    requirements=(_OUTAGE,),
    checks=(reaches_after("one", "back", requirement=_OUTAGE, within=5 * MINUTE),),
    observations=(subscription_seen("DERControlList"), control_seen("one")),
    facts=_BUSY,
    poll=RARELY,
    lasts=20 * MINUTE,
    applies_if=SUB,
    mutants=("reads-nothing-after-an-outage",),
)
async def missed(stage: ClientStage) -> None:
    """Publish a control while nobody can be told."""
    await settle(stage, "DERControlList")
    await stage.utility.down()
    stage.utility.hush()
    announce(stage, "one", limit(60), ahead=20 * MINUTE)
    await stage.sleep(4 * MINUTE)
    await stage.utility.up()
    stage.mark("back")
    await stage.sleep(7 * MINUTE)


@case(
    id="SEP2-CLI-SUB-030",
    title="The client restarts: it is told of what changes, where it listens now",
    purpose="Exposes a client that leaves subscriptions to an address at which nobody listens any more.",
    requirements=(_FORM, _ACTS, _ANSWERS),
    checks=(
        listens(requirement=_FORM),
        acts_on_notification("one", requirement=_ACTS),
        answers(requirement=_ANSWERS),
    ),
    observations=(subscription_seen("DERControlList"), notification_seen(), control_seen("one")),
    facts=_BUSY,
    poll=RARELY,
    lasts=14 * MINUTE,
    applies_if=f"{SUB} and CLI-RESTART",
    needs=("kill", "start"),
    mutants=("moves-its-listener",),
)
async def restarted(stage: ClientStage) -> None:
    """End it as a power cut would, and start it again."""
    await settle(stage, "DERControlList")
    await stage.driver.kill()
    await stage.sleep(MINUTE)
    await stage.driver.start()
    await stage.sleep(4 * MINUTE)
    announce(stage, "one", limit(60), ahead=4 * MINUTE)
    await stage.sleep(4 * MINUTE)


CASES = (
    _ends(41, CANCELLED, "The server cancels a subscription: it polls again"),
    _ends(43, REDEFINED, "A subscription ends because its resource is defined anew: it polls"),
    _ends(44, DELETED, "A subscription ends because its resource is deleted: it looks for itself"),
)
