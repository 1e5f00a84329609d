"""Large messages and documents in the store: written once in a transaction, read once while somebody holds them."""

import sqlite3
from collections.abc import Callable
from dataclasses import replace

import pytest

from gateway.domain.names import EventId, IntentId
from gateway.pipeline.ports import Work
from gateway.pipeline.records import Seen
from gateway.store.codec import LARGEST_KEPT
from gateway.store.open import open_store
from gateway.store.work import SqlWork
from tests.fakes import CountedIds
from tests.intent_samples import EVENT
from tests.store_samples import raw, record


async def test_a_message_that_brings_many_events_is_bound_once_in_a_transaction() -> None:
    bound: list[str] = []

    def count(statement: str) -> None:
        bound.extend([statement] if statement.startswith("INSERT INTO raw_message") else [])

    def job(work: Work) -> list[Seen]:
        return [
            work.events.remember(replace(EVENT, event_id=EventId(f"e{number}")), message)
            for number in range(20)
        ]

    message = raw(b"<oadrDistributeEvent>" + b" " * 100_000 + b"</oadrDistributeEvent>")
    async with await open_store("sqlite://", ids=CountedIds()) as store:
        await store.write(lambda work: _listen(work, count))
        seen = await store.write(job)
        again = await store.write(job)
        kept = await store.read(lambda work: work.events.raw(message.sha256))

    assert len(bound) == 1, "and not at all for what is known"
    assert set(seen) == {Seen.NEW}
    assert set(again) == {Seen.DUPLICATE}
    assert kept == message


async def test_a_rolled_back_message_is_stored_by_the_next_transaction() -> None:
    message = raw(b"<rolled-back/>")

    def fails(work: Work) -> None:
        work.events.keep(message)
        raise LookupError("scripted")

    async with await open_store("sqlite://", ids=CountedIds()) as store:
        with pytest.raises(LookupError):
            await store.write(fails)
        await store.write(lambda work: work.events.keep(message))
        kept = await store.read(lambda work: work.events.raw(message.sha256))

    assert kept == message


async def test_a_large_intent_that_somebody_holds_is_not_read_a_second_time() -> None:
    first = record()
    ask = first.intent.asks[0]
    long = ask.model_copy(update={"segments": ask.segments * 200})
    large = replace(first, intent=first.intent.model_copy(update={"asks": (long,)}))
    async with await open_store("sqlite://", ids=CountedIds()) as store:
        await store.write(lambda work: work.intents.put(large))

        def twice(work: Work) -> tuple[bool, int]:
            one = work.intents.get(IntentId(large.intent.id))
            other = work.intents.of_event(large.event)[0]
            assert one is not None
            return one.intent is other.intent, len(one.intent.model_dump_json())

        shared, size = await store.read(twice)

    assert size > LARGEST_KEPT
    assert shared


def _listen(work: Work, count: Callable[[str], None]) -> None:
    assert isinstance(work, SqlWork)
    driver = work._transaction.connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    driver.set_trace_callback(count)
