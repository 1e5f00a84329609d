"""The client towards a utility on a plain socket: what a peer says out of turn, and what is never said twice."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import aiohttp
import pytest

from gateway.client.clock import SystemClock
from gateway.domain.errors import TransportError
from gateway.northbound.exchange import HttpExchange
from gateway.protocols.actions import Send
from gateway.transport.client import PeerClient
from gateway.transport.connector import MOST_CONNECTIONS, MOST_INTERIM, OrderlyConnector

XML = "application/xml"
LIMIT_S = 10
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def answer(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {XML}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def request(reader: asyncio.StreamReader) -> bytes:
    """Read one request and return its body; empty when the client has left."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return b""
    length = next(
        int(line.split(b":")[1])
        for line in head.split(b"\r\n")
        if line.startswith(b"Content-Length")
    )
    return await reader.readexactly(length)


@asynccontextmanager
async def talking(serve: Serve) -> AsyncIterator[PeerClient]:
    writers: list[asyncio.StreamWriter] = []

    async def entered(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        await serve(reader, writer)

    server = await asyncio.start_server(entered, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    made = PeerClient(f"http://127.0.0.1:{port}/x", None, SystemClock())
    try:
        yield made
    finally:
        await made.close()
        server.close()
        for writer in writers:
            writer.close()


async def reason(made: PeerClient) -> str:
    with pytest.raises(TransportError) as error:
        await made.post("OadrPoll", b"<poll/>", XML)
    return error.value.reason


async def test_a_request_whose_connection_breaks_is_not_sent_again_by_itself() -> None:
    executed: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while body := await request(reader):
            executed.append(body)
            if len(executed) == 2:
                writer.transport.abort()  # executed, and the answer is lost
                return
            writer.write(answer(b"<ok/>"))

    async with talking(serve) as made:
        await made.post("EiEvent", b"<first/>", XML)
        assert await reason(made) == "BROKEN"
        assert executed == [b"<first/>", b"<poll/>"]


async def test_the_library_does_repeat_what_we_never_send() -> None:
    """Pin R-OUT-2: were an idempotent method ever used here, it would be sent twice behind our back."""
    executed: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            method = line.decode().split()[0]
            await reader.readuntil(b"\r\n\r\n")
            executed.append(method)
            if len(executed) == 2:
                writer.transport.abort()
                return
            writer.write(answer(b"<ok/>"))

    async with talking(serve) as made, made._http as http:
        for _ in range(2):
            async with http.put(f"{made._base_url}/x") as reply:
                assert reply.status == 200
    assert executed == ["PUT"] * 3


async def test_an_answer_that_nobody_asked_for_is_never_taken_for_the_next_one() -> None:
    spoken = asyncio.Event()
    left = asyncio.Event()
    connections: list[int] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(len(connections))
        await request(reader)
        writer.write(answer(b"<answer number='%d'/>" % len(connections)))
        if len(connections) == 1:
            await spoken.wait()
            writer.write(answer(b"<unasked/>") * 100)
            assert await request(reader) == b""
            left.set()

    async with talking(serve) as made:
        await made.post("OadrPoll", b"<poll/>", XML)
        spoken.set()
        await asyncio.wait_for(left.wait(), LIMIT_S)  # noqa: TID251 - a guard against hanging
        second = await made.post("OadrPoll", b"<poll/>", XML)

    assert second.body == b"<answer number='2'/>"
    assert len(connections) == 2


@pytest.mark.parametrize(("count", "good"), [(MOST_INTERIM, True), (MOST_INTERIM + 1, False)])
async def test_interim_answers_have_an_end(count: int, good: bool) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request(reader)
        writer.write(b"HTTP/1.1 103 Early Hints\r\n\r\n" * count + answer(b"<ok/>"))

    async with talking(serve) as made:
        if good:
            assert (await made.post("OadrPoll", b"<poll/>", XML)).body == b"<ok/>"
        else:
            assert await reason(made) == "BROKEN"


async def test_an_announced_body_that_is_too_large_is_not_waited_for() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\n")

    async with talking(serve) as made:
        assert await reason(made) == "TOO_LARGE"


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        ("120", 120),
        ("0", 0),
        ("99999999999999999999", 3600),
        ("7200", 3600),
        ("-5", None),
        ("soon", None),
        ("Fri, 31 Dec 1999 23:59:59 GMT", 0),
        ("Fri, 31 Dec 2199 23:59:59 GMT", 3600),
        ("Fri, 99 Dec 2199 99:59:59 GMT", None),
    ],
)
async def test_what_the_utility_asks_for_reaches_the_session(header: str, wait: int | None) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request(reader)
        writer.write(answer(b"", f"Retry-After: {header}", status="503 Service Unavailable"))

    async with talking(serve) as made:
        with pytest.raises(TransportError) as error:
            await HttpExchange(client=made)(Send(request_id="1", service="OadrPoll", body=b"<p/>"))

    assert error.value.reason == "STATUS_503"
    assert error.value.retry_after == (None if wait is None else timedelta(seconds=wait))


async def test_one_peer_gets_so_many_connections_and_no_more() -> None:
    connector = OrderlyConnector(None, SystemClock())
    async with aiohttp.ClientSession(connector=connector):
        assert connector.limit == MOST_CONNECTIONS
