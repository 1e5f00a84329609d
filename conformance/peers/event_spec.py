"""Events and reports as an operator of a utility would state them, and the messages they become."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal

from conformance.peers.units import item_base
from gateway.domain.errors import MisuseError
from gateway.protocols.oadr2b.event_rules import check_event
from gateway.protocols.oadr2b.messages import (
    EiActivePeriod,
    EiEvent,
    EiEventBaseline,
    EiEventSignal,
    EiTarget,
    EventDescriptor,
    EventStatus,
    OadrEvent,
    ResponseRequired,
    SignalInterval,
    SignalType,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One interval of a signal."""

    lasts: timedelta
    """Zero in a single interval: open-ended."""
    value: Decimal
    """In the signal's unit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalSpec:
    """One signal of an event."""

    name: str = "SIMPLE"
    type: SignalType = SignalType.LEVEL
    unit: str = ""
    """As ``conformance.peers.units`` names it."""
    steps: tuple[Step, ...]
    device_classes: tuple[str, ...] = ()
    signal_id: str = ""
    """Empty: its place among the signals."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineSpec:
    """Use expected without the event."""

    name: str = "baseline"
    baseline_id: str = "baseline"
    start: datetime | None = None
    """None: that of the event."""
    unit: str = "kW"
    steps: tuple[Step, ...]
    resources: tuple[str, ...] = ()
    """resourceIDs it is about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventSpec:
    """One event; its length is that of its first signal."""

    event_id: str
    market_context: str
    start: datetime
    signals: tuple[SignalSpec, ...]
    notification: timedelta = timedelta(0)
    """x-eiNotification."""
    ramp_up: timedelta | None = None
    recovery: timedelta | None = None
    randomise: timedelta | None = None
    """startafter: longest random delay."""
    priority: int | None = None
    """1 is highest, 0 or None lowest."""
    test: bool = False
    response_required: bool = True
    vens: tuple[str, ...] = ()
    """venIDs that get it; empty: every VEN."""
    resources: tuple[str, ...] = ()
    """resourceIDs in its target."""
    groups: tuple[str, ...] = ()
    """groupIDs in its target."""
    targets: EiTarget = field(default_factory=EiTarget)
    """Targets of any kind, beside the three above."""
    baseline: BaselineSpec | None = None
    comment: str = ""
    modification_reason: str = ""
    """Told with a modification; the instant of it is filled in by the VTN."""
    test_event: str | None = None
    """The text of testEvent as it is to be written, e.g. ``False``; None: ``true`` when ``test``."""
    unchecked: bool = False
    """True: an event that breaks a rule is sent all the same, to see what a VEN makes of it."""

    def message(self) -> OadrEvent:
        """Return the event at version 0; status and createdDateTime are filled in by the VTN.

        Raises:
            MisuseError: ``NO_SIGNAL``, ``UNKNOWN_UNIT``.
            SessionError: it would break a rule of the standard: ``COMPLIANCE``, ``INVALID_DATA`` or
                ``OUT_OF_SEQUENCE``.
        """
        if not self.signals or not all(signal.steps for signal in self.signals):
            raise MisuseError("NO_SIGNAL", f"event {self.event_id!r} needs a signal with a step")
        lasts = _length(self.signals[0].steps)
        target = replace(
            self.targets,
            resource_ids=self.resources + self.targets.resource_ids,
            group_ids=self.groups + self.targets.group_ids,
        )
        if target == EiTarget() and len(self.vens) == 1:
            # Beside other targets it would be a union (rules 22 and 63), that is the whole VEN.
            target = replace(target, ven_ids=self.vens)
        event = OadrEvent(
            ei_event=EiEvent(
                event_descriptor=self._descriptor(),
                ei_active_period=EiActivePeriod(
                    dtstart=self.start,
                    duration=lasts,
                    startafter=self.randomise,
                    x_ei_notification=self.notification,
                    x_ei_ramp_up=self.ramp_up,
                    x_ei_recovery=self.recovery,
                ),
                ei_event_signals=tuple(
                    _signal(signal, position) for position, signal in enumerate(self.signals)
                ),
                ei_event_baseline=self._baseline(),
                ei_target=target,
            ),
            oadr_response_required=ResponseRequired.ALWAYS
            if self.response_required
            else ResponseRequired.NEVER,
        )
        if not self.unchecked:
            check_event(event.ei_event)
        return event

    def _baseline(self) -> EiEventBaseline | None:
        found = self.baseline
        if found is None:
            return None
        return EiEventBaseline(
            dtstart=found.start or self.start,
            duration=_length(found.steps),
            intervals=_intervals(found.steps),
            baseline_id=found.baseline_id,
            resource_ids=found.resources,
            baseline_name=found.name,
            item_base=item_base(found.unit),
        )

    def _descriptor(self) -> EventDescriptor:
        return EventDescriptor(
            event_id=self.event_id,
            modification_reason=self.modification_reason or None,
            priority=self.priority,
            ei_market_context=self.market_context,
            created_date_time=self.start,
            event_status=EventStatus.NONE,
            test_event=self.test_event or ("true" if self.test else None),
            vtn_comment=self.comment or None,
        )


def _length(steps: tuple[Step, ...]) -> timedelta:
    return sum((step.lasts for step in steps), timedelta(0))


def _intervals(steps: tuple[Step, ...]) -> tuple[SignalInterval, ...]:
    return tuple(
        SignalInterval(duration=step.lasts, uid=str(uid), signal_payload=step.value)
        for uid, step in enumerate(steps)
    )


def _signal(signal: SignalSpec, position: int) -> EiEventSignal:
    return EiEventSignal(
        intervals=_intervals(signal.steps),
        ei_target=EiTarget(end_device_assets=signal.device_classes)
        if signal.device_classes
        else None,
        signal_name=signal.name,
        signal_type=signal.type,
        signal_id=signal.signal_id or str(position),
        item_base=item_base(signal.unit),
    )
