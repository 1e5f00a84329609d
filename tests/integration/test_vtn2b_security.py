"""The VTN with high security on real sockets: who must sign, what is refused and how, and what a restart remembers."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection

from conformance.peers.vtn2b import UtilityPeer
from gateway.app.ids import SystemIds
from gateway.client.clock import SystemClock
from gateway.domain.errors import StoreError
from gateway.protocols.oadr2b.messages import (
    EiResponse,
    Message,
    OadrCreatedPartyRegistration,
    OadrCreatePartyRegistration,
    OadrPoll,
    OadrQueryRegistration,
    OadrRegisteredReport,
    OadrRegisterReport,
    OadrRequestEvent,
    OadrResponse,
)
from gateway.protocols.oadr2b.signature.envelope import Trust, opened
from gateway.protocols.oadr2b.signature.keys import signing_key
from gateway.protocols.oadr2b.signature.replay import Limits, Seen
from gateway.protocols.oadr2b.signature.sign import Sealer
from gateway.protocols.oadr2b.vtn_book import ExpectedVen, VtnOptions
from gateway.protocols.oadr2b.vtn_facts import Refused
from gateway.servers.vtn2b.replay_journal import StoredJournal
from gateway.servers.vtn2b.security import Security, SecurityOptions
from gateway.servers.vtn2b.sql import SqlStore
from gateway.transport.tls import TlsFiles
from tests.vtn_story import event, only
from tests.vtn_wire import CODEC, XML, Pki, WireVen, serving, visiting

pytestmark = pytest.mark.spec("OpenADR 2.0b rule 514")
CLOCK = SystemClock()
Twist = Callable[[bytes], bytes]


@pytest.fixture
def pki(tmp_path: Path) -> Pki:
    return Pki(tmp_path)


def sealer(files: TlsFiles) -> Sealer:
    return Sealer(signing_key(files.certificate.read_bytes(), files.key.read_bytes()), SystemIds())


def security(pki: Pki, store: SqlStore | None = None, **options: object) -> Security:
    chosen = SecurityOptions(seal=sealer(pki.files("vtn")), **options)  # type: ignore[arg-type]  # by name
    return Security(chosen, CODEC, CLOCK, StoredJournal(store) if store else None)


@dataclass
class Signed:
    """A VEN that signs, and believes nothing that is not."""

    ven: WireVen
    seal: Sealer
    vtn: str
    """Fingerprint of the VTN."""
    last: bytes = b""
    seen: list[bool] = field(default_factory=list)
    """Whether each answer was signed."""

    async def post(self, service: str, body: bytes) -> tuple[int, bytes]:
        url = f"{self.ven.url}/{service}"
        async with self.ven.http.post(url, data=body, headers=XML) as answer:
            return answer.status, await answer.read()

    async def say(self, service: str, message: Message, twist: Twist = lambda b: b) -> Message:
        self.last = twist(self.seal.seal(CODEC.encode(message), CLOCK.now()))
        return await self.again(service)

    async def again(self, service: str) -> Message:
        status, body = await self.post(service, self.last)
        assert status == 200
        found = opened(CODEC, body, Trust(signers=(self.vtn,)), CLOCK.now())
        return found.message

    async def poll(self, twist: Twist = lambda b: b) -> Message:
        return await self.say("OadrPoll", OadrPoll(ven_id=self.ven.ven_id), twist)

    async def register(self) -> "Signed":
        asked = OadrCreatePartyRegistration(
            request_id="r1", oadr_http_pull_model=True, oadr_xml_signature=True
        )
        made = only(OadrCreatedPartyRegistration, await self.say("EiRegisterParty", asked))
        self.ven.ven_id, self.ven.registration_id = made.ven_id or "", made.registration_id or ""
        waiting = only(OadrRegisterReport, await self.poll())
        done = OadrRegisteredReport(
            ei_response=EiResponse(request_id=waiting.request_id), ven_id=self.ven.ven_id
        )
        only(OadrResponse, await self.say("EiReport", done))
        return self


@asynccontextmanager
async def signed(pki: Pki, utility: UtilityPeer, name: str = "v1") -> AsyncIterator[Signed]:
    vtn = signing_key(
        pki.files("vtn").certificate.read_bytes(), pki.files("vtn").key.read_bytes()
    ).peer.fingerprint
    async with visiting(utility, pki.client(name)) as ven:
        yield Signed(ven, sealer(pki.files(name)), vtn)


def code(message: Message) -> str:
    return only(OadrResponse, message).ei_response.response_code


async def test_a_ven_that_announces_signatures_gets_signed_answers(pki: Pki) -> None:
    async with serving(pki, security=security(pki)) as utility, signed(pki, utility) as ven:
        await ven.register()
        await utility.publish(event(start=CLOCK.now() + timedelta(hours=1)))
        asked = OadrRequestEvent(request_id="r2", ven_id=ven.ven.ven_id)
        listed = await ven.say("EiEvent", asked)

        assert [record.xml_signature for record in utility.vens] == [True]
    assert listed.oadr_events[0].ei_event.event_descriptor.event_id == "e1"  # type: ignore[union-attr]  # a listing


@pytest.mark.spec("OpenADR 2.0b case CFX2B-SEC-01")
async def test_an_unsigned_message_of_such_a_ven_has_no_effect(pki: Pki) -> None:
    async with serving(pki, security=security(pki)) as utility, signed(pki, utility) as ven:
        await ven.register()
        await utility.publish(event(start=CLOCK.now() + timedelta(hours=1)))
        refused = await ven.post("OadrPoll", CODEC.encode(OadrPoll(ven_id=ven.ven.ven_id)))
        answer = opened(CODEC, refused[1], Trust(signers=(ven.vtn,)), CLOCK.now()).message

        assert (refused[0], code(answer)) == (200, "463")
        assert type(await ven.poll()).__name__ == "OadrDistributeEvent"
        assert [told.fact.detail for told in utility.told(Refused)] == ["SIGNATURE_MISSING"]


async def test_the_refusal_may_be_http_403(pki: Pki) -> None:
    strict = security(pki, refusal="403", wanted="always")
    async with serving(pki, security=strict) as utility, signed(pki, utility) as ven:
        query = CODEC.encode(OadrQueryRegistration(request_id="q"))

        assert (await ven.post("EiRegisterParty", query))[0] == 403
        only(
            OadrCreatedPartyRegistration,
            await ven.say("EiRegisterParty", OadrQueryRegistration(request_id="q")),
        )


async def test_an_unsigned_registration_cannot_announce_signatures_nor_end_them(pki: Pki) -> None:
    async with serving(pki, security=security(pki)) as utility, signed(pki, utility) as ven:
        wish = OadrCreatePartyRegistration(
            request_id="r", oadr_http_pull_model=True, oadr_xml_signature=True
        )
        _, body = await ven.post("EiRegisterParty", CODEC.encode(wish))
        assert code(opened(CODEC, body, Trust(signers=(ven.vtn,)), CLOCK.now()).message) == "463"
        assert [*utility.vens] == []

        await ven.register()
        downgrade = OadrCreatePartyRegistration(request_id="r", oadr_http_pull_model=True)
        _, body = await ven.post("EiRegisterParty", CODEC.encode(downgrade))
        assert code(CODEC.decode(body)) == "463"
        assert [record.xml_signature for record in utility.vens] == [True]


async def test_a_ven_without_signatures_is_answered_without(pki: Pki) -> None:
    async with serving(pki, security=security(pki)) as utility, signed(pki, utility) as ven:
        await ven.ven.register()
        status, body = await ven.post("OadrPoll", CODEC.encode(OadrPoll(ven_id=ven.ven.ven_id)))

    assert status == 200
    assert b"Signature" not in body


@pytest.mark.spec("OpenADR 2.0b case CFX2B-SEC-02")
async def test_a_copy_is_refused_and_changes_nothing(pki: Pki) -> None:
    async with serving(pki, security=security(pki)) as utility, signed(pki, utility) as ven:
        await ven.register()
        await ven.poll()

        assert code(await ven.again("OadrPoll")) == "463"
        assert utility.told(Refused)[-1].fact.detail == "REPLAY_SEEN"


@pytest.mark.spec("OpenADR 2.0b case CFX2B-SEC-05")
async def test_the_signature_of_another_certificate_is_refused(pki: Pki) -> None:
    async with serving(pki, security=security(pki)) as utility, signed(pki, utility) as ven:
        await ven.register()
        ven.seal = sealer(pki.files("v2"))

        assert code(await ven.poll()) == "463"
        assert utility.told(Refused)[-1].fact.detail == "SIGNATURE_CERTIFICATE"


@pytest.mark.spec("OpenADR 2.0b case CFX2B-SEC-03")
@pytest.mark.parametrize("off_s", [-70, 70])
async def test_a_message_of_another_time_is_refused(pki: Pki, off_s: int) -> None:
    async with serving(pki, security=security(pki)) as utility, signed(pki, utility) as ven:
        await ven.register()
        at = CLOCK.now() + timedelta(seconds=off_s)
        ven.last = ven.seal.seal(CODEC.encode(OadrPoll(ven_id=ven.ven.ven_id)), at)

        assert code(await ven.again("OadrPoll")) == "463"
        assert utility.told(Refused)[-1].fact.detail == "REPLAY_TIME"


@pytest.mark.spec("OpenADR 2.0b case CFX2B-SEC-06")
async def test_a_signed_message_in_the_name_of_another_ven_is_refused(pki: Pki) -> None:
    async with (
        serving(pki, security=security(pki)) as utility,
        signed(pki, utility) as one,
        signed(pki, utility, "v2") as other,
    ):
        await one.register()
        await other.register()
        other.ven.ven_id = one.ven.ven_id

        assert code(await other.poll()) == "463"


async def test_two_certificates_count_while_one_is_rolled_over(pki: Pki) -> None:
    prints = [
        signing_key(pki.files(n).certificate.read_bytes(), pki.files(n).key.read_bytes())
        for n in ("old", "new")
    ]
    both = ExpectedVen(fingerprints=tuple(key.peer.fingerprint for key in prints))
    options = VtnOptions(vtn_id="utility", expected=(both,))
    async with (
        serving(pki, security=security(pki), options=options) as utility,
        signed(pki, utility, "old") as old,
        signed(pki, utility, "new") as new,
        signed(pki, utility, "stranger") as stranger,
    ):
        await old.register()
        new.ven.ven_id = stranger.ven.ven_id = old.ven.ven_id
        assert code(await new.poll()) == "200"
        assert code(await old.poll()) == "200"
        assert code(await stranger.poll()) == "463"
        unsigned = CODEC.encode(OadrPoll(ven_id=old.ven.ven_id))
        _, body = await new.post("OadrPoll", unsigned)
        assert code(CODEC.decode(body)) == "463"


# --- what is kept


async def test_a_restart_forgets_no_stamp(pki: Pki, tmp_path: Path) -> None:
    store = SqlStore(tmp_path / "vtn.db", CODEC)
    async with (
        serving(pki, store=store, security=security(pki, store)) as utility,
        signed(pki, utility) as ven,
    ):
        await ven.register()
        await ven.poll()
        copied = ven.last
    store = SqlStore(tmp_path / "vtn.db", CODEC)
    async with (
        serving(pki, store=store, security=security(pki, store)) as utility,
        signed(pki, utility) as ven,
    ):
        ven.last = copied
        assert code(await ven.again("OadrPoll")) == "463"
        assert utility.told(Refused)[-1].fact.detail == "REPLAY_SEEN"


class Slow:
    """A store that counts its transactions and can be made to fail."""

    def __init__(self) -> None:
        self.groups: list[int] = []
        self.fail = False
        self.gate = asyncio.Event()

    async def work(self, job: Callable[[Connection], object]) -> object:
        await self.gate.wait()
        self.groups.append(len(job._rows))  # type: ignore[attr-defined]  # a group of stamps
        if self.fail:
            raise StoreError("VTN_STORE", "broken")
        return None


def stamp(number: int) -> Seen:
    return Seen(peer="p", bucket=number, digest=f"{number:032x}")


async def test_stamps_that_come_together_share_one_flush() -> None:
    store = Slow()
    journal = StoredJournal(store)  # type: ignore[arg-type]  # a fake of one method
    first = asyncio.create_task(journal.keep(stamp(0), 0))
    await asyncio.sleep(0)  # noqa: TID251 - lets the writer begin
    rest = [asyncio.create_task(journal.keep(stamp(n), 0)) for n in range(1, 50)]
    await asyncio.sleep(0)  # noqa: TID251 - lets them queue
    assert not first.done()
    store.gate.set()
    await asyncio.gather(first, *rest)

    assert store.groups == [1, 49]


async def test_a_stamp_that_cannot_be_kept_is_an_error_for_all_that_waited() -> None:
    store = Slow()
    store.fail = True
    store.gate.set()
    journal = StoredJournal(store)  # type: ignore[arg-type]  # a fake of one method
    results = await asyncio.gather(
        *(journal.keep(stamp(n), 0) for n in range(3)), return_exceptions=True
    )

    assert [type(found) for found in results] == [StoreError] * 3
    store.fail = False
    await journal.keep(stamp(9), 0)


async def test_who_gives_up_waiting_takes_nothing_from_the_others() -> None:
    store = Slow()
    journal = StoredJournal(store)  # type: ignore[arg-type]  # a fake of one method
    tasks = [asyncio.create_task(journal.keep(stamp(n), 0)) for n in range(3)]
    await asyncio.sleep(0)  # noqa: TID251 - lets them queue
    tasks[1].cancel()
    store.gate.set()
    found = await asyncio.gather(*tasks, return_exceptions=True)

    assert [type(one).__name__ for one in found] == ["NoneType", "CancelledError", "NoneType"]


async def test_old_stamps_are_deleted_and_their_floor_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "vtn.db"
    store = SqlStore(path, CODEC)
    await store.load()
    journal = StoredJournal(store)
    await journal.load()
    for number in range(5):
        await journal.keep(stamp(number), max(0, number - 1))
    await store.close()

    with sqlite3.connect(path) as raw:
        rows = raw.execute("SELECT bucket, digest != '' FROM vtn2b_replay ORDER BY 1, 2").fetchall()
    raw.close()
    assert rows == [(3, 0), (3, 1), (4, 1)]
    again = SqlStore(path, CODEC)
    await again.load()
    kept = await StoredJournal(again).load()
    await again.close()
    assert kept.floor == 3
    assert {one.bucket for one in kept.seen} == {3, 4}


async def test_nothing_counts_while_stamps_cannot_be_kept(pki: Pki) -> None:
    store = Slow()
    store.fail = True
    store.gate.set()
    guard = security(pki)
    guard._journal = StoredJournal(store)  # type: ignore[arg-type]  # a fake of one method

    async def nothing() -> None:
        return None

    guard.start = nothing  # type: ignore[method-assign]  # there is nothing to read
    async with serving(pki, security=guard) as utility, signed(pki, utility) as ven:
        wish = OadrCreatePartyRegistration(
            request_id="r", oadr_http_pull_model=True, oadr_xml_signature=True
        )
        status, _ = await ven.post(
            "EiRegisterParty", ven.seal.seal(CODEC.encode(wish), CLOCK.now())
        )

        assert status == 503
        assert utility.vens == ()


async def test_a_crowded_window_refuses_instead_of_forgetting(pki: Pki) -> None:
    small = security(pki, limits=Limits(of_one_peer=5))
    async with serving(pki, security=small) as utility, signed(pki, utility) as ven:
        await ven.register()
        found = [code(await ven.poll()) for _ in range(4)]

    assert found == ["200", "200", "463", "463"]
