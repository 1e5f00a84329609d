"""What every store promises, asked of the real one and of the one in memory."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from gateway.domain.answers import Ack, TelemetryBatch
from gateway.domain.errors import MisuseError, SessionError, StoreError
from gateway.domain.event import EventKey, GridEvent, RawMessage
from gateway.domain.guard import Move
from gateway.domain.identity import STEP, revision
from gateway.domain.intent import State
from gateway.domain.names import EventId, IntentId, MeterId, SiteId, UtilityName
from gateway.domain.participation import Opt
from gateway.domain.reading import Quality
from gateway.domain.settlement import SettlementStatement
from gateway.domain.timespan import Span
from gateway.pipeline.ledger import OpenStatement
from gateway.pipeline.ports import Store, Work
from gateway.pipeline.records import Seen, SiteStatus
from gateway.settlement.merkle import leaf_hash
from gateway.settlement.records import logged
from gateway.store.open import open_store
from gateway.store.sqlite_store import SqliteStore
from tests.fakes import CountedIds
from tests.intent_samples import EVENT, START
from tests.store_fakes import MemoryStore
from tests.store_samples import (
    AZP,
    IT_LOAD,
    KEY,
    NOW,
    PHX,
    ack,
    after,
    answer,
    batch,
    event,
    heartbeat,
    item,
    plan,
    raw,
    record,
    statement,
    timer,
    token,
)

AnyStore = SqliteStore | MemoryStore


@pytest.fixture(params=["sqlite", "memory"])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[AnyStore]:
    if request.param == "memory":
        yield MemoryStore()
        return
    async with await open_store("sqlite://", ids=CountedIds()) as opened:
        yield opened


async def refused(store: Store, job: Callable[[Work], object]) -> str:
    """Return why a job is refused; one that is not fails the test."""
    with pytest.raises((StoreError, SessionError, MisuseError)) as found:
        await store.write(job)
    return found.value.reason


def remember(event: GridEvent, raw: RawMessage) -> Callable[[Work], Seen]:
    return lambda work: work.events.remember(event, raw)


def acknowledge(site: SiteId, subject: str, ack: Ack, at: datetime) -> Callable[[Work], Seen]:
    return lambda work: work.outbox.acknowledge(site, subject, ack, at)


def add_batch(batch: TelemetryBatch) -> Callable[[Work], Seen]:
    return lambda work: work.telemetry.add(PHX, batch, NOW)


def put_statement(statement: SettlementStatement) -> Callable[[Work], None]:
    return lambda work: work.statements.put(statement)


# --- transactions


async def test_a_job_that_fails_leaves_nothing(store: AnyStore) -> None:
    def job(work: Work) -> None:
        work.timers.set(timer())
        work.log.append("audit", "x", {}, NOW)
        raise SessionError("TOO_LATE", "on second thoughts")

    assert await refused(store, job) == "TOO_LATE"

    assert await store.read(lambda work: work.timers.due(after(60))) == ()
    assert await store.read(lambda work: work.log.size()) == 0


async def test_a_job_sees_what_it_wrote(store: AnyStore) -> None:
    def job(work: Work) -> tuple[int, int]:
        work.log.append("audit", "x", {}, NOW)
        return work.log.size(), len(work.log.entries())

    assert await store.write(job) == (1, 1)


async def test_a_read_cannot_write(store: AnyStore) -> None:
    with pytest.raises(StoreError, match="READ_ONLY"):
        await store.read(lambda work: work.timers.set(timer()))
    with pytest.raises(StoreError, match="READ_ONLY"):
        await store.read(lambda work: work.log.append("audit", "x", {}, NOW))


async def test_whatever_a_job_raises_reaches_its_caller(store: AnyStore) -> None:
    def job(_: Work) -> None:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        await store.write(job)
    with pytest.raises(KeyError, match="mine"):
        await store.read(job)


# --- inbox


async def test_an_event_is_new_once(store: AnyStore) -> None:
    assert await store.write(lambda work: work.events.remember(event(), raw())) is Seen.NEW
    again = event(received_at=after(10), source={"requestID": "2"}, raw_sha256="1" * 64)

    assert await store.write(lambda work: work.events.remember(again, raw(b"2"))) is Seen.DUPLICATE
    assert await store.read(lambda work: work.events.newest(KEY)) == event()
    assert await store.read(lambda work: work.events.raw(raw().sha256)) == raw()
    assert await store.read(lambda work: work.events.raw(raw(b"2").sha256)) is None


async def test_other_content_under_one_key_is_a_conflict_and_the_first_stands(
    store: AnyStore,
) -> None:
    other = event(duration=timedelta(hours=1))
    await store.write(lambda work: work.events.remember(event(), raw()))

    for _ in range(2):
        seen = await store.write(lambda work: work.events.remember(other, raw(b"2")))
        assert seen is Seen.CONFLICT

    assert await store.read(lambda work: work.events.newest(KEY)) == event()
    assert await store.read(lambda work: work.events.raw(raw(b"2").sha256)) == raw(b"2")
    assert await store.read(lambda work: work.events.recent(10)) == (event(),)
    assert await store.write(lambda work: work.events.remember(event(), raw())) is Seen.DUPLICATE


async def test_the_highest_version_is_the_newest_whenever_it_came(store: AnyStore) -> None:
    for version in (3, 1, 2):
        seen = await store.write(remember(event(version=version), raw()))
        assert seen is Seen.NEW

    newest = await store.read(lambda work: work.events.newest(KEY))

    assert newest is not None
    assert newest.version == 3
    assert len(await store.read(lambda work: work.events.recent(10))) == 1


@pytest.mark.spec("OpenADR 2.0b rule 61")
async def test_a_cancellation_without_a_new_version_is_news_once(store: AnyStore) -> None:
    vanished = event(cancelled_at=after(5), cancel_implied=True)
    await store.write(lambda work: work.events.remember(event(), raw()))

    assert await store.write(lambda work: work.events.remember(vanished, raw())) is Seen.NEW
    later = event(cancelled_at=after(9), cancel_implied=True)
    assert await store.write(lambda work: work.events.remember(later, raw())) is Seen.DUPLICATE
    assert await store.read(lambda work: work.events.newest(KEY)) == vanished
    assert await store.read(lambda work: work.events.open(AZP, NOW)) == ()


async def test_open_events_are_neither_cancelled_nor_over(store: AnyStore) -> None:
    end = START + timedelta(hours=3)

    def job(work: Work) -> None:
        work.events.remember(event(), raw())
        work.events.remember(event(event_id=EventId("endless"), duration=None), raw())
        work.events.remember(event(event_id=EventId("gone"), cancelled_at=NOW), raw())
        work.events.remember(event(utility=UtilityName("srp")), raw())

    await store.write(job)

    before = await store.read(lambda work: work.events.open(AZP, end - timedelta(seconds=1)))
    at_end = await store.read(lambda work: work.events.open(AZP, end))

    assert [found.event_id for found in before] == ["evt-1", "endless"]
    assert [found.event_id for found in at_end] == ["endless"]


async def test_recent_events_come_latest_first(store: AnyStore) -> None:
    for n in (2, 1, 3):
        changed = event(event_id=EventId(f"e{n}"), received_at=after(n))
        await store.write(remember(changed, raw()))

    recent = await store.read(lambda work: work.events.recent(2))

    assert [found.event_id for found in recent] == ["e3", "e2"]


async def test_an_unknown_event_is_none(store: AnyStore) -> None:
    assert await store.read(lambda work: work.events.newest(KEY)) is None
    assert await store.read(lambda work: work.events.raw("0" * 64)) is None


# --- intents


async def test_an_intent_comes_back_as_it_was(store: AnyStore) -> None:
    await store.write(lambda work: work.intents.put(record()))

    assert await store.read(lambda work: work.intents.get(IntentId("intent-1"))) == record()
    assert await store.read(lambda work: work.intents.get(IntentId("intent-2"))) is None


async def test_the_answer_and_the_acknowledgement_come_back(store: AnyStore) -> None:
    base = record()
    answered = type(base)(
        intent=base.intent,
        event=base.event,
        version=2,
        opt=Opt.PARTIAL,
        opt_reason="infeasible",
        opt_at=after(1.000001),
        acked_revision=revision(1, 1),
    )
    await store.write(lambda work: work.intents.put(base))
    await store.write(lambda work: work.intents.put(answered))

    assert await store.read(lambda work: work.intents.get(IntentId("intent-1"))) == answered


async def test_a_lower_revision_is_refused(store: AnyStore) -> None:
    await store.write(lambda work: work.intents.put(record(n=2)))

    assert await refused(store, lambda work: work.intents.put(record(n=1))) == "STALE_REVISION"

    assert await store.read(lambda work: work.intents.get(IntentId("intent-1"))) == record(n=2)


async def test_siblings_are_found_by_their_event(store: AnyStore) -> None:
    def job(work: Work) -> None:
        work.intents.put(record("a"))
        work.intents.put(record("b", site=SiteId("tul-1")))
        work.intents.put(record("c", event_id="evt-2"))
        work.intents.put(record("a", 2))

    await store.write(job)
    siblings = await store.read(lambda work: work.intents.of_event(KEY))

    assert [found.intent.id for found in siblings] == ["a", "b"]
    assert siblings[0].intent.revision == revision(1, 2)
    assert (
        await store.read(
            lambda work: work.intents.of_event(EventKey(utility=AZP, event_id=EventId("no")))
        )
        == ()
    )


async def test_a_site_sees_its_live_intents_oldest_first(store: AnyStore) -> None:
    def job(work: Work) -> None:
        work.intents.put(record("z"))
        work.intents.put(record("b"))
        work.intents.put(record("y", status=State.CANCELLED))
        work.intents.put(record("other", site=SiteId("tul-1")))
        work.intents.put(record("b", 2, status=State.SETTLED))
        work.intents.put(record("a", status=State.COMPLETED))

    await store.write(job)
    live = await store.read(lambda work: work.intents.of_site(PHX))
    every = await store.read(lambda work: work.intents.of_site(PHX, live=False))

    assert [found.intent.id for found in live] == ["z", "a"]
    assert [found.intent.id for found in every] == ["z", "b", "y", "a"]


# --- outbox


async def test_sequences_rise_per_site(store: AnyStore) -> None:
    def job(work: Work) -> list[int]:
        return [work.outbox.next_sequence(site) for site in (PHX, PHX, SiteId("tul-1"), PHX)]

    assert await store.write(job) == [1, 2, 1, 3]
    assert await store.write(lambda work: work.outbox.next_sequence(PHX)) == 4
    assert await store.read(lambda work: work.outbox.newest_sequence(PHX)) == 4
    assert await store.read(lambda work: work.outbox.newest_sequence(SiteId("none"))) == 0


async def test_after_a_restore_sequences_continue_above_all_that_were_given_out(
    store: AnyStore,
) -> None:
    await store.write(lambda work: work.outbox.next_sequence(PHX))
    raised = await store.raise_epoch()

    assert raised.epoch == 2
    assert await store.write(lambda work: work.identity) == raised
    assert await store.write(lambda work: work.outbox.next_sequence(PHX)) == STEP + 1
    assert await store.write(lambda work: work.outbox.next_sequence(PHX)) == STEP + 2


def move(intent: str, at: float, *, site: SiteId = PHX, over: float | None = 600) -> Move:
    """A move that ramps for ten minutes."""
    return Move(
        site=site,
        intent_id=IntentId(intent),
        at=after(at),
        ramp_until=after(at + 600),
        kw_per_min=Decimal("1.000001"),
        until=None,
        over=None if over is None else after(at + over),
        opens=True,
        swings=True,
    )


async def test_moves_of_an_intent_are_replaced_and_found_by_site_and_time(store: AnyStore) -> None:
    def job(work: Work) -> None:
        work.moves.replace(IntentId("a"), [move("a", 900), move("a", 0)])
        work.moves.replace(IntentId("b"), [move("b", 60, over=None)])
        work.moves.replace(IntentId("c"), [move("c", 30, site=SiteId("other"))])

    await store.write(job)
    everything = await store.read(lambda work: work.moves.of_site(PHX, after(0)))
    assert everything == (move("a", 0), move("b", 60, over=None), move("a", 900))
    late = await store.read(lambda work: work.moves.of_site(PHX, after(601)))
    assert [found.intent_id for found in late] == ["b", "a"]
    ramping = await store.read(lambda work: work.moves.ramping(after(630)))
    assert [found.at for found in ramping] == [after(60), after(900)]
    await store.write(lambda work: work.moves.replace(IntentId("a"), [move("a", 5)]))
    assert await store.read(lambda work: work.moves.of_intent(IntentId("a"))) == (move("a", 5),)
    await store.write(lambda work: work.moves.forget(PHX, after(10_000)))
    assert [m.intent_id for m in await store.read(lambda w: w.moves.of_site(PHX, after(0)))] == [
        "b"
    ]
    assert len(await store.read(lambda work: work.moves.of_intent(IntentId("c")))) == 1


async def test_the_outbox_is_read_behind_a_cursor_in_order(store: AnyStore) -> None:
    def job(work: Work) -> None:
        for sequence in (2, 1, 3, 5):
            work.outbox.add(item(sequence, kind="plan" if sequence == 3 else "intent"))
        work.outbox.add(item(1, site=SiteId("tul-1")))

    await store.write(job)

    every = await store.read(lambda work: work.outbox.after(PHX, 0, 10))
    assert every == (item(1), item(2), item(3, kind="plan"), item(5))
    assert await store.read(lambda work: work.outbox.after(PHX, 1, 1)) == (item(2),)
    assert await store.read(lambda work: work.outbox.after(PHX, 5, 10)) == ()
    plans = await store.read(lambda work: work.outbox.after(PHX, 0, 10, "plan"))
    assert plans == (item(3, kind="plan"),)
    assert await store.read(lambda work: work.outbox.oldest_sequence(PHX)) == 1
    assert await store.read(lambda work: work.outbox.oldest_sequence(SiteId("none"))) == 0


async def test_a_place_in_the_stream_is_used_once(store: AnyStore) -> None:
    await store.write(lambda work: work.outbox.add(item(1)))

    assert await refused(store, lambda work: work.outbox.add(item(1, n=2))) == "CONSTRAINT"


async def test_an_acknowledgement_covers_lower_revisions_of_its_subject(store: AnyStore) -> None:
    def job(work: Work) -> None:
        work.outbox.add(item(1, n=1))
        work.outbox.add(item(2, n=2))
        work.outbox.add(item(3, n=3))
        work.outbox.add(item(4, n=1, subject="intent-2"))
        work.outbox.add(item(1, n=1, site=SiteId("tul-1")))

    await store.write(job)

    seen = await store.write(lambda work: work.outbox.acknowledge(PHX, "intent-1", ack(2), NOW))

    assert seen is Seen.NEW
    found = await store.read(lambda work: work.outbox.after(PHX, 0, 10))
    assert [one.acked_at for one in found] == [NOW, NOW, None, None]
    elsewhere = await store.read(lambda work: work.outbox.after(SiteId("tul-1"), 0, 10))
    assert [one.acked_at for one in elsewhere] == [None]


async def test_an_acknowledgement_counts_once(store: AnyStore) -> None:
    await store.write(lambda work: work.outbox.add(item(1)))

    seen = [
        await store.write(acknowledge(PHX, "intent-1", ack(1, digest), at))
        for digest, at in (("d1", NOW), ("d1", after(9)), ("d2", after(9)))
    ]

    assert seen == [Seen.NEW, Seen.DUPLICATE, Seen.CONFLICT]
    (found,) = await store.read(lambda work: work.outbox.after(PHX, 0, 10))
    assert found.acked_at == NOW


async def test_what_was_never_sent_cannot_be_acknowledged(store: AnyStore) -> None:
    await store.write(lambda work: work.outbox.add(item(1)))

    for site, subject, n in ((PHX, "no", 1), (PHX, "intent-1", 2), (SiteId("x"), "intent-1", 1)):
        assert await refused(store, acknowledge(site, subject, ack(n), NOW)) == "NOT_FOUND"


# --- plans


async def test_the_newest_plan_is_kept(store: AnyStore) -> None:
    assert await store.read(lambda work: work.plans.get(PHX)) is None

    await store.write(lambda work: work.plans.put(plan(1)))
    await store.write(lambda work: work.plans.put(plan(2)))
    await store.write(lambda work: work.plans.put(plan(2)))

    assert await store.read(lambda work: work.plans.get(PHX)) == plan(2)
    assert await refused(store, lambda work: work.plans.put(plan(1))) == "STALE_REVISION"
    assert await refused(store, lambda work: work.plans.put(plan(2, after(9)))) == "STALE_REVISION"


# --- participations


async def test_answers_wait_until_a_session_has_taken_them(store: AnyStore) -> None:
    first, second = answer(Opt.OUT, after(5)), answer(Opt.IN, NOW)

    def job(work: Work) -> None:
        work.participations.queue(first)
        work.participations.queue(second)
        work.participations.queue(first)
        work.participations.queue(answer(utility=UtilityName("srp")))

    await store.write(job)
    assert await store.read(lambda work: work.participations.pending(AZP)) == (first, second)

    await store.write(lambda work: work.participations.taken(first))
    await store.write(lambda work: work.participations.taken(answer(Opt.PARTIAL)))
    assert await store.read(lambda work: work.participations.pending(AZP)) == (second,)

    await store.write(lambda work: work.participations.queue(first))
    assert await store.read(lambda work: work.participations.pending(AZP)) == (second,)


# --- timers


async def test_timers_are_due_earliest_first(store: AnyStore) -> None:
    def job(work: Work) -> None:
        work.timers.set(timer("phase:a", after(3)))
        work.timers.set(timer("settle:b", after(1)))
        work.timers.set(timer("phase:c", after(2)))

    assert await store.read(lambda work: work.timers.next_due()) is None
    await store.write(job)

    assert await store.read(lambda work: work.timers.next_due()) == after(1)
    due = await store.read(lambda work: work.timers.due(after(2)))
    assert due == (timer("settle:b", after(1)), timer("phase:c", after(2)))
    assert await store.read(lambda work: work.timers.due(after(9), 1)) == due[:1]
    assert await store.read(lambda work: work.timers.due(NOW)) == ()


async def test_setting_a_timer_again_moves_it_and_dropping_removes_it(store: AnyStore) -> None:
    await store.write(lambda work: work.timers.set(timer(at=NOW)))
    await store.write(lambda work: work.timers.set(timer(at=after(60))))

    assert await store.read(lambda work: work.timers.due(after(59))) == ()
    await store.write(lambda work: work.timers.drop("phase:intent-1"))
    await store.write(lambda work: work.timers.drop("phase:intent-1"))
    assert await store.read(lambda work: work.timers.next_due()) is None


# --- telemetry


async def test_a_batch_is_stored_once(store: AnyStore) -> None:
    other = batch("b1", "2")

    seen = [await store.write(add_batch(one)) for one in (batch(), batch(), other, other, batch())]
    elsewhere = await store.write(lambda work: work.telemetry.add(SiteId("x"), other, NOW))

    assert [*seen, elsewhere] == [
        Seen.NEW,
        Seen.DUPLICATE,
        Seen.CONFLICT,
        Seen.CONFLICT,
        Seen.DUPLICATE,
        Seen.NEW,
    ]
    whole = Span.lasting(START, timedelta(hours=1))
    (found,) = await store.read(lambda work: work.telemetry.readings(PHX, IT_LOAD, whole))
    assert found.energy_kwh == Decimal("1.5")


async def test_readings_come_by_start_then_by_arrival(store: AnyStore) -> None:
    minute = timedelta(minutes=1)

    def job(work: Work) -> None:
        work.telemetry.add(PHX, batch("late", "3", "4", start=START + minute), NOW)
        work.telemetry.add(PHX, batch("early", "1", "2"), NOW)
        work.telemetry.add(PHX, batch("poc", "9", meter=MeterId("poc")), NOW)

    await store.write(job)
    span = Span.lasting(START, 2 * minute)
    found = await store.read(lambda work: work.telemetry.readings(PHX, IT_LOAD, span))

    assert [str(reading.energy_kwh) for reading in found] == ["1", "3", "2"]
    assert [reading.start for reading in found] == [START, START + minute, START + minute]
    assert {reading.duration for reading in found} == {minute}


async def test_samples_of_a_clock_far_off_stay_suspect(store: AnyStore) -> None:
    far_off = batch().model_copy(update={"clock_offset_ms": 3_600_000})
    await store.write(add_batch(far_off))

    whole = Span.lasting(START, timedelta(hours=1))
    found = await store.read(lambda work: work.telemetry.readings(PHX, IT_LOAD, whole))

    assert [reading.quality for reading in found] == [Quality.TIME_SUSPECT]


async def test_the_newest_heartbeat_stands(store: AnyStore) -> None:
    newer = SiteStatus(site=PHX, heard_at=after(1), heartbeat=heartbeat("2"))
    older = SiteStatus(site=PHX, heard_at=NOW, heartbeat=heartbeat("1"))

    assert await store.read(lambda work: work.telemetry.status(PHX)) is None
    await store.write(lambda work: work.telemetry.heard(newer))
    await store.write(lambda work: work.telemetry.heard(older))

    assert await store.read(lambda work: work.telemetry.status(PHX)) == newer


# --- sessions


async def test_a_snapshot_replaces_the_last_one(store: AnyStore) -> None:
    assert await store.read(lambda work: work.sessions.state(AZP)) is None
    await store.write(lambda work: work.sessions.put(AZP, b"1"))
    await store.write(lambda work: work.sessions.put(AZP, b"\x00\xff2"))

    assert await store.read(lambda work: work.sessions.state(AZP)) == b"\x00\xff2"
    assert await store.read(lambda work: work.sessions.state(UtilityName("srp"))) is None


async def test_a_state_in_parts_is_read_as_one_object(store: AnyStore) -> None:
    """Kills: a store that forgets the parts that did not change, or keeps one that is gone."""
    srp = UtilityName("srp")
    await store.write(lambda work: work.sessions.put(srp, {"z": b"0"}))
    await store.write(lambda work: work.sessions.put(AZP, {"b": b"[1]", "a": b'{"x":1}'}))
    await store.write(lambda work: work.sessions.put(AZP, {"b": b"[2]", "c": b"null"}))
    assert await store.read(lambda work: work.sessions.state(AZP)) == (
        b'{"a":{"x":1},"b":[2],"c":null}'
    )

    await store.write(lambda work: work.sessions.put(AZP, {"b": None, "c": None, "d": None}))
    assert await store.read(lambda work: work.sessions.state(AZP)) == b'{"a":{"x":1}}'
    assert await store.read(lambda work: work.sessions.state(srp)) == b'{"z":0}'


async def test_a_state_stands_whole_or_in_parts_and_never_both(store: AnyStore) -> None:
    await store.write(lambda work: work.sessions.put(AZP, {"a": b"1"}))
    await store.write(lambda work: work.sessions.put(AZP, b'{"whole":1}'))
    assert await store.read(lambda work: work.sessions.state(AZP)) == b'{"whole":1}'

    await store.write(lambda work: work.sessions.put(AZP, {"b": b"2"}))
    assert await store.read(lambda work: work.sessions.state(AZP)) == b'{"b":2}'


# --- log


async def test_records_are_counted_overall_and_per_source(store: AnyStore) -> None:
    def job(work: Work) -> list[int]:
        return [
            work.log.append("audit", "a", {"n": 1}, NOW),
            work.log.append("audit", "b", {"n": 2}, after(1)),
            work.log.append("audit", "a", {"n": 3}, after(2)),
        ]

    assert await store.write(job) == [0, 1, 2]
    assert await store.write(lambda work: work.log.append("audit", "a", {"n": 4}, NOW)) == 3
    entries = await store.read(lambda work: work.log.entries())
    typed = [logged(entry.index, entry.record) for entry in entries]
    assert [(one.record.src, one.record.seq) for one in typed] == [
        ("audit:a", 0),
        ("audit:b", 0),
        ("audit:a", 1),
        ("audit:a", 2),
    ]
    leaves = tuple(leaf_hash(entry.record) for entry in entries)
    assert await store.read(lambda work: work.log.leaf_hashes(4)) == leaves
    assert await store.read(lambda work: work.log.leaf_hashes(2)) == leaves[:2]
    assert await store.read(lambda work: work.log.size()) == 4


async def test_records_are_found_by_kind_subject_time_and_place(store: AnyStore) -> None:
    def job(work: Work) -> None:
        for n, (kind, subject) in enumerate((("a", "x"), ("b", "x"), ("a", "y"), ("c", "x"))):
            work.log.append(kind, subject, {}, after(n))

    await store.write(job)

    async def places(**chosen: object) -> list[int]:
        found = await store.read(lambda work: work.log.entries(**chosen))  # type: ignore[arg-type]  # test shorthand
        return [entry.index for entry in found]

    assert await places() == [0, 1, 2, 3]
    assert await places(kinds=("a", "c")) == [0, 2, 3]
    assert await places(subject="x") == [0, 1, 3]
    assert await places(kinds=("a",), subject="x") == [0]
    assert await places(since=after(2)) == [2, 3]
    chosen = await store.read(lambda work: work.log.at({3, 1, 99}))
    assert [entry.index for entry in chosen] == [1, 3]
    assert await store.read(lambda work: work.log.at(())) == ()


async def test_a_float_does_not_enter_the_log(store: AnyStore) -> None:
    assert (
        await refused(store, lambda work: work.log.append("audit", "x", {"kw": 1.5}, NOW))
        == "NOT_CANONICAL"
    )


async def test_a_record_that_could_not_be_read_back_is_refused(store: AnyStore) -> None:
    assert (
        await refused(
            store, lambda work: work.log.append("audit", "x", {"text": "x" * (16 << 20)}, NOW)
        )
        == "TOO_LARGE"
    )


# --- statements


async def test_a_resettlement_supersedes_and_never_edits(store: AnyStore) -> None:
    def job(work: Work) -> None:
        work.statements.put(statement(1))
        work.statements.put(statement(1))
        work.statements.put(statement(2, simulated=True))

    await store.write(job)

    assert await store.read(lambda work: work.statements.get("st-1")) == statement(
        2, simulated=True
    )
    assert await store.read(lambda work: work.statements.get("st-2")) is None
    for stale in (statement(2, test=True), statement(1)):
        assert await refused(store, put_statement(stale)) == "STALE_REVISION"


async def test_every_version_of_a_statement_stays_readable(store: AnyStore) -> None:
    await store.write(put_statement(statement(1)))
    await store.write(put_statement(statement(2, simulated=True)))

    for version, found in ((1, statement(1)), (2, statement(2, simulated=True)), (3, None)):
        assert await store.read(version_of("st-1", version)) == found


def version_of(name: str, version: int) -> Callable[[Work], SettlementStatement | None]:
    return lambda work: work.statements.get(name, version)


def open_one(name: str, **changes: object) -> OpenStatement:
    made = OpenStatement(
        intent=IntentId(name),
        site=PHX,
        meter=IT_LOAD,
        span=Span.lasting(START, timedelta(hours=3)),
        until=START + timedelta(days=60),
        version=1,
        lacking=True,
    )
    return replace(made, **changes)  # type: ignore[arg-type]  # test shorthand


async def test_open_statements_are_found_by_what_they_count(store: AnyStore) -> None:
    hour, day = timedelta(hours=1), timedelta(days=1)
    late = open_one("b", late_since=START + 5 * hour, lacking=False, version=2)
    early = open_one("c", span=Span.lasting(START - day, hour), until=START + day)
    other = open_one("d", site=SiteId("tul-1"))

    def fill(work: Work) -> None:
        for one in (late, open_one("a"), early, other, open_one("e")):
            work.open_statements.put(one)
        work.open_statements.put(open_one("e", version=3))
        work.open_statements.close(IntentId("e"))
        work.open_statements.close(IntentId("nobody"))

    await store.write(fill)
    inside, before = Span.lasting(START + hour, hour), Span.lasting(START - 9 * hour, 9 * hour)

    def over(span: Span, now: datetime) -> Callable[[Work], tuple[OpenStatement, ...]]:
        return lambda work: work.open_statements.over(PHX, span, now)

    assert await store.read(over(inside, START)) == (open_one("a"), late)
    assert await store.read(over(before, START)) == ()
    assert await store.read(over(Span.lasting(START - day, day), START)) == (early,)
    assert await store.read(over(inside, START + 60 * day)) == ()
    await store.write(lambda work: work.open_statements.close_due(START + day))
    assert await store.read(lambda work: work.open_statements.get(IntentId("b"))) == late
    assert await store.read(lambda work: work.open_statements.get(IntentId("c"))) is None


async def test_metered_intervals_are_counted_once_each(store: AnyStore) -> None:
    def fill(work: Work) -> None:
        work.telemetry.add(PHX, batch("b1"), NOW)
        work.telemetry.add(PHX, batch("b2"), NOW)

    await store.write(fill)
    whole = Span(start=START - timedelta(days=1), end=START + timedelta(days=1))
    found = await store.read(lambda work: work.telemetry.readings(PHX, IT_LOAD, whole))
    count = await store.read(lambda work: work.telemetry.metered(PHX, IT_LOAD, whole))

    assert 0 < count == len({reading.start for reading in found}) < len(found)
    empty = Span.lasting(START - timedelta(days=1), timedelta(minutes=1))
    assert await store.read(lambda work: work.telemetry.metered(PHX, IT_LOAD, empty)) == 0


async def test_statements_are_listed_oldest_first(store: AnyStore) -> None:
    later = statement(1, id="st-0", start=START + timedelta(days=1))
    other = statement(1, id="st-9", site="tul-1", start=START - timedelta(days=1))

    def job(work: Work) -> None:
        for one in (later, statement(1), other, statement(2)):
            work.statements.put(one)

    await store.write(job)

    assert await store.read(lambda work: work.statements.of_site(PHX)) == (statement(2), later)
    assert await store.read(lambda work: work.statements.of_site(None)) == (
        other,
        statement(2),
        later,
    )


# --- tokens


async def test_a_credential_is_found_by_the_digest_of_its_secret(store: AnyStore) -> None:
    await store.write(lambda work: work.tokens.add(token()))

    assert await store.read(lambda work: work.tokens.by_digest(token().sha256)) == token()
    assert await store.read(lambda work: work.tokens.by_digest("0" * 64)) is None
    assert await refused(store, lambda work: work.tokens.add(token("sched", b"2"))) == "NAME_TAKEN"
    assert await refused(store, lambda work: work.tokens.add(token("two", b"s"))) == "NAME_TAKEN"


async def test_a_credential_is_revoked_once_and_stays_listed(store: AnyStore) -> None:
    def job(work: Work) -> tuple[bool, bool, bool]:
        work.tokens.add(token("b", b"b", after(1)))
        work.tokens.add(token("a", b"a"))
        return (
            work.tokens.revoke("a", after(5)),
            work.tokens.revoke("a", after(9)),
            work.tokens.revoke("none", NOW),
        )

    assert await store.write(job) == (True, False, False)
    listed = await store.read(lambda work: work.tokens.all())
    assert [(one.name, one.revoked_at) for one in listed] == [("a", after(5)), ("b", None)]


async def test_a_store_knows_who_it_is(store: AnyStore) -> None:
    identity = await store.read(lambda work: work.identity)

    assert identity == store.identity
    assert identity.epoch == 1
    assert identity.store_id


def test_the_sample_event_is_open_for_three_hours() -> None:
    assert EVENT.end == START + timedelta(hours=3)
