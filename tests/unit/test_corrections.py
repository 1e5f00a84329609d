"""What was missing arrives after the statement: a further version says so, and no earlier one is touched."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache
from random import Random  # noqa: TID251 - seeds forgeries; nothing of it reaches the code under test
from typing import Any, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.forgeries.classes import FORGERIES
from conformance.forgeries.editing import listed, with_document, with_records, without
from gateway.cli.evidence import text_of
from gateway.domain.answers import Sample, TelemetryBatch
from gateway.domain.canonical import read_json
from gateway.domain.errors import StoreError
from gateway.domain.intent import State
from gateway.domain.points import Step
from gateway.domain.settlement import CorrectionReason, SettlementStatement, StatementStatus
from gateway.pipeline.late import MOST_QUIET, PATIENCE, QUIET
from gateway.pipeline.methods import METHODS
from gateway.settlement.bundle import read_bundle
from gateway.settlement.checks.log import late_batches, sources_have_no_gaps
from gateway.settlement.evidence import INCLUSION, RECORDS, RESULT
from gateway.settlement.finding import Finding, Outcome
from gateway.settlement.records import logged, statement_digest
from gateway.settlement.verify import verify
from tests.intent_samples import EVENT, PROGRAM, UTC_1600
from tests.pipeline_story import (
    END,
    HERE,
    MINUTE,
    SETTLED_AT,
    FailingStore,
    House,
    follows,
    lasting,
    level,
    modified,
    opened,
)
from tests.store_fakes import MemoryStore, MemoryWork

T = TypeVar("T")

DAY = timedelta(days=1)
FIRST_LOST, LOST = UTC_1600 + 60 * MINUTE, 125
"""As it was seen: the gateway was down for 125 of the event's 180 minutes."""


@dataclass
class BusyStore(MemoryStore):
    """Stores something else right before the first settlement, after its records were read."""

    meanwhile: Callable[[], Awaitable[object]] | None = None

    async def write(self, job: Callable[[MemoryWork], T], step: Step = Step.OTHER) -> T:
        arrives, self.meanwhile = (
            (self.meanwhile, None) if step is Step.SETTLE else (None, self.meanwhile)
        )
        if arrives is not None:
            await arrives()
        return await super().write(job, step)


def told(
    name: str, at: Iterable[datetime], kw: Callable[[datetime], Decimal] = follows
) -> TelemetryBatch:
    """One batch with these minutes of the contract meter."""
    samples = tuple(
        Sample(
            meter="it_load",
            start=when,
            duration=MINUTE,
            energy_kwh=(kw(when) / 60).quantize(Decimal("1e-9")),
        )
        for when in at
    )
    return TelemetryBatch(batch_id=name, samples=samples)


def minutes(start: datetime, count: int) -> list[datetime]:
    return [start + k * MINUTE for k in range(count)]


async def joined(house: House) -> House:
    """Bring a house past the answer to the event."""
    house = await opened(house)
    await house.prover.head()
    await house.deliver(EVENT)
    await house.ack()
    await house.commit()
    return house


async def settled_without(house: House, lost: Sequence[datetime]) -> House:
    """Bring a house past its settlement, which lacked some minutes."""
    house = await joined(house)
    await house.until(END + MINUTE)
    kept = [at for at in minutes(UTC_1600, 210) if at not in lost]
    await house.desk.telemetry(HERE, told("in time", kept))
    await house.until(SETTLED_AT)
    return house


async def lacking(house: House | None = None) -> House:
    return await settled_without(house or House(), minutes(FIRST_LOST, LOST))


async def newest(house: House) -> SettlementStatement:
    found = await house.statement()
    assert found is not None
    return found


def figures(statement: SettlementStatement) -> dict[str, object]:
    """Everything but what a statement rests on."""
    return statement.model_dump(exclude={"version", "status", "inputs", "correction"})


async def in_time() -> SettlementStatement:
    return await newest(await settled_without(House(), []))


@cache
def _best() -> SettlementStatement:
    return asyncio.run(in_time())


async def version(house: House, number: int) -> SettlementStatement | None:
    name = f"st-{house.id_of()}"
    return await house.store.read(lambda work: work.statements.get(name, number))


# --- what comes of it


async def test_what_was_missing_corrects_the_statement_as_if_it_had_been_in_time() -> None:
    house = await lacking()
    first = await newest(house)
    assert "event_data_missing" in first.flags
    assert sum(one.metered_kwh is None for one in first.intervals) == 25

    await house.desk.telemetry(HERE, told("late", minutes(FIRST_LOST, LOST)))
    await house.until(SETTLED_AT + 2 * MINUTE)  # the window is whole: nothing is waited for
    second = await newest(house)

    assert figures(second) == figures(await in_time())
    assert second.totals.payment > first.totals.payment
    assert (second.version, second.status) == (2, StatementStatus.RESETTLED)
    assert second.correction is not None
    assert (second.correction.corrects, second.correction.reason) == (
        1,
        CorrectionReason.LATE_DATA,
    )
    assert await version(house, 1) == first
    assert first.correction is None
    (before, _) = await house.entries("settlement")
    assert second.correction.sha256 == statement_digest(logged(before.index, before.record))
    assert (await house.record()).intent.status is State.SETTLED
    assert await house.timers() == []


async def test_a_first_statement_is_written_as_before_corrections_were_known() -> None:
    first = await newest(await lacking())

    assert "correction" not in first.model_dump_json(by_alias=True)


async def test_a_part_of_what_was_missing_is_settled_after_a_quiet_time() -> None:
    house = await lacking()
    await house.desk.telemetry(HERE, told("a", minutes(FIRST_LOST, 50)))
    await house.until(SETTLED_AT + QUIET - MINUTE)
    assert (await newest(house)).version == 1
    await house.until(SETTLED_AT + QUIET + MINUTE)
    second = await newest(house)
    assert second.version == 2
    assert second.quality_counts["E"] == 15  # a gap that is short enough is estimated

    await house.desk.telemetry(HERE, told("b", minutes(FIRST_LOST + 50 * MINUTE, 75)))
    await house.until(house.now + 2 * MINUTE)
    third = await newest(house)
    assert third.version == 3
    assert third.correction is not None
    assert third.correction.corrects == 2
    assert len(third.correction.late) == 2
    assert figures(third) == figures(await in_time())


async def test_samples_that_trickle_in_are_settled_together() -> None:
    house = await lacking()
    for k, at in enumerate(minutes(FIRST_LOST, LOST)):
        await house.desk.telemetry(HERE, told(f"late {k}", [at]))
        await house.until(house.now + 20 * timedelta(seconds=1))
    await house.until(house.now + 2 * MINUTE)

    assert (await newest(house)).version == 2  # whole before anybody lost patience
    assert figures(await newest(house)) == figures(await in_time())


async def test_a_trickle_without_end_is_settled_all_the_same() -> None:
    house = await settled_without(House(), minutes(FIRST_LOST, LOST))
    for k in range(70):
        await house.desk.telemetry(HERE, told(f"late {k}", [FIRST_LOST + k * MINUTE]))
        await house.until(house.now + MINUTE)

    assert house.now > SETTLED_AT + PATIENCE * QUIET
    assert (await newest(house)).version == 2


async def test_other_values_for_ever_are_answered_ever_more_rarely() -> None:
    house = await settled_without(House(), [])
    until = house.now + 12 * DAY
    k = 0
    while house.now < until:
        k += 1
        await house.desk.telemetry(
            HERE, told(f"again {k}", [FIRST_LOST + (k % 180) * MINUTE], level(71 + k % 5))
        )
        await house.sleep(house.now + 235 * MINUTE)
        await house.until(house.now + 5 * MINUTE)
    assert MOST_QUIET < 12 * DAY
    assert 5 < (await newest(house)).version < 24


async def test_what_was_told_before_makes_no_version() -> None:
    house = await lacking()
    await house.desk.telemetry(HERE, told("again", minutes(UTC_1600, 30)))
    await house.until(SETTLED_AT + 2 * QUIET)

    assert (await newest(house)).version == 1
    assert await house.timers() == []
    assert len(await house.entries("late")) == 1


async def test_the_same_batch_again_is_nothing_new() -> None:
    house = await lacking()
    await house.desk.telemetry(
        HERE, told("in time", [at for at in minutes(UTC_1600, 210) if not lost(at)])
    )
    assert await house.entries("late") == ()
    assert await house.timers() == []


def lost(at: datetime) -> bool:
    return FIRST_LOST <= at < FIRST_LOST + LOST * MINUTE


async def test_live_samples_after_the_event_correct_nothing() -> None:
    house = await lacking()
    await house.desk.telemetry(HERE, told("live", minutes(END, 30)))

    assert await house.entries("late") == ()
    assert await house.timers() == []


async def test_another_meter_corrects_nothing() -> None:
    house = await lacking()
    batch = told("late", minutes(FIRST_LOST, LOST))
    other = tuple(one.model_copy(update={"meter": "poc"}) for one in batch.samples)
    await house.desk.telemetry(HERE, batch.model_copy(update={"samples": other}))

    assert await house.entries("late") == ()


async def test_a_late_baseline_window_gives_the_event_its_baseline() -> None:
    house = House()
    await house.agree()
    await house.until(EVENT.received_at)
    await house.meter(UTC_1600 - 45 * MINUTE, 45, level(100))  # enough for the limit, frozen now
    await house.deliver(EVENT)
    await house.commit()
    await house.until(END + MINUTE)
    await house.desk.telemetry(HERE, told("in time", minutes(UTC_1600, 210)))
    await house.until(SETTLED_AT)
    first = await newest(house)
    assert "window_partial" in first.flags
    await house.desk.telemetry(
        HERE, told("window", minutes(UTC_1600 - 60 * MINUTE, 15), level(110))
    )
    await house.until(SETTLED_AT + 2 * MINUTE)

    second = await newest(house)
    assert second.version == 2
    assert "window_partial" not in second.flags
    assert second.limit_kw == first.limit_kw  # frozen stays frozen
    assert second.totals.baseline_kwh > first.totals.baseline_kwh


# --- how long


async def test_after_its_time_a_statement_stands() -> None:
    program = replace(PROGRAM, correct_within=2 * DAY)
    house = await lacking(House(program=program))
    await house.sleep(END + 2 * DAY)
    await house.desk.telemetry(HERE, told("too late", minutes(FIRST_LOST, LOST)))
    await house.until(house.now + 2 * QUIET)

    assert (await newest(house)).version == 1
    assert await house.entries("late") == ()


async def test_until_then_it_is_corrected() -> None:
    program = replace(PROGRAM, correct_within=2 * DAY)
    house = await lacking(House(program=program))
    await house.sleep(END + 2 * DAY - MINUTE)
    await house.desk.telemetry(HERE, told("just in time", minutes(FIRST_LOST, LOST)))
    await house.until(house.now + 2 * QUIET)

    assert (await newest(house)).version == 2
    await house.desk.telemetry(HERE, told("too late", minutes(FIRST_LOST, LOST), level(90)))
    assert len(await house.entries("late")) == 1


async def test_months_of_readings_between_are_no_part_of_a_correction() -> None:
    house = await lacking()
    for day in range(20):
        await house.sleep(SETTLED_AT + day * DAY)
        await house.desk.telemetry(HERE, told(f"day {day}", minutes(house.now - 5 * MINUTE, 5)))
    await house.desk.telemetry(HERE, told("late", minutes(FIRST_LOST, LOST)))
    await house.until(house.now + 2 * MINUTE)
    second = await newest(house)

    assert second.version == 2
    first = await version(house, 1)
    assert first is not None
    assert len(second.inputs.telemetry) == len(first.inputs.telemetry) + 1
    verdict = verify(await house.prover.bundle(second.id), METHODS)
    assert verdict.outcome is Outcome.VERIFIED, verdict.findings


# --- with what else happens


async def test_a_new_version_of_the_event_is_settled_at_its_own_end() -> None:
    house = await lacking()
    await house.deliver(modified(lasting(EVENT, timedelta(hours=5)), house))
    await house.commit()
    await house.desk.telemetry(HERE, told("late", minutes(FIRST_LOST, LOST)))
    assert await house.entries("late") == ()  # the settlement to come reads it anyway
    await house.until(END + 121 * MINUTE)
    await house.desk.telemetry(HERE, told("rest", minutes(END, 120), level(70)))
    await house.until(SETTLED_AT + timedelta(hours=2) + MINUTE)

    second = await newest(house)
    assert second.version == 2
    assert second.correction is not None
    assert second.correction.reason is CorrectionReason.EVENT_CHANGED
    assert "event_data_missing" not in second.flags
    verdict = verify(await house.prover.bundle(second.id), METHODS)
    assert verdict.outcome is Outcome.VERIFIED, verdict.findings


async def test_what_comes_while_a_statement_is_computed_is_not_lost() -> None:
    store = BusyStore()
    house = await joined(House(store=store))
    await house.until(END + MINUTE)
    kept = [at for at in minutes(UTC_1600, 210) if not lost(at)]
    await house.desk.telemetry(HERE, told("in time", kept))
    batch = told("between", minutes(FIRST_LOST, LOST))
    store.meanwhile = lambda: house.desk.telemetry(HERE, batch)
    await house.until(SETTLED_AT)
    assert len(await house.entries("late")) == 1
    await house.until(SETTLED_AT + QUIET + 2 * MINUTE)
    assert (await newest(house)).version == 2
    assert figures(await newest(house)) == figures(await in_time())


@pytest.mark.parametrize("fatal", range(1, 12))
async def test_a_crash_after_any_write_neither_loses_nor_doubles_a_correction(fatal: int) -> None:
    house = await lacking(House(store=FailingStore()))
    store = house.store
    assert isinstance(store, FailingStore)
    store.fatal = store.writes + fatal
    for name, start, count in (("a", 0, 60), ("b", 60, 40), ("c", 100, 25)):
        batch = told(name, minutes(FIRST_LOST + start * MINUTE, count))
        try:
            await house.desk.telemetry(HERE, batch)
        except StoreError as error:
            assert error.reason == "CRASH"
            house.restart()
            await house.desk.telemetry(HERE, batch)
        await house.until(house.now + 9 * QUIET)
    await house.until(house.now + PATIENCE * QUIET)

    entries = [logged(one.index, one.record).document for one in await house.entries("settlement")]
    assert [one["version"] for one in entries] == [1, 2, 3, 4]
    assert len(await house.entries("late")) == 3
    assert figures(await newest(house)) == figures(await in_time())
    assert await house.timers() == []


# --- its proof


async def corrected_twice() -> tuple[House, dict[str, bytes]]:
    house = await lacking()
    for name, start, count in (("a", 0, 60), ("b", 60, 65)):
        await house.desk.telemetry(HERE, told(name, minutes(FIRST_LOST + start * MINUTE, count)))
        await house.until(house.now + 5 * QUIET)
    return house, await house.prover.bundle((await newest(house)).id)


async def test_the_proof_of_a_correction_holds_what_it_corrects() -> None:
    house, bundle = await corrected_twice()
    verdict = verify(bundle, METHODS)

    assert verdict.outcome is Outcome.VERIFIED, verdict.findings
    assert [one.version for one in verdict.trail] == [1, 2]
    printed = text_of(verdict)
    assert "corrects    version 2 (" in printed
    assert (
        f"corrects    version 1 ({verdict.trail[0].totals.payment:.2f} USD), by version 2: late_data"
        in printed
    )
    second = await house.prover.bundle(verdict.trail[1].id, 2)
    assert verify(second, METHODS).outcome is Outcome.VERIFIED
    first = await house.prover.bundle(verdict.trail[0].id, 1)
    assert verify(first, METHODS).outcome is Outcome.VERIFIED
    assert verify(first, METHODS).trail == ()


def _cut(bundle: dict[str, bytes], position: int) -> dict[str, bytes]:
    return with_records(bundle, lambda items: without(items, position))


async def test_the_proof_of_a_correction_lacks_nothing_that_it_rests_on() -> None:
    _, bundle = await corrected_twice()
    lines = [read_json(line) for line in bundle[RECORDS].splitlines()]
    named = {line["telemetry"] for line in lines if line["k"] == "late"}
    places = [proof["index"] for proof in read_json(bundle[INCLUSION])]
    for position, (line, place) in enumerate(zip(lines, places, strict=True)):
        if line["k"] == "telemetry" and place not in named:
            continue  # looked at one by one in the tests of evidence
        assert verify(_cut(bundle, position), METHODS).outcome is not Outcome.VERIFIED, (
            position,
            line["k"],
        )


async def test_only_what_the_log_names_as_late_may_stand_alone() -> None:
    _, files = await corrected_twice()
    whole = read_bundle(files)
    late = late_batches(whole.records)
    assert list(sources_have_no_gaps(whole, alone=late)) == []
    metered = [one for one in whole.records if one.record.k == "telemetry"]
    assert [one.index for one in metered if one.index in late] == sorted(late)
    cut = metered[len(metered) // 2]
    assert cut.index not in late
    rest = tuple(one for one in whole.records if one is not cut)
    found = list(sources_have_no_gaps(replace(whole, records=rest), alone=late))
    assert [one.check for one in found] == ["sequence"]


async def test_every_class_of_forgery_of_a_corrected_statement_is_found() -> None:
    house, bundle = await corrected_twice()
    chance, log_id = Random(7), house.office.log_key.log_id
    for name, forge in FORGERIES.items():
        for _ in range(2):
            made = forge(bundle, chance)
            assert verify(made.files, METHODS, expected_log_id=log_id).findings, name


async def test_another_reason_or_another_forerunner_is_refused() -> None:
    _, bundle = await corrected_twice()
    for key, value in (
        ("reason", "event_changed"),
        ("corrects", 1),
        ("sha256", "0" * 64),
        ("late", []),
    ):

        def change(
            document: dict[str, Any], key: str = key, value: object = value
        ) -> dict[str, Any]:
            statement = document["statement"]
            other = {**statement["correction"], key: value}
            return {**document, "statement": {**statement, "correction": other}}

        found = verify(listed(with_document(bundle, RESULT, change)), METHODS).findings
        assert {"closing", "trail"} & {one.check for one in found}, key
        assert all(isinstance(one, Finding) for one in found)


@settings(max_examples=12, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 209), st.integers(1, 90), st.integers(1, 3)), max_size=6),
    st.permutations([1, 2, 3]),
    st.integers(1, 90),
)
def test_however_late_the_last_version_is_what_data_in_time_would_have_given(
    holes: list[tuple[int, int, int]], order: list[int], between: int
) -> None:
    when = dict.fromkeys(range(210), 0)
    for start, length, batch in holes:
        when |= dict.fromkeys(range(start, min(210, start + length)), batch)

    async def story() -> SettlementStatement:
        late = [UTC_1600 + k * MINUTE for k, batch in when.items() if batch]
        house = await settled_without(House(), late)
        for batch in order:
            its = [UTC_1600 + k * MINUTE for k, of in when.items() if of == batch]
            if its:
                await house.desk.telemetry(HERE, told(f"late {batch}", its))
            await house.until(house.now + between * MINUTE)
        await house.until(house.now + 4 * PATIENCE * QUIET)
        found = await newest(house)
        assert verify(await house.prover.bundle(found.id), METHODS).outcome is Outcome.VERIFIED
        assert await house.timers() == []
        return found

    assert figures(asyncio.run(story())) == figures(_best())
