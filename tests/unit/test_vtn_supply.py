"""The VTN as producer: its metadata and its own reports, asked for by VENs."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from gateway.domain.errors import MisuseError
from gateway.protocols.oadr2b.messages import (
    EiResponse,
    OadrCanceledReport,
    OadrCancelReport,
    OadrCreatedReport,
    OadrCreateReport,
    OadrRegisteredReport,
    OadrRegisterReport,
    OadrReport,
    OadrReportRequest,
    OadrResponse,
    OadrUpdatedReport,
    OadrUpdateReport,
    ReportSpecifier,
    SpecifierPayload,
    WsCalendarInterval,
)
from gateway.protocols.oadr2b.vtn_records import QueueRecord, SupplyRecord
from gateway.protocols.oadr2b.vtn_supplied import GOOD, MISSING, UNCHANGED
from gateway.protocols.oadr2b.vtn_supply import MOST_AT_ONCE, MOST_REQUESTS, MOST_VALUES
from tests.vtn_story import HOUR, MINUTE, POLL, T0, Story, Ven, only, usage_metadata

ZERO = timedelta(0)


def asking(
    request_id: str = "mine",
    specifier: str = "METADATA",
    back: timedelta = ZERO,
    *,
    granularity: timedelta = ZERO,
    r_ids: tuple[str, ...] = ("0",),
    starts_at: datetime = T0,
    lasts: timedelta | None = None,
) -> OadrReportRequest:
    return OadrReportRequest(
        report_request_id=request_id,
        report_specifier=ReportSpecifier(
            report_specifier_id=specifier,
            granularity=granularity,
            report_back_duration=back,
            report_interval=None
            if lasts is None
            else WsCalendarInterval(dtstart=starts_at, duration=lasts),
            specifier_payloads=tuple(SpecifierPayload(r_id=r_id) for r_id in r_ids),
        ),
    )


def periodic(request_id: str = "mine", lasts: timedelta = 2 * MINUTE) -> OadrReportRequest:
    return asking(request_id, "weather", MINUTE, granularity=MINUTE, r_ids=("power",), lasts=lasts)


def ask(ven: Ven, *requests: OadrReportRequest) -> OadrCreatedReport:
    message = OadrCreateReport(request_id="q", oadr_report_requests=requests, ven_id=ven.ven_id)
    return only(OadrCreatedReport, ven.say("EiReport", message))


def code(reply: OadrCreatedReport) -> str:
    return reply.ei_response.response_code


def registered(ven: Ven, message: OadrRegisterReport) -> None:
    answer = OadrRegisteredReport(
        ei_response=EiResponse(request_id=message.request_id), ven_id=ven.ven_id
    )
    only(OadrResponse, ven.say("EiReport", answer))


def updated(ven: Ven, message: OadrUpdateReport, cancel: OadrCancelReport | None = None) -> None:
    answer = OadrUpdatedReport(
        ei_response=EiResponse(request_id=message.request_id),
        oadr_cancel_report=cancel,
        ven_id=ven.ven_id,
    )
    only(OadrResponse, ven.say("EiReport", answer))


def cancelling(ven: Ven, *ids: str, to_follow: bool = False) -> OadrCancelReport:
    return OadrCancelReport(
        request_id="x", report_request_ids=ids, report_to_follow=to_follow, ven_id=ven.ven_id
    )


def offering() -> tuple[Story, Ven]:
    story = Story()
    ven = Ven(story).register()
    story.do(story.vtn.offer((usage_metadata("weather"),), story.now))
    registered(ven, only(OadrRegisterReport, ven.poll()))
    return story, ven


def note(story: Story, value: str, at: datetime) -> None:
    turn = story.vtn.record_value("weather", "power", at, Decimal(value), story.now)
    story.do(turn)


def told(report: OadrReport) -> list[tuple[Decimal | None, str | None]]:
    return [
        (
            interval.oadr_report_payloads[0].payload_float,
            interval.oadr_report_payloads[0].oadr_data_quality,
        )
        for interval in report.intervals
    ]


@pytest.mark.spec("OpenADR 2.0b section 8.3.2.1, R1_3070")
def test_our_metadata_comes_under_the_vens_request_id_once() -> None:
    _, ven = offering()

    created = ask(ven, asking())
    message = only(OadrRegisterReport, ven.poll())
    registered(ven, message)

    assert created.oadr_pending_reports == ("mine",)
    assert message.report_request_id == "mine"
    assert [report.report_request_id for report in message.oadr_reports] == ["mine"]
    assert message.oadr_reports[0].report_name == "METADATA_TELEMETRY_USAGE"
    assert ven.finds_nothing()
    assert ask(ven, asking("next")).oadr_pending_reports == ("next",)


@pytest.mark.spec("OpenADR 2.0b section 8.3.2.1, R1_3080, R1_3090")
def test_metadata_twice_for_each_of_two_requests_that_overlap() -> None:
    story, ven = offering()
    first = ask(ven, asking("one", back=MINUTE, lasts=2 * MINUTE))
    second = ask(ven, asking("two", back=MINUTE, lasts=2 * MINUTE))

    got = []
    for _ in range(4):
        while isinstance(message := ven.poll(), OadrRegisterReport):
            got.append(message.report_request_id)
            registered(ven, message)
        story.later(MINUTE)

    assert first.oadr_pending_reports == ("one",)
    assert second.oadr_pending_reports == ("one", "two")
    assert sorted(filter(None, got)) == ["one", "one", "two", "two"]
    assert ask(ven, asking("three")).oadr_pending_reports == ("three",)


@pytest.mark.spec("OpenADR 2.0b rules 317, 318 and 324")
def test_our_own_report_comes_each_period_with_what_held_then() -> None:
    story, ven = offering()
    note(story, "21.5", T0 + 70 * timedelta(seconds=1))
    assert code(ask(ven, periodic(lasts=3 * MINUTE))) == "200"
    assert ven.finds_nothing()

    reports: list[OadrReport] = []
    for _ in range(5):
        story.later(MINUTE)
        while isinstance(message := ven.poll(), OadrUpdateReport):
            reports += message.oadr_reports
            updated(ven, message)

    assert [report.dtstart for report in reports] == [T0, T0 + MINUTE, T0 + 2 * MINUTE]
    assert [told(report) for report in reports] == [
        [(Decimal(0), MISSING)],
        [(Decimal("21.5"), GOOD)],
        [(Decimal("21.5"), UNCHANGED)],
    ]
    assert {report.report_name for report in reports} == {"TELEMETRY_USAGE"}
    assert {report.report_request_id for report in reports} == {"mine"}
    assert not any(report.oadr_report_descriptions for report in reports)
    assert story.vtn.page(story.now).all(SupplyRecord, ven.ven_id) == []


@pytest.mark.spec("OpenADR 2.0b section 8.3.2.2")
def test_a_buffered_report_holds_several_intervals() -> None:
    story, ven = offering()
    for minute in range(4):
        note(story, str(minute), T0 + minute * MINUTE)
    buffered = asking(
        "mine", "weather", 2 * MINUTE, granularity=MINUTE, r_ids=("power",), lasts=ZERO
    )
    ask(ven, buffered)

    story.later(2 * MINUTE)
    report = only(OadrUpdateReport, ven.poll()).oadr_reports[0]

    assert [value for value, _ in told(report)] == [Decimal(0), Decimal(1)]
    assert [interval.uid for interval in report.intervals] == ["0", "1"]
    assert [interval.dtstart for interval in report.intervals] == [T0, T0 + MINUTE]


@pytest.mark.spec("OpenADR 2.0b section 8.3.2.2, R1_3080")
def test_a_report_that_is_not_acknowledged_comes_again_and_in_order() -> None:
    story, ven = offering()
    ask(ven, periodic(lasts=ZERO))

    story.later(3 * MINUTE)
    first, second, third = (only(OadrUpdateReport, ven.poll()) for _ in range(3))
    assert ven.finds_nothing()
    updated(ven, second)
    story.later(POLL)
    again = only(OadrUpdateReport, ven.poll())

    starts = [message.oadr_reports[0].dtstart for message in (first, second, third)]
    assert starts == [T0, T0 + MINUTE, T0 + 2 * MINUTE]
    assert again.request_id == first.request_id
    assert again.oadr_reports[0].dtstart == T0


@pytest.mark.spec("OpenADR 2.0b rule 324, R1_3140")
def test_history_gives_what_was_recorded_in_the_window() -> None:
    story = Story()
    ven = Ven(story).register()
    history = replace(usage_metadata("past"), report_name="METADATA_HISTORY_USAGE")
    story.do(story.vtn.offer((history,), T0))
    ven.poll()
    for minute in range(5):
        turn = story.vtn.record_value(
            "past", "power", T0 + minute * MINUTE, Decimal(minute), story.now
        )
        story.do(turn)
    window = asking("mine", "past", r_ids=("power",), starts_at=T0 + MINUTE, lasts=2 * MINUTE)

    ask(ven, window)
    report = only(OadrUpdateReport, ven.poll()).oadr_reports[0]

    assert told(report) == [(Decimal(1), GOOD), (Decimal(2), GOOD)]
    assert all(interval.duration is None for interval in report.intervals)


@pytest.mark.spec("OpenADR 2.0b rule 336, R1_3100")
def test_a_ven_cancels_its_request_and_nothing_comes_any_more() -> None:
    story, ven = offering()
    ask(ven, periodic("one", ZERO), periodic("two", ZERO))
    story.later(MINUTE)

    reply = only(OadrCanceledReport, ven.say("EiReport", cancelling(ven, "one")))
    unknown = only(OadrCanceledReport, ven.say("EiReport", cancelling(ven, "one", "two")))

    assert reply.ei_response.is_success
    assert reply.oadr_pending_reports == ("two",)
    assert unknown.ei_response.response_code == "452"
    assert unknown.oadr_pending_reports == ()
    story.later(HOUR)
    assert ven.finds_nothing()


@pytest.mark.spec("OpenADR 2.0b section 8.3.2.4, R1_3045 the other way")
def test_a_last_report_follows_a_cancellation_that_asks_for_it() -> None:
    story, ven = offering()
    ask(ven, periodic(lasts=ZERO))
    story.later(timedelta(seconds=90))
    updated(ven, only(OadrUpdateReport, ven.poll()))

    reply = only(OadrCanceledReport, ven.say("EiReport", cancelling(ven, "mine", to_follow=True)))
    last = only(OadrUpdateReport, ven.poll())
    updated(ven, last)

    assert reply.oadr_pending_reports == ("mine",)
    assert last.oadr_reports[0].dtstart == T0 + MINUTE
    assert ask(ven, asking("n")).oadr_pending_reports == ("n",)


@pytest.mark.spec("OpenADR 2.0b rules 328 and 335, R1_3110")
def test_a_ven_may_cancel_in_its_answer_to_a_report() -> None:
    story, ven = offering()
    ask(ven, periodic(lasts=ZERO))
    story.later(MINUTE)
    message = only(OadrUpdateReport, ven.poll())

    updated(ven, message, cancelling(ven, "mine"))
    story.later(HOUR)

    assert ven.finds_nothing()


@pytest.mark.spec("OpenADR 2.0b rule 344, R1_3120")
def test_a_request_may_ride_in_the_answer_to_our_metadata() -> None:
    story = Story()
    ven = Ven(story).register(settle=False)
    waiting = only(OadrRegisterReport, ven.poll())
    answer = OadrRegisteredReport(
        ei_response=EiResponse(request_id=waiting.request_id),
        oadr_report_requests=(asking("again"),),
        ven_id=ven.ven_id,
    )

    created = only(OadrCreatedReport, ven.say("EiReport", answer))

    assert created.oadr_pending_reports == ("again",)
    assert only(OadrRegisterReport, ven.poll()).report_request_id == "again"


@pytest.mark.spec("OpenADR 2.0b rules 317, 324 and 340, R1_3190")
@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (asking("mine", "nothing"), "452"),
        (asking("mine", "weather", r_ids=("other",)), "452"),
        (asking("0"), "452"),
        (asking("mine", "weather", MINUTE, r_ids=("power",)), "459"),
        (
            asking("mine", "weather", MINUTE, granularity=HOUR, r_ids=("power",), lasts=ZERO),
            "454",
        ),
        (
            asking("mine", "weather", HOUR, granularity=MINUTE / 2, r_ids=("power",), lasts=ZERO),
            "454",
        ),
        (asking("mine", "weather", MINUTE / 2, r_ids=("power",), lasts=ZERO), "454"),
        (asking("mine", "weather", -MINUTE, r_ids=("power",), lasts=ZERO), "454"),
    ],
)
def test_a_request_that_cannot_be_is_refused_and_leaves_the_others_alone(
    request_: OadrReportRequest, expected: str
) -> None:
    story, ven = offering()

    assert code(ask(ven, periodic("other"), request_)) == expected

    assert story.vtn.page(story.now).all(SupplyRecord, ven.ven_id) == []
    assert code(ask(ven, periodic("other"))) == "200"


@pytest.mark.spec("OpenADR 2.0b section 9.1.4")
def test_a_request_that_is_repeated_counts_once_and_another_under_its_id_is_refused() -> None:
    story, ven = offering()

    assert [code(ask(ven, periodic())) for _ in range(2)] == ["200", "200"]
    assert code(ask(ven, periodic(lasts=HOUR))) == "452"
    story.later(MINUTE)
    only(OadrUpdateReport, ven.poll())
    assert ven.finds_nothing()


@pytest.mark.spec("OpenADR 2.0b rule 306")
def test_a_new_offer_ends_data_requests_but_no_metadata_request() -> None:
    story, ven = offering()
    ask(ven, periodic(lasts=ZERO), asking("meta", back=HOUR, lasts=ZERO))
    registered(ven, only(OadrRegisterReport, ven.poll()))

    story.do(story.vtn.offer((usage_metadata("other"),), story.now))
    message = only(OadrRegisterReport, ven.poll())
    registered(ven, message)

    assert message.report_request_id is None
    assert message.oadr_reports[0].report_request_id == "0"
    assert ask(ven, asking("n")).oadr_pending_reports == ("meta", "n")


def test_a_ven_that_was_away_for_years_gets_the_newest_only() -> None:
    story, ven = offering()
    ask(ven, periodic(lasts=ZERO))

    story.later(timedelta(days=3650))
    first = only(OadrUpdateReport, ven.poll())

    waiting = story.vtn.page(story.now).all(QueueRecord, ven.ven_id)
    assert len(waiting) == MOST_AT_ONCE + 1
    assert first.oadr_reports[0].dtstart == story.now - (MOST_AT_ONCE + 1) * MINUTE


def test_what_one_ven_may_ask_for_and_what_is_kept_is_bounded() -> None:
    story, ven = offering()
    for number in range(MOST_REQUESTS):
        assert code(ask(ven, periodic(f"r{number}", ZERO))) == "200"

    assert code(ask(ven, periodic("more", ZERO))) == "461"
    for second in range(MOST_VALUES + 5):
        note(story, str(second), T0 + timedelta(seconds=second))
    with pytest.raises(MisuseError, match="UNKNOWN_OFFER"):
        story.vtn.record_value("weather", "nothing", T0, Decimal(1), T0)


@pytest.mark.spec("OpenADR 2.0b rule 407")
def test_a_ven_that_registers_afresh_has_asked_for_nothing() -> None:
    story, ven = offering()
    ask(ven, periodic(lasts=ZERO))

    ven.register()
    story.later(HOUR)

    assert ven.finds_nothing()
