"""Push mode end to end: gateway and utility over real TLS in virtual time, through crashes and outages."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from conformance.peers.vtn2b import UtilityPeer
from gateway.app.ids import SeededIds
from gateway.app.virtual import VirtualClock
from gateway.domain.points import push_points
from gateway.protocols.oadr2b.signature.keys import signing_key
from gateway.protocols.oadr2b.signature.sign import Sealer
from gateway.protocols.oadr2b.vtn_facts import (
    Answered,
    Delivered,
    Refused,
    Registered,
    ReportAnswered,
    Unregistered,
)
from gateway.protocols.oadr2b.vtn_push import Push
from gateway.protocols.oadr2b.vtn_records import QueueRecord, Waiting, WantRecord
from gateway.servers.vtn2b.courier_calls import Calls
from gateway.servers.vtn2b.security import Security, SecurityOptions
from gateway.servers.vtn2b.sql import SqlStore
from gateway.transport.client import Answer
from gateway.transport.tls import openadr_client
from tests.push_world import PushGateway, event_spec, push, pushing_utility, utility_section
from tests.vtn_wire import CODEC, Pki

START = datetime(2026, 7, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)
LATER = START + 30 * MINUTE
COMMITS = ("intake.begun", "intake.ran", "intake.committed", "intake.told")
AROUND_AN_EVENT = (
    *(point for point in push_points() if point.startswith(("door.", "push.EiEvent."))),
    *COMMITS,
    "send.EiEvent.after",
)
USAGE = WantRecord(
    want_id="usage",
    report_name="TELEMETRY_USAGE",
    granularity=5 * MINUTE,
    report_back=10 * MINUTE,
    lasts=timedelta(0),
)


@asynccontextmanager
async def pushed(
    folder: Path, **keys: Any
) -> AsyncIterator[tuple[VirtualClock, UtilityPeer, PushGateway]]:
    """Run a utility that pushes, and a gateway that it pushes to."""
    clock = VirtualClock(START, on_stuck=print)
    pki = Pki(folder)
    more = keys.pop("more", ())
    if keys.pop("signed", False):
        keys["security"] = secured(pki, clock)
        more = (*more, "xml_signature = true")
    with clock.held():
        utility = pushing_utility(pki, clock, **keys)
        await utility.start()
        gateway = PushGateway(folder, pki, clock, [], utilities=[utility])
        await gateway.relay.start()
        url = f"https://localhost:{gateway.relay.port}/azp"
        push = ('mode = "push"', f'push_url = "{url}"', *more)
        gateway.sections = [utility_section("azp", pki.files("ven"), utility.url, *push)]
        try:
            await gateway.begin()
            yield clock, utility, gateway
        finally:
            await gateway.end()
            for one in gateway.utilities:
                await one.stop()
            await gateway.relay.stop()


def secured(pki: Pki, clock: VirtualClock) -> Security:
    """Return the high security of a utility that wants everything signed."""
    files = pki.files("vtn")
    key = signing_key(files.certificate.read_bytes(), files.key.read_bytes())
    seal = Sealer(key, SeededIds(1, "nonces"))
    return Security(SecurityOptions(seal=seal, wanted="always"), CODEC, clock)


def queue(utility: UtilityPeer) -> list[Waiting]:
    """Return what still waits for the only VEN."""
    page = utility.page()
    return [item.waiting for ven in page.vens() for item in page.all(QueueRecord, ven.ven_id)]


@pytest.mark.spec("OpenADR 2.0b rules 37 and 506")
async def test_an_event_is_pushed_changed_and_taken_back(tmp_path: Path) -> None:
    async with pushed(tmp_path) as (clock, utility, gateway):
        await clock.sleep_until(START + 5 * SECOND)
        await utility.publish(event_spec("e1", LATER))
        first = await utility.wait_for(Answered, until=START + 10 * MINUTE)
        await utility.modify(event_spec("e1", LATER, "80"))
        second = await utility.wait_for(
            Answered, lambda fact: fact.version == 1, until=START + 10 * MINUTE
        )
        before = clock.now()
        await utility.cancel("e1")
        third = await utility.wait_for(
            Answered, lambda fact: fact.version == 2, until=START + 10 * MINUTE
        )
        intents = await gateway.intents()
        (ven,) = utility.vens
        left = queue(utility)

    (registered,) = utility.told(Registered)
    assert registered.at == START
    assert ven.transport_address.endswith("/azp")
    assert [told and told.fact.opt.value for told in (first, second, third)] == ["optIn"] * 3
    assert first is not None
    assert first.at == START + 35 * SECOND  # the site is silent: opt_by, then the default
    assert third is not None
    assert third.at == before  # a cancellation is confirmed at once
    assert list(intents) == [("azp", "e1")]
    assert intents["azp", "e1"][0] == "cancelled"
    assert left == []


@pytest.mark.spec("OpenADR 2.0b section 10.6")
async def test_the_same_with_every_message_signed_both_ways(tmp_path: Path) -> None:
    async with pushed(tmp_path, signed=True) as (clock, utility, gateway):
        await clock.sleep_until(START + 5 * SECOND)
        await utility.publish(event_spec("e1", LATER))
        first = await utility.wait_for(Answered, until=START + 10 * MINUTE)
        await utility.request_report(USAGE)
        asked = await utility.wait_for(ReportAnswered, until=START + 10 * MINUTE)
        await utility.cancel("e1")
        last = await utility.wait_for(
            Answered, lambda fact: fact.version == 1, until=START + 10 * MINUTE
        )
        (ven,) = utility.vens
        intents = await gateway.intents()
        left = queue(utility)

    assert ven.xml_signature
    assert [told and told.fact.opt.value for told in (first, last)] == ["optIn"] * 2
    assert asked is not None
    assert intents["azp", "e1"][0] == "cancelled"
    assert left == []
    assert utility.told(Refused) == ()


@pytest.mark.spec("OpenADR 2.0b rule 514")
async def test_an_unsigned_push_reaches_nobody_and_is_tried_again(tmp_path: Path) -> None:
    async with pushed(tmp_path, signed=True) as (clock, utility, gateway):
        await clock.sleep_until(START + 5 * SECOND)
        assert utility._push is not None
        courier = utility._push.courier
        assert courier is not None
        courier.security, kept = None, courier.security
        await utility.publish(event_spec("e1", LATER))
        await clock.sleep_until(START + 20 * SECOND)
        unsigned = dict(await gateway.intents())
        (standing,) = courier.standing.values()
        failed = (standing.failures, standing.last_failure)
        courier.security = kept
        answered = await utility.wait_for(Answered, until=START + 10 * MINUTE)

    assert unsigned == {}
    assert failed[0] > 1
    assert failed[1] == "463"
    assert answered is not None


@pytest.mark.spec("OpenADR 2.0b rule 514")
async def test_an_unsigned_reply_to_a_push_is_not_believed(tmp_path: Path) -> None:
    async with pushed(tmp_path, signed=True) as (clock, utility, _gateway):
        await clock.sleep_until(START + 5 * SECOND)
        assert utility._push is not None
        courier = utility._push.courier
        assert courier is not None
        calls = courier.calls
        courier.calls = _Stripping(calls)
        await utility.request_report(USAGE)
        await clock.sleep_until(START + 20 * SECOND)
        (standing,) = courier.standing.values()
        failed = (standing.failures, standing.last_failure)
        believed = utility.told(ReportAnswered)
        courier.calls = calls
        asked = await utility.wait_for(ReportAnswered, until=START + 10 * MINUTE)

    assert failed[0] > 1
    assert failed[1] == "SIGNATURE_MISSING"
    assert believed == ()
    assert asked is not None


@dataclass
class _Stripping:
    """Takes the signatures out of replies."""

    calls: Calls

    async def post(self, push: Push, body: bytes) -> Answer:
        answer = await self.calls.post(push, body)
        if not answer.body:
            return answer
        return replace(answer, body=CODEC.encode(CODEC.decode(answer.body)))


async def test_the_utility_is_never_polled_and_asked_for_events_now_and_then(
    tmp_path: Path,
) -> None:
    points: list[str] = []
    async with pushed(tmp_path) as (clock, utility, gateway):
        gateway.points = points.append
        await clock.sleep_until(START + 60 * MINUTE)

    assert not [point for point in points if "OadrPoll" in point]
    assert 14 <= points.count("send.EiEvent.before") <= 16
    assert utility.told(Registered)


@pytest.mark.parametrize("point", AROUND_AN_EVENT)
async def test_a_crash_anywhere_around_a_push_leaves_one_event_and_one_answer(
    tmp_path: Path, point: str
) -> None:
    async with pushed(tmp_path) as (clock, utility, gateway):
        await clock.sleep_until(START + 5 * SECOND)
        gateway.dies_at = point
        await utility.publish(event_spec("e1", LATER))
        while not gateway.dead:
            await clock.sleep_until(clock.now() + SECOND)
            assert clock.now() < START + 10 * MINUTE, "the point was never passed"
        await clock.sleep_until(clock.now() + 20 * SECOND)
        await gateway.rise()
        await clock.sleep_until(START + 15 * MINUTE)
        intents = await gateway.intents()
        answers = [told.fact for told in utility.told(Answered)]
        left = queue(utility)

    assert list(intents) == [("azp", "e1")]
    assert intents["azp", "e1"][1] % 2**32 == 1  # one revision: it was derived once
    assert {(fact.version, fact.opt.value, fact.accepted) for fact in answers} == {
        (0, "optIn", "200")
    }
    assert left == []
    assert len(utility.vens) == 1


@pytest.mark.parametrize(
    "point", [point for point in push_points() if point.startswith("push.EiReport.")]
)
async def test_a_crash_around_a_report_request_leaves_one_request(
    tmp_path: Path, point: str
) -> None:
    async with pushed(tmp_path) as (clock, utility, gateway):
        await clock.sleep_until(START + 5 * SECOND)
        gateway.dies_at = point
        await utility.request_report(USAGE)
        while not gateway.dead:
            await clock.sleep_until(clock.now() + SECOND)
            assert clock.now() < START + 10 * MINUTE, "the point was never passed"
        await gateway.rise()
        await clock.sleep_until(START + 45 * MINUTE)
        reports = utility.reports
        promised = {told.fact.report_request_id for told in utility.told(ReportAnswered)}

    assert len(promised) == 1
    spans = [(told.fact.r_id, told.fact.starts_at) for told in reports]
    assert spans
    assert len(spans) == len(set(spans))


@pytest.mark.parametrize(
    "point", [point for point in push_points() if point.startswith("push.EiRegisterParty.")]
)
async def test_a_crash_around_the_end_of_a_registration_ends_it_once(
    tmp_path: Path, point: str
) -> None:
    more = ('register_again = "PT30M"',)
    async with pushed(tmp_path, more=more) as (clock, utility, gateway):
        await clock.sleep_until(START + 5 * SECOND)
        (ven,) = utility.vens
        gateway.dies_at = point
        await utility.cancel_registration(ven.ven_id)
        while not gateway.dead:
            await clock.sleep_until(clock.now() + SECOND)
            assert clock.now() < START + 10 * MINUTE, "the point was never passed"
        await gateway.rise()
        await clock.sleep_until(START + 20 * MINUTE)
        gone = utility.vens
        await clock.sleep_until(START + 40 * MINUTE)
        back = utility.vens

    assert gone == ()
    assert [told.fact.by for told in utility.told(Unregistered)] == ["vtn"]
    assert len(back) == 1


async def test_a_gateway_that_is_away_gets_its_events_when_it_is_back(tmp_path: Path) -> None:
    async with pushed(tmp_path) as (clock, utility, gateway):
        await clock.sleep_until(START + 5 * SECOND)
        await gateway.end()
        await utility.publish(event_spec("e1", START + 3 * 60 * MINUTE))
        await clock.sleep_until(START + 60 * MINUTE)
        waiting = queue(utility)
        await gateway.begin()
        await clock.sleep_until(START + 62 * MINUTE)
        answers = [told.fact.opt.value for told in utility.told(Answered)]

    assert waiting == [Waiting.EVENTS]  # however often it was tried in vain
    assert set(answers) == {"optIn"}


async def test_a_utility_that_restarts_pushes_what_it_still_owes(tmp_path: Path) -> None:
    store = SqlStore(tmp_path / "vtn.db", CODEC)
    async with pushed(tmp_path, store=store) as (clock, utility, gateway):
        await clock.sleep_until(START + 5 * SECOND)
        gateway.relay.target, target = None, gateway.relay.target
        await gateway.relay.cut()
        await utility.publish(event_spec("e1", LATER))
        await clock.sleep_until(START + MINUTE)
        port = utility.port
        await utility.stop()

        again = pushing_utility(
            gateway.pki,
            clock,
            store=SqlStore(tmp_path / "vtn.db", CODEC),
            ids=SeededIds(1, "second life"),
            port=port,
        )
        gateway.utilities = [again]
        await again.start()
        gateway.relay.target = target
        told = await again.wait_for(Delivered, until=START + 5 * MINUTE)
        answered = await again.wait_for(Answered, until=START + 5 * MINUTE)
        registered = again.told(Registered)

    assert told is not None
    assert answered is not None
    assert answered.fact.opt.value == "optIn"
    assert registered == ()  # the old registration holds


async def test_a_ven_that_polls_is_served_beside_one_that_is_pushed_to(tmp_path: Path) -> None:
    async with pushed(tmp_path) as (clock, utility, gateway):
        pki = gateway.pki
        (tmp_path / "pull").mkdir()
        polls = PushGateway(tmp_path / "pull", pki, clock, [])
        polls.sections = [utility_section("azp", pki.files("poller"), utility.url)]
        await polls.begin()
        try:
            await clock.sleep_until(START + 30 * SECOND)
            await utility.publish(event_spec("e1", LATER))
            await clock.sleep_until(START + 5 * MINUTE)
            answers = {told.fact.ven_id: told.fact.opt.value for told in utility.told(Answered)}
            both = {ven.ven_id: bool(ven.transport_address) for ven in utility.vens}
        finally:
            await polls.end()

    assert sorted(both.values()) == [False, True]
    assert answers == dict.fromkeys(both, "optIn")


async def test_a_stranger_of_the_same_authority_is_not_pushed_to(tmp_path: Path) -> None:
    async with pushed(tmp_path) as (clock, utility, gateway):
        await clock.sleep_until(START + 5 * SECOND)
        await gateway.end()
        stranger = PushGateway(tmp_path / "stranger", gateway.pki, clock, [])
        stranger.folder.mkdir()
        stranger.relay = gateway.relay
        url = f"https://localhost:{gateway.relay.port}/azp"
        push = ('mode = "push"', f'push_url = "{url}"')
        away = "https://localhost:9/OpenADR2/Simple/2.0b"
        files = gateway.pki.files("stranger")
        stranger.sections = [utility_section("azp", files, away, *push)]
        await stranger.begin()
        try:
            await utility.publish(event_spec("e1", LATER))
            await clock.sleep_until(START + 5 * MINUTE)
            assert utility._push is not None
            assert utility._push.courier is not None
            (standing,) = utility._push.courier.standing.values()
        finally:
            await stranger.end()
        waiting = queue(utility)

    assert standing.last_failure == "FINGERPRINT"
    assert standing.failures > 3
    assert waiting == [Waiting.EVENTS]


@pytest.mark.spec("OpenADR 2.0b rule 517")
async def test_after_a_restart_the_utility_is_known_before_it_was_called(tmp_path: Path) -> None:
    async with pushed(tmp_path) as (clock, utility, gateway):
        await clock.sleep_until(START + 5 * SECOND)
        await gateway.end()
        await utility.stop()
        gateway.utilities = []
        await gateway.begin()
        await clock.sleep_until(START + MINUTE)  # it calls, and nobody is there
        context = openadr_client(gateway.pki.files("vtn"), host_names=False)
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context)) as http:
            url = f"https://localhost:{gateway.relay.port}/azp"
            status, _ = await push(http, url, data=b"<a/>")

    assert status == 406  # no message, but heard
