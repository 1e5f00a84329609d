"""Checks of the answers to events (2.0b sections 8.2 and 8.2.2; digest 5.2)."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final

from conformance.kit.finding import Check, Finding, wrong
from conformance.kit.oadr20b.conditions import EventAnswer, event_answers
from conformance.kit.transcript import Message, Transcript

ANSWERED: Final = "REQ-OADR20B-R12-1"
"""Every event with oadrResponseRequired ``always`` is answered in every delivery."""
NEVER: Final = "REQ-OADR20B-R12-2"
"""None with ``never`` is."""
RIGHT_ANSWER: Final = "REQ-OADR20B-R48-1"
"""Code and optType say what became of the event."""
REPEATED_ID: Final = "REQ-OADR20B-R42-1"
"""requestID of the eventResponse is that of the distribution."""
_EVENT_ID: Final = ".//ei:eventDescriptor/ei:eventID"


def deliveries(transcript: Transcript, event_id: str, version: int | None = None) -> list[Message]:
    """Return the distributions that brought an event to the device whole."""
    found = transcript.delivered("oadrDistributeEvent", _EVENT_ID, event_id)
    return [m for m in found if version is None or version_in(m, event_id) == version]


def version_in(message: Message, event_id: str) -> int | None:
    """Return the modificationNumber of an event in a distribution."""
    path = f".//ei:eventDescriptor[ei:eventID='{event_id}']/ei:modificationNumber"
    text = message.text(path)
    return int(text) if text.isdigit() else None


def answers_event(
    event_id: str,
    *,
    opt: str = "optIn",
    codes: tuple[str, ...] = ("200",),
    version: int | None = None,
    within: timedelta = timedelta(minutes=2),
    requirement: str = RIGHT_ANSWER,
    missing: str = ANSWERED,
) -> Check:
    """Demand that the device answers an event in time, with a certain opt and code.

    Args:
        event_id: Of the event.
        opt: ``optIn``, ``optOut``, or empty: either.
        codes: Allowed responseCodes; a code of one digit stands for its whole class, ``4`` for 4xx.
        version: modificationNumber; None: any.
        within: From the first delivery.
        requirement: Cited when opt or code differ.
        missing: Cited when no answer comes.
    """

    def judge(transcript: Transcript) -> Iterator[Finding]:
        brought = deliveries(transcript, event_id, version)
        if not brought:
            return
        found = event_answers(transcript, event_id, version)
        if not found or found[0].message.at - brought[0].at > within:
            late = _late(transcript, brought[0], event_id, within, found)
            yield replace(late, requirement=missing)
        for one in found:
            if not one.code.startswith(codes):
                text = " or ".join(codes)
                yield wrong(requirement, one.message, f"{one.path}/ei:responseCode", text, one.code)
            elif opt and one.opt != opt:
                yield wrong(requirement, one.message, f"{one.path}/ei:optType", opt, one.opt)

    return Check(f"answers event {event_id}" + ("" if version is None else f" v{version}"), judge)


def taken(event_id: str, requirement: str, version: int | None = None) -> tuple[Check, Check]:
    """Demand that an event is taken; what refuses it violates a rule of its own beside rule 48."""
    return (
        answers_event(event_id, version=version, requirement=requirement),
        answers_event(event_id, version=version),
    )


def answers_each(event_ids: Sequence[str], requirement: str) -> Check:
    """Demand that each of many events is taken."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        said = {a.event_id for a in event_answers(transcript) if a.code == "200"}
        missing = [name for name in event_ids if name not in said]
        brought = deliveries(transcript, event_ids[0])
        if brought and missing and _time_enough(transcript, brought[0]):
            yield Finding(
                requirement=requirement,
                message=brought[0].number,
                expected=f"answers of 200 to {len(event_ids)} events",
                observed=f"none to {len(missing)}, the first {missing[0]}",
                late=True,
                healthy=transcript.carried(brought[0], transcript.ended_at or brought[0].at),
            )

    return Check(f"answers each of {len(event_ids)} events", judge)


def qualifies_event(event_id: str, version: int, opt: str, *, requirement: str) -> Check:
    """Demand that an oadrCreateOpt names an event by its id and newest version, with the opt that was asked for."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        for message in transcript.from_device("oadrCreateOpt"):
            wanted = (
                ("ei:qualifiedEventID/ei:eventID", event_id),
                ("ei:qualifiedEventID/ei:modificationNumber", str(version)),
                ("ei:optType", opt),
            )
            for path, value in wanted:
                if message.text(path) != value:
                    yield wrong(requirement, message, path, value, message.text(path) or "none")

    return Check(f"qualifies event {event_id} v{version} by {opt}", judge)


def _late(
    transcript: Transcript,
    brought: Message,
    event_id: str,
    within: timedelta,
    found: list[EventAnswer],
) -> Finding:
    ended = transcript.ended_at or brought.at
    until = brought.at + within
    return Finding(
        requirement=ANSWERED,
        expected=f"an answer to event {event_id} within {within.total_seconds():g} s",
        observed="one that came later" if found else "none",
        message=found[0].message.number if found else brought.number,
        late=True,
        healthy=transcript.carried(brought, until) and (ended >= until or bool(found)),
        tolerance_s=within.total_seconds(),
    )


def answers_every_delivery(event_id: str, *, requirement: str = ANSWERED) -> Check:
    """Demand one answer for each delivery of an event that asks for one (rules 12 and 62)."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        for brought in deliveries(transcript, event_id):
            request_id = brought.text("pyld:requestID")
            answers = [a for a in event_answers(transcript, event_id) if a.request_id == request_id]
            if len(answers) != 1 and _time_enough(transcript, brought):
                yield Finding(
                    requirement=requirement,
                    message=brought.number,
                    path="pyld:requestID",
                    expected=f"one answer to event {event_id} with requestID {request_id}",
                    observed=str(len(answers)),
                    late=not answers,
                    healthy=transcript.since(brought.number).healthy(
                        brought.at, transcript.ended_at or brought.at
                    ),
                )

    return Check(f"answers every delivery of {event_id}", judge)


def _time_enough(transcript: Transcript, brought: Message) -> bool:
    ended = transcript.ended_at
    return ended is not None and ended - brought.at >= timedelta(seconds=30)


def never_answers(event_id: str, *, requirement: str = NEVER) -> Check:
    """Demand that the device does not answer an event."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        for one in event_answers(transcript, event_id):
            yield wrong(
                requirement,
                one.message,
                one.path,
                f"no eventResponse for {event_id}",
                f"{one.opt} {one.code}",
            )

    return Check(f"never answers event {event_id}", judge)


def says_later(event_id: str, opt: str, requirement: str, *, after_mark: str) -> Check:
    """Demand that the device says an opt of an event by an oadrCreatedEvent after a mark, and no other one."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        mark = transcript.mark(after_mark)
        if mark is None:
            return
        found = [a for a in event_answers(transcript, event_id) if a.message.number > mark.number]
        for one in found:
            if (one.opt, one.code) != (opt, "200"):
                said = f"{one.opt} {one.code}"
                yield wrong(requirement, one.message, one.path, f"{opt} 200", said)
        if not found:
            until = transcript.ended_at or mark.at
            yield Finding(
                requirement=requirement,
                message=mark.number,
                expected=f"an oadrCreatedEvent that says {opt} of event {event_id}",
                observed="none",
                late=True,
                healthy=transcript.healthy(mark.at, until),
            )

    return Check(f"says {opt} of event {event_id} after {after_mark}", judge)


def silent_about(event_id: str, requirement: str, *, after_mark: str) -> Check:
    """Demand that no oadrCreatedEvent after a mark speaks of an event."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        mark = transcript.mark(after_mark)
        for one in event_answers(transcript, event_id):
            if mark is not None and one.message.number > mark.number:
                said = f"{one.opt} {one.code}"
                yield wrong(requirement, one.message, one.path, "no eventResponse", said)

    return Check(f"silent about event {event_id} after {after_mark}", judge)


def repeats_request_id() -> Check:
    """Demand that each eventResponse names the requestID of a distribution that brought its event (rule 42)."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        for one in event_answers(transcript):
            known = {
                m.text("pyld:requestID")
                for m in deliveries(transcript, one.event_id)
                if m.number < one.message.number
            }
            if known and one.request_id not in known:
                text = " or ".join(sorted(known))
                yield wrong(
                    REPEATED_ID, one.message, f"{one.path}/pyld:requestID", text, one.request_id
                )

    return Check("repeats the requestID of the distribution", judge)
