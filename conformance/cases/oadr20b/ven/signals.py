"""Signals, a VEN under test: known pairs of name and type are taken, others refused (table 1, rule 109)."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Final

from conformance.kit.case import Case, case
from conformance.kit.checks.events import RIGHT_ANSWER, answers_event, repeats_request_id, taken
from conformance.kit.checks.refusals import refuses_event, takes_signal
from conformance.kit.oadr20b.announce import announce
from conformance.kit.oadr20b.event import (
    DOLLAR_PER_KWH,
    KILOWATT,
    Event,
    Signal,
    Step,
    Unit,
    simple,
)
from conformance.kit.observations import event_answered, event_reached
from conformance.kit.stage import VenStage

_SOON: Final = timedelta(hours=2)
_HOUR: Final = timedelta(hours=1)
_HALF: Final = timedelta(minutes=30)
_DOLLAR_PER_KW: Final = Unit(
    name="oadr:currencyPerKW", description="currencyPerKW", units="USD", scale="none"
)
_KWH: Final = Unit(name="power:energyReal", description="RealEnergy", units="Wh", scale="k")
_UNSUPPORTED: Final = "REQ-OADR20B-R109-1"
_ANY: Final = "REQ-OADR20B-R109-2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of table 1."""

    number: int
    name: str
    type: str
    unit: Unit | None
    values: tuple[str, str]
    item: str = ""
    """PICS item; empty: mandatory (rule 510)."""

    @property
    def requirement(self) -> str:
        """Return the id of the row's requirement; the mandatory ones are those of any event."""
        return f"REQ-OADR20B-TABLE1-{self.number}" if self.item else RIGHT_ANSWER

    @property
    def mutant(self) -> str:
        """Return the id of the device that does not know the pair."""
        return f"knows-no-{self.name}-{self.type}".replace("_", "-").lower()


_PRICES: Final = "VEN-SIG-PRICES"
_BIDS: Final = "VEN-SIG-BIDS"
_CHARGE: Final = "VEN-SIG-CHARGE"
_DISPATCH: Final = "VEN-SIG-DISPATCH"
_CONTROL: Final = "VEN-SIG-CONTROL"


def _row(number: int, pair: str, unit: Unit | None, values: str, item: str = "") -> Row:
    name, kind = pair.split()
    low, high = values.split()
    return Row(number=number, name=name, type=kind, unit=unit, values=(low, high), item=item)


ROWS: Final = (
    _row(1, "SIMPLE level", None, "1 3"),
    _row(2, "ELECTRICITY_PRICE price", DOLLAR_PER_KWH, "0.12 0.55"),
    _row(3, "ELECTRICITY_PRICE priceRelative", DOLLAR_PER_KWH, "-0.05 0.30", _PRICES),
    _row(4, "ELECTRICITY_PRICE priceMultiplier", None, "0.8 3.5", _PRICES),
    _row(5, "ENERGY_PRICE price", DOLLAR_PER_KWH, "0.03 0.20", _PRICES),
    _row(6, "ENERGY_PRICE priceRelative", DOLLAR_PER_KWH, "-0.01 0.10", _PRICES),
    _row(7, "ENERGY_PRICE priceMultiplier", None, "0.5 2", _PRICES),
    _row(8, "DEMAND_CHARGE price", _DOLLAR_PER_KW, "4 12.5", _PRICES),
    _row(9, "DEMAND_CHARGE priceRelative", _DOLLAR_PER_KW, "-1 6", _PRICES),
    _row(10, "DEMAND_CHARGE priceMultiplier", None, "1 2.5", _PRICES),
    _row(11, "BID_PRICE price", DOLLAR_PER_KWH, "0.2 0.3", _BIDS),
    _row(12, "BID_LOAD setpoint", KILOWATT, "60 90", _BIDS),
    _row(13, "BID_ENERGY setpoint", _KWH, "15 30", _BIDS),
    _row(14, "CHARGE_STATE setpoint", _KWH, "40 10", _CHARGE),
    _row(15, "CHARGE_STATE delta", _KWH, "-20 20", _CHARGE),
    _row(16, "CHARGE_STATE multiplier", None, "0.2 1.0", _CHARGE),
    _row(17, "LOAD_DISPATCH setpoint", KILOWATT, "80 0"),
    _row(18, "LOAD_DISPATCH delta", KILOWATT, "-25 10", _DISPATCH),
    _row(19, "LOAD_DISPATCH multiplier", None, "0.5 0.75", _DISPATCH),
    _row(20, "LOAD_DISPATCH level", KILOWATT, "-10 10", _DISPATCH),
    _row(21, "LOAD_CONTROL x-loadControlCapacity", None, "0.0 1.0", _CONTROL),
    _row(22, "LOAD_CONTROL x-loadControlLevelOffset", None, "2 0", _CONTROL),
    _row(23, "LOAD_CONTROL x-loadControlPercentOffset", None, "-30 0", _CONTROL),
    _row(24, "LOAD_CONTROL x-loadControlSetpoint", None, "21.5 24", _CONTROL),
)
"""Pairs of signalName and signalType with unit and sample values."""


def _signal(row: Row, signal_id: str = "s0") -> Signal:
    steps = tuple(Step(lasts=_HALF, value=Decimal(value)) for value in row.values)
    return Signal(name=row.name, type=row.type, steps=steps, id=signal_id, unit=row.unit)


def _with(stage: VenStage, event_id: str, *signals: Signal) -> Event:
    return Event(id=event_id, start=stage.now + _SOON, lasts=_HOUR, signals=signals)


def _announced(row: Row) -> Callable[[VenStage], Awaitable[None]]:
    async def play(stage: VenStage) -> None:
        await announce(stage, _with(stage, "sig-1", _signal(row)))

    return play


def _pair(row: Row) -> Case:
    own = () if row.requirement == RIGHT_ANSWER else (row.requirement,)
    return case(
        id=f"OADR20B-VEN-SIG-{row.number:03}",
        title=f"{row.name} {row.type} is taken",
        purpose=f"Exposes a VEN that does not know the signal type {row.type} of {row.name}.",
        requirements=(*own, RIGHT_ANSWER, "REQ-OADR20B-R12-1", "REQ-OADR20B-R42-1"),
        applies_if=row.item,
        checks=(
            answers_event("sig-1") if not own else takes_signal("sig-1", row.requirement),
            repeats_request_id(),
        ),
        observations=(event_reached("sig-1"), event_answered("sig-1")),
        mutants=(row.mutant,),
    )(_announced(row))


PAIRS: Final = tuple(_pair(row) for row in ROWS)


def _custom(signal_id: str = "s0") -> Signal:
    step = Step(lasts=_HOUR, value=Decimal(7))
    return Signal(name="x-gridgate-unheard-of", type="level", steps=(step,), id=signal_id)


@case(
    id="OADR20B-VEN-EVT-070",
    title="An unknown custom signal is refused by 460",
    purpose="Exposes a VEN that takes signals of which it knows nothing.",
    public=("E1_1070", "E0_6070"),
    requirements=(_UNSUPPORTED, "REQ-OADR20B-R12-1"),
    checks=(refuses_event("custom-1", _UNSUPPORTED, codes=("460",)),),
    observations=(event_reached("custom-1"), event_answered("custom-1")),
    mutants=("takes-any-custom-signal",),
)
async def custom_signal(stage: VenStage) -> None:
    """Announce an event with nothing but a custom signal."""
    await announce(stage, _with(stage, "custom-1", _custom()))


@case(
    id="OADR20B-VEN-SIG-030",
    title="One unknown signal among several refuses the event",
    purpose="Exposes a VEN that takes an event although it cannot follow all of its signals.",
    requirements=(_ANY, "REQ-OADR20B-R12-1"),
    applies_if="not VEN-SIG-PARTIAL",
    checks=(refuses_event("mixed-1", _ANY, codes=("460",)),),
    observations=(event_reached("mixed-1"), event_answered("mixed-1")),
    mutants=("takes-what-it-can-of-the-signals",),
)
async def partly_known(stage: VenStage) -> None:
    """Announce SIMPLE together with a custom signal."""
    known = _signal(ROWS[0])
    await announce(stage, _with(stage, "mixed-1", known, _custom("s1")))


@case(
    id="OADR20B-VEN-SIG-031",
    title="A type that table 1 does not give to a name is refused",
    purpose="Exposes a VEN that looks at the name of a signal alone.",
    requirements=("REQ-OADR20B-R104-1", "REQ-OADR20B-R12-1"),
    checks=(refuses_event("odd-1", "REQ-OADR20B-R104-1"),),
    observations=(event_reached("odd-1"), event_answered("odd-1")),
    mutants=("judges-signals-by-name",),
)
async def odd_pair(stage: VenStage) -> None:
    """Announce LOAD_DISPATCH as a price."""
    step = Step(lasts=_HOUR, value=Decimal(3))
    signal = Signal(name="LOAD_DISPATCH", type="price", steps=(step,), unit=DOLLAR_PER_KWH)
    await announce(stage, _with(stage, "odd-1", signal))


@case(
    id="OADR20B-VEN-SIG-032",
    title="Several signals in one event are taken",
    purpose="Exposes a VEN that takes only events with one signal.",
    requirements=("REQ-OADR20B-R106-1", RIGHT_ANSWER, "REQ-OADR20B-R12-1"),
    checks=taken("both-1", "REQ-OADR20B-R106-1"),
    observations=(event_reached("both-1"), event_answered("both-1")),
    mutants=("takes-one-signal-only",),
)
async def two_signals(stage: VenStage) -> None:
    """Announce SIMPLE beside LOAD_DISPATCH, as programs with devices of both kinds do."""
    signals = (_signal(ROWS[0], "s0"), _signal(ROWS[16], "s1"))
    await announce(stage, _with(stage, "both-1", *signals))


@case(
    id="OADR20B-VEN-SIG-033",
    title="A level of SIMPLE outside 0 to 3 is refused",
    purpose="Exposes a VEN that takes levels which mean nothing.",
    requirements=("REQ-OADR20B-R9-1", "REQ-OADR20B-R12-1"),
    applies_if="VEN-EVT-VALIDATES",
    suspends=("RULE-2B-007",),
    checks=(refuses_event("four-1", "REQ-OADR20B-R9-1"),),
    observations=(event_reached("four-1"),),
    mutants=("takes-any-level",),
)
async def level_four(stage: VenStage) -> None:
    """Announce level 4."""
    await announce(stage, simple("four-1", stage.now + _SOON, _HOUR, 1, 4))


@case(
    id="OADR20B-VEN-SIG-034",
    title="SIMPLE with a unit is refused",
    purpose="Exposes a VEN that does not look at the unit of a signal.",
    requirements=("REQ-OADR20B-R9-2", "REQ-OADR20B-R12-1"),
    applies_if="VEN-EVT-VALIDATES",
    suspends=("RULE-2B-007",),
    checks=(refuses_event("unit-1", "REQ-OADR20B-R9-2"),),
    observations=(event_reached("unit-1"),),
    mutants=("takes-simple-with-unit",),
)
async def simple_with_unit(stage: VenStage) -> None:
    """Announce SIMPLE in kilowatts."""
    step = Step(lasts=_HOUR, value=Decimal(1))
    signal = Signal(name="SIMPLE", type="level", steps=(step,), unit=KILOWATT)
    await announce(stage, _with(stage, "unit-1", signal))


@case(
    id="OADR20B-VEN-SIG-035",
    title="A signal for another class of devices is refused",
    purpose="Exposes a VEN that ignores the target of a signal.",
    requirements=("REQ-OADR20B-R111-1", "REQ-OADR20B-R12-1"),
    applies_if="VEN-SIG-CLASS",
    checks=(refuses_event("class-1", "REQ-OADR20B-R111-1"),),
    observations=(event_reached("class-1"), event_answered("class-1")),
    mutants=("ignores-device-class",),
)
async def other_class(stage: VenStage) -> None:
    """Announce a level for pool pumps."""
    step = Step(lasts=_HOUR, value=Decimal(1))
    other = stage.value("other_device_class")
    signal = Signal(name="SIMPLE", type="level", steps=(step,), device_class=other)
    await announce(stage, _with(stage, "class-1", signal))


@case(
    id="OADR20B-VEN-SIG-036",
    title="A signal for its own class of devices is taken",
    purpose="Exposes a VEN that refuses every signal with a target.",
    requirements=("REQ-OADR20B-R111-2", RIGHT_ANSWER, "REQ-OADR20B-R12-1"),
    applies_if="VEN-SIG-CLASS",
    checks=taken("class-2", "REQ-OADR20B-R111-2"),
    observations=(event_reached("class-2"), event_answered("class-2")),
    mutants=("refuses-device-classes",),
)
async def own_class(stage: VenStage) -> None:
    """Announce a level for the class of this device."""
    step = Step(lasts=_HOUR, value=Decimal(1))
    own = stage.value("device_class")
    signal = Signal(name="SIMPLE", type="level", steps=(step,), device_class=own)
    await announce(stage, _with(stage, "class-2", signal))
