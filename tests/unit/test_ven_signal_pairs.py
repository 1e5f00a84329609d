"""Every pair of signalName and signalType, with every unit: followed as the standard has it, or refused by rule."""

from dataclasses import replace
from decimal import Decimal
from itertools import product
from typing import Final

import pytest

from gateway.domain.participation import Opt
from gateway.protocols.oadr2b import messages as wire
from gateway.protocols.oadr2b.messages import ItemBase, SignalType
from tests.oadr2b_world import KILOWATT, World, event, listing, signal, steps

T: Final = SignalType
NAMES: Final = (
    "SIMPLE",
    "ELECTRICITY_PRICE",
    "ENERGY_PRICE",
    "DEMAND_CHARGE",
    "BID_PRICE",
    "BID_LOAD",
    "BID_ENERGY",
    "CHARGE_STATE",
    "LOAD_DISPATCH",
    "LOAD_CONTROL",
    "x-ours",
)
"""The ten names of Table 1, and one by agreement."""


def unit(name: str, units: str) -> ItemBase:
    return ItemBase(name=name, item_description=name, item_units=units, si_scale_code="none")


ITEMS: Final[dict[str, ItemBase | None]] = {
    "none": None,
    "powerReal": KILOWATT,
    "powerApparent": replace(
        KILOWATT, name="powerApparent", item_description="ApparentPower", item_units="VA"
    ),
    "powerReactive": replace(
        KILOWATT, name="powerReactive", item_description="ReactivePower", item_units="VAR"
    ),
    "energyReal": replace(unit("energyReal", "Wh"), item_description="RealEnergy"),
    "energyApparent": replace(unit("energyApparent", "VAh"), item_description="ApparentEnergy"),
    "energyReactive": replace(unit("energyReactive", "VARh"), item_description="ReactiveEnergy"),
    "currency": unit("currency", "USD"),
    "currencyPerKW": unit("currencyPerKW", "USD"),
    "currencyPerKWh": unit("currencyPerKWh", "USD"),
}
PRICES: Final = {T.PRICE, T.PRICE_RELATIVE}
TABLE_1: Final[dict[tuple[str, SignalType], set[str]]] = {
    ("SIMPLE", T.LEVEL): {"none"},
    **{(name, kind): {"currencyPerKWh"} for name in NAMES[1:3] for kind in PRICES},
    **{(name, T.PRICE_MULTIPLIER): {"none"} for name in NAMES[1:4]},
    **{("DEMAND_CHARGE", kind): {"currencyPerKW"} for kind in PRICES},
    ("BID_PRICE", T.PRICE): {"currency", "currencyPerKW", "currencyPerKWh"},
    ("BID_LOAD", T.SETPOINT): {"powerReal", "powerApparent", "powerReactive"},
    ("BID_ENERGY", T.SETPOINT): {"energyReal", "energyApparent", "energyReactive"},
    ("CHARGE_STATE", T.SETPOINT): {"energyReal", "energyApparent", "energyReactive"},
    ("CHARGE_STATE", T.DELTA): {"energyReal", "energyApparent", "energyReactive"},
    ("CHARGE_STATE", T.MULTIPLIER): {"none"},
    ("LOAD_DISPATCH", T.SETPOINT): {"powerReal", "powerApparent", "powerReactive"},
    ("LOAD_DISPATCH", T.DELTA): {"powerReal", "powerApparent", "powerReactive"},
    ("LOAD_DISPATCH", T.MULTIPLIER): {"none"},
    ("LOAD_DISPATCH", T.LEVEL): {"powerReal", "powerApparent", "powerReactive"},
    ("LOAD_CONTROL", T.X_LOAD_CONTROL_CAPACITY): {"none"},
    ("LOAD_CONTROL", T.X_LOAD_CONTROL_LEVEL_OFFSET): {"none"},
    ("LOAD_CONTROL", T.X_LOAD_CONTROL_PERCENT_OFFSET): {"none"},
    ("LOAD_CONTROL", T.X_LOAD_CONTROL_SETPOINT): {"none", "powerReal"},
}
"""As the standard's Table 1 and rule 116 have it; a set point of load control in kW by agreement."""
NOT_OURS: Final = {"powerApparent", "powerReactive", "energyApparent", "energyReactive"}
"""Sites act on real power and energy: these are answered 460, and the statement of our VEN says so."""


def expected(name: str, kind: SignalType, item: str) -> str:
    if name == "SIMPLE":
        if kind is not T.LEVEL:
            return "459"  # rule 116
        return "200" if item == "none" else "459"  # rule 9
    allowed = TABLE_1.get((name, kind), set()) - NOT_OURS
    return "200" if item in allowed else "460"


def sent(world: World, offered: wire.EiEventSignal, event_id: str) -> tuple[str, str]:
    world.poll(listing(event(event_id, signals=(offered,)), request_id=event_id))
    *_, last = world.responses()
    assert last[0] == event_id
    return last[2], last[3]


@pytest.mark.spec("OpenADR 2.0b Table 1", "OpenADR 2.0b rules 9, 104, 109, 116, 510")
@pytest.mark.parametrize("name", NAMES)
def test_every_pair_and_unit_is_followed_or_refused_by_rule(name: str) -> None:
    world = World(decide=lambda _: Opt.IN)
    world.settle()
    wrong = []
    for kind, item in product(SignalType, ITEMS):
        made = signal(name, kind, steps("1"), ITEMS[item])
        code, opt = sent(world, made, f"{kind}-{item}")
        good = expected(name, kind, item)
        if (code, opt) != (good, "optIn" if good == "200" else "optOut"):
            wrong.append((str(kind), item, code, opt, good))

    assert wrong == []


def test_the_table_names_every_pair_of_the_standard() -> None:
    assert len(TABLE_1) == 24
    assert {name for name, _ in TABLE_1} == set(NAMES[:10])


@pytest.mark.spec("OpenADR 2.0b rule 104")
@pytest.mark.parametrize(
    ("name", "kind", "item", "value", "code"),
    [
        ("SIMPLE", T.LEVEL, "none", "3", "200"),
        ("SIMPLE", T.LEVEL, "none", "4", "454"),
        ("SIMPLE", T.LEVEL, "none", "0.5", "454"),
        ("LOAD_DISPATCH", T.LEVEL, "powerReal", "-10", "200"),
        ("LOAD_DISPATCH", T.LEVEL, "powerReal", "-11", "454"),
        ("LOAD_DISPATCH", T.MULTIPLIER, "none", "-0.5", "454"),
        ("LOAD_CONTROL", T.X_LOAD_CONTROL_CAPACITY, "none", "1", "200"),
        ("LOAD_CONTROL", T.X_LOAD_CONTROL_CAPACITY, "none", "1.1", "454"),
        ("LOAD_CONTROL", T.X_LOAD_CONTROL_LEVEL_OFFSET, "none", "1.5", "454"),
        ("LOAD_CONTROL", T.X_LOAD_CONTROL_PERCENT_OFFSET, "none", "-20", "200"),
        ("CHARGE_STATE", T.MULTIPLIER, "none", "0", "200"),
        ("CHARGE_STATE", T.MULTIPLIER, "none", "1.01", "454"),
    ],
)
def test_a_value_beyond_the_range_of_its_pair_is_invalid_data(
    name: str, kind: SignalType, item: str, value: str, code: str
) -> None:
    world = World(decide=lambda _: Opt.IN)
    world.settle()
    offered = signal(name, kind, steps(value), ITEMS[item])

    assert sent(world, offered, "e")[0] == code


@pytest.mark.spec("OpenADR 2.0b rules 106, 109")
def test_of_several_signals_the_more_exact_one_obliges() -> None:
    order = [
        signal("SIMPLE", T.LEVEL, steps("2"), None, "a"),
        signal("ELECTRICITY_PRICE", T.PRICE, steps("1"), ITEMS["currencyPerKWh"], "b"),
        signal("BID_LOAD", T.SETPOINT, steps("5"), KILOWATT, "c"),
        signal("CHARGE_STATE", T.MULTIPLIER, steps("0.5"), None, "d"),
        signal("LOAD_CONTROL", T.X_LOAD_CONTROL_CAPACITY, steps("0.5"), None, "e"),
        signal("LOAD_DISPATCH", T.SETPOINT, steps("5"), KILOWATT, "f"),
    ]
    world = World()
    world.settle()
    world.poll(listing(event("e1", signals=tuple(order))))

    (found,) = world.emitted
    assert [one.signal_id for one in found.signals] == ["f", "e", "d", "c", "b", "a"]
    assert found.signals[0].intervals[0].value == Decimal(5)
