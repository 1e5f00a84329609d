"""Notifications of our 2030.5 server over TLS: one per change, repeated until they are taken, owed over a restart."""

from pathlib import Path

import pytest

from certs.sep2.hierarchy import Sep2Leaf
from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.codec import Edition, Flavour, encode
from gateway.servers.sep2.sql import SqlStore
from gateway.servers.sep2.utility import Sep2Utility
from tests.sep2_server_world import MINUTE, Premises, cap, furnish
from tests.sep2_subscriber import subscriber, subscription
from tests.sep2_world import START

FLAVOUR = Flavour(edition=Edition.Y2018)
HEADERS = {"Content-Type": "application/sep+xml"}


async def subscribe(
    site: Premises, utility: Sep2Utility, leaf: Sep2Leaf, wanted: sep.Subscription
) -> tuple[int, str]:
    """POST a subscription; return status and Location."""
    device = utility.desk.server.book.device(leaf.lfdi)
    assert device is not None
    async with site.browser(leaf) as session:
        url = utility.url.replace("/dcap", f"{device.href}/sub")
        async with session.post(url, data=encode(wanted, FLAVOUR), headers=HEADERS) as answer:
            return answer.status, answer.headers.get("Location", "")


def events_of(utility: Sep2Utility, program: str) -> str:
    return utility.desk.server.book.expect(program, sep.DERProgram).href + "/events"


def controls(notification: sep.Notification) -> list[tuple[str, int]]:
    found = notification.resource
    assert isinstance(found, sep.DERControlList)
    return [(one.mrid, one.event_status.current_status) for one in found.der_control]


@pytest.mark.spec("IEEE 2030.5-2018 8.9", "CSIP-AUS S-ALL-25", "CSIP-AUS S-ALL-46")
async def test_a_change_is_told_and_told_again_until_it_is_taken(tmp_path: Path) -> None:
    site = Premises(folder=tmp_path)
    leaf = site.pki.device("0001")
    async with site.utility(notifies=True) as utility, subscriber(site, leaf) as there:
        given = await furnish(utility, leaf.lfdi)
        place = events_of(utility, given.der)
        status, location = await subscribe(site, utility, leaf, subscription(place, there.uri))
        assert (status, bool(location)) == (201, True)
        await site.pass_time(START + MINUTE)
        assert there.came == []
        there.answers = [503, 500]
        name = await cap(utility, given.der, START + 5 * MINUTE, 10)
        await site.pass_time(START + MINUTE + MINUTE / 60)
        assert there.came == []
        await site.pass_time(START + 2 * MINUTE)
        assert [controls(one) for one in there.came] == [[(name, 0)]]
        assert there.came[0].subscribed_resource == place
        assert there.came[0].subscription_uri == utility.url.removesuffix("/dcap") + location
        assert there.came[0].status == 0
        # What time makes of the event is told by a clock.
        await site.pass_time(START + 6 * MINUTE)
        assert controls(there.came[-1]) == [(name, 1)]
        await site.pass_time(START + 20 * MINUTE)
        assert [controls(one) for one in there.came[2:]] == [[]]
        assert utility.notifier is not None
        assert utility.notifier.counts == {"delivered": 3, "failed": 2}
        outward = [one for one in utility.transcript.after(0, 1000) if one.outward]
        assert [one.status for one in outward] == [503, 500, 201, 201, 201]


@pytest.mark.spec("CSIP ERR-002", "IEEE 2030.5-2018 8.9")
async def test_a_restart_loses_no_notification(tmp_path: Path) -> None:
    site = Premises(folder=tmp_path)
    leaf = site.pki.device("0001")
    store = tmp_path / "utility.db"
    async with site.utility(store=SqlStore(store), notifies=True) as utility:
        given = await furnish(utility, leaf.lfdi)
        async with subscriber(site, leaf) as there:
            port = int(there.uri.split(":")[2].split("/")[0])
            await subscribe(
                site, utility, leaf, subscription(events_of(utility, given.der), there.uri)
            )
        name = await cap(utility, given.der, START + 5 * MINUTE, 60)
        await site.pass_time(START + MINUTE)
    # While the utility is away the event begins: both is owed, and told as one.
    await site.pass_time(START + 10 * MINUTE)
    async with (
        site.utility(store=SqlStore(store), notifies=True) as utility,
        subscriber(site, leaf, port) as there,
    ):
        await site.pass_time(START + 11 * MINUTE)
        assert [controls(one) for one in there.came] == [[(name, 1)]]
    async with (
        site.utility(store=SqlStore(store), notifies=True) as utility,
        subscriber(site, leaf, port) as there,
    ):
        await site.pass_time(START + 20 * MINUTE)
        assert there.came == []
