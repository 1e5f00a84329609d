"""Checks about the walk: what is read, how often, and what follows from it."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from typing import Final

from conformance.kit.finding import Check, Finding, wrong
from conformance.kit.sep2.message import Sep2Message
from conformance.kit.sep2.reading import carried, mark_at, reads, requests
from conformance.kit.transcript import Message, Transcript, between

_SINGLY: Final = {"DERCurveList": "DERCurve"}
"""What a client may read in the place of a list: a control's link leads to its curve."""


def reads_all(*names: str, requirement: str, after: str = "") -> Check:
    """Demand that every one of these resources is read, perhaps after a mark."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        first = mark_at(transcript, after).number if after else 0
        for name in names:
            if not any(m.number > first for m in _brought(transcript, name)):
                yield _unread(transcript, name, requirement, first)

    return Check(f"reads {', '.join(names)}{f' after {after}' if after else ''}", judge)


def _brought(transcript: Transcript, name: str) -> Iterator[Message]:
    """Yield the reads of a resource, and the answers that brought what may be read in its place."""
    yield from reads(transcript, name)
    single = _SINGLY.get(name)
    for message in transcript.from_suite(single) if single else ():
        if isinstance(message, Sep2Message) and message.fine:
            yield message


def _unread(transcript: Transcript, name: str, requirement: str, after: int) -> Finding:
    rest = transcript.since(after)
    healthy = carried(rest, rest.began_at, rest.ended_at)
    return Finding(
        requirement=requirement,
        expected=f"GET of {name}",
        observed="none",
        late=True,
        healthy=healthy,
    )


def follows(mark: str, *, requirement: str) -> Check:
    """Demand that the address of a mark's ``location`` is asked for, once an answer has named it."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        begins = mark_at(transcript, mark)
        told = [
            m for m in transcript.from_suite() if m.header("Location") and m.number > begins.number
        ]
        if not told:
            return
        where = begins.values["location"]
        rest = [m for m in transcript.from_device() if m.number > told[0].number]
        if rest and not any(m.path == where for m in rest):
            yield wrong(requirement, rest[0], "path", where, rest[0].path)

    return Check(f"follows {mark}", judge)


def never_asks(*names: str, requirement: str, after: str, method: str = "GET") -> Check:
    """Refuse requests for these resources after a mark."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        mark = transcript.mark(after)
        if mark is None:
            return
        for message in requests(transcript, method, *names):
            if message.number > mark.number:
                yield wrong(requirement, message, "path", f"no {method} of it", message.path)

    return Check(f"never asks for {', '.join(names)} after {after}", judge)


def polls(
    name: str, every: timedelta, *, requirement: str, too_often: str, after: str = "case.prepared"
) -> Check:
    """Demand that a resource is read at its pollRate: no gap above half as much again, and never sooner.

    Args:
        name: Of the resource.
        every: pollRate.
        requirement: Cited for a gap.
        too_often: Cited for polls that come too soon: three within one interval and a half.
        after: Mark from which on.
    """

    def judge(transcript: Transcript) -> Iterator[Finding]:
        first = mark_at(transcript, after).number
        rows = [m for m in reads(transcript, name) if m.number > first]
        for earlier, later in pairwise(rows):
            gap = between(earlier, later)
            if gap > every * 1.5:
                yield wrong(
                    requirement, later, "time", f"a read every {every.total_seconds():g} s",
                    f"{gap.total_seconds():g} s", tolerance=every / 2, beyond=gap - every * 1.5,
                )  # fmt: skip
        for earlier, later in zip(rows, rows[2:], strict=False):
            if between(earlier, later) < every:
                told = f"three within {between(earlier, later).total_seconds():g} s"
                yield wrong(
                    too_often, later, "time", f"at most every {every.total_seconds():g} s", told
                )

    return Check(f"polls {name} every {every.total_seconds():g} s", judge)


def reads_every(name: str, count: int, *, requirement: str) -> Check:
    """Demand that so many different resources of a name are read."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        rows = reads(transcript, name)
        paths = {m.path.partition("?")[0] for m in rows}
        if rows and len(paths) < count:
            yield wrong(requirement, rows[-1], "path", f"{count} of {name} read", str(len(paths)))

    return Check(f"reads {count} of {name}", judge)


def waits(name: str, least: timedelta, mark: str, *, requirement: str) -> Check:
    """Demand that a resource is not asked for again before a time that the first answer after a mark has asked for."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        begins = mark_at(transcript, mark).number
        rows = [m for m in requests(transcript, "GET", name) if m.number > begins]
        if len(rows) > 1 and between(rows[0], rows[1]) < least:
            told = f"no request for {least.total_seconds():g} s"
            found = f"{between(rows[0], rows[1]).total_seconds():g} s"
            yield wrong(
                requirement, rows[1], "time", told, found, tolerance=least, beyond=least - between(rows[0], rows[1])
            )  # fmt: skip

    return Check(f"waits {least.total_seconds():g} s for {name}", judge)


def backs_off(name: str, most: int, mark: str, *, requirement: str) -> Check:
    """Demand that a resource that fails is not asked for more than so often between a mark and ``<mark> over``."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        begins, ends = mark_at(transcript, mark).number, mark_at(transcript, f"{mark} over").number
        rows = [m for m in requests(transcript, "GET", name) if begins < m.number < ends]
        if len(rows) > most:
            yield wrong(requirement, rows[most], "time", f"at most {most} tries", str(len(rows)))

    return Check(f"tries {name} at most {most} times during {mark}", judge)
