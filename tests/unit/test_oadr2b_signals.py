"""Signals become kilowatts, kinds and directions by the mapping table (compute-flex B.5, OpenADR 2.0b)."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Final

import pytest

from gateway.domain.errors import SessionError, SignalError, WireError
from gateway.domain.event import Basis, Commodity, Direction, GridEvent, Kind, RawMessage
from gateway.domain.names import SiteId
from gateway.protocols.entry import ProgramTerms
from gateway.protocols.leaf import ARCHIVE
from gateway.protocols.oadr2b.account import account
from gateway.protocols.oadr2b.messages import (
    EiEventSignal,
    EiTarget,
    ItemBase,
    OadrEvent,
    SignalType,
)
from gateway.protocols.oadr2b.normalize import canonical_priority, grid_events
from gateway.protocols.oadr2b.options import VenOptions
from gateway.protocols.oadr2b.signals import PRECEDENCE, RULES, Reading, read
from gateway.protocols.oadr2b.targets import Audience, same_context
from tests.oadr2b_world import (
    CODEC,
    CONTEXT,
    HOUR,
    KILOWATT,
    NOW,
    SCOPE,
    UTILITY,
    event,
    listing,
    signal,
    simple,
    steps,
)

TERMS: Final = ProgramTerms(name=CONTEXT, sites=(SiteId("phx-1"),))
T: Final = SignalType
KWH: Final = ItemBase(
    name="energyReal", item_description="RealEnergy", item_units="Wh", si_scale_code="k"
)


def money(name: str, units: str = "USD", scale: str = "none") -> ItemBase:
    return ItemBase(name=name, item_description=name, item_units=units, si_scale_code=scale)


def power(scale: str, units: str = "W") -> ItemBase:
    return replace(KILOWATT, si_scale_code=scale, item_units=units)


def asked(
    name: str,
    kind: SignalType,
    *values: str,
    item: ItemBase | None = None,
    terms: ProgramTerms = TERMS,
) -> Reading:
    made: EiEventSignal = signal(name, kind, steps(*values), item)
    return read(made, terms)


PER_KWH, PER_KW = money("currencyPerKWh"), money("currencyPerKW")
MAPPING: Final = [
    ("SIMPLE", T.LEVEL, None, "2", Kind.LEVEL, Basis.ORDINAL, "1", Direction.DECREASE),
    ("SIMPLE", T.LEVEL, None, "0", Kind.LEVEL, Basis.ORDINAL, "1", Direction.NONE),
    ("simple", T.LEVEL, None, "3", Kind.LEVEL, Basis.ORDINAL, "1", Direction.DECREASE),
    *(
        row
        for name in ("ELECTRICITY_PRICE", "ENERGY_PRICE")
        for row in (
            (name, T.PRICE, PER_KWH, "0.3", Kind.PRICE, Basis.ABSOLUTE, "USD/kWh", Direction.NONE),
            (
                name,
                T.PRICE_RELATIVE,
                PER_KWH,
                "-0.1",
                Kind.PRICE,
                Basis.RELATIVE_BASELINE,
                "USD/kWh",
                Direction.NONE,
            ),
            (
                name,
                T.PRICE_MULTIPLIER,
                None,
                "2",
                Kind.PRICE,
                Basis.FRACTION_OF_BASELINE,
                "1",
                Direction.NONE,
            ),
        )
    ),
    (
        "DEMAND_CHARGE",
        T.PRICE,
        PER_KW,
        "9",
        Kind.DEMAND_CHARGE,
        Basis.ABSOLUTE,
        "USD/kW",
        Direction.NONE,
    ),
    (
        "DEMAND_CHARGE",
        T.PRICE_RELATIVE,
        PER_KW,
        "1",
        Kind.DEMAND_CHARGE,
        Basis.RELATIVE_BASELINE,
        "USD/kW",
        Direction.NONE,
    ),
    (
        "DEMAND_CHARGE",
        T.PRICE_MULTIPLIER,
        None,
        "2",
        Kind.DEMAND_CHARGE,
        Basis.FRACTION_OF_BASELINE,
        "1",
        Direction.NONE,
    ),
    (
        "BID_PRICE",
        T.PRICE,
        money("currencyPerThm"),
        "5",
        Kind.RESERVE,
        Basis.ABSOLUTE,
        "USD/thm",
        Direction.NONE,
    ),
    ("BID_LOAD", T.SETPOINT, KILOWATT, "5", Kind.RESERVE, Basis.ABSOLUTE, "kW", Direction.NONE),
    ("BID_ENERGY", T.SETPOINT, KWH, "5", Kind.RESERVE, Basis.ABSOLUTE, "kWh", Direction.NONE),
    ("CHARGE_STATE", T.SETPOINT, KWH, "5", Kind.STORAGE, Basis.ABSOLUTE, "kWh", Direction.HOLD),
    (
        "CHARGE_STATE",
        T.DELTA,
        KWH,
        "-5",
        Kind.STORAGE,
        Basis.RELATIVE_CURRENT,
        "kWh",
        Direction.HOLD,
    ),
    (
        "CHARGE_STATE",
        T.MULTIPLIER,
        None,
        "0.5",
        Kind.STORAGE,
        Basis.FRACTION_OF_NAMEPLATE,
        "1",
        Direction.HOLD,
    ),
    (
        "LOAD_DISPATCH",
        T.SETPOINT,
        KILOWATT,
        "225000",
        Kind.SETPOINT,
        Basis.ABSOLUTE,
        "kW",
        Direction.HOLD,
    ),
    (
        "LOAD_DISPATCH",
        T.DELTA,
        KILOWATT,
        "-75000",
        Kind.REDUCE,
        Basis.RELATIVE_CURRENT,
        "kW",
        Direction.DECREASE,
    ),
    (
        "LOAD_DISPATCH",
        T.DELTA,
        KILOWATT,
        "75000",
        Kind.INCREASE,
        Basis.RELATIVE_CURRENT,
        "kW",
        Direction.INCREASE,
    ),
    (
        "LOAD_DISPATCH",
        T.MULTIPLIER,
        None,
        "0.75",
        Kind.REDUCE,
        Basis.FRACTION_OF_BASELINE,
        "1",
        Direction.DECREASE,
    ),
    (
        "LOAD_DISPATCH",
        T.MULTIPLIER,
        None,
        "1.25",
        Kind.INCREASE,
        Basis.FRACTION_OF_BASELINE,
        "1",
        Direction.INCREASE,
    ),
    ("LOAD_DISPATCH", T.LEVEL, KILOWATT, "-10", Kind.LEVEL, Basis.ORDINAL, "1", Direction.NONE),
    (
        "LOAD_CONTROL",
        T.X_LOAD_CONTROL_CAPACITY,
        None,
        "0.6",
        Kind.SETPOINT,
        Basis.FRACTION_OF_NAMEPLATE,
        "1",
        Direction.HOLD,
    ),
    (
        "LOAD_CONTROL",
        T.X_LOAD_CONTROL_LEVEL_OFFSET,
        None,
        "2",
        Kind.LEVEL,
        Basis.ORDINAL,
        "1",
        Direction.DECREASE,
    ),
    (
        "LOAD_CONTROL",
        T.X_LOAD_CONTROL_PERCENT_OFFSET,
        None,
        "-20",
        Kind.LEVEL,
        Basis.ORDINAL,
        "%",
        Direction.DECREASE,
    ),
    (
        "LOAD_CONTROL",
        T.X_LOAD_CONTROL_SETPOINT,
        None,
        "72",
        Kind.SETPOINT,
        Basis.ORDINAL,
        "",
        Direction.HOLD,
    ),
    (
        "LOAD_CONTROL",
        T.X_LOAD_CONTROL_SETPOINT,
        KILOWATT,
        "72",
        Kind.SETPOINT,
        Basis.ABSOLUTE,
        "kW",
        Direction.HOLD,
    ),
]


@pytest.mark.spec("OpenADR 2.0b Table 1, rules 104 and 109")
@pytest.mark.spec("compute-flex B.5 OpenADR 2.0b")
@pytest.mark.parametrize("row", MAPPING, ids=lambda row: f"{row[0]}-{row[1]}-{row[3]}")
def test_each_signal_maps_to_its_kind(
    row: tuple[str, SignalType, ItemBase | None, str, Kind, Basis, str, Direction],
) -> None:
    name, kind, item, value, *expected = row

    found = asked(name, kind, value, item=item)

    assert [found.kind, found.basis, found.unit, found.direction] == expected
    assert found.values == (Decimal(value),)


@pytest.mark.spec("OpenADR 2.0b Table 1, rules 104 and 109")
@pytest.mark.spec("OpenADR 2.0b Table 1")
def test_the_table_is_complete() -> None:
    rows = {(name.upper(), kind) for name, kind, *_ in MAPPING}

    assert rows == set(RULES)
    assert set(PRECEDENCE) == {name for name, _ in RULES}


@pytest.mark.parametrize(
    ("scale", "value", "kw"),
    [
        ("none", "225000000", "225000"),
        ("k", "225000", "225000"),
        ("M", "225", "225000"),
        ("M", "0.0005", "0.5"),
        ("G", "0.3", "300000"),
        ("m", "1", "0.000001"),
        ("d", "10", "0.001"),
    ],
)
def test_power_is_scaled_exactly(scale: str, value: str, kw: str) -> None:
    found = asked("LOAD_DISPATCH", T.SETPOINT, value, item=power(scale, "J/s"))

    assert found.values == (Decimal(kw),)


def test_the_scale_of_a_price_and_of_energy() -> None:
    cents = asked("ELECTRICITY_PRICE", T.PRICE, "12", item=money("currencyPerKWh", scale="c"))
    energy = asked("CHARGE_STATE", T.SETPOINT, "2", item=replace(KWH, si_scale_code="M"))

    assert cents.values == (Decimal("0.12"),)
    assert energy.values == (Decimal(2000),)
    assert energy.commodity is Commodity.SOC


def test_levels_are_never_scaled() -> None:
    assert asked("LOAD_DISPATCH", T.LEVEL, "-3", item=power("M")).values == (Decimal(-3),)


@pytest.mark.parametrize(("scale", "value"), [("p", "1"), ("micro", "0.5")])
def test_a_value_too_fine_for_our_numbers_is_refused(scale: str, value: str) -> None:
    with pytest.raises(WireError, match="INVALID_NUMBER"):
        asked("LOAD_DISPATCH", T.SETPOINT, value, item=power(scale))


@pytest.mark.spec("OpenADR 2.0b rule 109")
@pytest.mark.parametrize(
    ("name", "kind", "item"),
    [
        ("x-own", T.LEVEL, None),
        ("load_dispatch", T.SETPOINT, KILOWATT),
        ("LOAD_DISPATCH", T.PRICE, KILOWATT),
        ("LOAD_DISPATCH", T.SETPOINT, None),
        ("LOAD_DISPATCH", T.SETPOINT, replace(KILOWATT, name="powerReactive")),
        ("LOAD_DISPATCH", T.MULTIPLIER, KILOWATT),
        ("ELECTRICITY_PRICE", T.PRICE, PER_KW),
        ("ELECTRICITY_PRICE", T.PRICE, None),
        ("LOAD_CONTROL", T.X_LOAD_CONTROL_SETPOINT, KWH),
    ],
)
def test_what_the_table_lacks_is_not_supported(
    name: str, kind: SignalType, item: ItemBase | None
) -> None:
    with pytest.raises(SignalError, match="SIGNAL_NOT_SUPPORTED"):
        asked(name, kind, "1", item=item)


@pytest.mark.spec("OpenADR 2.0b rule 104")
@pytest.mark.parametrize(
    ("name", "kind", "value", "item"),
    [
        ("SIMPLE", T.LEVEL, "4", None),
        ("SIMPLE", T.LEVEL, "-1", None),
        ("LOAD_DISPATCH", T.LEVEL, "11", KILOWATT),
        ("LOAD_DISPATCH", T.LEVEL, "1.5", KILOWATT),
        ("LOAD_DISPATCH", T.MULTIPLIER, "-0.1", None),
        ("LOAD_CONTROL", T.X_LOAD_CONTROL_CAPACITY, "1.01", None),
        ("LOAD_CONTROL", T.X_LOAD_CONTROL_PERCENT_OFFSET, "12.5", None),
        ("CHARGE_STATE", T.MULTIPLIER, "2", None),
    ],
)
def test_a_value_outside_its_range_is_refused(
    name: str, kind: SignalType, value: str, item: ItemBase | None
) -> None:
    with pytest.raises(SessionError, match="INVALID_DATA"):
        asked(name, kind, value, item=item)


# --- program settings


@pytest.mark.parametrize("value", ["75000", "-75000"])
def test_an_unsigned_delta_is_a_reduction(value: str) -> None:
    terms = replace(TERMS, delta_sign="unsigned")

    found = asked("LOAD_DISPATCH", T.DELTA, value, item=KILOWATT, terms=terms)

    assert (found.kind, found.direction) == (Kind.REDUCE, Direction.DECREASE)


def test_a_delta_stands_on_what_the_program_says() -> None:
    terms = replace(TERMS, delta_basis="baseline")

    found = asked("LOAD_DISPATCH", T.DELTA, "-5", item=KILOWATT, terms=terms)

    assert found.basis is Basis.RELATIVE_BASELINE


def test_a_delta_of_zero_asks_for_nothing() -> None:
    found = asked("LOAD_DISPATCH", T.DELTA, "0", item=KILOWATT)

    assert (found.kind, found.direction) == (Kind.REDUCE, Direction.NONE)


@pytest.mark.spec("OpenADR 2.0b Table 1")
def test_a_delta_may_ask_for_less_and_for_more_each_value_by_its_sign() -> None:
    found = asked("LOAD_DISPATCH", T.DELTA, "-25", "10", item=KILOWATT)

    assert (found.kind, found.direction) == (Kind.REDUCE, Direction.HOLD)
    assert found.values == (Decimal(-25), Decimal(10))


def test_an_unsigned_delta_of_both_signs_is_a_reduction_all_the_same() -> None:
    terms = replace(TERMS, delta_sign="unsigned")

    found = asked("LOAD_DISPATCH", T.DELTA, "-25", "10", item=KILOWATT, terms=terms)

    assert (found.kind, found.direction) == (Kind.REDUCE, Direction.DECREASE)


def test_a_capacity_may_be_a_cap() -> None:
    terms = replace(TERMS, capacity_is_cap=True)

    found = asked("LOAD_CONTROL", T.X_LOAD_CONTROL_CAPACITY, "0.6", terms=terms)

    assert (found.kind, found.direction) == (Kind.LIMIT_IMPORT, Direction.DECREASE)


def test_a_level_offset_below_zero_asks_for_more() -> None:
    found = asked("LOAD_CONTROL", T.X_LOAD_CONTROL_LEVEL_OFFSET, "-1")

    assert found.direction is Direction.INCREASE


# --- the whole event


def normalised(*events: OadrEvent) -> list[GridEvent]:
    message = listing(*events)
    raw = RawMessage(body=b"", media_type="", sha256="ab", peer="", received_at=NOW)
    audience = Audience.of("ven-1", VenOptions(), SCOPE)
    return list(grid_events(message, raw, UTILITY, audience))


@pytest.mark.spec("OpenADR 2.0b case CFX2B-EVT-05")
def test_the_signal_that_obliges_comes_first() -> None:
    prices = signal("ELECTRICITY_PRICE", T.PRICE, steps("1"), PER_KWH, "s2")
    bid = signal("BID_LOAD", T.SETPOINT, steps("1"), KILOWATT, "s3")
    dispatch = signal(signal_id="s4")

    (found,) = normalised(event(signals=(simple("1"), prices, bid, dispatch)))

    names = [each.name for each in found.signals]
    assert names == ["LOAD_DISPATCH", "BID_LOAD", "ELECTRICITY_PRICE", "SIMPLE"]


@pytest.mark.spec("OpenADR 2.0b rule 3")
@pytest.mark.parametrize(
    ("told", "ours"), [(None, 900), (0, 900), (1, 1), (898, 898), (899, 899), (4_000_000_000, 899)]
)
def test_priority_zero_and_absent_are_lowest(told: int | None, ours: int) -> None:
    assert canonical_priority(told) == ours


@pytest.mark.spec("OpenADR 2.0b case CFX2B-EVT-13")
def test_negative_ramp_and_recovery_are_kept() -> None:
    made = event()
    period = replace(
        made.ei_event.ei_active_period,
        x_ei_ramp_up=timedelta(minutes=-5),
        x_ei_recovery=timedelta(minutes=-7),
    )

    (found,) = normalised(event(period=period))

    assert found.ramp_in == timedelta(minutes=-5)
    assert found.recovery == timedelta(minutes=-7)
    assert found.notice == HOUR


def test_the_account_of_a_vanished_event_tells_of_the_message_alone() -> None:
    body = CODEC.encode(listing())
    (taken,) = normalised(event())

    found = account(body, replace(taken, cancel_implied=True))

    assert {leaf.field for leaf in found} == {"source.requestID", "source.vtnID", ARCHIVE}


def test_attributes_of_an_event_are_syntax() -> None:
    marked = CODEC.encode(listing(event())).replace(b"<ei:eiEvent>", b'<ei:eiEvent own="1">')
    (taken,) = normalised(event())

    (found,) = [leaf for leaf in account(marked, taken) if leaf.path.endswith("@own")]

    assert (found.value, found.field) == ("1", ARCHIVE)


def test_events_that_cannot_be_followed_are_passed_over() -> None:
    assert normalised(event(context="http://elsewhere.example/")) == []
    assert normalised(event(target=EiTarget(ven_ids=("other",)))) == []


@pytest.mark.spec("OpenADR 2.0b rule 512")
@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("http://a.example/x", "HTTP://A.EXAMPLE/x", True),
        ("http://a.example:80/x", "http://a.example/x", True),
        ("https://a.example:443", "https://a.example/", True),
        ("http://a.example/x", "http://a.example/X", False),
        ("http://a.example:443/x", "http://a.example/x", False),
        ("Program A", "Program A", True),
        ("Program A", "program a", False),
        ("http://[bad", "http://[bad", True),
        ("http://[bad", "http://[Bad", False),
    ],
)
def test_market_contexts_are_compared_as_uris(one: str, other: str, same: bool) -> None:
    assert same_context(one, other) is same
