"""Checks of values, of a long grid and of pushes: each accepts what is right and finds what is wrong."""

from datetime import timedelta
from decimal import Decimal

import pytest

from conformance.kit.checks import flow, reports
from conformance.kit.oadr20b import build
from conformance.kit.oadr20b.ven_build import update_report
from conformance.kit.observations import shown
from conformance.kit.transcript import Side
from conformance.kit.xml import Element
from tests.transcripts2b import NOW, Story

MINUTE = timedelta(minutes=1)
CITED = "REQ-OADR20B-R318-1"
BAD, GOOD = "Quality Bad - Not Connected", "Quality Good - Non Specific"


def delivery(start: timedelta, *qualities: str) -> Element:
    found = update_report(
        f"q{start}",
        "ven-1",
        report_request="r1",
        specifier="usage",
        name="TELEMETRY_USAGE",
        start=NOW + start,
        step=MINUTE,
        values=[("power", Decimal(1))] * len(qualities),
        now=NOW,
    )
    payloads = found.iter(build.tag("oadr:oadrReportPayload"))
    for payload, quality in zip(payloads, qualities, strict=True):
        if quality:
            payload.append(build.make("oadr:oadrDataQuality", quality))
    return found


def failing(*qualities: str) -> Story:
    """Have the meter fail from the end of the first minute to the end of the third, about."""
    story = Story(role="VEN")
    story.wait(62)
    story.mark("failed")
    story.wait(130)
    story.mark("mended")
    story.wait(120)
    story.ask(delivery(timedelta(0), *qualities), side=Side.DEVICE)
    return story


@pytest.mark.parametrize(
    ("qualities", "right"),
    [
        ((GOOD, BAD, BAD, BAD, GOOD), True),
        (("", GOOD, BAD, GOOD, ""), True),
        ((GOOD, GOOD, GOOD, GOOD, GOOD), False),
        ((GOOD, GOOD, "", GOOD, GOOD), False),
        ((BAD, BAD, BAD, BAD, GOOD), False),
        ((GOOD, BAD, BAD, BAD, BAD), False),
    ],
)
def test_values_are_bad_where_nothing_was_measured_and_nowhere_else(
    qualities: tuple[str, ...], *, right: bool
) -> None:
    check = reports.states_quality("r1", failed="failed", mended="mended", requirement=CITED)

    assert (check(failing(*qualities).transcript) == []) is right


@pytest.mark.parametrize(
    ("seconds", "shift", "right"), [(58, 0, True), (62, 0, True), (49, 0, False), (58, 1, False)]
)
def test_a_report_keeps_to_its_grid(seconds: int, shift: int, *, right: bool) -> None:
    check = reports.keeps_to_grid("r1", "grid", MINUTE, requirement=CITED)
    story = Story(role="VEN")
    story.mark("grid", start=NOW.isoformat())
    story.wait(seconds)
    story.ask(delivery(timedelta(seconds=shift), GOOD), side=Side.DEVICE)

    assert (check(story.transcript) == []) is right


@pytest.mark.parametrize(("status", "right"), [(200, True), (406, False), (500, False)])
def test_a_push_is_accepted_by_200(status: int, *, right: bool) -> None:
    check, seen = flow.accepts("oadrUpdateReport", requirement=CITED), shown("oadrUpdateReport")
    story = Story(mode="push", role="VEN")
    story.reply(story.ask(delivery(timedelta(0), GOOD)), None, status=status)

    assert (check(story.transcript) == []) is right
    assert seen.count(story.transcript) == 1
