"""A default of our server at a gateway behind real TLS: it stands, gives way to an event, changes, outlives both."""

from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest

from gateway.domain.event import GridEvent
from gateway.protocols.sep2._generated import model as sep
from gateway.servers.sep2.utility import Sep2Utility
from tests.sep2_server_world import MINUTE, Premises, Sink, cap, furnish, statuses
from tests.sep2_world import START


def limit(thousands: int) -> sep.DERControlBase:
    return sep.DERControlBase(op_mod_imp_lim_w=sep.ActivePower(multiplier=3, value=thousands))


async def set_default(utility: Sep2Utility, program: str, thousands: int) -> None:
    """Set what the program asks between events."""
    default = sep.DefaultDERControl(mrid="0" * 24 + "00009F1C", der_control_base=limit(thousands))
    await utility.operate(lambda o, now: o.set_default(program, default, now))


def standing(sink: Sink) -> list[GridEvent]:
    return [event for event in sink.events if event.standing]


def asked(event: GridEvent, at: datetime) -> Decimal | None:
    """Return what a standing limit asks at an instant."""
    *closed, last = event.signals[0].intervals
    found = [one.value for one in closed if one.span.contains(at)]
    return found[0] if found else (last.value if last.span.start <= at else None)


@pytest.mark.spec("CSIP-AUS LOA-03", "CSIP-AUS S-ALL-22", "CSIP BASIC-018")
async def test_a_default_stands_at_the_site_between_events_and_over_restarts(
    tmp_path: Path,
) -> None:
    place, sink = Premises(folder=tmp_path), Sink()
    leaf = place.pki.device("0001")
    async with place.utility() as utility:
        told = await furnish(utility, leaf.lfdi)
        await set_default(utility, told.der, 3000)
        async with place.gateway(leaf, utility.url, sink):
            await place.pass_time(START + 3 * MINUTE)
            (first,) = standing(sink)
            assert asked(first, place.clock.now()) == Decimal(3000)
            event = await cap(utility, told.der, START + 10 * MINUTE, 5)
            await place.pass_time(START + 8 * MINUTE)
        async with place.gateway(leaf, utility.url, sink):
            await place.pass_time(START + 20 * MINUTE)
            _, second = standing(sink)
            assert [asked(second, START + n * MINUTE) for n in (9, 10, 14, 15)] == [
                *(Decimal(3000), None, None),
                Decimal(3000),
            ]
            assert statuses(utility, event) == [1, 2, 3]
            await set_default(utility, told.der, 6000)
            await place.pass_time(START + 25 * MINUTE)
        *_, last = standing(sink)
        assert len(standing(sink)) == 3
        assert asked(last, place.clock.now()) == Decimal(6000)
        assert last.event_id == first.event_id
        assert first.version < second.version < last.version
