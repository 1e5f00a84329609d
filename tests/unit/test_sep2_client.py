"""The 2030.5 client against a small server: walking, commissioning, events, responses, restarts."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from urllib.parse import urljoin

import pytest

from gateway.domain.event import Kind
from gateway.domain.names import MeterId
from gateway.domain.reading import Quality, Reading
from gateway.protocols.actions import Collect, Failure, Message, Readings, Send
from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.client.options import Sep2Options
from tests.sep2_world import (
    LFDI,
    ORIGIN,
    SFDI,
    START,
    Server,
    World,
    control,
    listing,
    mrid,
    scope,
    seconds,
    status,
    utility,
)

MINUTE = timedelta(minutes=1)


@pytest.mark.spec(
    "CSIP CORE-003",
    "CSIP COMM-002",
    "IEEE 2030.5-2018 links",
    "IEEE 2030.5-2023 10.2.2.3 rule a",
    "CSIP BASIC-002",
)
def test_the_walk_follows_links_and_repeats_at_the_poll_rate() -> None:
    server = utility(rate=60)
    world = World(server).run(timedelta(seconds=5))
    first = [href.partition("?")[0] for _, href in server.asked]
    assert first[0] == "/dcap"
    assert set(first) == {
        *("/dcap", "/tm", "/edev", "/edev/1/rg", "/edev/1/fsa", "/derp", "/derp/1/derc"),
        *("/derp/1/dderc", "/dr", "/dr/1/edc", "/mup", "/edev/1/der"),
    }
    assert len(first) == len(set(first)) + 1, "the list of mirrors once more, after one was made"
    world.run(timedelta(minutes=10))
    for href in set(first) - {"/mup"}:
        times = [at for at, asked in server.asked if asked.partition("?")[0] == href]
        gaps = [after - before for before, after in pairwise(times)]
        assert all(timedelta(seconds=60) <= gap <= timedelta(seconds=67) for gap in gaps), href
        assert len(times) >= 9


@pytest.mark.spec("CSIP BASIC-017", "CSIP-AUS LOA-01", "CSIP-AUS ALL-04", "IEEE 2030.5-2018 8.8.3")
def test_a_control_is_received_started_and_completed_on_time() -> None:
    server = utility()
    world = World(server).run(timedelta(seconds=5))
    server.put("/derp/1/derc", [control(1, START + 5 * MINUTE, 10)])
    world.run(START + 4 * MINUTE)
    (event,) = world.events
    (signal,) = event.signals
    assert (event.start, event.end) == (START + 5 * MINUTE, START + 15 * MINUTE)
    assert (signal.kind, signal.intervals[0].value) == (Kind.LIMIT_IMPORT, Decimal(5000))
    assert server.responses() == [(mrid(1), 1)]
    world.run(START + 20 * MINUTE)
    assert server.responses() == [(mrid(1), 1), (mrid(1), 2), (mrid(1), 3)]
    times = {p.value.status: p.at for p in server.posted if isinstance(p.value, sep.Response)}
    assert START + 5 * MINUTE <= times[2] <= START + 5 * MINUTE + timedelta(seconds=1)
    assert START + 15 * MINUTE <= times[3] <= START + 15 * MINUTE + timedelta(seconds=1)
    assert world.events == [event]


@pytest.mark.spec("CSIP CORE-022", "CSIP-AUS ALL-18", "CSIP-AUS LOA-09")
def test_a_cancelled_control_is_taken_back_inward_and_answered_6() -> None:
    server = utility()
    world = World(server).run(timedelta(seconds=5))
    one = control(1, START + 3 * MINUTE, 30)
    server.put("/derp/1/derc", [one])
    world.run(START + 10 * MINUTE)
    server.put("/derp/1/derc", [replace(one, event_status=status(2, START + 10 * MINUTE))])
    world.run(START + 13 * MINUTE)
    assert server.responses() == [(mrid(1), 1), (mrid(1), 2), (mrid(1), 6)]
    first, last = world.events
    assert last.cancelled_at is not None
    assert (last.event_id, last.version) == (first.event_id, first.version + 1)


@pytest.mark.spec("CSIP BASIC-021", "CSIP-AUS LOA-10")
def test_a_better_program_displaces_before_the_start_and_nothing_of_the_loser_goes_inward_to_stay() -> (
    None
):
    server = utility()
    server.resources["/derp/2/derc"] = listing(sep.DERControlList, "/derp/2/derc")
    worse = server.resources["/derp"].der_program[0]  # type: ignore[attr-defined] # a DERProgramList
    better = replace(
        worse,
        href="/derp/2",
        mrid=mrid(8003),
        primacy=1,
        default_der_control_link=None,
        der_control_list_link=sep.ListLink(href="/derp/2/derc", all=0),
    )
    server.put("/derp", [better, worse])
    server.put("/derp/1/derc", [control(1, START + 2 * MINUTE, 2)])
    server.put("/derp/2/derc", [control(2, START + 3 * MINUTE, 1)])
    options = Sep2Options(csip_aus=True, pin=111115)
    one = scope()
    world = World(server, options, replace(one, programs=(replace(one.programs[0], name="x"),)))
    world.run(START + 10 * MINUTE)
    told = server.responses()
    assert (mrid(1), 2) not in told
    assert [code for subject, code in told if subject == mrid(2)] == [1, 2, 3]
    assert {code for subject, code in told if subject == mrid(1)} <= {1, 7, 14}
    kept = {str(event.event_id): event for event in world.events}
    assert mrid(1) not in kept or kept[mrid(1)].cancelled_at is not None
    assert kept[mrid(2)].cancelled_at is None


@pytest.mark.spec("CSIP-AUS ALL-03-REJ", "IEEE 2030.5-2018 8.6")
def test_a_wrong_pin_keeps_the_device_out_of_everything() -> None:
    server = utility()
    server.put("/derp/1/derc", [control(1, START + 2 * MINUTE, 2)])
    world = World(server, Sep2Options(csip_aus=True, pin=123455)).run(timedelta(minutes=10))
    assert world.events == []
    assert server.responses() == []
    assert world.words().count("wrong_pin") == 1, "said once, not at every poll"


@pytest.mark.spec("CSIP-AUS ALL-05", "IEEE 2030.5-2018 8.6")
def test_without_a_registration_link_the_device_carries_on() -> None:
    server = utility()
    device = server.resources["/edev"].end_device[0]  # type: ignore[attr-defined] # an EndDeviceList
    server.put("/edev", [replace(device, registration_link=None)])
    server.put("/derp/1/derc", [control(1, START + 2 * MINUTE, 2)])
    World(server).run(timedelta(minutes=10))
    assert server.responses() == [(mrid(1), 1), (mrid(1), 2), (mrid(1), 3)]


@pytest.mark.spec("CSIP-AUS ALL-02", "IEEE 2030.5-2018 8.5.3", "CSIP Implementation Guide v2.1 6.1")
def test_in_band_the_device_is_posted_once_and_then_found() -> None:
    server = utility()
    device = server.resources["/edev"].end_device[0]  # type: ignore[attr-defined] # an EndDeviceList
    server.put("/edev", [])

    def on_post(posted: object) -> tuple[int, str] | None:
        server.put("/edev", [device])
        return 201, "/edev/1"

    server.on_post = lambda posted: on_post(posted) if posted.href == "/edev" else None
    server.put("/derp/1/derc", [control(1, START + 2 * MINUTE, 2)])
    World(server, Sep2Options(csip_aus=True, pin=111115, registration="in_band")).run(
        timedelta(minutes=10)
    )
    (made,) = [p.value for p in server.posted if p.href == "/edev"]
    assert isinstance(made, sep.EndDevice)
    assert (made.lfdi, made.sfdi) == (LFDI, SFDI)
    assert server.responses() == [(mrid(1), 1), (mrid(1), 2), (mrid(1), 3)]


@pytest.mark.spec("IEEE 2030.5-2018 events: restart", "IEEE 2030.5-2018 8.8")
@pytest.mark.parametrize("crash", [1, 61, 119, 120, 121, 181, 239, 240, 241])
def test_a_restart_in_any_instant_tells_everything_exactly_once(crash: int) -> None:
    server = utility()
    server.put("/derp/1/derc", [control(1, START + 2 * MINUTE, 2, randomize_start=30)])
    world = World(server).run(timedelta(seconds=crash))
    before = [event.start for event in world.events]
    world.start()
    world.run(START + 10 * MINUTE)
    assert server.responses() == [(mrid(1), 1), (mrid(1), 2), (mrid(1), 3)]
    assert len({event.start for event in world.events}) == 1
    assert not before or world.events[-1].start == before[0]


@pytest.mark.spec("IEEE 2030.5-2018 events: restart", "IEEE 2030.5-2018 events: cancellation")
def test_what_was_cancelled_while_we_were_away_is_never_started() -> None:
    server = utility()
    one = control(1, START + 5 * MINUTE, 20)
    server.put("/derp/1/derc", [one])
    world = World(server).run(timedelta(minutes=1))
    server.put("/derp/1/derc", [replace(one, event_status=status(2, START + 2 * MINUTE))])
    world.now = START + 10 * MINUTE
    world.start()
    world.run(timedelta(minutes=5))
    assert server.responses() == [(mrid(1), 1), (mrid(1), 6)]


@pytest.mark.spec("IEEE 2030.5-2018 events: outage")
def test_a_server_that_is_down_at_our_start_does_not_hold_up_the_schedule() -> None:
    server = utility()
    server.put("/derp/1/derc", [control(1, START + 5 * MINUTE, 20)])
    world = World(server).run(timedelta(minutes=1))
    server.down = True
    world.now = START + 4 * MINUTE
    world.start()
    world.run(timedelta(minutes=30))
    server.down = False
    world.run(timedelta(minutes=30))
    assert server.responses() == [(mrid(1), 1), (mrid(1), 2), (mrid(1), 3)]


@pytest.mark.spec("IEEE 2030.5-2018 events: outage", "CSIP-AUS ALL-23")
def test_an_outage_during_the_schedule_changes_nothing_in_it_and_is_made_up_for() -> None:
    server = utility()
    server.put(
        "/derp/1/derc",
        [control(1, START + 2 * MINUTE, 2), control(2, START + 6 * MINUTE, 2)],
    )
    world = World(server).run(timedelta(minutes=1))
    server.down = True
    world.run(timedelta(minutes=20))
    assert server.responses() == [(mrid(1), 1), (mrid(2), 1)]
    server.down = False
    world.run(timedelta(minutes=20))
    told = server.responses()
    assert sorted(told) == sorted((mrid(n), code) for n in (1, 2) for code in (1, 2, 3))
    for n in (1, 2):
        assert [code for subject, code in told if subject == mrid(n)] == [1, 2, 3]


@pytest.mark.spec("IEEE 2030.5-2018 4.6.2")
def test_lists_are_read_page_by_page_to_their_end() -> None:
    server = utility()
    server.most = 1
    controls = [control(n, START + n * 10 * MINUTE, 5) for n in range(1, 8)]
    server.put("/derp/1/derc", controls)
    world = World(server).run(timedelta(seconds=30))
    assert {event.event_id for event in world.events} == {mrid(n) for n in range(1, 8)}
    pages = [href for _, href in server.asked if href.startswith("/derp/1/derc")]
    assert pages == [f"/derp/1/derc?s={n}&l=100" for n in range(7)]


@pytest.mark.spec("CSIP CORE-005", "IEEE 2030.5-2018 9.2.3", "IEEE 2030.5-2018 Time")
@pytest.mark.parametrize("ahead", [-300, -40, 0, 40, 300])
def test_events_run_by_the_servers_clock(ahead: int) -> None:
    server = utility()
    server.offset = timedelta(seconds=ahead)
    world = World(server).run(timedelta(minutes=6))
    start = START + 20 * MINUTE
    server.put("/derp/1/derc", [control(1, start, 2)])
    world.run(start + 10 * MINUTE)
    event = world.events[-1]
    assert abs(event.start - (start - server.offset)) <= timedelta(seconds=1)
    began = next(p.at for p in server.posted if getattr(p.value, "status", 0) == 2)
    assert abs(began + server.offset - start) <= timedelta(seconds=1)


@pytest.mark.spec(
    "IEEE 2030.5-2018 TargetReduction", "IEEE 2030.5-2018 DrResponse", "IEEE 2030.5-2018 10.3"
)
def test_drlc_reductions_wait_for_what_the_operator_says_they_mean() -> None:
    server = utility()
    event = sep.EndDeviceControl(
        href="/dr/1/edc/1",
        mrid=mrid(5),
        creation_time=seconds(START),
        event_status=status(0, START),
        interval=sep.DateTimeInterval(start=seconds(START + 5 * MINUTE), duration=600),
        device_category=1 << 14,
        dr_program_mandatory=False,
        load_shift_forward=False,
        target_reduction=sep.TargetReduction(type=1, value=25_000),
        reply_to="/rsp",
        response_required=3,
    )
    server.put("/dr/1/edc", [event])
    World(server).run(timedelta(minutes=20))
    assert server.responses() == [(mrid(5), 252)]

    amount = utility()
    amount.put("/dr/1/edc", [event])
    options = Sep2Options(pin=111115, target_reduction="amount")
    world = World(amount, options).run(timedelta(minutes=20))
    assert amount.responses() == [(mrid(5), 1), (mrid(5), 2), (mrid(5), 3)]
    assert world.events[0].signals[0].kind is Kind.REDUCE
    assert world.events[0].signals[0].intervals[0].value == Decimal(-25_000)
    assert all(isinstance(p.value, sep.DrResponse) for p in amount.posted if p.href == "/rsp")

    cap = utility()
    cap.put("/dr/1/edc", [event])
    world = World(cap, Sep2Options(pin=111115, target_reduction="cap")).run(timedelta(minutes=20))
    assert world.events[0].signals[0].kind is Kind.LIMIT_IMPORT


@pytest.mark.spec("IEEE 2030.5-2018 events: categories")
def test_an_event_for_other_categories_is_not_even_answered() -> None:
    server = utility()
    server.put("/derp/1/derc", [control(1, START + 2 * MINUTE, 2, device_category=1 << 21)])
    world = World(server).run(timedelta(minutes=10))
    assert server.responses() == []
    assert world.events == []


class Elsewhere(Server):
    """A server that answers at one origin alone."""

    origin = ORIGIN

    def answer(self, send: Send, now: datetime) -> Message | Failure:
        if not urljoin(self.origin, send.href).startswith(f"{self.origin}/"):
            return Failure(request_id=send.request_id, reason="REDIRECT")
        return super().answer(send, now)


def test_what_waits_to_be_told_follows_a_server_that_moved_to_another_address() -> None:
    found = utility()
    server = Elsewhere(resources=found.resources)
    server.put("/derp/1/derc", [control(1, START + 2 * MINUTE, 2)])
    world = World(server)
    world.metered = metered()  # type: ignore[assignment] # of that shape
    world.run(timedelta(minutes=1))
    server.down = True
    world.run(timedelta(minutes=5))  # 2 and 3 wait, and an average
    assert [code for _, code in server.responses()] == [1]

    server.down, server.origin = False, "https://moved.example:8443"
    world.scope = replace(world.scope, root=f"{server.origin}/dcap")
    world.start()
    world.run(timedelta(minutes=10))
    assert [code for _, code in server.responses()] == [1, 2, 3]
    starts = [one.mirror_reading_set[0].time_period.start for one in mirrored(server)]
    assert starts[:2] == [seconds(START), seconds(START + 5 * MINUTE)]
    assert len([p for p in server.posted if isinstance(p.value, sep.MirrorUsagePoint)]) == 1


def metered(kw: Decimal = Decimal("71.5"), missing: frozenset[int] = frozenset()) -> object:
    """Make meters that always show the same, save in some minutes of the hour."""

    def answer(wanted: Collect) -> Readings:
        (meter,) = wanted.meters
        energy = None if wanted.span.start.minute in missing else kw / 60 * 5
        reading = Reading(
            meter=MeterId(meter[1]),
            start=wanted.span.start,
            duration=wanted.step,
            energy_kwh=energy,
            quality=Quality.ACTUAL if energy is not None else Quality.MISSING,
        )
        return Readings(key=wanted.key, series={meter: (reading,)})

    return answer


def mirrored(server: Server) -> list[sep.MirrorMeterReading]:
    return [p.value for p in server.posted if isinstance(p.value, sep.MirrorMeterReading)]


@pytest.mark.spec(
    "IEEE 2030.5-2018 10.11",
    "CSIP BASIC-029",
    "CSIP-AUS ALL-06",
    "IEEE 2030.5-2018 10.11.3",
    "IEEE 2030.5-2018 RoleFlags",
)
def test_a_meter_is_mirrored_once_and_its_averages_follow_without_a_type() -> None:
    server = utility()
    world = World(server)
    world.metered = metered()  # type: ignore[assignment] # of that shape
    world.run(timedelta(minutes=31))
    made = [p.value for p in server.posted if isinstance(p.value, sep.MirrorUsagePoint)]
    assert len(made) == 1
    assert (made[0].device_lfdi, made[0].role_flags) == (LFDI, 0x0003)
    kind = made[0].mirror_meter_reading[0].reading_type
    assert kind is not None
    assert (kind.uom, kind.kind, kind.flow_direction, kind.interval_length) == (38, 37, 1, 300)
    told = mirrored(server)
    assert [one.mirror_reading_set[0].time_period.start for one in told] == [
        seconds(START + n * 5 * MINUTE) for n in range(6)
    ]
    assert all(one.reading_type is None for one in told)
    assert {one.mirror_reading_set[0].reading[0].value for one in told} == {71_500}
    assert len({one.mirror_reading_set[0].mrid for one in told}) == 6


@pytest.mark.spec("IEEE 2030.5-2018 10.11")
def test_an_interval_that_was_not_metered_is_not_invented() -> None:
    server = utility()
    world = World(server)
    world.metered = metered(missing=frozenset({10}))  # type: ignore[assignment] # of that shape
    world.run(timedelta(minutes=31))
    starts = {one.mirror_reading_set[0].time_period.start for one in mirrored(server)}
    assert starts == {seconds(START + n * 5 * MINUTE) for n in (0, 1, 3, 4, 5)}


def late(world: World, by: timedelta, **others: frozenset[int]) -> object:
    """Make meters whose values come a while after their interval."""
    whole = metered(**others)  # type: ignore[arg-type] # minutes

    def answer(wanted: Collect) -> Readings:
        (meter,) = wanted.meters
        there = [one for one in wanted.span.steps(wanted.step) if one.end + by <= world.now]
        asked = [replace(wanted, span=one) for one in there]
        found = [whole(one).series[meter][0] for one in asked]  # type: ignore[operator] # a function
        return Readings(key=wanted.key, series={meter: tuple(found)})

    return answer


@pytest.mark.spec("IEEE 2030.5-2018 10.11", "CSIP BASIC-029")
@pytest.mark.parametrize(("by", "hours"), [(20, 1), (301, 1), (7200, 4)])
@pytest.mark.parametrize("restart", [False, True])
def test_what_a_site_tells_late_is_mirrored_late_once_and_in_full(
    by: int, hours: int, restart: bool
) -> None:
    server = utility()
    world = World(server)
    world.metered = late(world, timedelta(seconds=by))  # type: ignore[assignment] # of that shape
    world.run(timedelta(minutes=17, seconds=3))
    if restart:
        world.start()
    world.run(START + timedelta(hours=hours))
    starts = [one.mirror_reading_set[0].time_period.start for one in mirrored(server)]
    assert len(starts) == len(set(starts))
    there = (hours * 3600 - by) // 300
    waits = min(2 * by, 3600) // 300 + 1  # a look may come as late again, and an hour later at most
    assert set(starts) >= {seconds(START + n * 5 * MINUTE) for n in range(there - waits)}


@pytest.mark.spec("IEEE 2030.5-2018 10.11")
def test_a_gap_keeps_no_later_interval_waiting() -> None:
    server = utility()
    world = World(server)
    world.metered = metered(missing=frozenset({10}))  # type: ignore[assignment] # of that shape
    world.run(timedelta(hours=3))
    starts = [one.mirror_reading_set[0].time_period.start for one in mirrored(server)]
    assert len(starts) == len(set(starts)) == 3 * 11 - 1  # the last one has not ended for long


@pytest.mark.spec("IEEE 2030.5-2018 10.11.3")
@pytest.mark.parametrize("crash", [2, 299, 304, 305, 306, 601, 906])
def test_after_a_restart_no_interval_is_missing_and_none_is_told_otherwise(crash: int) -> None:
    server = utility()
    world = World(server)
    world.metered = metered()  # type: ignore[assignment] # of that shape
    world.run(timedelta(seconds=crash))
    world.start()
    world.run(START + 31 * MINUTE)
    assert len([p for p in server.posted if isinstance(p.value, sep.MirrorUsagePoint)]) <= 2
    starts = [one.mirror_reading_set[0].time_period.start for one in mirrored(server)]
    assert set(starts) == {seconds(START + n * 5 * MINUTE) for n in range(6)}


@pytest.mark.spec("IEEE 2030.5-2018 10.11")
def test_an_outage_is_made_up_for_from_the_oldest_interval_on() -> None:
    server = utility()
    world = World(server)
    world.metered = metered()  # type: ignore[assignment] # of that shape
    world.run(timedelta(minutes=6))
    server.down = True
    world.run(timedelta(hours=2))
    server.down = False
    world.run(timedelta(hours=1))
    starts = [one.mirror_reading_set[0].time_period.start for one in mirrored(server)]
    assert starts == sorted(set(starts))
    assert len(starts) == 37


@pytest.mark.spec("CSIP-AUS ALL-10")
def test_readings_follow_the_servers_post_rate() -> None:
    server = utility()
    world = World(server)
    world.metered = metered()  # type: ignore[assignment] # of that shape
    world.run(timedelta(minutes=1))
    (made,) = [p.value for p in server.posted if isinstance(p.value, sep.MirrorUsagePoint)]
    server.put("/mup", [replace(made, href="/mup/1", post_rate=60, mirror_meter_reading=())])
    world.run(timedelta(minutes=10))
    spans = [one.mirror_reading_set[0].time_period for one in mirrored(server)]
    assert spans[-1].duration == 60
    assert all(
        p.href == "/mup/1" for p in server.posted if isinstance(p.value, sep.MirrorMeterReading)
    )


@pytest.mark.spec("IEEE 2030.5-2018 10.11.3")
def test_a_mirror_that_the_server_lost_is_made_anew() -> None:
    server = utility()
    world = World(server)
    world.metered = metered()  # type: ignore[assignment] # of that shape
    world.run(timedelta(minutes=6))
    server.on_post = lambda posted: (404, "") if posted.href.startswith("/mup/") else None
    world.run(timedelta(minutes=5))
    server.on_post = lambda _: None
    world.run(timedelta(minutes=10))
    assert len([p for p in server.posted if isinstance(p.value, sep.MirrorUsagePoint)]) == 2


def put(server: Server, href: str) -> list[object]:
    return [p.value for p in server.posted if p.method == "PUT" and p.href == href]


@pytest.mark.spec(
    "CSIP CORE-014",
    "CSIP-AUS ALL-09",
    "IEEE 2030.5-2018 10.10",
    "CSIP Implementation Guide v2.1 6.3.5.2",
    "CSIP CORE-009",
    "CSIP-AUS DRA-01",
    "IEEE 2030.5-2018 DERControlType",
)
def test_ratings_and_settings_are_told_once_and_the_status_at_the_poll_rate() -> None:
    server = utility(rate=60)
    World(server).run(timedelta(minutes=10))
    (rated,) = put(server, "/edev/1/der/1/dercap")
    (set_to,) = put(server, "/edev/1/der/1/derg")
    assert isinstance(rated, sep.DERCapability)
    assert isinstance(set_to, sep.DERSettings)
    assert rated.rtg_max_w == sep.ActivePower(multiplier=3, value=10_000)
    assert set_to.set_max_w == rated.rtg_max_w
    assert rated.modes_supported >> 7 & 1
    assert rated.doe_modes_supported == 0b1010
    statuses = put(server, "/edev/1/der/1/ders")
    assert 9 <= len(statuses) <= 11


@pytest.mark.spec(
    "CSIP-AUS DRL-01",
    "CSIP-AUS DRA-02",
    "IEEE 2030.5-2018 DERStatus",
    "CSIP-AUS ALL-11",
    "CSIP-AUS ALL-12",
    "CSIP BASIC-009",
    "CSIP BASIC-013",
)
@pytest.mark.parametrize(
    ("base", "mode"),
    [
        (sep.DERControlBase(op_mod_fixed_w=-1), 101),
        (sep.DERControlBase(op_mod_fixed_w=-5000), 102),
        (sep.DERControlBase(op_mod_fixed_w=-7500), 103),
        (sep.DERControlBase(op_mod_fixed_w=-10_000), 104),
        (sep.DERControlBase(op_mod_connect=False), 100),
        (sep.DERControlBase(op_mod_energize=False), 100),
        (sep.DERControlBase(op_mod_connect=True), 2),
    ],
)
def test_the_status_tells_the_demand_response_that_runs(
    base: sep.DERControlBase, mode: int
) -> None:
    server = utility()
    server.put("/derp/1/derc", [control(1, START + 2 * MINUTE, 5, base=base)])
    World(server).run(timedelta(minutes=12))
    modes = [
        value.operational_mode_status.value
        for value in put(server, "/edev/1/der/1/ders")
        if isinstance(value, sep.DERStatus) and value.operational_mode_status
    ]
    assert modes[0] == modes[-1] == 2
    assert mode in modes


@pytest.mark.spec("IEEE 2030.5-2018 5.5.2")
def test_a_server_that_refuses_what_we_say_is_not_asked_without_end() -> None:
    server = utility(rate=60)
    server.on_post = lambda _: (400, "")
    world = World(server)
    world.metered = metered()  # type: ignore[assignment] # of that shape
    world.run(timedelta(minutes=30))
    by_href = {
        href: len([p for p in server.posted if p.href == href])
        for href in {p.href for p in server.posted}
    }
    assert by_href["/mup"] <= 3
    assert all(count <= 31 for count in by_href.values()), by_href
    assert "not_taken" in world.words()
