"""The whole story over the real store on disk, with a restart in the hold."""

from pathlib import Path

from gateway.domain.intent import State
from gateway.domain.participation import Opt
from gateway.pipeline.methods import METHODS
from gateway.settlement.finding import Outcome
from gateway.settlement.verify import verify
from gateway.store.open import open_store
from tests.fakes import CountedIds
from tests.intent_samples import EVENT, START, UTC_1600
from tests.pipeline_story import (
    END,
    MINUTE,
    SETTLED_AT,
    House,
    cancelled,
    changed,
    follows,
    opened,
    opts,
)


async def test_the_story_is_the_same_on_disk_and_goes_on_after_a_restart(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'gateway.db'}"
    async with await open_store(url, ids=CountedIds()) as store:
        house = await opened(House(store=store))
        await house.prover.head()
        await house.deliver(EVENT, changed(EVENT, event_id="evt-2"))
        await house.ack()
        await house.commit()
        await house.until(START + 30 * MINUTE)

    async with await open_store(url, ids=CountedIds()) as store:
        house.store = store
        house.restart()
        await house.deliver(EVENT)
        gone = cancelled(changed(EVENT, event_id="evt-2"), house.now, implied=True)
        await house.deliver(gone)
        await house.until(END + MINUTE)
        await house.meter(UTC_1600, 210, follows)
        await house.until(SETTLED_AT)

        record = await house.record()
        assert record.intent.status is State.SETTLED
        assert (await house.record(event_id="evt-2")).intent.status is State.CANCELLED
        assert (Opt.IN, "committed") in opts(house.told)
        statement = await house.statement()
        assert statement is not None
        assert statement.version == 1
        assert statement.quality_counts == {"A": 36, "E": 0, "M": 0, "T": 0}
        assert await house.timers() == []
        verdict = verify(await house.prover.bundle(statement.id), METHODS)
        assert verdict.outcome is Outcome.VERIFIED, verdict.findings


async def test_what_comes_late_corrects_a_statement_on_disk_over_a_restart(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'gateway.db'}"
    lost = 60
    async with await open_store(url, ids=CountedIds()) as store:
        house = await opened(House(store=store))
        await house.deliver(EVENT)
        await house.commit()
        await house.until(END + MINUTE)
        await house.meter(UTC_1600 + lost * MINUTE, 210 - lost, follows)
        await house.until(SETTLED_AT)
        first = await house.statement()
        assert first is not None
        assert first.quality_counts["A"] < 36
        await house.meter(UTC_1600, lost - 10, follows)  # not all of it: a quiet time is waited for

    async with await open_store(url, ids=CountedIds()) as store:
        house.store = store
        house.restart()
        assert [timer.key for timer in await house.timers()] == [f"correct:{house.id_of()}"]
        await house.meter(UTC_1600 + (lost - 10) * MINUTE, 10, follows)
        await house.until(SETTLED_AT + 2 * MINUTE)

        second = await house.statement()
        assert second is not None
        assert (second.version, second.quality_counts["A"]) == (2, 36)
        assert second.correction is not None
        assert len(second.correction.late) == lost
        assert await store.read(lambda work: work.statements.get(second.id, 1)) == first
        assert await house.timers() == []
        verdict = verify(await house.prover.bundle(second.id), METHODS)
        assert verdict.outcome is Outcome.VERIFIED, verdict.findings
        assert verdict.trail == (first,)
