"""The event stream as any reader of server-sent events sees it."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import aiohttp
import pytest

from gateway.client.clock import SystemClock
from gateway.client.stream import Block, BlockParser
from gateway.domain.names import SiteId
from gateway.domain.signed import signed_part
from gateway.southbound.documents import IntentEvent, PlanEvent, ResetEvent
from gateway.southbound.parts import Pace
from gateway.southbound.positions import timely
from gateway.southbound.verify import verified
from tests.southbound_fakes import PHX, SOURCE, SmallGateway, sample_intent, sample_plan

Blocks = AsyncIterator[Block]


async def blocks_of(answer: aiohttp.ClientResponse) -> Blocks:
    parser = BlockParser()
    while chunk := await answer.content.readany():
        parser.feed(chunk)
        while (block := parser.pop()) is not None:
            yield block


@asynccontextmanager
async def reading(
    gateway: SmallGateway, url: str, query: str = "", **headers: str
) -> AsyncIterator[Blocks]:
    """Open a stream and yield its blocks, comments left out."""
    bearer = {"Authorization": "Bearer secret-of-phx-1", **headers}
    async with (
        aiohttp.ClientSession(headers=bearer) as http,
        http.get(f"{url}/v1/stream{query}") as answer,
    ):
        assert answer.status == 200
        assert answer.headers["Content-Type"] == "text/event-stream"
        assert answer.headers["X-Accel-Buffering"] == "no"
        yield (block async for block in blocks_of(answer) if block.event)


async def take(blocks: Blocks, count: int) -> list[Block]:
    return [await anext(blocks) for _ in range(count)]


def filled(count: int) -> SmallGateway:
    gateway = SmallGateway(SystemClock())
    gateway.token()
    now = gateway.clock.now()
    for n in range(count // 2):
        gateway.send_intent(sample_intent(now, intent_id=f"i{n}"))
        gateway.send_plan(sample_plan(now, revision=n + 1))
    return gateway


async def test_every_event_is_a_signed_cloud_event_under_its_sequence() -> None:
    gateway = filled(4)
    async with gateway.serve() as listener, reading(gateway, listener.url) as blocks:
        found = await take(blocks, 4)

    assert [(b.sequence, b.event) for b in found] == [
        (1, "intent"),
        (2, "plan"),
        (3, "intent"),
        (4, "plan"),
    ]
    events = [json.loads(block.data) for block in found]
    assert [event["id"] for event in events] == [
        "i0_1",
        "plan-phx-1_1",
        "i1_1",
        "plan-phx-1_2",
    ]
    assert [event["sequence"] for event in events] == [f"{n:020d}" for n in (1, 2, 3, 4)]
    for event in events:
        assert event["source"] == SOURCE
        model = IntentEvent if "intent" in event["type"] else PlanEvent
        model.model_validate(event)
        data = event["data"]
        assert verified(signed_part(data), data["signature"], gateway.signer.key_set())


@pytest.mark.slow
@pytest.mark.spec("HTML Living Standard, server-sent events, Last-Event-ID")
async def test_a_stream_resumes_at_each_of_200_positions_without_gap() -> None:
    gateway = filled(200)
    gateway.pace = Pace(page=7, streams=1000, burst=1000)
    async with gateway.serve() as listener:
        for position in range(200):
            by_header = {"Last-Event-ID": str(position)} if position % 2 else {}
            query = "" if position % 2 else f"?site={PHX}&after={position}"
            async with reading(gateway, listener.url, query, **by_header) as blocks:
                found = await take(blocks, 200 - position)
            assert [b.sequence for b in found] == list(range(position + 1, 201))
            assert {b.event for b in found} <= {"intent", "plan"}


@pytest.mark.parametrize("cursor", ["2", "11", "0"])
async def test_a_cursor_of_no_use_is_answered_with_all_that_holds(cursor: str) -> None:
    gateway = filled(10)
    gateway.store.work.outbox.forget(PHX, 5)
    async with (
        gateway.serve() as listener,
        reading(gateway, listener.url, f"?after={cursor}") as blocks,
    ):
        first = await anext(blocks)
        gateway.send_plan(sample_plan(gateway.clock.now(), revision=9))
        second = await anext(blocks)

    assert (first.sequence, first.event) == (10, "reset")
    snapshot = ResetEvent.model_validate_json(first.data).data
    assert snapshot.plan is not None
    assert snapshot.plan.revision == 5
    assert [intent.id for intent in snapshot.intents] == [f"i{n}" for n in range(5)]
    for document in json.loads(first.data)["data"]["intents"]:
        assert verified(signed_part(document), document["signature"], gateway.signer.key_set())
    assert (second.sequence, second.event) == (11, "plan")


async def test_a_cursor_right_behind_what_was_forgotten_still_works() -> None:
    gateway = filled(10)
    gateway.store.work.outbox.forget(PHX, 10)
    async with (
        gateway.serve() as listener,
        reading(gateway, listener.url, "?after=10") as blocks,
    ):
        gateway.send_plan(sample_plan(gateway.clock.now(), revision=9))
        assert (await anext(blocks)).sequence == 11


async def test_other_sites_events_stay_out_of_a_stream() -> None:
    gateway = filled(2)
    now = gateway.clock.now()
    async with gateway.serve() as listener, reading(gateway, listener.url) as blocks:
        await take(blocks, 2)
        gateway.send_plan(sample_plan(now, site=SiteId("abq-2")))
        gateway.send_plan(sample_plan(now, revision=7))
        found = await anext(blocks)

    assert json.loads(found.data)["data"]["site"] == PHX


async def test_a_document_past_its_deliver_by_is_not_sent() -> None:
    gateway = filled(4)
    items = gateway.store.work.outbox.items
    fields = {name: getattr(items[0], name) for name in items[0].__slots__}
    items[0] = type(items[0])(**{**fields, "deliver_by": datetime.fromisoformat("2020-01-01T00Z")})
    async with gateway.serve() as listener, reading(gateway, listener.url) as blocks:
        assert (await anext(blocks)).sequence == 2


async def test_a_list_leaves_out_what_is_past_its_deliver_by_and_goes_on_behind_it() -> None:
    gateway = filled(8)
    items = gateway.store.work.outbox.items
    intents = [place for place, item in enumerate(items) if item.kind == "intent"]
    for place in intents[:2]:
        fields = {name: getattr(items[place], name) for name in items[place].__slots__}
        long_ago = {"deliver_by": datetime.fromisoformat("2020-01-01T00Z")}
        items[place] = type(items[place])(**{**fields, **long_ago})
    bearer = {"Authorization": "Bearer secret-of-phx-1"}
    async with gateway.serve() as listener, aiohttp.ClientSession(headers=bearer) as http:
        async with http.get(f"{listener.url}/v1/intents?limit=2") as answer:
            nothing = await answer.json()
        async with http.get(f"{listener.url}/v1/intents?limit=2&wait=5") as answer:
            behind = await answer.json()

    assert (nothing["items"], nothing["next"]) == ([], str(items[intents[1]].sequence))
    left = [items[place].sequence for place in intents[2:4]]
    assert len(left) == 2
    assert [int(item["sequence"]) for item in behind["items"]] == left


def test_at_its_deliver_by_it_is_too_late() -> None:
    item = filled(2).store.work.outbox.items[0]
    fields = {name: getattr(item, name) for name in item.__slots__}
    due = datetime.fromisoformat("2026-07-01T00Z")
    bound = type(item)(**{**fields, "deliver_by": due})

    assert timely(bound, due - timedelta(microseconds=1))
    assert not timely(bound, due)
    assert timely(item, due)


async def test_a_ninth_stream_is_refused_until_one_ends() -> None:
    gateway = filled(2)
    bearer = {"Authorization": "Bearer secret-of-phx-1"}
    async with gateway.serve() as listener, aiohttp.ClientSession(headers=bearer) as http:
        url = f"{listener.url}/v1/stream"
        streams = [await http.get(url) for _ in range(8)]
        async with http.get(url) as ninth:
            problem = await ninth.json(content_type="application/problem+json")
            assert (ninth.status, problem["reason"]) == (429, "STREAMS")
        for stream in streams:
            stream.close()


def big_plan(now: datetime, revision: int) -> Any:
    return sample_plan(now, revision=revision).model_copy(update={"notes": ("x" * 4000,) * 25})


@pytest.mark.slow
async def test_a_reader_that_stops_reading_is_disconnected_and_resumes() -> None:
    gateway = filled(2)
    gateway.pace = Pace(write_s=0.3)
    now, largest = gateway.clock.now(), 0
    for n in range(200):  # 20 MB, far more than both sockets hold
        gateway.send_plan(big_plan(now, n + 10))
    async with gateway.serve() as listener:
        with socket.socket() as peer:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            peer.setblocking(False)
            loop = asyncio.get_running_loop()
            await loop.sock_connect(peer, ("127.0.0.1", listener.port))
            request = (
                f"GET /v1/stream HTTP/1.1\r\nHost: x\r\n"
                f"Authorization: Bearer secret-of-{PHX}\r\n\r\n"
            )
            await loop.sock_sendall(peer, request.encode())
            ended = 'gateway_southbound_streams_ended_total{cause="slow"} 1.0'
            async with aiohttp.ClientSession() as http:
                while True:
                    async with http.get(f"{listener.url}/metrics") as answer:
                        if ended in await answer.text():
                            break
                    largest = max(largest, _unsent(listener))
            assert _unsent(listener) == 0  # it is cut off, although it never read on
        assert largest < 1 << 20
        async with reading(gateway, listener.url, "?after=2") as blocks:
            found = await take(blocks, 200)
    assert [b.sequence for b in found] == list(range(3, 203))


def _unsent(listener: Any) -> int:
    """Return the largest number of bytes that wait in the server's own memory for one reader."""
    waiting = [
        protocol.transport.get_write_buffer_size()
        for protocol in listener.runner.server.connections
        if protocol.transport is not None
    ]
    return max(waiting, default=0)


async def test_a_store_that_fails_ends_the_stream_in_good_order() -> None:
    gateway = filled(2)
    bearer = {"Authorization": "Bearer secret-of-phx-1"}
    async with (
        gateway.serve() as listener,
        aiohttp.ClientSession(headers=bearer) as http,
        http.get(f"{listener.url}/v1/stream") as answer,
    ):
        blocks = blocks_of(answer)
        seen = await take(blocks, 3)
        gateway.store.broken = True
        gateway.bells.ring(PHX)
        assert [block.comment async for block in blocks] == ["bye"]
    assert [block.event for block in seen] == ["", "intent", "plan"]


async def test_a_revoked_token_ends_its_stream_and_nobody_elses() -> None:
    assert Pace().recheck_s < 5
    gateway = filled(2)
    gateway.pace = Pace(recheck_s=0.05)
    gateway.token(secret="other token of the same site")
    other = {"Authorization": "Bearer other token of the same site"}
    async with (
        gateway.serve() as listener,
        reading(gateway, listener.url) as revoked,
        reading(gateway, listener.url, **other) as kept,
    ):
        await take(revoked, 2)
        await take(kept, 2)
        gateway.store.work.tokens.revoke("secret-of-phx-1", gateway.clock.now())
        assert [block async for block in revoked] == []
        gateway.send_plan(sample_plan(gateway.clock.now(), revision=9))
        assert (await anext(kept)).sequence == 3
