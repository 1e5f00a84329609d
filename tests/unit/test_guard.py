"""The operator's envelope on one request: what is left of it, by which rule, and what is counted."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from gateway.domain.guard import Guard, Move, Outside, Rule
from gateway.domain.names import IntentId, SiteId
from gateway.intents.case import Asked, Case, Level, Verdict
from gateway.intents.fleet import Fleet
from gateway.intents.guard import judge
from tests.effort import growth

NOW = datetime(2025, 5, 3, 23, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
START = NOW + HOUR
WIDE = Guard(highest_kw=Decimal(120))
SITE = SiteId("phx-1")
BERLIN = ZoneInfo("Europe/Berlin")


def kw(value: int | str | None) -> Decimal | None:
    return None if value is None else Decimal(value)


def asked(
    *steps: tuple[int, int | None], start: datetime = START, ramp_in: int = 0, floors: bool = False
) -> Asked:
    """Ask for caps (or floors), each for so many minutes, one after the other."""
    levels, at = [], start
    for minutes, bound in steps:
        end = at + minutes * MINUTE
        cap, floor = (None, kw(bound)) if floors else (kw(bound), None)
        levels.append(Level(start=at, end=end, import_max_kw=cap, import_min_kw=floor))
        at = end
    return Asked(
        levels=tuple(levels),
        ramp_in=ramp_in * MINUTE,
        top_kw=Decimal(100),
        base_kw=Decimal(100),
    )


def case(guard: Guard = WIDE, **changes: object) -> Case:
    plain = Case(
        site=SITE, intent_id=IntentId("me"), guard=guard, zone=ZoneInfo("America/Phoenix"), now=NOW
    )
    return replace(plain, **changes)  # type: ignore[arg-type]  # test shorthand


def cap_at(verdict: Verdict, at: datetime) -> Decimal | None:
    for level in verdict.levels:
        if level.start <= at and (level.end is None or at < level.end):
            return level.import_max_kw
    return None


def rules(verdict: Verdict) -> set[Rule]:
    return {found.rule for found in verdict.findings}


def past(at: datetime, minutes: int = 10, name: str = "other") -> Move:
    """An event that moved load at an instant, for so many minutes."""
    return Move(
        site=SITE,
        intent_id=IntentId(name),
        at=at,
        ramp_until=at,
        kw_per_min=Decimal(0),
        until=at + minutes * MINUTE,
        over=at + minutes * MINUTE,
        opens=True,
        swings=True,
    )


def test_what_lies_inside_passes_unchanged() -> None:
    verdict = judge(asked((60, 75), ramp_in=15), case())

    assert verdict.findings == ()
    assert not verdict.partial
    assert cap_at(verdict, START - 16 * MINUTE) is None
    assert cap_at(verdict, START - MINUTE) == cap_at(verdict, START + 59 * MINUTE) == 75
    assert [(m.at, m.over, m.opens) for m in verdict.moves] == [
        (START - 15 * MINUTE, START + HOUR, True)
    ]


def test_a_cap_below_the_lowest_is_raised_and_the_answer_is_partial() -> None:
    verdict = judge(asked((60, 10)), case(replace(WIDE, lowest_kw=Decimal(30))))

    assert cap_at(verdict, START) == 30
    assert rules(verdict) == {Rule.LOWEST}
    assert verdict.partial
    assert "asked 10 kW, 30 kW is the bound" in verdict.findings[0].detail


def test_nobody_makes_a_site_draw_more_than_the_highest() -> None:
    verdict = judge(asked((60, 200), floors=True), case(replace(WIDE, highest_kw=Decimal(110))))

    assert {level.import_min_kw for level in verdict.levels} <= {None, Decimal(110)}
    assert rules(verdict) == {Rule.HIGHEST}
    assert verdict.partial


def test_a_cap_above_the_highest_makes_nobody_draw_more_and_stays() -> None:
    verdict = judge(asked((60, 115)), case(replace(WIDE, highest_kw=Decimal(110))))

    assert cap_at(verdict, START) == 115
    assert verdict.findings == ()


def test_a_ramp_begins_early_enough_when_there_is_notice() -> None:
    guard = replace(WIDE, ramp_kw_per_min=Decimal(5))
    verdict = judge(asked((60, 75)), case(guard))

    assert cap_at(verdict, START) == 75
    assert cap_at(verdict, START - 5 * MINUTE) == 95
    assert not verdict.partial


def test_without_notice_the_ramp_goes_into_the_event_and_that_is_said() -> None:
    guard = replace(WIDE, ramp_kw_per_min=Decimal(5))
    verdict = judge(asked((60, 75), start=NOW), case(guard))

    assert [cap_at(verdict, NOW + k * MINUTE) for k in range(6)] == [95, 90, 85, 80, 75, 75]
    assert rules(verdict) == {Rule.RAMP}
    assert verdict.partial


def test_a_revision_every_second_does_not_get_round_the_ramp() -> None:
    guard = replace(WIDE, ramp_kw_per_min=Decimal(5))
    first = judge(asked((60, 75), start=NOW), case(guard))
    now = NOW + timedelta(seconds=10)
    force = Level(start=now, end=None, import_max_kw=Decimal(95))
    again = judge(asked((60, 50), start=NOW), case(guard, now=now, own=first.moves, in_force=force))

    assert cap_at(again, now) == 95
    assert cap_at(again, NOW + MINUTE) == 90


def test_a_revision_at_the_instant_of_a_step_takes_no_second_one() -> None:
    guard = replace(WIDE, ramp_kw_per_min=Decimal(5))
    first = judge(asked((60, 75), start=NOW), case(guard))
    now = NOW + MINUTE
    force = Level(start=now, end=None, import_max_kw=Decimal(90))
    again = judge(asked((60, 50), start=NOW), case(guard, now=now, own=first.moves, in_force=force))

    assert cap_at(again, now) == 90
    assert cap_at(again, now + MINUTE) == 85


def test_a_revision_that_puts_the_start_off_lets_go_until_then() -> None:
    force = Level(start=NOW, end=None, import_max_kw=Decimal(75))
    verdict = judge(asked((60, 75), ramp_in=15), case(own=[past(NOW - MINUTE)], in_force=force))

    assert cap_at(verdict, NOW) is None
    assert cap_at(verdict, START - 15 * MINUTE) is not None
    assert cap_at(verdict, START) == 75


def test_the_third_event_within_an_hour_is_declined() -> None:
    guard = replace(WIDE, events_per_hour=2)
    others = [past(START - 50 * MINUTE, name="a"), past(START - 30 * MINUTE, name="b")]
    verdict = judge(asked((60, 75)), case(guard, others=others))

    assert verdict.nothing
    assert rules(verdict) == {Rule.EVENTS_PER_HOUR}
    assert "number 3 within an hour, 2 are allowed" in verdict.findings[0].detail
    later = judge(asked((60, 75)), case(guard, others=[past(START - 60 * MINUTE), others[1]]))
    assert not later.findings


def test_events_that_are_scheduled_later_count_too() -> None:
    guard = replace(WIDE, events_per_hour=1)
    verdict = judge(asked((5, 75)), case(guard, others=[past(START + 40 * MINUTE)]))

    assert rules(verdict) == {Rule.EVENTS_PER_HOUR}


@pytest.mark.parametrize(
    ("midnight", "hours"),
    [
        (datetime(2025, 3, 29, 23, tzinfo=UTC), 23),
        (datetime(2025, 10, 25, 22, tzinfo=UTC), 25),
        (datetime(2025, 6, 9, 22, tzinfo=UTC), 24),
    ],
)
def test_a_day_is_the_sites_own_be_it_of_23_or_25_hours(midnight: datetime, hours: int) -> None:
    guard = replace(WIDE, events_per_day=1)
    first = past(midnight + MINUTE)

    def judged(at: datetime) -> set[Rule]:
        found = case(guard, zone=BERLIN, now=midnight + 20 * MINUTE, others=[first])
        return rules(judge(asked((10, 75), start=at), found))

    assert judged(midnight + hours * HOUR - MINUTE) == {Rule.EVENTS_PER_DAY}
    assert judged(midnight + hours * HOUR) == set()


def test_a_level_that_flips_every_minute_is_bounded_in_reversals() -> None:
    flips = [(1, 75 if k % 2 == 0 else 100) for k in range(60)]
    verdict = judge(asked(*flips), case(replace(WIDE, reversals_per_hour=3)))

    assert sum(move.swings for move in verdict.moves) == 3
    assert rules(verdict) == {Rule.REVERSALS_PER_HOUR}
    assert cap_at(verdict, START + 4 * MINUTE) == 75
    assert cap_at(verdict, START + 6 * MINUTE) in {None, Decimal(100)}


@pytest.mark.parametrize(
    "guard",
    [WIDE, replace(WIDE, reversals_per_day=50, min_hold=MINUTE, longest_event=9 * 24 * HOUR)],
)
def test_ten_thousand_flips_cost_no_more_than_their_share(guard: Guard) -> None:
    def judged(count: int) -> Verdict:
        flips = [(1, 60 + k % 7 if k % 2 else 100) for k in range(count)]
        return judge(asked(*flips), case(guard))

    assert len(judged(10_000).levels) >= 10_000
    assert growth(judged, 2_500, 4) < 8  # by their number: 4; by its square: 16


def test_what_is_asked_for_less_than_the_shortest_hold_is_not_asked() -> None:
    guard = replace(WIDE, min_hold=10 * MINUTE)
    verdict = judge(asked((30, 90), (5, 60), (30, 80)), case(guard))

    assert [cap_at(verdict, START + m * MINUTE) for m in (0, 30, 35)] == [90, 80, 80]
    assert rules(verdict) == {Rule.MIN_HOLD}
    assert judge(asked((9, 75)), case(guard)).nothing


def test_load_is_left_alone_after_it_was_eased() -> None:
    guard = replace(WIDE, min_hold=10 * MINUTE)
    verdict = judge(asked((20, 75), (2, 100), (30, 75)), case(guard))

    assert [cap_at(verdict, START + m * MINUTE) for m in (19, 22, 29, 30)] == [
        75,
        None,
        None,
        75,
    ]
    assert rules(verdict) == {Rule.MIN_HOLD}


def test_an_event_ends_after_the_longest_time_and_open_ones_do_too() -> None:
    guard = replace(WIDE, longest_event=2 * HOUR)
    open_ended = replace(
        asked((60, 75)), levels=(Level(start=START, end=None, import_max_kw=Decimal(75)),)
    )
    verdict = judge(open_ended, case(guard))

    assert cap_at(verdict, START + 2 * HOUR - MINUTE) == 75
    assert cap_at(verdict, START + 2 * HOUR) is None
    assert verdict.over == START + 2 * HOUR
    assert rules(verdict) == {Rule.LONGEST_EVENT}


def test_overlapping_events_do_not_add_up_to_more_than_the_longest() -> None:
    guard = replace(WIDE, longest_event=2 * HOUR)
    running = past(START - HOUR, minutes=90)
    verdict = judge(asked((120, 75)), case(guard, others=[running]))

    assert verdict.over == START + HOUR


def test_the_next_event_waits_until_the_site_is_ready_again() -> None:
    guard = replace(WIDE, re_arm=30 * MINUTE)
    verdict = judge(asked((60, 75)), case(guard, others=[past(START - 20 * MINUTE, 10)]))

    assert cap_at(verdict, START + 19 * MINUTE) is None
    assert cap_at(verdict, START + 20 * MINUTE) == 75
    assert rules(verdict) == {Rule.RE_ARM}
    early = judge(asked((60, 75)), case(guard, others=[past(START + 70 * MINUTE, 10)]))
    assert early.nothing


def test_a_rule_may_wait_for_the_operator_instead() -> None:
    guard = replace(
        WIDE, lowest_kw=Decimal(30), actions={Rule.LOWEST: Outside.HOLD}, events_per_hour=0
    )
    verdict = judge(asked((60, 10)), case(guard))

    assert "lowest_import_kw" in verdict.held
    assert "events_per_hour" not in verdict.held
    assert {found.action for found in verdict.findings} == {Outside.HOLD, Outside.CLIP}


def test_what_the_operator_waives_is_no_rule_any_more_but_the_highest_stays() -> None:
    held = frozenset({Rule.LOWEST, Rule.HIGHEST, Rule.RAMP})
    tight = Guard(
        lowest_kw=Decimal(30), highest_kw=Decimal(110), ramp_kw_per_min=Decimal(1), min_hold=HOUR
    )

    assert tight.without(held) == Guard(highest_kw=Decimal(110), min_hold=HOUR)


def test_starts_that_find_no_room_in_the_fleet_are_staggered() -> None:
    fleet = Fleet(Decimal(10))
    begins = []
    for name in "abc":
        verdict = judge(
            asked((120, 50)),
            case(replace(WIDE, ramp_kw_per_min=Decimal(5)), intent_id=IntentId(name), fleet=fleet),
        )
        for move in verdict.moves:
            fleet.book(move)
        begins.append(verdict.moves[0].at)
        assert rules(verdict) == ({Rule.FLEET} if name == "c" else set())

    assert begins == [START - 10 * MINUTE, START - 10 * MINUTE, START]
    assert fleet.peak() == 10


def test_a_ramp_given_back_leaves_its_room() -> None:
    fleet = Fleet(Decimal(10))
    move = replace(past(NOW), ramp_until=NOW + 7 * MINUTE, kw_per_min=Decimal(10))
    fleet.book(move)
    assert fleet.slot(NOW, 3, Decimal(1)) == NOW + 7 * MINUTE
    assert fleet.slot(NOW - 5 * MINUTE, 5, Decimal(1)) == NOW - 5 * MINUTE
    assert fleet.slot(NOW - 4 * MINUTE, 5, Decimal(1)) == NOW + 7 * MINUTE
    fleet.drop(move)
    assert fleet.slot(NOW, 3, Decimal(10)) == NOW
