"""Flow reservations between our own utility and our own client, over TLS in virtual time."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from gateway.domain.names import SiteId
from gateway.domain.reserving import Need, ReservationState, Withdrawal
from gateway.northbound.items import Ordered
from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.client.links import FunctionSet
from gateway.protocols.sep2.client.options import Sep2Options
from gateway.protocols.sep2.codec import encode
from gateway.protocols.sep2.server.options import ServerOptions
from tests.sep2_operator import operated
from tests.sep2_server_world import MINUTE, Premises, Sink, furnish, statuses
from tests.sep2_world import START

HOUR = timedelta(hours=1)
NEED = Need(
    need_id="n-1",
    site=SiteId("phx-1"),
    program="site program",
    energy_kwh=Decimal(2_000),
    power_kw=Decimal(4_000),
    start=START + 10 * MINUTE,
    end=START + 70 * MINUTE,
)
SETS = Sep2Options().function_sets | {FunctionSet.FLOW_RESERVATION}
"""What the client takes part in."""


@pytest.mark.spec("IEEE 2030.5-2018 FlowReservationRequest")
async def test_an_operator_answers_what_a_site_needs(tmp_path: Path) -> None:
    site = Premises(folder=tmp_path)
    device = site.pki.device("0001")
    async with site.utility() as utility, operated(site, utility) as operator:
        await furnish(utility, device.lfdi)
        sink = Sink()
        async with site.gateway(device, utility.url, sink, function_sets=SETS) as driver:

            async def order(wish: Need | Withdrawal) -> None:
                wanted = Ordered(wish, site.clock.mailbox())
                with site.clock.held():
                    driver.order(wanted)
                    await wanted.wait(site.clock.now() + MINUTE)

            await site.pass_time(START + MINUTE)
            await order(NEED)
            await site.pass_time(START + 2 * MINUTE)
            (asked,) = (await operator.do("GET", "/v1/told?kind=FlowReservationRequest"))["items"]
            assert asked["lfdi"] == device.lfdi
            terms = {
                "start": (START + 30 * MINUTE).isoformat(),
                "duration_s": 1200,
                "energy": {"multiplier": 3, "value": 1000},
                "power": {"multiplier": 3, "value": 3000},
            }
            first = await operator.do("POST", "/v1/reservations", request=asked["href"])
            second = await operator.do("POST", "/v1/reservations", request=asked["href"], **terms)
            await site.pass_time(START + 55 * MINUTE)
            assert statuses(utility, second["name"]) == [1, 2, 3]
            assert 2 not in statuses(utility, first["name"]), "the newer answer counts"
            event = sink.events[-1]
            assert (event.start, event.end) == (START + 30 * MINUTE, START + 50 * MINUTE)
            assert [one.intervals[0].value for one in event.signals] == [3000, 1000]
            await order(Withdrawal(need_id="n-1"))
            await site.pass_time(START + 56 * MINUTE)
            (asked,) = (await operator.do("GET", "/v1/told?kind=FlowReservationRequest"))["items"]
            assert asked["resource"]["RequestStatus"]["requestStatus"] == 1
            status, told = await operator.ask("POST", "/v1/reservations", request=asked["href"])
            assert (status, told["reason"]) == (409, "EVENT_ENDED")
            (one,) = driver.session.reservations()  # type: ignore[attr-defined] # of 2030.5
            assert one.state is ReservationState.WITHDRAWN


@pytest.mark.spec("IEEE 2030.5-2018 FlowReservationRequest")
async def test_a_utility_that_grants_at_once_takes_back_what_is_withdrawn(tmp_path: Path) -> None:
    site = Premises(folder=tmp_path)
    device = site.pki.device("0001")
    options = ServerOptions(poll_rate=60, post_rate=60, grants_reservations=True)
    async with site.utility(options) as utility:
        await furnish(utility, device.lfdi)
        sink = Sink()
        async with site.gateway(device, utility.url, sink, function_sets=SETS) as driver:
            await site.pass_time(START + MINUTE)
            for wish, until in (
                (NEED, START + 20 * MINUTE),
                (Withdrawal(need_id="n-1"), START + 25 * MINUTE),
            ):
                wanted = Ordered(wish, site.clock.mailbox())
                with site.clock.held():
                    driver.order(wanted)
                    await wanted.wait(site.clock.now() + MINUTE)
                await site.pass_time(until)
        (granted,) = utility.told(sep.FlowReservationResponse)
        assert isinstance(granted.value, sep.FlowReservationResponse)
        assert statuses(utility, granted.value.mrid) == [1, 2, 6]
        assert [event.cancelled_at is None for event in sink.events] == [True, False]
        (request,) = utility.told(sep.FlowReservationRequest)
        server = utility.desk.server
        place = f"{request.href.rpartition('/')[0]}"
        fresh = replace(
            request.value,  # type: ignore[type-var] # a request
            request_status=sep.RequestStatus(date_time=0, request_status=0),
        )
        body = encode(fresh, options.flavour)
        turn = server.write("POST", place, body, device.lfdi, site.clock.now())
        assert (turn.answer.status, turn.changes) == (400, False), "another one of the same mRID"
        body = encode(request.value, options.flavour)
        turn = server.write("POST", place, body, device.lfdi, site.clock.now())
        assert (turn.answer.status, turn.answer.location) == (201, request.href)
        assert not turn.changes
