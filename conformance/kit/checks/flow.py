"""Checks of who says what after what: answers, orders of messages, silence, fields; for any service."""

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Final

from conformance.kit.finding import PATIENCE, Check, Finding, wrong
from conformance.kit.oadr20b.names import SERVICE_OF
from conformance.kit.transcript import Message, Part, Transcript

MINUTE: Final = timedelta(minutes=1)
_OK: Final = 200
RIGHT_PATH: Final = "REQ-OADR20B-8-1"
"""Every message is posted to the path of its service."""


def since(transcript: Transcript, mark: str) -> int | None:
    """Return the place of a mark in the history; 0 for none named, None when it was never set."""
    if not mark:
        return 0
    found = transcript.mark(mark)
    return None if found is None else found.number


def missing(
    transcript: Transcript, cause: Message, requirement: str, expected: str, within: timedelta
) -> Finding:
    """Make the finding about something that a message should have caused.

    The exchange that delivered it shows that the line carried: after e.g. a cancellation no other need come.
    """
    ended = transcript.ended_at or cause.at
    until = cause.at + within
    return Finding(
        requirement=requirement,
        message=cause.number,
        expected=f"{expected} within {within.total_seconds():g} s",
        observed="none",
        late=True,
        healthy=ended >= until and transcript.healthy(cause.at, until),
    )


def answers(
    name: str,
    by: str,
    *,
    requirement: str,
    codes: tuple[str, ...] = ("2",),
    wrong_ones: bool | None = None,
    after: str = "",
    within: timedelta = MINUTE,
) -> Check:
    """Demand one answer to each message of the suite that was delivered, with its requestID and a right code.

    Args:
        name: Of the suite's message, e.g. ``oadrCreateReport``.
        by: Of the answer; in pull mode it comes as a request of the device.
        requirement: Cited.
        codes: Allowed response codes; one digit stands for its class.
        wrong_ones: True: only messages that were wrong on purpose; False: only right ones; None: all.
        after: Mark from which on.
        within: Longest wait for an answer.
    """

    def judge(transcript: Transcript) -> Iterator[Finding]:
        start = since(transcript, after)
        for brought in transcript.delivered(name):
            if start is None or brought.number < start or wrong_ones not in (None, _is(brought)):
                continue
            found = answers_to(transcript, brought, by)
            if not found:
                yield missing(transcript, brought, requirement, by, within)
            for one in found:
                if not one.code.startswith(codes):
                    text = " or ".join(codes)
                    yield wrong(requirement, one, "ei:eiResponse/ei:responseCode", text, one.code)
            if len({m.sha256 for m in found}) > 1:
                yield wrong(requirement, found[1], "", f"one {by}", str(len(found)))

    return Check(f"answers {name} by {by}" + (f" after {after}" if after else ""), judge)


def _is(message: Message) -> bool:
    return bool(message.wrong)


def answers_to(transcript: Transcript, brought: Message, by: str) -> list[Message]:
    """Return the device's answers to a message of the suite: by exchange, or by requestID in pull mode."""
    reply = transcript.answer(brought) if brought.part is Part.REQUEST else None
    if reply is not None and reply.name == by:
        return [reply]
    wanted = brought.text("pyld:requestID")
    return [
        m
        for m in transcript.from_device(by)
        if m.number > brought.number and m.text("ei:eiResponse/pyld:requestID") == wanted
    ]


def sends(
    name: str,
    times: int = 1,
    *,
    requirement: str,
    after: str = "",
    until: str = "",
    where: tuple[str, str] = ("", ""),
    most: int | None = None,
) -> Check:
    """Demand that the device sends messages of a name, so many between two marks of the script.

    Args:
        name: Of the message.
        times: How many at the least.
        requirement: Cited.
        after: Mark from which on; empty: from the beginning.
        until: Mark up to which; empty: to the end.
        where: XPath and the text that it must hold; empty: any message of the name.
        most: How many at the most; None: as many as at the least.
    """
    path, value = where

    def judge(transcript: Transcript) -> Iterator[Finding]:
        start, end = since(transcript, after), since(transcript, until)
        if start is None or (until and end is None):
            return
        found = [
            m
            for m in fresh(transcript, name)
            if start < m.number and (not until or m.number < (end or 0))
            if not path or value in m.all(path)
        ]
        limit = times if most is None else most
        if len(found) > limit:
            yield _too_many(requirement, found, path, f"at most {limit} {name}", limit)
        elif len(found) < times:
            yield Finding(
                requirement=requirement,
                message=found[-1].number if found else None,
                path=path,
                expected=f"{times} {name}" + (f" with {value}" if value else ""),
                observed=str(len(found)),
                late=True,
                healthy=bool(transcript.from_device()),
            )

    return Check(
        f"sends {times} {name} {value}".strip() + (f" after {after}" if after else ""), judge
    )


def _too_many(
    requirement: str, found: Sequence[Message], path: str, text: str, limit: int
) -> Finding:
    return wrong(requirement, found[limit], path, text, str(len(found)), tolerance=PATIENCE)


def fresh(transcript: Transcript, name: str) -> list[Message]:
    """Return the device's messages of a name, each once: what was only sent again counts once."""
    seen: set[str] = set()
    found = []
    for message in transcript.from_device(name):
        if message.sha256 not in seen or name == "oadrPoll":
            seen.add(message.sha256)
            found.append(message)
    return found


def never(
    names: Sequence[str], *, requirement: str, after: str, until: str = "", what: str = ""
) -> Check:
    """Demand that the device sends none of these messages between two marks."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        start, end = since(transcript, after), since(transcript, until)
        if start is None:
            return
        for message in transcript.from_device():
            inside = start < message.number and (not until or end is None or message.number < end)
            if inside and message.name in names:
                text = what or f"no {message.name} after {after}"
                yield wrong(requirement, message, "", text, message.name)

    return Check(f"sends none of {', '.join(names)} after {after}", judge)


def accepts(name: str, *, requirement: str) -> Check:
    """Demand 200 for each push of a name that was right; in pull mode nothing is pushed."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        for pushed in transcript.from_suite(name):
            answer = transcript.answer(pushed) if pushed.part is Part.REQUEST else None
            if answer is not None and answer.status != _OK and not pushed.wrong:
                yield wrong(requirement, answer, "status", "200", str(answer.status))

    return Check(f"accepts {name}", judge)


Wanted = str | Callable[[Transcript, Message], str]


def field(
    name: str, path: str, expected: Wanted, *, requirement: str, after: str = "", last: bool = False
) -> Check:
    """Demand a text in the device's messages of a name.

    Args:
        name: Of the messages.
        path: XPath below them.
        expected: Text, empty for none; or what makes it of the history and the message.
        requirement: Cited.
        after: Mark from which on.
        last: True: only in the last of them.
    """

    def judge(transcript: Transcript) -> Iterator[Finding]:
        start = since(transcript, after)
        if start is None:
            return
        found = [m for m in transcript.from_device(name) if m.number > start]
        for message in found[-1:] if last else found:
            wanted = expected if isinstance(expected, str) else expected(transcript, message)
            text = message.text(path)
            if text != wanted:
                yield wrong(requirement, message, path, wanted or "none", text or "none")

    return Check(f"{name} {path} is right" + (f" after {after}" if after else ""), judge)


def on_right_path() -> Check:
    """Demand that every message is posted to the path of its service."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        for message in transcript.from_device():
            wanted = SERVICE_OF.get(message.name)
            if message.part is Part.REQUEST and wanted is not None and message.service != wanted:
                yield wrong(RIGHT_PATH, message, "path", wanted, message.service)

    return Check("posts to the path of the service", judge)
