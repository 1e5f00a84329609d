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


def registered(memory: Memory, offer: Element, ven_id: str) -> Element:
    """Take the VTN's oadrRegisterReport and make the answer, perhaps with a request for more metadata (rule 344)."""
    name, memory.inside = memory.inside, ""
    return message(
        "oadr:oadrRegisteredReport",
        response(OK, text(offer, "pyld:requestID")),
        metadata_request(name) if name else None,
        make("ei:venID", ven_id),
    )


def updated(memory: Memory, update: Element, ven_id: str) -> Element:
    """Take the VTN's oadrUpdateReport and make the answer; values nobody asked for are refused."""
    names = texts(update, "oadr:oadrReport/ei:reportRequestID")
    known = all(name in memory.asked for name in names)
    ended = memory.unwanted if memory.unwanted in names else ""
    if ended:
        memory.asked.remove(ended)
        memory.unwanted = ""
    return message(
        "oadr:oadrUpdatedReport",
        response(OK if known else WRONG_ID, text(update, "pyld:requestID")),
        _cancel(ended) if ended else None,
        make("ei:venID", ven_id),
    )


def _cancel(ended: str) -> Element:
    return make(
        "oadr:oadrCancelReport",
        make("pyld:requestID", f"end-{ended}"),
        make("ei:reportRequestID", ended),
        make("pyld:reportToFollow", "false"),
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
