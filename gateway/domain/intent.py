"""The compute-flex intent: one obligation of one site towards one utility, as published.

Exported as JSON Schema to ``schemas/intent/v1``. Adding an optional field is a minor change; anything else is a new
version folder. Power is kW at the measurement point, import positive; decimals are strings; times RFC 3339 UTC.
"""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from gateway.domain.event import Basis, Commodity, Direction, Kind, TestKind
from gateway.domain.protocol import ProtocolName
from gateway.domain.quantity import ExactNumber
from gateway.domain.text import Name, Text
from gateway.domain.timespan import Duration, Instant

Revision = Annotated[int, Field(ge=1, lt=2**53)]
"""``epoch * 2^32 + n``: rises with every change and with every restore of the store."""


class Published(BaseModel):
    """Base of every published document: frozen; readers ignore what they do not know, writers write all."""

    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        json_schema_serialization_defaults_required=True,
        defer_build=True,  # a third of the import time of everything that knows an intent
    )


class State(StrEnum):
    """Where an intent is in its life (compute-flex B.6)."""

    RECEIVED = "received"
    VALIDATED = "validated"
    SCHEDULED = "scheduled"
    REJECTED = "rejected"
    DELIVERED = "delivered"
    ACKED = "acked"
    COMMITTED = "committed"
    PRE_EVENT = "pre_event"
    RAMPING_IN = "ramping_in"
    HOLDING = "holding"
    BREACHED = "breached"
    RAMPING_OUT = "ramping_out"
    RECOVERING = "recovering"
    COMPLETED = "completed"
    SETTLED = "settled"
    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"
    EXPIRED = "expired"
    FAILED = "failed"


class Firmness(StrEnum):
    """How binding an intent is; the first is the most binding."""

    MANDATORY_EMERGENCY = "mandatory_emergency"
    MANDATORY_CONTRACT = "mandatory_contract"
    COMMITTED = "committed"
    VOLUNTARY = "voluntary"
    ADVISORY = "advisory"


class Authority(Published):
    """Who asks."""

    name: Name
    role: Literal["utility", "iso", "aggregator", "operator"] = "utility"
    program: Text
    priority_raw: Text = ""


class Raw(Published):
    """Where the utility's own bytes are."""

    media_type: Name
    sha256: Name
    archive_ref: Name
    """Key for ``gridgate explain``."""


class MappingRule(Published):
    """Which rule made the intent out of the message, and what it lost."""

    rule_id: Name
    rule_version: Annotated[int, Field(ge=1)] = 1
    lossy: bool = False
    notes: tuple[Text, ...] = ()


class Provenance(Published):
    """Where an intent comes from, to the last leaf."""

    protocol: ProtocolName
    authority: Authority
    source_ids: dict[str, Text]
    raw: Raw
    signature_verified: bool = False
    peer: Text = ""
    mapping: MappingRule
    unmapped: dict[str, Text] = {}


class Price(Published):
    """An amount of money per unit."""

    amount: ExactNumber
    currency: Name
    per: Name


class Segment(Published):
    """One step of what is asked, half-open ``[start, start + duration)``; no duration means open-ended."""

    start: Instant
    duration: Duration | None
    value: ExactNumber
    """As asked, in ``unit``."""
    unit: Name
    value_min: ExactNumber | None = None
    value_max: ExactNumber | None = None
    tolerance_kw: ExactNumber | None = None
    level: int | None = None
    price: Price | None = None
    shape_fraction: ExactNumber | None = None
    resolved_import_max_kw: ExactNumber | None = None
    """The cap that follows, frozen at intake; null when the ask is no cap or could not be resolved."""
    resolved_import_min_kw: ExactNumber | None = None


class Resolution(Published):
    """How a relative ask became kilowatts: frozen once, at intake, from stored samples."""

    method: Name
    meter: Name
    window_start: Instant
    window_end: Instant
    samples: int
    samples_expected: int
    pre_event_kw: ExactNumber | None
    """Mean import over the window; null when there were too few samples."""


class Ask(Published):
    """What is asked."""

    signal_id: Text = ""
    kind: Kind
    direction: Direction
    commodity: Commodity
    basis: Basis
    measurement_point: Name
    segments: tuple[Segment, ...]
    advisory: bool = False
    """True: informs the objective and obliges to nothing."""
    resolution: Resolution | None = None


class Randomisation(Published):
    """The utility's spread and what was drawn from it, once."""

    start_max: Duration
    drawn: Duration


class Recovery(Published):
    """How load may come back."""

    not_before: Instant | None
    duration: Duration
    rebound_cap_kw: ExactNumber | None = None
    max_ramp_kw_per_min: ExactNumber | None = None


class Timing(Published):
    """When; ``start`` has the drawn offset in it."""

    notice: Duration
    start: Instant
    duration: Duration | None
    open_ended: bool
    standing: bool = False
    """A limit that holds between events until it is replaced; it is not settled, and silence leaves it in force."""
    randomize: Randomisation | None = None
    ramp_in: Duration
    ramp_out: Duration
    min_hold: Duration | None = None
    recovery: Recovery


class Ramp(Published):
    """How fast load may move, kW per minute, both positive."""

    max_up_kw_per_min: ExactNumber | None
    max_down_kw_per_min: ExactNumber | None
    max_step_kw: ExactNumber | None = None


class TargetNames(Published):
    """Whom the utility named."""

    sites: tuple[Text, ...] = ()
    feeds: tuple[Text, ...] = ()
    resources: tuple[Text, ...] = ()
    groups: tuple[Text, ...] = ()
    locations: tuple[Text, ...] = ()
    end_devices: tuple[Text, ...] = ()


class SettlementTerms(Published):
    """How the event will be measured."""

    baseline_method: Name
    interval: Duration
    meter: Name


class Commercial(Published):
    """What it pays, and costs."""

    program: Text
    payment: Price | None = None
    penalty_per_kwh: ExactNumber | None = None
    penalty_per_event: ExactNumber | None = None
    settlement: SettlementTerms


class Response(Published):
    """What the site has to answer, and what happens if it does not."""

    ack_by: Instant
    opt_by: Instant
    opt_default: Literal["in", "out", "reject"]
    commitment_required: bool
    telemetry_measurand: Name = "active_power"
    telemetry_interval: Duration
    telemetry_max_age: Duration


class FailSafe(Published):
    """What a site does when it hears nothing for ``lease_s`` seconds."""

    on_lease_loss: Literal["hold_last", "apply_default", "release"]
    default_import_max_kw: ExactNumber | None
    lease_s: int
    ramp_kw_per_min: ExactNumber | None = None


class GuardStep(Published):
    """One step of what the operator's envelope leaves of an ask, half-open ``[start, end)``; no end: open."""

    start: Instant
    end: Instant | None
    import_max_kw: ExactNumber | None
    import_min_kw: ExactNumber | None = None


class GuardNote(Published):
    """One rule of the operator's envelope that an ask is against."""

    rule: Name
    action: Literal["clip", "hold"]
    detail: Text


class Guarded(Published):
    """What the operator's envelope made of this revision; ``asks`` stay as the utility asked."""

    steps: tuple[GuardStep, ...]
    """All that the site is asked to follow, ramps included."""
    partial: bool
    """True: less than was asked."""
    notes: tuple[GuardNote, ...] = ()


class ComputeFlexIntent(Published):
    """One obligation of one site for one program at one point of connection."""

    schema_: Annotated[Literal["compute-flex/1"], Field(alias="schema")] = "compute-flex/1"
    id: Name
    """Derived UUID; the same over all revisions, restarts and restores."""
    revision: Revision
    sequence: int
    """Place in the site's stream; the resume cursor."""
    event_ref: Name
    """The utility event; siblings at other sites share it."""
    site: Name
    issued_at: Instant
    received_at: Instant
    expires_at: Instant
    """Answer deadline."""
    deliver_by: Instant | None
    """Drop if unseen by then."""
    status: State
    hold_reason: Text = ""
    """Why the operator must decide; empty when nothing is held."""
    cancelled_at: Instant | None = None
    """The utility took it back: the obligation ends here, with any drawn delay; load may rise by the ramp."""
    supersedes: tuple[Name, ...] = ()
    superseded_by: Name | None = None
    test: TestKind
    allocated_kw: ExactNumber | None = None
    """Share of an event that names several sites."""
    provenance: Provenance
    asks: tuple[Ask, ...]
    """One at most obliges; the others inform."""
    timing: Timing
    ramp: Ramp
    targets: TargetNames
    firmness: Firmness
    priority: Annotated[int, Field(ge=0, le=1000)]
    commercial: Commercial
    confidence: ExactNumber | None = None
    response: Response
    failsafe: FailSafe
    guard: Guarded | None = None
    """What the site follows instead of the asks' own caps; null: the operator set no envelope."""
    signature: Text = ""
    """Detached JWS ES256 over the canonical JSON of this document with ``signature`` set to the empty string."""

    @property
    def ask(self) -> Ask | None:
        """The ask that obliges, if there is one."""
        return next((ask for ask in self.asks if not ask.advisory), None)
