"""The story of one event at one site, told through the real doors."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from gateway.domain.answers import Commitment
from gateway.domain.canonical import read_json
from gateway.domain.errors import SessionError
from gateway.domain.event import Basis, Kind
from gateway.domain.intent import State
from gateway.domain.participation import Opt
from gateway.pipeline.methods import METHODS
from gateway.pipeline.ports import Seen
from gateway.settlement.finding import Outcome
from gateway.settlement.verify import verify
from tests.intent_samples import DISPATCH, EVENT, PROGRAM, SITE, START, UTC_1600
from tests.pipeline_story import (
    END,
    HERE,
    MINUTE,
    SETTLED_AT,
    THERE,
    House,
    cancelled,
    changed,
    follows,
    lasting,
    modified,
    opened,
    opts,
)

SECOND = timedelta(seconds=1)


async def held(house: House | None = None) -> House:
    """Return a house half an hour into the hold."""
    house = await opened(house or House())
    await house.deliver(EVENT)
    await house.ack()
    await house.commit()
    await house.until(START + 30 * MINUTE)
    return house


async def test_an_event_is_signed_queued_answered_held_settled_and_proved() -> None:
    house = await opened(House())
    await house.prover.head()
    await house.deliver(EVENT)

    intents = await house.outbox("intent")
    assert len(intents) == 1
    document = read_json(intents[0].body)
    assert isinstance(document, dict)
    assert document["data"]["signature"].startswith("signed..")
    assert house.bells.rung == [HERE]
    assert house.told == []
    assert [q.intent_id for q in (await house.plan()).open_questions] == [house.id_of()]

    assert await house.ack() is Seen.NEW
    assert (await house.record()).intent.status is State.ACKED
    assert house.told == []  # seen is not opted
    await house.until(EVENT.received_at + 5 * SECOND)
    assert await house.commit() is Seen.NEW
    assert opts(house.told) == [(Opt.IN, "committed")]
    assert (await house.record()).intent.status is State.PRE_EVENT
    assert (await house.plan()).open_questions == ()

    seen = []
    for at in (START - 14 * MINUTE, START + MINUTE, END + MINUTE, END + 31 * MINUTE):
        await house.until(at)
        seen.append((await house.record()).intent.status)
    assert seen == [State.RAMPING_IN, State.HOLDING, State.RECOVERING, State.COMPLETED]

    await house.meter(UTC_1600, 240, follows)
    await house.until(SETTLED_AT)
    statement = await house.statement()
    assert statement is not None
    assert statement.version == 1
    assert statement.limit_kw == Decimal(75)
    assert len(statement.intervals) == 36
    assert statement.totals.shortfall_kwh == 0
    assert (await house.record()).intent.status is State.SETTLED
    assert await house.timers() == []
    verdict = verify(await house.prover.bundle(statement.id), METHODS)
    assert verdict.outcome is Outcome.VERIFIED, verdict.findings


async def test_the_same_delivery_twice_has_one_effect() -> None:
    house = await opened(House())
    await house.deliver(EVENT)
    await house.commit()
    before = house.store
    log, plan = await house.entries(), await house.plan()
    await house.deliver(changed(EVENT, received_at=house.now + MINUTE))

    assert before is house.store
    assert await house.entries() == log
    assert await house.plan() == plan
    assert len(await house.outbox("intent")) == 1
    assert len({answer.opt for answer in house.told}) == 1


async def test_a_session_that_forgot_the_answer_is_told_again() -> None:
    house = await opened(House())
    await house.deliver(EVENT)
    await house.commit(Opt.OUT, reason="maintenance")
    house.told.clear()
    await house.until(house.now + MINUTE)
    await house.deliver(EVENT)

    assert opts(house.told) == [(Opt.OUT, "maintenance")]


@pytest.mark.spec("OpenADR 2.0b rule 58")
async def test_a_lower_version_changes_nothing() -> None:
    house = await opened(House())
    newer = changed(EVENT, version=3)
    await house.deliver(newer)
    before = await house.record()
    await house.deliver(EVENT, cancelled(changed(EVENT, version=1), house.now))

    assert await house.record() == before
    assert await house.words() == ["outdated", "outdated"]


async def test_one_version_with_two_contents_keeps_the_first_and_says_so() -> None:
    house = await opened(House())
    await house.deliver(EVENT)
    await house.deliver(lasting(EVENT, timedelta(hours=9)))

    assert (await house.record()).intent.timing.duration == timedelta(hours=3)
    assert await house.words() == ["conflict"]


async def test_a_modification_in_the_hold_asks_again_and_keeps_the_frozen_limit() -> None:
    house = await held()
    await house.meter(UTC_1600, 60, follows)
    first = await house.record()
    await house.deliver(modified(lasting(EVENT, timedelta(hours=2)), house))

    record = await house.record()
    assert record.opt is None
    assert record.intent.revision == first.intent.revision + 1
    assert record.intent.ask is not None
    assert first.intent.ask is not None
    assert record.intent.ask.resolution == first.intent.ask.resolution
    assert record.intent.ask.segments[0].resolved_import_max_kw == Decimal(75)
    assert await house.cap() == Decimal(75)
    with pytest.raises(SessionError) as refused:
        await house.commit(revision=first.intent.revision)
    assert refused.value.reason == "STALE_REVISION"
    await house.commit()
    assert (await house.record()).intent.status is State.HOLDING
    assert [answer.version for answer in house.told] == [0, 1]


async def test_a_limit_stays_frozen_over_a_version_that_needed_none() -> None:
    house = await held()
    absolute = replace(
        DISPATCH,
        kind=Kind.LIMIT_IMPORT,
        basis=Basis.ABSOLUTE,
        intervals=(replace(DISPATCH.intervals[0], value=Decimal(80)),),
    )
    await house.meter(UTC_1600, 60, follows)
    second = modified(EVENT, house, signals=(absolute,))
    await house.deliver(second)
    assert await house.cap() == Decimal(80)
    await house.deliver(modified(second, house, signals=(DISPATCH,)))

    assert await house.cap() == Decimal(75)


async def test_a_silent_site_after_a_modification_is_settled_for_what_it_owed_before() -> None:
    house = await held()
    await house.deliver(modified(lasting(EVENT, timedelta(hours=2)), house))
    await house.until(SETTLED_AT)
    assert opts(house.told)[-1] == (Opt.OUT, "default")
    statement = await house.statement()

    assert statement is not None
    assert len(statement.intervals) == 6
    assert statement.totals.metered_kwh == 0
    assert statement.quality_counts["M"] == 6


async def test_an_event_that_is_made_longer_is_not_settled_at_its_old_end() -> None:
    house = await held()
    await house.deliver(modified(lasting(EVENT, timedelta(hours=8)), house))
    await house.commit()
    await house.until(SETTLED_AT)

    assert await house.statement() is None
    assert (await house.record()).intent.status is State.HOLDING
    await house.until(SETTLED_AT + timedelta(hours=5))
    assert await house.statement() is not None


async def test_an_event_can_be_made_longer_after_its_end() -> None:
    house = await held()
    await house.until(END + 40 * MINUTE)
    assert (await house.record()).intent.status is State.COMPLETED
    await house.deliver(modified(lasting(EVENT, timedelta(hours=5)), house))
    await house.commit()

    assert (await house.record()).intent.status is State.HOLDING
    assert await house.cap() == Decimal(75)


async def test_an_event_can_be_announced_anew_after_it_was_settled() -> None:
    house = await held()
    await house.until(SETTLED_AT)
    later = START + timedelta(days=1)
    await house.deliver(modified(lasting(EVENT, timedelta(hours=3), later), house))

    assert (await house.record()).intent.status is State.SCHEDULED
    assert await house.cap(later) == Decimal(75)


async def test_a_version_that_ends_in_the_past_ends_the_hold_and_keeps_the_answer() -> None:
    house = await held()
    await house.deliver(modified(lasting(EVENT, timedelta(minutes=20)), house))

    record = await house.record()
    assert record.opt is Opt.IN
    assert record.intent.status is State.RECOVERING
    assert opts(house.told)[-1] == (Opt.IN, "committed")
    await house.until(END + MINUTE)
    assert (await house.record()).intent.status is State.SETTLED


# --- cancelled


async def test_a_cancel_before_the_ramp_leaves_nothing() -> None:
    house = await opened(House())
    await house.deliver(EVENT)
    await house.commit()
    await house.deliver(cancelled(EVENT, house.now))

    record = await house.record()
    assert record.intent.status is State.CANCELLED
    assert record.intent.cancelled_at == house.now
    assert await house.timers() == []
    assert [s.import_max_kw for s in (await house.plan()).segments] == [None]
    assert len(await house.outbox("intent")) == 2
    assert opts(house.told) == [(Opt.IN, "committed")]  # the session itself confirms a cancel


async def test_a_cancel_in_the_ramp_lets_load_rise_by_the_ramp_only() -> None:
    house = await opened(House())
    await house.deliver(EVENT)
    await house.commit()
    await house.until(START - 5 * MINUTE)
    await house.deliver(cancelled(EVENT, house.now))

    assert (await house.record()).intent.status is State.RAMPING_OUT
    # Ten of fifteen steps of the way to 75 kW were made: 83.333, then 6 kW a minute.
    caps = [s.import_max_kw for s in (await house.plan()).segments]
    assert caps == [Decimal("89.333"), Decimal("95.333"), None]
    await house.until(house.now + 3 * MINUTE)
    assert (await house.record()).intent.status is State.CANCELLED


async def test_a_cancel_in_the_hold_is_settled_up_to_it_and_only_limits_the_way_up() -> None:
    house = await held()
    await house.meter(UTC_1600, 60, follows)
    at = house.now
    await house.deliver(cancelled(EVENT, at))
    caps = [s.import_max_kw for s in (await house.plan()).segments]
    assert caps == [Decimal(81), Decimal(87), Decimal(93), Decimal(99), None]

    await house.until(at + 46 * MINUTE)
    statement = await house.statement()
    assert statement is not None
    assert len(statement.intervals) == 6
    assert (await house.record()).intent.status is State.SETTLED
    assert await house.timers() == []


async def test_a_second_cancel_during_the_way_up_changes_nothing() -> None:
    house = await held()
    once = cancelled(EVENT, house.now)
    await house.deliver(once)
    plan, record = await house.plan(), await house.record()
    await house.deliver(once, cancelled(once, house.now + MINUTE))

    assert await house.plan() == plan
    assert await house.record() == record


@pytest.mark.spec("OpenADR 2.0b rule 65")
async def test_a_cancel_with_a_drawn_delay_holds_until_then() -> None:
    house = await held()
    at = house.now + 10 * MINUTE
    await house.deliver(cancelled(EVENT, at))

    assert (await house.record()).intent.status is State.HOLDING
    assert await house.cap(at - SECOND) == Decimal(75)
    assert await house.cap(at) == Decimal(81)
    await house.until(at + SECOND)
    assert (await house.record()).intent.status is State.RAMPING_OUT
    await house.until(at + 5 * MINUTE)
    assert (await house.record()).intent.status is State.CANCELLED
    await house.until(at + 46 * MINUTE)
    statement = await house.statement()
    assert statement is not None
    assert len(statement.intervals) == 8


async def test_a_cancel_after_an_opt_out_in_the_hold_closes_the_intent() -> None:
    house = await held()
    await house.commit(Opt.OUT, reason="safety")
    assert await house.cap() is None
    await house.deliver(cancelled(EVENT, house.now))

    assert (await house.record()).intent.status is State.CANCELLED


async def test_a_cancel_of_an_event_that_nobody_knows_does_nothing() -> None:
    house = await opened(House())
    await house.deliver(cancelled(EVENT, house.now))

    assert await house.store.read(lambda work: work.intents.get(house.id_of())) is None
    assert house.told == []
    assert await house.outbox("plan") == ()


@pytest.mark.spec("OpenADR 2.0b rule 61")
async def test_an_event_that_vanished_is_cancelled_under_its_own_version_and_taken_anew() -> None:
    house = await held()
    await house.deliver(cancelled(EVENT, house.now, implied=True))
    assert (await house.record()).intent.status is State.RAMPING_OUT
    await house.until(house.now + 10 * MINUTE)
    assert (await house.record()).intent.status is State.CANCELLED

    await house.deliver(EVENT)
    record = await house.record()
    assert record.intent.status is State.SCHEDULED
    assert record.intent.cancelled_at is None
    assert await house.cap() == Decimal(75)
    await house.commit()

    await house.deliver(cancelled(EVENT, house.now, implied=True))
    assert (await house.record()).intent.cancelled_at == house.now


async def test_a_cancel_in_words_under_the_same_version_is_final() -> None:
    house = await opened(House())
    await house.deliver(EVENT)
    await house.deliver(changed(EVENT, cancelled_at=house.now))
    assert (await house.record()).intent.status is State.CANCELLED
    await house.deliver(EVENT)

    assert (await house.record()).intent.status is State.CANCELLED


async def test_a_cancel_after_the_end_changes_nothing() -> None:
    house = await held()
    await house.until(END + 40 * MINUTE)
    before = await house.record()
    await house.deliver(cancelled(EVENT, house.now))

    assert await house.record() == before
    await house.until(SETTLED_AT)
    assert (await house.record()).intent.status is State.SETTLED


async def test_a_cancel_during_the_recovery_does_not_let_load_jump() -> None:
    house = await held()
    await house.until(END + SECOND)
    cap = await house.cap()
    await house.deliver(cancelled(EVENT, house.now))

    assert await house.cap() == cap == Decimal(81)


async def test_a_cancel_found_after_a_restart_in_the_hold_rises_by_the_ramp_and_is_settled() -> (
    None
):
    house = await opened(House())
    await house.deliver(EVENT)
    await house.commit()
    await house.sleep(START + 30 * MINUTE)
    house.restart()
    # The utility's session speaks before the timetable has served what is overdue.
    await house.deliver(cancelled(EVENT, house.now))

    assert await house.cap() == Decimal(81)
    await house.until(house.now + timedelta(hours=1))
    assert await house.statement() is not None


# --- answers


async def test_in_then_out_then_in_is_told_three_times() -> None:
    house = await held()
    await house.commit(Opt.OUT, reason="safety")
    assert await house.cap() is None
    await house.until(house.now + 10 * MINUTE)
    await house.commit(Opt.IN)

    assert await house.cap() == Decimal(75)
    assert [opt for opt, _ in opts(house.told)] == [Opt.IN, Opt.OUT, Opt.IN]
    await house.until(SETTLED_AT)
    statement = await house.statement()
    assert statement is not None
    assert len(statement.intervals) == 36 - 2


async def test_an_opt_out_in_the_hold_ends_completed_and_is_settled_for_its_part() -> None:
    house = await held()
    await house.commit(Opt.OUT, reason="safety")
    await house.until(END + MINUTE)
    assert (await house.record()).intent.status is State.COMPLETED
    await house.until(SETTLED_AT)

    assert (await house.record()).intent.status is State.SETTLED
    statement = await house.statement()
    assert statement is not None
    assert len(statement.intervals) == 6


async def test_an_answer_repeated_is_one_answer_and_a_changed_one_is_kept() -> None:
    house = await opened(House())
    await house.deliver(EVENT)

    assert await house.commit() is Seen.NEW
    assert await house.commit() is Seen.DUPLICATE
    assert await house.reject() is Seen.NEW
    assert await house.reject() is Seen.DUPLICATE
    assert opts(house.told) == [(Opt.IN, "committed"), (Opt.OUT, "infeasible")]


async def test_a_silent_site_is_out_by_default_and_may_still_come() -> None:
    house = await opened(House())
    await house.deliver(EVENT)
    await house.until(EVENT.received_at + 31 * SECOND)
    assert opts(house.told) == [(Opt.OUT, "default")]
    assert (await house.plan()).open_questions != ()
    assert await house.cap(START) is None

    await house.until(START + 10 * MINUTE)
    await house.commit()
    assert opts(house.told)[-1] == (Opt.IN, "committed")
    assert (await house.record()).intent.status is State.HOLDING
    assert await house.cap() == Decimal(75)
    await house.until(SETTLED_AT)
    statement = await house.statement()
    assert statement is not None
    assert len(statement.intervals) == 34


async def test_a_silent_site_with_a_fail_safe_is_in_by_default_and_nothing_unmetered_is_paid() -> (
    None
):
    site = replace(SITE, fail_safe_import_kw=Decimal(60))
    house = await opened(House(program=replace(PROGRAM, opt_default="in"), sites=(site,)))
    await house.deliver(EVENT)
    await house.until(SETTLED_AT)

    assert opts(house.told) == [(Opt.IN, "default")]
    statement = await house.statement()
    assert statement is not None
    assert statement.totals.reduction_kwh == 0
    assert statement.totals.metered_kwh == 0
    assert statement.totals.payment <= 0
    assert statement.performance in {None, Decimal(0)}


async def test_default_in_counts_for_nothing_without_a_fail_safe() -> None:
    house = await opened(House(program=replace(PROGRAM, opt_default="in")))
    await house.deliver(EVENT)
    await house.until(EVENT.received_at + 31 * SECOND)

    assert opts(house.told) == [(Opt.OUT, "default")]


async def test_an_event_that_nobody_joined_expires_at_its_end() -> None:
    house = await opened(House())
    await house.deliver(EVENT)
    await house.until(END + MINUTE)

    assert (await house.record()).intent.status is State.EXPIRED
    assert (await house.plan()).open_questions == ()
    assert await house.timers() == []
    with pytest.raises(SessionError) as refused:
        await house.commit()
    assert refused.value.reason == "TOO_LATE"


async def test_an_answer_after_the_end_comes_too_late_even_before_the_timetable_has_run() -> None:
    house = await opened(House())
    await house.deliver(EVENT)
    await house.sleep(END)
    house.restart()

    with pytest.raises(SessionError) as refused:
        await house.commit()
    assert refused.value.reason == "TOO_LATE"
    assert house.told == []


@pytest.mark.parametrize("word", ["cancelled", "default", "held"])
async def test_a_site_cannot_speak_with_the_gateways_words(word: str) -> None:
    house = await opened(House(program=replace(PROGRAM, partial_policy="opt_out")))
    await house.deliver(EVENT)
    await house.commit(Opt.PARTIAL, reason=word)

    assert opts(house.told) == [(Opt.OUT, f"site_{word}")]


async def test_an_answer_to_another_sites_intent_is_not_found() -> None:
    house = await opened(House())
    await house.deliver(EVENT)
    record = await house.record()
    answer = Commitment(revision=record.intent.revision, opt=Opt.IN)
    with pytest.raises(SessionError) as refused:
        await house.desk.commit(THERE, house.id_of(), answer)

    assert refused.value.reason == "NOT_FOUND"
    assert await house.record() == record
