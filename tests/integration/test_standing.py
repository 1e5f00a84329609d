"""Connections that stay: judged when they are made, used again, and never moved to where nobody looked."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_network

import pytest

from gateway.client.clock import SystemClock
from gateway.domain.errors import TransportError
from gateway.transport.outward import Call, outward_context
from gateway.transport.standing import Standing
from gateway.transport.targets import TargetRules

CLOCK = SystemClock()


@dataclass
class Peer:
    """Answers each request on a connection, until it is told to hang up after one."""

    port: int = 0
    got: list[bytes] = field(default_factory=list)
    connections: int = 0
    hang_up: bool = False
    extra: bytes = b""
    """Sent out of turn, after an answer."""
    silent: bool = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                self.got.append(head.split(b" ")[1])
                if not self.silent:
                    writer.write(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n" + self.extra)
                    await writer.drain()
                if self.hang_up:
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()


@dataclass
class Names:
    """Says where a name leads, a script of answers, the last one for good."""

    answers: list[tuple[str, ...]]

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@asynccontextmanager
async def peer(host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[Peer]:
    made = Peer()
    server = await asyncio.start_server(made.serve, host, port)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()


@asynccontextmanager
async def standing(
    port: int,
    *answers: tuple[str, ...],
    admit: Callable[[bytes | None], None] = lambda _: None,
    total_s: float = 5.0,
) -> AsyncIterator[Standing]:
    rules = TargetRules(ports=(port,), own=(ip_network("127.0.0.1/32"),))
    names = Names(list(answers) or [("127.0.0.1",)])
    made = Standing(
        CLOCK, rules, outward_context(None), names, admit=admit, most=2, total_s=total_s
    )
    try:
        yield made
    finally:
        await made.close()


async def told(line: Standing, port: int, path: str = "/", host: str = "h.example") -> int:
    url = f"http://{host}:{port}{path}"
    return (await line.call(Call(method="POST", url=url, headers={}, body=b""))).status


async def reason(line: Standing, port: int, host: str = "h.example") -> str:
    with pytest.raises(TransportError) as found:
        await told(line, port, host=host)
    return found.value.reason


async def test_calls_share_a_connection_and_come_in_order() -> None:
    async with peer() as there, standing(there.port) as line:
        for number in range(5):
            assert await told(line, there.port, f"/{number}") == 201
        assert there.got == [b"/%d" % number for number in range(5)]
        assert (there.connections, line.made) == (1, 1)
        await asyncio.gather(*(told(line, there.port) for _ in range(20)))
        assert there.connections <= 2, "never more than it may have"
        await line.close()
        assert await told(line, there.port) == 201, "closed is not ended"


async def test_a_connection_that_was_closed_while_it_rested_is_made_anew() -> None:
    async with peer() as there, standing(there.port) as line:
        there.hang_up = True
        for _ in range(4):
            assert await told(line, there.port) == 201
        assert len(there.got) == 4
        assert there.connections == 4


async def test_a_name_that_comes_to_mean_another_address_is_judged_when_it_is_connected_to() -> (
    None
):
    async with peer() as good, peer("127.0.0.2", good.port) as trap:
        async with standing(good.port, ("127.0.0.1",), ("127.0.0.2",)) as line:
            for _ in range(3):
                assert await told(line, good.port) == 201
            await line.close()
            assert await reason(line, good.port) == "FORBIDDEN_TARGET"
            assert await reason(line, good.port, host="127.0.0.2") == "BAD_TARGET"
        assert (len(good.got), trap.connections) == (3, 0)


async def test_whoever_is_not_admitted_is_told_nothing() -> None:
    def nobody(certificate: bytes | None) -> None:
        assert certificate is None, "plain HTTP shows none"
        raise TransportError("NOT_THE_SUBSCRIBER", "for a test")

    async with peer() as there, standing(there.port, admit=nobody) as line:
        assert await reason(line, there.port) == "NOT_THE_SUBSCRIBER"
        assert (there.got, line.made) == ([], 0)


async def test_what_a_peer_says_out_of_turn_is_no_answer_to_the_next_call() -> None:
    async with peer() as there, standing(there.port) as line:
        there.extra = b"HTTP/1.1 299 Forged\r\nContent-Length: 0\r\n\r\n"
        assert {await told(line, there.port) for _ in range(3)} == {201}
        assert there.connections == 3


async def test_a_peer_that_never_answers_costs_its_time_and_no_more() -> None:
    async with peer() as there, standing(there.port, total_s=0.2) as line:
        there.silent = True
        assert await reason(line, there.port) == "TIMEOUT"
        there.silent = False
        assert await told(line, there.port) == 201
        assert there.connections == 2, "what was late is no answer to what comes next"
