"""Checks of oadrPoll: its period and the emptying of the queue (2.0b section 8.6, rule 500; digest 4.2)."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from typing import Final

from conformance.kit.checks.flow import since
from conformance.kit.finding import Check, Finding, wrong
from conformance.kit.transcript import Exchange, Side, Transcript, between

POLL: Final = "oadrPoll"
TOO_OFTEN: Final = "REQ-OADR20B-R500-1"
"""Between empty answers the period is not undercut."""
MISSED: Final = "REQ-OADR20B-T0015-1"
"""The VEN polls at the requested period."""
DRAINED: Final = "REQ-OADR20B-R500-2"
"""After an answer other than oadrResponse the VEN polls again at once."""
_EARLY: Final = 0.9
_LATE: Final = 1.5
_PER_MISS: Final = 5
"""One missed poll in so many intervals is tolerated."""
_AT_ONCE: Final = timedelta(seconds=3)


def polls(transcript: Transcript, after: str = "") -> list[Exchange]:
    """Return the polls of the device from a mark on."""
    start = since(transcript, after)
    if start is None:
        return []
    found = transcript.exchanges(Side.DEVICE)
    return [e for e in found if e.request.name == POLL and e.request.number > start]


def polls_on_time(
    period: timedelta | None = None, *, after: str = "case.prepared", slow: bool = True
) -> Check:
    """Demand that polls after empty answers come one period apart, start to start.

    Args:
        period: Wanted; None: the one of the case.
        after: Mark from which on.
        slow: True: too slow is wrong too.
    """

    def judge(transcript: Transcript) -> Iterator[Finding]:
        wanted = period or timedelta(seconds=float(transcript.facts.get("poll_s", "10")))
        found = polls(transcript, after)
        missed, gaps = [], 0
        for earlier, later in pairwise(found):
            if not _empty(earlier):
                continue
            gap = between(earlier.request, later.request)
            gaps += 1
            if gap < wanted * _EARLY:
                text = f"{wanted.total_seconds():g} s after the poll before"
                seen = f"{gap.total_seconds():g} s"
                slack = wanted * (1 - _EARLY)
                beyond = wanted * _EARLY - gap
                yield wrong(
                    TOO_OFTEN, later.request, "", text, seen, tolerance=slack, beyond=beyond
                )
            elif gap > wanted * _LATE:
                missed.append((later, gap))
        if slow and len(missed) > gaps // _PER_MISS:
            late, gap = missed[0]
            text = f"a poll each {wanted.total_seconds():g} s"
            seen = f"{gap.total_seconds():g} s"
            slack, beyond = wanted * (_LATE - 1), gap - wanted * _LATE
            yield wrong(MISSED, late.request, "", text, seen, tolerance=slack, beyond=beyond)

    return Check("polls at the requested period", judge)


def _empty(exchange: Exchange) -> bool:
    answer = exchange.response
    return exchange.delivered and answer is not None and answer.name == "oadrResponse"


def drains() -> Check:
    """Demand that a poll which brought something is followed by the next at once."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        found = polls(transcript)
        for earlier, later in pairwise(found):
            answer = earlier.response
            if answer is None or not earlier.delivered or answer.name in ("oadrResponse", ""):
                continue
            gap = between(answer, later.request)
            if gap > _AT_ONCE and not _again(transcript, earlier, later):
                text = f"the next poll within {_AT_ONCE.total_seconds():g} s"
                seen = f"{gap.total_seconds():g} s"
                beyond = gap - _AT_ONCE
                yield wrong(
                    DRAINED, later.request, "", text, seen, tolerance=_AT_ONCE, beyond=beyond
                )

    return Check("empties the queue at once", judge)


def _again(transcript: Transcript, earlier: Exchange, later: Exchange) -> bool:
    """Say whether something failed in between, after which the device may pause."""
    return any(
        earlier.request.number < e.request.number < later.request.number and not e.delivered
        for e in transcript.exchanges(Side.DEVICE)
    )


def answers_before_next_poll(name: str, by: str, *, requirement: str) -> Check:
    """Demand that what a poll brought is answered before the next poll, as test tools want it.

    Args:
        name: Of the suite's message.
        by: Of the answer.
        requirement: Cited.
    """

    def judge(transcript: Transcript) -> Iterator[Finding]:
        found = polls(transcript)
        for earlier, later in pairwise(found):
            answer = earlier.response
            if answer is None or answer.name != name or not earlier.delivered:
                continue
            said = transcript.from_device(by)
            if not any(answer.number < m.number < later.request.number for m in said):
                yield wrong(requirement, later.request, "", f"{by} before the next poll", "none")

    return Check(f"answers {name} before the next poll", judge)
