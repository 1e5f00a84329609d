"""The rows of the CSIP and CSIP-AUS procedures that judge how a client runs events."""

from dataclasses import replace

import pytest

from gateway.protocols.sep2.events import CancelRandom, Program, Settings, Supersede
from gateway.protocols.sep2.events.table import Input
from tests.sep2_event_world import SERVICE_POINT, SYSTEM, T0, Device, event, program, status

SYS = program(SYSTEM, primacy=4, default=["opModImpLimW"])
SP = program(SERVICE_POINT, primacy=1, default=["opModImpLimW"])
BOTH = [SYS, SP]
ELSEWHERE = program("C" * 32, 0, server="another")
CSIP = Settings(supersede_code=Supersede.SUNSPEC)


@pytest.fixture(params=[False, True], ids=["straight", "restarted at every input"])
def restarts(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.mark.spec("CSIP BASIC-016", "IEEE 2030.5-2018 events: default control", "CSIP AGG-002")
def test_without_events_the_default_of_the_best_program_holds() -> None:
    wide = program(SYSTEM, primacy=4, default=["opModImpLimW", "opModExpLimW"])
    device = Device(programs=[wide, SP])

    found = {f.mode: f.source[1] for f in device.engine.in_force()}

    assert found == {"opModImpLimW": SERVICE_POINT, "opModExpLimW": SYSTEM}


@pytest.mark.spec("CSIP BASIC-016")
def test_of_equal_primacies_the_higher_program_gives_the_default() -> None:
    device = Device(programs=[program(SERVICE_POINT, 1, ["m"]), program(SYSTEM, 1, ["m"])])

    assert [f.source[1] for f in device.engine.in_force()] == [SERVICE_POINT]


@pytest.mark.spec("CSIP MAINT-005")
def test_swapped_primacies_swap_the_default() -> None:
    device = Device(programs=BOTH)

    device.assigned(replace(SYS, primacy=0), SP)

    assert [f.source[1] for f in device.engine.in_force()] == [SYSTEM]


@pytest.mark.spec("CSIP BASIC-017", "IEEE 2030.5-2018 events: restart")
def test_one_event_is_received_started_and_completed_on_time(restarts: bool) -> None:
    device = Device(restarts=restarts).sees(event("e", 120, 60)).until(600)

    assert device.told == [(0, "e", 1), (120, "e", 2), (180, "e", 3)]
    assert device.held["e"] == [(120, 180)]


@pytest.mark.spec("CSIP BASIC-018")
def test_the_default_holds_before_and_after_an_event() -> None:
    device = Device(programs=[SYS]).sees(event("e", 120, 60))

    assert device.until(119).force() == {"opModImpLimW": "default"}
    assert device.until(120).force() == {"opModImpLimW": "e"}
    assert device.until(179).force() == {"opModImpLimW": "e"}
    assert device.until(180).force() == {"opModImpLimW": "default"}


@pytest.mark.spec("CSIP BASIC-019")
def test_two_events_with_a_gap_run_both_and_the_default_holds_between(restarts: bool) -> None:
    device = Device(programs=[SYS], restarts=restarts)
    device.sees(event("a", 120, 60), event("b", 240, 60))

    assert device.until(200).force() == {"opModImpLimW": "default"}
    device.until(600)
    assert device.codes("a") == device.codes("b") == [1, 2, 3]


@pytest.mark.spec("CSIP BASIC-020")
def test_an_event_of_a_worse_program_runs_while_nothing_better_does() -> None:
    device = Device(programs=BOTH)
    device.sees(event("sys", 120, 60, of=SYS), event("sp", 240, 60, of=SP)).until(600)

    assert device.codes("sys") == device.codes("sp") == [1, 2, 3]
    assert device.held == {"sys": [(120, 180)], "sp": [(240, 300)]}


@pytest.mark.spec(
    "CSIP BASIC-021", "IEEE 2030.5-2018 10.2.3.3 rule n", "IEEE 2030.5-2018 10.2.3.3 rule d"
)
@pytest.mark.parametrize(
    ("rule", "code"),
    [
        (Supersede.SPEC, 14),
        (Supersede.SUNSPEC, 14),
        (Supersede.SUNSPEC_PRINTED, 7),
        (Supersede.ALWAYS_7, 7),
    ],
)
def test_the_loser_known_before_is_never_executed(
    rule: Supersede, code: int, restarts: bool
) -> None:
    device = Device(Settings(supersede_code=rule), BOTH, restarts=restarts)
    device.sees(event("sys", 120, 120, of=SYS), event("sp", 180, 60, of=SP)).until(600)

    assert device.told == [
        (0, "sys", 1),
        (0, "sp", 1),
        (180, "sys", code),
        (180, "sp", 2),
        (240, "sp", 3),
    ]
    assert device.held == {"sp": [(180, 240)]}


@pytest.mark.spec("CSIP BASIC-022", "IEEE 2030.5-2023 10.2.2.3 rule l")
def test_the_later_loser_is_told_at_the_winners_start_and_its_rest_is_not_executed() -> None:
    device = Device(Settings(supersede_code=Supersede.SUNSPEC_PRINTED), BOTH)
    device.sees(event("sp", 120, 120, of=SP), event("sys", 180, 120, of=SYS)).until(600)

    assert [entry for entry in device.told if entry[1] == "sys"] == [(0, "sys", 1), (120, "sys", 7)]
    assert device.codes("sp") == [1, 2, 3]
    assert device.held == {"sp": [(120, 240)]}


@pytest.mark.spec("CSIP BASIC-023")
@pytest.mark.parametrize(
    ("rule", "code"),
    [
        (Supersede.SPEC, 14),
        (Supersede.SUNSPEC, 7),
        (Supersede.SUNSPEC_PRINTED, 7),
        (Supersede.ALWAYS_7, 7),
    ],
)
def test_a_running_loser_stops_at_the_winners_start_and_is_not_resumed(
    rule: Supersede, code: int, restarts: bool
) -> None:
    device = Device(Settings(supersede_code=rule), BOTH, restarts=restarts)
    device.sees(event("sys", 120, 300, of=SYS)).until(150)
    device.sees(event("sp", 180, 60, of=SP)).until(600)

    assert [entry[1:] for entry in device.told] == [
        ("sys", 1),
        ("sys", 2),
        ("sp", 1),
        ("sys", code),
        ("sp", 2),
        ("sp", 3),
    ]
    assert device.held == {"sys": [(120, 180)], "sp": [(180, 240)]}


@pytest.mark.spec("CSIP BASIC-024..026", "IEEE 2030.5-2018 10.2.3.3 rule t")
@pytest.mark.parametrize("published", [0, 150])
@pytest.mark.parametrize(("a", "b"), [((120, 120), (180, 60)), ((180, 120), (120, 120))])
def test_events_for_different_controls_run_beside_each_other(
    published: int, a: tuple[int, int], b: tuple[int, int]
) -> None:
    device = Device(programs=BOTH).sees(event("sys", *a, of=SYS, modes=frozenset({"opModMaxLimW"})))
    device.until(published).sees(event("sp", *b, of=SP)).until(600)

    assert device.codes("sys") == device.codes("sp") == [1, 2, 3]
    assert device.held["sys"] == [(a[0], sum(a))]


@pytest.mark.spec("CSIP AGG-003", "CSIP-AUS P-01")
def test_an_aggregators_devices_answer_each_for_themselves() -> None:
    one, other, outside = Device(), Device(), Device()
    for device in (one, other):
        device.sees(event("e", 120, 60)).until(300)
    outside.until(300)

    assert one.codes("e") == other.codes("e") == [1, 2, 3]
    assert outside.told == []


@pytest.mark.spec("CSIP AGG-005")
def test_events_that_do_not_overlap_run_one_after_the_other() -> None:
    device = Device(programs=BOTH)
    device.sees(event("sys", 240, 60, of=SYS), event("t", 120, 60, of=SP)).until(600)

    assert device.codes("sys") == device.codes("t") == [1, 2, 3]


@pytest.mark.spec("CSIP AGG-007")
def test_displaced_before_the_start_by_another_program_is_14_by_the_errata() -> None:
    device = Device(CSIP, BOTH)
    device.sees(event("sys", 120, 120, of=SYS), event("t", 180, 120, of=SP)).until(600)

    assert device.codes("sys") == [1, 14]


@pytest.mark.spec("CSIP AGG-008")
def test_displaced_before_the_start_in_reverse_order_is_14_too() -> None:
    device = Device(CSIP, BOTH)
    device.sees(event("t", 120, 120, of=SP), event("sys", 180, 120, of=SYS)).until(600)

    assert device.codes("sys") == [1, 14]


@pytest.mark.spec("CSIP AGG-009")
def test_displaced_while_running_is_7_by_the_errata() -> None:
    device = Device(CSIP, BOTH).sees(event("sys", 120, 120, of=SYS)).until(150)
    device.sees(event("t", 180, 120, of=SP)).until(600)

    assert device.codes("sys") == [1, 2, 7]


@pytest.mark.spec("CSIP AGG-010..012", "IEEE 2030.5-2018 10.2.3.3 rule t", "CSIP BASIC-015")
def test_two_modes_of_one_event_are_superseded_one_by_one(restarts: bool) -> None:
    device = Device(programs=BOTH, restarts=restarts)
    device.sees(event("sys", 100, 300, of=SYS, modes=frozenset({"opModImpLimW", "opModExpLimW"})))
    device.until(150).sees(event("sp", 200, 50, of=SP))

    assert device.until(199).force() == {"opModImpLimW": "sys", "opModExpLimW": "sys"}
    assert device.until(200).force() == {"opModImpLimW": "sp", "opModExpLimW": "sys"}
    assert device.until(250).force() == {"opModImpLimW": "default", "opModExpLimW": "sys"}
    device.until(600)
    assert device.codes("sys") == [1, 2, 3]
    assert device.responses[-1].modes == {"opModExpLimW"}


@pytest.mark.spec("CSIP CORE-021", "IEEE 2030.5-2018 events: randomization")
@pytest.mark.parametrize(("randomize", "start"), [(0, 120), (30, 135), (-30, 105)])
def test_the_sign_of_a_start_randomization_is_kept(
    randomize: int, start: int, restarts: bool
) -> None:
    device = Device(restarts=restarts)
    device.sees(event("e", 120, 60, randomize_start=randomize)).until(600)

    assert device.told == [(0, "e", 1), (start, "e", 2), (start + 60, "e", 3)]
    assert device.chance.drawn == (1 if randomize else 0)


@pytest.mark.spec("CSIP CORE-021", "IEEE 2030.5-2018 events: randomization")
@pytest.mark.parametrize(("randomize", "end"), [(40, 200), (-40, 160), (-400, 120)])
def test_the_duration_is_randomized_by_itself(randomize: int, end: int) -> None:
    device = Device().sees(event("e", 120, 60, randomize_duration=randomize)).until(600)

    if end == 120:
        assert device.told == [(0, "e", 1)]
        assert device.found == [("e", "MISSED")]
    else:
        assert device.told[1:] == [(120, "e", 2), (end, "e", 3)]


@pytest.mark.spec("CSIP CORE-022", "IEEE 2030.5-2018 events: cancellation")
def test_one_event_completes_and_one_is_cancelled_while_active(restarts: bool) -> None:
    first, second = event("a", 120, 60), event("b", 240, 60)
    device = Device(restarts=restarts).sees(first, second).until(260)
    device.sees(status(second, 2)).sees(status(second, 2)).until(600)

    assert device.codes("a") == [1, 2, 3]
    assert device.told[-1] == (260, "b", 6)
    assert device.codes("b") == [1, 2, 6]
    assert device.held["b"] == [(240, 260)]


@pytest.mark.spec("CSIP CORE-023", "IEEE 2030.5-2018 Table 27")
@pytest.mark.parametrize(("winner", "code"), [(SYS, 7), (SP, 14), (ELSEWHERE, 13)])
def test_the_relation_decides_the_code_of_a_supersession(winner: Program, code: int) -> None:
    device = Device(programs=[SYS, SP, ELSEWHERE])
    device.sees(event("old", 120, 60, of=SYS))
    device.sees(event("new", 120, 60, of=winner, creation_time=T0 + 1)).until(600)

    assert device.codes("old") == [1, code]
    assert device.codes("new") == [1, 2, 3]


@pytest.mark.spec("CSIP-AUS ALL-18")
def test_the_four_events_of_the_response_procedure(restarts: bool) -> None:
    device = Device(restarts=restarts)
    one, two, three = event("1", 60, 60), event("2", 180, 120), event("3", 400, 60)
    four, five = event("4", 600, 120), event("5", 630, 60, creation_time=T0 + 5)
    device.sees(one, two, three, four).until(200).sees(status(two, 2), status(three, 2))
    device.until(300).sees(five).until(900)

    assert device.codes("1") == [1, 2, 3]
    assert device.codes("2") == [1, 2, 6]
    assert device.codes("3") == [1, 6]
    assert device.codes("4") == [1, 7]
    assert device.codes("5") == [1, 2, 3]


@pytest.mark.spec("CSIP-AUS ALL-21")
def test_24_consecutive_one_minute_controls_leave_no_gap() -> None:
    device = Device().sees(*(event(f"{n:02}", 60 * n, 60) for n in range(1, 25))).until(1600)

    assert [device.codes(f"{n:02}") for n in range(1, 25)] == [[1, 2, 3]] * 24
    assert [device.held[f"{n:02}"] for n in range(1, 25)] == [
        [(60 * n, 60 * n + 60)] for n in range(1, 25)
    ]


@pytest.mark.spec("CSIP-AUS ALL-22")
def test_successive_randomized_events_neither_leave_a_gap_nor_overlap(restarts: bool) -> None:
    device = Device(restarts=restarts)
    device.sees(*(event(str(n), 120 * n, 120, randomize_start=60) for n in range(1, 6))).until(1000)

    assert [device.held[str(n)] for n in range(1, 6)] == [
        [(120 * n + 30, 120 * n + 150)] for n in range(1, 6)
    ]
    assert [device.codes(str(n)) for n in range(1, 6)] == [[1, 2, 3]] * 5


@pytest.mark.spec("CSIP-AUS ALL-23", "IEEE 2030.5-2018 events: outage")
def test_an_outage_stops_no_schedule_and_the_default_follows(restarts: bool) -> None:
    device = Device(programs=[SYS], restarts=restarts)
    device.sees(*(event(str(n), 60 * n, 60) for n in range(1, 6)))
    device.take(device.engine.touch("utility", T0, reached=False))

    assert device.until(359).force() == {"opModImpLimW": "5"}
    assert device.until(400).force() == {"opModImpLimW": "default"}
    assert device.engine.out_of_touch == {"utility": T0}
    device.take(device.engine.touch("utility", T0 + 400, reached=True))
    device.sees(event("6", 480, 60)).until(600)
    assert device.codes("6") == [1, 2, 3]
    assert not device.engine.out_of_touch


@pytest.mark.spec("IEEE 2030.5-2018 events: cancellation")
def test_the_release_of_a_random_cancellation_is_drawn_once(restarts: bool) -> None:
    running = event("e", 100, 400, randomize_start=20, randomize_duration=-60)
    device = Device(restarts=restarts).sees(running).until(200).sees(status(running, 3))
    drawn = device.chance.drawn
    device.until(210).sees(status(running, 3)).until(229)

    assert device.force() == {"opModImpLimW": "e"}
    assert device.until(230).force() == {}
    assert device.told[-1] == (230, "e", 6)
    assert device.chance.drawn == drawn


@pytest.mark.spec("IEEE 2030.5-2018 events: cancellation")
def test_a_random_cancellation_may_wait_the_full_window() -> None:
    running = event("e", 100, 400, randomize_duration=60)
    device = Device(Settings(cancel_random=CancelRandom.FULL)).sees(running).until(200)
    device.sees(status(running, 3)).until(600)

    assert device.told[-1] == (260, "e", 6)


def test_what_ends_now_comes_before_what_could_have_begun_long_ago() -> None:
    # Two events that hold one mode each end in one second; the first to be closed frees a mode for the third, which
    # has wanted it for two seconds. The other one still ends by itself, and is not displaced.
    best, next_best = program("A" * 32, 0), program("B" * 32, 1)
    worst = program("C" * 32, 2)
    device = Device(Settings(edition=2023), [best, next_best, worst])
    device.sees(
        event("a", 10, 20, of=best, randomize_duration=4),
        event("b", 30, 2, of=next_best, modes=frozenset({"opModExpLimW"})),
        event(
            "c",
            10,
            37,
            of=worst,
            randomize_start=40,
            modes=frozenset({"opModImpLimW", "opModExpLimW"}),
        ),
    )
    device.until(40)
    assert device.codes("a") == [1, 2, 3]
    assert device.codes("b") == [1, 2, 3]
    assert device.codes("c") == [1, 14, 2]


@pytest.mark.spec("IEEE 2030.5-2018 10.2.3.3")
def test_what_was_due_while_nobody_looked_began_when_it_was_due() -> None:
    device = Device().sees(event("known", 120, 300))
    device.now = 200  # the gateway was away, or busy
    device.take(device.engine.on_time(T0 + 200))
    assert [(s.start - T0, s.end - T0) for s in device.engine.stretches()] == [(120, 420)]
    assert device.told == [(0, "known", 1), (200, "known", 2)]


@pytest.mark.spec("IEEE 2030.5-2018 10.2.3.3")
def test_what_is_first_seen_while_it_should_run_begins_when_it_is_seen() -> None:
    device = Device(now=200).sees(event("late", 120, 300))
    assert [(s.start - T0, s.end - T0) for s in device.engine.stretches()] == [(200, 420)]


@pytest.mark.spec("IEEE 2030.5-2018 10.2.3.3")
def test_what_is_opted_into_again_holds_from_then_on() -> None:
    device = Device().sees(event("left", 120, 300)).until(150)
    key = device.engine.stretches()[0].key
    device.take(device.engine.decide(key, Input.OPT_OUT, T0 + 150))
    device.now = 260
    device.take(device.engine.decide(key, Input.OPT_IN, T0 + 260))
    assert [(s.start - T0, s.end - T0) for s in device.engine.stretches()] == [(260, 420)]
