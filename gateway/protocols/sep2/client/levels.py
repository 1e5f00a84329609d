"""What holds for a device beside the control that is looked at: ramp rates, and the level that a ramp starts from."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal

from gateway.domain.errors import WireError
from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.client.device import Device
from gateway.protocols.sep2.client.modes import Asked, Rating, asked_of
from gateway.protocols.sep2.client.ramps import Ramp, ramp
from gateway.protocols.sep2.events.values import Stretch


@dataclass(frozen=True, slots=True, kw_only=True)
class Gradients:
    """Ramp rates of the default that counts, hundredths of a percent of setMaxW per second; None: it names none."""

    grad: int | None = None
    soft: int | None = None


def gradients(device: Device) -> Gradients:
    """Return the ramp rates of the best program whose default names them."""
    offer = device.known
    programs = sorted(offer.defaults, key=lambda mrid: (offer.primacies.get(mrid, 255), mrid))
    known = [found for mrid in programs if (found := offer.defaults[mrid][0]) is not None]
    return Gradients(
        grad=next((one.set_grad_w for one in known if one.set_grad_w is not None), None),
        soft=next((one.set_soft_grad_w for one in known if one.set_soft_grad_w is not None), None),
    )


def reaching(
    device: Device, found: object, rating: Rating, settled: dict[str, tuple[str, int]], *, new: bool
) -> Callable[[Asked, int], Ramp]:
    """Return what says how the modes of an event are reached: settled when it is first told inward, and kept.

    A default that changes while an event runs would otherwise tell the event anew.

    Args:
        device: One that read the event.
        found: As listed.
        rating: What percentages are percentages of.
        settled: Mode -> kW that the ramp starts from, and its length in seconds; new ones are added.
        new: The event was not told inward yet.
    """

    def reached(asked: Asked, start: int) -> Ramp:
        known = settled.get(asked.mode)
        if known is not None:
            return Ramp(from_kw=Decimal(known[0]), seconds=known[1])
        if not new or not isinstance(found, sep.DERControl):
            return Ramp()
        base, grad = found.der_control_base, gradients(device).grad
        if not (base.ramp_tms or grad):
            return Ramp()
        before = level_before(device, asked.mode, start, device.engine.stretches(), rating)
        made = ramp(base, asked, before, grad, rating.charge_kw)
        if made.seconds:
            settled[asked.mode] = (str(made.from_kw), made.seconds)
        return made

    return reached


def level_before(
    device: Device, mode: str, at: int, planned: Iterable[Stretch], rating: Rating
) -> Decimal:
    """Return what holds for a mode right before an instant: an event, else the default, else the rating, kW."""
    for one in planned:
        if one.mode == mode and one.start < at <= one.end:
            event = device.listed.get(one.key)
            if isinstance(event, sep.DERControl):
                return _value(event.der_control_base, mode, rating)
    program = device.engine.defaults().get(mode)
    known = device.known.defaults.get(program.mrid) if program is not None else None
    if known is not None and known[0] is not None:
        return _value(known[0].der_control_base, mode, rating)
    return rating.charge_kw


def _value(base: sep.DERControlBase, mode: str, rating: Rating) -> Decimal:
    try:
        asked = asked_of(base, mode, rating)
    except WireError:
        asked = None
    return rating.charge_kw if asked is None else asked.value
