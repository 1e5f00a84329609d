"""The named points of the main job: the instants between which a crash makes a difference.

    <step>.begun | ran | committed | told     a transaction: open, written, durable, its callers woken
    door.<kind>                               a session has thought about what came; nothing of it is stored
    push.<service>.before | after             a request of the utility: read; decided, stored, and not yet answered
    send.<service>.before | after             a request to the utility, around the network
    timer.<kind>.begun | ran                  one due timer, inside its transaction
    intake.counted, timers.counted            an attempt is counted, the work not begun
    settle.read | computed                    a settlement, outside of any transaction
    stream.<kind>.before | written            a document on a site's open stream
    webhook.<kind>.before | after             a document on its way to an endpoint, around the network
    answer.<operation>.before                 an answer to a site, decided and not yet written

A process tells the points that it passes to its ``Watch``. The earnest one does nothing; the crash runs of the suite
end the process there, each point in turn. ``all_points`` names every one: a name that is told and does not stand there,
or stands there and is never told, fails a test.
"""

from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from typing import Final

Watch = Callable[[str], None]
"""Is told each point as it is passed, on whatever thread passes it."""


def unwatched(_: str) -> None:
    """Look away."""


class Step(StrEnum):
    """What a transaction is for; every write of the gateway names its step."""

    OPENING = "opening"
    """The store learns who it is."""
    AGREE = "agree"
    """Keys and terms are written down at start."""
    HEAD = "head"
    """A signed head goes into the evidence log."""
    TOKEN = "token"  # noqa: S105 - the name of a step
    """A credential is stored."""
    INTAKE = "intake"
    """Events come in."""
    CANCEL = "cancel"
    """Events are taken back, and nothing new comes in; goes on while the disk is full."""
    SESSION = "session"
    """A session has moved on, without events or answers."""
    TAKEN = "taken"
    """A session has made an answer its own."""
    ACK = "ack"
    COMMITMENT = "commitment"
    REJECTION = "rejection"
    PROGRESS = "progress"
    COMPLETION = "completion"
    TELEMETRY = "telemetry"
    HEARTBEAT = "heartbeat"
    TIMERS = "timers"
    """What is due is done."""
    SET_ASIDE = "set_aside"
    """What cannot be done is kept for the operator and no longer tried."""
    SETTLE = "settle"
    DELIVERY_SETTLED = "delivery_settled"
    """Documents leave an endpoint's line: too late, or superseded."""
    DELIVERY_ASKED = "delivery_asked"
    """An endpoint is asked whether it wants deliveries."""
    DELIVERY_BEGUN = "delivery_begun"
    """An attempt is about to be made."""
    DELIVERY_ENDED = "delivery_ended"
    """An attempt was made."""
    DELIVERY_AGAIN = "delivery_again"
    """Somebody wants a document once more."""
    RULING = "ruling"
    """The operator decides by hand."""
    SCHEDULING = "scheduling"
    """The operator says ahead when sites take part."""
    OTHER = "other"
    """No part of the main job."""


WEBHOOK: Final = frozenset(
    {
        Step.DELIVERY_SETTLED,
        Step.DELIVERY_ASKED,
        Step.DELIVERY_BEGUN,
        Step.DELIVERY_ENDED,
        Step.DELIVERY_AGAIN,
    }
)
"""Steps of the webhooks, which have crash runs of their own."""
BESIDE: Final = WEBHOOK | {Step.RULING, Step.SCHEDULING, Step.OTHER}
"""Steps that the story of the crash runs does not play."""
PHASES: Final = ("begun", "ran", "committed", "told")
"""Of a transaction, in order."""
DOORS: Final = ("time", "message", "failure", "readings", "decision")
"""What a session is woken by."""
SERVICES: Final = ("EiRegisterParty", "EiEvent", "EiReport", "OadrPoll")
"""What a session of OpenADR 2.0b sends to."""
SEP2_SERVICES: Final = (
    "get",
    "response",
    "mirror",
    "reading",
    "capability",
    "settings",
    "status",
    "information",
    "power",
)
"""What a session of IEEE 2030.5 that polls sends in the story of the crash runs."""
PUSHED: Final = ("EiRegisterParty", "EiEvent", "EiReport")
"""What a utility sends to, in push mode."""
TIMERS: Final = ("opt_deadline", "phase", "settle")
"""Kinds of timer."""
DOCUMENTS: Final = ("intent", "plan", "reset")
"""What a site's stream carries."""
OPERATIONS: Final = (
    "list_intents",
    "read_plan",
    "post_ack",
    "post_commitment",
    "post_rejection",
    "post_progress",
    "post_completion",
    "post_telemetry",
    "post_heartbeat",
)
"""Answers to a site that the main job hangs on."""


def webhook_points() -> tuple[str, ...]:
    """Return the name of every point of a delivery to a site's own endpoint, tried by runs of their own."""
    steps = [step for step in Step if step in WEBHOOK]
    documents = [
        f"webhook.{kind}.{side}" for kind in ("intent", "plan") for side in ("before", "after")
    ]
    return (*(f"{step}.{phase}" for step in steps for phase in PHASES), *documents)


def push_points() -> tuple[str, ...]:
    """Return the name of every point of a request of the utility's own, tried by runs of their own."""
    exchanges = [f"push.{service}.{side}" for service in PUSHED for side in ("before", "after")]
    return ("door.push", *exchanges)


def order_points() -> tuple[str, ...]:
    """Return the name of every point of an operator's order about a registration, tried by runs of their own."""
    return ("door.order",)


def all_points() -> tuple[str, ...]:
    """Return the name of every point at which a crash is tried, with a utility of OpenADR 2.0b."""
    return tuple(_points(SERVICES))


def sep2_points() -> tuple[str, ...]:
    """Return the name of every point at which a crash is tried, with a utility of IEEE 2030.5."""
    return tuple(_points(SEP2_SERVICES))


def _points(services: Sequence[str]) -> Iterator[str]:
    for step in Step:
        if step not in BESIDE:
            yield from (f"{step}.{phase}" for phase in PHASES)
    yield from (f"door.{kind}" for kind in DOORS)
    for service in services:
        yield from (f"send.{service}.before", f"send.{service}.after")
    for kind in TIMERS:
        yield from (f"timer.{kind}.begun", f"timer.{kind}.ran")
    yield from ("intake.counted", "timers.counted", "settle.read", "settle.computed")
    for document in DOCUMENTS:
        yield from (f"stream.{document}.before", f"stream.{document}.written")
    yield from (f"answer.{operation}.before" for operation in OPERATIONS)
