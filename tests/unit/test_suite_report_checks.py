"""Checks of a VEN's reports and opts: each accepts what is right and finds what is wrong."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from conformance.kit.checks import opts, reports
from conformance.kit.finding import Check
from conformance.kit.oadr20b import build
from conformance.kit.oadr20b.event import Target
from conformance.kit.oadr20b.report import ReportRequest
from conformance.kit.oadr20b.ven_build import create_opt, pending_answer, update_report
from conformance.kit.transcript import Side
from conformance.kit.xml import Element
from tests.transcripts2b import NOW, Story

MINUTE = timedelta(minutes=1)
CITED = "REQ-OADR20B-R324-1"


def delivery(
    minute: int, values: Sequence[str] = ("1.5",), *, point: str = "power", name: str = "r1"
) -> Element:
    return update_report(
        f"q{minute}{name}",
        "ven-1",
        report_request=name,
        specifier="usage",
        name="TELEMETRY_USAGE",
        start=NOW + minute * MINUTE,
        step=MINUTE,
        values=[(point, Decimal(x)) for x in values],
        now=NOW,
    )


def told(*rows: tuple[int, Element], start: datetime | None = None) -> Story:
    """Ask for report r1 and have the device deliver, so many seconds after what was before."""
    story = Story(role="VEN")
    request = ReportRequest(id="r1", specifier="usage", points=("power",), start=start)
    story.ask(build.create_report("q", (request,), "ven-1"))
    for seconds, element in rows:
        story.wait(seconds)
        story.ask(element, side=Side.DEVICE)
    story.mark("watched")
    return story


def without(element: Element, path: str) -> Element:
    for found in element.findall(f".//{build.tag(path)}"):
        parent = found.getparent()
        assert parent is not None
        parent.remove(found)
    return element


def status() -> Element:
    found = delivery(0)
    for payload in found.iter(build.tag("ei:payloadFloat")):
        parent = payload.getparent()
        assert parent is not None
        state = build.make(
            "oadr:oadrPayloadResourceStatus",
            build.make("oadr:oadrOnline", "true"),
            build.make("oadr:oadrManualOverride", "false"),
        )
        parent.replace(payload, state)
    return found


def not_a_number() -> Element:
    found = delivery(0)
    for value in found.iter(build.tag("ei:value")):
        value.text = "NaN"
    return found


EVEN = told((0, delivery(0)), (59, delivery(1)), (59, delivery(2)))
CHECKS: dict[str, tuple[Check, Story, Story]] = {
    "period": (
        reports.delivered_each("r1", MINUTE, requirement=CITED),
        EVEN,
        told((0, delivery(0)), (70, delivery(1))),
    ),
    "count": (
        reports.has_intervals("r1", 2, requirement=CITED),
        told((0, delivery(0, ("1", "2")))),
        told((0, delivery(0, ("1", "2", "3")))),
    ),
    "count within one": (
        reports.has_intervals("r1", 2, requirement=CITED, tolerance=1),
        told((0, delivery(0, ("1", "2", "3")))),
        told((0, delivery(0, ("1", "2", "3", "4")))),
    ),
    "gap": (
        reports.goes_on_without_gaps("r1", MINUTE, requirement=CITED),
        EVEN,
        told((0, delivery(0)), (59, delivery(2))),
    ),
    "twice": (
        reports.goes_on_without_gaps("r1", MINUTE, requirement=CITED),
        told((0, delivery(0, ("1", "2"))), (0, delivery(2))),
        told((0, delivery(0, ("1", "2"))), (0, delivery(1))),
    ),
    "points": (
        reports.has_points("r1", requirement=CITED),
        EVEN,
        told((0, delivery(0, point="energy"))),
    ),
    "numbers": (reports.has_numbers("r1", requirement=CITED), EVEN, told((0, not_a_number()))),
    "no numbers": (reports.has_numbers("r1", requirement=CITED), EVEN, told((0, status()))),
    "lengths": (
        reports.states_lengths("r1", requirement=CITED),
        EVEN,
        told((0, without(delivery(0), "xcal:duration"))),
    ),
    "status": (
        reports.states_status("r1", requirement=CITED),
        told((0, status())),
        EVEN,
    ),
    "control": (
        reports.states_status("r1", requirement="REQ-OTHER-1", control=CITED),
        told(),
        told((0, status())),
    ),
    "pending": (
        reports.lists_pending("oadrCreatedReport", "r1", requirement=CITED, absent=("r2",)),
        told((0, pending_answer("oadr:oadrCreatedReport", "q", "200", ("r1",), "ven-1"))),
        told((0, pending_answer("oadr:oadrCreatedReport", "q", "200", ("r2",), "ven-1"))),
    ),
    "metadata": (
        reports.registers_under("r1", requirement=CITED, within=MINUTE),
        told((0, build.register_report("q", (), "ven-1", "r1"))),
        told((0, build.register_report("q", (), "ven-1", "0"))),
    ),
}


@pytest.mark.parametrize("name", sorted(CHECKS))
def test_what_is_right_is_accepted(name: str) -> None:
    check, right, _ = CHECKS[name]

    assert check(right.transcript) == []


@pytest.mark.parametrize("name", sorted(CHECKS))
def test_what_is_wrong_is_found(name: str) -> None:
    check, _, wrong = CHECKS[name]

    assert CITED in {f.requirement for f in check(wrong.transcript)}


@pytest.mark.parametrize(
    ("gaps", "right"), [((50, 60), True), ((60, 60), True), ((30, 60), False), ((50, 50), False)]
)
def test_after_a_late_request_the_first_time_between_deliveries_may_be_shorter(
    gaps: tuple[int, int], *, right: bool
) -> None:
    first, second = (gap - 1 for gap in gaps)
    rows = (0, delivery(0)), (first, delivery(1)), (second, delivery(2))
    late = told(*rows, start=NOW - timedelta(seconds=10))
    in_time = told(*rows, start=NOW + timedelta(seconds=60))
    check = reports.delivered_each("r1", MINUTE, requirement=CITED)

    assert (check(late.transcript) == []) is right
    assert (check(in_time.transcript) == []) is (gaps == (60, 60))


def test_a_delivery_that_was_only_sent_again_counts_once() -> None:
    story = told((0, delivery(0)), (5, delivery(0)), (50, delivery(1)))

    assert [d.starts for d in reports.deliveries(story.transcript, "r1")] == [
        [NOW],
        [NOW + MINUTE],
    ]


def test_starts_follow_from_the_lengths_where_intervals_have_none_of_their_own() -> None:
    element = delivery(3, ("1", "2"))
    for interval in element.iter(build.tag("ei:interval")):
        start = interval.find(build.tag("xcal:dtstart"))
        assert start is not None
        interval.remove(start)

    (found,) = reports.deliveries(told((0, element)).transcript, "r1")

    assert found.starts == [NOW + 3 * MINUTE, NOW + 4 * MINUTE]


def test_metadata_that_never_came_is_a_finding_only_on_a_healthy_line() -> None:
    check = reports.registers_under("r1", requirement=CITED, within=MINUTE)

    (found,) = check(told().transcript)

    assert (found.late, found.healthy) == (True, False)


@pytest.mark.parametrize(("first", "last", "right"), [(0, 2, True), (0, 1, False), (1, 2, False)])
def test_history_holds_exactly_what_was_recorded(first: int, last: int, *, right: bool) -> None:
    story = told()
    starts = [NOW + n * MINUTE for n in range(3)]
    story.mark("window", starts=" ".join(x.isoformat() for x in starts))
    story.ask(delivery(first, ["1"] * (last - first + 1)), side=Side.DEVICE)

    found = reports.within_window("r1", "window", requirement=CITED)(story.transcript)

    assert (found == []) is right


def opted(opt: str = "optOut", seconds: int = 3600, resource: str = "site", late: int = 0) -> Story:
    story = Story(role="VEN")
    story.mark("ordered", start=NOW.isoformat(), seconds="3600", resource="site")
    element = create_opt(
        "o1",
        opt,
        ven_id="ven-1",
        request_id="q",
        now=NOW,
        windows=((NOW + timedelta(seconds=late), timedelta(seconds=seconds)),),
        to=Target(resource_ids=(resource,)),
    )
    story.ask(element, side=Side.DEVICE)
    return story


WINDOW = opts.has_window("o1", "ordered", requirement=CITED)
OWN = opts.names_own_resource("ordered", requirement=CITED)
ORDER = opts.in_order("optOut", requirement=CITED, after="ordered")


def test_the_opt_that_was_ordered_is_accepted() -> None:
    assert [c(opted().transcript) for c in (WINDOW, OWN, ORDER)] == [[], [], []]


@pytest.mark.parametrize(
    ("check", "story"),
    [
        (WINDOW, opted(seconds=0)),
        (WINDOW, opted(late=60)),
        (OWN, opted(resource="another")),
        (ORDER, opted("optIn")),
    ],
)
def test_another_opt_than_was_ordered_is_found(check: Check, story: Story) -> None:
    assert [f.requirement for f in check(story.transcript)] == [CITED]
