"""Whatever happens, what went inward caps a site as the event engine says: an event, or else the default."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random  # noqa: TID251 - a story by its seed

import pytest

from gateway.domain.event import GridEvent
from gateway.protocols.sep2._generated import model as sep
from tests.sep2_world import LFDI, START, World, control, mrid, status, utility

MINUTE = timedelta(minutes=1)
MODE = "opModImpLimW"


def limit(thousands: int) -> sep.DERControlBase:
    return sep.DERControlBase(op_mod_imp_lim_w=sep.ActivePower(multiplier=3, value=thousands))


def default(thousands: int) -> sep.DefaultDERControl:
    return sep.DefaultDERControl(
        href="/derp/1/dderc", mrid=mrid(9001), der_control_base=limit(thousands)
    )


def asked(event: GridEvent, at: datetime) -> list[Decimal]:
    """Return what one event asks at an instant."""
    if event.cancelled_at is not None and event.cancelled_at <= at:
        return []
    (signal,) = event.signals
    *_, last = signal.intervals
    found = [one.value for one in signal.intervals if one.span.contains(at)]
    still = event.duration is None and last.span.start <= at
    return [*found, last.value] if still else found


def inward(world: World) -> Decimal | None:
    """Return the lowest cap of what holds inward now."""
    newest = {str(event.event_id): event for event in world.events}
    return min((kw for one in newest.values() for kw in asked(one, world.now)), default=None)


def by_engine(world: World, values: dict[str, int], defaults: int) -> Decimal:
    """Return the cap of what has the mode now."""
    engine = world.session._fleet._roll.devices[LFDI].engine
    (force,) = [one for one in engine.in_force() if one.mode == MODE]
    return Decimal(defaults if force.default else values[force.source[1]])


@pytest.mark.spec("CSIP BASIC-018", "CSIP BASIC-020", "CSIP-AUS LOA-03")
@pytest.mark.parametrize("seed", range(12))
def test_the_lowest_cap_inward_is_that_of_the_event_or_else_of_the_default(seed: int) -> None:
    dice = Random(seed)
    server = utility(rate=60)
    server.resources["/derp/1/dderc"] = default(known := 6000)
    controls, values = [], {}
    for number in range(1, dice.randint(2, 6)):
        cap = dice.choice([3000, 5000, 8000, 9500])
        start = START + dice.randint(3, 30) * MINUTE
        one = control(number, start, dice.randint(2, 15), base=limit(cap))
        controls.append(replace(one, creation_time=one.creation_time + number))
        values[mrid(number)] = cap
    happens = {dice.randint(2, 40): dice.choice(["cancel", "default", "restart"]) for _ in range(6)}
    world = World(server).run(timedelta(seconds=10))
    for minute in range(45):
        match happens.get(minute):
            case "cancel":
                place = dice.randrange(len(controls))
                controls[place] = replace(controls[place], event_status=status(2, world.now))
            case "default":
                server.resources["/derp/1/dderc"] = default(dice.choice([4000, 6000, 9000]))
            case "restart":
                world.start()
            case _:
                pass
        if minute >= 1:
            server.put("/derp/1/derc", controls)
        world.run(START + minute * MINUTE + timedelta(seconds=15))
        offer = world.session._fleet._roll.devices[LFDI].known.defaults
        read = [found for found, _ in offer.values() if found is not None]
        if read and read[0].der_control_base.op_mod_imp_lim_w is not None:
            known = read[0].der_control_base.op_mod_imp_lim_w.value
        assert inward(world) == by_engine(world, values, known), minute
