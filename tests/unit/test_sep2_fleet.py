"""One gateway as the aggregator of many EndDevices: nobody is late, nothing is told twice, a site is asked once."""

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from random import Random  # noqa: TID251 - seeds the chance that is handed in

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.domain.event import EventKey
from gateway.domain.names import EventId, SiteId, UtilityName
from gateway.domain.participation import Opt, Participation
from gateway.protocols.sep2.client.timetable import Timetable
from gateway.protocols.sep2.events.cohorts import Cohorts
from gateway.protocols.sep2.events.engine import EventEngine
from gateway.protocols.sep2.events.intake import Scope
from gateway.protocols.sep2.events.settings import Settings
from gateway.protocols.sep2.events.values import Outcome
from tests.sep2_event_world import SERVER, SYSTEM, T0, event, program
from tests.sep2_event_world import status as listed_as
from tests.sep2_fleet_world import aggregator, assignments, fleet, lfdi, told
from tests.sep2_world import START, control, mrid, seconds, status

MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)


@pytest.mark.slow
@pytest.mark.spec("IEEE 2030.5-2018 10.2.3.3", "CSIP AGG-003")
def test_no_instant_of_500_devices_is_missed() -> None:
    """Kills: a fleet that is worked off past an instant, a list that is not looked at once more, a response lost."""
    count = 500
    server = fleet(count)
    world = aggregator(server, count, sites=5)
    first, second = START + 8 * MINUTE, START + 12 * MINUTE
    controls = [control(1, first, 3), control(2, second, 5)]
    server.put("/derp/1/derc", controls)
    world.run(second - 15 * SECOND)
    cancelled = replace(controls[1], event_status=status(2, second - 12 * SECOND))
    server.put("/derp/1/derc", [controls[0], cancelled])
    world.run(timedelta(minutes=2))

    came = told(server)
    assert set(came.values()) == {1}, "each response once"
    when: dict[tuple[str, int], Counter[int]] = {}
    for _, subject, code, at in came:
        when.setdefault((subject, code), Counter())[at] += 1
    assert when[mrid(1), 2] == {seconds(first): count}, "to the second, for every device"
    assert when[mrid(1), 3] == {seconds(first + 3 * MINUTE): count}
    assert sum(when[mrid(2), 6].values()) == count
    assert (mrid(2), 2) not in when, "what was cancelled was never started"
    assert {event.event_id for event in world.events} == {
        f"{mrid(number)}/site-{site}" for number in (1, 2) for site in range(5)
    }


def test_everything_is_read_once_per_poll_rate_and_in_no_burst() -> None:
    """Kills: a shared list that is read for each device, a poll rate that is undercut."""
    count = 40
    server = fleet(count)
    world = aggregator(server, count)
    world.run(timedelta(minutes=30))

    asked = Counter(href.partition("?")[0] for _, href in server.asked)
    assert asked["/derp/1/derc"] <= 7, "30 min at 300 s, for all together"
    assert all(5 <= asked[f"/edev/{number}/fsa"] <= 7 for number in range(1, count + 1))
    assert world.most_in_flight <= 4
    last: dict[str, datetime] = {}
    for at, href in server.asked:
        path = href.partition("?")[0]
        if path.endswith("/fsa") and path in last:
            assert at - last[path] >= timedelta(seconds=300)
        last[path] = at


def test_a_control_of_many_devices_is_one_event_of_their_site() -> None:
    """Kills: an intent for each device, which no site takes."""
    server = fleet(150)
    world = aggregator(server, 150, sites=2)
    server.put("/derp/1/derc", [control(1, START + 4 * MINUTE, 4)])
    world.run(timedelta(minutes=9))

    ids = [event.event_id for event in world.events]
    assert sorted(ids) == [f"{mrid(1)}/site-0", f"{mrid(1)}/site-1"]
    event = world.events[0]
    assert event.targets.sites in {(SiteId("site-0"),), (SiteId("site-1"),)}
    assert event.source["endDevices"] == "75"
    assert len(event.targets.end_devices) == 75
    assert sum(told(server).values()) == 3 * 150


def test_a_device_that_comes_late_or_leaves_early_changes_nothing_at_its_site() -> None:
    server = fleet(10)
    for number in (9, 10):
        assignments(server, number, assigned=False)
    world = aggregator(server, 10)
    server.put("/derp/1/derc", [control(1, START + 6 * MINUTE, 30)])
    world.run(timedelta(minutes=8))
    assignments(server, 9)
    assignments(server, 1, assigned=False)
    world.run(timedelta(minutes=10))

    assert len(world.events) == 1
    late = {key[0]: key[3] for key in told(server) if key[2] == 2}
    assert late[lfdi(9)] > seconds(START + 8 * MINUTE)
    assert lfdi(10) not in late


def test_the_event_ends_with_its_last_device() -> None:
    server = fleet(3)
    world = aggregator(server, 3)
    server.put("/derp/1/derc", [control(1, START + 6 * MINUTE, 60)])
    world.run(timedelta(minutes=8))
    assert len(world.events) == 1
    for number in (1, 2, 3):
        assignments(server, number, assigned=False)
    world.run(timedelta(minutes=7))

    assert [event.cancelled_at is not None for event in world.events] == [False, True]


def test_an_opt_of_the_site_is_the_answer_of_each_of_its_devices() -> None:
    server = fleet(20)
    world = aggregator(server, 20, sites=2)
    server.put("/derp/1/derc", [control(1, START + 20 * MINUTE, 10)])
    world.run(timedelta(minutes=15))
    out = Participation(
        event=EventKey(utility=UtilityName("apex"), event_id=EventId(f"{mrid(1)}/site-1")),
        version=0,
        opt=Opt.OUT,
        reason="maintenance",
        decided_at=world.now,
        by="site:site-1",
        sites=(SiteId("site-1"),),
    )
    world.decide(out)
    world.run(timedelta(minutes=20))

    by_code: dict[int, set[str]] = {}
    for who, _, code, _ in told(server):
        by_code.setdefault(code, set()).add(who)
    odd = {lfdi(number) for number in range(1, 21) if number % 2}
    assert by_code[4] == odd
    assert by_code[2] == {lfdi(number) for number in range(1, 21)} - odd


def test_what_is_drawn_is_drawn_once_per_site() -> None:
    """Kills: a site that is asked in as many pieces as it has devices; a fleet that starts as one."""
    server = fleet(40)
    world = aggregator(server, 40, sites=4)
    listed = control(1, START + 20 * MINUTE, 30, randomize_start=600)
    server.put("/derp/1/derc", [listed])
    world.run(timedelta(minutes=70))

    starts: dict[int, set[int]] = {}
    for who, _, code, at in told(server):
        if code == 2:
            starts.setdefault(int(who[:8], 16) % 4, set()).add(at)
    assert all(len(found) == 1 for found in starts.values())
    assert len({next(iter(found)) for found in starts.values()}) > 1


def test_a_restart_in_the_middle_of_the_answers_loses_none() -> None:
    server = fleet(60)
    world = aggregator(server, 60)
    start = START + 20 * MINUTE
    server.put("/derp/1/derc", [control(1, start, 10)])
    world.run(start + timedelta(milliseconds=90))
    assert 0 < len([key for key in told(server) if key[2] == 2]) < 60
    world.start()
    world.run(timedelta(minutes=30))

    came = told(server)
    assert {key[:3] for key in came} == {
        (lfdi(number), mrid(1), code) for number in range(1, 61) for code in (1, 2, 3)
    }
    assert sum(came.values()) - len(came) <= 4, "only what was on its way may come twice"
    assert len(world.events) == 1


def test_an_answer_of_one_device_writes_its_own_rows_alone() -> None:
    """Kills: a state that is written as a whole."""
    server = fleet(50)
    world = aggregator(server, 50)
    server.put("/derp/1/derc", [control(1, START + 20 * MINUTE, 10)])
    world.run(START + 20 * MINUTE)

    assert world.most_parts_at_once >= 50
    world.most_parts_at_once = 0
    world.run(timedelta(minutes=2))
    assert world.most_parts_at_once == 1, "a response that was taken, and nothing else"


def test_what_lets_questions_time_out_takes_half_of_them_at_most() -> None:
    """Kills: a slow resource of one device that holds up those of all others."""
    times = Timetable(most=4)
    for number in range(10):
        times.set(f"/slow/{number}", START)
    assert len(times.take(START, 4)) == 4
    for number in range(10):
        times.ended(f"/slow/{number}", in_time=False)
        times.set(f"/slow/{number}", START)
    for number in range(10):
        times.set(f"/good/{number}", START + SECOND)

    taken = times.take(START + 2 * SECOND, 3)
    assert [href[:5] for href in taken] == ["/good"] * 3
    more = times.take(START + 2 * SECOND, 20)
    assert sum(href.startswith("/slow") for href in more) == 2
    assert times.next_due() is None, "until one of them is answered"
    times.ended(more[-1], in_time=True)
    assert times.next_due() == START


def test_what_is_urgent_goes_before_what_has_long_been_due() -> None:
    times = Timetable(most=4)
    times.set("/list", START + 100 * MINUTE)
    for number in range(10):
        times.set(f"/{number}", START)
    times.hurry("/list", START + MINUTE)
    times.hurry("/list", START + MINUTE)

    assert times.take(START + MINUTE, 2) == ["/list", "/0"]
    assert "/list" not in times.take(START + MINUTE, 20)


@settings(max_examples=60, deadline=None)
@given(
    steps=st.lists(
        st.tuples(
            st.integers(0, 2),
            st.sampled_from(["list", "empty", "cancel", "time"]),
            st.integers(0, 3),
        ),
        max_size=25,
    )
)
def test_devices_that_share_a_past_are_what_they_would_be_alone(
    steps: list[tuple[int, str, int]],
) -> None:
    """Kills: a step that is shared although pasts, inputs or instants differ."""
    one, two = event("one", 1200, 1800), event("two", 2400, 2400)
    lists = {
        "list": (one, two),
        "empty": (),
        "cancel": (listed_as(one, 2), two),
    }

    def take(engine: EventEngine, what: str, at: int) -> Outcome:
        if what == "time":
            return engine.on_time(at)
        engine.assign((program(),), at)
        return engine.observe(lists[what], at, complete=whole)

    rules = Settings()
    cohorts = Cohorts()
    shared = [EventEngine(rules, Random(1)) for _ in range(3)]
    alone = [EventEngine(rules, Random(1)) for _ in range(3)]
    blank = shared[0].standing()
    for engine in shared:
        engine.adopt(blank)
    whole = Scope(server=SERVER, program=SYSTEM)
    now = T0
    for who, what, later in steps:
        now += later * 600
        made, _ = cohorts.step(shared[who], (what, now), partial(take, shared[who], what, now))
        assert made == take(alone[who], what, now)
        assert [e.document() for e in shared] == [e.document() for e in alone]
        assert [e.next_at() for e in shared] == [e.next_at() for e in alone]
