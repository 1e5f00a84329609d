"""Subscriptions of the suite's clients and what they were told by them, read out of the history."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from conformance.kit.case import Observation
from conformance.kit.sep2.message import Sep2Message
from conformance.kit.sep2.names import XSI
from conformance.kit.sep2.reading import path_of
from conformance.kit.sep2.shown import places
from conformance.kit.transcript import Message, Part, Side, Transcript
from conformance.kit.xml import Element

SOON: Final = timedelta(seconds=60)
"""Until a notification has come: a poll would have found as much by then."""
_TYPE: Final = f"{{{XSI}}}type"
_TAKEN: Final = range(200, 300)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscribed:
    """One subscription that the server took."""

    message: Message
    """The POST."""
    answer: Message
    resource: str
    """Path of what is subscribed to."""
    uri: str
    """Path of notificationURI."""
    limit: int
    location: str
    """Path of the subscription."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One notification."""

    message: Message
    answer: int
    """Status by which the suite answered; 0: none."""
    resource: str
    """Path of subscribedResource."""
    subscription: str
    """Path of subscriptionURI."""
    status: str
    uri: str
    """Path that it came to."""
    kind: str
    """xsi:type of what it brings, empty: a bare notice."""
    brings: Element | None

    @property
    def taken(self) -> bool:
        """Say whether the suite answered by success."""
        return self.answer in _TAKEN


def subscriptions(transcript: Transcript) -> list[Subscribed]:
    """Return what was subscribed to, oldest first."""
    found = []
    for exchange in transcript.exchanges(Side.SUITE):
        asked, answer = exchange.request, exchange.response
        fine = isinstance(answer, Sep2Message) and answer.status in _TAKEN
        if asked.method in ("POST", "PUT") and asked.name == "Subscription" and fine and answer:
            limit = asked.text("s:limit")
            found.append(
                Subscribed(
                    message=asked,
                    answer=answer,
                    resource=path_of(asked.text("s:subscribedResource")),
                    uri=path_of(asked.text("s:notificationURI")),
                    limit=int(limit) if limit.isdigit() else 0,
                    location=path_of(answer.header("Location") or asked.path),
                )
            )
    return found


def notices(transcript: Transcript, what: str = "", of: str = "") -> list[Notice]:
    """Return the notifications that came, oldest first.

    Args:
        transcript: Of the case.
        what: Name of the resource; empty: of any.
        of: Description of what links there, LFDI of its EndDevice; empty: of any.
    """
    where = places(transcript, what, of) if what else None
    found = []
    for message in transcript.messages:
        if message.sender is not Side.DEVICE or message.part is not Part.REQUEST:
            continue
        if message.name == "Notification" and not message.broken:
            one = _notice(transcript, message)
            if where is None or one.resource in where:
                found.append(one)
    return found


def _notice(transcript: Transcript, message: Message) -> Notice:
    answer = transcript.answer(message)
    brings = next(iter(message.elements("s:Resource")), None)
    return Notice(
        message=message,
        answer=answer.status if answer is not None else 0,
        resource=path_of(message.text("s:subscribedResource")),
        subscription=path_of(message.text("s:subscriptionURI")),
        status=message.text("s:status"),
        uri=path_of(message.path),
        kind="" if brings is None else brings.get(_TYPE, "").rpartition(":")[2],
        brings=brings,
    )


def after(transcript: Transcript, mark: str, rows: list[Notice]) -> list[Notice]:
    """Return the notifications that came after a mark."""
    here = transcript.mark(mark)
    return [] if here is None else [one for one in rows if one.message.number > here.number]


def notified(
    what: str, of: str = "", *, mark: str = "", times: int = 1, taken: bool = True
) -> Callable[[Transcript], Message | None]:
    """Wait until a client was told of a resource.

    Args:
        what: Name of the resource.
        of: Description of what links there, LFDI of its EndDevice.
        mark: After which it must come; empty: any.
        times: How often.
        taken: Only what the suite answered by success.
    """
    looked = 0

    def condition(transcript: Transcript) -> Message | None:
        nonlocal looked
        fresh, looked = transcript.messages[looked:], len(transcript.messages)
        if not any(m.sender is Side.SUITE or m.name == "Notification" for m in fresh):
            return None
        every = notices(transcript, what, of)
        found = after(transcript, mark, every) if mark else every
        rows = [one for one in found if one.taken or not taken]
        return rows[times - 1].message if len(rows) >= times else None

    return condition


def notice_seen(what: str, of: str = "", at_least: int = 1, *, mark: str = "") -> Observation:
    """Demand that a notification came, perhaps after a mark."""

    def count(transcript: Transcript) -> int:
        rows = notices(transcript, what, of)
        return len(after(transcript, mark, rows) if mark else rows)

    return Observation(f"notification of {what}{f' of {of}' if of else ''}", at_least, count)
