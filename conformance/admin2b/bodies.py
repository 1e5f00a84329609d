"""What an operator may ask of a played utility; unknown keys are faults, defaults are safe."""

from datetime import timedelta
from typing import Annotated, Final, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from conformance.peers.event_spec import BaselineSpec, EventSpec, SignalSpec, Step
from conformance.peers.units import KNOWN, item_base
from gateway.domain.errors import MisuseError
from gateway.domain.quantity import ExactNumber
from gateway.domain.text import Name, Text
from gateway.domain.timespan import Duration, Instant
from gateway.protocols.oadr2b.messages import EiTarget, SignalType, TransportInterface
from gateway.protocols.oadr2b.vtn_records import WantRecord

T = TypeVar("T")
_ZERO: Final = timedelta(0)
MOST_STEPS: Final = 2000
"""Intervals of one signal."""


def _unit(text: str) -> str:
    try:
        item_base(text)
    except MisuseError:
        raise ValueError(f"no such unit; write one of: {KNOWN}") from None
    return text


def _exact(value: object) -> object:
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _some(found: tuple[T, ...]) -> tuple[T, ...]:
    # Not min_length: pydantic counts parts that failed as absent, and would tell a second fault about each.
    if not found:
        raise ValueError("must not be empty")
    return found


Number = Annotated[ExactNumber, BeforeValidator(_exact)]
"""A number, also as text: ``500``, ``0.25`` or ``"0.25"``."""
NotNegative = Annotated[Duration, Field(ge=_ZERO)]
Unit = Annotated[str, AfterValidator(_unit)]
Fingerprint = Annotated[str, Field(pattern=r"^([0-9A-F]{2}:){9}[0-9A-F]{2}$")]
Id = Annotated[Name, Field(pattern=r"^[^/?#\s]+$")]
"""An id that fits into a path."""


class Body(BaseModel):
    """Base of every request."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Nothing(Body):
    """An empty object."""


class AllocationBody(Body):
    """A venID given out beforehand."""

    fingerprints: tuple[Fingerprint, ...] = ()
    """Of the certificates that may use it, as ``59:4D:D8:CD:35:8E:E7:F7:86:94``; two while one is rolled over."""
    name: Text = ""


class StepBody(Body):
    """One interval."""

    duration: NotNegative
    """``PT0S`` in a single interval: until cancelled."""
    value: Number


Steps = Annotated[tuple[StepBody, ...], Field(max_length=MOST_STEPS), AfterValidator(_some)]


class SignalBody(Body):
    """One signal of an event."""

    name: Name = "SIMPLE"
    type: SignalType = SignalType.LEVEL
    unit: Unit = ""
    id: Text = ""
    """signalID; empty: its place among the signals."""
    intervals: Steps
    device_classes: tuple[Name, ...] = ()


class BaselineBody(Body):
    """Use expected without the event."""

    name: Name = "baseline"
    id: Name = "baseline"
    start: Instant | None = None
    """That of the event unless given."""
    unit: Unit = "kW"
    intervals: Steps
    resources: tuple[Name, ...] = ()


class InterfaceBody(Body):
    """The edge at which energy enters and leaves a transport."""

    receipt: Name
    delivery: Name


class TargetBody(Body):
    """Whom an event concerns; all kinds together are a union."""

    resources: tuple[Name, ...] = ()
    groups: tuple[Name, ...] = ()
    group_names: tuple[Name, ...] = ()
    parties: tuple[Name, ...] = ()
    ven: Text = ""
    """venID to name in the target; one at most (rule 22)."""
    end_device_assets: tuple[Name, ...] = ()
    meter_assets: tuple[Name, ...] = ()
    pnodes: tuple[Name, ...] = ()
    aggregated_pnodes: tuple[Name, ...] = ()
    service_delivery_points: tuple[Name, ...] = ()
    transport_interfaces: tuple[InterfaceBody, ...] = ()

    def target(self) -> EiTarget:
        """Return the eiTarget."""
        return EiTarget(
            resource_ids=self.resources,
            group_ids=self.groups,
            group_names=self.group_names,
            party_ids=self.parties,
            ven_ids=(self.ven,) if self.ven else (),
            end_device_assets=self.end_device_assets,
            meter_assets=self.meter_assets,
            pnodes=self.pnodes,
            aggregated_pnodes=self.aggregated_pnodes,
            service_delivery_points=self.service_delivery_points,
            transport_interfaces=tuple(
                TransportInterface(point_of_receipt=one.receipt, point_of_delivery=one.delivery)
                for one in self.transport_interfaces
            ),
        )


class EventChange(Body):
    """An event as it is to be from now on."""

    market_context: Name
    start: Instant
    signals: Annotated[tuple[SignalBody, ...], Field(max_length=20), AfterValidator(_some)]
    baseline: BaselineBody | None = None
    target: TargetBody = TargetBody()
    priority: Annotated[int, Field(ge=0, lt=1 << 32)] | None = None
    """1 is highest; 0 or none lowest."""
    notification: NotNegative = _ZERO
    ramp_up: Duration | None = None
    """Negative: inside the event."""
    recovery: Duration | None = None
    randomise: NotNegative | None = None
    """startafter: the longest random delay."""
    test_event: Text | None = None
    """Text of testEvent, e.g. ``true``; none: no test."""
    response_required: Literal["always", "never"] = "always"
    comment: Text = ""
    modification_reason: Text = ""
    unchecked: bool = False
    """Send it even if it breaks a rule of the standard, to see what a VEN makes of it."""

    def spec(self, event_id: str, vens: tuple[str, ...] = ()) -> EventSpec:
        """Return the event under an id, for some VENs or all."""
        return EventSpec(
            event_id=event_id,
            market_context=self.market_context,
            start=self.start,
            signals=tuple(_signal(signal) for signal in self.signals),
            baseline=_baseline(self.baseline),
            targets=self.target.target(),
            priority=self.priority,
            notification=self.notification,
            ramp_up=self.ramp_up,
            recovery=self.recovery,
            randomise=self.randomise,
            test_event=self.test_event,
            response_required=self.response_required == "always",
            vens=vens,
            comment=self.comment,
            modification_reason=self.modification_reason,
            unchecked=self.unchecked,
        )


class EventBody(EventChange):
    """A new event."""

    id: Id
    vens: tuple[Name, ...] = ()
    """venIDs that get it; empty: every VEN. It cannot be changed later."""


def _signal(signal: SignalBody) -> SignalSpec:
    return SignalSpec(
        name=signal.name,
        type=signal.type,
        unit=signal.unit,
        signal_id=signal.id,
        steps=_steps(signal.intervals),
        device_classes=signal.device_classes,
    )


def _steps(steps: tuple[StepBody, ...]) -> tuple[Step, ...]:
    return tuple(Step(lasts=step.duration, value=step.value) for step in steps)


def _baseline(baseline: BaselineBody | None) -> BaselineSpec | None:
    if baseline is None:
        return None
    return BaselineSpec(
        name=baseline.name,
        baseline_id=baseline.id,
        start=baseline.start,
        unit=baseline.unit,
        steps=_steps(baseline.intervals),
        resources=baseline.resources,
    )


class WishBody(Body):
    """One wish for reports.

    ``back`` zero: one report now. ``back`` above zero: one each ``back``, from ``start`` (now unless given) for
    ``lasts``, zero meaning until cancelled. ``HISTORY_…``: ``granularity`` and ``back`` zero, ``start`` and ``lasts``
    the window. ``METADATA``: what the VEN offers, once or every ``back``.
    """

    id: Id
    ven: Text = ""
    """venID; empty: every VEN that offers the report, now or later."""
    name: Name = "TELEMETRY_USAGE"
    data_points: tuple[Name, ...] = ()
    """rIDs; empty: all."""
    granularity: NotNegative = _ZERO
    back: NotNegative = _ZERO
    start: Instant | None = None
    lasts: NotNegative | None = None
    piggyback: bool = False
    """Ask in the answer to the VEN's metadata."""
    unchecked: bool = False
    """Ask even what no VEN could grant."""

    def wish(self) -> WantRecord:
        """Return the wish."""
        return WantRecord(
            want_id=self.id,
            ven_id=self.ven,
            report_name=self.name,
            r_ids=self.data_points,
            granularity=self.granularity,
            report_back=self.back,
            starts_at=self.start,
            lasts=self.lasts,
            piggyback=self.piggyback,
        )


class WishesBody(Body):
    """Wishes that travel in one message per VEN."""

    wishes: Annotated[tuple[WishBody, ...], Field(max_length=50), AfterValidator(_some)]


class CancelBody(Body):
    """How a report is cancelled."""

    to_follow: bool = False
    """Ask for one last report."""
    piggyback: bool = False
    """Tell it in the answer to the next report."""


class PointBody(Body):
    """One data point that the utility offers."""

    r_id: Name
    type: Name = "usage"
    """reportType of the schema, or ``x-…``."""
    reading: Name = "Direct Read"
    unit: Unit = ""
    fastest: NotNegative = timedelta(minutes=1)
    slowest: NotNegative = timedelta(hours=1)


class OfferBody(Body):
    """One report that the utility offers."""

    id: Id
    """reportSpecifierID."""
    name: Name = "TELEMETRY_USAGE"
    """Without ``METADATA_``."""
    buffer: NotNegative = timedelta(hours=1)
    """How long values are kept for a VEN."""
    points: Annotated[tuple[PointBody, ...], Field(max_length=200), AfterValidator(_some)]


class OffersBody(Body):
    """Everything that the utility offers from now on."""

    reports: Annotated[tuple[OfferBody, ...], Field(max_length=50)]


class ValueBody(Body):
    """One value of a report of the utility's own."""

    r_id: Name
    value: Number
    at: Instant | None = None
    """Now unless given."""


class ValuesBody(Body):
    """Values of a report of the utility's own."""

    values: Annotated[tuple[ValueBody, ...], Field(max_length=1000), AfterValidator(_some)]
