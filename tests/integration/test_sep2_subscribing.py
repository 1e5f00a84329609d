"""Our client subscribed to our server over TLS: what is told is known at once, and nothing depends on it."""

from datetime import datetime
from pathlib import Path

import pytest

from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.client.options import DeviceOptions
from gateway.protocols.sep2.identity import managed_lfdi
from gateway.protocols.sep2.server.devices import NewDevice
from gateway.servers.sep2.sql import SqlStore
from gateway.servers.sep2.utility import Sep2Utility
from tests.ports import free_port
from tests.sep2_server_world import MINUTE, PIN, Premises, Sink, cap, furnish, statuses
from tests.sep2_world import START


def subscribed(utility: Sep2Utility) -> dict[str, int]:
    """Return how many subscriptions there are, by kind of resource."""
    found: dict[str, int] = {}
    server = utility.desk.server
    for one in server.book.deliveries:
        resource = server.subscribers.watch.resource_of(one.resource)
        assert resource is not None
        found[resource.kind.__name__] = found.get(resource.kind.__name__, 0) + 1
    return found


def asked(utility: Sep2Utility, path: str) -> int:
    """Return how often an address was read."""
    inward = (one for one in utility.transcript.after(0, 10_000) if not one.outward)
    return sum(1 for one in inward if one.method == "GET" and one.target.startswith(path))


EACH = {
    "EndDeviceList": 1,
    "FunctionSetAssignmentsList": 1,
    "DERProgramList": 1,
    "DERControlList": 1,
    "DefaultDERControl": 1,
}


async def settled(site: Premises, utility: Sep2Utility) -> datetime:
    """Let time pass until the client has subscribed to everything; return when that is."""
    await site.pass_time(START + 3 * MINUTE)
    for _ in range(30):  # an exchange may fail on a busy machine, and is tried again
        if EACH.items() <= subscribed(utility).items():
            return site.clock.now()
        await site.pass_time(site.clock.now() + MINUTE)
    raise AssertionError(f"after half an hour there are {subscribed(utility)}")


@pytest.mark.spec(
    "CSIP CORE-018", "CSIP AGG-001", "CSIP-AUS ALL-14", "CSIP MAINT-004", "IEEE 2030.5-2018 8.9"
)
async def test_a_control_is_known_at_once_by_notification(tmp_path: Path) -> None:
    site = Premises(folder=tmp_path)
    leaf = site.pki.device("0001")
    url = f"https://127.0.0.1:{free_port()}/apex"
    sink = Sink()
    async with site.utility(notifies=True) as utility:
        given = await furnish(utility, leaf.lfdi)
        async with site.gateway(leaf, utility.url, sink, notify_url=url):
            begun = await settled(site, utility)
            name = await cap(utility, given.der, begun + 6 * MINUTE, 2)
            await site.pass_time(begun + MINUTE / 60)
            assert statuses(utility, name) == [1]
            place = utility.desk.server.book.expect(given.der, sep.DERProgram).href + "/events"
            before = asked(utility, place)
            await site.pass_time(begun + 5 * MINUTE)
            assert asked(utility, place) == before
            await site.pass_time(begun + 9 * MINUTE)
            assert statuses(utility, name) == [1, 2, 3]
            second = await cap(utility, given.der, begun + 57 * MINUTE, 5)
            await site.pass_time(begun + 10 * MINUTE)
            await utility.issue(lambda i, now: i.cancel(second, now))
            await site.pass_time(begun + 10 * MINUTE + MINUTE / 60)
            assert statuses(utility, second) == [1, 6]
        assert utility.notifier is not None
        assert set(utility.notifier.counts) == {"delivered"}
        outward = [one for one in utility.transcript.after(0, 10_000) if one.outward]
        assert {one.status for one in outward} == {201}
        assert all(one.location.startswith("/apex/") for one in outward)


@pytest.mark.spec("CSIP ERR-002", "IEEE 2030.5-2018 8.9.3.4")
async def test_subscriptions_are_found_again_on_both_sides(tmp_path: Path) -> None:
    site = Premises(folder=tmp_path)
    leaf = site.pki.device("0001")
    url = f"https://127.0.0.1:{free_port()}/apex"
    store, sink = tmp_path / "utility.db", Sink()
    async with site.utility(store=SqlStore(store), notifies=True) as utility:
        given = await furnish(utility, leaf.lfdi)
        port = utility.port
        async with site.gateway(leaf, utility.url, sink, notify_url=url):
            begun = await settled(site, utility)
        before = {one.subscription for one in utility.desk.server.book.deliveries}
        # The gateway is away while a control comes; the utility dies before it could tell.
        name = await cap(utility, given.der, begun + 37 * MINUTE, 5)
        await site.pass_time(begun + 1 * MINUTE)
    async with (
        site.utility(store=SqlStore(store), port=port, notifies=True) as utility,
        site.gateway(leaf, utility.url, sink, notify_url=url),
    ):
        await site.pass_time(begun + 7 * MINUTE)
        assert {one.subscription for one in utility.desk.server.book.deliveries} == before
        assert statuses(utility, name) == [1]
        assert utility.notifier is not None
        assert utility.notifier.counts["dropped"] == 0
        await utility.issue(lambda i, now: i.cancel(name, now))
        await site.pass_time(begun + 7 * MINUTE + MINUTE / 60)
        assert statuses(utility, name) == [1, 6]


@pytest.mark.spec("CSIP AGG-001", "CSIP MAINT-001", "CSIP MAINT-003", "CSIP UTIL-003")
async def test_an_aggregator_follows_its_devices_by_notification(tmp_path: Path) -> None:
    site = Premises(folder=tmp_path)
    leaf = site.pki.aggregator("apex-aggregator")
    url = f"https://127.0.0.1:{free_port()}/apex"
    names = [managed_lfdi(f"site-{n}".encode(), 40732) for n in range(2)]
    devices = tuple(DeviceOptions(lfdi=name, site="phx-1", pin=PIN) for name in names)
    async with site.utility(notifies=True) as utility:
        await utility.operate(lambda o, now: o.register(NewDevice(lfdi=leaf.lfdi, pin=PIN), now))
        given = await furnish(utility)
        first = NewDevice(lfdi=names[0], pin=PIN, manager=leaf.lfdi)
        await utility.operate(lambda o, now: o.register(first, now))
        async with site.gateway(leaf, utility.url, Sink(), devices, notify_url=url):
            await site.pass_time(START + 3 * MINUTE)
            name = await cap(utility, given.der, START + 60 * MINUTE, 5)
            second = NewDevice(lfdi=names[1], pin=PIN, manager=leaf.lfdi)
            await utility.operate(lambda o, now: o.register(second, now))
            await site.pass_time(START + 3 * MINUTE + MINUTE / 20)
            assert subscribed(utility)["FunctionSetAssignmentsList"] == 3
            # Moved to a group with an event: its assignments say so, and it is answered for it alone.
            await utility.operate(lambda o, now: o.assign(given.fsa, [names[1]], now))
            await site.pass_time(START + 3 * MINUTE + MINUTE / 6)
            assert [one.lfdi for one in utility.responses(name)] == [names[1]]
            await utility.operate(lambda o, now: o.assign(given.fsa, [names[0]], now))
            await site.pass_time(START + 3 * MINUTE + MINUTE / 3)
            assert {one.lfdi for one in utility.responses(name)} == set(names)
            # Removed out of band: it is managed no more, and its subscriptions end.
            await utility.operate(lambda o, now: o.unregister(names[1], now))
            await site.pass_time(START + 3 * MINUTE + MINUTE / 2)
            assert subscribed(utility)["FunctionSetAssignmentsList"] == 2
            other = await cap(utility, given.der, START + 90 * MINUTE, 5)
            await site.pass_time(START + 4 * MINUTE)
            assert [one.lfdi for one in utility.responses(other)] == [names[0]]


async def test_a_listener_that_is_gone_is_no_harm(tmp_path: Path) -> None:
    site = Premises(folder=tmp_path)
    leaf = site.pki.device("0001")
    async with site.utility(notifies=True) as utility:
        given = await furnish(utility, leaf.lfdi)
        url = f"https://127.0.0.1:{free_port()}/apex"
        async with site.gateway(leaf, utility.url, Sink(), notify_url=url):
            await site.pass_time(START + 3 * MINUTE)
        # The same gateway behind a firewall: its subscriptions stand, and nothing reaches it.
        async with site.gateway(
            leaf,
            utility.url,
            Sink(),
            notify_url=url,
            notify_closed=True,
            subscribed_poll_rate="PT5M",
        ):
            await site.pass_time(START + 5 * MINUTE)
            name = await cap(utility, given.der, START + 60 * MINUTE, 5)
            await site.pass_time(START + 13 * MINUTE)
            assert statuses(utility, name) == [1]
            # From now on it is polled as its rate says, until a notification comes.
            other = await cap(utility, given.der, START + 90 * MINUTE, 5)
            await site.pass_time(START + 15 * MINUTE)
            assert statuses(utility, other) == [1]
