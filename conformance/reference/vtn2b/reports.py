"""Reports at the reference VTN: of the VENs for the utility, and of the utility for the VENs (simulated).

Spec: OpenADR 2.0b section 8.3 and the rules named.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from lxml.etree import _Element as Element

from conformance.reference.vtn2b.settings import Settings
from conformance.reference.vtn2b.state import Asked, Ven
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
from gateway.domain.timespan import Span, duration, instant

OK: Final = "200"
WRONG_ID: Final = "452"
METADATA: Final = "METADATA"
SPECIFIER: Final = "grid"
POINTS: Final = ("grid-energy",)
NOBODY: Final = "0"


class Reports:
    """The reports between this VTN and its VENs."""

    def __init__(self, settings: Settings, number: Callable[[str], str]) -> None:
        self._settings = settings
        self._number = number
        self.next_requests: list[Element] = []
        """oadrReportRequests to go with the next oadrRegisteredReport."""

    # --- the VEN produces

    def register(self, offer: Element, ven: Ven) -> Element:
        """Take a VEN's oadrRegisterReport: it replaces what was offered and ends what was asked (rule 306)."""
        ven.offers = {
            text(report, "ei:reportSpecifierID"): frozenset(
                texts(report, "oadr:oadrReportDescription/ei:rID")
            )
            for report in every(offer, "oadr:oadrReport")
        }
        ven.wanted.clear()
        requests, self.next_requests = self.next_requests, []
        ven.wanted.update(text(request, "ei:reportRequestID") for request in requests)
        return message(
            "oadr:oadrRegisteredReport",
            response(OK, text(offer, "pyld:requestID")),
            *requests,
            make("ei:venID", ven.ven_id),
        )

    def update(self, update: Element, ven: Ven) -> Element:
        """Take values; a report that nobody asked for is refused."""
        names = texts(update, "oadr:oadrReport/ei:reportRequestID")
        known = all(name in ven.wanted for name in names)
        ended = [name for name in names if name in ven.ending] if known else []
        ven.ending.difference_update(ended)
        ven.wanted.difference_update(ended)
        cancel = None
        if ended:
            cancel = make(
                "oadr:oadrCancelReport",
                make("pyld:requestID", self._number("cancel")),
                *(make("ei:reportRequestID", name) for name in ended),
                make("pyld:reportToFollow", "false"),
                make("ei:venID", ven.ven_id),
            )
        answer = response(OK if known else WRONG_ID, text(update, "pyld:requestID"))
        return message("oadr:oadrUpdatedReport", answer, cancel, make("ei:venID", ven.ven_id))

    def asking(self, ven: Ven, *requests: Element) -> Element:
        """Make an oadrCreateReport."""
        ven.wanted.update(text(request, "ei:reportRequestID") for request in requests)
        return message(
            "oadr:oadrCreateReport",
            make("pyld:requestID", self._number("create")),
            *requests,
            make("ei:venID", ven.ven_id),
        )

    def ending(self, ven: Ven, name: str, *, follow: bool) -> Element:
        """Make an oadrCancelReport."""
        if not follow:
            ven.wanted.discard(name)
        return message(
            "oadr:oadrCancelReport",
            make("pyld:requestID", self._number("cancel")),
            make("ei:reportRequestID", name),
            make("pyld:reportToFollow", "true" if follow else "false"),
            make("ei:venID", ven.ven_id),
        )

    # --- the VTN produces

    def offering(self, ven: Ven, now: datetime, answers: str = NOBODY) -> Element:
        """Make an oadrRegisterReport; ``answers`` is the METADATA request behind it."""
        return message(
            "oadr:oadrRegisterReport",
            make("pyld:requestID", self._number("offer")),
            self._offer(now, answers),
            make("ei:venID", ven.ven_id),
            make("ei:reportRequestID", answers) if answers != NOBODY else None,
        )

    def create(self, asked: Element, ven: Ven, now: datetime) -> Element:
        """Take a VEN's oadrCreateReport, all of it or nothing."""
        requests = every(asked, "oadr:oadrReportRequest")
        code = OK if all(_can(request) for request in requests) else WRONG_ID
        if code == OK:
            for request in requests:
                wanted = _asked(request, now)
                ven.asked[wanted.request_id] = wanted
        return message(
            "oadr:oadrCreatedReport",
            response(code, text(asked, "pyld:requestID")),
            _pending(ven),
            make("ei:venID", ven.ven_id),
        )

    def cancel(self, asked: Element, ven: Ven) -> Element:
        """Take a VEN's oadrCancelReport."""
        names = texts(asked, "ei:reportRequestID")
        known = all(name in ven.asked for name in names)
        if known:
            for name in names:
                del ven.asked[name]
        return message(
            "oadr:oadrCanceledReport",
            response(OK if known else WRONG_ID, text(asked, "pyld:requestID")),
            _pending(ven),
            make("ei:venID", ven.ven_id),
        )

    def due(self, ven: Ven, now: datetime) -> list[Element]:
        """Make what this VTN owes a VEN now."""
        made = []
        for asked in list(ven.asked.values()):
            if asked.due > now:
                continue
            made.append(self._made(asked, ven, now))
            asked.due += asked.back
            if not asked.back or (asked.end is not None and asked.due >= asked.end):
                del ven.asked[asked.request_id]
        return made

    def _made(self, asked: Asked, ven: Ven, now: datetime) -> Element:
        if asked.specifier == METADATA:
            return self.offering(ven, now, asked.request_id)
        start = now.replace(microsecond=0) - asked.back
        interval = make(
            "ei:interval",
            starting(start),
            lasting("xcal:duration", asked.back),
            make("xcal:uid", make("xcal:text", "0")),
            *(self._value(point, asked.back) for point in asked.points),
        )
        report = make(
            "oadr:oadrReport",
            starting(start),
            make("strm:intervals", interval),
            make("ei:reportRequestID", asked.request_id),
            make("ei:reportSpecifierID", asked.specifier),
            make("ei:reportName", "TELEMETRY_USAGE"),
            stamp(now),
        )
        return message(
            "oadr:oadrUpdateReport",
            make("pyld:requestID", self._number("update")),
            report,
            make("ei:venID", ven.ven_id),
        )

    def _value(self, point: str, lasts: timedelta) -> Element:
        figure = self._settings.load_w * lasts.total_seconds() / 3600
        return make(
            "oadr:oadrReportPayload",
            make("ei:rID", point),
            make("ei:payloadFloat", make("ei:value", f"{figure:.3f}")),
            make("oadr:oadrDataQuality", "Quality Good - Non Specific"),
        )

    def _offer(self, now: datetime, answers: str) -> Element:
        return make(
            "oadr:oadrReport",
            lasting("xcal:duration", timedelta(hours=1)),
            *(self._described(point) for point in POINTS),
            make("ei:reportRequestID", answers),
            make("ei:reportSpecifierID", SPECIFIER),
            make("ei:reportName", "METADATA_TELEMETRY_USAGE"),
            stamp(now),
        )

    def _described(self, point: str) -> Element:
        return make(
            "oadr:oadrReportDescription",
            make("ei:rID", point),
            make("ei:reportDataSource", make("ei:resourceID", self._settings.resource)),
            make("ei:reportType", "usage"),
            make(
                "power:energyReal",
                make("power:itemDescription", "RealEnergy"),
                make("power:itemUnits", "Wh"),
                make("scale:siScaleCode", "none"),
            ),
            make("ei:readingType", "Direct Read"),
            make(
                "oadr:oadrSamplingRate",
                make("oadr:oadrMinPeriod", "PT10S"),
                make("oadr:oadrMaxPeriod", "PT1H"),
                make("oadr:oadrOnChange", "false"),
            ),
        )


def request(
    name: str,
    specifier: str,
    points: tuple[str, ...],
    *,
    granularity: timedelta = timedelta(0),
    back: timedelta = timedelta(0),
    period: Span | None = None,
) -> Element:
    """Make an oadrReportRequest; a period without length has an open end."""
    interval = None
    if period is not None:
        properties = make(
            "xcal:properties", starting(period.start), lasting("xcal:duration", period.duration)
        )
        interval = make("ei:reportInterval", properties)
    wanted = (
        make(
            "ei:specifierPayload", make("ei:rID", point), make("ei:readingType", "x-notApplicable")
        )
        for point in points
    )
    return make(
        "oadr:oadrReportRequest",
        make("ei:reportRequestID", name),
        make(
            "ei:reportSpecifier",
            make("ei:reportSpecifierID", specifier),
            lasting("xcal:granularity", granularity),
            lasting("ei:reportBackDuration", back),
            interval,
            *wanted,
        ),
    )


def _pending(ven: Ven) -> Element:
    ids = (make("ei:reportRequestID", name) for name in ven.asked)
    return make("oadr:oadrPendingReports", *ids)


def _can(asked: Element) -> bool:
    specifier = text(asked, "ei:reportSpecifier/ei:reportSpecifierID")
    points = set(texts(asked, "ei:reportSpecifier/ei:specifierPayload/ei:rID"))
    return specifier == METADATA or (specifier == SPECIFIER and points <= set(POINTS))


def _asked(asked: Element, now: datetime) -> Asked:
    period = "ei:reportSpecifier/ei:reportInterval/xcal:properties"
    begins = text(asked, f"{period}/xcal:dtstart/xcal:date-time")
    lasts = duration(text(asked, f"{period}/xcal:duration/xcal:duration", "PT0S"))
    start = instant(begins) if begins else now
    back = duration(text(asked, "ei:reportSpecifier/ei:reportBackDuration/xcal:duration"))
    return Asked(
        request_id=text(asked, "ei:reportRequestID"),
        specifier=text(asked, "ei:reportSpecifier/ei:reportSpecifierID"),
        points=texts(asked, "ei:reportSpecifier/ei:specifierPayload/ei:rID"),
        back=back,
        due=max(start, now) if back else now,
        end=start + lasts if lasts else None,
    )
