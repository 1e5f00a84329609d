"""Checks about events of 2030.5: which Responses come, when, and which never."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from conformance.kit.finding import Check, Finding, wrong
from conformance.kit.sep2.names import STARTED
from conformance.kit.sep2.reading import Responded, carried, mark_at, responses, served
from conformance.kit.transcript import Message, Transcript

WINDOW: Final = timedelta(seconds=30)
"""In which a Response must come after what it tells (no number is published; SunSpec's tester allows about that)."""
_STATUS: Final = "s:status"


def responds(
    control: str, *statuses: int, requirement: str, lfdi: str = "", or_else: tuple[int, ...] = ()
) -> Check:
    """Demand exactly these Responses to a control, in this order.

    Args:
        control: Id of it.
        statuses: In order.
        requirement: That is cited.
        lfdi: EndDevice; empty: there is only one.
        or_else: Statuses that may stand in the place of the last one.
    """

    def judge(transcript: Transcript) -> Iterator[Finding]:
        rows = responses(transcript, control, lfdi)
        found = [r.status for r in rows]
        for place, expected in enumerate(statuses):
            last = place == len(statuses) - 1
            allowed = (expected, *(or_else if last else ()))
            if place >= len(found):
                yield _missing(transcript, control, expected, requirement)
                return
            if found[place] not in allowed:
                shown = " or ".join(map(str, allowed))
                yield wrong(requirement, rows[place].message, _STATUS, shown, str(found[place]))
                return
        for row in rows[len(statuses) :]:
            yield wrong(requirement, row.message, _STATUS, "no further Response", str(row.status))

    return Check(f"responds to {control} by {', '.join(map(str, statuses))}", judge)


def _missing(transcript: Transcript, control: str, status: int, requirement: str) -> Finding:
    rows = served(transcript, control)
    published = [m for m in transcript.all_marks("suite.publish") if m.values["control"] == control]
    brought = rows[0][0] if rows else next(iter(published), None)
    healthy = brought is not None and carried(
        transcript.since(brought.number), brought.at, transcript.ended_at
    )
    return Finding(
        requirement=requirement,
        expected=f"Response {status} to {control}",
        observed="none",
        message=brought.number if brought else None,
        late=True,
        healthy=healthy,
    )


def responds_at_last(control: str, *statuses: int, requirement: str, lfdi: str = "") -> Check:
    """Demand that each of these Responses is accepted in the end, in this order; failed tries do not count."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        rows = [r.status for r in responses(transcript, control, lfdi) if r.accepted]
        found = list(dict.fromkeys(rows))
        for expected in statuses:
            if expected not in found:
                yield _missing(transcript, control, expected, requirement)
        order = [s for s in found if s in statuses]
        if order != [s for s in statuses if s in order]:
            last = responses(transcript, control, lfdi)[-1].message
            yield wrong(requirement, last, _STATUS, f"{statuses} in order", f"{tuple(order)}")

    return Check(f"responds to {control} by {', '.join(map(str, statuses))} at last", judge)


def stamped(control: str, *, offset: timedelta, requirement: str) -> Check:
    """Demand that createdDateTime is of the server's clock, which is so much ahead of the suite's."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        for row in responses(transcript, control):
            off = row.at - (row.message.at + offset)
            if abs(off) > WINDOW:
                yield wrong(
                    requirement,
                    row.message,
                    "s:createdDateTime",
                    f"within {WINDOW.total_seconds():g} s of the server's clock",
                    f"{off.total_seconds():g} s off",
                    tolerance=WINDOW,
                    beyond=abs(off) - WINDOW,
                )

    return Check(f"Responses to {control} carry the server's time", judge)


def never_responds(control: str, *statuses: int, requirement: str, lfdi: str = "") -> Check:
    """Refuse these Responses to a control; without any: every Response."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        for row in responses(transcript, control, lfdi):
            if not statuses or row.status in statuses:
                yield wrong(requirement, row.message, _STATUS, "no such Response", str(row.status))

    return Check(
        f"never responds to {control} by {', '.join(map(str, statuses)) or 'anything'}", judge
    )


def timely(
    control: str,
    status: int,
    mark: str,
    *,
    requirement: str,
    early: timedelta = timedelta(seconds=1),
    late: timedelta = WINDOW,
    lfdi: str = "",
) -> Check:
    """Demand that a Response came around an instant, which the script marked as ``mark`` with the value ``at``.

    Args:
        control: Id of it.
        status: Of the Response.
        mark: Name of the mark; its value ``at`` is the instant (``Stage.mark(name, at=instant)``).
        requirement: That is cited.
        early: By how much it may come before.
        late: By how much after.
        lfdi: EndDevice.
    """

    def judge(transcript: Transcript) -> Iterator[Finding]:
        from_mark = mark_at(transcript, mark)
        for row in responses(transcript, control, lfdi):
            if row.status == status:
                yield from _timed(row, from_mark.values.get("at", ""), requirement, early, late)

    return Check(f"responds {status} to {control} around {mark}", judge)


def _timed(
    row: Responded, text: str, requirement: str, early: timedelta, late: timedelta
) -> Iterator[Finding]:
    at = _instant(text)
    if at is None:
        return
    skew = row.message.at - at
    if not -early <= skew <= late:
        yield wrong(
            requirement,
            row.message,
            _STATUS,
            f"{row.status} between {-early.total_seconds():g} s and {late.total_seconds():g} s after {text}",
            f"{skew.total_seconds():g} s after",
            tolerance=late,
            beyond=-early - skew if skew < -early else skew - late,
        )


def _instant(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _range(skews: list[tuple[timedelta, Message]]) -> timedelta:
    delays = [delay for delay, _ in skews]
    return max(delays) - min(delays)


def spread(prefix: str, count: int, *, requirement: str, least: timedelta) -> Check:
    """Demand that randomised starts are not all at the same distance from the specified ones.

    Args:
        prefix: Of the controls' ids, which end in 0, 1, 2 …; their starts are marked ``<id>.starts``.
        count: How many there are.
        requirement: That is cited.
        least: Distance between the greatest and the smallest.
    """

    def judge(transcript: Transcript) -> Iterator[Finding]:
        skews = []
        for name in (f"{prefix}{n}" for n in range(count)):
            at = _instant(mark_at(transcript, f"{name}.starts").values.get("at", ""))
            rows = [r for r in responses(transcript, name) if r.status == STARTED]
            if rows and at is not None:
                skews.append((rows[0].message.at - at, rows[0].message))
        if len(skews) == count and _range(skews) < least:
            told = f"at least {least.total_seconds():g} s between the {count} delays"
            found = _range(skews)
            yield wrong(requirement, skews[-1][1], _STATUS, told, f"{found.total_seconds():g} s")

    return Check(f"starts of {prefix}0 to {prefix}{count - 1} are spread", judge)


def reads_before_start(control: str, mark: str, *, requirement: str, within: timedelta) -> Check:
    """Demand that a control was read in the time before its start, so that a cancellation is not missed."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        begins = mark_at(transcript, mark)
        rows = [r for r in responses(transcript, control) if r.status == STARTED]
        for row in rows[:1]:
            near = [m for m, _ in served(transcript, control) if m.at >= row.message.at - within]
            if not [m for m in near if m.number < row.message.number]:
                yield wrong(
                    requirement, row.message, _STATUS, f"read before {begins.name}", "not read"
                )

    return Check(f"reads {control} before it starts", judge)
