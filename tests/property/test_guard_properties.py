"""A utility that proves who it is and asks for anything at all: what no sequence of its requests brings about."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway.domain.canonical import read_json
from gateway.domain.errors import SessionError
from gateway.domain.event import Basis, Direction, GridEvent, Interval, Kind
from gateway.domain.guard import Guard, Move, Outside, Rule
from gateway.domain.names import EventId, IntentId, SiteId
from gateway.domain.plan import EffectivePlan, Phase
from gateway.domain.timespan import Span
from gateway.intents.case import Asked, Case, Level
from gateway.intents.fleet import Fleet
from gateway.intents.guard import judge
from tests.intent_samples import DISPATCH, EVENT, PROGRAM, SITE, UTC_1600
from tests.pipeline_story import HERE, MINUTE, House, cancelled, opened

SECOND = timedelta(seconds=1)
TOP = Decimal(100)
GUARD = Guard(
    lowest_kw=Decimal(40),
    highest_kw=Decimal(110),
    ramp_kw_per_min=Decimal(15),
    events_per_hour=4,
    events_per_day=8,
    reversals_per_hour=5,
    reversals_per_day=10,
)
IN_PART = replace(PROGRAM, partial_policy="opt_in", sites=(HERE,))
limits = st.none() | st.integers(0, 4)
lengths = st.none() | st.sampled_from([5, 20, 60]).map(lambda m: m * MINUTE)
guards = st.builds(
    Guard,
    lowest_kw=st.sampled_from([Decimal(0), Decimal(40), Decimal(90)]),
    highest_kw=st.sampled_from([Decimal(100), Decimal(120)]),
    ramp_kw_per_min=st.none() | st.sampled_from([Decimal(1), Decimal(7), Decimal(50)]),
    events_per_hour=limits,
    events_per_day=limits,
    reversals_per_hour=limits,
    reversals_per_day=limits,
    min_hold=lengths,
    longest_event=lengths,
    re_arm=lengths,
)
steps = st.lists(
    st.tuples(st.integers(1, 40), st.none() | st.integers(0, 150)), min_size=1, max_size=8
)


def asked(start: datetime, parts: Sequence[tuple[int, int | None]], ramp_in: int) -> Asked:
    levels, at = [], start
    for minutes, cap in parts:
        end = at + minutes * MINUTE
        kw = None if cap is None else Decimal(cap)
        levels.append(Level(start=at, end=end, import_max_kw=kw))
        at = end
    return Asked(levels=tuple(levels), ramp_in=ramp_in * MINUTE, top_kw=TOP, base_kw=TOP)


def demand(levels: Sequence[Level], at: datetime) -> Decimal:
    for level in levels:
        if level.start <= at and (level.end is None or at < level.end):
            cap = level.import_max_kw
            return Decimal(0) if cap is None else max(TOP - cap, Decimal(0))
    return Decimal(0)


@given(guards, steps, st.integers(-30, 60), st.integers(0, 20), st.none() | st.integers(1, 20))
@settings(max_examples=300, deadline=None)
def test_what_is_granted_lies_in_the_envelope_and_is_never_more_than_asked(
    guard: Guard,
    parts: list[tuple[int, int | None]],
    notice: int,
    ramp_in: int,
    fleet_kw: int | None,
) -> None:
    request = asked(UTC_1600 + notice * MINUTE, parts, ramp_in)
    fleet = Fleet(Decimal(fleet_kw)) if fleet_kw else None
    case = Case(
        site=SiteId("s"),
        intent_id=IntentId("i"),
        guard=guard,
        zone=ZoneInfo("America/Phoenix"),
        now=UTC_1600,
        fleet=fleet,
    )
    verdict = judge(request, case)

    rates = [guard.ramp_kw_per_min, fleet.limit_kw_per_min if fleet else None]
    rate = min((r for r in rates if r is not None), default=None)
    before = Decimal(0)
    for minute in range(420):
        at = UTC_1600 + minute * MINUTE
        granted = demand(verdict.levels, at)
        assert granted <= max(TOP - guard.lowest_kw, Decimal(0))
        if rate is not None:
            assert granted - before <= rate + Decimal("0.001")
        ahead = ramp_in + (0 if rate is None else -(-(TOP // rate) // 1) + 1)
        window = range(minute, minute + int(ahead) + 1)
        assert granted <= max(demand(request.levels, UTC_1600 + m * MINUTE) for m in window)
        before = granted
    for level in verdict.levels:
        cap = level.import_max_kw
        assert cap is None or cap >= guard.lowest_kw
    opens = [move for move in verdict.moves if move.opens]
    assert len(opens) <= 1
    assert verdict.partial or not any(
        demand(verdict.levels, UTC_1600 + m * MINUTE)
        < demand(request.levels, UTC_1600 + m * MINUTE)
        for m in range(420)
    )


@given(guards, steps)
def test_a_request_that_only_eases_is_granted_whatever_the_envelope_says(
    guard: Guard, parts: list[tuple[int, int | None]]
) -> None:
    caps = sorted(TOP if cap is None else min(Decimal(cap), TOP) for _, cap in parts)
    caps = [max(cap, guard.lowest_kw) for cap in caps]
    falling = [(minutes, int(cap)) for (minutes, _), cap in zip(parts, caps, strict=True)]
    force = Level(start=UTC_1600, end=None, import_max_kw=caps[0])
    tight = replace(
        guard, longest_event=None, actions=dict.fromkeys(Rule, Outside.HOLD), events_per_day=0
    )
    case = Case(
        site=SiteId("s"),
        intent_id=IntentId("i"),
        guard=tight,
        zone=ZoneInfo("America/Phoenix"),
        now=UTC_1600,
        in_force=force,
    )
    request = asked(UTC_1600, falling, 0)
    verdict = judge(request, case)

    assert verdict.held == ""
    for minute in range(330):
        at = UTC_1600 + minute * MINUTE
        assert demand(verdict.levels, at) == demand(request.levels, at)


bookings = st.lists(
    st.tuples(st.integers(0, 30), st.integers(1, 20), st.integers(1, 10)), max_size=25
)


@given(bookings)
def test_the_fleet_never_moves_faster_than_its_limit(
    wanted: list[tuple[int, int, int]],
) -> None:
    fleet = Fleet(Decimal(10))
    booked: list[Move] = []
    for at, minutes, rate in wanted:
        earliest = UTC_1600 + at * MINUTE
        begin = fleet.slot(earliest, minutes, Decimal(rate))
        assert begin >= earliest
        move = Move(
            site=SiteId("s"),
            intent_id=IntentId("i"),
            at=begin,
            ramp_until=begin + minutes * MINUTE,
            kw_per_min=Decimal(rate),
            until=None,
            over=None,
            opens=True,
            swings=True,
        )
        fleet.book(move)
        booked.append(move)

    assert fleet.peak() <= 10
    for move in booked:
        fleet.drop(move)
    assert fleet.peak() == 0


EVENTS = ("one", "two", "three")
acts = st.lists(
    st.tuples(
        st.sampled_from(EVENTS),
        st.sampled_from(["cap", "cap", "raise", "flips", "cancel", "commit", "restart"]),
        st.integers(0, 150),
        st.integers(-5, 30),
        st.integers(1, 90),
        st.sampled_from([1, 20, 60, 60, 300, 1200]),
    ),
    min_size=5,
    max_size=40,
)


def request(name: str, version: int, now: datetime, act: tuple[str, int, int, int]) -> GridEvent:
    """Ask for something, whatever it is."""
    kind, kw, notice, minutes = act
    start = now + notice * MINUTE
    values = [kw, 150 - kw] * 5 if kind == "flips" else [kw]
    spans = [
        Span.lasting(start + k * minutes * MINUTE, minutes * MINUTE) for k in range(len(values))
    ]
    signal = replace(
        DISPATCH,
        kind=Kind.INCREASE if kind == "raise" else Kind.LIMIT_IMPORT,
        direction=Direction.INCREASE if kind == "raise" else Direction.DECREASE,
        basis=Basis.RELATIVE_CURRENT if kind == "raise" else Basis.ABSOLUTE,
        unit="kW",
        intervals=tuple(
            Interval(span=s, value=Decimal(v)) for s, v in zip(spans, values, strict=True)
        ),
    )
    return replace(
        EVENT,
        event_id=EventId(name),
        version=version,
        created_at=now,
        received_at=now,
        start=start,
        duration=spans[-1].end - start,
        signals=(signal,),
        ramp_in=timedelta(0),
        recovery=timedelta(0),
    )


async def attack(house: House, script: list[tuple[str, str, int, int, int, int]]) -> None:
    """Play a script."""
    versions: dict[str, int] = {}
    last: dict[str, GridEvent] = {}
    for name, act, kw, notice, minutes, wait in script:
        if act == "restart":
            house.restart()
        elif act == "commit" and name in last:
            with suppress(SessionError):
                await house.commit(event_id=name)
        elif act == "cancel" and name in last:
            versions[name] += 1
            gone = replace(cancelled(last[name], house.now), version=versions[name])
            await house.deliver(gone)
            await released(house, name)
        elif act in {"cap", "raise", "flips"}:
            versions[name] = versions.get(name, -1) + 1
            last[name] = request(name, versions[name], house.now, (act, kw, notice, minutes))
            await house.deliver(last[name])
        await house.until(house.now + wait * SECOND)


async def released(house: House, name: str) -> None:
    """Insist that a cancelled event asks for nothing any more."""
    intent = house.id_of(event_id=name)
    plan = await house.plan()
    # A plan keeps its past steps: they ask for nothing any more.
    ahead = [s for s in plan.segments if s.end is None or s.end > house.now]
    asking = [s for s in ahead if intent in s.because and s.phase is not Phase.RECOVERY]
    assert asking == []
    moves = house.store.state.moves.get(intent, ())  # type: ignore[attr-defined]  # a store in memory
    assert all(move.over is not None and move.over <= house.now for move in moves)


def cap_of(plans: Sequence[EffectivePlan], at: datetime) -> Decimal:
    """Return what the plan of that time allowed."""
    known = [plan for plan in plans if plan.made_at <= at]
    segment = known[-1].segment_at(at) if known else None
    cap = segment.import_max_kw if segment else None
    return SITE.contracted_import_kw if cap is None else cap


CAP = ("one", "cap", 0, 0, 1, 1)
CANCELLED_AFTER_ITS_END = [CAP] * 3 + [("one", "cap", 0, 0, 6, 1)] + [CAP] * 4
CANCELLED_AFTER_ITS_END += [("one", "commit", 0, 0, 1, 60), ("one", "cancel", 0, 0, 1, 1)]


HELD_AND_ENDED_SOONER = [("one", "cap", 66, 0, 59, 1200), ("one", "raise", 134, -5, 15, 620)]
HELD_AND_ENDED_SOONER += [("one", "cancel", 0, 0, 1, 60)]


@given(acts)
@example(CANCELLED_AFTER_ITS_END)
@example(HELD_AND_ENDED_SOONER)
@settings(max_examples=30, deadline=None)
def test_no_sequence_of_requests_drives_a_site_out_of_its_envelope(
    script: list[tuple[str, str, int, int, int, int]],
) -> None:
    async def run() -> None:
        house = House(program=IN_PART, sites=(replace(SITE, guard=GUARD),))
        await opened(house)
        began = house.now
        await attack(house, script)
        found = house.store.state.moves.values()  # type: ignore[attr-defined]  # a store in memory
        moves = [m for each in found for m in each if m.at <= house.now]
        hour = timedelta(hours=1)
        for most, times in (
            (5, [m.at for m in moves if m.swings]),
            (4, [m.at for m in moves if m.opens]),
        ):
            assert all(sum(at <= t < at + hour for t in times) <= most for at in times)
        bodies = [read_json(item.body) for item in await house.outbox("plan")]
        plans = [EffectivePlan.model_validate(body["data"]) for body in bodies]
        for segment in (segment for plan in plans for segment in plan.segments):
            assert segment.import_max_kw is None or segment.import_max_kw >= 40
            assert segment.import_min_kw is None or segment.import_min_kw <= 110
        ticks = [began + k * 10 * SECOND for k in range((house.now - began) // (10 * SECOND))]
        caps = [cap_of(plans, tick) for tick in ticks]
        for before, after in zip(caps, caps[6:], strict=False):
            assert min(before, SITE.contracted_import_kw) - after <= 15

    asyncio.run(run())
