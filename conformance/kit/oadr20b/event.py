"""Events as a case writes them down; any part may be wrong on purpose."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

CONTEXT: Final = "http://gridgate.example/program"
"""Market context that the suite's events carry unless the IXIT names another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """What a signal's value counts."""

    name: str
    """Element with prefix, e.g. ``power:powerReal``."""
    description: str = ""
    units: str = ""
    scale: str = "none"
    attributes: tuple[tuple[str, str], ...] = ()
    """Of ``powerAttributes``: hertz, voltage, ac."""


KILOWATT: Final = Unit(
    name="power:powerReal",
    description="RealPower",
    units="W",
    scale="k",
    attributes=(("hertz", "60"), ("voltage", "480"), ("ac", "true")),
)
DOLLAR_PER_KWH: Final = Unit(
    name="oadr:currencyPerKWh", description="currencyPerKWh", units="USD", scale="none"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One interval."""

    lasts: timedelta
    value: Decimal
    uid: str | None = None
    """None: its place, from 0."""
    dtstart: datetime | None = None
    """Forbidden in events (rule 103); set it to be wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """One signal of an event."""

    name: str
    type: str
    steps: tuple[Step, ...]
    id: str = "s0"
    unit: Unit | None = None
    current: Decimal | None = None
    """``currentValue``; None: filled in for SIMPLE as rules 14 and 29 say, left out otherwise."""
    device_class: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Whom an event is for; empty: the whole VEN."""

    ven_ids: tuple[str, ...] = ()
    group_ids: tuple[str, ...] = ()
    resource_ids: tuple[str, ...] = ()
    party_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """``eiEventBaseline``."""

    start: datetime
    lasts: timedelta
    steps: tuple[Step, ...]
    id: str = "b0"
    name: str = "expected"
    unit: Unit | None = KILOWATT


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event. ``Event.simple(...)`` and its kin make the usual ones."""

    id: str
    start: datetime
    lasts: timedelta
    signals: tuple[Signal, ...]
    version: int = 0
    status: str = ""
    """Empty: what the suite's clock says at each distribution."""
    required: bool = True
    """``oadrResponseRequired``: always or never."""
    context: str = ""
    """Empty: the run's market context."""
    priority: int | None = 0
    target: Target = Target()
    notification: timedelta | None = timedelta(0)
    ramp_up: timedelta | None = None
    recovery: timedelta | None = None
    start_after: timedelta | None = None
    test: str | None = None
    comment: str | None = None
    created: datetime | None = None
    """None: the instant of the distribution."""
    baseline: Baseline | None = None
    wrong: str = ""
    """In what it is wrong on purpose; a distribution that carries it is noted as wrong."""

    def modified(self, **changes: object) -> "Event":
        """Return the next version with changes."""
        return replace(self, version=self.version + 1, **changes)  # type: ignore[arg-type]  # the names of the fields

    def cancelled(self) -> "Event":
        """Return its cancellation, one version higher."""
        return replace(self, version=self.version + 1, status="cancelled")

    @property
    def end(self) -> datetime:
        """Return when it ends, without any random delay."""
        return self.start + self.lasts


def simple(
    event_id: str,
    start: datetime,
    lasts: timedelta,
    *levels: int,
    version: int = 0,
    required: bool = True,
    start_after: timedelta | None = None,
) -> Event:
    """Make an event with one SIMPLE signal of equal steps, level 1 when none is given."""
    values = levels or (1,)
    steps = tuple(Step(lasts=lasts / len(values), value=Decimal(level)) for level in values)
    signal = Signal(name="SIMPLE", type="level", steps=steps)
    return Event(
        id=event_id,
        start=start,
        lasts=lasts,
        signals=(signal,),
        version=version,
        required=required,
        start_after=start_after,
    )


def price(event_id: str, start: datetime, lasts: timedelta, *prices: str) -> Event:
    """Make an event with one ELECTRICITY_PRICE signal of equal steps, in USD per kWh."""
    return _one(event_id, start, lasts, prices, "ELECTRICITY_PRICE", "price", DOLLAR_PER_KWH)


def dispatch(event_id: str, start: datetime, lasts: timedelta, *kilowatts: str) -> Event:
    """Make an event with one LOAD_DISPATCH setpoint signal of equal steps, in kW."""
    return _one(event_id, start, lasts, kilowatts, "LOAD_DISPATCH", "setpoint", KILOWATT)


def _one(
    event_id: str,
    start: datetime,
    lasts: timedelta,
    values: tuple[str, ...],
    name: str,
    kind: str,
    unit: Unit,
) -> Event:
    steps = tuple(Step(lasts=lasts / len(values), value=Decimal(v)) for v in values)
    signal = Signal(name=name, type=kind, steps=steps, unit=unit)
    return Event(id=event_id, start=start, lasts=lasts, signals=(signal,))
