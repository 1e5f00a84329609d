"""Notifications of our 2030.5 server over TLS: one per change, repeated until they are taken, owed over a restart."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from certs.sep2.hierarchy import Sep2Leaf
from gateway.domain.errors import StoreError
from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.codec import Edition, Flavour, encode
from gateway.protocols.sep2.server.records import Turn
from gateway.servers.sep2.sql import SqlStore
from gateway.servers.sep2.utility import Sep2Utility
from tests.ports import free_port
from tests.sep2_operator import operated
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
    # Held: or time would go on while nobody seems to work.
    with site.clock.held():
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


@pytest.mark.spec("CSIP CORE-019")
async def test_an_operator_sees_subscriptions_and_ends_one(tmp_path: Path) -> None:
    site = Premises(folder=tmp_path)
    leaf = site.pki.device("0001")
    async with (
        site.utility(notifies=True) as utility,
        subscriber(site, leaf) as there,
        operated(site, utility) as operator,
    ):

        async def do(method: str, path: str, **body: object) -> Any:
            with site.clock.held():  # or time would go on while nobody seems to work
                return await operator.do(method, path, **body)

        given = await furnish(utility, leaf.lfdi)
        wanted = subscription(events_of(utility, given.der), there.uri)
        _, href = await subscribe(site, utility, leaf, wanted)
        there.answers = [500]
        await cap(utility, given.der, START + 5 * MINUTE, 10)
        await site.pass_time(START + MINUTE / 120)
        found = await do("GET", "/v1/subscriptions")
        assert [one["href"] for one in found["items"]] == [href]
        told = found["items"][0]
        assert (told["lfdi"], told["pending"], told["last_result"]) == (leaf.lfdi, True, "500")
        assert (found["delivered"], found["failed"], told["failures"]) == (0, 1, 1)
        await site.pass_time(START + MINUTE)
        found = await do("GET", f"/v1/subscriptions?lfdi={leaf.lfdi}")
        told = found["items"][0]
        assert (told["pending"], told["last_result"], told["failing_since"]) == (False, "201", None)
        with site.clock.held():
            told = {"href": href, "status": 2, "new_resource": "http://x.example/"}
            status, problem = await operator.ask("POST", "/v1/subscriptions/end", **told)
        assert (status, problem["reason"]) == (400, "BAD_RESOURCE")
        await do("POST", "/v1/subscriptions/end", href=href)
        await site.pass_time(START + 2 * MINUTE)
        assert [one.status for one in there.came] == [0, 1]
        found = await do("GET", "/v1/subscriptions")
        assert (found["items"], found["delivered"]) == ([], 2)
        transcript = await do("GET", "/v1/transcript")
        outward = [one for one in transcript["items"] if one["outward"]]
        assert [one["status"] for one in outward] == [500, 201, 201]


@pytest.mark.parametrize(("status", "left"), [(400, 1), (404, 0), (410, 0)])
async def test_what_a_subscriber_refuses_for_good_is_not_repeated(
    tmp_path: Path, status: int, left: int
) -> None:
    site = Premises(folder=tmp_path)
    leaf = site.pki.device("0001")
    async with site.utility(notifies=True) as utility, subscriber(site, leaf) as there:
        given = await furnish(utility, leaf.lfdi)
        wanted = subscription(events_of(utility, given.der), there.uri)
        await subscribe(site, utility, leaf, wanted)
        there.answers = [status] * 9
        await cap(utility, given.der, START + 5 * MINUTE, 10)
        await site.pass_time(START + 3 * MINUTE)
        assert len(there.answers) == 8
        assert len(list(utility.desk.server.book.deliveries)) == left


async def test_nothing_is_sent_to_where_no_notification_may_go(tmp_path: Path) -> None:
    site = Premises(folder=tmp_path)
    leaf = site.pki.device("0001")
    async with site.utility(notifies=True) as utility, subscriber(site, leaf) as there:
        given = await furnish(utility, leaf.lfdi)
        place = events_of(utility, given.der)
        port = there.uri.split(":")[2].split("/")[0]
        for host in ("[::1]", "169.254.169.254", "10.0.0.1", "2130706433"):
            wanted = subscription(place, f"https://{host}:{port}/ntfy")
            await subscribe(site, utility, leaf, wanted)
        await cap(utility, given.der, START + 5 * MINUTE, 10)
        await site.pass_time(START + MINUTE)
        assert utility.notifier is not None
        words = {result.word for result in utility.notifier.results.values()}
        # The last is loopback written as a number, which this utility may reach: it is judged by its address.
        assert "FORBIDDEN_TARGET" in words
        assert words <= {"FORBIDDEN_TARGET", "201", "TLS", "BROKEN"}
        assert len(there.came) <= 1


async def test_a_dead_subscriber_does_not_hold_up_the_others(tmp_path: Path) -> None:
    site = Premises(folder=tmp_path)
    one, two = site.pki.device("0001"), site.pki.device("0002")
    async with site.utility(notifies=True) as utility, subscriber(site, two) as there:
        given = await furnish(utility, one.lfdi, two.lfdi)
        place = events_of(utility, given.der)
        dead = f"https://127.0.0.1:{free_port()}/ntfy"
        await subscribe(site, utility, one, subscription(place, dead))
        await subscribe(site, utility, two, subscription(place, there.uri))
        for minute in range(1, 6):
            await cap(utility, given.der, START + minute * 20 * MINUTE, 10)
            await site.pass_time(START + minute * MINUTE)
        assert len(there.came) == 5
        assert utility.notifier is not None
        waits = [x for x in utility.transcript.after(0, 999) if x.outward and not x.status]
        # 1, 2, 4 … seconds between attempts, and what came up meanwhile waits with the first.
        assert 7 <= len(waits) <= 11
        gaps = [(b.at - a.at).total_seconds() for a, b in pairwise(waits)]
        assert all(b > a for a, b in pairwise(gaps))


async def test_only_a_device_of_the_hierarchy_is_told(tmp_path: Path) -> None:
    site, stranger = Premises(folder=tmp_path), Premises(folder=tmp_path / "x")
    stranger.folder.mkdir()
    leaf = site.pki.device("0001")
    other = stranger.pki.device("0001")
    async with site.utility(notifies=True) as utility, subscriber(stranger, other) as there:
        given = await furnish(utility, leaf.lfdi)
        wanted = subscription(events_of(utility, given.der), there.uri)
        await subscribe(site, utility, leaf, wanted)
        await cap(utility, given.der, START + 5 * MINUTE, 10)
        await site.pass_time(START + MINUTE)
        assert there.came == []
        assert utility.notifier is not None
        assert {result.word for result in utility.notifier.results.values()} == {"TLS"}


class Forgetful(SqlStore):
    """A store that fails as soon as a delivery is to be noted."""

    broken = False

    async def save(self, turns: Sequence[Turn]) -> None:
        if self.broken and any(turn.deliveries for turn in turns):
            raise StoreError("SEP2_STORE", "the disk is gone")
        await super().save(turns)


async def test_a_crash_between_sending_and_noting_repeats_the_notification(tmp_path: Path) -> None:
    site = Premises(folder=tmp_path)
    leaf = site.pki.device("0001")
    file = tmp_path / "utility.db"
    async with subscriber(site, leaf) as there:
        store = Forgetful(file)
        async with site.utility(store=store, notifies=True) as utility:
            given = await furnish(utility, leaf.lfdi)
            wanted = subscription(events_of(utility, given.der), there.uri)
            await subscribe(site, utility, leaf, wanted)
            store.broken = True
            name = await cap(utility, given.der, START + 5 * MINUTE, 10)
            await site.pass_time(START + MINUTE)
            assert [controls(one) for one in there.came] == [[(name, 0)]]
        async with site.utility(store=SqlStore(file), notifies=True):
            await site.pass_time(START + 2 * MINUTE)
            assert [controls(one) for one in there.came] == [[(name, 0)]] * 2
            await site.pass_time(START + 3 * MINUTE)
            assert len(there.came) == 2


async def test_whoever_subscribes_anew_is_told_at_once_what_waited(tmp_path: Path) -> None:
    site = Premises(folder=tmp_path)
    leaf = site.pki.device("0001")
    async with site.utility(notifies=True) as utility, subscriber(site, leaf) as there:
        given = await furnish(utility, leaf.lfdi)
        wanted = subscription(events_of(utility, given.der), there.uri)
        await subscribe(site, utility, leaf, wanted)
        there.answers = [503] * 12
        await cap(utility, given.der, START + 300 * MINUTE, 10)
        await site.pass_time(START + 30 * MINUTE)
        left = len(there.answers)
        assert left <= 2, "it waits five minutes by now"
        there.answers = []
        status, _ = await subscribe(site, utility, leaf, wanted)
        assert status == 204
        await site.pass_time(START + 30 * MINUTE + MINUTE / 60)
        assert len(there.came) == 1


async def test_a_subscriber_that_never_answers_is_given_up_and_tried_again(tmp_path: Path) -> None:
    site = Premises(folder=tmp_path)
    one, two = site.pki.device("0001"), site.pki.device("0002")
    async with (
        site.utility(notifies=True) as utility,
        subscriber(site, one) as silent,
        subscriber(site, two) as there,
    ):
        given = await furnish(utility, one.lfdi, two.lfdi)
        place = events_of(utility, given.der)
        silent.hang = lambda: site.clock.sleep_until(START + 600 * MINUTE)
        await subscribe(site, utility, one, subscription(place, silent.uri))
        await subscribe(site, utility, two, subscription(place, there.uri))
        await cap(utility, given.der, START + 60 * MINUTE, 10)
        await site.pass_time(START + MINUTE / 60)
        assert len(there.came) == 1
        await site.pass_time(START + 2 * MINUTE)
        assert utility.notifier is not None
        words = [result.word for result in utility.notifier.results.values()]
        assert sorted(words) == ["201", "TIMEOUT"]
        assert utility.notifier.counts["failed"] == 3
        silent.hang = None
        await site.pass_time(START + 4 * MINUTE)
        assert len(silent.came) == 1
