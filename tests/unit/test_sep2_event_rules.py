"""The rules of events that no public procedure covers, one by one."""

from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from gateway.domain.errors import MisuseError, SessionError
from gateway.protocols.sep2.events import (
    Code,
    Control,
    EventEngine,
    FunctionSet,
    Input,
    Program,
    Scope,
    Settings,
    State,
    Supersede,
)
from gateway.protocols.sep2.events.codes import ALLOWED, asked_for
from gateway.protocols.sep2.events.table import TERMINAL, TRANSITIONS, step
from tests.sep2_event_world import (
    SERVER,
    SERVICE_POINT,
    SYSTEM,
    T0,
    Device,
    HalfChance,
    event,
    mrid,
    program,
    status,
)

DRLC = program(SYSTEM, function_set=FunctionSet.DRLC)
PRICES = program(SYSTEM, function_set=FunctionSet.PRICING)
TEXTS = program(SYSTEM, function_set=FunctionSet.MESSAGING)
DATA_CENTER = Settings(categories=1 << 9 | 1 << 14)
Y2023 = Settings(edition=2023)


# -- first sight -----------------------------------------------------------------------------------------------


@pytest.mark.spec("IEEE 2030.5-2018 10.2.3.3 rule l", "IEEE 2030.5-2023 10.2.2.3 rule j")
@pytest.mark.parametrize("listed", [0, 1, 2, 3, 4, 5])
def test_an_event_first_seen_after_its_specified_end_is_answered_254_alone(listed: int) -> None:
    late = event("e", 0, 60, status=listed, randomize_duration=3600)
    device = Device(now=60).sees(late, whole=program()).sees(late).until(9000)

    assert device.told == [(60, "e", 254)]
    assert not device.held


@pytest.mark.spec("IEEE 2030.5-2018 10.2.3.3 rule l")
@pytest.mark.parametrize("of", [PRICES, TEXTS])
def test_only_direct_control_answers_254(of: Program) -> None:
    device = Device(programs=[of], now=60).sees(event("e", 0, 60, of=of)).until(200)

    assert device.told == []


@pytest.mark.spec("IEEE 2030.5-2018 10.2.3.3 rule l")
def test_an_event_that_aged_out_gets_no_254_when_it_is_listed_on() -> None:
    running = event("e", 10, 60)
    device = Device().sees(running).until(500).sees(running, whole=program()).until(900)

    assert device.codes("e") == [1, 2, 3]


@pytest.mark.spec("IEEE 2030.5-2018 events: cancellation")
@pytest.mark.parametrize("listed", [2, 3])
def test_an_event_first_seen_cancelled_is_received_and_cancelled(listed: int) -> None:
    device = Device().sees(event("e", 10, 60, status=listed)).until(100)

    assert device.told == [(0, "e", 1), (0, "e", 6)]


@pytest.mark.spec("IEEE 2030.5-2018 EventStatus")
def test_an_event_first_seen_superseded_is_never_started() -> None:
    device = Device().sees(event("e", 10, 60, status=4)).until(100)

    assert device.told == [(0, "e", 1), (0, "e", 7)]


@pytest.mark.spec("IEEE 2030.5-2023 EventStatus")
@pytest.mark.parametrize(("edition", "codes"), [(2018, [1, 2, 3]), (2023, [1])])
def test_completed_is_a_status_of_2023_only(edition: int, codes: list[int]) -> None:
    settings = Settings(edition=2023) if edition == 2023 else Settings()
    device = Device(settings).sees(event("e", 10, 60, status=5)).until(100)

    assert device.codes("e") == codes


@pytest.mark.spec("IEEE 2030.5-2018 events: late discovery")
def test_an_event_in_progress_starts_at_once_and_ends_as_planned() -> None:
    device = Device(now=30).sees(event("e", 10, 60, randomize_start=10)).until(100)

    assert device.told == [(30, "e", 1), (30, "e", 2), (75, "e", 3)]


@pytest.mark.spec("IEEE 2030.5-2018 events: late discovery")
def test_an_event_in_progress_waits_for_its_effective_start() -> None:
    device = Device(now=12).sees(event("e", 10, 60, randomize_start=10)).until(100)

    assert device.told == [(12, "e", 1), (15, "e", 2), (75, "e", 3)]


@pytest.mark.spec("IEEE 2030.5-2018 events: categories")
def test_an_event_for_other_categories_is_not_even_answered() -> None:
    device = Device(DATA_CENTER).sees(event("e", 10, 60, categories=1 << 3)).until(100)

    assert device.told == []
    assert list(device.engine.records()) == []


@pytest.mark.spec("IEEE 2030.5-2018 events: categories")
def test_an_event_for_everyone_is_for_a_device_without_categories_too() -> None:
    assert Device().sees(event("e", 10, 60)).until(100).codes("e") == [1, 2, 3]


@pytest.mark.spec("IEEE 2030.5-2018 events: refusal", "IEEE 2030.5-2023 Table 31")
@pytest.mark.parametrize(("edition", "code"), [(2018, 252), (2023, 251)])
def test_modes_that_the_device_lacks_are_refused_by_the_editions_code(
    edition: int, code: int
) -> None:
    supported = frozenset({"opModExpLimW"})
    settings = (
        Settings(edition=2023, supported=supported)
        if edition == 2023
        else Settings(supported=supported)
    )
    device = Device(settings).sees(event("e", 10, 60)).until(100)

    assert device.told == [(0, "e", code)]


@pytest.mark.spec("IEEE 2030.5-2018 events: refusal", "CSIP BASIC-015")
def test_of_several_modes_those_that_the_device_has_are_followed() -> None:
    device = Device(Settings(supported=frozenset({"opModImpLimW"})))
    device.sees(event("e", 10, 60, modes=frozenset({"opModImpLimW", "opModConnect"}))).until(20)

    assert device.force() == {"opModImpLimW": "e"}
    assert device.found == [("e", "PARTLY_SUPPORTED")]


@pytest.mark.spec("IEEE 2030.5-2018 Table 27")
@pytest.mark.parametrize("refusal", [Code.NOT_APPLICABLE, Code.NOT_SUPPORTED])
def test_a_2018_server_is_never_sent_251(refusal: Code) -> None:
    device = Device().sees(event("e", 10, 60, refusal=refusal)).until(100)

    assert device.codes("e") == [252]


@pytest.mark.spec("IEEE 2030.5-2018 events: refusal")
@pytest.mark.parametrize(
    "wrong",
    [
        {"duration": 0},
        {"duration": 2**32},
        {"start": 2**62},
        {"start": 1, "duration": 2**62},
        {"randomize_start": 3601},
        {"randomize_duration": -3601},
        {"modes": frozenset()},
        {"creation_time": -(2**63)},
        {"refusal": Code.INVALID},
    ],
)
def test_nonsense_is_answered_253_and_can_be_stored(wrong: dict[str, Any]) -> None:
    device = Device(restarts=True).sees(replace(event("e", 10, 60), **wrong)).until(100)

    assert device.codes("e") == [253]
    assert device.engine.next_at() is None


def test_an_event_of_a_program_that_was_not_assigned_is_our_mistake() -> None:
    device = Device()

    with pytest.raises(MisuseError, match="assign it first"):
        device.sees(event("a", 10, 60), event("e", 10, 60, of=program("F" * 32)))
    assert list(device.engine.records()) == []


def test_a_flood_of_events_ends_at_the_limit_and_is_reported() -> None:
    device = Device(Settings(most_controls=3))
    device.sees(*(event(f"{n}", 10 + n, 60) for n in range(9)))

    assert len(list(device.engine.records())) == 3
    assert [word for _, word in device.found] == ["TOO_MANY_EVENTS"]
    assert len(device.told) == 3


# -- changes ---------------------------------------------------------------------------------------------------


@pytest.mark.spec("IEEE 2030.5-2018 10.2.3.3 rule c")
def test_an_edited_event_stays_as_first_received_and_is_reported_once() -> None:
    first = event("e", 10, 60)
    device = Device().sees(first)
    for _ in range(3):
        device.sees(replace(first, duration=600, content="other"))
    device.until(1000)

    assert device.held["e"] == [(10, 70)]
    assert device.found == [("e", "CONTENT_CHANGED")]


@pytest.mark.spec("IEEE 2030.5-2018 10.2.3.3 rule c")
def test_edits_are_followed_where_the_utility_is_known_for_them() -> None:
    first = event("e", 10, 60, randomize_start=8)
    device = Device(Settings(allow_edits=True)).sees(first).until(20)
    device.sees(replace(first, duration=30)).until(100)

    assert device.held["e"] == [(14, 44)]
    assert device.codes("e") == [1, 2, 3]
    assert device.chance.drawn == 1


@pytest.mark.spec("IEEE 2030.5-2018 10.2.3.3 rule c")
def test_an_edit_draws_anew_only_what_it_changed() -> None:
    first = event("e", 50, 60, randomize_start=8, randomize_duration=8)
    device = Device(Settings(allow_edits=True)).sees(first)
    device.sees(replace(first, randomize_start=20)).until(200)

    assert device.held["e"] == [(60, 124)]
    assert device.chance.drawn == 3


@pytest.mark.spec("IEEE 2030.5-2018 10.2.3.3 rule c")
def test_an_edit_into_nonsense_is_never_followed() -> None:
    first = event("e", 10, 60)
    device = Device(Settings(allow_edits=True)).sees(first).sees(replace(first, duration=2**60))

    assert device.found == [("e", "CONTENT_CHANGED")]
    assert device.until(100).held["e"] == [(10, 70)]


@pytest.mark.spec("IEEE 2030.5-2018 EventStatus")
@pytest.mark.parametrize("number", [6, 7, 99, -1, 255])
def test_a_reserved_status_means_nothing_and_is_reported_once(number: int) -> None:
    running = event("e", 10, 60)
    device = Device().sees(running).until(20)
    device.sees(status(running, number)).sees(status(running, number)).until(100)

    assert device.codes("e") == [1, 2, 3]
    assert device.found == [("e", "RESERVED_STATUS")]


@pytest.mark.spec("IEEE 2030.5-2018 10.2.3.3 rule s")
def test_2018_runs_an_event_that_vanished() -> None:
    device = Device().sees(event("e", 10, 60), whole=program()).until(20)
    device.sees(whole=program()).sees(whole=program()).until(100)

    assert device.codes("e") == [1, 2, 3]
    assert device.found == [("e", "VANISHED")]


@pytest.mark.spec("IEEE 2030.5-2023 10.2.2.3 rule p")
def test_2023_takes_a_vanished_event_for_cancelled() -> None:
    device = Device(Y2023).sees(event("e", 10, 60), whole=program()).until(20)

    assert device.sees(whole=program()).told[-1] == (20, "e", 6)
    assert device.force() == {}


@pytest.mark.spec("IEEE 2030.5-2023 10.2.2.3 rule p")
def test_2023_believes_only_a_complete_list_of_the_same_program() -> None:
    other = program(SERVICE_POINT)
    device = Device(Y2023, [program(), other]).sees(event("e", 10, 60), whole=program()).until(20)
    device.sees().sees(whole=other).until(100)

    assert device.codes("e") == [1, 2, 3]


@pytest.mark.spec("IEEE 2030.5-2023 10.2.2.3 rule p")
def test_vanishing_after_the_end_is_no_cancellation() -> None:
    device = Device(Y2023).sees(event("e", 10, 60), whole=program()).until(69)
    device.now = 70

    assert device.sees(whole=program()).codes("e") == [1, 2, 3]


@pytest.mark.spec("IEEE 2030.5-2023 10.2.2.3 rule p")
def test_a_price_vanishes_from_its_own_list_only() -> None:
    given = event("e", 10, 60, of=PRICES, component="peak")
    device = Device(Y2023, [PRICES]).sees(given).until(20)
    scope = Scope(server=SERVER, program=SYSTEM, component="base")
    device.take(device.engine.observe([], T0 + 20, scope))

    assert device.codes("e") == [1, 2]
    device.take(device.engine.observe([], T0 + 20, replace(scope, component="peak")))
    assert device.codes("e") == [1, 2, 6]


def test_what_is_long_over_and_unlisted_is_forgotten_and_no_sooner() -> None:
    given = event("e", 10, 60)
    device = Device().sees(given, whole=program()).until(100).sees(given, whole=program())
    device.until(100_000).sees(given, whole=program())
    assert list(device.engine.records())
    device.sees(whole=program()).until(100_001).sees(whole=program())

    assert list(device.engine.records()) == []
    assert device.codes("e") == [1, 2, 3]


# -- cancelled, superseded by the server --------------------------------------------------------------------------


@pytest.mark.spec("IEEE 2030.5-2018 events: cancellation")
def test_a_cancellation_stops_at_once_whatever_the_randomization() -> None:
    given = event("e", 10, 60, randomize_duration=60)
    device = Device().sees(given).until(20).sees(status(given, 2))

    assert device.force() == {}
    assert device.told[-1] == (20, "e", 6)


@pytest.mark.spec("IEEE 2030.5-2018 events: cancellation")
@pytest.mark.parametrize("listed", [2, 3])
def test_a_cancellation_before_the_start_is_told_at_once(listed: int) -> None:
    given = event("e", 100, 60, randomize_start=60)
    device = Device().sees(given).until(20).sees(status(given, listed)).until(500)

    assert device.told == [(0, "e", 1), (20, "e", 6)]


@pytest.mark.spec("IEEE 2030.5-2018 events: cancellation")
def test_a_random_release_never_outlasts_the_event() -> None:
    given = event("e", 10, 60, randomize_start=3600)
    device = Device().sees(given).until(1850).sees(status(given, 3)).until(9000)

    assert device.told[-1] == (1870, "e", 6)


@pytest.mark.spec("IEEE 2030.5-2018 events: cancellation")
def test_a_cancellation_overtakes_a_random_release() -> None:
    given = event("e", 10, 600, randomize_start=60)
    device = Device().sees(given).until(100).sees(status(given, 3)).until(110)

    assert device.sees(status(given, 2)).told[-1] == (110, "e", 6)


def test_a_cancelled_event_listed_as_valid_again_is_reported_and_still_released() -> None:
    given = event("e", 10, 600, randomize_start=60)
    device = Device().sees(given).until(100).sees(status(given, 3)).sees(given).until(600)

    assert device.found == [("e", "UNCANCELLED")]
    assert device.told[-1] == (130, "e", 6)


def test_an_event_cancelled_for_good_never_comes_back() -> None:
    given = event("e", 10, 600)
    device = Device().sees(given).until(100).sees(status(given, 2)).sees(given).until(700)

    assert device.codes("e") == [1, 2, 6]


@pytest.mark.spec("IEEE 2030.5-2018 10.2.3.3 rule n", "IEEE 2030.5-2018 events: cancellation")
def test_a_loser_runs_when_the_winner_is_cancelled_before_its_start() -> None:
    newer = event("new", 50, 60, creation_time=T0 + 1)
    device = Device().sees(event("old", 10, 90), newer).until(30)
    assert device.force() == {}

    device.sees(status(newer, 2)).until(200)

    assert device.codes("old") == [1, 2, 3]
    assert device.held["old"] == [(30, 100)]


@pytest.mark.spec("IEEE 2030.5-2018 10.2.3.3 rule i")
def test_superseded_stays_superseded_when_the_winner_is_cancelled_later() -> None:
    newer = event("new", 50, 60, creation_time=T0 + 1)
    device = Device().sees(event("old", 10, 90)).until(20).sees(newer).until(60)
    device.sees(status(newer, 2)).until(200)

    assert device.codes("old") == [1, 2, 7]
    assert device.held["old"] == [(10, 50)]


def test_a_loser_of_a_loser_runs() -> None:
    programs = [program("A" * 32, 3), program("B" * 32, 2), program("C" * 32, 1)]
    device = Device(programs=programs)
    device.sees(
        event("low", 10, 50, of=programs[0]),
        event("mid", 40, 60, of=programs[1]),
        event("top", 80, 50, of=programs[2]),
    ).until(300)

    assert device.codes("low") == [1, 2, 3]
    assert device.codes("mid") == [1, 14]
    assert device.codes("top") == [1, 2, 3]


@pytest.mark.spec("IEEE 2030.5-2018 10.2.3.3 rule f", "IEEE 2030.5-2023 10.2.2.3 rule e")
@pytest.mark.parametrize(("name", "wins"), [("x", "x"), ("a", "b")])
def test_of_equal_creation_times_the_higher_mrid_wins(name: str, wins: str) -> None:
    device = Device().sees(event(name, 10, 60), event("b", 10, 60)).until(20)

    assert device.force() == {"opModImpLimW": wins}


@pytest.mark.spec("IEEE 2030.5-2018 EventStatus")
@pytest.mark.parametrize(("now", "starts"), [(25, 35), (45, 45)])
def test_the_successor_of_a_superseded_event_starts_at_once_after_its_start_window(
    now: int, starts: int
) -> None:
    running = event("old", 10, 100, randomize_start=20)
    follower = event("new", 20, 100, creation_time=T0 + 1, randomize_start=2 * starts - 40)
    device = Device().sees(running).until(now).sees(status(running, 4), follower).until(400)

    assert (20, "old", 2) in device.told
    assert (now, "old", 7) in device.told
    assert (starts, "new", 2) in device.told
    if now == 45:  # its own randomization would have had it wait
        late = event("new", 20, 100, creation_time=T0 + 1, randomize_start=60)
        device = Device().sees(running).until(now).sees(status(running, 4), late).until(400)
        assert device.told[-2:] == [(45, "new", 2), (145, "new", 3)]


@pytest.mark.spec("IEEE 2030.5-2023 EventStatus")
def test_a_server_that_says_completed_ends_the_event() -> None:
    given = event("e", 10, 60)
    device = Device(Y2023).sees(given).until(30).sees(status(given, 5)).until(100)

    assert device.told[-1] == (30, "e", 3)


@pytest.mark.spec("IEEE 2030.5-2023 EventStatus")
def test_completed_in_the_random_tail_changes_nothing() -> None:
    given = event("e", 10, 60, randomize_duration=40)
    device = Device(Y2023).sees(given).until(75).sees(status(given, 5)).until(100)

    assert device.told[-1] == (90, "e", 3)


# -- resume ----------------------------------------------------------------------------------------------------


@pytest.mark.spec("IEEE 2030.5-2023 Table 31")
def test_2023_resumes_what_is_left_of_a_displaced_event() -> None:
    device = Device(Y2023).sees(event("old", 10, 100)).until(20)
    device.sees(event("new", 30, 20, creation_time=T0 + 1)).until(200)

    assert device.codes("old") == [1, 2, 7, 15, 3]
    assert device.held["old"] == [(10, 30), (50, 110)]


@pytest.mark.spec("IEEE 2030.5-2018 Table 27")
def test_a_2018_server_hears_no_15_even_if_events_resume() -> None:
    device = Device(Settings(resume=True)).sees(event("old", 10, 100)).until(20)
    device.sees(event("new", 30, 20, creation_time=T0 + 1)).until(200)

    assert device.codes("old") == [1, 2, 7, 3]
    assert device.held["old"] == [(10, 30), (50, 110)]


def test_resuming_editions_start_a_covered_event_late() -> None:
    device = Device(Y2023)
    device.sees(event("old", 30, 60), event("new", 10, 50, creation_time=T0 + 1)).until(200)

    assert [entry for entry in device.told if entry[1] == "old"] == [
        (0, "old", 1),
        (30, "old", 7),
        (60, "old", 2),
        (90, "old", 3),
    ]


@pytest.mark.spec("IEEE 2030.5-2023 10.2.2.3")
def test_an_event_covered_to_its_end_is_superseded_and_told_once() -> None:
    device = Device(Y2023)
    device.sees(event("old", 30, 20), event("new", 10, 90, creation_time=T0 + 1)).until(200)

    assert device.codes("old") == [1, 7]


@pytest.mark.spec("IEEE 2030.5-2023 10.2.2.3")
def test_2023_foretells_both_halves_of_a_displaced_event() -> None:
    device = Device(Y2023)
    device.sees(event("old", 10, 100), event("new", 30, 20, creation_time=T0 + 1))

    found = {(s.key[1], s.start - T0, s.end - T0) for s in device.engine.stretches()}
    assert found == {(mrid("old"), 10, 30), (mrid("new"), 30, 50), (mrid("old"), 50, 110)}


def test_what_is_being_released_gets_nothing_back() -> None:
    better = program(SERVICE_POINT, 1)
    modes = frozenset({"opModImpLimW", "opModExpLimW"})
    wide = event("wide", 10, 400, modes=modes, randomize_duration=200)
    device = Device(Y2023, [program(), better]).sees(wide, event("sp", 50, 30, of=better)).until(60)
    device.sees(status(wide, 3)).until(90)

    assert device.force() == {"opModExpLimW": "wide"}
    assert {s.mode for s in device.engine.stretches()} == {"opModExpLimW"}


def test_an_event_that_begins_late_displaces_nobody_of_before() -> None:
    one, better = program(SYSTEM, 2), program(SERVICE_POINT, 1)
    both = frozenset({"opModImpLimW", "opModExpLimW"})
    device = Device(Y2023, [one, better]).sees(
        event("tail", 10, 20, of=better, modes=both, randomize_duration=40),
        event("waits", 30, 60, of=better, creation_time=T0 - 5, modes=frozenset({"opModImpLimW"})),
        event("next", 32, 60, of=one, modes=both),
    )
    device.until(400)

    assert device.held["tail"] == [(10, 50)]
    assert device.codes("waits") == [1, 2, 3]
    assert device.codes("next") == [1, 2, 3]


# -- the user --------------------------------------------------------------------------------------------------


@pytest.mark.spec("IEEE 2030.5-2018 events: user's choice")
def test_opting_out_before_the_start_is_no_participation_at_the_end() -> None:
    device = Device(programs=[program(default=["opModImpLimW"])]).sees(event("e", 50, 60))
    device.until(10).decides("e", Input.OPT_OUT).until(60)

    assert device.force() == {"opModImpLimW": "default"}
    assert device.until(200).told == [(0, "e", 1), (10, "e", 4), (110, "e", 10)]


@pytest.mark.spec("IEEE 2030.5-2018 events: user's choice")
def test_opting_out_of_a_running_event_is_partial_at_the_end() -> None:
    device = Device().sees(event("e", 50, 60)).until(70).decides("e", Input.OPT_OUT)

    assert device.force() == {}
    assert device.until(200).told[2:] == [(70, "e", 4), (110, "e", 8)]


@pytest.mark.spec("IEEE 2030.5-2018 events: user's choice")
def test_opting_in_late_is_partial_with_opt_in() -> None:
    device = Device().sees(event("e", 50, 60)).decides("e", Input.OPT_OUT).until(70)
    device.decides("e", Input.OPT_IN).until(200)

    assert device.told == [
        *((0, "e", 1), (0, "e", 4), (70, "e", 5), (70, "e", 2)),
        (110, "e", 9),
    ]


@pytest.mark.spec("IEEE 2030.5-2018 events: user's choice")
def test_opting_out_and_in_before_the_start_leaves_the_event_whole() -> None:
    device = Device().sees(event("e", 50, 60)).decides("e", Input.OPT_OUT).until(20)
    device.decides("e", Input.OPT_IN).until(200)

    assert device.codes("e") == [1, 4, 5, 2, 3]


@pytest.mark.spec("IEEE 2030.5-2018 events: user's choice", "IEEE 2030.5-2018 8.8")
@pytest.mark.parametrize("restarts", [False, True])
def test_each_code_is_told_once_however_often_the_user_changes_his_mind(*, restarts: bool) -> None:
    device = Device(restarts=restarts).sees(event("e", 50, 60)).until(60)
    for _ in range(3):
        device.decides("e", Input.OPT_OUT).until(device.now + 1).decides("e", Input.OPT_IN)
    device.until(200)

    assert device.codes("e") == [1, 2, 4, 5, 9]


@pytest.mark.spec("IEEE 2030.5-2018 events: user's choice")
def test_who_comes_back_finds_a_better_event_in_his_way() -> None:
    device = Device().sees(event("old", 10, 100)).until(20).decides("old", Input.OPT_OUT)
    device.sees(event("new", 60, 20, creation_time=T0 + 1)).decides("old", Input.OPT_IN)

    assert device.until(40).force() == {}
    assert device.until(300).codes("old") == [1, 2, 4, 5, 7]


@pytest.mark.spec("IEEE 2030.5-2018 events: user's choice")
def test_an_opted_out_event_leaves_its_modes_to_others() -> None:
    programs = [program(SYSTEM, 4), program(SERVICE_POINT, 1)]
    device = Device(programs=programs)
    device.sees(event("sys", 50, 60, of=programs[0]), event("sp", 50, 60, of=programs[1]))
    device.decides("sp", Input.OPT_OUT).until(60)

    assert device.force() == {"opModImpLimW": "sys"}
    device.decides("sp", Input.OPT_IN)
    assert device.force() == {"opModImpLimW": "sp"}


@pytest.mark.spec("IEEE 2030.5-2018 events: user's choice")
@pytest.mark.parametrize(("allowed", "code"), [(20, 8), (19, 10)])
def test_an_override_within_its_allowance_is_partial_and_beyond_it_none(
    allowed: int, code: int
) -> None:
    given = event("e", 50, 60, of=DRLC, override_s=allowed, categories=1 << 9)
    device = Device(DATA_CENTER, [DRLC], restarts=True).sees(given).until(60)
    device.decides("e", Input.OVERRIDE).until(72)
    assert device.force() == {}
    device.decides("e", Input.OVERRIDE_OVER).until(80).decides("e", Input.OVERRIDE).until(88)
    device.decides("e", Input.OVERRIDE_OVER).until(200)

    assert device.codes("e") == [1, 2, code]
    assert device.responses[-1].override_s == 20


@pytest.mark.spec("IEEE 2030.5-2018 events: user's choice")
def test_an_override_to_the_end_counts_to_the_end() -> None:
    given = event("e", 50, 60, of=DRLC, override_s=60, categories=1 << 9)
    device = Device(DATA_CENTER, [DRLC]).sees(given).until(100).decides("e", Input.OVERRIDE)
    device.until(200)

    assert device.codes("e")[-1] == 8
    assert device.responses[-1].override_s == 10


def test_what_the_table_does_not_know_changes_nothing() -> None:
    device = Device().sees(event("e", 50, 60))
    before = device.engine.document()

    with pytest.raises(SessionError, match="OUT_OF_SEQUENCE"):
        device.decides("e", Input.OVERRIDE)
    with pytest.raises(SessionError, match="OUT_OF_SEQUENCE"):
        device.decides("nobody", Input.OPT_OUT)
    with pytest.raises(MisuseError, match="not for a user"):
        device.decides("e", Input.START)
    assert device.engine.document() == before


# -- programs --------------------------------------------------------------------------------------------------


@pytest.mark.spec("CSIP BASIC-003", "CSIP-AUS P-02", "IEEE 2030.5-2018 8.7")
def test_an_event_stops_when_its_program_is_no_longer_assigned() -> None:
    other = program(SERVICE_POINT, 5, default=["opModImpLimW"])
    device = Device(programs=[program(), other]).sees(event("e", 10, 60)).until(20)
    device.assigned(other)

    assert device.force() == {"opModImpLimW": "default"}
    assert device.until(200).codes("e") == [1, 2]
    assert device.found == [("e", "WITHDRAWN")]


@pytest.mark.spec("CSIP BASIC-003", "IEEE 2030.5-2018 8.7")
def test_an_event_goes_on_when_its_program_comes_back() -> None:
    given = event("e", 10, 60, randomize_start=10)
    device = Device().sees(given).until(20).assigned().until(30).assigned(program()).sees(given)

    assert device.until(31).force() == {"opModImpLimW": "e"}
    assert device.until(200).told == [(0, "e", 1), (15, "e", 2), (75, "e", 3)]
    assert device.chance.drawn == 1


@pytest.mark.spec("IEEE 2030.5-2018 8.7")
def test_an_event_may_move_with_its_device_to_another_program() -> None:
    other = program(SERVICE_POINT)
    given = event("e", 10, 60)
    device = (
        Device().sees(given).until(20).assigned(other).sees(replace(given, program=SERVICE_POINT))
    )

    assert device.until(30).force() == {"opModImpLimW": "e"}
    assert device.assigned(other).until(200).codes("e") == [1, 2, 3]
    assert device.found == [("e", "WITHDRAWN")]


@pytest.mark.spec("IEEE 2030.5-2018 8.7")
def test_a_setting_runs_events_of_a_removed_program_to_their_end() -> None:
    device = Device(Settings(keep_withdrawn=True)).sees(event("e", 10, 60)).until(20).assigned()

    assert device.until(200).codes("e") == [1, 2, 3]


@pytest.mark.spec("IEEE 2030.5-2018 Primacy")
def test_a_changed_primacy_decides_what_has_not_begun() -> None:
    one, two = program(SYSTEM, 1), program(SERVICE_POINT, 2)
    device = Device(programs=[one, two])
    device.sees(event("a", 50, 60, of=one), event("b", 50, 60, of=two)).until(20)
    device.assigned(replace(one, primacy=3), two).until(200)

    assert device.codes("a") == [1, 14]
    assert device.codes("b") == [1, 2, 3]


@pytest.mark.spec("IEEE 2030.5-2018 events: default control")
def test_a_changed_default_counts_at_once() -> None:
    device = Device(programs=[program(default=["opModImpLimW"])])
    device.assigned(program(default=["opModExpLimW"]))

    assert device.force() == {"opModExpLimW": "default"}


# -- randomisation ----------------------------------------------------------------------------------------------


@pytest.mark.spec("IEEE 2030.5-2023 10.2.2.3 rule m")
def test_a_successor_of_the_same_program_waits_for_the_effective_end() -> None:
    device = Device().sees(
        event("a", 10, 60, randomize_duration=20), event("b", 70, 60, randomize_start=-40)
    )
    device.until(400)

    assert device.held == {"a": [(10, 80)], "b": [(80, 140)]}
    assert device.codes("a") == device.codes("b") == [1, 2, 3]


@pytest.mark.spec("IEEE 2030.5-2023 10.2.2.3 rule m")
def test_a_successor_of_a_cancelled_event_has_its_own_start() -> None:
    first = event("a", 10, 60, randomize_duration=20)
    device = Device().sees(first, event("b", 70, 60, randomize_start=10)).until(20)
    device.sees(status(first, 2)).until(400)

    assert device.held["b"] == [(75, 135)]


@pytest.mark.spec("IEEE 2030.5-2023 10.2.2.3 rule m")
@pytest.mark.parametrize(("better", "held"), [("a", (90, 130)), ("b", (70, 130))])
def test_programs_whose_events_meet_by_randomization_alone_supersede_nobody(
    better: str, held: tuple[int, int]
) -> None:
    one = program(SYSTEM, 1 if better == "a" else 3)
    two = program(SERVICE_POINT, 2)
    device = Device(programs=[one, two])
    device.sees(event("a", 10, 60, of=one, randomize_duration=40), event("b", 70, 60, of=two))
    device.until(400)

    assert device.codes("a") == device.codes("b") == [1, 2, 3]
    assert device.held["b"] == [held]
    assert device.held["a"] == [(10, held[0])]


@pytest.mark.spec("IEEE 2030.5-2018 events: randomization", "IEEE 2030.5-2018 events: restart")
def test_offsets_are_drawn_once_even_over_restarts_and_repetitions() -> None:
    given = event("e", 50, 60, randomize_start=30, randomize_duration=30)
    device = Device(restarts=True)
    for _ in range(5):
        device.sees(given)

    assert device.chance.drawn == 2


@pytest.mark.spec("IEEE 2030.5-2023 10.2.2.3 rule m")
def test_an_event_that_is_never_executed_holds_up_nobody() -> None:
    better = program(SERVICE_POINT, 1)
    device = Device(programs=[program(), better])
    device.sees(
        event("barred", 10, 60, randomize_start=40),
        event("next", 70, 60),
        event("sp", 20, 30, of=better),
    ).until(400)

    assert device.held == {"sp": [(20, 50)], "next": [(70, 130)]}


@pytest.mark.spec("IEEE 2030.5-2023 10.2.2.3 rule m")
def test_an_event_that_will_never_be_executed_is_not_waited_for_either() -> None:
    better = program(SERVICE_POINT, 1)
    device = Device(programs=[program(), better])
    device.sees(
        event("barred", 10, 60, randomize_start=40),
        event("next", 70, 60),
        event("sp", 65, 5, of=better, randomize_start=40),
    )

    assert device.until(75).force() == {"opModImpLimW": "next"}


@pytest.mark.spec("IEEE 2030.5-2023 10.2.2.3 rule m")
def test_a_successor_follows_only_events_for_its_own_controls() -> None:
    device = Device().sees(
        event("a", 10, 60, randomize_duration=60, modes=frozenset({"opModMaxLimW"})),
        event("b", 70, 60),
    )
    device.until(400)

    assert device.held["b"] == [(70, 130)]


@pytest.mark.spec("IEEE 2030.5-2023 10.2.2.3 rule m")
def test_of_several_predecessors_the_last_one_is_waited_for() -> None:
    device = Device().sees(
        event("a", 10, 60, randomize_duration=20, modes=frozenset({"opModMaxLimW"})),
        event("b", 10, 60, randomize_duration=40, modes=frozenset({"opModConnect"})),
        event("c", 70, 60, modes=frozenset({"opModMaxLimW", "opModConnect"})),
    )
    device.until(400)

    assert device.held["c"] == [(90, 150)]


@pytest.mark.spec("IEEE 2030.5-2018 events: randomization")
@pytest.mark.parametrize("edition", [2018, 2023])
def test_the_random_tail_of_a_worse_program_is_cut_short_and_foretold_so(edition: int) -> None:
    worse, better = program(SYSTEM, 4), program(SERVICE_POINT, 1)
    settings = Settings(edition=2023) if edition == 2023 else Settings()
    device = Device(settings, [worse, better]).sees(
        event("tail", 10, 60, of=worse, randomize_duration=200), event("sp", 90, 20, of=better)
    )

    found = {(s.key[1], s.start - T0, s.end - T0) for s in device.engine.stretches()}
    assert found == {(mrid("tail"), 10, 90), (mrid("sp"), 90, 110)}
    device.until(400)
    assert device.held == {"tail": [(10, 90)], "sp": [(90, 110)]}
    assert device.codes("tail") == [1, 2, 3]


# -- the other function sets --------------------------------------------------------------------------------------


@pytest.mark.spec("IEEE 2030.5-2018 events: overlap in DRLC")
def test_drlc_events_exclude_each_other_by_common_category_of_the_device() -> None:
    device = Device(DATA_CENTER, [DRLC])
    device.sees(
        event("load", 10, 60, of=DRLC, categories=1 << 9),
        event("both", 20, 60, of=DRLC, categories=1 << 9 | 1 << 3, creation_time=T0 + 1),
        event("ems", 10, 60, of=DRLC, categories=1 << 14),
    ).until(200)

    assert device.codes("load") == [1, 7]
    assert device.codes("both") == device.codes("ems") == [1, 2, 3]


@pytest.mark.spec("IEEE 2030.5-2018 events: categories")
def test_a_drlc_event_without_categories_is_for_all_of_the_device() -> None:
    device = Device(DATA_CENTER, [DRLC]).sees(event("e", 10, 60, of=DRLC)).until(20)

    assert device.force() == {"category:9": "e", "category:14": "e"}


@pytest.mark.spec("IEEE 2030.5-2018 events: overlap of prices")
def test_prices_supersede_within_one_rate_component_only() -> None:
    device = Device(programs=[PRICES])
    device.sees(
        event("old", 10, 60, of=PRICES, component="peak"),
        event("new", 10, 60, of=PRICES, component="peak", creation_time=T0 + 1),
        event("base", 10, 60, of=PRICES, component="base"),
    ).until(200)

    assert device.codes("old") == [1, 7]
    assert device.codes("new") == device.codes("base") == [1, 2, 3]


@pytest.mark.spec("CSIP-AUS PRC-04")
def test_a_cancelled_price_is_answered_6() -> None:
    given = event("e", 10, 60, of=PRICES)
    device = Device(programs=[PRICES]).sees(given).until(20).sees(status(given, 2))

    assert device.codes("e") == [1, 2, 6]


@pytest.mark.spec("IEEE 2030.5-2018 events: messages")
def test_several_messages_may_be_active_and_none_is_superseded() -> None:
    first = event("a", 10, 60, of=TEXTS)
    device = Device(programs=[TEXTS]).sees(first, event("b", 10, 60, of=TEXTS, randomize_start=50))
    device.until(20).sees(status(first, 4))

    assert sorted(device.force().values()) == ["a", "b"]
    device.decides("a", Input.ACKNOWLEDGE).decides("b", Input.CANNOT_SHOW).until(200)
    assert device.codes("a") == [1, 2, 11, 3]
    assert device.codes("b") == [1, 2, 12, 3]


@pytest.mark.spec("IEEE 2030.5-2018 events: flow reservations")
def test_of_several_flow_reservations_the_newest_counts() -> None:
    nowhere = program("", function_set=FunctionSet.FLOW)
    given: dict[str, Any] = {"of": nowhere, "component": "request 1"}
    device = Device(programs=[])
    device.sees(event("old", 10, 60, **given), event("new", 10, 60, **given, creation_time=T0 + 1))
    device.until(200)

    assert device.codes("old") == [1]
    assert device.codes("new") == [1, 2, 3]


# -- answers ---------------------------------------------------------------------------------------------------


@pytest.mark.spec("IEEE 2030.5-2018 ResponseRequired")
@pytest.mark.parametrize(
    ("required", "codes"),
    [(0, []), (1, [1]), (2, [2, 4, 8]), (3, [1, 2, 4, 8]), (4, [4, 8]), (7, [1, 2, 4, 8])],
)
def test_only_what_response_required_asks_for_is_told(required: int, codes: list[int]) -> None:
    device = Device().sees(event("e", 10, 60, required=required)).until(20)
    device.decides("e", Input.OPT_OUT).until(200)

    assert device.codes("e") == codes


@pytest.mark.spec("IEEE 2030.5-2018 8.8")
def test_without_reply_to_nothing_is_told() -> None:
    assert Device().sees(event("e", 10, 60, has_reply_to=False)).until(200).told == []


@pytest.mark.spec("IEEE 2030.5-2018 Table 27")
def test_a_utility_that_takes_few_codes_gets_7_for_14_and_nothing_else() -> None:
    few = frozenset({Code(n) for n in (1, 2, 3, 6, 7)})
    programs = [program(SYSTEM, 4), program(SERVICE_POINT, 1)]
    device = Device(Settings(response_codes=few), programs)
    device.sees(event("sys", 10, 60, of=programs[0]), event("sp", 20, 60, of=programs[1]))
    device.until(30).decides("sp", Input.OPT_OUT).until(200)

    assert device.codes("sys") == [1, 7]
    assert device.codes("sp") == [1, 2]


@pytest.mark.spec("IEEE 2030.5-2018 Table 27")
def test_every_code_has_its_bit_and_its_function_sets() -> None:
    bits = {code: [bit for bit in (1, 2, 4) if asked_for(code, bit)] for code in Code}

    assert [code for code in Code if bits[code] == [1]] == [1]
    assert [code for code in Code if bits[code] == [4]] == [11]
    assert [code for code in Code if bits[code] == [2, 4]] == [4, 5, 8, 9]
    assert [code for code in Code if bits[code] == [2]] == [
        *(2, 3, 6, 7, 10, 12, 13, 14, 15, 251, 252, 253, 254)
    ]
    assert sorted(set(Code) - ALLOWED[FunctionSet.DER]) == [12]
    assert sorted(ALLOWED[FunctionSet.MESSAGING]) == [1, 2, 3, 7, 11, 12, 13, 14, 254]
    assert sorted(ALLOWED[FunctionSet.PRICING]) == [1, 2, 3, 6, 7, 11, 13, 14, 254]


# -- time and restarts ------------------------------------------------------------------------------------------


@pytest.mark.spec("IEEE 2030.5-2018 events: outage")
def test_nothing_is_started_after_its_end_and_the_loss_is_reported() -> None:
    device = Device().sees(event("slept", 10, 60), event("next", 70, 60))
    device.now = 100
    device.take(device.engine.on_time(T0 + 100))

    assert device.codes("slept") == [1]
    assert device.found == [("slept", "MISSED")]
    assert device.force() == {"opModImpLimW": "next"}


@pytest.mark.spec("IEEE 2030.5-2018 events: outage")
def test_what_ran_when_the_gateway_fell_asleep_is_completed_when_it_wakes() -> None:
    device = Device().sees(event("e", 10, 60)).until(20)
    device.restart()
    device.now = 500
    device.take(device.engine.on_time(T0 + 500))

    assert device.told[-1] == (500, "e", 3)


@pytest.mark.parametrize("settings", [Settings(), Y2023])
def test_what_is_first_seen_after_a_pause_was_not_there_before_it(settings: Settings) -> None:
    worse, better = program(SYSTEM, 4), program(SERVICE_POINT, 1)
    device = Device(settings, [worse, better]).sees(event("sp", 120, 200, of=better))
    device.now = 170
    device.sees(event("sys", 100, 200, of=worse))

    assert device.codes("sp") == [1, 2]
    assert device.codes("sys") == [1, 14]


def test_who_was_displaced_while_nobody_looked_is_displaced() -> None:
    device = Device().sees(event("old", 10, 300)).until(20)
    device.sees(event("new", 50, 60, creation_time=T0 + 1))
    device.now = 200
    device.take(device.engine.on_time(T0 + 200))

    assert device.codes("old") == [1, 2, 7]
    assert device.codes("new") == [1]
    assert device.force() == {}


@pytest.mark.spec("IEEE 2030.5-2018 events: clock steps")
@pytest.mark.parametrize("edition", [2018, 2023])
def test_a_clock_stepped_back_undoes_and_repeats_nothing(edition: int) -> None:
    settings = Settings(edition=2023) if edition == 2023 else Settings()
    device = Device(settings).sees(event("old", 10, 100)).until(15)
    device.sees(event("new", 30, 20, creation_time=T0 + 1)).until(35)
    told = list(device.told)
    device.now = -25
    device.take(device.engine.on_time(T0 - 25))
    device.sees(event("late", 90, 200))

    assert device.force() == {"opModImpLimW": "new"}
    assert device.told == [*told, (-25, "late", 1)]
    held = [mode for record in device.engine.records() for mode in record.holding]
    assert held == ["opModImpLimW"]
    assert device.until(400).codes("new") == [1, 2, 3]


@pytest.mark.spec("IEEE 2030.5-2018 events: clock steps")
def test_an_event_seen_before_a_step_back_still_starts_on_time() -> None:
    device = Device(now=100).sees(
        event("e", 105, 60), event("running", 90, 300, modes=frozenset({"m"}))
    )
    device.now = 60
    device.take(device.engine.on_time(T0 + 60))
    device.restart()
    device.until(70).sees(event("sooner", 80, 10)).until(400)

    assert (80, "sooner", 2) in device.told
    assert device.held["e"] == [(105, 165)]


@pytest.mark.spec("IEEE 2030.5-2018 events: clock steps")
def test_who_comes_back_after_a_step_back_starts_by_the_schedule() -> None:
    device = Device(now=100).sees(event("e", 80, 60)).decides("e", Input.OPT_OUT)
    device.now = 60
    device.take(device.engine.on_time(T0 + 60))
    device.decides("e", Input.OPT_IN).until(400)

    assert device.held["e"][-1] == (80, 140)


def test_an_event_that_began_bars_a_newcomer_before_one_that_has_not() -> None:
    best, good, worse = program("A" * 32, 1), program("B" * 32, 2), program("C" * 32, 3)
    device = Device(programs=[best, good, worse]).sees(
        event("running", 10, 60, of=good), event("later", 70, 60, of=best)
    )
    device.until(30).sees(event("new", 20, 100, of=worse)).until(400)

    assert (30, "new", 14) in device.told


def test_a_short_event_inside_a_long_one_is_found_by_its_bar() -> None:
    newer = {"creation_time": T0 + 1}
    device = Device().sees(event("inner", 500, 10), event("long", 10, 1000, **newer)).until(2000)

    assert device.codes("inner") == [1, 7]


def test_what_vanishes_while_it_is_released_is_released_as_drawn() -> None:
    given = event("e", 10, 600, randomize_start=60)
    device = Device(Y2023).sees(given, whole=program()).until(100).sees(status(given, 3))
    device.sees(whole=program()).until(600)

    assert device.told[-1] == (130, "e", 6)


@pytest.mark.spec("IEEE 2030.5-2018 events: clock steps")
def test_a_clock_stepped_forward_does_what_was_due_in_order() -> None:
    device = Device().sees(event("a", 10, 60), event("b", 70, 600)).until(20)
    device.now = 300
    device.take(device.engine.on_time(T0 + 300))

    assert device.told[3:] == [(300, "a", 3), (300, "b", 2)]


def test_what_is_next_is_said_ahead_so_that_its_status_can_be_read_again() -> None:
    device = Device().sees(event("a", 50, 60), event("b", 200, 60, randomize_start=-20))

    assert device.engine.next_starts() == (
        (T0 + 50, (SERVER, mrid("a"))),
        (T0 + 190, (SERVER, mrid("b"))),
    )


def test_stretches_tell_what_each_event_will_have() -> None:
    programs = [program(SYSTEM, 4), program(SERVICE_POINT, 1)]
    device = Device(programs=programs).sees(event("sys", 10, 100, of=programs[0])).until(20)
    device.sees(event("sp", 50, 20, of=programs[1]))

    found = {(s.key[1], s.start - T0, s.end - T0) for s in device.engine.stretches()}
    assert found == {(mrid("sys"), 10, 50), (mrid("sp"), 50, 70)}


def test_a_document_of_another_format_is_refused() -> None:
    with pytest.raises(MisuseError, match="STATE_FORMAT"):
        EventEngine(Settings(), HalfChance(), {"format": 0})


def test_an_unchanged_listing_changes_nothing_that_must_be_stored() -> None:
    given = event("e", 50, 60)
    device = Device().sees(given, whole=program())
    scope = Scope(server=SERVER, program=SYSTEM)

    assert not device.engine.observe([given], T0 + 5, scope).changed
    assert not device.engine.on_time(T0 + 6).changed
    assert not device.engine.assign([program()], T0 + 7).changed
    assert device.engine.on_time(T0 + 50).changed


# -- the table -------------------------------------------------------------------------------------------------


def test_states_of_the_table_are_reachable_and_the_final_ones_are_final() -> None:
    reached = {State.UNKNOWN} | {state for state, _ in TRANSITIONS.values()}

    assert reached == set(State)
    assert {
        *(State.COMPLETED, State.CANCELLED, State.SUPERSEDED),
        *(State.MISSED, State.EXPIRED, State.REFUSED),
    } == TERMINAL


@pytest.mark.parametrize("state", sorted(TERMINAL))
@pytest.mark.parametrize("event_", sorted(Input))
def test_an_absent_pair_is_an_error(state: State, event_: Input) -> None:
    with pytest.raises(SessionError, match="OUT_OF_SEQUENCE"):
        step(state, event_)


def _led_to(state: State) -> tuple[Device, Control]:
    """Bring a device's event into a state in which listings may find it."""
    settings = Settings(edition=2023, categories=1 << 9)
    given = event("e", 10, 100, of=DRLC, categories=1 << 9, randomize_start=40)
    device = Device(settings, [DRLC]).sees(given)
    if state is State.SCHEDULED:
        return device, given
    device.until(40)
    match state:
        case State.OVERRIDDEN:
            device.decides("e", Input.OVERRIDE)
        case State.OPTED_OUT:
            device.decides("e", Input.OPT_OUT)
        case State.RELEASING:
            device.sees(status(given, 3))
        case State.SUSPENDED:
            device.sees(event("n", 20, 40, of=DRLC, categories=1 << 9, creation_time=T0 + 1))
        case State.WITHDRAWN:
            device.assigned().assigned(DRLC)
        case _:
            assert state is State.ACTIVE
    return device, given


@pytest.mark.parametrize(
    ("state", "listed"),
    list(product(sorted(set(State) - TERMINAL - {State.UNKNOWN}), range(7))),
)
def test_no_listing_surprises_a_state(state: State, listed: int) -> None:
    device, given = _led_to(state)
    record = device.engine.record((SERVER, mrid("e")))
    assert record is not None
    assert record.state is state

    device.sees(status(given, listed)).sees(status(given, listed), whole=DRLC)
    device.sees(whole=DRLC).assigned().until(500)

    assert len(device.codes("e")) == len(set(device.codes("e")))


def test_a_supersession_under_every_policy_of_one_program_is_7() -> None:
    for rule in Supersede:
        device = Device(Settings(supersede_code=rule))
        device.sees(event("old", 10, 60), event("new", 10, 60, creation_time=T0 + 1)).until(100)
        assert device.codes("old") == [1, 7]
