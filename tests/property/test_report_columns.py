"""Reports read by columns give what reading interval by interval gives, whatever their form."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.bench.report2b import VALUES, document, values
from gateway.domain.errors import WireError
from gateway.protocols import xml
from gateway.protocols.oadr2b.codec import Codec
from gateway.protocols.oadr2b.content.model import Listing
from gateway.protocols.oadr2b.content.report import _INTERVAL
from gateway.protocols.oadr2b.content.report_intervals import ReportIntervals, _usual
from gateway.protocols.oadr2b.messages import OadrReport, OadrUpdateReport, ReportInterval
from gateway.protocols.oadr2b.messages.report import (
    OadrPayloadResourceStatus,
    OadrReportPayload,
)
from gateway.protocols.oadr2b.names import qualified
from gateway.protocols.xml import Element
from gateway.transport.schemas import load_oadr20b_schema

CODEC = Codec(load_oadr20b_schema())
NOW = datetime(2026, 5, 3, 16, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
COLUMNS = ReportIntervals("strm:intervals", _INTERVAL)
ONE_BY_ONE = Listing("strm:intervals", _INTERVAL)

numbers = st.decimals(
    allow_nan=False, allow_infinity=False, min_value=-(10**6), max_value=10**6, places=3
)
plain_payloads = st.builds(
    OadrReportPayload,
    r_id=st.sampled_from(["a", "b", "phx-1 power"]),
    payload_float=numbers,
    oadr_data_quality=st.none() | st.sampled_from(["Quality Good - Non Specific", "x-own"]),
)
odd_payloads = st.builds(
    OadrReportPayload,
    r_id=st.just("s"),
    confidence=st.none() | st.integers(0, 100),
    accuracy=st.none() | numbers,
    oadr_payload_resource_status=st.just(
        OadrPayloadResourceStatus(oadr_online=True, oadr_manual_override=False)
    ),
)
intervals = st.builds(
    ReportInterval,
    dtstart=st.none() | st.integers(0, 10**6).map(lambda s: NOW + timedelta(seconds=s)),
    duration=st.none() | st.sampled_from([MINUTE, 15 * MINUTE]),
    uid=st.none() | st.sampled_from(["0", "1"]),
    oadr_report_payloads=st.lists(plain_payloads | odd_payloads, min_size=1, max_size=3).map(tuple),
)
usual_intervals = st.builds(
    ReportInterval,
    dtstart=st.integers(0, 10**6).map(lambda s: NOW + timedelta(seconds=s)),
    duration=st.sampled_from([MINUTE, 15 * MINUTE]),
    oadr_report_payloads=st.lists(plain_payloads, min_size=1, max_size=3).map(tuple),
)


def written(found: tuple[ReportInterval, ...]) -> Element:
    """Return the ``strm:intervals`` of a report."""
    report = OadrReport(
        intervals=found,
        report_request_id="q1",
        report_specifier_id="s1",
        created_date_time=NOW,
    )
    update = OadrUpdateReport(request_id="r1", ven_id="v1", oadr_reports=(report,))
    root = xml.parse(CODEC.encode(update))
    element = next(root.iter(qualified("strm:intervals")), None)
    assert element is not None
    return element


@settings(max_examples=150, deadline=None)
@given(found=st.lists(intervals | usual_intervals, min_size=1, max_size=6).map(tuple))
def test_any_mixture_reads_the_same_either_way(found: tuple[ReportInterval, ...]) -> None:
    element = written(found)

    assert COLUMNS.read(element) == ONE_BY_ONE.read(element) == found


@settings(max_examples=50, deadline=None)
@given(found=st.lists(usual_intervals, min_size=1, max_size=6).map(tuple))
def test_the_usual_form_is_recognised(found: tuple[ReportInterval, ...]) -> None:
    qualities = {p.oadr_data_quality is None for i in found for p in i.oadr_report_payloads}

    assert (_usual(written(found)) == found) is (len(qualities) == 1)


def test_parts_that_make_up_for_each_other_are_noticed() -> None:
    payload = OadrReportPayload(r_id="a", payload_float=Decimal(1))
    both = ReportInterval(dtstart=NOW, duration=MINUTE, oadr_report_payloads=(payload, payload))
    neither = ReportInterval(oadr_report_payloads=(payload,))

    assert COLUMNS.read(written((both, neither))) == (both, neither)
    assert COLUMNS.read(written((neither, both))) == (neither, both)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("2026-02-30T00:00:00Z", "INVALID_TIME"),
        ("1999-01-01T00:00:00Z", "INVALID_TIME"),
        ("2201-01-01T00:00:00Z", "INVALID_TIME"),
    ],
)
def test_an_instant_that_is_none_is_refused_in_a_column_too(text: str, reason: str) -> None:
    payload = OadrReportPayload(r_id="a", payload_float=Decimal(1))
    found = tuple(
        ReportInterval(dtstart=NOW + MINUTE * at, duration=MINUTE, oadr_report_payloads=(payload,))
        for at in range(3)
    )
    element = written(found)
    middle = list(element.iter(qualified("xcal:date-time")))[1]
    middle.text = text

    with pytest.raises(WireError, match=reason):
        COLUMNS.read(element)


def test_instants_of_another_form_read_the_same() -> None:
    payload = OadrReportPayload(r_id="a", payload_float=Decimal(1))
    one = ReportInterval(dtstart=NOW, duration=MINUTE, oadr_report_payloads=(payload,))
    element = written((one, one))
    first = next(element.iter(qualified("xcal:date-time")))
    first.text = "2026-05-03T18:00:00.000+02:00"

    assert COLUMNS.read(element) == (one, one)


def test_the_report_of_the_bench_has_the_values_it_promises() -> None:
    assert values(CODEC, CODEC.encode(document(VALUES))) == VALUES
