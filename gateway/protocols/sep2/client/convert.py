"""What a server lists -> what the event engine takes: one function per kind of event.

Spec: IEEE 2030.5-2018 10.2.3.3; compute-flex B.5 (IEEE 2030.5).
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final, Literal

from gateway.domain.errors import WireError
from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.client import flow
from gateway.protocols.sep2.client.modes import FOLLOWED, Rating, asked, carried
from gateway.protocols.sep2.events.codes import Code, FunctionSet
from gateway.protocols.sep2.events.values import Control, Default, Program
from gateway.protocols.sep2.identity import mrid

Listed = (
    sep.DERControl
    | sep.EndDeviceControl
    | sep.TextMessage
    | sep.TimeTariffInterval
    | sep.FlowReservationResponse
)
"""Events that this client follows."""
TargetReduction = Literal["cap", "amount"]
_ANY_RATING: Final = Rating(charge_kw=Decimal(1))
KILOWATT: Final = 1
WATT: Final = 2
"""DRLC UnitType of power."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """How one utility's events are read.

    Args:
        server: What makes mRIDs of this server its own.
        target_reduction: What TargetReduction means there; None: nobody said, so it is refused.
    """

    server: str
    target_reduction: TargetReduction | None = None

    def program(self, found: sep.DERProgram, default: sep.DefaultDERControl | None) -> Program:
        """Read a DERProgram with its default.

        Raises:
            WireError: ``INVALID_TEXT`` for an mRID that is none.
        """
        return Program(
            server=self.server,
            mrid=mrid(found.mrid),
            function_set=FunctionSet.DER,
            primacy=found.primacy,
            default=None if default is None else self._default(default),
        )

    def dr_program(self, found: sep.DemandResponseProgram) -> Program:
        """Read a DemandResponseProgram; raises as ``program``."""
        return Program(
            server=self.server,
            mrid=mrid(found.mrid),
            function_set=FunctionSet.DRLC,
            primacy=found.primacy,
        )

    def messaging_program(self, found: sep.MessagingProgram) -> Program:
        """Read a MessagingProgram; raises as ``program``."""
        return Program(
            server=self.server,
            mrid=mrid(found.mrid),
            function_set=FunctionSet.MESSAGING,
            primacy=found.primacy,
        )

    def tariff(self, found: sep.TariffProfile) -> Program:
        """Read a TariffProfile; raises as ``program``."""
        return Program(
            server=self.server,
            mrid=mrid(found.mrid),
            function_set=FunctionSet.PRICING,
            primacy=found.primacy,
        )

    def _default(self, found: sep.DefaultDERControl) -> Default:
        return Default(
            mrid=mrid(found.mrid),
            modes=carried(found.der_control_base),
            content=_digest(
                *(found.der_control_base, found.set_grad_w, found.set_soft_grad_w, found.version)
            ),
        )

    def control(self, found: Listed, program: str, component: str = "") -> Control:
        """Read one event of a program.

        Args:
            found: As listed.
            program: mRID of its program.
            component: mRID of the RateComponent of a price.

        Raises:
            WireError: ``INVALID_TEXT`` for an mRID that is none.
        """
        match found:
            case sep.DERControl():
                return self._der(found, program)
            case sep.EndDeviceControl():
                return self._drlc(found, program)
            case sep.TextMessage():
                return self._text(found, program)
            case sep.TimeTariffInterval():
                return self._price(found, program, component)
            case sep.FlowReservationResponse():
                return self._flow(found, program)

    def _der(self, found: sep.DERControl, program: str) -> Control:
        base = found.der_control_base
        return replace(
            self._common(found, program, FunctionSet.DER),
            randomize_start=found.randomize_start or 0,
            randomize_duration=found.randomize_duration or 0,
            modes=carried(base),
            categories=found.device_category,
            content=_digest(base),
            refusal=self._der_refusal(base),
        )

    def _der_refusal(self, base: sep.DERControlBase) -> Code | None:
        modes = carried(base)
        if not modes & FOLLOWED:
            return None  # the engine knows which modes the device follows
        try:
            tuple(asked(base, _ANY_RATING))
        except WireError:
            return Code.INVALID
        fixed = base.op_mod_fixed_w
        only_fixed = modes & FOLLOWED == {"opModFixedW"}
        if only_fixed and fixed is not None and fixed > 0:
            return Code.NOT_APPLICABLE
        return None

    def _drlc(self, found: sep.EndDeviceControl, program: str) -> Control:
        return replace(
            self._common(found, program, FunctionSet.DRLC),
            randomize_start=found.randomize_start or 0,
            randomize_duration=found.randomize_duration or 0,
            categories=found.device_category or None,
            override_s=found.override_duration or 0,
            content=_digest(
                *(found.appliance_load_reduction, found.duty_cycle, found.offset),
                *(found.set_point, found.target_reduction, found.load_shift_forward),
            ),
            refusal=self._drlc_refusal(found),
        )

    def _drlc_refusal(self, found: sep.EndDeviceControl) -> Code | None:
        target = found.target_reduction
        if target is not None:
            known = self.target_reduction is not None and target.type in {KILOWATT, WATT}
            return None if known else Code.NOT_APPLICABLE
        if found.offset is not None and found.offset.load_adjustment_percentage_offset is not None:
            return None
        followed = found.duty_cycle is not None or found.appliance_load_reduction is not None
        return None if followed else Code.NOT_APPLICABLE

    def _text(self, found: sep.TextMessage, program: str) -> Control:
        return replace(
            self._common(found, program, FunctionSet.MESSAGING),
            content=_digest(found.text_message, found.priority),
        )

    def _price(self, found: sep.TimeTariffInterval, program: str, component: str) -> Control:
        return replace(
            self._common(found, program, FunctionSet.PRICING),
            randomize_start=found.randomize_start or 0,
            randomize_duration=found.randomize_duration or 0,
            component=component,
            content=_digest(found.tou_tier),
        )

    def _flow(self, found: sep.FlowReservationResponse, program: str) -> Control:
        refusal = None if tuple(flow.asked(found)) else Code.INVALID
        return replace(
            self._common(found, program, FunctionSet.FLOW),
            component=flow.subject_of(found),
            content=_digest(found.energy_available, found.power_available),
            refusal=refusal,
        )

    def _common(self, found: Listed, program: str, function_set: FunctionSet) -> Control:
        return Control(
            server=self.server,
            mrid=mrid(found.mrid),
            program=program,
            function_set=function_set,
            creation_time=found.creation_time,
            start=found.interval.start,
            duration=found.interval.duration,
            status=found.event_status.current_status,
            required=found.response_required or 0,
            has_reply_to=bool(found.reply_to),
        )


def readable(found: tuple[sep.Resource, ...]) -> Iterator[Listed]:
    """Yield the events of a list whose mRID is one; the others are left out, as unreadable members are."""
    for one in found:
        if isinstance(one, Listed):
            try:
                mrid(one.mrid)
            except WireError:
                continue
            yield one


def _digest(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]
