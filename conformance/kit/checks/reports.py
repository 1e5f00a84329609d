"""Checks of delivered reports: how many values, at which instants, of which points (2.0b section 8.3)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

from conformance.kit.checks.flow import fresh
from conformance.kit.finding import Check, Finding, wrong
from conformance.kit.oadr20b.times import at, lasting
from conformance.kit.transcript import Message, Transcript, between

UPDATE: Final = "oadrUpdateReport"
OF_REQUEST: Final = ".//ei:reportRequestID"
"""Where the reportRequestID stands in a delivery."""
_INTERVAL: Final = "strm:intervals/ei:interval"
_START: Final = "xcal:dtstart/xcal:date-time"
_LENGTH: Final = "xcal:duration/xcal:duration"
_REQUEST: Final = "oadr:oadrReportRequest"
_INTEREST: Final = "ei:reportSpecifier/ei:reportInterval/xcal:properties"
_SLACK: Final = timedelta(seconds=5)
_SECOND: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One ``oadrReport`` inside an oadrUpdateReport."""

    message: Message
    path: str
    """Of the report below the message."""

    @property
    def count(self) -> int:
        """Return how many intervals it has."""
        return len(self.message.elements(f"{self.path}/{_INTERVAL}"))

    @property
    def starts(self) -> list[datetime | None]:
        """Return the starts of its intervals; without any of their own they follow from the report's start."""
        own = self.message.all(f"{self.path}/{_INTERVAL}/{_START}")
        if own:
            return [at(text) for text in own]
        first = at(self.message.text(f"{self.path}/{_START}"))
        found: list[datetime | None] = [first]
        for length in self.lengths[:-1]:
            before = found[-1]
            found.append(before + length if before is not None and length is not None else None)
        return found if self.count else []

    @property
    def lengths(self) -> list[timedelta | None]:
        """Return the lengths that its intervals state."""
        return [lasting(x) for x in self.message.all(f"{self.path}/{_INTERVAL}/{_LENGTH}")]

    def place(self, number: int) -> str:
        """Return the XPath of an interval, numbered from 0."""
        return f"{self.path}/strm:intervals/ei:interval[{number + 1}]"


def deliveries(transcript: Transcript, request_id: str) -> list[Delivery]:
    """Return what was delivered for a request, each once, oldest first."""
    found = []
    for message in fresh(transcript, UPDATE):
        for place in range(1, len(message.elements("oadr:oadrReport")) + 1):
            path = f"oadr:oadrReport[{place}]"
            if message.text(f"{path}/ei:reportRequestID") == request_id:
                found.append(Delivery(message=message, path=path))
    return found


def delivered_each(request_id: str, period: timedelta, *, requirement: str) -> Check:
    """Demand that deliveries come one period apart.

    The first may come at once while the others keep to a grid from the start that was asked for (section 8.3.2.2): the
    time between the first two may be shorter by what the request came after that start.
    """

    def judge(transcript: Transcript) -> Iterator[Finding]:
        late = _asked_late(transcript, request_id)
        for place, (earlier, later) in enumerate(pairwise(deliveries(transcript, request_id))):
            gap = between(earlier.message, later.message)
            least = period - late if place == 0 else period
            if not least - _SLACK <= gap <= period + _SLACK:
                text = f"{period.total_seconds():g} s after the delivery before"
                seen = f"{gap.total_seconds():g} s"
                beyond = abs(gap - period) - _SLACK
                yield wrong(
                    requirement, later.message, "", text, seen, tolerance=_SLACK, beyond=beyond
                )

    return Check(f"delivers {request_id} each {period.total_seconds():g} s", judge)


def _asked_late(transcript: Transcript, request_id: str) -> timedelta:
    """Return how long after the start that it names a request reached the device; zero where it was in time."""
    for message in transcript.from_suite("oadrCreateReport"):
        for place in range(1, len(message.elements(_REQUEST)) + 1):
            path = f"{_REQUEST}[{place}]"
            start = at(message.text(f"{path}/{_INTEREST}/{_START}"))
            if message.text(f"{path}/ei:reportRequestID") == request_id and start is not None:
                return max(message.at - start, timedelta(0))
    return timedelta(0)


def has_intervals(
    request_id: str, count: int, *, requirement: str, tolerance: int = 0, last: bool = True
) -> Check:
    """Demand so many intervals in each delivery.

    Args:
        request_id: Of the report.
        count: How many.
        requirement: Cited.
        tolerance: By how many it may differ (rule 317: one).
        last: False: the last delivery may have any number.
    """

    def judge(transcript: Transcript) -> Iterator[Finding]:
        found = deliveries(transcript, request_id)
        for one in found if last else found[:-1]:
            if abs(one.count - count) > tolerance:
                path = f"{one.path}/{_INTERVAL}"
                text = f"{count} intervals" + (f" ± {tolerance}" if tolerance else "")
                yield wrong(requirement, one.message, path, text, str(one.count))

    return Check(f"{request_id} has {count} intervals", judge)


def goes_on_without_gaps(request_id: str, step: timedelta, *, requirement: str) -> Check:
    """Demand that values follow each other at one step, within a delivery and from one to the next."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        rows = [
            (one, number, start)
            for one in deliveries(transcript, request_id)
            for number, start in enumerate(one.starts)
        ]
        for (_, _, earlier), (one, number, later) in pairwise(rows):
            if earlier is None or later is None or abs(later - earlier - step) > _SECOND:
                path = f"{one.place(number)}/{_START}"
                wanted = earlier + step if earlier is not None else None
                seen = later.isoformat() if later is not None else "none"
                expected = wanted.isoformat() if wanted is not None else "an instant"
                yield wrong(requirement, one.message, path, expected, seen)

    return Check(f"values of {request_id} follow each other", judge)


def has_points(request_id: str, *, requirement: str) -> Check:
    """Demand in every interval a value of each data point that was asked for, and of no other."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        request = f".//oadr:oadrReportRequest[ei:reportRequestID='{request_id}']"
        path = f"{request}//ei:specifierPayload/ei:rID"
        asked = next((m.all(path) for m in transcript.from_suite() if m.has(path)), [])
        for one in deliveries(transcript, request_id):
            for number in range(one.count):
                payload = f"{one.place(number)}/oadr:oadrReportPayload"
                found = one.message.all(f"{payload}/ei:rID")
                if sorted(found) != sorted(asked):
                    expected, seen = " ".join(asked), " ".join(found) or "none"
                    yield wrong(requirement, one.message, f"{payload}/ei:rID", expected, seen)
                    return

    return Check(f"{request_id} has the points that were asked for", judge)


def has_numbers(request_id: str, *, requirement: str) -> Check:
    """Demand that every value is a finite number."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        for one in deliveries(transcript, request_id):
            payload = f"{one.path}/{_INTERVAL}/oadr:oadrReportPayload"
            path = f"{payload}/ei:payloadFloat/ei:value"
            found = one.message.all(path)
            wanted = len(one.message.elements(payload))
            if len(found) != wanted:
                yield wrong(requirement, one.message, path, f"{wanted} numbers", str(len(found)))
            for text in found:
                if text.strip("+-").lower() in ("nan", "inf", "infinity"):
                    yield wrong(requirement, one.message, path, "a finite number", text)

    return Check(f"values of {request_id} are numbers", judge)


def states_lengths(request_id: str, *, requirement: str) -> Check:
    """Demand that every interval of accumulated values states how long it is."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        for one in deliveries(transcript, request_id):
            known = [x for x in one.lengths if x]
            if len(known) != one.count:
                path = f"{one.path}/{_INTERVAL}/{_LENGTH}"
                text = f"{one.count} durations above zero"
                yield wrong(requirement, one.message, path, text, str(len(known)))

    return Check(f"intervals of {request_id} state their length", judge)


def states_status(request_id: str, *, requirement: str, control: str = "") -> Check:
    """Demand a status in every interval.

    Args:
        request_id: Of the report.
        requirement: Cited where there is no status.
        control: Cited where oadrLoadControlState is missing; empty: it may be.
    """

    def judge(transcript: Transcript) -> Iterator[Finding]:
        status = "oadr:oadrReportPayload/oadr:oadrPayloadResourceStatus"
        wanted = [(requirement, "")] + (
            [(control, "/oadr:oadrLoadControlState")] if control else []
        )
        for one in deliveries(transcript, request_id):
            for cited, below in wanted:
                path = f"{one.path}/{_INTERVAL}/{status}{below}"
                found = len(one.message.elements(path))
                if found != one.count:
                    yield wrong(cited, one.message, path, f"one in each of {one.count}", str(found))

    return Check(f"values of {request_id} are states", judge)


def within_window(request_id: str, mark: str, *, requirement: str) -> Check:
    """Demand exactly the instants that a mark lists (``starts``: ISO, separated by blanks), all in one delivery."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        window = transcript.mark(mark)
        if window is None:
            return
        wanted = [datetime.fromisoformat(x) for x in window.values["starts"].split()]
        for one in deliveries(transcript, request_id):
            if one.starts != wanted:
                seen = " ".join(x.isoformat() if x else "none" for x in one.starts)
                path = f"{one.path}/{_INTERVAL}/{_START}"
                expected = " ".join(x.isoformat() for x in wanted)
                yield wrong(requirement, one.message, path, expected, seen or "none")

    return Check(f"{request_id} holds what was recorded in its window", judge)


def states_quality(request_id: str, *, failed: str, mended: str, requirement: str) -> Check:
    """Demand that values between two marks are of bad quality, and no others.

    Args:
        request_id: Of the report.
        failed: Mark from which on the device measured nothing.
        mended: Mark from which on it measured again.
        requirement: Cited.
    """

    def judge(transcript: Transcript) -> Iterator[Finding]:
        first, last = transcript.mark(failed), transcript.mark(mended)
        if first is None or last is None:
            return
        for one in deliveries(transcript, request_id):
            for number, (start, length) in enumerate(zip(one.starts, one.lengths, strict=False)):
                if start is None or length is None:
                    continue
                inside = first.at <= start and start + length <= last.at
                outside = start + length <= first.at or last.at <= start
                path = f"{one.place(number)}/oadr:oadrReportPayload/oadr:oadrDataQuality"
                found = one.message.text(path)
                if (inside or outside) and found.startswith("Quality Bad - ") is not inside:
                    expected = "Quality Bad - …" if inside else "no bad quality"
                    yield wrong(requirement, one.message, path, expected, found or "none")

    return Check(f"values of {request_id} say what they are worth", judge)


def keeps_to_grid(request_id: str, begin: str, step: timedelta, *, requirement: str) -> Check:
    """Demand that the n-th delivery comes n steps after a mark's ``start`` (ISO), and its values stand on that grid.

    Unlike the pairwise checks this one finds what grows slowly.
    """

    def judge(transcript: Transcript) -> Iterator[Finding]:
        mark = transcript.mark(begin)
        if mark is None:
            return
        origin = datetime.fromisoformat(mark.values["start"])
        for one in deliveries(transcript, request_id):
            late = (one.message.at - origin) % step
            if min(late, step - late) > _SLACK:
                text = (
                    f"a delivery on the grid of {step.total_seconds():g} s from {origin:%H:%M:%S}"
                )
                seen = f"{one.message.at:%H:%M:%S}"
                yield wrong(requirement, one.message, "", text, seen, tolerance=_SLACK)
            for number, start in enumerate(one.starts):
                if start is None or (start - origin) % step:
                    path = f"{one.place(number)}/{_START}"
                    seen = start.isoformat() if start else "none"
                    yield wrong(requirement, one.message, path, "an instant on the grid", seen)

    return Check(f"{request_id} keeps to its grid", judge)


def lists_pending(
    by: str, *request_ids: str, requirement: str, absent: tuple[str, ...] = (), after: str = ""
) -> Check:
    """Demand reportRequestIDs in oadrPendingReports of the device's last answer of a name.

    Args:
        by: E.g. ``oadrCreatedReport``.
        request_ids: Must stand there.
        requirement: Cited.
        absent: Must not.
        after: Mark from which on.
    """

    def judge(transcript: Transcript) -> Iterator[Finding]:
        mark = transcript.mark(after) if after else None
        start = mark.number if mark is not None else 0
        path = "oadr:oadrPendingReports/ei:reportRequestID"
        for message in [m for m in transcript.from_device(by) if m.number > start][-1:]:
            found = message.all(path)
            ids = {x for x in request_ids if x not in found} | {x for x in absent if x in found}
            if ids:
                expected = " ".join(request_ids) or f"not {' '.join(absent)}"
                yield wrong(requirement, message, path, expected, " ".join(found) or "none")

    return Check(f"{by} lists what is pending" + (f" after {after}" if after else ""), judge)


def registers_under(request_id: str, *, requirement: str, within: timedelta) -> Check:
    """Demand an oadrRegisterReport under the reportRequestID of the request for metadata."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        path = f".//oadr:oadrReportRequest[ei:reportRequestID='{request_id}']"
        asked = next((m for m in transcript.from_suite() if m.elements(path)), None)
        if asked is None:
            return
        offers = [
            m for m in transcript.from_device("oadrRegisterReport") if m.number > asked.number
        ]
        for offer in offers:
            found = offer.text("ei:reportRequestID")
            if found != request_id:
                yield wrong(requirement, offer, "ei:reportRequestID", request_id, found or "none")
        if not offers:
            yield Finding(
                requirement=requirement,
                message=asked.number,
                expected="oadrRegisterReport",
                observed="none",
                late=True,
                healthy=transcript.carried(asked, asked.at + within),
            )

    return Check(f"registers its reports for {request_id}", judge)
