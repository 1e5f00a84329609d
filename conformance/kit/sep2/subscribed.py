"""What a check reads about subscriptions: those that the client made, what the suite notified, how it was answered."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from conformance.kit.case import Observation
from conformance.kit.sep2.acts import MINUTE
from conformance.kit.sep2.reading import known_paths, path_of, went_well
from conformance.kit.sep2.utility import ClientStage
from conformance.kit.transcript import Mark, Message, Part, Side, Transcript
from conformance.kit.xml import parse

NOTICE = "suite.notice"
"""Mark of a notice that a script ordered."""
OFFERS = ("1", "3")


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscribed:
    """One Subscription that the client posted."""

    message: Message
    resource: str
    """Path of what it is to."""
    name: str
    """Its name, as it was served; empty: no link led there."""
    accepted: bool
    location: str
    """Path of the subscription, where it was accepted."""


def subscriptions(transcript: Transcript, *names: str) -> list[Subscribed]:
    """Return the Subscriptions that the client posted, taken or not, to resources of these names or to any."""
    known = known_paths(transcript)
    found = []
    for message in transcript.from_device("Subscription"):
        if message.method == "POST":
            resource = path_of(message.text("s:subscribedResource"))
            answer = transcript.answer(message)
            name = known.get(resource, "")
            accepted = went_well(transcript, message)
            where = path_of(answer.header("Location")) if answer is not None and accepted else ""
            if not names or name in names:
                found.append(
                    Subscribed(
                        message=message, resource=resource, name=name, accepted=accepted, location=where
                    )
                )  # fmt: skip
    return found


def offered(transcript: Transcript, before: int) -> set[str]:
    """Return the paths of what was served as subscribable until a place in the history."""
    found: set[str] = set()
    for message in transcript.messages:
        if message.number >= before:
            break
        if message.sender is Side.SUITE and message.part is Part.RESPONSE and message.body:
            root = parse(message.plain).root
            for element in () if root is None else root.iter("{*}*"):
                if element.get("href") and element.get("subscribable") in OFFERS:
                    found.add(path_of(str(element.get("href"))))
    return found


def told(transcript: Transcript, notice: str = "") -> Iterator[tuple[Message, Message | None]]:
    """Yield what the suite notified, with the answers.

    Args:
        transcript: Of the case.
        notice: Name of one that the script ordered; empty: every one that is right.
    """
    ordered = {m.values["request"]: m.values["notice"] for m in transcript.all_marks(NOTICE)}
    for message in transcript.messages:
        if message.part is not Part.REQUEST or message.sender is not Side.SUITE:
            continue
        if ordered.get(str(message.number), "") == notice if notice else not message.wrong:
            yield message, transcript.answer(message)


def notice_mark(transcript: Transcript, notice: str) -> Mark | None:
    """Return the mark of a notice that the script ordered."""
    rows = transcript.all_marks(NOTICE)
    return next((m for m in rows if m.values["notice"] == notice), None)


# --- what scripts wait for


def subscribed(*names: str, times: int = 1) -> Callable[[Transcript], Message | None]:
    """Wait until the client has subscribed to resources of every one of these names, each so often."""

    def condition(transcript: Transcript) -> Message | None:
        rows = [row for row in subscriptions(transcript) if row.accepted]
        counts = {name: len({r.resource for r in rows if r.name == name}) for name in names}
        return rows[-1].message if rows and all(n >= times for n in counts.values()) else None

    return condition


def notified(*names: str, times: int = 1, after: int = 0) -> Callable[[Transcript], Message | None]:
    """Wait until the client has answered notifications, of the resources of these names or of any."""

    def condition(transcript: Transcript) -> Message | None:
        known = known_paths(transcript)
        rows = [
            answer
            for message, answer in told(transcript)
            if answer is not None
            and message.number > after
            and (not names or known.get(path_of(message.text("s:subscribedResource"))) in names)
        ]
        return rows[times - 1] if len(rows) >= times else None

    return condition


async def settle(stage: ClientStage, *names: str, times: int = 1) -> None:
    """Wait until the client has subscribed to resources of these names."""
    told = " and ".join(names)
    await stage.until(subscribed(*names, times=times), 5 * MINUTE, f"subscribe to {told}")
    await stage.sleep(MINUTE / 2)


# --- minimum observations


def subscription_seen(name: str = "", at_least: int = 1) -> Observation:
    """Demand that the client subscribed."""
    names = (name,) if name else ()
    return Observation(
        f"subscription to {name or 'a resource'}",
        at_least,
        lambda t: sum(1 for row in subscriptions(t, *names) if row.accepted),
    )


def notification_seen(at_least: int = 1) -> Observation:
    """Demand that right notifications were answered, in whatever way."""
    return Observation(
        "notification answered", at_least, lambda t: sum(1 for _, a in told(t) if a is not None)
    )


def notice_seen(name: str) -> Observation:
    """Demand that a notice was sent, answered or not."""
    return Observation(
        f"notice {name} sent", 1, lambda t: 1 if notice_mark(t, name) is not None else 0
    )
