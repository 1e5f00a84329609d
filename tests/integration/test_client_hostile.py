"""The client against something that is no gateway, or a gateway that misbehaves."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp import web

from gateway.client import Plan, Refused, Site, SiteOptions
from gateway.client.clock import SystemClock
from gateway.client.exchange import LARGEST, BackOff, Exchange
from gateway.client.keys import Keys
from gateway.southbound.signer import KeyFileSigner
from gateway.southbound.verify import verified
from gateway.transport.server import listen
from tests.client_world import START, World, cancelled, played, sample
from tests.effort import seconds_of_process
from tests.southbound_fakes import PHX, sample_intent, sample_plan

ROOT = Path(__file__).parents[2]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def answering(handler: Handler) -> AsyncIterator[Exchange]:
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", handler)
    listener = await listen(app, "127.0.0.1", 0, None)
    clock = SystemClock()
    exchange = Exchange(listener.url, lambda: "t", clock, None, lambda: None)
    try:
        yield exchange
    finally:
        await exchange.close()
        await listener.stop()


async def refused(exchange: Exchange, deadline_s: float = 0.4) -> Refused:
    with pytest.raises(Refused) as found:
        await exchange.insist(
            "GET", "/x", None, back_off=BackOff(base_s=0.05), deadline_s=deadline_s
        )
    return found.value


async def test_a_proxys_404_is_waited_out_and_a_gateways_404_is_not() -> None:
    calls = 0

    async def proxy(_: web.Request) -> web.Response:
        nonlocal calls
        calls += 1
        return web.Response(status=404, text="<html>nginx</html>")

    async def gateway(_: web.Request) -> web.Response:
        nonlocal calls
        calls += 1
        return web.json_response({"reason": "NOT_FOUND", "detail": "d"}, status=404)

    async with answering(proxy) as exchange:
        assert (await refused(exchange)).reason == "UNREACHABLE"
        assert calls > 1
    calls = 0
    async with answering(gateway) as exchange:
        assert (await refused(exchange)).reason == "NOT_FOUND"
        assert calls == 1


async def test_a_redirect_is_not_followed() -> None:
    seen: list[str] = []

    async def elsewhere(request: web.Request) -> web.Response:
        seen.append(request.path)
        return web.Response(status=302, headers={"Location": "/stolen"})

    async with answering(elsewhere) as exchange:
        assert (await refused(exchange)).reason == "UNREACHABLE"
    assert set(seen) == {"/x"}


async def test_an_endless_answer_is_cut_off() -> None:
    async def flood(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(LARGEST // (1 << 20) + 4):
            try:
                await response.write(b"x" * (1 << 20))
            except ConnectionError:
                break
        return response

    async with answering(flood) as exchange:
        assert (await refused(exchange, 0.05)).reason == "UNREACHABLE"


async def test_an_answer_that_never_comes_ends_with_the_deadline() -> None:
    never = asyncio.Event()

    async def silent(_: web.Request) -> web.Response:
        await never.wait()
        return web.Response()

    async with answering(silent) as exchange:
        assert (await refused(exchange, 0.2)).problem.status == 0
        never.set()


async def test_busy_is_waited_out_as_long_as_it_asks() -> None:
    clock, times = SystemClock(), []

    async def busy(_: web.Request) -> web.Response:
        times.append(clock.now())
        if len(times) == 1:
            return web.json_response({"reason": "BUSY"}, status=503, headers={"Retry-After": "1"})
        return web.json_response({})

    async with answering(busy) as exchange:
        await exchange.insist("POST", "/x", b"{}", back_off=BackOff(base_s=0.01), deadline_s=9)
    assert timedelta(seconds=1) <= times[1] - times[0]


async def test_nonsense_on_the_stream_is_told_and_its_neighbours_go_on() -> None:
    world = World()
    gateway = world.gateway
    outbox = gateway.store.work.outbox

    async def play() -> None:
        async with gateway.serve(), world.site() as site:
            gateway.send_plan(sample_plan(START, revision=1))
            for body in (b"{", b"[]", b'{"data":3}', b'{"data":{}}', b'{"data":{"id":"x"}}'):
                for kind in ("plan", "intent", "news"):
                    place = outbox.next_sequence(PHX)
                    item = gateway.item(PHX, place, kind, "x", 1, body)
                    outbox.add(item)
            stranger = sample_plan(START, revision=5, site="abq-2")
            body = json.dumps({"data": stranger.model_dump(mode="json", by_alias=True)}).encode()
            outbox.add(gateway.item(PHX, outbox.next_sequence(PHX), "plan", "x", 1, body))
            gateway.send_plan(sample_plan(START, revision=2))
            await world.until(1)
            assert (await anext(site.plans())).revision == 2

    await played(world, play)

    assert {notice.reason for notice in world.notices} == {"UNREADABLE"}
    assert len(world.notices) == 3 + 2 + 2 + 1


async def test_unknown_fields_of_a_newer_gateway_are_ignored() -> None:
    world = World()
    gateway = world.gateway

    async def play() -> None:
        async with gateway.serve(), world.site() as site:
            document = sample_plan(START, revision=3).model_dump(mode="json", by_alias=True)
            document |= {"brand_new": {"a": 1}}
            body = json.dumps({"data": document}).encode()
            outbox = gateway.store.work.outbox
            outbox.add(gateway.item(PHX, outbox.next_sequence(PHX), "plan", PHX, 3, body))
            gateway.bells.ring(PHX)
            assert (await anext(site.plans())).revision == 3

    await played(world, play)
    assert not world.notices


async def test_a_cancelled_consumer_leaves_no_token_and_loses_nothing() -> None:
    world = World()

    async def play() -> None:
        async with world.gateway.serve(), world.site() as site:
            plans = site.plans()

            async def waits() -> None:
                with world.clock.held():
                    await anext(plans)

            for n in range(1, 6):
                task = asyncio.create_task(waits())
                await world.until(n)
                await cancelled(task)
            world.gateway.send_plan(sample_plan(START))
            assert (await anext(plans)).revision == 1

    await played(world, play)


async def test_a_call_cancelled_in_mid_flight_leaves_the_client_usable() -> None:
    world = World()

    async def play() -> None:
        async with world.gateway.serve(), world.site() as site:
            intent = world.gateway.send_intent(sample_intent(START))
            world.gateway.send_plan(sample_plan(START, intent=intent))
            plan = await anext(site.plans())

            async def commits() -> None:
                with world.clock.held():
                    await plan.commit()

            task = asyncio.create_task(commits())
            for _ in range(3):
                await asyncio.sleep(0)  # noqa: TID251 - turns of the loop, not time
            await cancelled(task)
            assert (await plan.commit())[0].taken

    await played(world, play)
    assert len(world.gateway.desk.effects) == 1


async def test_a_body_that_raises_closes_the_site_and_passes_on() -> None:
    world = World()

    class MineError(Exception):
        pass

    async def play() -> None:
        async with world.gateway.serve(), world.site() as site:
            await site.telemetry(sample(0))
            await world.until(1)
            raise MineError

    with world.clock.held(), pytest.raises(MineError):
        await play()
    world.done()


async def test_a_callback_that_raises_ends_the_loop_with_its_error() -> None:
    world = World()

    class MineError(Exception):
        pass

    async def lost(_: object) -> None:
        raise MineError

    async def play() -> None:
        async with world.gateway.serve():
            pass
        async with world.site(on_lease_lost=lost) as site:
            with pytest.raises(MineError):
                await anext(site.plans())

    await played(world, play)


async def test_a_question_of_nobody_is_refused_by_its_reason() -> None:
    world = World()

    async def play() -> None:
        async with world.gateway.serve(), world.site() as site:
            plan = Plan(sample_plan(START, intent=sample_intent(START)), site)
            with pytest.raises(Refused) as found:
                await plan.commit()
            assert found.value.problem.reason == "NOT_FOUND"
            assert found.value.problem.trace_id

    await played(world, play)


async def test_acknowledgements_and_samples_are_sent_until_the_store_takes_them() -> None:
    world = World()
    desk = world.gateway.desk

    async def play() -> None:
        async with world.gateway.serve(), world.site() as site:
            desk.busy = 5
            world.gateway.send_intent(sample_intent(START))
            await site.telemetry(sample(0))
            await world.until(3)
            assert site.waiting_batches == 0

    await played(world, play)
    assert (len(desk.acks), len(desk.batches), desk.busy) == (1, 1, 0)
    assert not world.notices


async def test_an_intent_past_its_deliver_by_is_dropped_and_told() -> None:
    world = World()
    gateway = world.gateway
    late = sample_intent(START).model_copy(update={"deliver_by": START})

    async def play() -> None:
        async with gateway.serve(), world.site() as site:
            await world.until(1)
            gateway.send_intent(late)
            await world.until(2)
            assert site.next_intent() is None

    await played(world, play)
    assert [(n.reason, n.subject) for n in world.notices] == [("LATE", "intent-1")]
    assert not gateway.desk.acks


async def test_the_gateway_says_how_long_the_lease_is() -> None:
    world = World()
    world.gateway.desk.lease_s = 300

    async def lost(_: object) -> None:
        world.say("lost")

    async def play() -> None:
        async with world.gateway.serve():
            site = world.site(on_lease_lost=lost)
            await site.__aenter__()
            await world.until(1)
        await world.until(5)
        assert world.trace == []
        await world.until(7)
        await site.__aexit__(None, None, None)

    await played(world, play)
    assert [word for _, word in world.trace] == ["lost"]


async def test_an_acknowledgement_of_what_the_gateway_forgot_is_told() -> None:
    world = World()
    gateway = world.gateway

    async def play() -> None:
        async with gateway.serve(), world.site():
            gateway.send_intent(sample_intent(START))
            gateway.store.work.intents.records.clear()
            await world.until(1)

    await played(world, play)
    assert [(n.reason, n.subject) for n in world.notices] == [("REFUSED", "intent-1")]


async def test_many_samples_go_out_in_batches_of_5000() -> None:
    world = World()

    async def play() -> None:
        async with world.gateway.serve(), world.site() as site:
            await site.telemetry(sample(n) for n in range(12_000))
            await world.until(1)

    await played(world, play)
    assert [len(b.samples) for b in world.gateway.desk.batches] == [5000, 5000, 2000]


async def test_a_buffer_that_cannot_be_written_is_told_and_counted(tmp_path: Path) -> None:
    world = World()
    folder = tmp_path / "buffer"

    async def play() -> None:
        async with world.gateway.serve(), world.site(buffer_dir=folder) as site:
            folder.rmdir()
            await site.telemetry([sample(0), sample(1)])
            await world.until(1)
            assert site.dropped_samples == 2

    await played(world, play)
    assert [notice.reason for notice in world.notices] == ["BUFFER"]


@pytest.mark.parametrize("keys", [b"[]", b"{", b'{"keys":[]}'])
async def test_a_key_set_that_is_none_verifies_nothing(keys: bytes) -> None:
    async def serve(_: web.Request) -> web.Response:
        return web.Response(body=keys)

    async with answering(serve) as exchange:
        ring = Keys(exchange, SystemClock(), verified)
        document = {"a": 1, "signature": KeyFileSigner.seeded(b"a").detached(b"")}
        assert not await ring.holds(document)
        assert not await ring.holds(document)  # and does not ask again at once


@pytest.mark.slow
def test_the_client_is_imported_about_as_fast_as_what_it_stands_on() -> None:
    def loaded(statement: str) -> set[str]:
        code = f"import sys; {statement}; print(*sys.modules)"
        said = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
        )
        return {name.partition(".")[0] for name in said.stdout.split()}

    def cost(statement: str, enough: float = 0.0) -> float:
        return seconds_of_process([sys.executable, "-c", statement], ROOT, enough)

    below, ours = (
        "import aiohttp, pydantic; pydantic.create_model('M', x=(int, 1))",
        "import gateway.client",
    )
    # orjson writes the canonical form that both sides sign; it is one C module and imports nothing.
    assert loaded(ours) - loaded(below) - sys.stdlib_module_names == {"gateway", "orjson"}
    floor = cost(below)
    assert cost(ours, enough=2 * floor) <= 2 * floor


async def test_samples_of_a_site_that_was_refused_are_counted() -> None:
    world = World()

    async def play() -> None:
        options = SiteOptions(collect_s=0.0)
        async with world.gateway.serve(), world.site(options=options) as site:
            await site.telemetry(sample(0))
            await world.until(1)
            changed = world.gateway.desk.batches[0].batch_id
            world.gateway.desk.effects["telemetry", PHX, changed] = "other content"
            await site.telemetry(sample(0))
            await world.until(2)
            assert site.dropped_samples == 1

    await played(world, play)
    assert [(n.reason, n.detail.split(":")[0]) for n in world.notices] == [("REFUSED", "CONFLICT")]


async def test_a_site_needs_a_known_address_only_when_it_is_entered() -> None:
    site = Site("http://127.0.0.1:9/v1", site=PHX, token="t")
    assert site.clock.now().tzinfo is not None
