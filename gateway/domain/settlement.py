"""What an event was worth: baseline, performance and statement, as published.

Energy is kWh per interval, import positive, rounded half-even to 9 decimals; money is rounded half-even to 0.01 once,
at the end of a statement. Decimals are strings, instants RFC 3339 UTC, spans half-open.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from gateway.domain.quantity import ExactNumber
from gateway.domain.reading import Quality, Reading
from gateway.domain.text import Name, Text
from gateway.domain.timespan import Duration, Instant, Span


class Document(BaseModel):
    """Base of every published settlement document: frozen, unknown fields refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class BaselineStatus(StrEnum):
    """Whether a baseline could be computed."""

    OK = "ok"
    INSUFFICIENT_DAYS = "insufficient_days"
    INSUFFICIENT_DATA = "insufficient_data"


class WindowInterval(Document):
    """One interval that a baseline was computed from."""

    start: Instant
    duration: Duration
    energy_kwh: ExactNumber


class BaselineRow(Document):
    """One event interval: what would have been used, what was used, what the method credits."""

    start: Instant
    duration: Duration
    baseline_kwh: ExactNumber
    metered_kwh: ExactNumber | None
    reduction_kwh: ExactNumber | None
    """As the method credits it (it may floor or scale); null when the interval was not metered."""


class BaselineResult(Document):
    """The counterfactual of one event by one method; the same shape for every method."""

    method: Name
    """Family id, e.g. ``same_day``."""
    parameters: dict[str, JsonValue]
    """The method's options in full, so that anyone can compute it again."""
    status: BaselineStatus
    windows: tuple[WindowInterval, ...] = ()
    """Intervals used, oldest first."""
    intervals: tuple[BaselineRow, ...] = ()
    """Event intervals in order; empty when there is no baseline."""
    total_reduction_kwh: ExactNumber | None = None
    figures: dict[str, ExactNumber] = {}
    """Further results of the method by name, e.g. ``nominated_kw`` of ``fsl``."""
    flags: tuple[Name, ...] = ()
    source: Text = ""
    """Where the method's values come from."""
    verified: bool = False
    """True: every parameter was found in public material. Never an official baseline while false."""
    unverified: tuple[Text, ...] = ()
    """Names of the parameters that were not."""


class StatementStatus(StrEnum):
    """How final a statement is; a later one supersedes, none is edited."""

    PROVISIONAL = "provisional"
    INITIAL = "initial"
    RESETTLED = "resettled"
    FINAL = "final"


class IntervalRow(Document):
    """One interval of a statement."""

    start: Instant
    duration: Duration
    baseline_kwh: ExactNumber | None
    """Null when the baseline has insufficient data."""
    metered_kwh: ExactNumber | None
    reduction_kwh: ExactNumber | None
    obligation_kwh: ExactNumber
    shortfall_kwh: ExactNumber
    payment: ExactNumber
    """Share of the statement's payment before rounding to cents, to 9 decimals; negative: owed by the site."""
    quality: Quality
    flags: tuple[Name, ...] = ()


class Totals(Document):
    """Sums over the intervals that were metered; obligation and shortfall also over missing ones by default."""

    baseline_kwh: ExactNumber
    metered_kwh: ExactNumber
    reduction_kwh: ExactNumber
    obligation_kwh: ExactNumber
    shortfall_kwh: ExactNumber
    payment: ExactNumber
    """Rounded half-even to 0.01, once."""


class MethodSummary(Document):
    """The event by one baseline method, in sums: the paid one, or one shown beside it."""

    method: Name
    parameters: dict[str, JsonValue]
    """Everything needed to compute it again."""
    status: BaselineStatus
    baseline_kwh: ExactNumber | None
    metered_kwh: ExactNumber | None
    reduction_kwh: ExactNumber | None
    performance: ExactNumber | None
    """As the method defines it; by default reduction over obligation."""
    figures: dict[str, ExactNumber] = {}
    flags: tuple[Name, ...] = ()
    source: Text = ""
    verified: bool = False
    unverified: tuple[Text, ...] = ()


LogIndex = Annotated[int, Field(ge=0, lt=2**53)]
"""Position of a record in the evidence log."""


class InputIndexes(Document):
    """Which records of the evidence log a statement was computed from, ascending."""

    config: tuple[LogIndex, ...] = ()
    event: tuple[LogIndex, ...] = ()
    intent: tuple[LogIndex, ...] = ()
    opt: tuple[LogIndex, ...] = ()
    telemetry: tuple[LogIndex, ...] = ()


class CorrectionReason(StrEnum):
    """Why a statement was made anew."""

    LATE_DATA = "late_data"
    """Meter data of its windows came after the statement that it corrects."""
    EVENT_CHANGED = "event_changed"
    """The utility sent another version of the event, or an answer counted for something else."""


class Correction(Document):
    """Which statement a later one takes the place of, and why; the earlier one stays as it was logged."""

    corrects: Annotated[int, Field(ge=1, lt=2**53)]
    """Version of the same statement."""
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    """Over that version in canonical JSON (RFC 8785), as it stands in the log."""
    reason: CorrectionReason
    late: tuple[LogIndex, ...] = ()
    """Records of the log that name each batch which came late, ascending; empty for another reason."""


def _is_none(value: object) -> bool:
    return value is None


class SettlementStatement(Document):
    """One site, one event, one program: what was asked, what was delivered, what it pays."""

    schema_: Annotated[Literal["settlement-statement/1"], Field(alias="schema")] = (
        "settlement-statement/1"
    )
    id: Name
    version: Annotated[int, Field(ge=1, lt=2**53)]
    status: StatementStatus
    utility: Name
    program: Text
    event_id: Name
    intent_id: Name
    site: Name
    meter: Name
    measurement_point: Name
    start: Instant
    """Start of the event (the hold, without ramps)."""
    end: Instant
    currency: Name
    price_per_kwh: ExactNumber
    """Paid per kWh reduced, up to the obligation."""
    penalty_per_kwh: ExactNumber
    """Owed per kWh short."""
    pre_event_kw: ExactNumber | None
    """Mean import before the event, frozen when the event was taken in."""
    limit_kw: ExactNumber | None
    """Lowest cap in force during the event, frozen likewise."""
    intervals: tuple[IntervalRow, ...]
    totals: Totals
    performance: ExactNumber | None
    """Reduction over obligation; null when nothing was owed."""
    baseline_method: Name
    baseline: MethodSummary
    """The method that is paid on."""
    alternatives: tuple[MethodSummary, ...] = ()
    """The same event by other methods, for comparison; nothing is paid on them."""
    quality_counts: dict[str, int] = {}
    """Quality letter -> event intervals."""
    flags: tuple[Name, ...] = ()
    inputs: InputIndexes
    software: Name
    simulated: bool
    """True: the site is simulated."""
    test: bool
    """True: test event or test mode; the figures are for practice."""
    correction: Annotated[Correction | None, Field(exclude_if=_is_none)] = None
    """What it corrects; left out in the first version, and in those of releases that did not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineRequest:
    """Ask for one event's baseline by one method."""

    method: Mapping[str, object]
    """``family`` and its parameters, as stored in the configuration."""
    event: Span
    interval: timedelta
    readings: tuple[Reading, ...]
    """Validated, each of length ``interval``, in order; covers the event and whatever the method looks at."""
    timezone: str
    frozen: Mapping[str, Decimal] = field(default_factory=dict)
    """What was frozen at intake: ``pre_event_kw``, ``limit_kw``."""
