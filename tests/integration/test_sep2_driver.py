"""The 2030.5 session behind its driver: real TLS of the profile, virtual time, a small server of the tests' own."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from random import Random  # noqa: TID251 - seeds the chance that is handed in

import pytest
from aiohttp import web

from certs.sep2.hierarchy import sep2
from gateway.app.virtual import VirtualClock
from gateway.domain.event import GridEvent
from gateway.domain.names import UtilityName
from gateway.domain.opting import Decision
from gateway.domain.protocol import ProtocolName
from gateway.northbound.driver import Driver
from gateway.northbound.sep2_exchange import Sep2Exchange
from gateway.protocols.actions import Collect, Emit, Kept, Message, Readings, Send
from gateway.protocols.entry import Tools
from gateway.protocols.parts import State, joined
from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.client.options import Sep2Options
from gateway.protocols.sep2.client.session import Sep2Session
from gateway.transport.client import PeerClient
from gateway.transport.sep2_tls import Sep2Profile, judge_chain, sep2_client, sep2_server
from gateway.transport.server import listen
from tests.fakes import CountedIds
from tests.sep2_pki import files
from tests.sep2_world import START, Server, control, keep, mrid, scope, utility

UTILITY = UtilityName("apex")
MINUTE = timedelta(minutes=1)


@dataclass
class Sink:
    """Takes what the driver commits."""

    parts: dict[str, bytes] = field(default_factory=dict)
    events: list[GridEvent] = field(default_factory=list)

    async def accept(
        self,
        utility: UtilityName,
        emits: Sequence[Emit],
        state: State,
        taken: Sequence[Decision],
        kept: Sequence[Kept] = (),
    ) -> None:
        keep(self.parts, state)
        self.events.extend(event for emit in emits for event in emit.events)

    async def pending(self, utility: UtilityName) -> Sequence[Decision]:
        return ()

    @property
    def state(self) -> bytes | None:
        """What a session begun now is handed."""
        return joined(self.parts) if self.parts else None


def served(server: Server, clock: VirtualClock) -> web.Application:
    """Put the small server behind HTTP."""

    async def answer(request: web.Request) -> web.Response:
        wanted = Send(
            request_id="",
            service="",
            body=await request.read(),
            method=request.method,  # type: ignore[arg-type] # one of the five
            href=str(request.rel_url),
        )
        found = server.answer(wanted, clock.now())
        if not isinstance(found, Message):
            return web.Response(status=503)
        headers = {"Location": found.location} if found.location else {}
        return web.Response(
            status=found.status,
            body=found.body,
            content_type="application/sep+xml",
            headers=headers,
        )

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    return app


async def no_readings(wanted: Collect) -> Readings:
    return Readings(key=wanted.key, series={})


async def drive(tmp_path: Path, server: Server, profile: Sep2Profile, minutes: int) -> Sink:
    clock = VirtualClock(START, print)
    pki = sep2(4)
    device = pki.device("0001")
    listed = server.resources["/edev"].end_device[0]  # type: ignore[attr-defined] # an EndDeviceList
    server.put("/edev", [replace(listed, lfdi=device.lfdi, sfdi=1)])
    context = sep2_server(files(tmp_path, "server", pki.server(), pki), profile)
    listener = await listen(served(server, clock), "127.0.0.1", 0, context)
    root = f"https://localhost:{listener.port}/dcap"
    identity = files(tmp_path, "client", device, pki)
    client = PeerClient(
        root,
        sep2_client(identity, profile),
        clock,
        test_mode=True,
        admit=lambda chain: judge_chain(chain, profile),
    )
    session = Sep2Session(
        Sep2Options(csip_aus=True, pin=111115),
        scope(root=root, lfdi=device.lfdi),
        Tools(chance=Random(1), ids=CountedIds()),
        ProtocolName.CSIP_AUS,
        None,
    )
    sink = Sink()
    exchange = Sep2Exchange(client=client, root=root)
    driver = Driver(UTILITY, session, exchange, sink, no_readings, clock)
    task = asyncio.ensure_future(driver.run())
    try:
        with clock.held():
            await clock.sleep_until(START + minutes * MINUTE)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await client.close()
        await listener.stop()
    return sink


@pytest.mark.spec("CSIP COMM-002", "CSIP COMM-003", "CSIP BASIC-017")
@pytest.mark.parametrize("profile", list(Sep2Profile))
async def test_a_control_runs_its_course_over_tls(tmp_path: Path, profile: Sep2Profile) -> None:
    server = utility()
    server.put("/derp/1/derc", [control(1, START + 5 * MINUTE, 10)])
    sink = await drive(tmp_path, server, profile, 20)
    assert server.responses() == [(mrid(1), 1), (mrid(1), 2), (mrid(1), 3)]
    (event,) = sink.events
    assert event.event_id == mrid(1)
    at = {
        posted.value.status: posted.at
        for posted in server.posted
        if isinstance(posted.value, sep.Response)
    }
    assert at[2] - (START + 5 * MINUTE) < timedelta(seconds=1)
    assert at[3] - (START + 15 * MINUTE) < timedelta(seconds=1)
    assert b'"format":2' in (sink.state or b"")
