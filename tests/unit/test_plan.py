"""The effective plan: staircase in, hold, staircase out, and overlaps."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.intent import ComputeFlexIntent, FailSafe, Resolution
from gateway.domain.names import IntentId
from gateway.domain.plan import EffectivePlan, Phase
from gateway.domain.reading import Window
from gateway.domain.timespan import Span
from gateway.intents.derive import Envelope, Terms, derive, opt_deadline, present_span, resolution
from gateway.intents.plan import MOST_SEGMENTS, Claim, make_plan
from tests.intent_samples import DISPATCH, EVENT, PROGRAM, SITE, START, UTC_1600

FAIL_SAFE = FailSafe(on_lease_loss="hold_last", default_import_max_kw=None, lease_s=60)
TERMS = Terms(lease_s=60, heartbeat_s=15, fail_safe=FAIL_SAFE)


def frozen(kw: str) -> Resolution:
    span = present_span(EVENT, 60)
    window = Window(span=span, mean_kw=Decimal(kw), count=60)
    return resolution(EVENT, PROGRAM, SITE, window)


def intent(intent_id: str = "a", kw: str = "100") -> ComputeFlexIntent:
    envelope = Envelope(
        intent_id=IntentId(intent_id),
        revision=1,
        sequence=1,
        event_ref="ref",
        now=EVENT.received_at,
    )
    return derive(EVENT, PROGRAM, SITE, TERMS, envelope, frozen(kw))


def plan(*claims: Claim, now: datetime = EVENT.received_at) -> EffectivePlan:
    return make_plan(SITE, claims, revision=1, now=now, failsafe=FAIL_SAFE)


def cap_at(found: EffectivePlan, at: datetime) -> Decimal | None:
    segment = found.segment_at(at)
    assert segment is not None
    return segment.import_max_kw


def claim(one: ComputeFlexIntent, **changes: object) -> Claim:
    return replace(Claim(intent=one, open_question=True, binding=True), **changes)  # type: ignore[arg-type]  # test shorthand


def test_a_multiplier_becomes_a_cap_from_the_frozen_present_consumption() -> None:
    made = intent(kw="94.8405")

    assert made.ask is not None
    assert made.ask.segments[0].resolved_import_max_kw == Decimal("71.130")
    assert made.ask.resolution == frozen("94.8405")
    assert made.ask.resolution.window_end == UTC_1600


def test_load_comes_down_in_one_minute_steps_and_holds_from_the_start() -> None:
    made = plan(claim(intent()))

    ramp = [s for s in made.segments if s.phase is Phase.RAMP_IN]
    assert len(ramp) == 15
    assert ramp[0].start == START - timedelta(minutes=15)
    assert ramp[-1].import_max_kw == Decimal(75)
    assert cap_at(made, START - timedelta(minutes=16)) is None
    assert (
        cap_at(made, START) == cap_at(made, START + timedelta(hours=2, minutes=59)) == Decimal(75)
    )


def test_recovery_rises_by_the_sites_ramp_and_then_the_cap_is_gone() -> None:
    made = plan(claim(intent()))
    end = START + timedelta(hours=3)

    assert [cap_at(made, end + timedelta(minutes=k)) for k in range(5)] == [
        Decimal(81),
        Decimal(87),
        Decimal(93),
        Decimal(99),
        None,
    ]


def test_a_cancelled_event_obliges_no_longer_and_only_limits_the_way_up() -> None:
    at = START + timedelta(minutes=30)
    made = plan(claim(intent().model_copy(update={"cancelled_at": at})), now=at)

    assert cap_at(made, at) == Decimal(81)
    assert made.segments[0].phase is Phase.RECOVERY
    assert made.segments[-1].import_max_kw is None


def test_a_refused_intent_asks_nothing_but_the_question_stands() -> None:
    made = plan(claim(intent(), binding=False))

    assert [s.import_max_kw for s in made.segments] == [None]
    assert [q.intent_id for q in made.open_questions] == ["a"]


def test_the_lowest_cap_of_two_overlapping_intents_holds_and_says_why() -> None:
    made = plan(claim(intent("a", "100")), claim(intent("b", "90")))

    assert cap_at(made, START) == Decimal("67.5")
    segment = made.segment_at(START)
    assert segment is not None
    assert segment.because == ("b",)


@pytest.mark.parametrize(("notice", "expected"), [(3600, 30), (40, 20), (0, 30), (-60, 30)])
def test_the_answer_is_due_at_half_the_notice_at_the_latest(notice: int, expected: int) -> None:
    now = EVENT.received_at
    event = replace(EVENT, start=now + timedelta(seconds=notice), ramp_in=timedelta(0))

    assert opt_deadline(event, PROGRAM, now) == now + timedelta(seconds=expected)


def test_a_stale_creation_stamp_does_not_move_the_window_into_the_past() -> None:
    late = replace(EVENT, created_at=EVENT.received_at - timedelta(hours=12))
    early = replace(EVENT, created_at=EVENT.received_at + timedelta(minutes=47))

    assert present_span(late, 60) == present_span(early, 60) == present_span(EVENT, 60)


@given(
    st.lists(
        st.tuples(
            st.integers(-120, 300), st.integers(1, 400), st.integers(20, 100), st.integers(0, 30)
        ),
        max_size=4,
    ),
    st.integers(-200, 500),
)
def test_segments_are_contiguous_and_never_above_any_cap(
    spans: list[tuple[int, int, int, int]], at: int
) -> None:
    now = START + timedelta(minutes=at)
    claims = []
    for k, (start, length, percent, ramp) in enumerate(spans):
        begin = START + timedelta(minutes=start)
        signal = replace(
            DISPATCH,
            intervals=tuple(
                replace(
                    i,
                    span=Span.lasting(begin, timedelta(minutes=length)),
                    value=Decimal(percent) / 100,
                )
                for i in DISPATCH.intervals
            ),
        )
        event = replace(
            EVENT,
            start=begin,
            duration=timedelta(minutes=length),
            signals=(signal,),
            ramp_in=timedelta(minutes=ramp),
        )
        envelope = Envelope(
            intent_id=IntentId(f"i{k}"), revision=1, sequence=k, event_ref="r", now=START
        )
        made = derive(event, PROGRAM, SITE, TERMS, envelope, frozen("100"))
        claims.append(
            (Span.lasting(begin, timedelta(minutes=length)), Decimal(percent), claim(made))
        )

    found = plan(*(c for _, _, c in claims), now=now)

    assert found.segments[0].start == now
    assert found.segments[-1].end is None
    for left, right in zip(found.segments, found.segments[1:], strict=False):
        assert left.end == right.start
    for segment in found.segments:
        for span, cap, _ in claims:
            if span.contains(segment.start):
                assert segment.import_max_kw is not None
                assert segment.import_max_kw <= cap
    assert found == plan(*(c for _, _, c in reversed(claims)), now=now)


def with_ramp(ramp: timedelta) -> ComputeFlexIntent:
    event = replace(EVENT, ramp_in=ramp)
    envelope = Envelope(
        intent_id=IntentId("a"), revision=1, sequence=1, event_ref="r", now=EVENT.received_at
    )
    return derive(event, PROGRAM, SITE, TERMS, envelope, frozen("100"))


@given(st.integers(1, 90_000))
def test_no_ramp_leaves_a_gap_before_the_hold(seconds: int) -> None:
    ramp = timedelta(seconds=seconds)
    made = plan(claim(with_ramp(ramp)), now=START - ramp)

    caps = [s.import_max_kw for s in made.segments if s.start < START]
    assert None not in caps
    assert caps == sorted(caps, reverse=True)  # type: ignore[type-var]  # no None in it, see above
    assert cap_at(made, START) == Decimal(75)


def stepped(*values: str, minutes: int = 30, open_ended: bool = False) -> ComputeFlexIntent:
    """An intent of one signal that changes its mind every ``minutes``."""
    length = timedelta(minutes=minutes)
    spans = [Span.lasting(START + k * length, length) for k in range(len(values))]
    if open_ended:
        spans[-1] = Span(start=spans[-1].start, end=spans[-1].start)
    intervals = tuple(
        replace(DISPATCH.intervals[0], span=span, value=Decimal(value))
        for span, value in zip(spans, values, strict=True)
    )
    event = replace(
        EVENT,
        duration=None if open_ended else length * len(values),
        signals=(replace(DISPATCH, intervals=intervals),),
    )
    envelope = Envelope(
        intent_id=IntentId("a"), revision=1, sequence=1, event_ref="r", now=EVENT.received_at
    )
    return derive(event, PROGRAM, SITE, TERMS, envelope, frozen("100"))


def test_only_the_last_step_of_an_open_ended_event_is_open() -> None:
    made = stepped("0.5", "0.8", open_ended=True)
    found = plan(claim(made), now=START)

    assert made.ask is not None
    assert [s.duration for s in made.ask.segments] == [timedelta(minutes=30), None]
    assert cap_at(found, START + timedelta(minutes=29)) == Decimal(50)
    assert cap_at(found, START + timedelta(minutes=31)) == Decimal(80)
    assert found.segments[-1].import_max_kw == Decimal(80)


BIG = replace(
    SITE,
    contracted_import_kw=Decimal(330_000),
    ramp_down_kw_per_min=Decimal(400),
    ramp_up_kw_per_min=Decimal(150),
)


def big_plan(now: datetime, ramp: timedelta = timedelta(hours=10)) -> EffectivePlan:
    claims = []
    for k, percent in enumerate(("0.75", "0.6", "0.5")):
        shift = timedelta(minutes=37 * k)
        interval = replace(
            DISPATCH.intervals[0],
            span=Span.lasting(START + shift, timedelta(hours=3)),
            value=Decimal(percent),
        )
        event = replace(
            EVENT,
            start=START + shift,
            ramp_in=ramp,
            signals=(replace(DISPATCH, intervals=(interval,)),),
        )
        envelope = Envelope(
            intent_id=IntentId(f"i{k}"), revision=1, sequence=k, event_ref="r", now=now
        )
        made = derive(event, PROGRAM, BIG, TERMS, envelope, frozen("300000"))
        claims.append(claim(made))
    return make_plan(BIG, claims, revision=1, now=now, failsafe=FAIL_SAFE)


def test_a_site_of_300_mw_with_slow_ramps_gets_a_bounded_plan_that_never_allows_more() -> None:
    made = big_plan(START - timedelta(hours=10))

    assert len(made.segments) <= MOST_SEGMENTS
    assert len(made.segments) > MOST_SEGMENTS // 2
    # At the start of the first event the ramps of the others are lower already: 526 of 600 steps to 150 MW are done.
    at_start = cap_at(made, START)
    assert at_start is not None
    assert Decimal(167_500) < at_start <= Decimal(168_250)
    assert cap_at(made, START + timedelta(minutes=74)) == Decimal(150_000)
    assert made.segments[-1].import_max_kw is None
    for left, right in zip(made.segments, made.segments[1:], strict=False):
        assert left.end == right.start


def test_an_event_of_thousands_of_steps_is_planned_under_every_one_of_its_caps() -> None:
    values = [str(Decimal(50 + (k * 7) % 40) / 100) for k in range(5000)]
    asked = stepped(*values, minutes=1)
    made = plan(claim(asked), now=START)

    assert asked.ask is not None
    assert len(made.segments) <= MOST_SEGMENTS
    place = 0
    for segment in asked.ask.segments:
        while (end := made.segments[place].end) is not None and end <= segment.start:
            place += 1
        cap, limit = made.segments[place].import_max_kw, segment.resolved_import_max_kw
        assert cap is not None
        assert limit is not None
        assert cap <= limit


def test_a_site_whose_ramp_is_next_to_nothing_is_planned_all_the_same() -> None:
    slow = replace(SITE, ramp_up_kw_per_min=Decimal("0.000000001"))
    made = make_plan(slow, [claim(intent())], revision=1, now=EVENT.received_at, failsafe=FAIL_SAFE)

    assert len(made.segments) <= MOST_SEGMENTS
    assert made.segments[-1].import_max_kw is None


def test_a_cancel_at_a_later_instant_holds_the_cap_until_then() -> None:
    at = START + timedelta(minutes=30)
    made = plan(claim(intent().model_copy(update={"cancelled_at": at})), now=START)

    assert cap_at(made, at - timedelta(seconds=1)) == Decimal(75)
    assert cap_at(made, at) == Decimal(81)


def test_a_cancel_in_the_ramp_rises_from_where_it_was() -> None:
    at = START - timedelta(minutes=10)
    made = plan(claim(intent().model_copy(update={"cancelled_at": at})), now=at)

    # Five of fifteen steps down from 100 to 75 were made: 91.666 kW.
    assert [s.import_max_kw for s in made.segments] == [Decimal("97.666"), None]
