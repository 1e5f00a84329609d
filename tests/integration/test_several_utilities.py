"""Several utilities at one gateway: everything is kept by utility, whatever they call themselves and their events."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from conformance.peers.vtn2b import UtilityPeer
from gateway.app.virtual import VirtualClock
from gateway.domain.event import EventKey
from gateway.domain.names import EventId, UtilityName
from gateway.pipeline.ports import Work
from gateway.protocols.oadr2b.vtn_book import ExpectedVen, VtnOptions
from gateway.protocols.oadr2b.vtn_facts import Answered
from gateway.transport.tls import openadr_client
from tests.push_world import (
    Ahead,
    PushGateway,
    event_spec,
    print_of,
    push,
    pushing_utility,
    utility_section,
)
from tests.vtn_wire import Pki

START = datetime(2026, 7, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)
OFF = 47 * MINUTE
SAME = "VEN-1"
"""venID that both utilities give, and VTN-1 what both call themselves."""


@dataclass
class Both:
    """A utility that pushes, one that is polled and 47 minutes ahead, and the gateway between them."""

    clock: VirtualClock
    near: UtilityPeer
    far: UtilityPeer
    gateway: PushGateway
    url: str

    async def stored(self, read: Any) -> Any:
        assert self.gateway.gateway is not None
        return await self.gateway.gateway.office.store.read(read)


@asynccontextmanager
async def both(folder: Path, *, one_identity: bool = False) -> AsyncIterator[Both]:
    """Run them."""
    clock = VirtualClock(START, on_stuck=print)
    pki = Pki(folder)
    names = ("ven", "ven" if one_identity else "ven-of-far")
    options = [
        VtnOptions(
            vtn_id="VTN-1",
            expected=(ExpectedVen(ven_id=SAME, fingerprints=(print_of(pki.files(name)),)),),
        )
        for name in names
    ]
    with clock.held():
        near = pushing_utility(pki, clock, options=options[0])
        far = pushing_utility(pki, Ahead(clock, OFF), "vtn-far", options=options[1])
        gateway = PushGateway(folder, pki, clock, [], utilities=[near, far])
        for utility in gateway.utilities:
            await utility.start()
        await gateway.relay.start()
        url = f"https://localhost:{gateway.relay.port}/near"
        pushes = ('mode = "push"', f'push_url = "{url}"')
        # The far utility's certificate names no host: it is known by its fingerprint.
        pinned = print_of(pki.files("vtn-far"))
        polls = ("check_host_name = false", f'server_fingerprint = "{pinned}"')
        gateway.sections = [
            utility_section("near", pki.files(names[0]), near.url, *pushes),
            utility_section(
                "far", pki.files(names[1]), far.url, *polls, 'clock_policy = "trust_theirs"'
            ),
        ]
        try:
            await gateway.begin()
            await clock.sleep_until(START + 20 * SECOND)
            yield Both(clock, near, far, gateway, url)
        finally:
            await gateway.end()
            for utility in gateway.utilities:
                await utility.stop()
            await gateway.relay.stop()


def answers(utility: UtilityPeer) -> list[tuple[str, int, str]]:
    return [
        (told.fact.event_id, told.fact.version, told.fact.opt.value)
        for told in utility.told(Answered)
    ]


@pytest.mark.spec("OpenADR 2.0b cases A_E0_0295 and CFX2B-EVT-09")
@pytest.mark.parametrize("one_identity", [False, True])
async def test_the_same_ids_of_two_utilities_mean_two_of_everything(
    tmp_path: Path, one_identity: bool
) -> None:
    async with both(tmp_path, one_identity=one_identity) as world:
        clock = world.clock
        await world.near.publish(event_spec("e1", START + 60 * MINUTE, "90"))
        await world.far.publish(event_spec("e1", START + OFF + 120 * MINUTE, "70"))
        await clock.sleep_until(START + 3 * MINUTE)
        intents = await world.gateway.intents()
        sessions: list[bytes] = await world.stored(
            lambda work: [work.sessions.state(UtilityName(name)) for name in ("near", "far")]
        )
        await world.near.cancel("e1")
        await clock.sleep_until(START + 6 * MINUTE)
        after = await world.gateway.intents()

    assert [ven.ven_id for ven in (*world.near.vens, *world.far.vens)] == [SAME, SAME]
    assert sorted(intents) == [("far", "e1"), ("near", "e1")]
    assert answers(world.near) == [("e1", 0, "optIn"), ("e1", 1, "optIn")]
    assert answers(world.far) == [("e1", 0, "optIn")]
    assert after["near", "e1"][0] == "cancelled"
    assert after["far", "e1"][0] == intents["far", "e1"][0] != "cancelled"
    registrations = [ven.registration_id for ven in (*world.near.vens, *world.far.vens)]
    for own, other, state in zip(registrations, reversed(registrations), sessions, strict=True):
        assert own.encode() in state
        assert other.encode() not in state


async def test_each_utility_is_read_by_its_own_clock(tmp_path: Path) -> None:
    async with both(tmp_path) as world:
        clock = world.clock
        await world.near.publish(event_spec("e1", START + 60 * MINUTE))
        await world.far.publish(event_spec("e1", START + OFF + 60 * MINUTE))
        await clock.sleep_until(START + 3 * MINUTE)

        def starts(work: Work) -> list[datetime]:
            keys = [
                EventKey(utility=UtilityName(name), event_id=EventId("e1"))
                for name in ("near", "far")
            ]
            found = [work.events.newest(key) for key in keys]
            return [each.start for each in found if each is not None]

        near, far = await world.stored(starts)
        assert world.gateway.gateway is not None
        sessions = world.gateway.gateway._sessions
        assert sessions is not None
        offsets = {name: health.clock_offset_s for name, health in sessions.health().items()}

    assert near == START + 60 * MINUTE
    assert far == START + 60 * MINUTE  # 13:47 there is 13:00 here
    assert abs(offsets[UtilityName("near")] or 0) < 2
    assert abs((offsets[UtilityName("far")] or 0) - OFF.total_seconds()) < 2


async def test_one_utility_may_not_speak_for_the_other(tmp_path: Path) -> None:
    async with both(tmp_path) as world:
        files = world.gateway.pki.files("vtn-far")
        context = openadr_client(files, host_names=False)
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context)) as http:
            stranger, _ = await push(http, world.url)
            no_push, _ = await push(http, world.url.replace("/near", "/far"))

    assert (stranger, no_push) == (403, 404)


async def test_an_outage_of_one_utility_leaves_the_other_alone(tmp_path: Path) -> None:
    async with both(tmp_path) as world:
        clock = world.clock
        await world.far.stop()
        world.gateway.utilities = [world.near]
        await clock.sleep_until(START + 10 * MINUTE)
        before = clock.now()
        await world.near.publish(event_spec("e1", START + 60 * MINUTE))
        answered = await world.near.wait_for(Answered, until=START + 12 * MINUTE)
        assert world.gateway.gateway is not None
        sessions = world.gateway.gateway._sessions
        assert sessions is not None
        health = sessions.health()

    assert answered is not None
    assert answered.at - before <= 31 * SECOND
    assert health[UtilityName("near")].failures_in_a_row == 0
    assert health[UtilityName("far")].probing


async def test_both_go_on_after_a_restart_with_what_is_their_own(tmp_path: Path) -> None:
    async with both(tmp_path) as world:
        clock = world.clock
        await world.near.publish(event_spec("e1", START + 60 * MINUTE))
        await world.far.publish(event_spec("e1", START + OFF + 120 * MINUTE))
        await clock.sleep_until(START + 3 * MINUTE)
        before = await world.gateway.intents()
        await world.gateway.end()
        await world.gateway.begin()
        await clock.sleep_until(START + 6 * MINUTE)
        after = await world.gateway.intents()
        vens = (*world.near.vens, *world.far.vens)

    assert before == after
    assert len(vens) == 2
    assert {opt for *_, opt in answers(world.near) + answers(world.far)} == {"optIn"}
