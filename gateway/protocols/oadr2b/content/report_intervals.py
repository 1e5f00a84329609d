"""``strm:intervals`` of a report: nearly all of a large one, hence read by columns where every interval is alike."""

from collections.abc import Sequence
from itertools import islice
from typing import Final

from gateway.protocols.oadr2b.content.columns import Rows
from gateway.protocols.oadr2b.content.model import Listing
from gateway.protocols.oadr2b.lexical import (
    TOKEN,
    read_duration,
    read_ids,
    read_instants,
    read_numbers,
)
from gateway.protocols.oadr2b.messages.report import OadrReportPayload, ReportInterval
from gateway.protocols.oadr2b.names import qualified
from gateway.protocols.xml import Element

_DATE_TIME: Final = qualified("xcal:date-time")
_DURATION: Final = qualified("xcal:duration")
_R_ID: Final = qualified("ei:rID")
_VALUE: Final = qualified("ei:value")
_QUALITY: Final = qualified("oadr:oadrDataQuality")
_ODD: Final = tuple(
    map(
        qualified,
        (
            "xcal:uid",
            "ei:signalPayload",
            "ei:confidence",
            "ei:accuracy",
            "oadr:oadrPayloadResourceStatus",
            "oadr:oadrGBPayload",
        ),
    )
)
"""Parts that a column reader does not know."""
_PAYLOADS: Final = Rows(OadrReportPayload)
_INTERVALS: Final = Rows(ReportInterval)


class ReportIntervals(Listing):
    """A tuple of ``ReportInterval``.

    In the usual form every interval has a start, a length and numbers, each number an rID and perhaps a quality. The
    schema allows one start and one length in an interval, and in a payload one rID, one value and one quality; so
    equal counts mean that each has exactly one. Any other form is read interval by interval.
    """

    def read(self, element: Element) -> tuple[object, ...]:
        """Return the intervals in document order."""
        usual = None if next(element.iter(*_ODD), None) is not None else _usual(element)
        return super().read(element) if usual is None else usual


def _usual(element: Element) -> tuple[ReportInterval, ...] | None:
    """Read intervals of the usual form; None when they have another one."""
    starts = _texts(element, _DATE_TIME)
    lengths = _texts(element, _DURATION)[1::2]  # each stands in a wrapper of its own name
    r_ids = _texts(element, _R_ID)
    values = _texts(element, _VALUE)
    qualities = _texts(element, _QUALITY)
    if {len(starts), len(lengths)} != {len(element)} or len(qualities) not in {0, len(values)}:
        return None
    sizes = _sizes(element, len(values))
    if {len(r_ids), sum(sizes)} != {len(values)} or min(sizes, default=1) < 1:
        return None
    known = {text: read_duration(text) for text in set(lengths)}
    columns: dict[str, Sequence[object]] = {
        "dtstart": read_instants(starts),
        "duration": list(map(known.__getitem__, lengths)),
        "oadr_report_payloads": _dealt(_payloads(r_ids, values, qualities), sizes),
    }
    return tuple(_INTERVALS.make(len(sizes), columns))


def _sizes(element: Element, values: int) -> list[int]:
    """Return how many payloads each interval has beside its start and length; the schema demands one at least."""
    if values == len(element):
        return [1] * values
    return [len(interval) - 2 for interval in element]


def _dealt(
    payloads: list[OadrReportPayload], sizes: list[int]
) -> list[tuple[OadrReportPayload, ...]]:
    """Deal the payloads out to intervals of these sizes."""
    each = iter(payloads)
    if len(set(sizes)) == 1:
        return list(zip(*[each] * sizes[0], strict=True))
    return [tuple(islice(each, size)) for size in sizes]


def _payloads(
    r_ids: Sequence[str], values: Sequence[str], qualities: Sequence[str]
) -> list[OadrReportPayload]:
    columns: dict[str, Sequence[object]] = {
        "r_id": read_ids(r_ids),
        "payload_float": read_numbers(values),
    }
    if qualities:
        known = {text: TOKEN.read(text) for text in set(qualities)}
        columns["oadr_data_quality"] = list(map(known.__getitem__, qualities))
    return _PAYLOADS.make(len(values), columns)


def _texts(element: Element, tag: str) -> list[str]:
    return [part.text or "" for part in element.iter(tag)]
