"""What a script has the suite's server hold, as values: programs, controls, assignments, curves."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

Content = Mapping[str, object]
"""Name of an element -> text, number, or a mapping of what it holds; ``aus:`` before names of CSIP-AUS."""
RESPONSES_ALL: Final = "07"


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """One DERControl."""

    id: str
    """Word of the script; stands in ``description``, the mRID cannot be guessed."""
    start: datetime
    lasts: timedelta
    base: Content
    """DERControlBase."""
    required: str = RESPONSES_ALL
    """responseRequired; empty: neither it nor replyTo."""
    random_start: int | None = None
    """randomizeStart, seconds."""
    random_lasts: int | None = None
    created: datetime | None = None
    """None: when it is published."""
    status: int | None = None
    """currentStatus; None: by the clock."""
    changed: datetime | None = None
    """EventStatus.dateTime; None: by the clock."""
    category: str = ""
    """deviceCategory."""
    version: int | None = None
    mrid: str = ""
    """Empty: made up."""
    wrong: str = ""
    """In what it is wrong on purpose."""

    @property
    def end(self) -> datetime:
        """Return its specified end."""
        return self.start + self.lasts

    def cancelled(self, *, randomly: bool = False) -> "Control":
        """Return it cancelled, perhaps with randomisation."""
        return replace(self, status=3 if randomly else 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """One DERCurve."""

    id: str
    type: int
    points: tuple[tuple[int, int], ...]
    content: Content = field(default_factory=dict)
    """Further elements."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """One DERProgram with its default."""

    id: str
    primacy: int
    default: Content | None = field(default_factory=dict)
    """DERControlBase of the DefaultDERControl; None: there is none."""
    default_settings: Content = field(default_factory=dict)
    """setGradW and the like beside it."""
    curves: tuple[Curve, ...] = ()
    mrid: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """One FunctionSetAssignments."""

    id: str
    programs: tuple[str, ...]
    """Ids of programs."""
    mrid: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One EndDevice."""

    lfdi: str
    pin: int | None = 111115
    """None: there is no Registration."""
    assignments: tuple[str, ...] = ()
    ders: int = 1
    post_s: int = 60
    """postRate."""
    enabled: bool | None = None
    content: Content = field(default_factory=dict)
    """Further elements of the EndDevice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tariff:
    """One TariffProfile."""

    id: str
    components: tuple[str, ...]
    """Ids of its RateComponents."""
    primacy: int = 1
    exponent: int = -3
    """pricePowerOfTenMultiplier."""
    currency: int = 36


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """One TimeTariffInterval with one step."""

    id: str
    start: datetime
    lasts: timedelta
    price: int
    required: str = "03"
    created: datetime | None = None
    """None: when it is published."""
    status: int | None = None
    """currentStatus; None: by the clock."""


def watts(value: int, multiplier: int = 0) -> Content:
    """Return an ActivePower."""
    return {"multiplier": multiplier, "value": value}


def limit(percent: float) -> Content:
    """Return the base of a control that caps generation at a part of setMaxW."""
    return {"opModMaxLimW": round(percent * 100)}


def fixed(percent: float) -> Content:
    """Return the base of a control that sets the output; below zero: of consumption."""
    return {"opModFixedW": round(percent * 100)}


def connect(*, on: bool) -> Content:
    """Return the base of a control that connects or disconnects."""
    return {"opModConnect": on}


def energize(*, on: bool) -> Content:
    """Return the base of a control that energises or does not."""
    return {"opModEnergize": on}


def aus_limit(which: str, value: int, multiplier: int = 0) -> Content:
    """Return the base of a CSIP-AUS limit: ``Imp``, ``Exp``, ``Gen`` or ``Load``, in W."""
    return {f"aus:opMod{which}LimW": watts(value, multiplier)}


def storage_target(value: int, multiplier: int = 0) -> Content:
    """Return the base of a control that tells storage what to deliver; below zero: to draw, in W."""
    return {"beta:opModStorageTargetW": watts(value, multiplier)}
