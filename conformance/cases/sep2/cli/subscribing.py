"""What a client subscribes to, and how; what it does when it may not, and when it wants to be told no more."""

from datetime import timedelta

from conformance.kit.case import Case, Maturity, Observation, Start
from conformance.kit.replies import status
from conformance.kit.sep2.acts import MINUTE, announce, prove
from conformance.kit.sep2.case import case
from conformance.kit.sep2.checks.notifications import acts_on_notification, reaches_after
from conformance.kit.sep2.checks.subscriptions import (
    asks_at_least,
    looks_for_subscriptions,
    no_more_than,
    only_offered,
    posts_at_most,
    subscribes_to,
    unsubscribes,
    well_formed,
)
from conformance.kit.sep2.observations import control_seen, read_seen, response_seen
from conformance.kit.sep2.reading import requests
from conformance.kit.sep2.subscribed import notification_seen, settle, subscription_seen
from conformance.kit.sep2.utility import ClientStage
from conformance.kit.sep2.values import limit
from conformance.kit.transcript import Message, Transcript

RARELY = 15 * MINUTE
TOLD = (("subscribable", "yes"), ("walk_s", "900"))
"""Facts: everything may be subscribed to, and polls are so rare that they bring nothing in time."""
SUB = "CLI-SUB"
_OFTEN = (("subscribable", "yes"), ("walk_s", "120"))
_OFFERED = "REQ-SEP2-8.9-1"
_FORM = "REQ-SEP2-8.9-2"
_ACTS = "REQ-SEP2-8.9-4"
_REFUSED = "REQ-SEP2-8.9-10"
_ENDS = "REQ-SEP2-8.9-11"
_DAILY = "REQ-SEP2-8.9.3-2"
_CALM = "REQ-SEP2-10.2.2-4"
_DAY = timedelta(hours=26)


@case(
    id="SEP2-CLI-SUB-001",
    title="It subscribes to what may be subscribed to, and to nothing else",
    purpose="Exposes a client that subscribes to whatever it reads.",
    requirements=(_OFFERED,),
    checks=(
        only_offered(requirement=_OFFERED),
        subscribes_to("DERControlList", requirement=_OFFERED),
    ),
    observations=(subscription_seen("DERControlList"), read_seen("FunctionSetAssignmentsList")),
    facts=(("subscribable", "DERControlList"), ("walk_s", "900")),
    applies_if=SUB,
    mutants=("subscribes-to-everything", "subscribes-to-nothing"),
)
async def offered(stage: ClientStage) -> None:
    """Offer the controls alone."""
    await settle(stage, "DERControlList")
    await stage.sleep(2 * MINUTE)


@case(
    id="SEP2-CLI-SUB-002",
    title="A Subscription says what, how and where to",
    purpose="Exposes a client whose address for notifications is relative or plain http, or that asks for EXI.",
    requirements=(_FORM, _OFFERED),
    checks=(well_formed(requirement=_FORM), only_offered(requirement=_OFFERED)),
    observations=(subscription_seen(at_least=2),),
    facts=TOLD,
    poll=RARELY,
    applies_if=SUB,
    mutants=("tells-a-plain-address", "asks-for-exi", "names-no-level"),
)
async def form(stage: ClientStage) -> None:
    """Let it subscribe."""
    await settle(stage, "DERProgramList", "DERControlList")


@case(
    id="SEP2-CLI-SUB-008",
    title="Subscribed, it polls no more often than before",
    purpose="Exposes a client that polls faster once it is subscribed.",
    requirements=(_CALM, _ACTS),
    checks=(
        no_more_than("DERProgramList", 2 * MINUTE, after="calm", before="calm over", requirement=_CALM),
        no_more_than("DERControlList", 2 * MINUTE, after="calm", before="calm over", requirement=_CALM),
        no_more_than(
            "FunctionSetAssignmentsList", 2 * MINUTE, after="calm", before="calm over", requirement=_CALM
        ),
        acts_on_notification("proof", requirement=_ACTS),
    ),
    observations=(subscription_seen("DERControlList"), notification_seen(), response_seen("proof")),
    facts=_OFTEN,
    poll=2 * MINUTE,
    lasts=40 * MINUTE,
    applies_if=SUB,
    mutants=("polls-faster-once-subscribed",),
)  # fmt: skip
async def calm(stage: ClientStage) -> None:
    """Let nothing change for half an hour."""
    await settle(stage, "DERProgramList", "DERControlList")
    stage.mark("calm")
    await stage.sleep(30 * MINUTE)
    stage.mark("calm over")
    await prove(stage)
    await stage.sleep(MINUTE)


def _tries(transcript: Transcript) -> list[Message]:
    return requests(transcript, "POST", "SubscriptionList")


def _tried(at_least: int = 1) -> Observation:
    return Observation("tries to subscribe", at_least, lambda t: len(_tries(t)))


def _refused(number: int, code: int) -> Case:
    """The server does not take subscriptions, though it offers them."""

    @case(
        id=f"SEP2-CLI-SUB-{number:03}",
        title=f"Its subscriptions are answered by {code}: it polls",
        purpose="Exposes a client that waits for notifications of a subscription that it has not, or asks for ever.",
        requirements=(_REFUSED,),
        checks=(
            reaches_after("one", "published", requirement=_REFUSED, within=4 * MINUTE),
            posts_at_most("", 5, requirement=_REFUSED),
        ),
        observations=(_tried(), control_seen("one")),
        start=Start.FRESH,
        facts=_OFTEN,
        poll=2 * MINUTE,
        lasts=20 * MINUTE,
        applies_if=SUB,
        mutants=("takes-refused-for-made", "asks-again-and-again"),
    )
    async def script(stage: ClientStage) -> None:
        stage.utility.answer_always("POST SubscriptionList", status(code))
        await stage.until(lambda t: _tries(t) or None, 5 * MINUTE, "try to subscribe")
        await stage.sleep(5 * MINUTE)
        announce(stage, "one", limit(60), ahead=8 * MINUTE)
        stage.mark("published")
        await stage.sleep(12 * MINUTE)

    return script


@case(
    id="SEP2-CLI-SUB-027",
    title="The server fails for a while: it subscribes later, and polls meanwhile",
    purpose="Exposes a client that tries once to subscribe.",
    requirements=(_REFUSED, _OFFERED),
    checks=(
        subscribes_to("DERControlList", requirement=_OFFERED, after="works"),
        posts_at_most("", 15, requirement=_REFUSED, before="works"),
        reaches_after("one", "published", requirement=_REFUSED, within=4 * MINUTE),
    ),
    observations=(_tried(2), control_seen("one")),
    start=Start.FRESH,
    facts=_OFTEN,
    poll=2 * MINUTE,
    lasts=20 * MINUTE,
    applies_if=SUB,
    mutants=("gives-up-subscribing", "hammers-when-the-server-fails"),
)
async def failing(stage: ClientStage) -> None:
    """Answer subscriptions by 503 for five minutes."""
    stage.utility.answer_always("POST SubscriptionList", status(503))
    await stage.until(lambda t: _tries(t) or None, 5 * MINUTE, "try to subscribe")
    await stage.sleep(MINUTE)
    announce(stage, "one", limit(60), ahead=8 * MINUTE)
    stage.mark("published")
    await stage.sleep(4 * MINUTE)
    stage.utility.answer_always("POST SubscriptionList", None)
    stage.mark("works")
    await stage.sleep(7 * MINUTE)


@case(
    id="SEP2-CLI-SUB-029",
    title="A day later it renews its subscriptions, or looks for them",
    purpose="Exposes a client that subscribes once and never finds out that it is forgotten.",
    requirements=(_DAILY,),
    checks=(looks_for_subscriptions(requirement=_DAILY, after="settled"),),
    observations=(subscription_seen("DERControlList"),),
    maturity=Maturity.WATCHLIST,
    facts=(("subscribable", "yes"), ("walk_s", "3600"), ("post_s", "3600")),
    poll=4 * RARELY,
    lasts=_DAY,
    applies_if=SUB,
    modes=("der",),
    mutants=("never-renews",),
)
async def daily(stage: ClientStage) -> None:
    """Let a day go by."""
    await settle(stage, "DERControlList")
    stage.mark("settled")
    await stage.sleep(_DAY)


@case(
    id="SEP2-CLI-SUB-031",
    title="It wants to be told no more: it deletes its subscriptions, and polls",
    purpose="Exposes a client that leaves subscriptions behind, or goes on polling as though it had them.",
    requirements=(_ENDS,),
    checks=(
        unsubscribes(requirement=_ENDS, after="unsubscribed"),
        posts_at_most("", 0, requirement=_ENDS, after="unsubscribed"),
        asks_at_least("DERControlList", 3, requirement=_ENDS, after="unsubscribed"),
        reaches_after("one", "published", requirement=_ENDS, within=4 * MINUTE),
    ),
    observations=(subscription_seen("DERControlList"), control_seen("one")),
    facts=_OFTEN,
    poll=2 * MINUTE,
    lasts=20 * MINUTE,
    applies_if=f"{SUB} and CLI-UNSUBSCRIBE",
    needs=("unsubscribe",),
    mutants=("leaves-subscriptions-behind", "polls-rarely-for-ever"),
)
async def unsubscribed(stage: ClientStage) -> None:
    """Have it end its subscriptions."""
    await settle(stage, "DERControlList")
    await stage.driver.call("unsubscribe")
    stage.mark("unsubscribed")
    await stage.sleep(7 * MINUTE)
    announce(stage, "one", limit(60), ahead=8 * MINUTE)
    stage.mark("published")
    await stage.sleep(6 * MINUTE)


CASES = tuple(_refused(24 + place, code) for place, code in enumerate((400, 403, 404)))
