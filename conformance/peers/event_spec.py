"""Events and reports as an operator of a utility would state them, and the messages they become."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from gateway.domain.errors import MisuseError
from gateway.protocols.oadr2b.event_rules import check_event
from gateway.protocols.oadr2b.messages import (
    EiActivePeriod,
    EiEvent,
    EiEventSignal,
    EiTarget,
    EventDescriptor,
    EventStatus,
    ItemBase,
    OadrEvent,
    PowerAttributes,
    ResponseRequired,
    SignalInterval,
    SignalType,
)

_GRID: Final = PowerAttributes(hertz=Decimal(60), voltage=Decimal(480), ac=True)


def _power(scale: str) -> ItemBase:
    return ItemBase(
        name="powerReal",
        item_description="RealPower",
        item_units="W",
        si_scale_code=scale,
        power_attributes=_GRID,
    )


def _energy(scale: str) -> ItemBase:
    return ItemBase(
        name="energyReal", item_description="RealEnergy", item_units="Wh", si_scale_code=scale
    )


UNITS: Final[dict[str, ItemBase | None]] = {
    "": None,
    "W": _power("none"),
    "kW": _power("k"),
    "MW": _power("M"),
    "Wh": _energy("none"),
    "kWh": _energy("k"),
    "MWh": _energy("M"),
    "USD/kWh": ItemBase(
        name="currencyPerKWh",
        item_description="currencyPerKWh",
        item_units="USD",
        si_scale_code="none",
    ),
}
"""Unit as written in a schedule; empty for levels and multipliers."""


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
    """A key of ``UNITS``."""
    steps: tuple[Step, ...]
    device_classes: tuple[str, ...] = ()


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
    comment: str = ""

    def message(self) -> OadrEvent:
        """Return the event at version 0; status and createdDateTime are filled in by the VTN.

        Raises:
            MisuseError: ``NO_SIGNAL``, ``UNKNOWN_UNIT``.
            SessionError: it would break a rule of the standard: ``COMPLIANCE``, ``INVALID_DATA`` or
                ``OUT_OF_SEQUENCE``.
        """
        if not self.signals or not all(signal.steps for signal in self.signals):
            raise MisuseError("NO_SIGNAL", f"event {self.event_id!r} needs a signal with a step")
        lasts = _length(self.signals[0])
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
                ei_target=EiTarget(
                    resource_ids=self.resources,
                    group_ids=self.groups,
                    ven_ids=self.vens if len(self.vens) == 1 else (),
                ),
            ),
            oadr_response_required=ResponseRequired.ALWAYS
            if self.response_required
            else ResponseRequired.NEVER,
        )
        check_event(event.ei_event)
        return event

    def _descriptor(self) -> EventDescriptor:
        return EventDescriptor(
            event_id=self.event_id,
            priority=self.priority,
            ei_market_context=self.market_context,
            created_date_time=self.start,
            event_status=EventStatus.NONE,
            test_event="true" if self.test else None,
            vtn_comment=self.comment or None,
        )


def _length(signal: SignalSpec) -> timedelta:
    return sum((step.lasts for step in signal.steps), timedelta(0))


def _signal(signal: SignalSpec, position: int) -> EiEventSignal:
    if signal.unit not in UNITS:
        raise MisuseError("UNKNOWN_UNIT", f"{signal.unit!r} is none of {', '.join(UNITS)}")
    return EiEventSignal(
        intervals=tuple(
            SignalInterval(duration=step.lasts, uid=str(uid), signal_payload=step.value)
            for uid, step in enumerate(signal.steps)
        ),
        ei_target=EiTarget(end_device_assets=signal.device_classes)
        if signal.device_classes
        else None,
        signal_name=signal.name,
        signal_type=signal.type,
        signal_id=str(position),
        item_base=UNITS[signal.unit],
    )
