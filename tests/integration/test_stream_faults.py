"""Broken and slow readers, cancels that race starts, answers whose connection breaks: nothing lost, nothing twice."""

import asyncio
import gc
import json
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import aiohttp
import orjson
import pytest
from prometheus_client import CollectorRegistry

from gateway.client.clock import SystemClock
from gateway.client.stream import Block, BlockParser
from gateway.domain.answers import Ack
from gateway.domain.errors import SessionError
from gateway.domain.intent import State
from gateway.domain.names import IntentId
from gateway.domain.participation import Opt
from gateway.pipeline.records import Seen
from gateway.southbound.app import make_app
from gateway.southbound.bells import Bells
from gateway.southbound.parts import Pace, Parts
from gateway.southbound.tokens import create_token
from gateway.transport.server import Listener, listen
from tests.fakes import CountedIds, PlainSigner
from tests.intent_samples import EVENT, START
from tests.pipeline_story import END, HERE, MINUTE, House, cancelled, opened, opts
from tests.southbound_fakes import PHX, SmallGateway, sample_intent, sample_plan

PAGE_OF_MEMORY = 4096
BEARER = {"Authorization": f"Bearer secret-of-{PHX}"}


def filled(count: int, pace: Pace) -> SmallGateway:
    """Return a gateway with so many documents on the stream."""
    gateway = SmallGateway(SystemClock(), pace)
    gateway.token()
    now = gateway.clock.now()
    for n in range(count // 2):
        gateway.send_intent(sample_intent(now, intent_id=f"i{n}"))
        gateway.send_plan(sample_plan(now, revision=n + 1))
    return gateway


async def blocks_of(answer: aiohttp.ClientResponse) -> AsyncIterator[Block]:
    parser = BlockParser()
    while chunk := await answer.content.readany():
        parser.feed(chunk)
        while (block := parser.pop()) is not None:
            if block.event:
                yield block


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.spec("ecosystem C.13: resume at each of 1,000 positions")
async def test_a_stream_resumes_at_each_of_1000_positions_without_gap() -> None:
    gateway = filled(1000, Pace(page=7, streams=2000, burst=2000, per_s=0))
    async with gateway.serve() as listener, aiohttp.ClientSession(headers=BEARER) as http:
        for position in range(1000):
            # Every hundredth goes to the end; the others far enough to see a page's border.
            last = 1000 if position % 100 == 0 else min(position + 3, 1000)
            resume = {"Last-Event-ID": str(position)}
            async with http.get(f"{listener.url}/v1/stream", headers=resume) as answer:
                blocks = blocks_of(answer)
                found = [await anext(blocks) for _ in range(last - position)]
                answer.close()
            assert [block.sequence for block in found] == [*range(position + 1, last + 1)]


def connected(port: int, after: int, *, small: bool = False) -> socket.socket:
    peer = socket.socket()
    if small:  # before it connects, or the kernel would take in megabytes for it
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    peer.connect(("127.0.0.1", port))
    peer.sendall(
        f"GET /v1/stream HTTP/1.1\r\nHost: x\r\nLast-Event-ID: {after}\r\n"
        f"Authorization: Bearer secret-of-{PHX}\r\n\r\n".encode()
    )
    return peer


def killed(peer: socket.socket) -> None:
    """Close with a reset, as the kernel does for a process that was killed with unread data."""
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()


def read_some(port: int, after: int, size: int) -> list[Block]:
    """Read so many bytes of a stream, in whatever place that ends, and die."""
    peer = connected(port, after)
    raw = b""
    while len(raw) < size and (part := peer.recv(size - len(raw))):
        raw += part
    killed(peer)
    body = raw.partition(b"\r\n\r\n")[2]
    parser, data = BlockParser(), b""
    while body:  # chunked transfer coding, the last chunk maybe cut
        line, _, rest = body.partition(b"\r\n")
        if not line:
            break
        length = int(line, 16)
        data += rest[:length]
        body = rest[length + 2 :]
    parser.feed(data)
    found = []
    while (block := parser.pop()) is not None:
        found += [block] if block.event else []
    return found


@pytest.mark.slow
async def test_a_reader_killed_in_the_middle_of_an_event_gets_it_whole_the_next_time() -> None:
    gateway = filled(40, Pace(page=3, streams=500, burst=2000, per_s=0))
    async with gateway.serve() as listener:
        for size in range(300, 6000, 371):  # cuts in headers, ids, data and between blocks
            cursor, seen, sizes = 0, [], [size, size + 977, 9000]
            for each in sizes:
                found = await asyncio.to_thread(read_some, listener.port, cursor, each)
                seen += [block.sequence for block in found]
                cursor = seen[-1] if seen else 0
            assert seen == [*range(1, len(seen) + 1)], size
            assert len(seen) > 3


def closed(peers: list[socket.socket]) -> None:
    for peer in peers:
        peer.close()


def resident() -> int:
    """Return this process's resident memory, bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE_OF_MEMORY


@pytest.mark.slow
@pytest.mark.spec("reliability fault matrix, row 16")
async def test_thirty_readers_that_stop_reading_cost_bounded_memory_and_delay_nobody(
    request: pytest.FixtureRequest,
) -> None:
    gateway = filled(2, Pace(write_s=5.0, recheck_s=0.2, streams=10_000, burst=10_000, per_s=0))
    now = gateway.clock.now()
    for n in range(100):  # 10 MB for each of them
        plan = sample_plan(now, revision=n + 10)
        gateway.send_plan(plan.model_copy(update={"notes": ("x" * 4000,) * 25}))
    async with (
        gateway.serve() as listener,
        aiohttp.ClientSession(headers=BEARER) as http,
    ):
        gc.collect()
        before, largest, cursor, most = resident(), 0, 2, 0
        peers = [connected(listener.port, 0, small=True) for _ in range(30)]
        request.addfinalizer(lambda: closed(peers))
        stalled = {peer.getsockname() for peer in peers}
        async with gateway.clock.timeout(60):
            while (
                True
            ):  # one who reads gets everything meanwhile, in order, over every reconnection
                after = {"Last-Event-ID": str(cursor % 102)}
                async with http.get(f"{listener.url}/v1/stream", headers=after) as answer:
                    assert answer.status == 200
                    block = await anext(blocks_of(answer))
                    assert block.sequence == cursor % 102 + 1
                    cursor = block.sequence
                    answer.close()
                largest = max(largest, resident())
                held = stalled & connections(listener)
                most = max(most, len(held))
                if cursor > 20 and not held:
                    break
        assert most == 30
        assert cursor > 2
        assert largest - before < 128 << 20  # all of it for all of them would be 300 MB


def connections(listener: Listener) -> set[Any]:
    """Return the far ends of the server's connections."""
    assert listener.runner.server is not None
    transports = [c.transport for c in listener.runner.server.connections]
    waiting = [t.get_write_buffer_size() for t in transports if t is not None]
    assert max(waiting, default=0) < 1 << 20
    return {t.get_extra_info("peername") for t in transports if t is not None}


# --- the real pipeline


@asynccontextmanager
async def told() -> AsyncIterator[tuple[House, Listener, str]]:
    """Serve a house whose event was received and not yet answered; yield its token too."""
    house = House()
    bells = Bells(house.clock)
    house.bells = cast(Any, bells)
    house.restart()
    await opened(house)
    await house.deliver(EVENT)
    secret = await create_token(house.store, CountedIds(), name="t", site=HERE, now=house.now)
    parts = Parts(
        store=house.store,
        desk=house.desk,
        clock=house.clock,
        ids=CountedIds(),
        bells=bells,
        signer=PlainSigner(),
        registry=CollectorRegistry(),
        source="urn:test",
    )
    listener = await listen(make_app(parts), "127.0.0.1", 0, None)
    try:
        yield house, listener, secret
    finally:
        await listener.stop()


def over(house: House) -> Awaitable[None]:
    return house.deliver(cancelled(EVENT, house.now))


async def timer_first(house: House, ramp_in: Any) -> None:
    await house.until(ramp_in)
    await over(house)


async def cancel_first(house: House, ramp_in: Any) -> None:
    await house.sleep(ramp_in)  # the timer is due, and nobody served it yet
    await over(house)


async def both_at_once(house: House, ramp_in: Any) -> None:
    await house.sleep(ramp_in)
    with house.clock.held():
        house._serving = True
        serving = asyncio.create_task(house.timetable.run())
        await over(house)
        await house.clock.sleep_until(ramp_in + MINUTE)
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
    house.restart()


async def after_a_restart(house: House, ramp_in: Any) -> None:
    await house.until(ramp_in)
    house.restart()
    await over(house)
    await over(house)


@pytest.mark.spec("reliability fault matrix, row 10")
@pytest.mark.parametrize("race", [timer_first, cancel_first, both_at_once, after_a_restart])
async def test_a_cancel_that_races_the_start_wins_and_is_told_once(
    race: Callable[[House, Any], Awaitable[None]],
) -> None:
    async with told() as (house, _, _):
        await house.commit()
        await race(house, START - 15 * MINUTE)
        await house.until(END + 120 * MINUTE)

        assert (await house.record()).intent.status is State.CANCELLED
        sent = [orjson.loads(item.body)["data"] for item in await house.outbox("intent")]
        assert [one["cancelled_at"] is not None for one in sent] == [False, True]
        assert await house.cap(START + 30 * MINUTE) is None
        plans = [orjson.loads(item.body)["data"] for item in await house.outbox("plan")]
        revisions = [plan["revision"] for plan in plans]
        assert revisions == sorted(set(revisions))


@pytest.mark.spec("reliability fault matrix, row 9")
async def test_an_old_acknowledgement_counts_for_its_own_revision_alone() -> None:
    async with told() as (house, _, _):
        first = (await house.record()).intent
        await over(house)
        second = (await house.record()).intent
        assert second.revision > first.revision

        def ack(revision: int, digest: str = "0" * 64) -> Awaitable[Seen]:
            answer = Ack(
                revision=revision,
                sequence=first.sequence,
                receiver="test",
                received_at=house.now,
                digest=digest,
            )
            return house.desk.acknowledge(HERE, IntentId(first.id), answer)

        assert await ack(first.revision) is Seen.NEW
        assert (await house.record()).acked_revision == first.revision
        old, new = await house.outbox("intent")
        assert (old.acked_at is not None, new.acked_at is None) == (True, True)
        assert await ack(second.revision) is Seen.NEW
        assert await ack(first.revision) is Seen.DUPLICATE
        assert (await house.record()).acked_revision == second.revision
        assert await ack(first.revision, "1" * 64) is Seen.CONFLICT
        with pytest.raises(SessionError, match="STALE_REVISION"):
            await ack(second.revision + 1)
        assert (await house.record()).acked_revision == second.revision


def post_and_drop(port: int, path: str, token: str, body: bytes) -> None:
    """Post, and break the connection off before the answer can be read."""
    peer = socket.create_connection(("127.0.0.1", port))
    peer.sendall(
        f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        + body
    )
    killed(peer)


async def test_a_site_whose_answer_was_lost_repeats_it_and_hears_the_same() -> None:
    """It executes, commits, and the connection breaks before it hears so: one effect, one answer upstream."""
    async with told() as (house, listener, token):
        intent = (await house.record()).intent
        body = json.dumps({"revision": intent.revision, "opt": "in"}).encode()
        path = f"/v1/intents/{intent.id}/commitment"
        await asyncio.to_thread(post_and_drop, listener.port, path, token, body)
        real = SystemClock()
        async with real.timeout(10):
            while (await house.record()).opt is None:
                # A handler whose caller has gone may have been given up before it began: then nothing happened.
                await asyncio.to_thread(post_and_drop, listener.port, path, token, body)
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        async with aiohttp.ClientSession(headers=headers) as http:
            for _ in range(3):
                async with http.post(f"{listener.url}{path}", data=body) as answer:
                    assert (answer.status, await answer.json()) == (200, {"status": "stored"})
            other = body.replace(b'"in"', b'"out"')
            async with http.post(f"{listener.url}{path}", data=other) as answer:
                assert answer.status == 200  # a later decision is another answer

        assert opts(house.told) == [(Opt.IN, "committed"), (Opt.OUT, "committed")]
        answers = [e for e in await house.entries("opt") if b'"answer"' in e.record]
        assert len(answers) == 2


async def test_a_reader_that_left_makes_room_before_the_next_ping() -> None:
    """Eight streams a site may have; a scheduler that crashes eight times in a row must get its ninth."""
    gateway = filled(2, Pace(recheck_s=0.05, burst=2000))
    async with gateway.serve() as listener, aiohttp.ClientSession(headers=BEARER) as http:
        async with gateway.clock.timeout(10):
            for _ in range(8):
                peer = connected(listener.port, 2)
                await asyncio.to_thread(peer.recv, 1)
                killed(peer)
            while True:
                async with http.get(f"{listener.url}/v1/stream") as answer:
                    if answer.status == 200:
                        break
        assert Pace().recheck_s < Pace().ping_s
