"""The client over real TLS on loopback, in virtual and in real time, and connections that are torn apart."""

import ssl
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest

from certs.issue import openadr
from gateway.client import Site, SiteOptions
from gateway.client.clock import SystemClock
from gateway.transport.server import Listener
from gateway.transport.tls import southbound_server
from tests.client_world import START, World, played, sample
from tests.southbound_fakes import PHX, SmallGateway, sample_intent, sample_plan


@pytest.fixture(scope="module")
def contexts(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Server's and client's TLS context."""
    folder: Path = tmp_path_factory.mktemp("tls")
    pki = openadr("ecc", START)
    leaf = pki.server()
    (folder / "chain.pem").write_bytes(leaf.chain_pem)
    (folder / "key.pem").write_bytes(leaf.key_pem)
    server = southbound_server(folder / "chain.pem", folder / "key.pem")
    return server, ssl.create_default_context(cadata=pki.anchor_pem.decode())


async def test_an_hour_over_tls_with_a_restart_leaves_no_token(
    contexts: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    world = World()
    world.gateway.tls, client = contexts
    gateway = world.gateway

    async def play() -> None:
        async with gateway.serve():
            site = world.site(ssl=client)  # the port is known from here on
        for hour in range(2):
            async with gateway.serve():
                if hour == 0:
                    await site.__aenter__()
                plans = site.plans()
                for n in range(10):
                    number = 10 * hour + n
                    gateway.send_intent(sample_intent(world.clock.now(), intent_id=f"i{number}"))
                    gateway.send_plan(sample_plan(world.clock.now(), revision=number + 1))
                    await site.telemetry(sample(number))
                    await world.until(30 * hour + 3 * (n + 1))
                    world.say(f"plan {(await anext(plans)).revision}")
                if hour == 1:
                    await site.__aexit__(None, None, None)

    await played(world, play)

    assert [word for _, word in world.trace] == [f"plan {n + 1}" for n in range(20)]
    assert len(gateway.desk.batches) == 20
    assert len(gateway.desk.acks) == 20


def tear(listener: Listener) -> None:
    """Cut every connection without a word."""
    for protocol in list(listener.runner.server.connections):  # type: ignore[union-attr]  # set up while it listens
        if protocol.transport is not None:
            protocol.transport.abort()


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
async def test_connections_torn_apart_leave_no_token_and_the_site_comes_back(
    contexts: tuple[ssl.SSLContext, ssl.SSLContext], secure: bool
) -> None:
    world = World()
    if secure:
        world.gateway.tls = contexts[0]

    async def play() -> None:
        async with (
            world.gateway.serve() as listener,
            world.site(ssl=contexts[1] if secure else None) as site,
        ):
            plans = site.plans()
            for n in range(5):
                world.gateway.send_plan(sample_plan(world.clock.now(), revision=n + 1))
                assert (await anext(plans)).revision == n + 1
                await world.until(10 * n + 5)
                tear(listener)
                await world.until(10 * n + 10)

    await played(world, play)


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
async def test_a_site_that_leaves_takes_no_token_with_it(
    contexts: tuple[ssl.SSLContext, ssl.SSLContext], secure: bool
) -> None:
    world = World()
    if secure:
        world.gateway.tls = contexts[0]

    async def play() -> None:
        async with world.gateway.serve():
            for n in range(20):
                async with world.site(ssl=contexts[1] if secure else None) as site:
                    world.gateway.send_plan(sample_plan(world.clock.now(), revision=n + 1))
                    assert (await anext(site.plans())).revision == n + 1
                world.gateway.bells.ring(PHX)
                await world.until(n + 1)

    await played(world, play)


@pytest.mark.slow
async def test_in_real_time_a_plan_arrives_and_is_acknowledged_at_once(
    contexts: tuple[ssl.SSLContext, ssl.SSLContext], tmp_path: Path
) -> None:
    clock = SystemClock()
    gateway = SmallGateway(clock, tls=contexts[0])
    token_file = tmp_path / "token"
    token_file.write_text(gateway.token() + "\n")
    options = SiteOptions(collect_s=0.0)
    unasked = timedelta(seconds=min(gateway.pace.ping_s, options.heartbeat_s))  # no timer of either
    async with gateway.serve() as listener:
        url = f"https://localhost:{listener.port}/v1"
        async with Site(
            url, site=PHX, token_file=token_file, ssl=contexts[1], options=options
        ) as site:
            now = clock.now()
            intent = gateway.send_intent(sample_intent(now))
            gateway.send_plan(sample_plan(now, intent=intent))
            plan = await anext(site.plans())
            await plan.commit(kw=90)
            await site.telemetry(sample(0))
            assert clock.now() - now < unasked
    assert [i for _, i, _ in gateway.desk.acks] == ["intent-1"]
    assert gateway.desk.acks[0][0] - now < unasked
    assert len(gateway.desk.batches) == 1
    assert len(gateway.desk.commitments) == 1


async def test_a_certificate_nobody_vouches_for_is_not_talked_to(
    contexts: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    world = World()
    world.gateway.tls = contexts[0]

    async def play() -> None:
        async with world.gateway.serve(), world.site(ssl=None) as site:
            await world.until(2)
            assert site.newest_plan is None
            assert site.lease_lost

    await played(world, play)
    assert world.gateway.desk.heartbeats == []


async def test_the_date_of_every_answer_is_the_clocks() -> None:
    world = World()
    async with (
        world.gateway.serve() as listener,
        aiohttp.ClientSession() as http,
        http.get(f"{listener.url}/health/live") as answer,
    ):
        assert answer.headers["Date"] == "Sat, 03 May 2025 21:40:00 GMT"
        assert answer.headers["Server"] == ""
