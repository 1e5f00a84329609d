"""A crash after any write of the store leads to the same end, and so do answers in any order."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.domain.answers import TelemetryBatch
from gateway.domain.errors import SessionError, StoreError
from gateway.domain.intent import State
from gateway.domain.participation import Opt
from gateway.domain.plan import EffectivePlan
from gateway.intents.lifecycle import TERMINAL
from gateway.pipeline.methods import METHODS
from gateway.settlement.finding import Outcome
from gateway.settlement.verify import verify
from tests.intent_samples import EVENT, START, UTC_1600
from tests.pipeline_story import (
    END,
    HERE,
    MINUTE,
    SETTLED_AT,
    FailingStore,
    House,
    batch,
    cancelled,
    follows,
    lasting,
    modified,
    opened,
)

BATCH = 15


async def again(house: House, act: Callable[[], Awaitable[object]]) -> None:
    """Do it; whoever got no answer because the gateway died does it once more."""
    try:
        await act()
    except StoreError as error:
        assert error.reason == "CRASH"
        house.restart()
        await act()


async def meter(house: House, first_minute: int, until_minute: int) -> None:
    """Meter in batches of a quarter of an hour, counted from 16:00."""
    samples = [
        batch(UTC_1600 + k * MINUTE, follows(UTC_1600 + k * MINUTE)).samples[0]
        for k in range(first_minute, until_minute)
    ]
    for first in range(0, len(samples), BATCH):
        part = batch(
            UTC_1600,
            Decimal(0),
            batch_id=f"part-{first_minute + first}",
            samples=tuple(samples[first : first + BATCH]),
        )

        async def send(part: TelemetryBatch = part) -> None:
            await house.desk.telemetry(HERE, part)

        await again(house, send)


async def story(*, cancel: bool, fatal: int | None = None) -> House:
    """Tell the whole story: notified, joined, changed, joined again, over or cancelled, settled."""
    store = FailingStore()
    house = await opened(House(store=store))
    store.writes, store.fatal = 0, fatal
    await again(house, lambda: house.deliver(EVENT))
    await again(house, house.ack)
    await again(house, house.commit)
    await house.until(START + 30 * MINUTE)
    longer = modified(lasting(EVENT, timedelta(hours=2)), house)
    await again(house, lambda: house.deliver(longer))
    await again(house, house.commit)
    await house.until(START + 60 * MINUTE)
    if cancel:
        gone = cancelled(longer, house.now)
        await again(house, lambda: house.deliver(gone))
    await house.until(START + 62 * MINUTE)
    await meter(house, 0, 90)
    await house.until(START + 125 * MINUTE)
    await meter(house, 90, 150)
    await house.until(SETTLED_AT)
    return house


async def what_remains(house: House) -> dict[str, object]:
    """Return what must not depend on crashes; instants of noticing may be a minute late."""
    record = await house.record()
    statement = await house.statement()
    assert statement is not None
    plan: EffectivePlan = await house.plan()
    bundle = await house.prover.bundle(statement.id)
    assert verify(bundle, METHODS).outcome is Outcome.VERIFIED
    return {
        "status": record.intent.status,
        "revision": record.intent.revision,
        "opt": record.opt,
        "cancelled_at": record.intent.cancelled_at,
        "asks": record.intent.asks,
        "caps_now": plan.segments[-1].import_max_kw,
        "questions": plan.open_questions,
        "version": statement.version,
        "totals": statement.totals,
        "quality": statement.quality_counts,
        "timers": await house.timers(),
        "intents_sent": [item.revision for item in await house.outbox("intent")],
        "told": sorted({(p.version, p.opt) for p in house.told}),
    }


@pytest.mark.slow
@pytest.mark.parametrize("cancel", [False, True])
async def test_a_crash_after_any_write_leads_to_the_same_end(cancel: bool) -> None:
    smooth = await story(cancel=cancel)
    assert isinstance(smooth.store, FailingStore)
    writes = smooth.store.writes
    expected = await what_remains(smooth)
    told = expected.pop("told")
    assert expected["status"] is State.SETTLED
    assert expected["version"] == 1
    assert expected["quality"] == {"A": 12 if cancel else 24, "E": 0, "M": 0, "T": 0}
    assert expected["timers"] == []
    assert writes > 15

    for fatal in range(1, writes + 1):
        found = await what_remains(await story(cancel=cancel, fatal=fatal))
        heard = found.pop("told")
        assert found == expected, f"after write {fatal}"
        # An answer whose telling died with the process waits in the store for the next session.
        assert isinstance(heard, list)
        assert isinstance(told, list)
        assert set(heard) <= set(told)


# --- any order of things


STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            ["in", "out", "partial", "ack", "modify", "cancel", "vanish", "again", "restart", "old"]
        ),
        st.integers(0, 80),
    ),
    max_size=12,
)


async def _do(house: House, word: str, newest: list[object]) -> None:
    event = newest[-1]
    assert isinstance(event, type(EVENT))
    match word:
        case "in" | "out" | "partial":
            await house.commit(Opt(word), reason=word)
        case "ack":
            await house.ack()
        case "modify":
            event = modified(event, house, cancelled_at=None, cancel_implied=False)
            await house.deliver(event)
            newest.append(event)
        case "cancel" | "vanish":
            gone = cancelled(event, house.now, implied=word == "vanish")
            await house.deliver(gone)
            if word == "cancel":
                newest.append(gone)
        case "again":
            await house.deliver(event)
        case "old":
            await house.deliver(EVENT)
        case _:
            house.restart()


@settings(max_examples=60, deadline=None)
@given(steps=STEPS)
async def test_whatever_happens_an_event_ends_closed_bounded_and_provable(
    steps: list[tuple[str, int]],
) -> None:
    house = await opened(House())
    await house.deliver(EVENT)
    newest: list[object] = [EVENT]
    for word, minutes in steps:
        try:
            await _do(house, word, newest)
        except SessionError as error:
            assert error.reason in {"STALE_REVISION", "TOO_LATE"}
        await house.until(house.now + minutes * MINUTE + timedelta(seconds=7))
        record = await house.record()
        plan = await house.plan()
        frozen = record.intent.ask.resolution if record.intent.ask else None
        assert frozen is not None
        assert frozen.samples == 60
        assert len(plan.segments) <= 400
        for at in (house.now, START, END - MINUTE):
            segment = plan.segment_at(at)
            if segment is not None and segment.import_max_kw is not None:
                assert segment.import_max_kw >= Decimal(75)
        bound = record.opt in {Opt.IN, None} and record.intent.cancelled_at is None
        if bound and START <= house.now < END:
            assert await house.cap() == Decimal(75)
    await house.until(max(house.now, END) + timedelta(hours=2))
    record = await house.record()
    assert record.intent.status in TERMINAL, record.intent.status
    assert await house.timers() == []
    assert (await house.plan()).open_questions == ()
    statement = await house.statement()
    if statement is not None:
        assert statement.totals.metered_kwh == 0
        verdict = verify(await house.prover.bundle(statement.id), METHODS)
        assert verdict.outcome is Outcome.VERIFIED, verdict.findings
