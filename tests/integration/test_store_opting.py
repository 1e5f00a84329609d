"""Opt schedules, sites apart and what utilities told: the same promises by the real store and the one in memory."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.database.engine import WRITER, connected, engine_for
from gateway.domain.event import EventKey
from gateway.domain.names import EventId, SiteId, UtilityName
from gateway.domain.opting import OptSchedule, Window
from gateway.domain.participation import Opt, Participation
from gateway.protocols.actions import Fact, FactKind, ReceivedValue
from gateway.store.open import open_store
from gateway.store.sqlite_store import SqliteStore
from tests.fakes import CountedIds
from tests.store_fakes import MemoryStore
from tests.store_samples import answer

AnyStore = SqliteStore | MemoryStore
AZP = UtilityName("azp")
T0 = datetime(2026, 5, 3, 16, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
ONE = OptSchedule(
    opt_id="o1",
    utility=AZP,
    opt=Opt.OUT,
    reason="economic",
    windows=(Window(start=T0, end=None),),
    created_at=T0,
    by="operator:alice",
)


@pytest.fixture(params=["sqlite", "memory"])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[AnyStore]:
    if request.param == "memory":
        yield MemoryStore()
        return
    async with await open_store("sqlite://", ids=CountedIds()) as opened:
        yield opened


async def put(store: AnyStore, schedule: OptSchedule) -> None:
    await store.write(lambda work: work.opting.put(schedule))


async def set_apart(store: AnyStore, event: EventKey, site: str) -> None:
    await store.write(lambda work: work.opting.set_apart(event, SiteId(site)))


async def note(store: AnyStore, fact: Fact) -> None:
    await store.write(lambda work: work.told.note(AZP, fact))


async def add(store: AnyStore, values: list[ReceivedValue]) -> None:
    await store.write(lambda work: work.told.add(AZP, "r", T0, values))


async def queue(store: AnyStore, told: Participation) -> None:
    await store.write(lambda work: work.participations.queue(told))


async def test_a_schedule_is_pending_until_its_newest_word_is_taken(store: AnyStore) -> None:
    other = replace(ONE, opt_id="o0", utility=UtilityName("other"))
    later = replace(ONE, opt_id="a", created_at=T0 + MINUTE)
    gone = replace(ONE, cancelled_at=T0 + MINUTE)
    for each in (later, ONE, other):
        await put(store, each)
    assert await store.read(lambda work: work.opting.of(AZP)) == (ONE, later)
    await store.write(lambda work: work.opting.taken(ONE))
    assert await store.read(lambda work: work.opting.pending(AZP)) == (later,)

    await store.write(lambda work: work.opting.put(gone))
    await store.write(lambda work: work.opting.taken(ONE))  # what it took is not the newest word

    assert await store.read(lambda work: work.opting.pending(AZP)) == (gone, later)
    assert await store.read(lambda work: work.opting.get("o1")) == gone
    assert await store.read(lambda work: work.opting.get("o2")) is None
    assert await store.read(lambda work: work.opting.open(AZP, T0 + MINUTE)) == (later,)
    assert await store.read(lambda work: work.opting.open(AZP, T0)) == (gone, later)
    await store.write(lambda work: work.opting.forget(T0 + 2 * MINUTE))
    assert await store.read(lambda work: work.opting.of(AZP)) == (gone, later)  # not taken yet
    await store.write(lambda work: work.opting.taken(gone))
    await store.write(lambda work: work.opting.forget(T0 + 2 * MINUTE))
    assert await store.read(lambda work: work.opting.of(AZP)) == (later,)


async def test_sites_are_set_apart_by_event(store: AnyStore) -> None:
    event = EventKey(utility=AZP, event_id=EventId("e"))
    for site in ("a", "b", "a"):
        await set_apart(store, event, site)

    assert await store.read(lambda work: work.opting.apart(event)) == {"a", "b"}
    other = EventKey(utility=AZP, event_id=EventId("E"))
    assert await store.read(lambda work: work.opting.apart(other)) == set()


def value(minute: int, text: str = "1", point: str = "p") -> ReceivedValue:
    return ReceivedValue(
        specifier="s",
        point=point,
        start=T0 + minute * MINUTE,
        duration=MINUTE,
        value=text,
        unit="kW",
        quality="",
    )


async def test_facts_and_values_are_replaced_under_their_keys(store: AnyStore) -> None:
    fact = Fact(kind=FactKind.OPT, key="o1", at=T0, fields={"state": "asking"})
    newer = replace(fact, at=T0 + MINUTE, fields={"state": "held", "text": 'a "quoted" ü'})
    for each in (fact, newer, replace(fact, kind=FactKind.OFFER)):
        await note(store, each)
    for values in ([value(0), value(1)], [value(1, "2"), value(1, "3", "q")], []):
        await add(store, values)

    assert await store.read(lambda work: work.told.facts(AZP, FactKind.OPT)) == (newer,)
    found = await store.read(lambda work: work.told.values(None, T0, 10))
    assert [one.value for one in found] == [value(0), value(1, "2"), value(1, "3", "q")]
    assert [one.value for one in await store.read(lambda w: w.told.values(AZP, T0, 2))] == [
        value(1, "2"),
        value(1, "3", "q"),
    ]
    assert await store.read(lambda w: w.told.values(UtilityName("x"), T0, 2)) == ()
    assert await store.read(lambda w: w.told.values(AZP, T0 + 2 * MINUTE, 2)) == ()


async def test_an_answer_to_some_sites_is_another_answer(store: AnyStore) -> None:
    whole = answer()
    part = replace(whole, sites=(SiteId("phx-1"),))
    for each in (whole, part, whole):
        await queue(store, each)
    assert await store.read(lambda w: w.participations.pending(whole.event.utility)) == (
        whole,
        part,
    )

    await store.write(lambda work: work.participations.taken(whole))

    assert await store.read(lambda w: w.participations.pending(whole.event.utility)) == (part,)


async def test_an_answer_stored_by_an_older_version_is_still_taken(tmp_path: Path) -> None:
    """Kills: a new field that changes the bytes by which stored answers are found again."""
    url = f"sqlite:///{tmp_path / 's.db'}"
    whole = answer()
    async with await open_store(url, ids=CountedIds()) as opened:
        await opened.write(lambda work: work.participations.queue(whole))
    with connected(engine_for(tmp_path / "s.db", WRITER, "BEGIN")) as connection:
        (body,) = connection.exec_driver_sql("SELECT body FROM participation").one()

    assert b"sites" not in body


async def test_a_changed_byte_of_a_schedule_is_never_told(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 's.db'}"
    async with await open_store(url, ids=CountedIds()) as opened:
        await opened.write(lambda work: work.opting.put(ONE))
    with connected(engine_for(tmp_path / "s.db", WRITER, "BEGIN")) as connection:
        connection.exec_driver_sql(
            "UPDATE opt_schedule SET body = replace(body, '\"out\"', '\"in\"')"
        )
        connection.commit()

    async with await open_store(url, ids=CountedIds()) as opened:
        assert await opened.read(lambda work: work.opting.pending(AZP)) == ()
