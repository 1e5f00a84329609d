"""A byte changes on the disk: it is seen, set aside, and never taken for the truth or for nothing."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from gateway.domain.errors import StoreError
from gateway.domain.event import RawMessage
from gateway.domain.intent import State
from gateway.domain.names import IntentId, UtilityName
from gateway.pipeline.ports import Work
from gateway.pipeline.records import Seen
from gateway.store.open import open_store
from gateway.store.reading import open_for_reading
from gateway.store.sqlite_store import SqliteStore
from tests.fakes import CountedIds
from tests.store_samples import (
    AZP,
    KEY,
    NOW,
    PHX,
    after,
    answer,
    event,
    item,
    plan,
    raw,
    record,
    statement,
    timer,
    token,
)

INTENT = IntentId("intent-1")


async def opened(path: Path) -> SqliteStore:
    return await open_store(f"sqlite:///{path}", ids=CountedIds())


async def filled(path: Path, *jobs: Callable[[Work], object]) -> Path:
    """Make a store, write, close."""
    async with await opened(path / "s.db") as store:
        for job in jobs:
            await store.write(job)
    return path / "s.db"


def tamper(path: Path, sql: str, *values: object) -> None:
    """Change a closed file behind the store's back."""
    connection = sqlite3.connect(path)
    for trigger in ("log", "statement"):
        connection.execute(f"DROP TRIGGER {trigger}_no_update")
    assert connection.execute(sql, values).rowcount > 0
    connection.commit()
    connection.close()


async def test_one_changed_byte_turns_500_kw_into_900_kw_and_is_seen(tmp_path: Path) -> None:
    path = await filled(
        tmp_path,
        lambda work: work.outbox.add(item(1)),
        lambda work: work.outbox.add(item(2, n=2)),
    )
    content = path.read_bytes()
    at = content.index(b'"limit_kw":"500"') + len(b'"limit_kw":"')
    path.write_bytes(content[:at] + b"9" + content[at + 1 :])
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert connection.execute(
        "SELECT count(*) FROM outbox WHERE instr(body, CAST('900' AS BLOB))"
    ).fetchone() == (1,)
    connection.close()

    with capture_logs() as logs:
        async with await opened(path) as store:
            sent = await store.read(lambda work: work.outbox.after(PHX, 0, 10))
            aside = await store.quarantined()

    assert len(sent) == 1
    assert sent[0].body == b'{"limit_kw":"500"}'
    assert [(one.table, "900" in one.content) for one in aside] == [("outbox", True)]
    assert "row_corrupt" in {line["event"] for line in logs}


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE outbox SET deliver_by = deliver_by + 1000000",
        "UPDATE outbox SET revision = revision + 1",
        "UPDATE outbox SET subject = 'intent-2'",
        "UPDATE outbox SET sequence = 7",
        "UPDATE outbox SET digest = x'00'",
        "UPDATE outbox SET kind = CAST(x'c328' AS TEXT)",
        "UPDATE outbox SET revision = 'abc'",
    ],
)
async def test_every_column_of_a_queued_document_counts(sql: str, tmp_path: Path) -> None:
    path = await filled(tmp_path, lambda work: work.outbox.add(item(1)))
    tamper(path, sql)

    async with await opened(path) as store:
        assert await store.read(lambda work: work.outbox.after(PHX, 0, 10)) == ()
        assert len(await store.quarantined()) == 1


def queue_five(work: Work) -> None:
    for n in range(1, 6):
        work.outbox.add(item(n, n=n))


async def test_a_corrupt_document_holds_back_no_later_one(tmp_path: Path) -> None:
    path = await filled(
        tmp_path,
        queue_five,
    )
    tamper(path, "UPDATE outbox SET body = x'00' WHERE sequence < 4")

    async with await opened(path) as store:
        found = await store.read(lambda work: work.outbox.after(PHX, 0, 2))
        assert [one.sequence for one in found] == [4, 5]


async def test_a_corrupt_plan_is_an_error_until_a_new_one_replaces_it(tmp_path: Path) -> None:
    path = await filled(tmp_path, lambda work: work.plans.put(plan(2)))
    tamper(path, "UPDATE plan SET body = replace(body, '120', '920')")

    async with await opened(path) as store:
        with pytest.raises(StoreError, match="CORRUPT_ROW: plan phx-1"):
            await store.read(lambda work: work.plans.get(PHX))
        # The stored number cannot be trusted either, so the pipeline's next plan is taken whatever it is.
        await store.write(lambda work: work.plans.put(plan(1)))
        assert await store.read(lambda work: work.plans.get(PHX)) == plan(1)
        (aside,) = await store.quarantined()
        assert "920" in aside.content


async def test_a_corrupt_intent_is_an_error_and_left_out_of_lists(tmp_path: Path) -> None:
    path = await filled(
        tmp_path,
        lambda work: work.intents.put(record()),
        lambda work: work.intents.put(record("intent-2")),
    )
    tamper(path, "UPDATE intent SET status = 'settled' WHERE intent_id = 'intent-1'")

    async with await opened(path) as store:
        with pytest.raises(StoreError, match="CORRUPT_ROW"):
            await store.read(lambda work: work.intents.get(INTENT))
        found = await store.read(lambda work: work.intents.of_event(KEY))
        assert [one.intent.id for one in found] == ["intent-2"]
        await store.write(lambda work: work.intents.put(record(n=2)))
        known = await store.read(lambda work: work.intents.get(INTENT))
        assert known is not None
        assert known.intent.status is State.SCHEDULED


async def test_a_live_intent_that_lost_its_place_in_the_index_is_noticed(tmp_path: Path) -> None:
    path = await filled(tmp_path, lambda work: work.intents.put(record()))
    tamper(path, "UPDATE intent SET current = 0")

    with capture_logs() as logs:
        await (await opened(path)).close()

    assert [line["table"] for line in logs if line["event"] == "row_corrupt"] == ["intent"]


async def test_a_corrupt_event_is_taken_anew_when_it_is_fetched_again(tmp_path: Path) -> None:
    path = await filled(tmp_path, lambda work: work.events.remember(event(), raw()))
    tamper(path, "UPDATE event SET body = replace(body, '0.75', '0.15')")

    async with await opened(path) as store:
        with pytest.raises(StoreError, match="CORRUPT_ROW: event azp/evt-1/0"):
            await store.read(lambda work: work.events.newest(KEY))
        assert await store.read(lambda work: work.events.open(AZP, NOW)) == ()

        seen = await store.write(lambda work: work.events.remember(event(), raw()))

        assert seen is Seen.NEW
        assert await store.read(lambda work: work.events.newest(KEY)) == event()
        (aside,) = await store.quarantined()
        assert "0.15" in aside.content


async def test_a_corrupt_timer_is_not_fired_and_not_due_for_ever(tmp_path: Path) -> None:
    path = await filled(
        tmp_path,
        lambda work: work.timers.set(timer("phase:a")),
        lambda work: work.timers.set(timer("phase:b", after(60))),
    )
    tamper(path, "UPDATE timer SET subject = 'z' WHERE key = 'phase:a'")

    async with await opened(path) as store:
        assert await store.write(lambda work: work.timers.due(NOW)) == ()
        assert await store.read(lambda work: work.timers.next_due()) == after(60)
        await store.write(lambda work: work.timers.set(timer("phase:a")))
        assert await store.write(lambda work: work.timers.due(NOW)) == (timer("phase:a"),)


async def test_a_timer_moved_into_the_far_future_is_noticed_at_start(tmp_path: Path) -> None:
    path = await filled(tmp_path, lambda work: work.timers.set(timer()))
    tamper(path, "UPDATE timer SET due_at = due_at + 1000000000000000")

    with capture_logs() as logs:
        await (await opened(path)).close()

    assert [line["table"] for line in logs if line["event"] == "row_corrupt"] == ["timer"]


async def test_a_corrupt_answer_a_corrupt_session_a_corrupt_token(tmp_path: Path) -> None:
    path = await filled(
        tmp_path,
        lambda work: work.participations.queue(answer()),
        lambda work: work.sessions.put(AZP, b"state"),
        lambda work: work.sessions.put(UtilityName("srp"), {"device 1": b"1"}),
        lambda work: work.tokens.add(token()),
    )
    tamper(path, "UPDATE participation SET body = replace(body, '\"in\"', '\"out\"')")
    tamper_again(path, "UPDATE session_state SET body = x'00'")
    tamper_again(path, "UPDATE session_part SET body = x'00'")
    tamper_again(path, "UPDATE token SET site = 'tul-1'")

    async with await opened(path) as store:
        assert await store.read(lambda work: work.participations.pending(AZP)) == ()
        with pytest.raises(StoreError, match="CORRUPT_ROW: session_state azp"):
            await store.read(lambda work: work.sessions.state(AZP))
        with pytest.raises(StoreError, match="CORRUPT_ROW: session_part srp/device 1"):
            await store.read(lambda work: work.sessions.state(UtilityName("srp")))
        with pytest.raises(StoreError, match="CORRUPT_ROW: token sched"):
            await store.read(lambda work: work.tokens.by_digest(token().sha256))
        assert {one.table for one in await store.quarantined()} == {
            "participation",
            "session_state",
            "session_part",
            "token",
        }


def tamper_again(path: Path, sql: str) -> None:
    connection = sqlite3.connect(path)
    assert connection.execute(sql).rowcount > 0
    connection.commit()
    connection.close()


async def test_a_corrupt_statement_is_never_left_out_of_a_list_of_money(tmp_path: Path) -> None:
    path = await filled(tmp_path, lambda work: work.statements.put(statement()))
    tamper(path, "UPDATE statement SET body = replace(body, '\"USD\"', '\"EUR\"')")

    async with await opened(path) as store:
        for job in (
            lambda work: work.statements.of_site(None),
            lambda work: work.statements.get("st-1"),
        ):
            with pytest.raises(StoreError, match="CORRUPT_ROW"):
                await store.read(job)


async def test_a_corrupt_record_or_raw_message_is_an_error(tmp_path: Path) -> None:
    path = await filled(
        tmp_path,
        lambda work: work.log.append("audit", "x", {"kw": "500"}, NOW),
        lambda work: work.events.remember(event(), raw()),
    )
    tamper(path, "UPDATE log SET record = replace(record, '500', '900')")
    tamper_again(path, "UPDATE raw_message SET body = x'00'")

    async with await opened(path) as store:
        with pytest.raises(StoreError, match="CORRUPT_ROW: log record 0"):
            await store.read(lambda work: work.log.entries())
        with pytest.raises(StoreError, match="CORRUPT_ROW: raw message"):
            await store.read(lambda work: work.events.raw(raw().sha256))


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE log_frontier SET size = 3, peaks = peaks || peaks",
        "UPDATE log_frontier SET peaks = x'00'",
        "DELETE FROM log_frontier",
    ],
)
async def test_nothing_is_appended_to_a_log_whose_frontier_does_not_fit(
    sql: str, tmp_path: Path
) -> None:
    path = await filled(tmp_path, lambda work: work.log.append("audit", "x", {}, NOW))
    tamper(path, sql)

    async with await opened(path) as store:
        with pytest.raises(StoreError, match="CORRUPT_ROW"):
            await store.write(lambda work: work.log.append("audit", "x", {}, NOW))


async def test_the_alarm_copies_a_finding_once(tmp_path: Path) -> None:
    path = await filled(tmp_path, lambda work: work.sessions.put(AZP, b"state"))
    tamper(path, "UPDATE session_state SET body = x'00'")

    for _ in range(2):
        async with await opened(path) as store:
            for _ in range(3):
                with pytest.raises(StoreError, match="CORRUPT_ROW"):
                    await store.read(lambda work: work.sessions.state(AZP))
            assert len(await store.quarantined()) == 1


async def test_a_job_that_fails_still_leaves_its_finding(tmp_path: Path) -> None:
    path = await filled(tmp_path, lambda work: work.outbox.add(item(1)))

    async with await opened(path) as store:
        tamper_again(path, "UPDATE outbox SET body = x'00'")

        def job(work: Work) -> None:
            assert work.outbox.after(PHX, 0, 10) == ()
            work.tokens.add(token())
            work.tokens.add(token())

        with pytest.raises(StoreError, match="NAME_TAKEN"):
            await store.write(job)
        assert len(await store.quarantined()) == 1


async def test_a_store_read_beside_its_writer_raises_the_alarm_too(tmp_path: Path) -> None:
    path = await filled(tmp_path, lambda work: work.outbox.add(item(1)))
    tamper(path, "UPDATE outbox SET body = x'00'")

    with capture_logs() as logs:
        async with await open_for_reading(f"sqlite:///{path}") as store:
            assert await store.read(lambda work: work.outbox.after(PHX, 0, 10)) == ()
            with pytest.raises(StoreError, match="READ_ONLY"):
                await store.write(lambda work: work.timers.set(timer()))

    assert [line["event"] for line in logs] == ["row_corrupt"]


async def test_what_is_no_store_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "s.db").write_bytes(b"no database at all, whatever its name may say" * 100)

    with pytest.raises(StoreError, match="CORRUPT"):
        await open_for_reading(f"sqlite:///{tmp_path / 's.db'}")
    with pytest.raises(StoreError, match="CANNOT_OPEN"):
        await open_for_reading(f"sqlite:///{tmp_path / 'none.db'}")


def test_the_sample_message_is_bytes() -> None:
    assert isinstance(raw(), RawMessage)
