"""A message of very many events: one plan for all, in parts, and no more than a site can have."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import TypeVar

import pytest

from gateway.domain.event import MOST_INTERVALS, GridEvent, Interval
from gateway.domain.names import EventId
from gateway.domain.participation import Opt
from gateway.domain.points import Step
from gateway.domain.timespan import Span
from gateway.pipeline.board import MOST_LIVE, MOST_LIVE_INTERVALS
from gateway.pipeline.inbound import TAKEN_AT_ONCE
from tests.intent_samples import EVENT
from tests.pipeline_story import House, changed, opened
from tests.store_fakes import MemoryStore, MemoryWork

T = TypeVar("T")
pytestmark = pytest.mark.slow


class CountingStore(MemoryStore):
    """Counts transactions by their step."""

    def __init__(self) -> None:
        super().__init__()
        self.steps: list[Step] = []

    async def write(self, job: Callable[[MemoryWork], T], step: Step = Step.OTHER) -> T:
        self.steps.append(step)
        return await super().write(job, step)


def crowd(count: int, first: int = 0) -> list[GridEvent]:
    """Return events an hour apart."""
    hour = timedelta(hours=1)
    return [
        replace(
            changed(EVENT, event_id=EventId(f"many-{number}")),
            raw_sha256=f"{number:064d}",
            start=EVENT.start + number * hour,
        )
        for number in range(first, first + count)
    ]


async def test_many_events_of_one_message_make_one_plan() -> None:
    house = await opened(House())
    before = len(await house.outbox("plan"))

    await house.deliver(*crowd(TAKEN_AT_ONCE))

    assert len(await house.outbox("plan")) - before == 1
    assert len(await house.outbox("intent")) == TAKEN_AT_ONCE
    plan = await house.plan()
    assert {claim for segment in plan.segments for claim in segment.because}


async def test_a_message_of_very_many_events_is_committed_in_parts() -> None:
    store = CountingStore()
    house = await opened(House(store=store))
    store.steps.clear()

    await house.deliver(*crowd(2 * TAKEN_AT_ONCE + 1))

    assert store.steps == [Step.INTAKE] * 3


async def test_a_site_takes_no_more_events_than_it_can_have_and_says_so() -> None:
    house = await opened(House())

    await house.deliver(*crowd(MOST_LIVE + 3))

    assert len(await house.outbox("intent")) == MOST_LIVE
    assert [(t.opt, t.reason) for t in house.told] == [(Opt.OUT, "guard")] * 3
    assert (await house.words()).count("crowded") == 3


async def test_a_crowded_site_still_takes_changes_and_cancellations() -> None:
    house = await opened(House())
    events = crowd(MOST_LIVE)
    await house.deliver(*events)

    await house.deliver(replace(events[0], version=1, raw_sha256="f" * 64))
    await house.deliver(replace(events[1], version=1, cancelled_at=house.now, raw_sha256="e" * 64))
    await house.deliver(*crowd(1, first=MOST_LIVE))

    assert (await house.record(event_id="many-0")).version == 1
    assert (await house.record(event_id="many-1")).intent.cancelled_at == house.now
    assert (await house.words()).count("crowded") == 0, "the cancelled one has made room"


def long(event: GridEvent, intervals: int) -> GridEvent:
    """Return an event of so many one-minute intervals."""
    first = event.signals[0].intervals[0].value
    minute = timedelta(minutes=1)
    steps = tuple(
        Interval(span=Span.lasting(event.start + place * minute, minute), value=first)
        for place in range(intervals)
    )
    return replace(
        event, duration=intervals * minute, signals=(replace(event.signals[0], intervals=steps),)
    )


async def test_a_site_takes_no_more_intervals_than_its_plan_can_be_made_of() -> None:
    house = await opened(House())
    fits = [long(event, MOST_INTERVALS) for event in crowd(MOST_LIVE_INTERVALS // MOST_INTERVALS)]

    await house.deliver(*fits)
    await house.deliver(*crowd(1, first=50))

    assert len(await house.outbox("intent")) == len(fits)
    assert [(t.event.event_id, t.opt, t.reason) for t in house.told] == [
        ("many-50", Opt.OUT, "guard")
    ]


async def test_a_change_that_makes_an_event_too_long_ends_it_and_is_declined() -> None:
    house = await opened(House())
    few = MOST_LIVE_INTERVALS // MOST_INTERVALS
    events = [*(long(event, MOST_INTERVALS) for event in crowd(few - 1)), *crowd(1, first=few)]
    await house.deliver(*events)

    grown = long(replace(events[-1], version=1, raw_sha256="f" * 64), MOST_INTERVALS)
    shrunk = replace(long(events[0], 10), version=1, raw_sha256="d" * 64)
    await house.deliver(grown)
    await house.deliver(replace(long(grown, MOST_INTERVALS + 1), version=2, raw_sha256="e" * 64))
    await house.deliver(shrunk)

    last = await house.record(event_id=events[-1].event_id)
    assert last.intent.cancelled_at is not None
    assert [(t.version, t.opt, t.reason) for t in house.told] == [(2, Opt.OUT, "guard")]
    assert (await house.record(event_id="many-0")).version == 1
