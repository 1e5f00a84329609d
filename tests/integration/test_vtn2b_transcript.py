"""The transcript of a played utility: every byte, in order, over restarts, within bounds."""

from datetime import timedelta
from pathlib import Path

import aiohttp

from gateway.app.virtual import VirtualClock
from gateway.protocols.oadr2b.messages import (
    OadrCreatePartyRegistration,
    OadrPoll,
    OadrRegisterReport,
    OadrResponse,
)
from gateway.servers.vtn2b.sql import SqlStore
from gateway.servers.vtn2b.transcript import BATCH, MOST_BYTES, Exchange, MemoryShelf, Transcript
from tests.vtn_story import T0
from tests.vtn_wire import CODEC, XML, Pki, serving, visiting


async def test_every_message_is_taken_down_as_it_was(tmp_path: Path) -> None:
    pki = Pki(tmp_path)
    async with serving(pki, transcript=100) as utility, visiting(utility, pki.client("v1")) as ven:
        await ven.register()
        sent = CODEC.encode(OadrPoll(ven_id=ven.ven_id))
        async with ven.http.post(f"{ven.url}/OadrPoll", data=sent, headers=XML) as answer:
            got = await answer.read()
        async with ven.http.post(f"{ven.url}/OadrPoll", data=b"<no", headers=XML) as refused:
            status = refused.status
        fingerprint = utility.vens[0].fingerprint

        found = await utility.exchanges()

    assert [one.number for one in found] == [1, 2, 3, 4, 5]
    assert found[0].said == ("oadrCreatePartyRegistration", "oadrCreatedPartyRegistration")
    assert found[1].said == ("oadrPoll", "oadrRegisterReport")
    assert (found[3].request, found[3].answer, found[3].status) == (sent, got, 200)
    assert (found[4].request, found[4].status, found[4].said) == (b"<no", status, ("", ""))
    assert {one.peer for one in found} == {fingerprint}
    assert isinstance(CODEC.decode(found[1].answer), OadrRegisterReport)
    assert not any(one.struck for one in found)


async def test_the_transcript_goes_on_after_a_restart(tmp_path: Path) -> None:
    for _ in range(2):
        store = SqlStore(tmp_path / "vtn.db", CODEC)
        async with (
            serving(None, transcript=100, store=store) as utility,
            visiting(utility, None) as ven,
        ):
            await ven.say("OadrPoll", OadrPoll(ven_id="nobody"))

    store = SqlStore(tmp_path / "vtn.db", CODEC)
    async with serving(None, transcript=100, store=store) as utility:
        found = await utility.exchanges()
        later = await utility.exchanges(after=1)

    assert [one.number for one in found] == [1, 2]
    assert [one.number for one in later] == [2]
    assert found[0].at.tzinfo is not None
    assert isinstance(CODEC.decode(found[0].answer), OadrResponse)


async def test_the_oldest_are_forgotten_and_numbers_go_on(tmp_path: Path) -> None:
    store = SqlStore(tmp_path / "vtn.db", CODEC)
    await store.load()
    for shelf in (store, MemoryShelf()):
        transcript = Transcript(shelf, VirtualClock(T0), most=10)
        for _ in range(25):
            await transcript.note(exchange(b"<a/>"))

        found = await transcript.after(0, 100)

        assert [one.number for one in found] == list(range(16, 26))
        assert [one.number for one in await transcript.after(20, 3)] == [21, 22, 23]
    await store.close()


def exchange(request: bytes) -> Exchange:
    return Exchange(
        at=T0,
        by="ven",
        peer="",
        method="POST",
        path="/",
        status=200,
        request=request,
        answer=b"",
    )


class Counting(MemoryShelf):
    writes = 0

    async def keep_exchanges(self, exchanges: list[Exchange], most: int) -> None:
        self.writes += 1
        await super().keep_exchanges(exchanges, most)


async def test_exchanges_are_written_in_batches_and_after_a_second_at_the_latest() -> None:
    clock, shelf = VirtualClock(T0), Counting()
    transcript = Transcript(shelf, clock)
    for _ in range(BATCH - 1):
        await transcript.note(exchange(b""))
    assert shelf.writes == 0
    await transcript.note(exchange(b""))
    assert shelf.writes == 1

    await transcript.note(exchange(b""))
    with clock.held():
        await clock.sleep_until(T0 + timedelta(seconds=1))
    await transcript.note(exchange(b""))
    assert shelf.writes == 2


async def test_secrets_in_addresses_are_struck_out_and_long_bodies_cut() -> None:
    shelf = MemoryShelf()
    transcript = Transcript(shelf, VirtualClock(T0))
    told = CODEC.encode(
        OadrCreatePartyRegistration(
            request_id="r",
            oadr_http_pull_model=False,
            oadr_transport_address="https://ven:hunter2@site.example:8443",
        )
    )
    await transcript.note(exchange(told))
    await transcript.note(exchange(b"a" * (MOST_BYTES + 1)))
    await transcript.note(exchange(b"mail a@b.example, http://utility.example/x@y"))

    secret, long, plain = await transcript.after(0, 9)

    assert b"hunter2" not in secret.request
    assert b"https://***@site.example:8443" in secret.request
    assert secret.struck
    assert (len(long.request), long.struck) == (MOST_BYTES, True)
    assert not plain.struck


async def test_a_client_that_is_no_ven_is_taken_down_too(tmp_path: Path) -> None:
    async with serving(None, transcript=10) as utility:
        async with aiohttp.ClientSession() as http, http.get(utility.url) as answer:
            assert answer.status == 404
        found = await utility.exchanges()

    assert (found[0].method, found[0].status, found[0].request) == ("GET", 404, b"")
