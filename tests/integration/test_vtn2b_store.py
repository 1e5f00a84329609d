"""The VTN's memory: what a restart keeps, and what many VENs cost."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from conformance.peers.vtn2b import UtilityPeer
from gateway.app.virtual import VirtualClock
from gateway.domain.errors import StoreError
from gateway.protocols.oadr2b.messages import (
    EiResponse,
    EiTarget,
    Message,
    OadrCreatedReport,
    OadrCreateOpt,
    OadrCreateReport,
    OadrDistributeEvent,
    OadrRegisterReport,
    OadrResponse,
    OadrUpdatedReport,
    OptType,
    SpecifierPayload,
    WsCalendarInterval,
)
from gateway.protocols.oadr2b.vtn_book import Book, Turn, VtnOptions
from gateway.protocols.oadr2b.vtn_facts import Offered, Registered
from gateway.protocols.oadr2b.vtn_records import (
    AllocationRecord,
    DeliveryRecord,
    EventRecord,
    OfferRecord,
    OptRecord,
    OwnReportRecord,
    OwnValueRecord,
    QueueRecord,
    RequestRecord,
    SupplyRecord,
    VenRecord,
    WantRecord,
)
from gateway.servers.vtn2b.sql import SqlStore
from tests.vtn_story import (
    HOUR,
    MINUTE,
    ONE,
    T0,
    TWO,
    Story,
    Ven,
    event,
    only,
    usage_metadata,
    usage_update,
    wish,
)
from tests.vtn_wire import CODEC, Pki, serving, visiting

KINDS = (
    VenRecord,
    EventRecord,
    AllocationRecord,
    DeliveryRecord,
    QueueRecord,
    OfferRecord,
    WantRecord,
    RequestRecord,
    OptRecord,
    OwnReportRecord,
    OwnValueRecord,
    SupplyRecord,
)


@dataclass
class KeptStory(Story):
    """A story whose turns can be stored afterwards."""

    turns: list[Turn] = field(default_factory=list)

    def do(self, turn: Turn) -> Message | None:
        self.turns.append(turn)
        return super().do(turn)


async def stored(path: Path, story: KeptStory) -> None:
    store = SqlStore(path, CODEC)
    await store.load()
    for turn in story.turns:
        await store.save(turn)
    await store.close()


def everything(book: Book) -> dict[tuple[str, str], object]:
    return {
        (kind.__name__, owner): book.shelf(kind, owner)
        for kind in KINDS
        for owner in sorted(book.owners(kind))
    }


def busy_story() -> KeptStory:
    """Two VENs with events, opts, requests and values in every state."""
    story = KeptStory()
    ven = Ven(story).register(name="one & <two>")
    other = Ven(story, TWO).register(settle=False)
    ven.offer(usage_metadata("usage", ("power", "energy")))
    story.want(wish(starts_at=T0, lasts=HOUR))
    story.want(wish("once", report_back=timedelta(0), granularity=timedelta(0), lasts=None))
    first = only(OadrCreateReport, ven.poll())
    ven.promise(first)
    ven.report(first.oadr_report_requests[0].report_request_id, "500.125", "-3")
    story.publish(event("e1", priority=2, ramp_up=15 * MINUTE, recovery=-MINUTE, comment="ä€😀"))
    story.publish(event("e2", vens=(other.ven_id,), randomise=MINUTE, test=True))
    only(OadrCreateReport, ven.poll())
    ven.polled_events()
    ven.answer("e1", 0, OptType.OPT_OUT)
    story.later(timedelta(seconds=3))
    story.modify(event("e1", priority=1))
    ven.polled_events()
    story.cancel("e2")
    ven.opt_for("e1", 1, OptType.OPT_IN)
    ven.opt_for("e1", 1, OptType.OPT_OUT, EiTarget(resource_ids=("r1",)))
    away = OadrCreateOpt(
        opt_id="away",
        opt_type=OptType.OPT_OUT,
        opt_reason="x-holiday",
        ven_id=ven.ven_id,
        vavailability=(WsCalendarInterval(dtstart=T0, duration=timedelta(0)),),
        created_date_time=T0,
        request_id="c",
        ei_target=EiTarget(),
    )
    part = replace(away, opt_id="part", ei_target=EiTarget(resource_ids=("r1",)))
    for opt in (away, part):
        ven.say("EiOpt", opt)
    story.do(story.vtn.unwant("w1", story.now, to_follow=True))
    story.want(wish("w2", piggyback=True))
    ven.poll()
    ven.promise(only(OadrCreateReport, ven.poll()))
    story.do(story.vtn.unwant("w2", story.now, piggyback=True))
    story.want(wish("w3", piggyback=True))
    story.do(story.vtn.offer((usage_metadata("weather"),), story.now))
    story.do(story.vtn.record_value("weather", "power", T0, Decimal("-1.50"), story.now))
    asks = replace(
        first.oadr_report_requests[0],
        report_request_id="theirs",
        report_specifier=replace(
            first.oadr_report_requests[0].report_specifier,
            report_specifier_id="weather",
            specifier_payloads=(SpecifierPayload(r_id="power"),),
        ),
    )
    ven.say(
        "EiReport",
        OadrCreateReport(request_id="q", oadr_report_requests=(asks,), ven_id=ven.ven_id),
    )
    story.later(MINUTE)
    ven.poll()
    allocation = AllocationRecord(
        ven_id="site-9", fingerprints=("AA", "BB"), name="Site 9", overlap_until=T0 + HOUR
    )
    story.do(story.vtn.allocate(allocation, story.now))
    story.do(story.vtn.cancel_registration(other.ven_id, story.now))
    return story


async def test_every_record_comes_back_as_it_was(tmp_path: Path) -> None:
    story = busy_story()
    await stored(tmp_path / "vtn.db", story)

    again = SqlStore(tmp_path / "vtn.db", CODEC)
    book = await again.load()
    await again.close()

    known = everything(story.vtn.page(story.now).book)
    found = everything(book)
    assert {kind for kind, _ in known} == {kind.__name__ for kind in KINDS}
    assert found == known
    ven = book.ven_of(ONE)
    assert ven is not None
    assert ven.ven_name == "one & <two>"


async def test_a_file_of_an_earlier_release_gets_its_new_columns(tmp_path: Path) -> None:
    path = tmp_path / "vtn.db"
    await stored(path, busy_story())
    with sqlite3.connect(path) as db:
        db.execute("ALTER TABLE vtn2b_want DROP COLUMN piggyback")
        db.execute("ALTER TABLE vtn2b_request DROP COLUMN riding")
        db.execute("DROP TABLE vtn2b_allocation")
    db.close()

    again = SqlStore(path, CODEC)
    book = await again.load()
    await again.close()

    assert {one.want_id for one in book.shelf(WantRecord, "").values()} == {"once", "w3"}
    assert not any(one.piggyback for one in book.shelf(WantRecord, "").values())
    assert book.shelf(AllocationRecord, "") == {}


@pytest.mark.spec("OpenADR 2.0b rule 346")
async def test_answers_and_values_are_kept_and_values_corrected(tmp_path: Path) -> None:
    story = KeptStory()
    ven = Ven(story).register()
    ven.offer(usage_metadata())
    story.want(wish())
    request = only(OadrCreateReport, ven.poll())
    report_request_id = request.oadr_report_requests[0].report_request_id
    ven.report(report_request_id, "1.50", "2")
    ven.report(report_request_id, "9.25")
    story.publish(event())
    ven.poll()
    ven.answer("e1")
    ven.answer("e1", 0, OptType.OPT_OUT)
    ven.answer("e9")
    await stored(tmp_path / "vtn.db", story)

    with sqlite3.connect(tmp_path / "vtn.db") as db:
        values = db.execute(
            "SELECT r_id, reading, lasts, quality FROM vtn2b_value ORDER BY starts_at"
        ).fetchall()
        answers = db.execute(
            "SELECT event_id, opt, accepted FROM vtn2b_answer ORDER BY id"
        ).fetchall()
        mode = db.execute("PRAGMA journal_mode").fetchone()
    db.close()

    assert values == [
        ("power", "9.25", "PT1M", "Quality Good - Non Specific"),
        ("power", "2", "PT1M", "Quality Good - Non Specific"),
    ]
    assert answers == [("e1", "optIn", "200"), ("e1", "optOut", "200"), ("e9", "optIn", "452")]
    assert mode == ("wal",)


@pytest.mark.spec("OpenADR 2.0b case CFX2B-RPT-08")
async def test_a_restarted_vtn_knows_its_vens_events_and_requests(
    tmp_path: Path,
) -> None:
    pki = Pki(tmp_path)
    context = pki.client("v1")
    database = tmp_path / "vtn.db"
    start = datetime(2040, 1, 1, tzinfo=UTC)

    @asynccontextmanager
    async def utility() -> AsyncIterator[UtilityPeer]:
        async with serving(pki, store=SqlStore(database, CODEC)) as found:
            yield found

    async with utility() as before, visiting(before, context) as ven:
        await ven.register()
        await ven.say(
            "EiReport",
            OadrRegisterReport(request_id="o", oadr_reports=(usage_metadata(),), ven_id=ven.ven_id),
        )
        await before.publish(event(start=start))
        await before.request_report(wish())
        first = only(OadrDistributeEvent, await ven.poll())
        request = only(OadrCreateReport, await ven.poll())
        promise = OadrCreatedReport(
            ei_response=EiResponse(request_id=request.request_id), ven_id=ven.ven_id
        )
        await ven.say("EiReport", promise)
        ids = (ven.ven_id, ven.registration_id)

    async with utility() as after, visiting(after, context) as ven:
        ven.ven_id, ven.registration_id = ids
        assert only(OadrResponse, await ven.poll()).ei_response.is_success
        await after.modify(event(start=start, priority=1))
        events = only(OadrDistributeEvent, await ven.poll())
        report_request_id = request.oadr_report_requests[0].report_request_id
        updated = await ven.say("EiReport", usage_update(ven.ven_id, report_request_id, ("7.5",)))
        assert [told.fact.value for told in after.reports] == [Decimal("7.5")]

    assert first.oadr_events[0].ei_event.event_descriptor.modification_number == 0
    assert events.oadr_events[0].ei_event.event_descriptor.modification_number == 1
    assert only(OadrUpdatedReport, updated).ei_response.is_success


async def test_a_file_that_is_no_store_is_not_used(tmp_path: Path) -> None:
    path = tmp_path / "vtn.db"
    path.write_bytes(b"this is no database" * 100)
    store = SqlStore(path, CODEC)

    with pytest.raises(StoreError, match="VTN_STORE"):
        await store.load()


async def test_a_damaged_row_is_not_read_as_absent(tmp_path: Path) -> None:
    path = tmp_path / "vtn.db"
    await stored(path, busy_story())
    with sqlite3.connect(path) as db:
        db.execute("UPDATE vtn2b_event SET message = x'3c78' WHERE event_id = 'e1'")
    db.close()
    store = SqlStore(path, CODEC)

    with pytest.raises(StoreError, match="VTN_STORE"):
        await store.load()
    await store.close()


def test_a_thousand_vens_are_served_in_process() -> None:
    story = Story(VtnOptions(vtn_id="utility"))
    vens = [Ven(story, peer=f"{number:020X}").register() for number in range(1000)]
    story.publish(event())

    for ven in vens:
        assert len(ven.polled_events().oadr_events) == 1
        assert ven.answer("e1") == "200"
    assert all(ven.finds_nothing() for ven in vens)

    page = story.vtn.page(story.now)
    assert page.all(QueueRecord, vens[500].ven_id) == []
    assert len(list(page.vens())) == 1000


async def test_in_virtual_time_the_utility_waits_and_is_woken(tmp_path: Path) -> None:
    pki = Pki(tmp_path)
    clock = VirtualClock(T0)

    async with serving(pki, clock=clock) as utility, visiting(utility, pki.client("v1")) as ven:
        seen: list[datetime] = []

        async def client() -> None:
            with clock.held():
                await clock.sleep_until(T0 + HOUR)
                await ven.register()
                seen.append(clock.now())

        async def operator() -> None:
            with clock.held():
                found = await utility.wait_for(Registered, until=T0 + 2 * HOUR)
                assert found is not None
                assert found.at == T0 + HOUR
                assert await utility.wait_for(Offered, until=T0 + 2 * HOUR) is None
                seen.append(clock.now())

        async with asyncio.TaskGroup() as group:
            group.create_task(client())
            group.create_task(operator())

    assert seen == [T0 + HOUR, T0 + 2 * HOUR]
