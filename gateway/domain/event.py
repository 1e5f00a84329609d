"""A grid event: one request by a utility, normalised but not yet about any site.

``Emit`` carries it inward; ``pipeline/inbound.py`` turns it into one intent per site. Everything the utility said is
kept: what has a field here is listed in ``mapped``, the rest verbatim in ``unmapped``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final

from gateway.domain.names import EventId, UtilityName
from gateway.domain.protocol import ProtocolName
from gateway.domain.timespan import Span

MOST_INTERVALS: Final = 3000
"""Intervals of one event, all its signals and its baseline together. A day by the minute has 1,440, a week by five
minutes 2,016, a month by the quarter of an hour 2,976; beyond that an event is refused, and its neighbours are not."""


class Kind(StrEnum):
    """What a grid can ask of a site (compute-flex taxonomy A.1)."""

    LIMIT_IMPORT = "limit_import"
    LIMIT_EXPORT = "limit_export"
    REDUCE = "reduce"
    INCREASE = "increase"
    SETPOINT = "setpoint"
    LEVEL = "level"
    LOAD_SHAPE = "load_shape"
    RAMP_LIMIT = "ramp_limit"
    PRICE = "price"
    EXPORT_PRICE = "export_price"
    DEMAND_CHARGE = "demand_charge"
    CARBON = "carbon"
    CAPACITY = "capacity"
    STORAGE = "storage"
    CONNECT = "connect"
    GRID_SUPPORT = "grid_support"
    ALERT = "alert"
    RESERVE = "reserve"


ADVISORY = frozenset(
    {
        *(Kind.PRICE, Kind.EXPORT_PRICE, Kind.DEMAND_CHARGE, Kind.CARBON, Kind.ALERT),
        Kind.CAPACITY,
    }
)
"""Kinds that inform and never oblige; capacity that is granted need not be used."""


class Direction(StrEnum):
    """Which way load shall move."""

    DECREASE = "decrease"
    INCREASE = "increase"
    HOLD = "hold"
    """To each value: a setpoint, or offsets of both signs."""
    NONE = "none"


class Basis(StrEnum):
    """What a value is measured against."""

    ABSOLUTE = "absolute"
    RELATIVE_BASELINE = "relative_baseline"
    RELATIVE_CURRENT = "relative_current"
    FRACTION_OF_NAMEPLATE = "fraction_of_nameplate"
    FRACTION_OF_BASELINE = "fraction_of_baseline"
    ORDINAL = "ordinal"


class Commodity(StrEnum):
    """What flows."""

    ACTIVE_POWER = "active_power"
    ENERGY = "energy"
    REACTIVE_POWER = "reactive_power"
    SOC = "soc"
    PRICE = "price"
    GHG = "ghg"


class TestKind(StrEnum):
    """Whether an event is a test."""

    __test__ = False  # not a test class, whatever its name suggests to a collector

    NONE = "none"
    COMMUNICATIONS = "communications"
    LIVE_TEST = "live_test"


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """One step of a signal."""

    span: Span
    """Half-open, UTC, with the random offset applied; an open end is the signal's ``open_ended``."""
    value: Decimal
    """In the signal's ``unit``; kW and kWh after scaling; a fraction 0..n for fractions; the integer of a level."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """What is asked, as one series."""

    signal_id: str
    name: str
    """The standard's own signal name and type, e.g. ``LOAD_DISPATCH`` / ``multiplier``."""
    type: str
    kind: Kind
    direction: Direction
    commodity: Commodity
    basis: Basis
    unit: str
    """``kW``, ``kWh``, ``1`` (fraction or ordinal), ``USD/kWh`` …"""
    intervals: tuple[Interval, ...]
    current_value: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """Whom an event is for; all empty means everybody behind this session."""

    sites: tuple[str, ...] = ()
    """2.0b resourceID."""
    groups: tuple[str, ...] = ()
    parties: tuple[str, ...] = ()
    end_devices: tuple[str, ...] = ()
    """2.0b venID, 2030.5 LFDI."""
    feeds: tuple[str, ...] = ()
    locations: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RawMessage:
    """The bytes as received, and from whom."""

    body: bytes
    media_type: str
    sha256: str
    """Lower-case hex over ``body``."""
    peer: str
    """Fingerprint, LFDI or client id of the sender; empty when the transport names none."""
    received_at: datetime
    signature_verified: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class GridEvent:
    """One version of one request by one utility."""

    utility: UtilityName
    protocol: ProtocolName
    event_id: EventId
    version: int
    """modificationNumber; a higher one replaces, a lower one is refused."""
    program: str
    """Market context, program name or program mRID, verbatim."""
    created_at: datetime
    """When the utility made this version, by its own clock."""
    received_at: datetime
    start: datetime
    """With the random offset applied."""
    duration: timedelta | None
    """None: open-ended, until cancelled."""
    signals: tuple[Signal, ...]
    targets: Targets = Targets()
    priority: int = 900
    """0 most important; compared inside one utility only."""
    priority_raw: str = ""
    ramp_in: timedelta = timedelta(0)
    """Time before ``start`` in which load shall come down; negative: inside the event."""
    recovery: timedelta = timedelta(0)
    """Time after the end in which load may return; negative: it ends with the event."""
    notice: timedelta = timedelta(0)
    """How long before ``start`` the utility says it tells."""
    randomise: timedelta = timedelta(0)
    """Width of the start window that the offset was drawn from."""
    offset: timedelta = timedelta(0)
    """The drawn offset, already inside ``start`` and every span."""
    cancelled_at: datetime | None = None
    """Instant from which the obligation ends (with any drawn delay); None: not cancelled."""
    cancel_implied: bool = False
    """True: the event vanished from the utility's list (OpenADR 2.0b rule 61)."""
    doubt: str = ""
    """Why it must not be started without the operator, e.g. ``clock_offset``; empty: nothing speaks against it."""
    standing: bool = False
    """It holds until it is replaced, whenever no event does: no dispatch, so nothing of it is settled, and a site that
    says nothing about it stays bound."""
    response_required: bool = True
    test: TestKind = TestKind.NONE
    comment: str = ""
    source: Mapping[str, str] = field(default_factory=dict)
    """The ids and stamps of the wire by their wire names, e.g. ``eventID``, ``requestID``, ``vtnID``."""
    unmapped: Mapping[str, str] = field(default_factory=dict)
    """Leaf path -> value of everything that has no field here."""
    raw_sha256: str = ""

    @property
    def end(self) -> datetime | None:
        """End of the active period, exclusive; None while open-ended."""
        return None if self.duration is None else self.start + self.duration


@dataclass(frozen=True, slots=True, kw_only=True)
class EventKey:
    """What makes a grid event the same event."""

    utility: UtilityName
    event_id: EventId
