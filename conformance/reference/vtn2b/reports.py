"""Reports of the VENs for the utility.

Spec: OpenADR 2.0b section 8.3 and the rules named.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Final

from lxml.etree import _Element as Element

from conformance.reference.vtn2b.state import Ven
from conformance.reference.wire2b import (
    every,
    lasting,
    make,
    message,
    response,
    starting,
    text,
    texts,
)
from gateway.domain.timespan import Span

OK: Final = "200"
WRONG_ID: Final = "452"


class Reports:
    """What VENs offer and this VTN has asked of them."""

    def __init__(self, number: Callable[[str], str]) -> None:
        self._number = number
        self.next_requests: list[Element] = []
        """oadrReportRequests to go with the next oadrRegisteredReport."""

    def register(self, offer: Element, ven: Ven) -> Element:
        """Take a VEN's oadrRegisterReport: it replaces what was offered and ends what was asked (rule 306)."""
        ven.offers = {
            text(report, "ei:reportSpecifierID"): frozenset(
                texts(report, "oadr:oadrReportDescription/ei:rID")
            )
            for report in every(offer, "oadr:oadrReport")
        }
        ven.wanted.clear()
        ven.closing.clear()
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
        for name in names:
            if ven.closing.get(name):  # the last one, which was to follow
                self._closed(name, ven)
        answer = response(OK if known else WRONG_ID, text(update, "pyld:requestID"))
        cancel = self._cancelling(ended, ven) if ended else None
        return message("oadr:oadrUpdatedReport", answer, cancel, make("ei:venID", ven.ven_id))

    def _cancelling(self, names: list[str], ven: Ven) -> Element:
        """Make the oadrCancelReport inside an oadrUpdatedReport; it needs no answer (rule 335)."""
        return make(
            "oadr:oadrCancelReport",
            make("pyld:requestID", self._number("cancel")),
            *(make("ei:reportRequestID", name) for name in names),
            make("pyld:reportToFollow", "false"),
            make("ei:venID", ven.ven_id),
        )

    def canceled(self, ven: Ven) -> None:
        """Take a VEN's oadrCanceledReport; until then values on their way are taken."""
        for name, follow in list(ven.closing.items()):
            if not follow:
                self._closed(name, ven)

    def _closed(self, name: str, ven: Ven) -> None:
        del ven.closing[name]
        ven.wanted.discard(name)

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
        ven.closing[name] = follow
        return message(
            "oadr:oadrCancelReport",
            make("pyld:requestID", self._number("cancel")),
            make("ei:reportRequestID", name),
            make("pyld:reportToFollow", "true" if follow else "false"),
            make("ei:venID", ven.ven_id),
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
