"""The VTN as producer of reports: what this VEN asks for, and how it takes what comes.

Spec: OpenADR 2.0b section 8.3, cases in which the VEN is the requester.
"""

from datetime import timedelta
from typing import Final

from lxml.etree import _Element as Element

from conformance.reference.ven2b.state import Memory
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
UNASKED: Final = ("", "0")


def metadata_request(name: str) -> Element:
    """Make an oadrReportRequest for the VTN's metadata, once."""
    return _request(name, "METADATA", ("0",), timedelta(0), None)


def periodic_request(
    name: str, specifier: str, points: tuple[str, ...], every_: timedelta, period: Span
) -> Element:
    """Make an oadrReportRequest for values of the VTN, again and again."""
    return _request(name, specifier, points, every_, period)


def asking(request_id: str, ven_id: str, *requests: Element) -> Element:
    """Make an oadrCreateReport."""
    return message(
        "oadr:oadrCreateReport",
        make("pyld:requestID", request_id),
        *requests,
        make("ei:venID", ven_id),
    )


def ending(request_id: str, ven_id: str, name: str) -> Element:
    """Make an oadrCancelReport, nothing to follow."""
    return message(
        "oadr:oadrCancelReport",
        make("pyld:requestID", request_id),
        make("ei:reportRequestID", name),
        make("pyld:reportToFollow", "false"),
        make("ei:venID", ven_id),
    )


def registered(offer: Element, ven_id: str) -> Element:
    """Take the VTN's oadrRegisterReport and make the answer."""
    return message(
        "oadr:oadrRegisteredReport",
        response(OK, text(offer, "pyld:requestID")),
        make("ei:venID", ven_id),
    )


def updated(memory: Memory, update: Element, ven_id: str) -> Element:
    """Take the VTN's oadrUpdateReport and make the answer; values nobody asked for are refused."""
    names = texts(update, "oadr:oadrReport/ei:reportRequestID")
    known = all(name in memory.asked for name in names)
    return message(
        "oadr:oadrUpdatedReport",
        response(OK if known else WRONG_ID, text(update, "pyld:requestID")),
        make("ei:venID", ven_id),
    )


def _request(
    name: str, specifier: str, points: tuple[str, ...], back: timedelta, period: Span | None
) -> Element:
    interval = None
    if period is not None:
        content = make(
            "xcal:properties", starting(period.start), lasting("xcal:duration", period.duration)
        )
        interval = make("ei:reportInterval", content)
    return make(
        "oadr:oadrReportRequest",
        make("ei:reportRequestID", name),
        make(
            "ei:reportSpecifier",
            make("ei:reportSpecifierID", specifier),
            lasting("xcal:granularity", back),
            lasting("ei:reportBackDuration", back),
            interval,
            *(
                make(
                    "ei:specifierPayload",
                    make("ei:rID", point),
                    make("ei:readingType", "x-notApplicable"),
                )
                for point in points
            ),
        ),
    )


def points_of(offer: Element) -> dict[str, tuple[str, ...]]:
    """Return the data points that an oadrRegisterReport offers, by specifier."""
    return {
        text(report, "ei:reportSpecifierID"): texts(report, "oadr:oadrReportDescription/ei:rID")
        for report in every(offer, "oadr:oadrReport")
    }
