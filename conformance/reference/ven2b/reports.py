"""Reports: what the VTN asks for, when it is due, and the values, which are simulated.

Spec: OpenADR 2.0b section 8.3 and the rules named.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from lxml.etree import _Element as Element

from conformance.reference.ven2b.judging import length, moment
from conformance.reference.ven2b.metadata import METADATA, OFFERS, registering
from conformance.reference.ven2b.settings import Settings
from conformance.reference.ven2b.state import Memory, Wanted
from conformance.reference.wire2b import (
    every,
    lasting,
    make,
    message,
    response,
    stamp,
    starting,
    text,
    texts,
)

NOW: Final = timedelta(0)
OK: Final = "200"
WRONG_ID: Final = "452"
WRONG_DATA: Final = "454"
STATE: Final = "state"
_GOOD: Final = "Quality Good - Non Specific"
_BAD: Final = "Quality Bad - Not Connected"


class Reports:
    """The reports that one VTN wants."""

    def __init__(self, memory: Memory, settings: Settings, number: Callable[[str], str]) -> None:
        self._memory = memory
        self._settings = settings
        self._number = number
        self._metadata: list[str] = []

    def take(self, container: Element, now: datetime) -> str:
        """Take the oadrReportRequests of a message, all or none; return the code of the answer."""
        taken = []
        for request in every(container, "oadr:oadrReportRequest"):
            code = self._judged(request)
            if code != OK:
                return code
            taken.append(self._wanted(request, now))
        for wanted in taken:
            self._memory.wanted[wanted.request_id] = wanted
        return OK

    def created(self, ven_id: str, request_id: str, code: str) -> Element:
        """Make an oadrCreatedReport with everything still to deliver."""
        return message(
            "oadr:oadrCreatedReport", response(code, request_id), self.pending(), _of(ven_id)
        )

    def pending(self) -> Element:
        """Make the list of requests that something is still to be delivered for."""
        ids = (make("ei:reportRequestID", name) for name in self._memory.wanted)
        return make("oadr:oadrPendingReports", *ids)

    def cancelled(self, cancel: Element, ven_id: str, now: datetime) -> Element:
        """Take an oadrCancelReport and make its answer (rule 336)."""
        names = texts(cancel, "ei:reportRequestID")
        follow = text(cancel, "pyld:reportToFollow") == "true"
        code = OK if all(name in self._memory.wanted for name in names) else WRONG_ID
        if code == OK:
            for name in names:
                self._end(name, now, follow=follow)
        answer = response(code, text(cancel, "pyld:requestID"))
        return message("oadr:oadrCanceledReport", answer, self.pending(), _of(ven_id))

    def delivered(self, answer: Element) -> None:
        """Take an oadrUpdatedReport, which may carry a cancellation (rule 335)."""
        for name in texts(answer, "oadr:oadrCancelReport/ei:reportRequestID"):
            self._memory.wanted.pop(name, None)

    def next_due(self) -> datetime | None:
        """Return when the next report falls due."""
        return min((wanted.due for wanted in self._memory.wanted.values()), default=None)

    def due(self, ven_id: str, now: datetime) -> list[Element]:
        """Make the messages that are due, and set when the next ones are."""
        return [
            self._sent(wanted, ven_id, now)
            for wanted in list(self._memory.wanted.values())
            if wanted.due <= now
        ]

    def forget(self) -> None:
        """Drop every request: newly registered metadata cancels them (rule 306)."""
        for name, wanted in list(self._memory.wanted.items()):
            if wanted.specifier != METADATA:
                del self._memory.wanted[name]

    def _judged(self, request: Element) -> str:
        specifier = text(request, "ei:reportSpecifier/ei:reportSpecifierID")
        if specifier == METADATA:
            return OK
        offer = OFFERS.get(specifier)
        points = texts(request, "ei:reportSpecifier/ei:specifierPayload/ei:rID")
        if offer is None or not set(points) <= set(offer.points):
            return WRONG_ID
        granularity, back = _rhythm(request)
        if offer.history:
            return OK if not granularity and not back else WRONG_DATA
        if back and granularity and not self._settings.fastest_sample <= granularity <= back:
            return WRONG_DATA
        return OK

    def _wanted(self, request: Element, now: datetime) -> Wanted:
        granularity, back = _rhythm(request)
        period = "ei:reportSpecifier/ei:reportInterval/xcal:properties"
        begins = text(request, f"{period}/xcal:dtstart/xcal:date-time")
        lasts = length(text(request, f"{period}/xcal:duration/xcal:duration", "PT0S"))
        start = moment(begins) if begins else now
        first = covered = max(start, now).replace(microsecond=0) if back else now
        if back and granularity and granularity < back:
            # Gathered values keep to the grid of their interval, however late the request has come.
            first = start + back * max(1, -(-(now - start) // back))
            covered = first - back
        return Wanted(
            request_id=text(request, "ei:reportRequestID"),
            specifier=text(request, "ei:reportSpecifier/ei:reportSpecifierID"),
            points=texts(request, "ei:reportSpecifier/ei:specifierPayload/ei:rID"),
            granularity=granularity,
            back=back,
            start=start,
            end=start + lasts if lasts else None,
            due=first,
            covered=covered,
        )

    def _end(self, name: str, now: datetime, *, follow: bool) -> None:
        if follow:
            self._memory.wanted[name].due = now
            self._memory.wanted[name].last = True
        else:
            del self._memory.wanted[name]

    def _sent(self, wanted: Wanted, ven_id: str, now: datetime) -> Element:
        made = self._made(wanted, ven_id, now)
        wanted.due += wanted.back
        if not wanted.back or wanted.last or self._over(wanted):
            self._memory.wanted.pop(wanted.request_id, None)
        return made

    def _over(self, wanted: Wanted) -> bool:
        if wanted.end is None:
            return False
        buffered = bool(wanted.granularity) and wanted.granularity < wanted.back
        return wanted.due > wanted.end if buffered else wanted.due >= wanted.end

    def _made(self, wanted: Wanted, ven_id: str, now: datetime) -> Element:
        request_id = self._number("update")
        if wanted.specifier == METADATA:
            return registering(self._settings, request_id, ven_id, now, wanted.request_id)
        offer = OFFERS[wanted.specifier]
        starts, step = self._grid(wanted, now)
        intervals = [
            self._interval(number, start, step, wanted) for number, start in enumerate(starts)
        ]
        report = make(
            "oadr:oadrReport",
            starting(starts[0]) if starts else None,
            make("strm:intervals", *intervals) if intervals else None,
            make("ei:reportRequestID", wanted.request_id),
            make("ei:reportSpecifierID", wanted.specifier),
            make("ei:reportName", offer.name),
            stamp(now),
        )
        return message(
            "oadr:oadrUpdateReport", make("pyld:requestID", request_id), report, _of(ven_id)
        )

    def _grid(self, wanted: Wanted, now: datetime) -> tuple[list[datetime], timedelta]:
        """Return the starts of the values that a report carries, and how long each lasts.

        A delivery goes on where the one before has ended, however late it is; the last one takes what has come so far.
        """
        if OFFERS[wanted.specifier].history:
            return self._history(wanted, now.replace(microsecond=0)), timedelta(minutes=1)
        step = (wanted.granularity or wanted.back) if wanted.back else self._settings.fastest_sample
        until = now if wanted.last or not wanted.back else wanted.due
        until = until.replace(microsecond=0)
        start, count = wanted.covered, (until - wanted.covered) // step
        if not wanted.back or until <= start:
            return [until - step], step
        if count == 0:
            step, count = until - start, 1
        wanted.covered = start + step * count
        return [start + step * number for number in range(count)], step

    def _history(self, wanted: Wanted, now: datetime) -> list[datetime]:
        """Return the minutes at hand that lie in the window."""
        last = now.replace(second=0)
        minutes = [last - timedelta(minutes=k) for k in range(self._settings.kept_points, 0, -1)]
        end = wanted.end or now
        return [start for start in minutes if wanted.start <= start < end]

    def _interval(self, number: int, start: datetime, step: timedelta, wanted: Wanted) -> Element:
        status = OFFERS[wanted.specifier].status
        return make(
            "ei:interval",
            starting(start),
            None if status else lasting("xcal:duration", step),
            make("xcal:uid", make("xcal:text", str(number))),
            *(self._value(point, start, step) for point in wanted.points),
        )

    def _value(self, point: str, start: datetime, step: timedelta) -> Element:
        if point == STATE:
            value = make(
                "oadr:oadrPayloadResourceStatus",
                make("oadr:oadrOnline", "true"),
                make("oadr:oadrManualOverride", "true" if self._memory.override else "false"),
                _load_control_state(),
            )
        else:
            watts = self._settings.load_w + start.minute * 10
            hours = step.total_seconds() / 3600
            figure = watts if point == "power" else watts * hours
            value = make("ei:payloadFloat", make("ei:value", f"{figure:.3f}"))
        return make(
            "oadr:oadrReportPayload",
            make("ei:rID", point),
            value,
            make("oadr:oadrDataQuality", self._quality(start, start + step)),
        )

    def _quality(self, start: datetime, end: datetime) -> str:
        """Say what a value is worth: while the meter failed there is one all the same, and it is bad (rule 318)."""
        failed = any(span.start < end and start < span.end for span in self._memory.failures)
        return _BAD if failed else _GOOD


def _load_control_state() -> Element:
    level = make(
        "oadr:oadrCapacity",
        make("oadr:oadrMin", "0.0"),
        make("oadr:oadrMax", "1.0"),
        make("oadr:oadrCurrent", "1.0"),
        make("oadr:oadrNormal", "1.0"),
    )
    return make("oadr:oadrLoadControlState", level)


def _rhythm(request: Element) -> tuple[timedelta, timedelta]:
    return (
        length(text(request, "ei:reportSpecifier/xcal:granularity/xcal:duration")),
        length(text(request, "ei:reportSpecifier/ei:reportBackDuration/xcal:duration")),
    )


def _of(ven_id: str) -> Element:
    return make("ei:venID", ven_id)
