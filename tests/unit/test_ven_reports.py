"""The VEN offers, takes requests, delivers on time and keeps what was not taken (catalogue cases R1_30xx)."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest

from gateway.domain.names import MeterId, SiteId
from gateway.domain.opting import OptSchedule, Window
from gateway.domain.participation import Opt
from gateway.domain.reading import Quality
from gateway.protocols.actions import Collect, Readings
from gateway.protocols.entry import MeterPoint, Scope
from gateway.protocols.oadr2b import messages as wire
from gateway.protocols.oadr2b.options import VenOptions
from tests.oadr2b_world import (
    HOUR,
    KILOWATT,
    MINUTE,
    NOW,
    SCOPE,
    UTILITY,
    ScriptedVtn,
    World,
    ok,
)

NONE = timedelta(0)
POWER, ENERGY, STATUS = "phx-1.it_load.power", "phx-1.it_load.energy", "phx-1.status"
SECOND = timedelta(seconds=1)


def want(
    report_request_id: str = "q1",
    *,
    granularity: timedelta = MINUTE,
    back: timedelta = MINUTE,
    start: datetime | None = None,
    lasts: timedelta | None = None,
    specifier: str = "telemetry-usage",
    r_ids: Iterable[str] = (POWER, ENERGY),
    **interest: timedelta,
) -> wire.OadrReportRequest:
    interval = None
    if start is not None or lasts is not None:
        interval = wire.WsCalendarInterval(
            dtstart=start or NOW, duration=NONE if lasts is None else lasts, **interest
        )
    return wire.OadrReportRequest(
        report_request_id=report_request_id,
        report_specifier=wire.ReportSpecifier(
            report_specifier_id=specifier,
            granularity=granularity,
            report_back_duration=back,
            report_interval=interval,
            specifier_payloads=tuple(wire.SpecifierPayload(r_id=r_id) for r_id in r_ids),
        ),
    )


def create(
    *requests: wire.OadrReportRequest, ven_id: str | None = "ven-1"
) -> wire.OadrCreateReport:
    return wire.OadrCreateReport(request_id="c1", oadr_report_requests=requests, ven_id=ven_id)


def cancel(*ids: str, follow: bool = False) -> wire.OadrCancelReport:
    return wire.OadrCancelReport(request_id="x1", report_request_ids=ids, report_to_follow=follow)


def ready(**keys: object) -> World:
    world = World(**keys)  # type: ignore[arg-type] # names of fields, checked when it is made
    world.settle()
    return world


def reports(world: World) -> list[wire.OadrReport]:
    """Every report delivered, without repetitions of a message."""
    seen = {u.request_id: u for u in world.of(wire.OadrUpdateReport)}
    return [report for update in seen.values() for report in update.oadr_reports]


def starts(report: wire.OadrReport) -> list[datetime]:
    return [interval.dtstart for interval in report.intervals if interval.dtstart]


def created(world: World) -> list[tuple[str, tuple[str, ...]]]:
    return [
        (c.ei_response.response_code, c.oadr_pending_reports)
        for c in world.of(wire.OadrCreatedReport)
    ]


# --- metadata


@pytest.mark.spec("OpenADR 2.0b section 8.3.2.1, rules 312, 331 and 510")
@pytest.mark.spec("OpenADR 2.0b rules 312, 331, 510")
def test_usage_and_status_are_offered_for_each_meter() -> None:
    world = ready()

    message = world.of(wire.OadrRegisterReport)[0]

    names = [report.report_name for report in message.oadr_reports]
    assert names == [
        "METADATA_TELEMETRY_USAGE",
        "METADATA_TELEMETRY_STATUS",
        "METADATA_HISTORY_USAGE",
    ]
    assert (message.ven_id, message.report_request_id) == ("ven-1", None)
    for report in message.oadr_reports:
        assert report.report_request_id == "0"
        assert report.dtstart is None
        assert report.intervals == ()
        assert report.ei_report_id is None
        assert report.duration == timedelta(days=1)
        for point in report.oadr_report_descriptions:
            rate = point.oadr_sampling_rate
            if report.report_name == "METADATA_HISTORY_USAGE":
                assert rate is None
            else:
                assert rate is not None
                assert MINUTE == rate.oadr_min_period <= rate.oadr_max_period <= report.duration
    usage, status, _ = message.oadr_reports
    assert [p.r_id for p in usage.oadr_report_descriptions] == [POWER, ENERGY]
    assert {p.reading_type for p in usage.oadr_report_descriptions} == {"Direct Read"}
    assert [p.item_base.name for p in usage.oadr_report_descriptions if p.item_base] == [
        "powerReal",
        "energyReal",
    ]
    assert [(p.r_id, p.report_type) for p in status.oadr_report_descriptions] == [
        (STATUS, "x-resourceStatus")
    ]


def test_a_ven_without_meters_offers_an_empty_list() -> None:
    world = ready(scope=Scope(utility=SCOPE.utility, programs=SCOPE.programs))

    assert world.of(wire.OadrRegisterReport)[0].oadr_reports == ()


def test_a_resource_is_offered_by_the_name_that_the_vtn_knows() -> None:
    world = ready(options=VenOptions(query_first=False, resources={"R1": "phx-1"}))

    point = world.of(wire.OadrRegisterReport)[0].oadr_reports[0].oadr_report_descriptions[0]

    assert point.report_data_source is not None
    assert point.report_data_source.resource_ids == ("R1",)


@pytest.mark.spec("OpenADR 2.0b rule 306, R1_3170")
@pytest.mark.spec("OpenADR 2.0b case R1_3170")
def test_metadata_on_request_leaves_a_running_report_alone() -> None:
    world = ready()
    world.poll(create(want("q1", start=NOW, lasts=10 * MINUTE)))

    world.poll(create(want("m1", specifier="METADATA", r_ids=["0"], granularity=NONE, back=NONE)))
    world.run(12 * MINUTE)

    asked = world.of(wire.OadrRegisterReport)[1]
    assert asked.report_request_id == "m1"
    assert {report.report_request_id for report in asked.oadr_reports} == {"m1"}
    assert created(world)[1] == ("200", ("q1", "m1"))
    assert len(reports(world)) == 10


@pytest.mark.spec("OpenADR 2.0b rule 306")
def test_metadata_sent_anew_ends_running_reports() -> None:
    world = ready()
    world.poll(create(want(start=NOW, lasts=HOUR)))
    world.vtn.script(wire.OadrPoll, wire.OadrResponse(ei_response=ok(code="463")))

    world.run(MINUTE)
    before = len(reports(world))
    world.run(5 * MINUTE)

    assert len(world.of(wire.OadrRegisterReport)) == 2
    assert len(reports(world)) == before


def test_periodic_metadata_is_not_given() -> None:
    world = ready()

    world.poll(create(want("m1", specifier="METADATA", r_ids=["0"], granularity=NONE)))

    assert created(world) == [("461", ())]


@pytest.mark.parametrize("reply", ["STATUS_404", wire.OadrResponse(ei_response=ok(code="461"))])
def test_metadata_that_the_vtn_does_not_take_stops_nothing(reply: object) -> None:
    vtn = ScriptedVtn()
    vtn.script(wire.OadrRegisterReport, reply)  # type: ignore[arg-type] # one of the replies

    world = World(vtn=vtn)
    world.run(MINUTE)

    assert len(world.of(wire.OadrRegisterReport)) == 1
    assert len(world.of(wire.OadrPoll)) > 3


def test_an_offer_that_the_vtn_refuses_leaves_running_reports_alone() -> None:
    world = ready()
    world.poll(create(want(start=NOW, lasts=HOUR)))
    world.options = VenOptions(query_first=False, history=False)
    world.vtn.script(wire.OadrRegisterReport, wire.OadrRegisteredReport(ei_response=ok(code="459")))

    world.restart()
    world.run(5 * MINUTE)

    assert len(world.of(wire.OadrRegisterReport)) == 2
    assert len(reports(world)) >= 5


# --- the VTN as producer


@pytest.mark.spec("OpenADR 2.0b section 8.3.2.1")
@pytest.mark.spec("OpenADR 2.0b case N1_0020")
def test_what_the_vtn_offers_is_acknowledged() -> None:
    world = ready()

    world.poll(wire.OadrRegisterReport(request_id="v1"))

    answer = world.of(wire.OadrRegisteredReport)[0]
    assert answer.ei_response.request_id == "v1"
    assert answer.oadr_report_requests == ()


@pytest.mark.spec("OpenADR 2.0b rule 336")
@pytest.mark.spec("OpenADR 2.0b case R1_3190")
def test_data_that_nobody_asked_for_is_refused() -> None:
    world = ready()

    report = wire.OadrReport(report_request_id="q9", report_specifier_id="s", created_date_time=NOW)
    world.poll(wire.OadrUpdateReport(request_id="v1", oadr_reports=(report,)))

    assert world.of(wire.OadrUpdatedReport)[0].ei_response.response_code == "452"


# --- requests


@pytest.mark.spec("OpenADR 2.0b cases R1_3010 and R1_3150")
@pytest.mark.spec("OpenADR 2.0b case R1_3150")
@pytest.mark.parametrize("granularity", [NONE, MINUTE, HOUR])
def test_a_one_shot_gives_one_value_of_each_point_at_once(granularity: timedelta) -> None:
    world = ready()
    world.run(30 * SECOND)

    world.poll(create(want(granularity=granularity, back=NONE)))
    world.run(10 * MINUTE)

    (report,) = reports(world)
    (interval,) = report.intervals
    assert interval.dtstart == NOW - MINUTE
    assert interval.duration == MINUTE
    assert [(p.r_id, p.payload_float) for p in interval.oadr_report_payloads] == [
        (POWER, Decimal(300000)),
        (ENERGY, Decimal(5000)),
    ]
    assert {p.oadr_data_quality for p in interval.oadr_report_payloads} == {
        "Quality Good - Non Specific"
    }
    assert created(world) == [("200", ("q1",))]
    assert world.times_of(wire.OadrUpdateReport)[0] - NOW <= 45 * SECOND
    assert report.report_name == "TELEMETRY_USAGE"
    assert report.oadr_report_descriptions == ()
    assert (report.report_request_id, report.report_specifier_id) == ("q1", "telemetry-usage")


@pytest.mark.spec("OpenADR 2.0b case R1_3020")
def test_a_periodic_report_comes_every_period_until_the_end() -> None:
    world = ready()

    world.poll(create(want(start=NOW, lasts=2 * MINUTE)))
    world.run(10 * MINUTE)

    assert [starts(report) for report in reports(world)] == [[NOW - MINUTE], [NOW]]
    assert world.saved is not None
    assert b'"running":[]' in world.saved


@pytest.mark.spec("OpenADR 2.0b case R1_3160")
def test_buffered_reports_are_contiguous() -> None:
    world = ready()

    world.poll(create(want(back=2 * MINUTE, start=NOW, lasts=4 * MINUTE)))
    world.run(10 * MINUTE)

    assert [starts(report) for report in reports(world)] == [
        [NOW, NOW + MINUTE],
        [NOW + 2 * MINUTE, NOW + 3 * MINUTE],
    ]
    first = reports(world)[0]
    assert (first.dtstart, first.duration) == (NOW, 2 * MINUTE)


@pytest.mark.spec("OpenADR 2.0b section 8.3.2.2, R1_3025")
@pytest.mark.spec("OpenADR 2.0b case R1_3025")
def test_a_report_that_starts_later_waits() -> None:
    world = ready()

    world.poll(create(want(granularity=NONE, start=NOW + 2 * MINUTE, lasts=2 * MINUTE)))
    world.run(10 * MINUTE)

    times = world.times_of(wire.OadrUpdateReport)
    assert len(times) == 2
    assert times[0] >= NOW + 2 * MINUTE


def test_an_open_ended_report_goes_on_and_on() -> None:
    world = ready(vtn=ScriptedVtn(poll_every=MINUTE))

    world.poll(create(want(start=NOW)))
    world.run(3 * HOUR)

    assert len(reports(world)) == 181


@pytest.mark.spec("OpenADR 2.0b case R1_3030")
def test_two_requests_run_side_by_side() -> None:
    world = ready()

    world.poll(create(want("a", start=NOW, lasts=3 * MINUTE)))
    world.poll(create(want("b", back=2 * MINUTE, start=NOW, lasts=4 * MINUTE)))
    world.run(10 * MINUTE)

    ids = [report.report_request_id for report in reports(world)]
    assert (ids.count("a"), ids.count("b")) == (3, 2)
    assert created(world)[1] == ("200", ("a", "b"))


@pytest.mark.spec("OpenADR 2.0b case R1_3180")
def test_two_requests_in_one_message_are_both_served() -> None:
    world = ready()

    world.poll(create(want("a", back=NONE), want("b", back=NONE, r_ids=[ENERGY])))
    world.run(MINUTE)

    found = {r.report_request_id: r.intervals[0].oadr_report_payloads for r in reports(world)}
    assert [len(found[key]) for key in ("a", "b")] == [2, 1]


@pytest.mark.spec("OpenADR 2.0b case R1_3060")
def test_a_request_beside_the_answer_to_metadata_is_served() -> None:
    vtn = ScriptedVtn()
    vtn.script(
        wire.OadrRegisterReport,
        wire.OadrRegisteredReport(
            ei_response=ok(), oadr_report_requests=(want(start=NOW, lasts=2 * MINUTE),)
        ),
    )

    world = World(vtn=vtn)
    world.run(5 * MINUTE)

    assert created(world) == [("200", ("q1",))]
    assert len(reports(world)) == 2


def test_a_request_that_comes_twice_is_served_once() -> None:
    world = ready()

    world.poll(create(want(start=NOW, lasts=2 * MINUTE)), create(want(start=NOW, lasts=2 * MINUTE)))
    world.run(5 * MINUTE)

    assert created(world) == [("200", ("q1",))] * 2
    assert len(reports(world)) == 2


@pytest.mark.spec("OpenADR 2.0b rule 324")
def test_a_periodic_request_without_interval_runs_from_now_on_as_fielded_utilities_mean_it() -> (
    None
):
    world = ready()

    world.poll(create(want()))
    world.run(5 * MINUTE)

    assert created(world) == [("200", ("q1",))]
    assert len(reports(world)) >= 4


@pytest.mark.spec("OpenADR 2.0b case R1_3190")
@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (want(specifier="nonsense"), "452"),
        (want(r_ids=["nonsense"]), "452"),
        (want("0"), "459"),
        (want(""), "459"),
        (want(start=NOW, startafter=MINUTE), "459"),
        (want(start=NOW, x_ei_recovery=MINUTE), "459"),
        (want(start=NOW, lasts=-HOUR), "454"),
        (want(start=NOW, granularity=-MINUTE), "454"),
        (want(start=NOW, granularity=90 * SECOND, back=3 * MINUTE), "454"),
        (want(start=NOW, granularity=25 * HOUR, back=25 * HOUR), "454"),
        (want(start=NOW, granularity=2 * MINUTE), "454"),
        (want(start=NOW, back=48 * HOUR), "454"),
        (want(start=NOW, lasts=30 * SECOND), "454"),
        (want(start=NOW, specifier="history-usage", granularity=MINUTE, back=NONE), "454"),
        (want(specifier="history-usage", granularity=NONE, back=NONE), "459"),
        (
            want(
                start=NOW + HOUR,
                lasts=HOUR,
                specifier="history-usage",
                granularity=NONE,
                back=NONE,
            ),
            "454",
        ),
    ],
)
def test_a_request_that_cannot_be_served_is_refused_with_all_beside_it(
    request_: wire.OadrReportRequest, code: str
) -> None:
    world = ready()

    world.poll(create(want("good", back=NONE), request_))
    world.run(2 * MINUTE)

    assert created(world) == [(code, ())]
    assert reports(world) == []


@pytest.mark.spec("OpenADR 2.0b rule 324")
def test_without_a_report_interval_a_periodic_report_runs_from_now_until_cancelled() -> None:
    world = ready(now=NOW + 17 * SECOND)

    world.poll(create(want()))
    world.run(5 * MINUTE)

    assert created(world) == [("200", ("q1",))]
    assert [starts(report)[0] for report in reports(world)] == [
        NOW + n * MINUTE for n in range(-1, 5)
    ]


def test_too_many_values_are_refused() -> None:
    points = tuple(
        MeterPoint(site=SiteId("phx-1"), meter=MeterId(f"m{n}"), interval=MINUTE) for n in range(20)
    )
    world = ready(scope=Scope(utility=SCOPE.utility, programs=SCOPE.programs, points=points))
    r_ids = [f"phx-1.m{n}.power" for n in range(20)]

    world.poll(create(want(r_ids=r_ids, back=24 * HOUR, start=NOW)))

    assert created(world) == [("454", ())]


def test_more_reports_than_we_can_run_are_refused() -> None:
    world = ready()
    world.poll(create(*[want(f"q{n}", start=NOW + HOUR) for n in range(200)]))

    world.poll(create(want("one more", start=NOW)))

    assert [code for code, _ in created(world)] == ["200", "469"]


def test_another_report_under_a_running_id_is_refused() -> None:
    world = ready()
    world.poll(create(want(start=NOW)))

    world.poll(create(want(start=NOW, back=2 * MINUTE)))

    assert created(world)[1] == ("459", ("q1",))


@pytest.mark.spec("OpenADR 2.0b rule 512")
def test_a_request_for_another_ven_is_refused() -> None:
    world = ready()

    world.poll(create(want(back=NONE), ven_id="ven-2"))
    world.poll(
        wire.OadrCancelReport(
            request_id="x", report_request_ids=("q1",), report_to_follow=False, ven_id="ven-2"
        )
    )

    assert created(world) == [("452", ())]
    assert world.of(wire.OadrCanceledReport)[0].ei_response.response_code == "452"


@pytest.mark.spec("OpenADR 2.0b case CFX2B-RPT-07")
def test_a_status_tells_whether_a_site_is_heard() -> None:
    heard = {NOW: Decimal(5000), NOW + MINUTE: None}
    world = ready(meter=heard.get)

    world.poll(
        create(
            want(
                specifier="telemetry-status", r_ids=[STATUS], back=2 * MINUTE, start=NOW, lasts=HOUR
            )
        )
    )
    world.run(2 * MINUTE + 10 * SECOND)

    (report,) = reports(world)
    online = [
        payload.oadr_payload_resource_status
        for interval in report.intervals
        for payload in interval.oadr_report_payloads
    ]
    assert online == [
        wire.OadrPayloadResourceStatus(oadr_online=True, oadr_manual_override=False),
        wire.OadrPayloadResourceStatus(oadr_online=False, oadr_manual_override=False),
    ]
    assert all(interval.duration is None for interval in report.intervals)
    assert starts(report) == [NOW, NOW + MINUTE]


@pytest.mark.spec("OpenADR 2.0b case CFX2B-RPT-07")
@pytest.mark.parametrize("sites", [(), ("phx-1",), ("phx-2",)])
def test_a_status_tells_that_the_operator_took_a_site_out(sites: tuple[str, ...]) -> None:
    world = ready()
    out = OptSchedule(
        opt_id="o",
        utility=UTILITY,
        opt=Opt.OUT,
        reason="economic",
        windows=(Window(start=NOW + MINUTE, end=NOW + 2 * MINUTE),),
        sites=tuple(map(SiteId, sites)),
        created_at=NOW,
        by="operator:alice",
    )
    world.hand(out)
    request = want(
        specifier="telemetry-status", r_ids=[STATUS], back=4 * MINUTE, start=NOW, lasts=HOUR
    )
    world.poll(create(request))
    world.run(5 * MINUTE)

    payloads = [p for i in reports(world)[0].intervals for p in i.oadr_report_payloads]
    told = [
        p.oadr_payload_resource_status.oadr_manual_override
        for p in payloads
        if p.oadr_payload_resource_status
    ]
    assert told == [False, "phx-2" not in sites, False, False]


def changing(at: datetime) -> Decimal | None:
    """Meter the same for three minutes, then two more changes, a gap of two minutes, and the same for ever."""
    minute = (at - NOW) // MINUTE
    steps = {3: Decimal(6000), 4: Decimal(7000), 5: None, 6: None}
    return steps.get(minute, Decimal(5000) if minute < 3 else Decimal(7000))


def told(report: wire.OadrReport) -> list[tuple[int, str, str]]:
    return [
        (
            (interval.dtstart - NOW) // MINUTE if interval.dtstart else -1,
            str(payload.payload_float),
            (payload.oadr_data_quality or "").partition(" - ")[0],
        )
        for interval in report.intervals
        for payload in interval.oadr_report_payloads
    ]


@pytest.mark.spec("OpenADR 2.0b case CFX2B-RPT-06", "OpenADR 2.0b section 8.3.2.2")
@pytest.mark.parametrize("restarts", [False, True])
def test_on_change_only_what_differs_is_told(restarts: bool) -> None:
    world = ready(meter=changing)
    world.poll(
        create(
            want(granularity=NONE, back=4 * MINUTE, start=NOW, lasts=16 * MINUTE, r_ids=[ENERGY])
        )
    )
    for _ in range(20):
        world.run(MINUTE)
        if restarts:
            world.restart()

    good, bad, same = "Quality Good", "Quality Bad", "No New Value"
    found = reports(world)
    assert [told(report) for report in found] == [
        [(0, "5000", good), (3, "6000", good)],
        [(4, "7000", good), (5, "0", bad), (7, "7000", good)],
        [(11, "7000", same)],
        [(15, "7000", same)],
    ]
    for report in found:
        first, last = report.intervals[0], report.intervals[-1]
        assert first.dtstart is not None
        assert last.dtstart is not None
        assert last.duration is not None
        assert report.dtstart == first.dtstart
        assert report.duration == last.dtstart + last.duration - first.dtstart


def test_on_change_is_offered_and_bounded_by_the_shortest_period() -> None:
    rates = [
        point.oadr_sampling_rate
        for report in ready().of(wire.OadrRegisterReport)[0].oadr_reports[:2]
        for point in report.oadr_report_descriptions
    ]

    assert all(rate and rate.oadr_on_change and rate.oadr_min_period == MINUTE for rate in rates)


def test_a_site_that_stays_silent_is_no_news_on_change() -> None:
    world = ready(meter=lambda _: None)
    world.poll(create(want(granularity=NONE, back=2 * MINUTE, start=NOW, r_ids=[POWER])))
    world.run(7 * MINUTE)

    assert [told(r)[0][1:] for r in reports(world)] == [("0", "Quality Bad")] * 3


@pytest.mark.spec("OpenADR 2.0b section 8.7")
@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (wire.SpecifierPayload(r_id=POWER, reading_type="Direct Read"), "200"),
        (wire.SpecifierPayload(r_id=POWER, reading_type="Peak"), "461"),
        (wire.SpecifierPayload(r_id=POWER, item_base=KILOWATT), "200"),
        (wire.SpecifierPayload(r_id=ENERGY, item_base=KILOWATT), "461"),
        (wire.SpecifierPayload(r_id=POWER.upper()), "452"),
    ],
)
def test_another_reading_or_unit_than_offered_is_not_supported(
    payload: wire.SpecifierPayload, code: str
) -> None:
    world = ready()
    request = want(back=NONE)
    specifier = replace(request.report_specifier, specifier_payloads=(payload,))
    world.poll(create(replace(request, report_specifier=specifier)))

    assert created(world)[0][0] == code


def test_one_id_may_not_mean_two_reports_in_one_message() -> None:
    world = ready()
    world.poll(create(want("q1"), want("q1")))
    world.poll(create(want("q2"), want("q2", r_ids=[POWER])))

    assert created(world) == [("200", ("q1",)), ("459", ("q1",))]


def test_a_point_asked_for_twice_is_told_once() -> None:
    world = ready()
    world.poll(create(want(back=NONE, r_ids=[POWER, POWER])))
    world.run(MINUTE)

    assert len(reports(world)[0].intervals[0].oadr_report_payloads) == 1


@pytest.mark.spec("OpenADR 2.0b case R1_3140")
def test_a_history_gives_what_is_stored_in_the_window() -> None:
    missing = NOW - 3 * MINUTE
    world = ready(meter=lambda at: None if at == missing else Decimal(7))

    world.poll(
        create(
            want(
                specifier="history-usage",
                granularity=NONE,
                back=NONE,
                start=NOW - 5 * MINUTE - SECOND,
                lasts=4 * MINUTE,
            )
        )
    )
    world.run(MINUTE)

    (report,) = reports(world)
    assert report.report_name == "HISTORY_USAGE"
    assert starts(report) == [NOW - 5 * MINUTE, NOW - 4 * MINUTE]
    assert len(report.intervals) == 2


@pytest.mark.spec("OpenADR 2.0b case R1_3140")
def test_an_open_history_reaches_to_now_and_not_beyond_the_buffer() -> None:
    options = VenOptions(query_first=False, report_buffer=HOUR)
    world = ready(options=options, meter=lambda _: None)

    world.poll(
        create(
            want(
                specifier="history-usage",
                granularity=NONE,
                back=NONE,
                start=NOW - 9 * HOUR,
                lasts=NONE,
            )
        )
    )
    world.run(MINUTE)

    assert world.collects[0].span.start == NOW - HOUR + MINUTE
    assert world.collects[0].span.end == NOW
    (report,) = reports(world)
    assert [p.oadr_data_quality for i in report.intervals for p in i.oadr_report_payloads] == [
        "Quality Bad - Non Specific"
    ] * 2


# --- cancelling


@pytest.mark.spec("OpenADR 2.0b case R1_3040")
def test_a_cancelled_report_stops() -> None:
    world = ready()
    world.poll(create(want(start=NOW)))
    world.run(3 * MINUTE)
    before = len(reports(world))

    world.poll(cancel("q1"), cancel("q1"))
    world.run(5 * MINUTE)

    answers = world.of(wire.OadrCanceledReport)
    assert [a.ei_response.response_code for a in answers] == ["200", "200"]
    assert answers[0].oadr_pending_reports == ()
    assert len(reports(world)) == before


@pytest.mark.spec("OpenADR 2.0b case R1_3045")
def test_a_last_report_follows_when_it_is_wanted() -> None:
    world = ready()
    world.poll(create(want(back=5 * MINUTE, start=NOW)))
    world.run(7 * MINUTE + 20 * SECOND)

    world.poll(cancel("q1", follow=True))
    world.run(20 * MINUTE)

    answer = world.of(wire.OadrCanceledReport)[0]
    assert (answer.ei_response.response_code, answer.oadr_pending_reports) == ("200", ("q1",))
    assert [len(report.intervals) for report in reports(world)] == [5, 2]
    assert starts(reports(world)[1]) == [NOW + 5 * MINUTE, NOW + 6 * MINUTE]


def test_data_that_the_vtn_cannot_digest_does_not_keep_a_cancellation_back() -> None:
    world = ready()
    world.poll(create(want(back=5 * MINUTE, start=NOW)))
    world.vtn.script(wire.OadrUpdateReport, *["STATUS_500"] * 50)
    world.run(6 * MINUTE)

    world.poll(cancel("q1", follow=True), cancel("q1", follow=True), cancel("q1"))
    before = len(world.of(wire.OadrUpdateReport))
    world.run(20 * MINUTE)

    pending = [a.oadr_pending_reports for a in world.of(wire.OadrCanceledReport)]
    assert pending == [("q1",), ("q1",), ()]
    assert len(world.of(wire.OadrUpdateReport)) == before


@pytest.mark.spec("OpenADR 2.0b rule 336")
def test_an_unknown_id_makes_the_answer_an_error_but_known_ones_end() -> None:
    world = ready()
    world.poll(create(want(start=NOW)))

    world.poll(cancel("q1", "q9"))

    answer = world.of(wire.OadrCanceledReport)[0]
    assert (answer.ei_response.response_code, answer.oadr_pending_reports) == ("452", ())


@pytest.mark.spec("OpenADR 2.0b rule 328, R1_3050")
@pytest.mark.spec("OpenADR 2.0b case R1_3050")
@pytest.mark.parametrize("named", [("q1",), ("q1", "q9")])
def test_a_cancellation_beside_the_acknowledgement_ends_the_report(named: tuple[str, ...]) -> None:
    world = ready()
    world.vtn.script(
        wire.OadrUpdateReport,
        wire.OadrUpdatedReport(ei_response=ok(), oadr_cancel_report=cancel(*named)),
    )

    world.poll(create(want(start=NOW, lasts=HOUR)))
    world.run(10 * MINUTE)

    assert len(reports(world)) == 1
    assert world.of(wire.OadrCanceledReport) == []


@pytest.mark.spec("OpenADR 2.0b rule 328")
def test_a_cancellation_beside_the_acknowledgement_reaches_its_own_report_only() -> None:
    world = ready()
    world.vtn.script(
        wire.OadrUpdateReport,
        wire.OadrUpdatedReport(ei_response=ok(), oadr_cancel_report=cancel("b")),
    )

    world.poll(
        create(want("a", start=NOW, lasts=2 * MINUTE), want("b", start=NOW, lasts=2 * MINUTE))
    )
    world.run(10 * MINUTE)

    assert sorted(r.report_request_id for r in reports(world)) == ["a", "a", "b", "b"]


@pytest.mark.spec("OpenADR 2.0b section 8.3.2.3")
def test_a_report_that_the_vtn_does_not_know_ends() -> None:
    world = ready()
    world.vtn.script(wire.OadrUpdateReport, wire.OadrUpdatedReport(ei_response=ok(code="452")))

    world.poll(create(want(start=NOW)))
    world.run(5 * MINUTE)

    assert len(world.of(wire.OadrUpdateReport)) == 1
    assert "report_not_taken" in world.words()


def test_a_report_with_another_error_is_not_repeated_but_the_next_one_goes_out() -> None:
    world = ready()
    world.vtn.script(wire.OadrUpdateReport, wire.OadrUpdatedReport(ei_response=ok(code="454")))

    world.poll(create(want(start=NOW, lasts=3 * MINUTE)))
    world.run(5 * MINUTE)

    assert len(world.of(wire.OadrUpdateReport)) == 3


# --- data


@pytest.mark.spec("OpenADR 2.0b rules 316, 318, 337 and 342")
@pytest.mark.spec("OpenADR 2.0b rule 318")
def test_missing_data_is_a_placeholder_that_says_so() -> None:
    world = ready(meter=lambda _: None)

    world.poll(create(want(back=NONE)))
    world.run(MINUTE)

    payloads = reports(world)[0].intervals[0].oadr_report_payloads
    assert [(p.payload_float, p.oadr_data_quality) for p in payloads] == [
        (Decimal(0), "Quality Bad - Non Specific")
    ] * 2


@pytest.mark.spec("OpenADR 2.0b case CFX2B-RPT-03")
@pytest.mark.parametrize("quality", [Quality.ESTIMATED, Quality.TIME_SUSPECT])
def test_data_in_doubt_says_so(quality: Quality) -> None:
    world = ready(quality=quality)

    world.poll(create(want(back=NONE)))
    world.run(MINUTE)

    payloads = reports(world)[0].intervals[0].oadr_report_payloads
    assert {p.oadr_data_quality for p in payloads} == {"Quality Uncertain - Non Specific"}


def test_mean_power_of_an_odd_energy_is_rounded_to_a_milliwatt() -> None:
    world = ready(meter=lambda _: Decimal("0.1"))

    world.poll(create(want(granularity=7 * MINUTE, back=7 * MINUTE, start=NOW, lasts=7 * MINUTE)))
    world.run(10 * MINUTE)

    power, energy = reports(world)[0].intervals[0].oadr_report_payloads
    assert (power.payload_float, energy.payload_float) == (Decimal(6), Decimal("0.7"))


def test_readings_are_asked_for_after_the_grace() -> None:
    world = ready(options=VenOptions(query_first=False, report_grace=timedelta(seconds=20)))

    world.poll(create(want(back=2 * MINUTE, start=NOW, lasts=2 * MINUTE)))
    world.run(3 * MINUTE)

    assert world.times_of(wire.OadrUpdateReport) == [NOW + 2 * MINUTE + 20 * SECOND]
    assert world.collects == [
        Collect(
            key=world.collects[0].key,
            meters=(("phx-1", "it_load"),),
            span=world.collects[0].span,
            step=MINUTE,
        )
    ]


@pytest.mark.spec("OpenADR 2.0b rule 317")
@pytest.mark.parametrize(("late_s", "told_s"), [(4, 5), (6, 10), (25, 40), (64, 65)])
def test_a_report_waits_a_while_for_a_meter_that_tells_late(late_s: int, told_s: int) -> None:
    world = ready()
    late = late_s * SECOND
    world.meter = lambda start: Decimal(5) if start + MINUTE + late <= world.now else None

    world.poll(create(want(back=3 * MINUTE, start=NOW, lasts=6 * MINUTE)))
    world.run(8 * MINUTE)

    told = [NOW + n * MINUTE + told_s * SECOND for n in (3, 6)]
    assert [at.replace(microsecond=0) for at in world.times_of(wire.OadrUpdateReport)] == told
    values = [
        p.payload_float for r in reports(world) for i in r.intervals for p in i.oadr_report_payloads
    ]
    assert None not in values
    assert len(values) == 12


def test_a_meter_that_is_dead_is_waited_for_once() -> None:
    world = ready()
    world.meter = lambda start: Decimal(5) if start < NOW + MINUTE else None

    world.poll(create(want(back=2 * MINUTE, start=NOW, lasts=8 * MINUTE)))
    world.run(10 * MINUTE)

    waited = [at - NOW for at in world.times_of(wire.OadrUpdateReport)]
    assert [each // SECOND for each in waited] == [185, 245, 365, 485]


def test_readings_that_nobody_waits_for_are_passed_over() -> None:
    world = ready()

    actions = world.session.on_readings(Readings(key="old", series={}), world.now)

    assert not any(isinstance(action, Collect) for action in actions)
    assert reports(world) == []


# --- time


@pytest.mark.spec("OpenADR 2.0b case CFX2B-RPT-01")
@pytest.mark.parametrize("period", [7 * MINUTE, 90 * MINUTE])
@pytest.mark.parametrize(
    "start",
    [datetime(2026, 3, 8, 8, 0, 17, tzinfo=UTC), datetime(2026, 10, 25, 0, 0, 17, tzinfo=UTC)],
)
def test_odd_periods_stay_on_their_grid_over_a_change_of_local_time(
    period: timedelta, start: datetime
) -> None:
    world = World(now=start, vtn=ScriptedVtn(poll_every=5 * MINUTE))
    world.settle()

    world.poll(create(want(granularity=period, back=period, start=start)))
    world.run(24 * HOUR)

    found = [starts(report)[0] for report in reports(world)]
    assert len(found) >= timedelta(days=1) // period
    assert {after - before for before, after in pairwise(found)} == {period}
    assert {at.second for at in found} == {0}


@pytest.mark.spec("OpenADR 2.0b case CFX2B-RPT-09")
def test_a_day_of_minutes_does_not_drift() -> None:
    world = ready(vtn=ScriptedVtn(poll_every=HOUR))

    world.poll(create(want(start=NOW)))
    world.run(24 * HOUR)

    found = [starts(report)[0] for report in reports(world)]
    assert {after - before for before, after in pairwise(found)} == {MINUTE}
    times = world.times_of(wire.OadrUpdateReport)
    late = [at - (start + MINUTE) for at, start in zip(times[90:], found[90:], strict=True)]
    assert max(late) == min(late) == 5 * SECOND


@pytest.mark.spec("OpenADR 2.0b case CFX2B-RPT-02")
def test_an_outage_is_caught_up_in_order() -> None:
    world = ready()
    world.poll(create(want(start=NOW, lasts=10 * MINUTE)))
    world.vtn.script(wire.OadrUpdateReport, *["TIMEOUT"] * 7)
    world.vtn.script(wire.OadrPoll, *["TIMEOUT"] * 7)

    world.run(30 * MINUTE)

    found = [starts(report)[0] for report in reports(world)]
    assert found == [NOW + n * MINUTE for n in range(-1, 9)]
    keys = [u.request_id for u in world.of(wire.OadrUpdateReport)]
    assert len(keys) > len(set(keys))


def test_an_outage_longer_than_the_buffer_loses_the_oldest_and_says_so() -> None:
    options = VenOptions(query_first=False, report_buffer=HOUR)
    world = ready(options=options)
    world.poll(create(want(start=NOW)))
    world.run(MINUTE)
    before = len(reports(world))

    world.now += 10 * HOUR
    world.restart()
    world.run(MINUTE)

    assert "reports_dropped" in world.words()
    late = reports(world)[before:]
    assert 58 <= len(late) <= 63


def test_a_restart_loses_no_report() -> None:
    world = ready()
    world.poll(create(want(start=NOW, lasts=6 * MINUTE)))
    for _ in range(8):
        world.run(47 * SECOND)
        world.restart()

    world.run(10 * MINUTE)

    found = [starts(report)[0] for report in reports(world)]
    assert found == [NOW + n * MINUTE for n in range(-1, 5)]


@pytest.mark.parametrize("refused", [False, True])
def test_meters_that_the_configuration_has_lost_end_their_reports(refused: bool) -> None:
    world = ready()
    world.poll(create(want(start=NOW)))
    world.run(MINUTE)
    before = len(reports(world))

    world.scope = Scope(utility=SCOPE.utility, programs=SCOPE.programs)
    if refused:
        answer = wire.OadrRegisteredReport(ei_response=ok(code="459"))
        world.vtn.script(wire.OadrRegisterReport, answer)
    world.restart()
    world.run(3 * MINUTE)

    assert world.saved is not None
    assert b'"running":[]' in world.saved
    assert len(reports(world)) <= before + 1
