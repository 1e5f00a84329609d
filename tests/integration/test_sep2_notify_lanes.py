"""Many notifications to one subscriber: over few connections, to its own certificate, none lost and none overtaken."""

import asyncio
import itertools
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from certs.sep2.hierarchy import Sep2Leaf
from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.codec import Edition, Flavour, encode
from gateway.protocols.sep2.identity import managed_lfdi
from gateway.protocols.sep2.server.devices import NewDevice
from gateway.servers.sep2.lines import LANES, NotifyPin
from gateway.servers.sep2.sql import SqlStore
from gateway.servers.sep2.utility import Sep2Utility
from tests.sep2_server_world import MINUTE, Premises, furnish
from tests.sep2_subscriber import Subscriber, subscriber, subscription
from tests.sep2_world import START

FLAVOUR = Flavour(edition=Edition.Y2018)
HEADERS = {"Content-Type": "application/sep+xml"}
SECOND = timedelta(seconds=1)
DEVICES = 40
LFDIS = [managed_lfdi(b"%d" % number, 40732) for number in range(DEVICES)]


async def fleet(
    site: Premises, utility: Sep2Utility, leaf: Sep2Leaf, uri: str, count: int = DEVICES
) -> None:
    """Register an aggregator with its devices, and subscribe to the assignments of each."""
    await furnish(utility, leaf.lfdi)
    for lfdi in LFDIS[:count]:
        new = NewDevice(lfdi=lfdi, manager=leaf.lfdi)
        await utility.operate(lambda o, now, x=new: o.register(x, now))  # type: ignore[misc] # x
    book = utility.desk.server.book
    mine = book.device(leaf.lfdi)
    assert mine is not None
    with site.clock.held():
        async with site.browser(leaf) as session:
            for lfdi in LFDIS[:count]:
                device = book.device(lfdi)
                assert device is not None
                wanted = encode(subscription(f"{device.href}/fsa", uri), FLAVOUR)
                url = utility.url.replace("/dcap", f"{mine.href}/sub")
                async with session.post(url, data=wanted, headers=HEADERS) as answer:
                    assert answer.status == 201


async def change(utility: Sep2Utility, count: int = DEVICES) -> None:
    """Give every device an assignment more."""
    fsa = await utility.operate(lambda o, now: o.create_fsa(now))
    await utility.operate(lambda o, now: o.assign(fsa, LFDIS[:count], now))


def counted(there: Subscriber) -> Counter[str]:
    return Counter(one.subscribed_resource for one in there.came)


@pytest.mark.spec("IEEE 2030.5-2018 8.9")
async def test_one_change_is_told_of_every_device_over_few_connections(tmp_path: Path) -> None:
    site = Premises(folder=tmp_path)
    leaf = site.pki.aggregator("fleet")
    async with site.utility(notifies=True) as utility, subscriber(site, leaf) as there:
        await fleet(site, utility, leaf, there.uri)
        await change(utility)
        await site.pass_time(START + SECOND)
        assert len(counted(there)) == DEVICES
        assert set(counted(there).values()) == {1}
        assert 1 < len(there.connections) <= LANES
        # What comes soon after goes over the same; after a while they are closed.
        await change(utility)
        await site.pass_time(START + 10 * SECOND)
        assert set(counted(there).values()) == {2}
        assert len(there.connections) <= LANES
        await site.pass_time(START + MINUTE)
        before = len(there.connections)
        await change(utility)
        await site.pass_time(START + 2 * MINUTE)
        assert set(counted(there).values()) == {3}
        assert before < len(there.connections) <= 2 * LANES
        assert utility.notifier is not None
        assert utility.notifier.counts == {"delivered": 3 * DEVICES}


@pytest.mark.spec("CSIP-AUS S-ALL-46")
async def test_lanes_wait_together_and_lose_nothing(tmp_path: Path) -> None:
    site = Premises(folder=tmp_path)
    leaf = site.pki.aggregator("fleet")
    async with site.utility(notifies=True) as utility, subscriber(site, leaf) as there:
        await fleet(site, utility, leaf, there.uri)
        there.answers = [201] * 5 + [503] * LANES
        there.headers = {"Retry-After": "120"}
        await change(utility)
        await site.pass_time(START + 119 * SECOND)
        # Eight were under way when the first was refused; nobody was asked again before the time that it said.
        assert 5 <= len(there.came) <= 5 + LANES
        left = len(there.answers)
        there.headers = {}
        there.answers = [503] * 3
        await site.pass_time(START + 121 * SECOND)
        assert len(there.answers) == 2, "after a failure one tries, not all"
        assert left <= LANES - 1
        await site.pass_time(START + 150 * SECOND)
        assert set(counted(there).values()) == {1}
        assert len(counted(there)) == DEVICES


async def test_a_restart_in_the_middle_tells_the_rest(tmp_path: Path) -> None:
    site = Premises(folder=tmp_path)
    leaf = site.pki.aggregator("fleet")
    file = tmp_path / "utility.db"
    async with subscriber(site, leaf) as there:
        async with site.utility(store=SqlStore(file), notifies=True) as utility:
            await fleet(site, utility, leaf, there.uri)
            there.answers = [201] * 10 + [503] * 200
            await change(utility)
            await site.pass_time(START + 2 * SECOND)
            first = counted(there)
            assert 10 <= len(first) < DEVICES
        there.answers = []
        async with site.utility(store=SqlStore(file), notifies=True):
            await site.pass_time(START + MINUTE)
        assert len(counted(there)) == DEVICES
        assert set(counted(there).values()) == {1}, "and those that were told once, not again"


async def test_one_subscription_is_never_told_twice_at_a_time(tmp_path: Path) -> None:
    site = Premises(folder=tmp_path)
    leaf = site.pki.aggregator("fleet")
    async with site.utility(notifies=True) as utility, subscriber(site, leaf) as there:
        await fleet(site, utility, leaf, there.uri, 3)
        rounds = itertools.chain((900, 800, 100), itertools.repeat(0))

        async def hang() -> None:
            # The first two wait long: whatever were sent of the same beside them would be there before.
            for _ in range(next(rounds)):
                await asyncio.sleep(0)  # noqa: TID251 - rounds of the loop

        there.hang = hang
        with site.clock.held():
            for _ in range(5):
                await change(utility, 3)
                for _ in range(100):
                    await asyncio.sleep(0)  # noqa: TID251 - rounds of the loop
        await site.pass_time(START + SECOND)
        for resource in counted(there):
            told = [one.resource for one in there.came if one.subscribed_resource == resource]
            seen = [one.all for one in told if isinstance(one, sep.FunctionSetAssignmentsList)]
            assert seen == sorted(seen)
            assert len(seen) > 1
            assert seen[-1] == 5


@pytest.mark.parametrize(("pin", "told"), [(NotifyPin.LFDI, 0), (NotifyPin.CHAIN, 1)])
async def test_a_listener_must_show_the_certificate_of_the_subscriber(
    tmp_path: Path, pin: NotifyPin, told: int
) -> None:
    site = Premises(folder=tmp_path)
    leaf, neighbour = site.pki.aggregator("fleet"), site.pki.device("0002")
    async with (
        site.utility(notifies=True, pin=pin) as utility,
        subscriber(site, neighbour) as there,
    ):
        await fleet(site, utility, leaf, there.uri, 1)
        await change(utility, 1)
        await site.pass_time(START + SECOND)
        assert len(there.came) == told
        assert utility.notifier is not None
        words = {result.word for result in utility.notifier.results.values()}
        assert words == ({"201"} if told else {"NOT_THE_SUBSCRIBER"})
