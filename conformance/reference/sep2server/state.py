"""What the reference server remembers; it outlives a restart."""

from dataclasses import dataclass, field
from datetime import datetime

from lxml.etree import _Element as Element

from conformance.kit.sep2.values import Content, Control, Price, Program, Tariff

Slot = tuple[str, ...]
"""Name of a document that a client puts, and which of several: ``("DERStatus", "1")``."""


@dataclass(slots=True, kw_only=True)
class Device:
    """One EndDevice."""

    number: str
    lfdi: str
    registered: datetime
    changed: datetime
    manager: str = ""
    """LFDI of the aggregator that acts for it; empty: itself."""
    aggregator: bool = False
    in_band: bool = False
    """It was posted, not put in by the operator."""
    pin: int | None = None
    """None: there is no Registration."""
    ders: int = 1
    post_s: int = 60
    enabled: bool | None = None
    content: Content = field(default_factory=dict)
    """Further elements."""
    assignments: list[str] = field(default_factory=list)
    """Ids."""
    documents: dict[Slot, Element] = field(default_factory=dict)
    """What was put."""
    events: dict[str, Element] = field(default_factory=dict)
    """LogEvents by number."""


@dataclass(slots=True, kw_only=True)
class HeldControl:
    """One DERControl of a program."""

    number: str
    mrid: str
    control: Control
    created: datetime
    version: int = 0
    """Of its content; changes of its status count beside."""
    cancelled_at: datetime | None = None
    randomly: bool = False
    """It was cancelled with randomisation."""
    withdrawn_at: datetime | None = None
    """It left its list without a word."""


@dataclass(slots=True, kw_only=True)
class HeldCurve:
    """What the server adds to a curve."""

    number: str
    mrid: str
    created: datetime


@dataclass(slots=True, kw_only=True)
class HeldProgram:
    """One DERProgram."""

    number: str
    mrid: str
    default_mrid: str
    program: Program
    version: int = 0
    default_version: int = 0
    controls: dict[str, HeldControl] = field(default_factory=dict)
    """By number."""
    curves: dict[str, HeldCurve] = field(default_factory=dict)
    """By id."""


@dataclass(slots=True, kw_only=True)
class HeldAssignment:
    """One FunctionSetAssignments, for whomever it was given to."""

    number: str
    mrid: str
    programs: tuple[str, ...] = ()
    """Ids."""
    tariffs: tuple[str, ...] = ()
    """Ids."""
    version: int = 0


@dataclass(slots=True, kw_only=True)
class HeldPrice:
    """One TimeTariffInterval."""

    number: str
    mrid: str
    price: Price
    created: datetime


@dataclass(slots=True, kw_only=True)
class HeldComponent:
    """One RateComponent."""

    number: str
    mrid: str
    id: str
    prices: dict[str, HeldPrice] = field(default_factory=dict)
    """By id."""


@dataclass(slots=True, kw_only=True)
class HeldTariff:
    """One TariffProfile."""

    number: str
    mrid: str
    tariff: Tariff
    components: list[HeldComponent] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Meter:
    """One MirrorMeterReading."""

    mrid: str
    type: Element
    """ReadingType."""
    description: str = ""
    updated: datetime | None = None
    reading: Element | None = None
    """The one that came alone, last."""
    sets: dict[str, Element] = field(default_factory=dict)
    """MirrorReadingSets by mRID."""
    told: list[Element] = field(default_factory=list)
    """Every Reading that came, oldest first."""


@dataclass(slots=True, kw_only=True)
class Mirror:
    """One MirrorUsagePoint."""

    number: str
    mrid: str
    lfdi: str
    """Of the device whose meter it is."""
    content: dict[str, str] = field(default_factory=dict)
    """roleFlags, serviceCategoryKind, status, description, version."""
    meters: dict[str, Meter] = field(default_factory=dict)
    """By mRID."""


@dataclass(slots=True, kw_only=True)
class Said:
    """One Response."""

    number: str
    lfdi: str
    at: datetime
    """createdDateTime; without one: when it came."""
    element: Element


@dataclass(slots=True, kw_only=True)
class Subscription:
    """One of a device."""

    number: str
    lfdi: str
    """Whose it is."""
    resource: str
    """Path."""
    uri: str
    limit: int
    level: str
    told: str = ""
    """Digest of the resource as the subscriber knows it."""
    retry_at: datetime | None = None
    """Not before."""
    failures: int = 0


@dataclass(slots=True, kw_only=True)
class Memory:
    """Everything at once."""

    devices: dict[str, Device] = field(default_factory=dict)
    """By LFDI."""
    assignments: dict[str, HeldAssignment] = field(default_factory=dict)
    programs: dict[str, HeldProgram] = field(default_factory=dict)
    tariffs: dict[str, HeldTariff] = field(default_factory=dict)
    mirrors: dict[str, Mirror] = field(default_factory=dict)
    """By number."""
    responses: dict[str, Said] = field(default_factory=dict)
    """By number."""
    subscriptions: dict[str, Subscription] = field(default_factory=dict)
    """By number."""
    events: set[str] = field(default_factory=set)
    """mRIDs of everything that may be responded to, also after its end."""
    rates: dict[str, int] = field(default_factory=dict)
    """pollRates that the operator set, by the name of the resource; seconds."""
    connection_points_change: bool = True
    numbers: int = 0

    def device(self, number: str) -> Device:
        """Return an EndDevice that is there, by its number."""
        return next(d for d in self.devices.values() if d.number == number)

    def program(self, number: str) -> HeldProgram:
        """Return a program that is there, by its number."""
        return next(p for p in self.programs.values() if p.number == number)

    def tariff(self, number: str) -> HeldTariff:
        """Return a tariff that is there, by its number."""
        return next(t for t in self.tariffs.values() if t.number == number)
