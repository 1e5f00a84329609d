"""Checks about subscriptions: what is subscribed to and how, what is polled beside them, when they end."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit

from conformance.kit.finding import Check, Finding, wrong
from conformance.kit.sep2.reading import mark_at, path_of, reads, requests
from conformance.kit.sep2.subscribed import offered, subscriptions
from conformance.kit.transcript import Message, Part, Transcript, between

_FINE: Final = range(200, 300)
_LEVEL: Final = re.compile(r"[+-]S[12]")


def well_formed(*, requirement: str) -> Check:
    """Demand Subscriptions in XML, of a known level, to an absolute https address."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        for row in subscriptions(transcript):
            message = row.message
            encoding, level = message.text("s:encoding"), message.text("s:level")
            uri = message.text("s:notificationURI")
            if encoding != "0":
                yield wrong(requirement, message, "s:encoding", "0 (XML)", encoding or "none")
            if not _LEVEL.fullmatch(level):
                yield wrong(requirement, message, "s:level", "+S1 or the like", level or "none")
            if not _is_absolute(uri):
                told = "an absolute https address"
                yield wrong(requirement, message, "s:notificationURI", told, uri or "none")

    return Check("subscriptions are well formed", judge)


def _is_absolute(text: str) -> bool:
    parts = urlsplit(text)
    return parts.scheme == "https" and bool(parts.hostname)


def only_offered(*, requirement: str) -> Check:
    """Refuse subscriptions to what was not served as subscribable."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        for row in subscriptions(transcript):
            if row.resource not in offered(transcript, row.message.number):
                yield wrong(
                    requirement, row.message, "s:subscribedResource", "a subscribable resource", row.resource
                )  # fmt: skip

    return Check("subscribes to what is subscribable alone", judge)


def subscribes_to(name: str, count: int = 1, *, requirement: str, after: str = "") -> Check:
    """Demand subscriptions to so many resources of a name, perhaps after a mark."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        first = mark_at(transcript, after).number if after else 0
        rows = [
            r for r in subscriptions(transcript, name) if r.accepted and r.message.number > first
        ]
        found = len({row.resource for row in rows})
        if found < count:
            yield Finding(
                requirement=requirement,
                expected=f"subscriptions to {count} of {name}",
                observed=str(found),
                late=True,
                healthy=alive(transcript, first),
            )

    return Check(f"subscribes to {count} of {name}{f' after {after}' if after else ''}", judge)


def alive(transcript: Transcript, since: int) -> bool:
    """Say whether anything was exchanged well from a place in the history on, in either direction."""
    return any(
        found.response is not None
        and found.response.status in _FINE
        and not (found.response.fault or found.response.broken)
        for found in transcript.exchanges()
        if found.request.number >= since
    )


def no_more_than(
    name: str, every: timedelta, *, after: str, before: str, requirement: str
) -> Check:
    """Refuse that a resource is read sooner than its pollRate between two marks, in which nothing is notified."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        first, last = mark_at(transcript, after).number, mark_at(transcript, before).number
        rows = [m for m in reads(transcript, name) if first < m.number < last]
        by_path: dict[str, list[Message]] = {}
        for message in rows:
            by_path.setdefault(message.path.partition("?")[0], []).append(message)
        for found in by_path.values():
            for earlier, later in zip(found, found[2:], strict=False):
                if between(earlier, later) < every:
                    shown = f"three within {between(earlier, later).total_seconds():g} s"
                    yield wrong(
                        requirement,
                        later,
                        "time",
                        f"at most every {every.total_seconds():g} s",
                        shown,
                    )

    return Check(
        f"reads {name} no sooner than every {every.total_seconds():g} s after {after}", judge
    )


def posts_at_most(
    name: str, most: int, *, requirement: str, after: str = "", before: str = ""
) -> Check:
    """Refuse more than so many Subscriptions to any one resource, of a name if there is one, perhaps after a mark."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        if after and transcript.mark(after) is None:  # the script did not come so far
            return
        first = mark_at(transcript, after).number if after else 0
        end = transcript.mark(before) if before else None
        by_path: dict[str, list[Message]] = {}
        for row in subscriptions(transcript, *((name,) if name else ())):
            if row.message.number > first and (end is None or row.message.number < end.number):
                by_path.setdefault(row.resource, []).append(row.message)
        for rows in by_path.values():
            if len(rows) > most:
                told_ = f"at most {most} of them{f' after {after}' if after else ''}"
                yield wrong(requirement, rows[most], "method", told_, str(len(rows)))

    return Check(
        f"posts at most {most} subscriptions to one {name}{f' after {after}' if after else ''}",
        judge,
    )


def asks_at_least(
    name: str, times: int, *, requirement: str, after: str, before: str = ""
) -> Check:
    """Demand that a resource is polled at least so often after a mark, perhaps before another."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        first = mark_at(transcript, after).number
        end = transcript.mark(before) if before else None
        rows = [
            m for m in reads(transcript, name) if m.number > first and (end is None or m.number < end.number)
        ]  # fmt: skip
        if len(rows) < times:
            yield Finding(
                requirement=requirement,
                expected=f"{name} read {times} times after {after}",
                observed=str(len(rows)),
                late=True,
                healthy=alive(transcript, first),
            )

    return Check(f"reads {name} {times} times after {after}", judge)


def looks_for_subscriptions(*, requirement: str, after: str) -> Check:
    """Demand that after a mark the client asks whether its subscriptions are there, or makes them again."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        first = mark_at(transcript, after).number
        places = {row.location for row in subscriptions(transcript) if row.location}
        asked = [m for m in requests(transcript, "GET", "SubscriptionList") if m.number > first]
        asked += [m for m in requests(transcript, "POST", "SubscriptionList") if m.number > first]
        asked += [
            m
            for m in transcript.from_device()
            if m.part is Part.REQUEST and m.number > first and path_of(m.path) in places
        ]
        if not asked:
            yield Finding(
                requirement=requirement,
                expected=f"a look at its subscriptions after {after}",
                observed="none",
                late=True,
                healthy=alive(transcript, first),
            )

    return Check(f"looks for its subscriptions after {after}", judge)


def unsubscribes(*, requirement: str, after: str) -> Check:
    """Demand a DELETE of every subscription after a mark."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        first = mark_at(transcript, after).number
        removed = {
            path_of(m.path)
            for m in transcript.from_device()
            if m.part is Part.REQUEST and m.method == "DELETE" and m.number > first
        }
        made = {
            r.location: r
            for r in subscriptions(transcript)
            if r.location and r.message.number < first
        }
        for where, row in made.items():
            if where not in removed:
                yield wrong(requirement, row.message, "method", f"DELETE {where}", "none")

    return Check(f"deletes its subscriptions after {after}", judge)
