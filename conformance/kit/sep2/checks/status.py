"""Checks about documents that a client puts again and again: what DERStatus or DERSettings says after an instant."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from conformance.kit.finding import Check, Finding, wrong
from conformance.kit.sep2.reading import carried, puts
from conformance.kit.transcript import Mark, Message, Transcript

MODE: Final = "s:operationalModeStatus/s:value"
CONNECT: Final = "s:genConnectStatus/s:value"
SOON: Final = timedelta(seconds=90)
"""The post rate of the public procedures and half as much again."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an element must say."""

    what: str
    """For people."""
    fits: Callable[[str], bool]


def says(*values: str) -> Wanted:
    """Demand one of these texts."""
    return Wanted(" or ".join(values), lambda text: text in values)


def bit(number: int, *, on: bool) -> Wanted:
    """Demand that a bit of a bitmap is set, or clear."""

    def fits(text: str) -> bool:
        try:
            return bool(int(text, 16) >> number & 1) is on
        except ValueError:
            return False

    return Wanted(f"bit {number} {'set' if on else 'clear'}", fits)


def tells(
    name: str,
    path: str,
    wanted: Wanted,
    *,
    requirement: str,
    after: str,
    before: str = "",
    soon: timedelta = SOON,
) -> Check:
    """Demand that a document put soon after a mark says what is wanted, and none put later anything else.

    Args:
        name: Of the document.
        path: Of its element.
        wanted: See ``says`` and ``bit``.
        requirement: That is cited.
        after: Mark from which on.
        before: Mark until which it must stay so; empty: the end.
        soon: Time from the mark until it must be told.
    """

    def judge(transcript: Transcript) -> Iterator[Finding]:
        first, last = transcript.mark(after), transcript.mark(before) if before else None
        if first is None:
            return
        rows = [m for m in puts(transcript, name) if _between(m, first, last)]
        fits = [m for m in rows if wanted.fits(m.text(path))]
        if fits and fits[0].at - first.at <= soon:
            for message in rows[rows.index(fits[0]) :]:
                if not wanted.fits(message.text(path)):
                    yield wrong(requirement, message, path, wanted.what, message.text(path))
            return
        ended = last.at if last else transcript.ended_at
        if ended is None or ended - first.at < soon:
            return
        expected = f"{name} with {path} {wanted.what}, soon after {after}"
        yield _late(transcript, first, ended, (requirement, expected, path), rows)

    return Check(f"{name} tells {path} {wanted.what} after {after}", judge)


def _late(
    transcript: Transcript,
    first: Mark,
    ended: datetime,
    told: tuple[str, str, str],
    rows: list[Message],
) -> Finding:
    requirement, expected, path = told
    return Finding(
        requirement=requirement,
        expected=expected,
        observed=(rows[-1].text(path) or "no such element") if rows else "none",
        message=rows[-1].number if rows else first.number,
        path=path,
        late=True,
        healthy=carried(transcript, first.at, ended),
    )


def _between(message: Message, first: Mark, last: Mark | None) -> bool:
    return message.number > first.number and (last is None or message.number < last.number)


def holds(name: str, path: str, wanted: Wanted, *, requirement: str) -> Check:
    """Demand that every document of a name that is put says what is wanted."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        for message in puts(transcript, name):
            if not wanted.fits(message.text(path)):
                yield wrong(requirement, message, path, wanted.what, message.text(path) or "none")

    return Check(f"{name} holds {path} {wanted.what}", judge)
