"""Checks about whole messages: that one is sent in time, so often, never, or answered by a certain code."""

from collections.abc import Iterator
from datetime import timedelta

from conformance.kit.finding import PATIENCE, Check, Finding, wrong
from conformance.kit.transcript import Message, Part, Transcript


def _tail(transcript: Transcript, after_mark: str) -> Transcript:
    mark = transcript.mark(after_mark) if after_mark else None
    return transcript if mark is None else transcript.since(mark.number)


def never_sends(
    name: str, *, requirement: str, after_mark: str = "", before_mark: str = ""
) -> Check:
    """Demand that the device sends no message of a name, perhaps from a mark on, or up to one."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        if after_mark and transcript.mark(after_mark) is None:
            return
        end = transcript.mark(before_mark) if before_mark else None
        for message in _tail(transcript, after_mark).from_device(name):
            if end is None or message.number < end.number:
                yield wrong(requirement, message, "", f"no {name}", "one")

    return Check(f"never sends {name}", judge)


def sends(
    name: str,
    *,
    requirement: str,
    within: timedelta,
    after_mark: str,
    times: int = 1,
) -> Check:
    """Demand that the device sends a message of a name so often within a time from a mark on."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        mark = transcript.mark(after_mark)
        if mark is None:
            return
        until = mark.at + within
        found = [m for m in transcript.since(mark.number).from_device(name) if m.at <= until]
        ended = transcript.ended_at or mark.at
        if len(found) < times:
            yield Finding(
                requirement=requirement,
                message=mark.number,
                expected=f"{times} {name} within {within.total_seconds():g} s",
                observed=str(len(found)),
                late=True,
                healthy=ended >= until and transcript.since(mark.number).healthy(mark.at, until),
            )

    return Check(f"sends {name} in time", judge)


def sends_at_most(name: str, times: int, *, requirement: str, after_mark: str = "") -> Check:
    """Demand that the device sends a message of a name no more than so often."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        found = _tail(transcript, after_mark).from_device(name)
        for message in found[times:]:
            text = f"at most {times} {name}"
            yield wrong(requirement, message, "", text, str(len(found)), tolerance=PATIENCE)

    return Check(f"sends {name} at most {times} times", judge)


def answers(
    request: str, answer: str, *, requirement: str, codes: tuple[str, ...] = ("200",)
) -> Check:
    """Demand that the device answers the suite's requests of a name by a message of a name and a code.

    The answer is the HTTP response (push, or a device that is a server), or else the message that a VEN posts next.
    """

    def judge(transcript: Transcript) -> Iterator[Finding]:
        for asked in transcript.delivered(request):
            found = _answer(transcript, asked, answer)
            if found is None:
                ended = transcript.ended_at or asked.at
                yield Finding(
                    requirement=requirement,
                    message=asked.number,
                    expected=answer,
                    observed="none",
                    late=True,
                    healthy=transcript.since(asked.number).healthy(asked.at, ended),
                )
            elif not found.code.startswith(codes):
                path = "ei:eiResponse/ei:responseCode"
                yield wrong(requirement, found, path, " or ".join(codes), found.code)

    return Check(f"answers {request} by {answer}", judge)


def _answer(transcript: Transcript, asked: Message, name: str) -> Message | None:
    if asked.part is Part.REQUEST:
        found = transcript.answer(asked)
        if found is not None and found.name == name:
            return found
    later = (m for m in transcript.from_device(name) if m.number > asked.number)
    return next(later, None)


def answers_with(
    request: str, names: tuple[str, ...], *, requirement: str = "RULE-2B-001"
) -> Check:
    """Demand that a device that is a server answers the suite's requests of a name by one of these messages."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        for asked in transcript.from_suite(request):
            found = transcript.answer(asked)
            if asked.part is Part.REQUEST and found is not None and found.name not in names:
                text = " or ".join(names)
                yield wrong(requirement, found, "", text, found.name or found.start)

    return Check(f"answers {request} by {' or '.join(names)}", judge)
