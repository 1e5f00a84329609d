"""The door of a listener: what strangers can do to it before anybody knows who they are."""

import asyncio
import errno
import gzip
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from gateway.client.clock import SystemClock
from gateway.domain.errors import GatewayError
from gateway.transport.doorway import DoorLimits, Doorway
from gateway.transport.server import Listener, guarded, listen, read_body
from tests.vtn_wire import Pki, timeline

SMALL = DoorLimits(handshakes_each=3, handshakes=6, reserved=2, connections=8)
LIMIT_S = 10


@asynccontextmanager
async def served(
    context: ssl.SSLContext | None, limits: DoorLimits = SMALL, host: str = "127.0.0.1"
) -> AsyncIterator[Listener]:
    async def hello(_: web.Request) -> web.Response:
        return web.Response(text="hello")

    app = web.Application(middlewares=[guarded(lambda _, __: web.Response(status=500))])
    app.router.add_get("/", hello)
    listener = await listen(app, host, 0, context, limits)
    try:
        yield listener
    finally:
        await listener.stop()


class Silent:
    """A connection that says nothing."""

    def __init__(self, listener: Listener, source: str) -> None:
        self.listener = listener
        self.source = source

    async def __aenter__(self) -> "Silent":
        self.reader, self.writer = await asyncio.open_connection(
            "127.0.0.1", self.listener.port, local_addr=(self.source, 0)
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        self.writer.close()

    async def ended(self) -> bool:
        """Wait until the other side closes."""
        try:
            return await asyncio.wait_for(self.reader.read(), LIMIT_S) == b""  # noqa: TID251 - a guard against hanging
        except ConnectionError:
            return True


async def get(listener: Listener, context: ssl.SSLContext | None, source: str) -> str:
    connector = aiohttp.TCPConnector(ssl=context or True, local_addr=(source, 0))
    async with (
        aiohttp.ClientSession(connector=connector) as http,
        http.get(f"{listener.scheme}://localhost:{listener.port}/") as answer,
    ):
        return await answer.text()


async def silent(stack: list[Silent], listener: Listener, source: str, count: int) -> None:
    stack.extend([await Silent(listener, source).__aenter__() for _ in range(count)])
    await until(lambda: listener.door.shaking == len(stack))


async def until(true: Callable[[], bool]) -> None:
    while not true():  # noqa: ASYNC110 - nobody tells of it
        await asyncio.sleep(0)  # noqa: TID251 - a turn of the loop


@pytest.fixture
def pki(tmp_path: Path) -> Pki:
    return Pki(tmp_path)


async def test_one_address_cannot_hold_more_than_its_share_of_handshakes(pki: Pki) -> None:
    stack: list[Silent] = []
    async with served(pki.server()) as listener:
        await silent(stack, listener, "127.0.0.2", 3)
        async with Silent(listener, "127.0.0.2") as fourth:
            assert await fourth.ended()
        assert listener.door.refused["handshakes_of_address"] == 1
        assert await get(listener, pki.client("v1"), "127.0.0.3") == "hello"

        stack.pop().writer.close()
        await until(lambda: listener.door.shaking == 2)
        assert await get(listener, pki.client("v1"), "127.0.0.2") == "hello"
        for one in stack:
            one.writer.close()


async def test_strangers_cannot_use_up_the_share_of_who_came_in_before(pki: Pki) -> None:
    stack: list[Silent] = []
    async with served(pki.server()) as listener:
        assert await get(listener, pki.client("v1"), "127.0.0.9") == "hello"
        await silent(stack, listener, "127.0.0.2", 2)
        await silent(stack, listener, "127.0.0.3", 2)

        async with Silent(listener, "127.0.0.4") as stranger:
            assert await stranger.ended()
        assert listener.door.refused["handshakes"] == 1
        assert await get(listener, pki.client("v1"), "127.0.0.9") == "hello"
        for one in stack:
            one.writer.close()


async def test_a_silent_connection_ends_at_the_handshake_limit(pki: Pki) -> None:
    assert DoorLimits().handshake_s == 5.0
    async with served(pki.server(), replace(SMALL, handshake_s=0.05)) as listener:
        async with Silent(listener, "127.0.0.2") as one:
            assert await one.ended()
        assert listener.door.shaking == 0


async def test_connections_have_a_limit_in_total() -> None:
    stack: list[Silent] = []
    async with served(None) as listener:
        every = range(SMALL.connections)
        stack.extend([await Silent(listener, "127.0.0.2").__aenter__() for _ in every])
        async with Silent(listener, "127.0.0.3") as last:
            assert await last.ended()
        assert listener.door.refused["connections"] == 1
        for one in stack:
            one.writer.close()


async def test_without_tls_there_is_no_handshake_to_count() -> None:
    async with served(None, DoorLimits()) as listener:
        found = await asyncio.gather(*(get(listener, None, "127.0.0.2") for _ in range(100)))
        assert found == ["hello"] * 100
        assert not listener.door.refused


async def test_who_is_turned_away_by_tls_leaves_no_trace(pki: Pki) -> None:
    nobody = ssl.create_default_context(cafile=str(pki.anchor))
    nobody.maximum_version = ssl.TLSVersion.TLSv1_2
    async with served(pki.server()) as listener:
        with pytest.raises(aiohttp.ClientError):
            await get(listener, nobody, "127.0.0.2")
        assert listener.door.refused["tls"] == 1
        assert listener.door.shaking == 0


class Starving(socket.socket):
    """A listening socket of a process that has run out of descriptors for a moment."""

    failures = [errno.EMFILE, errno.ECONNABORTED]

    def accept(self) -> tuple[socket.socket, Any]:
        if self.failures:
            raise OSError(self.failures.pop(0), "planted")
        return super().accept()


async def test_a_process_without_descriptors_goes_on_when_it_has_some_again() -> None:
    starving = Starving(socket.AF_INET, socket.SOCK_STREAM)
    starving.setblocking(False)
    starving.bind(("127.0.0.1", 0))
    starving.listen(5)
    made: list[asyncio.Protocol] = []
    entered = asyncio.Event()

    class Note(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            made.append(self)
            entered.set()
            transport.close()

    limits = DoorLimits(breath_s=0.01)
    door = Doorway([starving], Note, lambda: 0, None, limits)
    try:
        _, writer = await asyncio.open_connection(*door.address)
        await asyncio.wait_for(entered.wait(), LIMIT_S)  # noqa: TID251 - a guard against hanging
        writer.close()
        assert door.refused["system"] == 2
        assert len(made) == 1
    finally:
        await door.close()


async def test_a_name_is_listened_at_under_all_its_addresses() -> None:
    async with served(None, host="localhost") as listener:
        assert await get(listener, None, "127.0.0.1") == "hello"
        assert listener.url.startswith("http://")


async def test_headers_beyond_16_kib_together_are_refused() -> None:
    async with served(None) as listener, aiohttp.ClientSession() as http:
        for count, status in ((1, 200), (20, 431), (100, 400)):
            headers = {f"X-{number}": "x" * 1000 for number in range(count)}
            async with http.get(listener.url, headers=headers) as answer:
                assert answer.status == status


@pytest.mark.slow
async def test_a_body_that_hardly_moves_is_given_up_in_five_seconds() -> None:
    clock = timeline(SystemClock().now(), factor=2.0)
    reasons: list[str] = []
    spent: list[float] = []

    async def take(request: web.Request) -> web.Response:
        began = clock.now()
        try:
            await read_body(request, clock, 1 << 20)
        except GatewayError as error:
            reasons.append(error.reason)
            spent.append((clock.now() - began).total_seconds())
        response = web.Response()
        response.force_close()
        return response

    app = web.Application()
    app.router.add_post("/", take)
    listener = await listen(app, "127.0.0.1", 0, None)
    try:
        async with Silent(listener, "127.0.0.1") as one:
            one.writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9999\r\n\r\nx")
            await one.reader.readline()
        assert reasons == ["SLOW_BODY"]
        assert 5 <= spent[0] < 9
    finally:
        await listener.stop()


async def test_a_compressed_body_is_never_unpacked() -> None:
    packed = gzip.compress(b" " * (8 << 20))

    async def length(request: web.Request) -> web.Response:
        return web.Response(text=str(len(await request.read())))

    app = web.Application()
    app.router.add_post("/", length)
    listener = await listen(app, "127.0.0.1", 0, None)
    try:
        headers = {"Content-Encoding": "gzip"}
        async with (
            aiohttp.ClientSession() as http,
            http.post(listener.url, data=packed, headers=headers) as answer,
        ):
            assert await answer.text() == str(len(packed))
    finally:
        await listener.stop()
