"""Reports of the utility for its VENs; every value is made up.

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
from gateway.domain.timespan import duration, instant

OK: Final = "200"
WRONG_ID: Final = "452"
WRONG_DATA: Final = "454"
METADATA: Final = "METADATA"
SPECIFIER: Final = "grid"
POINTS: Final = ("grid-energy",)
NOBODY: Final = "0"
SHORTEST: Final = timedelta(seconds=10)
NOTHING: Final = timedelta(0)


class Production:
    """What this VTN offers, and what VENs have asked of it."""

    def __init__(self, settings: Settings, number: Callable[[str], str]) -> None:
        self._settings = settings
        self._number = number

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
        """Take a VEN's oadrCreateReport, or the requests inside its oadrRegisteredReport: all of them or none."""
        requests = every(asked, "oadr:oadrReportRequest")
        code = next((code for request in requests if (code := _judged(request)) != OK), OK)
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

    def cancel(self, asked: Element, ven: Ven, now: datetime) -> Element:
        """Take a VEN's oadrCancelReport; what is to follow is owed at once, and then no more."""
        names = texts(asked, "ei:reportRequestID")
        known = all(name in ven.asked for name in names)
        follow = text(asked, "pyld:reportToFollow") == "true"
        for name in names if known else ():
            if follow:
                ven.asked[name].last, ven.asked[name].due = True, now
            else:
                del ven.asked[name]
        return message(
            "oadr:oadrCanceledReport",
            response(OK if known else WRONG_ID, text(asked, "pyld:requestID")),
            _pending(ven),
            make("ei:venID", ven.ven_id),
        )

    def updated(self, answer: Element, ven: Ven) -> None:
        """Take a VEN's oadrUpdatedReport, which may end reports (rule 328)."""
        for name in texts(answer, "oadr:oadrCancelReport/ei:reportRequestID"):
            ven.asked.pop(name, None)

    def due(self, ven: Ven, now: datetime) -> list[Element]:
        """Make what this VTN owes a VEN now."""
        made = []
        for asked in list(ven.asked.values()):
            if asked.due > now:
                continue
            made.append(self._made(asked, ven, now))
            asked.due += asked.back
            over = asked.end is not None and asked.due >= asked.end
            if asked.last or over or not asked.back:
                del ven.asked[asked.request_id]
        return made

    def _made(self, asked: Asked, ven: Ven, now: datetime) -> Element:
        if asked.specifier == METADATA:
            return self.offering(ven, now, asked.request_id)
        step = (asked.granularity or asked.back) if asked.back else SHORTEST
        count = max(1, asked.back // step)
        start = asked.due.replace(microsecond=0) - count * step
        report = make(
            "oadr:oadrReport",
            starting(start),
            make(
                "strm:intervals",
                *(
                    self._interval(asked, place, start + place * step, step)
                    for place in range(count)
                ),
            ),
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

    def _interval(self, asked: Asked, place: int, start: datetime, lasts: timedelta) -> Element:
        return make(
            "ei:interval",
            starting(start),
            lasting("xcal:duration", lasts),
            make("xcal:uid", make("xcal:text", str(place))),
            *(self._value(point, lasts) for point in asked.points),
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


def _pending(ven: Ven) -> Element:
    ids = (make("ei:reportRequestID", name) for name in ven.asked)
    return make("oadr:oadrPendingReports", *ids)


def _judged(request: Element) -> str:
    """Return the code of one request: what it names is on offer, and as often as it asks (rules 317 and 340)."""
    specifier = text(request, "ei:reportSpecifier/ei:reportSpecifierID")
    points = set(texts(request, "ei:reportSpecifier/ei:specifierPayload/ei:rID"))
    if specifier == METADATA:
        return OK
    if specifier != SPECIFIER or not points <= set(POINTS):
        return WRONG_ID
    granularity, back = _rhythm(request)
    fits = not back or not granularity or SHORTEST <= granularity <= back
    return OK if fits else WRONG_DATA


def _rhythm(request: Element) -> tuple[timedelta, timedelta]:
    granularity = text(request, "ei:reportSpecifier/xcal:granularity/xcal:duration")
    back = text(request, "ei:reportSpecifier/ei:reportBackDuration/xcal:duration")
    return duration(granularity), duration(back)


def _asked(request: Element, now: datetime) -> Asked:
    period = "ei:reportSpecifier/ei:reportInterval/xcal:properties"
    begins = text(request, f"{period}/xcal:dtstart/xcal:date-time")
    lasts = duration(text(request, f"{period}/xcal:duration/xcal:duration", "PT0S"))
    start = instant(begins) if begins else now
    granularity, back = _rhythm(request)
    return Asked(
        request_id=text(request, "ei:reportRequestID"),
        specifier=text(request, "ei:reportSpecifier/ei:reportSpecifierID"),
        points=texts(request, "ei:reportSpecifier/ei:specifierPayload/ei:rID"),
        granularity=granularity,
        back=back,
        due=max(start, now) if back else now,
        end=start + lasts if lasts else None,
    )
