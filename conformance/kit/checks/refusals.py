"""Checks that a VEN refuses what it must: an event by its eventResponse, a distribution as a whole."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from conformance.kit.checks.events import ANSWERED, RIGHT_ANSWER, deliveries
from conformance.kit.finding import Check, Finding, wrong
from conformance.kit.oadr20b.conditions import event_answers
from conformance.kit.transcript import Message, Transcript

_WITHIN: Final = timedelta(minutes=2)
_REFUSED: Final = ("4", "5")
_CODE: Final = ".//ei:eiResponse/ei:responseCode"
_UNSUPPORTED: Final = "460"


def refuses_event(
    event_id: str, requirement: str, *, codes: tuple[str, ...] = ("4",), version: int | None = None
) -> Check:
    """Demand that the device refuses an event: an error code and optOut, or the whole message by an error code.

    Args:
        event_id: Of the event.
        requirement: Cited when it is taken, or refused by another code.
        codes: Allowed responseCodes; one digit stands for its whole class.
        version: modificationNumber; None: any.
    """

    def judge(transcript: Transcript) -> Iterator[Finding]:
        brought = deliveries(transcript, event_id, version)
        if not brought:
            return
        found = event_answers(transcript, event_id, version)
        whole = _refusals(transcript, brought[0])
        if not found and not whole:
            yield _unanswered(transcript, brought[0], f"a refusal of event {event_id}")
        for one in found:
            if not one.code.startswith(codes):
                text = " or ".join(codes)
                yield wrong(requirement, one.message, f"{one.path}/ei:responseCode", text, one.code)
            elif one.opt != "optOut":
                yield wrong(requirement, one.message, f"{one.path}/ei:optType", "optOut", one.opt)

    return Check(f"refuses event {event_id}", judge)


def refuses_distribution(why: str, requirement: str, *, codes: tuple[str, ...] = ("4",)) -> Check:
    """Demand that a distribution that the suite declared wrong is refused as a whole.

    Args:
        why: What the suite called it wrong for.
        requirement: Cited otherwise.
        codes: Allowed codes of the eiResponse; one digit stands for its whole class.
    """

    def judge(transcript: Transcript) -> Iterator[Finding]:
        brought = [m for m in transcript.delivered("oadrDistributeEvent") if m.wrong == why]
        for message in brought[:1]:
            found = _answers_to(transcript, message)
            if not found:
                yield _unanswered(transcript, message, "an eiResponse that refuses it", requirement)
            for one in found[:1]:
                if not one.code.startswith(codes):
                    yield wrong(requirement, one, _CODE, " or ".join(codes), one.code)
                for code in one.all(".//ei:eventResponse/ei:responseCode"):
                    if not code.startswith("4"):
                        path = ".//ei:eventResponse/ei:responseCode"
                        yield wrong(requirement, one, path, "none, or 4xx", code)

    return Check(f"refuses a distribution with {why}", judge)


def _answers_to(transcript: Transcript, brought: Message) -> list[Message]:
    found = [m for m in transcript.from_device() if m.number > brought.number]
    return [
        m
        for m in found
        if m.name == "oadrCreatedEvent" or (m.exchange == brought.number and m.code)
    ]


def _refusals(transcript: Transcript, brought: Message) -> list[Message]:
    """Return the answers that refuse a distribution by their own code."""
    return [m for m in _answers_to(transcript, brought) if m.code.startswith(_REFUSED)]


def _unanswered(
    transcript: Transcript, brought: Message, expected: str, requirement: str = ANSWERED
) -> Finding:
    until = brought.at + _WITHIN
    ended = transcript.ended_at or brought.at
    return Finding(
        requirement=requirement,
        message=brought.number,
        expected=expected,
        observed="none",
        late=True,
        healthy=transcript.carried(brought, until) and ended >= until,
    )


def takes_signal(event_id: str, requirement: str) -> Check:
    """Demand that an event is taken; "signal not supported" cites the row of the signal, all else rule 48."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        for one in event_answers(transcript, event_id):
            if one.code == _UNSUPPORTED:
                path = f"{one.path}/ei:responseCode"
                yield wrong(requirement, one.message, path, "200", one.code)
            elif (one.code, one.opt) != ("200", "optIn"):
                found = f"{one.code} {one.opt}"
                yield wrong(RIGHT_ANSWER, one.message, one.path, "200 optIn", found)

    return Check(f"takes the signal of event {event_id}", judge)


def ignores_distribution(why: str, requirement: str) -> Check:
    """Demand that no eventResponse is about a distribution that the suite declared wrong."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        brought = [m for m in transcript.delivered("oadrDistributeEvent") if m.wrong == why]
        ids = {m.text("pyld:requestID") for m in brought}
        for one in event_answers(transcript):
            if one.request_id in ids and one.code.startswith("2"):
                yield wrong(requirement, one.message, one.path, "no eventResponse", one.event_id)

    return Check(f"ignores a distribution with {why}", judge)


def sends_nothing(name: str, requirement: str, *, after_mark: str) -> Check:
    """Demand that the device sends no message of a name after a mark."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        mark = transcript.mark(after_mark)
        for message in transcript.from_device(name):
            if mark is not None and message.number > mark.number:
                yield wrong(requirement, message, "", f"no {name}", "one")

    return Check(f"sends no {name} after {after_mark}", judge)
