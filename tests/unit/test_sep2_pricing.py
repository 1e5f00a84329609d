"""Prices of a 2030.5 server: exact money per kWh, walked with care, answered, and taken back when they are."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from gateway.domain.errors import WireError
from gateway.domain.event import Commodity, Direction, Kind
from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.client.pricing import Quote, rate_of
from gateway.protocols.sep2.currencies import CURRENCIES, code_of
from gateway.protocols.sep2.enums_device import Currency
from tests.sep2_prices import ENERGY, blocks, component, furnish, price, tariff
from tests.sep2_world import START, World, mrid, status, utility

MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)
WATT = sep.ReadingType(uom=38, power_of_ten_multiplier=3)


def told(*found: tuple[int, int | None], **others: object) -> tuple[tuple[str, str, Decimal], ...]:
    """Return (name, unit, value) of what a quote of some blocks tells."""
    rate = rate_of(
        others.pop("tariff", tariff()),  # type: ignore[arg-type] # a tariff
        others.pop("component", component(1)),  # type: ignore[arg-type] # a component
        others.pop("reading_type", ENERGY),  # type: ignore[arg-type] # a reading type
    )
    quoted = tuple(
        sep.ConsumptionTariffInterval(
            consumption_block=place,
            price=value,
            start_value=start,
            **others,  # type: ignore[arg-type] # by name
        )
        for place, (start, value) in enumerate(found)
    )
    return tuple((one.mode, one.unit, one.value) for one in Quote(rate=rate, blocks=quoted).asked())


@pytest.mark.spec("CSIP-AUS PRC-02", "IEEE 2030.5-2018 TimeTariffInterval")
@pytest.mark.parametrize(
    ("power", "energy", "number", "wanted"),
    [
        (-3, 3, 85, "0.085"),
        (0, 3, -7, "-7"),
        (-5, 0, 12, "0.12"),
        (-9, 3, 2**31 - 1, "2.147483647"),
        (2, 3, 3, "300"),
        (None, None, 1, "1000"),
    ],
)
def test_a_price_is_exact_in_money_per_kilowatt_hour(
    power: int | None, energy: int | None, number: int, wanted: str
) -> None:
    found = told(
        (0, number),
        tariff=tariff(price_power_of_ten_multiplier=power),
        reading_type=replace(ENERGY, power_of_ten_multiplier=energy),
    )
    assert found == (("price", "USD/kWh", Decimal(wanted)),)


@pytest.mark.spec("CSIP-AUS PRC-02")
def test_blocks_of_consumption_are_told_by_where_they_begin() -> None:
    assert told((0, 80), (500, 120), (2000, None)) == (
        ("price", "USD/kWh", Decimal("0.080")),
        ("price above 500 kWh", "USD/kWh", Decimal("0.120")),
    )


@pytest.mark.spec("CSIP-AUS PRC-02")
def test_what_is_delivered_and_what_is_paid_for_demand_have_kinds_of_their_own() -> None:
    reverse = rate_of(tariff(currency=36), component(2), replace(ENERGY, flow_direction=19))
    assert (reverse.kind, reverse.unit) == (Kind.EXPORT_PRICE, "AUD/kWh")
    demand = rate_of(tariff(), component(1), WATT)
    assert (demand.kind, demand.unit) == (Kind.DEMAND_CHARGE, "USD/kW")
    limited = replace(
        component(1),
        flow_rate_start_limit=sep.UnitValueType(multiplier=6, unit=38, value=5),
        flow_rate_end_limit=sep.UnitValueType(multiplier=6, unit=38, value=10),
    )
    assert told((0, 85), component=limited)[0][0] == "price from 5000 to 10000 kW"


def test_carbon_is_told_beside_the_price_and_other_costs_are_kept() -> None:
    costs = (
        sep.EnvironmentalCost(amount=412, cost_kind=0, cost_level=1, num_cost_levels=3),
        sep.EnvironmentalCost(amount=9, cost_kind=2, cost_level=1, num_cost_levels=3),
    )
    assert told((0, None), environmental_cost=costs) == (("carbon", "g/kWh", Decimal(412)),)
    quote = Quote(
        rate=rate_of(tariff(), component(1), ENERGY),
        blocks=(
            sep.ConsumptionTariffInterval(
                consumption_block=0, price=1, start_value=0, environmental_cost=costs
            ),
        ),
    )
    commodities = [one.commodity for one in quote.asked()]
    assert commodities == [Commodity.PRICE, Commodity.GHG]
    assert "costKind 2, amount 9" in quote.beside().values()


@pytest.mark.spec("CSIP-AUS PRC-02")
@pytest.mark.parametrize("uom", [None, 0, 119, 195])
def test_a_price_of_something_else_than_energy_or_power_is_no_price_for_a_load(
    uom: int | None,
) -> None:
    with pytest.raises(WireError) as error:
        rate_of(tariff(), component(1), replace(ENERGY, uom=uom))
    assert error.value.reason == "INVALID_UNIT"


@pytest.mark.parametrize("power", [-128, -10, 10, 127])
def test_powers_of_ten_that_nobody_means_are_refused_before_anything_is_computed(
    power: int,
) -> None:
    for others in (
        {"tariff": tariff(price_power_of_ten_multiplier=power)},
        {"reading_type": replace(ENERGY, power_of_ten_multiplier=power)},
    ):
        with pytest.raises(WireError) as error:
            told((0, 1), **others)
        assert error.value.reason == "INVALID_NUMBER"


def test_an_operator_is_told_once_which_prices_are_left_out() -> None:
    server = utility()
    furnish(server)
    server.resources["/tp/1/rc/2/rt"] = replace(ENERGY, href="/tp/1/rc/2/rt", uom=195)
    world = World(server).run(20 * MINUTE)
    told = [one.fields for one in world.notes if one.word == "prices_not_followed"]
    assert [one["href"].rpartition("/tp")[2] for one in told] == ["/1/rc/2/rt"]


def test_currencies_have_their_letters() -> None:
    assert {code_of(one) for one in Currency} == {one.name for one in Currency}
    assert (code_of(None), code_of(8), code_of(7)) == ("XXX", "ALL", "007")
    assert all(len(code) == 3 for code in CURRENCIES.values())


@pytest.mark.spec("IEEE 2030.5-2018 TimeTariffInterval")
def test_a_price_goes_inward_with_its_time_and_is_answered() -> None:
    server = utility()
    furnish(server)
    world = World(server).run(5 * SECOND)
    server.put("/tp/1/rc/1/tti", [price(server, 1, START + 5 * MINUTE, 30, 85, 130)])
    world.run(START + 4 * MINUTE)
    (event,) = world.events
    assert (event.start, event.end) == (START + 5 * MINUTE, START + 35 * MINUTE)
    assert event.program == "site program"
    assert event.source["touTier"] == "1"
    first, second = event.signals
    assert (first.kind, first.commodity, first.direction) == (
        *(Kind.PRICE, Commodity.PRICE),
        Direction.NONE,
    )
    assert (first.unit, first.intervals[0].value) == ("USD/kWh", Decimal("0.085"))
    assert (second.signal_id, second.intervals[0].value) == (
        *("price above 500 kWh",),
        Decimal("0.130"),
    )
    world.run(START + 40 * MINUTE)
    assert server.responses() == [(mrid(1), 1), (mrid(1), 2), (mrid(1), 3)]
    kinds = {type(p.value) for p in server.posted if isinstance(p.value, sep.Response)}
    assert kinds == {sep.PriceResponse}
    assert world.events == [event]


@pytest.mark.spec("CSIP-AUS PRC-04")
def test_a_cancelled_price_is_taken_back_and_answered_6() -> None:
    server = utility()
    furnish(server)
    one = price(server, 1, START + 5 * MINUTE, 30, 85)
    server.put("/tp/1/rc/1/tti", [one])
    world = World(server).run(10 * MINUTE)
    gone = replace(
        one,
        event_status=status(2, START + 10 * MINUTE),
        consumption_tariff_interval_list_link=None,
    )
    server.put("/tp/1/rc/1/tti", [gone])
    world.run(5 * MINUTE)
    assert server.responses() == [(mrid(1), 1), (mrid(1), 2), (mrid(1), 6)]
    first, last = world.events
    assert last.cancelled_at is not None
    assert (last.event_id, last.version) == (first.event_id, first.version + 1)


def test_a_price_cancelled_while_we_were_away_is_taken_back_without_its_prices() -> None:
    server = utility()
    furnish(server)
    one = price(server, 1, START + 20 * MINUTE, 30, 85)
    server.put("/tp/1/rc/1/tti", [one])
    world = World(server).run(5 * MINUTE)
    assert len(world.events) == 1
    server.put("/tp/1/rc/1/tti", [replace(one, event_status=status(2, world.now))])
    blocks(server, 1, ())
    world.start()
    world.run(5 * MINUTE)
    first, last = world.events
    assert last.cancelled_at is not None
    assert (last.event_id, last.version) == (first.event_id, first.version + 1)
    assert server.responses() == [(mrid(1), 1), (mrid(1), 6)]


@pytest.mark.spec("CSIP-AUS PRC-02")
def test_newer_prices_displace_older_ones_of_the_same_component_alone() -> None:
    server = utility()
    furnish(server)
    old = price(server, 1, START + 5 * MINUTE, 60, 85)
    new = price(server, 2, START + 15 * MINUTE, 15, 400, creation_time=old.creation_time + 9)
    other = replace(
        price(server, 3, START + 5 * MINUTE, 60, 20),
        href="/tp/1/rc/2/tti/3",
        creation_time=old.creation_time + 99,
    )
    server.put("/tp/1/rc/1/tti", [old, new])
    server.put("/tp/1/rc/2/tti", [other])
    world = World(server).run(80 * MINUTE)
    codes = {n: [c for s, c in server.responses() if s == mrid(n)] for n in (1, 2, 3)}
    assert codes[1][0] == 1
    assert 7 in codes[1]
    assert codes[2] == codes[3] == [1, 2, 3]
    kinds = {str(e.event_id): e.signals[0].kind for e in world.events}
    assert kinds[mrid(3)] is Kind.EXPORT_PRICE


@pytest.mark.spec("CSIP-AUS PRC-03")
def test_what_lasts_is_read_once_and_prices_at_the_poll_rate() -> None:
    server = utility()
    furnish(server, rate=60)
    one = price(server, 1, START + 5 * MINUTE, 120, 85)
    server.put("/tp/1/rc/1/tti", [one])
    world = World(server).run(14 * MINUTE)
    asked = [href.partition("?")[0] for _, href in server.asked]
    assert asked.count("/tp/1/rc") == 1
    assert asked.count("/tp/1/rc/1/rt") == 1
    assert asked.count("/tp/1/rc/1/tti/1/cti") == 1
    assert 12 <= asked.count("/tp/1/rc/1/tti") <= 16, "at the rate, and once more before the start"
    assert 12 <= asked.count("/tp") <= 14
    # A new version of the interval says that what is below it may be new.
    server.put("/tp/1/rc/1/tti", [replace(one, version=1)])
    blocks(server, 1, [90])
    world.run(2 * MINUTE)
    assert [e.signals[0].intervals[0].value for e in world.events] == [
        Decimal("0.085"),
        Decimal("0.090"),
    ]
    assert [e.version for e in world.events] == [0, 1]


@pytest.mark.spec("CSIP-AUS PRC-05")
def test_a_component_that_comes_and_one_that_goes_are_followed() -> None:
    server = utility()
    furnish(server)
    server.put("/tp/1/rc", [component(2)])
    server.put("/tp", [tariff(rate_component_list_link=sep.ListLink(href="/tp/1/rc", all=1))])
    server.put("/tp/1/rc/1/tti", [price(server, 1, START + 30 * MINUTE, 30, 85)])
    world = World(server).run(3 * MINUTE)
    assert world.events == []
    server.put("/tp/1/rc", [component(1), component(2)])
    server.put("/tp", [tariff()])
    world.run(3 * MINUTE)
    assert [str(e.event_id) for e in world.events] == [mrid(1)]
    server.put("/tp", [])
    world.run(3 * MINUTE)
    assert world.events[-1].cancelled_at is not None


def test_prices_that_cannot_be_read_keep_no_control_waiting() -> None:
    server = utility()
    furnish(server)
    server.statuses["/tp"] = 500
    server.put("/dr", [])
    world = World(server).run(2 * MINUTE)
    assert "device_ready" in world.words()
    assert server.posted, "the device goes on with everything else"
    del server.statuses["/tp"]
    server.statuses["/tp/1/rc/1/tti/1/cti"] = 500
    one = price(server, 1, START + 30 * MINUTE, 10, 85)
    server.put("/tp/1/rc/1/tti", [one, price(server, 2, START + 40 * MINUTE, 10, 85)])
    world.run(18 * MINUTE)
    assert [str(e.event_id) for e in world.events] == [mrid(2)]
    del server.statuses["/tp/1/rc/1/tti/1/cti"]
    world.run(20 * MINUTE)
    assert [str(e.event_id) for e in world.events] == [mrid(2), mrid(1)]


def test_a_restart_in_the_middle_tells_no_price_twice() -> None:
    server = utility()
    furnish(server)
    server.put("/tp/1/rc/1/tti", [price(server, 1, START + 5 * MINUTE, 30, 85)])
    world = World(server).run(10 * MINUTE)
    server.statuses["/tp"] = 500
    world.start()
    world.run(5 * MINUTE)
    del server.statuses["/tp"]
    world.start()
    world.run(25 * MINUTE)
    assert server.responses() == [(mrid(1), 1), (mrid(1), 2), (mrid(1), 3)]
    assert len(world.events) == 1


def test_prices_that_are_told_no_more_stand_until_their_interval_is_cancelled() -> None:
    server = utility()
    furnish(server)
    one = price(server, 1, START + 5 * MINUTE, 60, 85)
    server.put("/tp/1/rc/1/tti", [one])
    world = World(server).run(10 * MINUTE)
    blocks(server, 1, ())
    server.put("/tp/1/rc/1/tti", [replace(one, version=1)])
    world.run(10 * MINUTE)
    assert len(world.events) == 1
    assert world.events[0].cancelled_at is None


def test_a_day_of_prices_is_handed_on_at_once() -> None:
    server = utility(rate=300)
    furnish(server, rate=300)
    found = [price(server, n + 1, START + (5 * n + 5) * MINUTE, 5, 85) for n in range(48)]
    server.put("/tp/1/rc/1/tti", found)
    server.statuses["/tp/1/rc/1/tti/7/cti"] = 500
    world = World(server)
    world.run(SECOND)
    handed = []
    while len(world.events) < 47:
        world.run(timedelta(milliseconds=5))
        handed.append(len(world.events))
        assert world.now < START + 5 * SECOND
    assert set(handed) <= {0, 47}, "all but the one whose prices failed, and none before"
    server.down = True
    world.run(2 * MINUTE)
    server.down = False
    del server.statuses["/tp/1/rc/1/tti/7/cti"]
    world.run(15 * MINUTE)
    assert len(world.events) == 48
