"""The operator's envelope through the real doors: what the site sees, and what the utility is told."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from gateway.domain.errors import SessionError, StoreError
from gateway.domain.event import Basis, GridEvent, Kind
from gateway.domain.guard import Guard, Outside, Rule
from gateway.domain.intent import State
from gateway.domain.names import EventId
from gateway.domain.participation import Opt
from gateway.domain.program import Program
from gateway.pipeline.feedback import GATEWAYS_WORDS
from gateway.pipeline.ports import IntentRecord, Work
from gateway.pipeline.release import release as waive
from gateway.pipeline.struck import strike
from gateway.pipeline.turning import turning
from gateway.settlement.records import logged
from tests.intent_samples import EVENT, PROGRAM, SITE, START, UTC_1600
from tests.pipeline_story import (
    END,
    HERE,
    MINUTE,
    SECOND_SITE,
    SETTLED_AT,
    THERE,
    FailingStore,
    House,
    cancelled,
    changed,
    follows,
    lasting,
    level,
    modified,
    opened,
    opts,
)

WIDE = Guard(highest_kw=Decimal(120))
HIGH_FLOOR = replace(WIDE, lowest_kw=Decimal(80))
"""75 kW are asked; the envelope ends at 80."""
IN_PART = replace(PROGRAM, partial_policy="opt_in")


def guarded(guard: Guard, program: Program = PROGRAM) -> House:
    return House(program=program, sites=(replace(SITE, guard=guard),))


async def findings(house: House) -> list[object]:
    entries = [logged(e.index, e.record).document for e in await house.entries("audit")]
    return [
        finding["rule"]
        for entry in entries
        if entry.get("word") == "guard"
        for finding in entry["findings"]  # type: ignore[attr-defined]  # plain JSON
    ]


async def release(house: House) -> IntentRecord:
    intent = house.id_of()

    def job(work: Work) -> IntentRecord:
        with turning(house.office, work, house.now) as turn:
            record = work.intents.get(intent)
            assert record is not None
            return waive(turn, record, "operator:ada")

    return await house.store.write(job)


async def test_what_is_outside_is_declined_at_once_where_the_program_says_so() -> None:
    house = await opened(guarded(HIGH_FLOOR))
    await house.deliver(EVENT)

    assert opts(house.told) == [(Opt.OUT, "guard")]
    assert await house.cap(START) is None
    assert (await house.plan()).open_questions == ()
    assert await findings(house) == ["lowest_import_kw"]


async def test_what_lies_inside_is_followed_and_the_utility_hears_of_a_part() -> None:
    house = await opened(guarded(HIGH_FLOOR, IN_PART))
    await house.deliver(EVENT)
    plan = await house.plan()

    assert await house.cap(START) == 80
    assert plan.open_questions[0].asked_kw == 80
    assert any("lowest_import_kw" in note for note in plan.notes)
    assert plan.envelope is not None
    assert plan.envelope.lowest_import_kw == 80
    await house.commit()
    record = await house.record()
    assert (record.opt, record.opt_reason) == (Opt.PARTIAL, "guard")
    assert opts(house.told) == [(Opt.IN, "guard")]
    seen = await house.commit()
    assert seen.value == "duplicate"


async def test_what_was_asked_stays_what_is_settled() -> None:
    house = await opened(guarded(HIGH_FLOOR, IN_PART))
    await house.deliver(EVENT)
    await house.commit()
    await house.until(END + 31 * MINUTE)
    await house.meter(UTC_1600, 240, lambda at: min(follows(at) + 10, Decimal(100)))
    await house.until(SETTLED_AT)
    statement = await house.statement()

    assert statement is not None
    assert statement.limit_kw == Decimal(75)
    assert round(statement.totals.shortfall_kwh, 3) == 15


async def test_an_event_inside_the_envelope_goes_as_without_one() -> None:
    house = await opened(guarded(replace(WIDE, ramp_kw_per_min=Decimal(5), events_per_day=1)))
    plain = await opened(House())
    for each in (house, plain):
        await each.deliver(EVENT)
        await each.commit()

    assert opts(house.told) == opts(plain.told) == [(Opt.IN, "committed")]
    for k in range(-20, 220):
        at = START + k * MINUTE
        assert await house.cap(at) == await plain.cap(at)
    assert await findings(house) == []


async def test_what_is_held_is_not_shown_to_the_site_and_out_goes_upstream_in_time() -> None:
    hold = replace(HIGH_FLOOR, actions={Rule.LOWEST: Outside.HOLD})
    house = await opened(guarded(hold))
    await house.deliver(EVENT)

    record = await house.record()
    assert "lowest_import_kw: asked 75 kW" in record.intent.hold_reason
    assert record.intent.status is State.RECEIVED
    assert len(await house.outbox("intent")) == 0
    with pytest.raises(SessionError, match="REFUSED"):
        await house.commit()
    await house.until(EVENT.received_at + MINUTE)
    assert opts(house.told) == [(Opt.OUT, "guard")]


async def test_the_operator_releases_what_was_held_for_him() -> None:
    hold = replace(HIGH_FLOOR, actions={Rule.LOWEST: Outside.HOLD})
    house = await opened(guarded(hold))
    await house.deliver(EVENT)
    await house.until(EVENT.received_at + MINUTE)
    released = await release(house)

    assert released.intent.hold_reason == ""
    assert await house.cap(START) == 75
    assert len(await house.outbox("intent")) == 1
    await house.commit()
    assert opts(house.told)[-1] == (Opt.IN, "committed")
    with pytest.raises(SessionError, match="REFUSED"):
        await release(house)


async def test_nobody_releases_what_cannot_be_resolved() -> None:
    house = guarded(HIGH_FLOOR)
    await house.agree()
    await house.until(EVENT.received_at)
    await house.deliver(EVENT)

    assert "present consumption" in (await house.record()).intent.hold_reason
    with pytest.raises(SessionError, match="present consumption"):
        await release(house)


async def test_a_cancellation_and_a_release_go_through_whatever_the_envelope_says() -> None:
    tight = replace(
        WIDE,
        ramp_kw_per_min=Decimal(5),
        reversals_per_hour=1,
        events_per_day=1,
        min_hold=timedelta(hours=2),
        actions=dict.fromkeys(Rule, Outside.HOLD),
    )
    house = await opened(guarded(tight))
    await house.deliver(EVENT)
    await house.commit()
    await house.until(START + 5 * MINUTE)
    assert await house.cap() == 75
    eased = modified(
        changed(
            EVENT,
            signals=tuple(
                replace(s, intervals=(replace(s.intervals[0], value=Decimal("0.9")),))
                for s in EVENT.signals
            ),
        ),
        house,
    )
    await house.deliver(eased)
    assert (await house.record()).intent.hold_reason == ""
    assert await house.cap() == 90
    await house.commit()
    await house.until(house.now + MINUTE)
    await house.deliver(cancelled(eased, house.now))
    assert await house.cap() == 96
    assert await house.cap(house.now + 5 * MINUTE) is None


async def test_events_are_counted_over_a_restart_and_those_that_never_began_are_not() -> None:
    house = await opened(guarded(replace(WIDE, events_per_day=1)))
    await house.deliver(EVENT)
    await house.commit()
    await house.deliver(cancelled(EVENT, house.now))
    house.restart()
    second = changed(EVENT, event_id=EventId("evt-2"), received_at=house.now)
    await house.deliver(second)
    await house.commit(event_id="evt-2")
    await house.until(START + MINUTE)
    await house.deliver(cancelled(second, house.now))
    await house.until(START + 10 * MINUTE)
    await house.meter(UTC_1600, 40, level(100))
    house.restart()
    third = lasting(
        changed(EVENT, event_id=EventId("evt-3"), received_at=house.now),
        timedelta(hours=1),
        START + 30 * MINUTE,
    )
    house.told.clear()
    await house.deliver(third)

    assert opts(house.told) == [(Opt.OUT, "guard")]
    assert await findings(house) == ["events_per_day"]


async def test_a_site_that_comes_late_does_not_drop_its_load_at_once() -> None:
    house = await opened(guarded(replace(WIDE, ramp_kw_per_min=Decimal(5))))
    await house.deliver(EVENT)
    await house.until(START - 16 * MINUTE)
    assert opts(house.told) == [(Opt.OUT, "default")]
    await house.until(START - 5 * MINUTE)
    with pytest.raises(SessionError, match=r"REFUSED.*the way down has begun"):
        await house.commit()
    assert await house.cap() is None


async def test_an_event_that_the_site_declined_moved_nothing() -> None:
    house = await opened(guarded(replace(WIDE, events_per_day=1)))
    await house.deliver(EVENT)
    await house.reject()
    other = changed(EVENT, event_id=EventId("evt-2"))
    await house.deliver(other)
    await house.commit(event_id="evt-2")

    assert await house.cap(START) == 75
    with pytest.raises(SessionError, match=r"REFUSED.*events_per_day"):
        await house.commit()


@pytest.mark.parametrize("word", sorted(GATEWAYS_WORDS))
async def test_no_site_can_speak_in_the_gateways_name(word: str) -> None:
    house = await opened(House())
    await house.deliver(EVENT)
    await house.commit(Opt.OUT, reason=word)

    assert opts(house.told) == [(Opt.OUT, f"site_{word}")]


async def test_a_revision_is_no_new_event_but_driving_away_again_counts() -> None:
    house = await opened(guarded(replace(WIDE, events_per_day=1, reversals_per_hour=2)))
    version = EVENT
    await house.deliver(version)
    await house.commit()
    caps = []
    for k in range(8):
        await house.until(START + (k + 1) * 2 * MINUTE)
        value = Decimal("0.95") if k % 2 == 0 else Decimal("0.75")
        version = modified(
            changed(
                version,
                signals=tuple(
                    replace(s, intervals=(replace(s.intervals[0], value=value),))
                    for s in version.signals
                ),
            ),
            house,
        )
        await house.deliver(version)
        caps.append(await house.cap())
        if (await house.record()).opt is None:
            await house.commit()

    assert caps[0] == 95
    assert caps[1] == 75
    assert 75 not in caps[3:]
    assert await findings(house) == ["reversals_per_hour"] * 5


async def test_the_fleet_is_staggered_in_the_order_of_the_configuration() -> None:
    both = replace(IN_PART, sites=(HERE, THERE))
    house = House(
        program=both,
        sites=(replace(SITE, guard=WIDE), replace(SECOND_SITE, guard=WIDE)),
        fleet_kw_per_min=Decimal(6),
    )
    house = await opened(house)
    await house.deliver(changed(EVENT, ramp_in=timedelta(0)))

    assert await house.cap(START, HERE) == 75
    assert await house.cap(START - MINUTE, THERE) is None
    assert await house.cap(START, THERE) == 95
    assert await house.cap(START + 4 * MINUTE, THERE) == 75
    assert await findings(house) == ["fleet_kw_per_min"]


@pytest.mark.parametrize("fatal", [None, *range(1, 8)])
async def test_a_crash_after_any_write_counts_each_move_once(fatal: int | None) -> None:
    store = FailingStore()
    guard = replace(WIDE, events_per_day=1, reversals_per_day=3, ramp_kw_per_min=Decimal(5))
    house = await opened(House(store=store, sites=(replace(SITE, guard=guard),)))
    store.writes, store.fatal = 0, fatal

    async def again(act: Callable[[], Awaitable[object]]) -> None:
        try:
            await act()
        except StoreError as error:
            assert error.reason == "CRASH"
            house.restart()
            await act()

    await again(lambda: house.deliver(EVENT))
    await again(house.commit)
    await house.until(START + 5 * MINUTE)
    longer = modified(lasting(EVENT, timedelta(hours=2)), house)
    await again(lambda: house.deliver(longer))
    await again(house.commit)
    await house.until(START + 10 * MINUTE)
    gone = cancelled(longer, house.now)
    await again(lambda: house.deliver(gone))

    (moves,) = store.state.moves.values()
    assert [(m.at, m.over, m.opens, m.swings) for m in moves] == [
        (START - 15 * MINUTE, START + 10 * MINUTE, True, True)
    ]


# --- standing limits


def standing_limit(kw: int) -> GridEvent:
    """Make a default of the utility's program that caps import from now on."""
    (signal,) = lasting(EVENT, timedelta(0), UTC_1600).signals
    capped = replace(
        signal,
        kind=Kind.LIMIT_IMPORT,
        basis=Basis.ABSOLUTE,
        unit="kW",
        intervals=(replace(signal.intervals[0], value=Decimal(kw)),),
    )
    return changed(
        EVENT,
        event_id=EventId("default/1"),
        start=UTC_1600,
        duration=None,
        signals=(capped,),
        standing=True,
        ramp_in=timedelta(0),
    )


STRICT = replace(
    WIDE,
    longest_event=timedelta(hours=4),
    events_per_day=1,
    re_arm=timedelta(hours=1),
    min_hold=timedelta(minutes=30),
    reversals_per_day=2,
)


async def test_a_standing_limit_outlasts_the_longest_event_and_takes_no_event_its_place() -> None:
    house = await opened(guarded(STRICT))
    await house.deliver(standing_limit(90))
    await house.commit(event_id="default/1")
    await house.deliver(EVENT)
    await house.commit()
    assert await findings(house) == []
    assert await house.cap(START + MINUTE) == Decimal(75)
    await house.until(START + timedelta(days=2))
    assert await house.cap() == Decimal(90)


async def test_a_default_that_flaps_runs_out_of_reversals_and_never_below_the_floor() -> None:
    house = await opened(guarded(replace(STRICT, lowest_kw=Decimal(80))))
    limit = standing_limit(50)
    await house.deliver(limit)
    assert await house.cap(house.now + MINUTE) == Decimal(80), "the envelope's floor"
    await house.commit(event_id="default/1")
    assert await house.cap(house.now + MINUTE) == Decimal(80), "in part rather than not at all"
    for n in range(1, 6):
        await house.until(house.now + 5 * MINUTE)
        free = standing_limit(119 if n % 2 else 60)
        await house.deliver(replace(free, version=n, received_at=house.now))
    assert "reversals_per_day" in await findings(house)


async def test_what_stands_for_a_program_that_is_struck_out_is_taken_back_at_the_start() -> None:
    house = await opened(House())
    await house.deliver(standing_limit(90))
    assert await house.cap() == Decimal(90)
    house.programs = {}
    house.restart()
    for _ in range(2):

        def job(work: Work) -> None:
            with turning(house.office, work, house.now) as turn:
                strike(turn)

        await house.store.write(job)
        await house.until(house.now + timedelta(hours=1))
    assert await house.cap() is None
    assert (await house.words()).count("struck") == 1
