"""What a 2030.5 client says beside DER and mirrors: alarms, availability, information, connection point; and ramps."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from gateway.domain.event import EventKey, GridEvent
from gateway.domain.names import EventId, UtilityName
from gateway.domain.participation import Opt, Participation
from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.client.ramps import Ramp, stairs
from tests.sep2_sayings import TERMS, draws, furnished, opened
from tests.sep2_world import START, Posted, Server, World, control, mrid, scope, utility

MINUTE = timedelta(minutes=1)


def put(server: Server, href: str) -> list[Posted]:
    return [one for one in server.posted if one.href == href]


def logged(server: Server) -> list[tuple[int, int, int, int]]:
    """Return (functionSet, PEN, profile, code) of every log event, in order."""
    found = [one.value for one in server.posted if isinstance(one.value, sep.LogEvent)]
    return [(e.function_set, e.log_event_pen, e.profile_id, e.log_event_code) for e in found]


# --- what it is


@pytest.mark.spec("IEEE 2030.5-2018 DeviceInformation", "IEEE 2030.5-2018 PowerStatus")
def test_information_and_power_are_told_once_and_again_when_they_change() -> None:
    server = furnished()
    world = opened(server).run(START + 30 * MINUTE)
    (one,) = put(server, "/edev/1/di")
    assert isinstance(one.value, sep.DeviceInformation)
    assert (one.value.mf_model, one.value.sw_ver) == ("gridgate", "gridgate 1.2")
    sources = [posted.value.current_power_source for posted in put(server, "/edev/1/ps")]  # type: ignore[attr-defined] # a PowerStatus
    assert sources == [5, 1], "unknown until something was metered, then mains"
    assert world.words().count("device_ready") == 1


@pytest.mark.spec("CSIP-AUS ALL-03")
def test_the_connection_point_is_written_where_the_server_does_not_know_it_yet() -> None:
    server = furnished()
    opened(server, connection_point="6203456789").run(START + 10 * MINUTE)
    (one,) = put(server, "/edev/1/cp")
    assert one.value == sep.ConnectionPoint(connection_point_id="6203456789")
    server.resources["/edev/1/cp"] = sep.ConnectionPoint(
        href="/edev/1/cp", connection_point_id="6203456789"
    )
    again = opened(server, connection_point="6203456789").run(START + 10 * MINUTE)
    assert len(put(server, "/edev/1/cp")) == 1, again.words()


def test_a_refused_connection_point_is_not_written_again_and_again() -> None:
    server = furnished()
    server.on_post = lambda one: (400, "") if one.href == "/edev/1/cp" else None
    world = opened(server, connection_point="wrong").run(START + timedelta(hours=3))
    assert len(put(server, "/edev/1/cp")) == 1
    assert "not_taken" in world.words()


# --- what it could do


@pytest.mark.spec("IEEE 2030.5-2018 DERAvailability")
def test_what_could_be_shed_is_available_power() -> None:
    server = furnished()
    opened(server).run(START + 20 * MINUTE)
    *_, last = put(server, "/edev/1/der/1/dera")
    assert isinstance(last.value, sep.DERAvailability)
    assert last.value.stat_w_avail == sep.ActivePower(multiplier=3, value=5000)
    assert last.value.availability_duration == 4 * 3600
    assert last.value.stat_w_absorb_avail is None, "an element of 2023"


def test_without_a_floor_or_a_meter_nothing_is_promised() -> None:
    server = furnished(availability_update_percent_change_threshold=100)
    world = opened(server)
    world.metered = draws(lambda _: None)
    world.run(START + 20 * MINUTE)
    free = opened(server)
    free.scope = scope(site_terms=(replace(TERMS, lowest_import_kw=None),))
    free.start()
    free.run(START + 20 * MINUTE)
    assert put(server, "/edev/1/der/1/dera") == []
    assert put(server, "/edev/1/lsl") == []


@pytest.mark.spec("IEEE 2030.5-2018 LoadShedAvailability", "IEEE 2030.5-2018 Table 38")
def test_load_that_could_be_shed_is_told_once_and_whenever_it_moved_by_more_than_the_threshold() -> (
    None
):
    server = furnished(
        availability_update_power_change_threshold=sep.ActivePower(multiplier=3, value=500)
    )
    server.on_post = lambda one: (201, "/edev/1/lsl/7") if one.href == "/edev/1/lsl" else None
    world = opened(server)
    steps = {0: 8000, 1: 8400, 2: 8600, 3: 8500}
    world.metered = draws(
        lambda at: Decimal(steps[min(int((at - START).total_seconds()) // 600, 3)])
    )
    world.run(START + 25 * MINUTE)
    world.start()
    world.run(START + timedelta(hours=1))
    (first,), (second,) = put(server, "/edev/1/lsl"), put(server, "/edev/1/lsl/7")
    assert (first.method, second.method) == ("POST", "PUT")
    for one, kw in ((first, 5000), (second, 5600)):
        assert isinstance(one.value, sep.LoadShedAvailability)
        assert one.value.sheddable_power == sep.ActivePower(multiplier=3, value=kw)
        assert one.value.sheddable_percent is None, "nobody asked for it"
        assert one.value.demand_response_program_link is not None


def test_a_program_without_thresholds_is_told_nothing() -> None:
    server = furnished(availability_update_percent_change_threshold=0)
    opened(server).run(START + 20 * MINUTE)
    assert put(server, "/edev/1/lsl") == []


def test_a_site_that_draws_nothing_has_nothing_to_shed() -> None:
    server = furnished(availability_update_percent_change_threshold=100)
    opened(server, Decimal(0)).run(START + 20 * MINUTE)
    assert put(server, "/edev/1/lsl") == []
    *_, last = put(server, "/edev/1/der/1/dera")
    assert isinstance(last.value, sep.DERAvailability)
    assert last.value.stat_w_avail == sep.ActivePower(multiplier=0, value=0)


# --- alarms


def decision(world: World, opt: Opt, number: int = 1) -> Participation:
    return Participation(
        event=EventKey(utility=UtilityName("apex"), event_id=EventId(mrid(number))),
        version=0,
        opt=opt,
        reason="maintenance",
        decided_at=world.now,
        by="site:phx-1",
    )


@pytest.mark.spec("CSIP BASIC-027", "IEEE 2030.5-2018 LogEvent")
def test_a_site_that_leaves_a_running_event_is_an_alarm_until_the_event_is_over() -> None:
    server = furnished()
    world = opened(server).run(timedelta(seconds=5))
    server.put("/derp/1/derc", [control(1, START + 5 * MINUTE, 10)])
    world.run(START + 8 * MINUTE)
    world._perform(world.session.on_decisions([decision(world, Opt.OUT)], world.now))
    world.run(START + 9 * MINUTE)
    assert logged(server) == [(11, 40732, 2, 14)]
    *_, during = put(server, "/edev/1/der/1/ders")
    world.start()
    world.run(START + 20 * MINUTE)
    assert logged(server) == [(11, 40732, 2, 14), (11, 40732, 2, 15)]
    *_, after = put(server, "/edev/1/der/1/ders")
    bits = [one.value.alarm_status for one in (during, after)]  # type: ignore[attr-defined] # DERStatus
    assert bits == [1 << 7, 0]


def test_a_site_that_says_no_before_an_event_raises_no_alarm() -> None:
    server = furnished()
    world = opened(server).run(timedelta(seconds=5))
    server.put("/derp/1/derc", [control(1, START + 5 * MINUTE, 10)])
    world.run(START + 3 * MINUTE)
    world._perform(world.session.on_decisions([decision(world, Opt.OUT)], world.now))
    world.run(START + 20 * MINUTE)
    assert logged(server) == []


@pytest.mark.spec("CSIP BASIC-027")
def test_a_silent_meter_and_a_silent_server_are_logged_when_it_is_known_and_can_be_told() -> None:
    server = furnished()
    world = opened(server)
    dead = (START + 20 * MINUTE, START + 45 * MINUTE)
    world.metered = draws(lambda at: None if dead[0] <= at < dead[1] else Decimal(8000))
    world.run(START + timedelta(hours=1))
    assert logged(server) == [(6, 40732, 0, 0), (6, 40732, 0, 1)]
    server.down = True
    world.run(START + timedelta(hours=3))
    world.start()
    assert len(logged(server)) == 2
    server.down = False
    world.run(START + timedelta(hours=4))
    assert logged(server)[2:] == [(16, 40732, 0, 0), (16, 40732, 0, 1)]
    ids = [one.value.log_event_id for one in server.posted if isinstance(one.value, sep.LogEvent)]
    assert ids == [0, 1, 2, 3]


# --- ramps


@pytest.mark.parametrize(
    ("ramp", "to_kw", "expected"),
    [
        (Ramp(), 50, [(0, 600, 50)]),
        (Ramp(from_kw=Decimal(80), seconds=30), 50, [(0, 10, 70), (10, 20, 60), (20, 600, 50)]),
        (
            Ramp(from_kw=Decimal(50), seconds=30),
            80,
            [(0, 10, 50), (10, 20, 60), (20, 30, 70), (30, 600, 80)],
        ),
        (Ramp(from_kw=Decimal(50), seconds=30), 50, [(0, 600, 50)]),
        (Ramp(from_kw=Decimal(80), seconds=5), 50, [(0, 600, 50)]),
    ],
)
def test_stairs_never_lie_above_the_ramp(
    ramp: Ramp, to_kw: int, expected: list[tuple[int, int, int]]
) -> None:
    found = list(stairs(0, 600, ramp, Decimal(to_kw)))
    assert found == [(start, end, Decimal(kw)) for start, end, kw in expected]


def values(event: GridEvent) -> list[tuple[float, Decimal]]:
    """Return (minutes after the start of the world, kW) of each interval."""
    (signal,) = event.signals
    return [((one.span.start - START).total_seconds() / 60, one.value) for one in signal.intervals]


@pytest.mark.spec("CSIP-AUS ALL-25")
def test_ramp_tms_makes_stairs_down_to_the_limit() -> None:
    server = utility()
    world = opened(server).run(timedelta(seconds=5))
    base = sep.DERControlBase(
        op_mod_imp_lim_w=sep.ActivePower(multiplier=3, value=4000), ramp_tms=3000
    )
    server.put("/derp/1/derc", [control(1, START + 5 * MINUTE, 10, base=base)])
    world.run(START + 20 * MINUTE)
    (event,) = world.events
    assert [kw for _, kw in values(event)] == [Decimal(8000), Decimal(6000), Decimal(4000)]


@pytest.mark.spec("CSIP BASIC-007", "CSIP-AUS ALL-13")
def test_set_grad_w_of_the_default_is_told_and_makes_stairs_both_ways() -> None:
    server = utility()
    told = {"href": "/derp/1/dderc", "mrid": mrid(9001)}
    limit = sep.DERControlBase(op_mod_imp_lim_w=sep.ActivePower(multiplier=3, value=8000))
    server.resources["/derp/1/dderc"] = sep.DefaultDERControl(der_control_base=limit, **told)  # type: ignore[arg-type] # by name
    world = opened(server).run(START + 3 * MINUTE)
    server.resources["/derp/1/dderc"] = sep.DefaultDERControl(
        der_control_base=limit,
        set_grad_w=1000,
        set_soft_grad_w=27,
        **told,  # type: ignore[arg-type] # by name
    )
    world.run(START + 5 * MINUTE)
    *_, last = put(server, "/edev/1/der/1/derg")
    assert isinstance(last.value, sep.DERSettings)
    assert (last.value.set_grad_w, last.value.set_soft_grad_w) == (1000, 27)
    before = len(world.events)
    server.put("/derp/1/derc", [control(1, START + 10 * MINUTE, 10)])
    world.run(START + 30 * MINUTE)
    event, standing = world.events[before:]
    # 10 % of 10 MW a second: three seconds from 8 MW to 5 MW, which is one step.
    assert values(event) == [(10, Decimal(5000))]
    assert [kw for at, kw in values(standing) if at >= 20] == [Decimal(5000), Decimal(8000)]
    assert not event.standing
    assert standing.standing
