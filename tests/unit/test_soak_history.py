"""The judge of histories, judged itself: each class of fault is forged and found, and clean histories pass."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.soak.history import (
    GATEWAY,
    UTILITY,
    Acted,
    Answered,
    Down,
    Fault,
    Found,
    Handed,
    Held,
    Mark,
    Opt,
    Ordered,
    Said,
    Unsure,
    Up,
    Verdict,
    judge,
)

T0 = datetime(2026, 7, 1, 12, tzinfo=UTC)
PATIENCE = timedelta(minutes=5)
END = T0 + timedelta(hours=2)


def at(minute: float) -> datetime:
    return T0 + timedelta(minutes=minute)


def order(minute: float = 0, version: int = 0, *, cancels: bool = False, **more: object) -> Ordered:
    made = Ordered(
        at=at(minute), event="e1", version=version, sites=("a",), ends=END, cancels=cancels
    )
    return replace(made, **more)  # type: ignore[arg-type]  # test shorthand


def act(
    minute: float, version: int = 0, command: str = "", *, site: str = "a", cancels: bool = False
) -> Acted:
    name = command or f"i/{version}{'c' if cancels else ''}"
    return Acted(
        at=at(minute), site=site, event="e1", version=version, command=name, cancels=cancels
    )


def say(
    minute: float, opt: Opt = "in", version: int = 0, *, site: str = "a", sure: bool = True
) -> Said:
    return Said(at=at(minute), site=site, event="e1", version=version, opt=opt, sure=sure)


def answer(minute: float, opt: Opt = "in", version: int = 0, delivery: str = "d1") -> Answered:
    return Answered(at=at(minute), event="e1", version=version, opt=opt, delivery=delivery)


def down(minute: float, who: str = GATEWAY) -> Down:
    return Down(at=at(minute), who=who)


def up(minute: float, who: str = GATEWAY) -> Up:
    return Up(at=at(minute), who=who)


def last(minute: float = 130) -> Up:
    """Something that says how far the history reaches."""
    return up(minute, "nobody")


CLEAN: list[Mark] = [
    order(),
    act(1),
    say(2, sure=False),
    say(2.1),
    answer(3),
    order(30, 1),
    act(31, 1),
    say(32, version=1),
    answer(33, version=1, delivery="d2"),
    order(60, 2, cancels=True),
    act(61, 1, cancels=True),
    answer(62, version=2, delivery="d3"),
    last(),
]


def found(*history: Mark) -> list[tuple[Fault, str]]:
    return [(verdict.fault, verdict.key) for verdict in judge(history, PATIENCE)]


def without(*gone: Mark) -> list[Mark]:
    kept = [mark for mark in CLEAN if mark not in gone]
    assert len(kept) == len(CLEAN) - len(gone)
    return kept


def among(*more: Mark) -> list[Mark]:
    return sorted([*CLEAN, *more], key=lambda mark: mark.at)


def test_a_clean_history_passes() -> None:
    assert judge(CLEAN, PATIENCE) == ()
    assert judge((), PATIENCE) == ()


@pytest.mark.parametrize(
    ("gone", "key"),
    [
        (act(1), "e1 version 0 at a"),
        (act(31, 1), "e1 version 1 at a"),
        (act(61, 1, cancels=True), "e1 cancelled at a"),
    ],
)
def test_a_command_that_never_comes_is_lost(gone: Mark, key: str) -> None:
    assert found(*without(gone)) == [(Fault.LOST, key)]


def test_a_command_that_nobody_had_time_to_carry_is_not_lost() -> None:
    brief: list[Mark] = [
        order(),
        order(4, 1),
        act(5, 1),
        say(6, version=1),
        answer(7, version=1),
        last(),
    ]

    assert found(*brief) == []
    assert found(order(), order(6, 1), *brief[2:]) == [
        (Fault.LOST, "e1 version 0 at a"),
        (Fault.UNANSWERED, "e1 version 0"),
    ]


@pytest.mark.parametrize("who", [GATEWAY, UTILITY, "a"])
def test_a_command_is_owed_only_while_all_three_are_up(who: str) -> None:
    away: list[Mark] = [order(), down(4, who), up(116, who), answer(118, "out"), last()]
    back: list[Mark] = [order(), down(4, who), up(114, who), answer(118, "out"), last()]

    assert found(*away) == []
    assert found(*back) == [(Fault.LOST, "e1 version 0 at a")]


def test_two_short_stretches_are_not_one_long_one() -> None:
    torn: list[Mark] = [order(), down(4), up(5), down(9), up(116), answer(118, "out"), last()]

    assert found(*torn) == []


def test_those_who_are_away_together_are_back_when_the_last_one_is() -> None:
    away: list[Mark] = [
        order(),
        down(1),
        down(2, "a"),
        up(3),
        up(117, "a"),
        answer(118, "out"),
        last(),
    ]

    assert found(*away) == []


def test_a_cancellation_of_what_never_began_is_not_owed() -> None:
    assert found(order(), order(4, 1, cancels=True), answer(6, version=1), last()) == []


@pytest.mark.parametrize(
    ("more", "key"),
    [
        (act(1.5, command="other"), "e1 version 0 at a"),
        (act(1.5), "e1 version 0 at a"),
        (act(63, 1, "again", cancels=True), "e1 cancelled at a"),
    ],
)
def test_a_second_command_for_one_order_is_doubled(more: Mark, key: str) -> None:
    assert found(*among(more)) == [(Fault.DOUBLED, key)]


def test_each_site_has_its_own_command() -> None:
    both = order(sites=("a", "b"))
    history: list[Mark] = [
        both,
        act(1),
        act(1, site="b"),
        say(2),
        say(2, site="b"),
        answer(3),
        last(),
    ]

    assert found(*history) == []
    assert found(*[mark for mark in history if mark != act(1, site="b")]) == [
        (Fault.LOST, "e1 version 0 at b")
    ]


def test_a_start_at_its_end_is_late() -> None:
    assert found(order(), act(120), answer(121, "out"), last()) == [
        (Fault.LATE, "e1 version 0 at a")
    ]
    assert found(order(), act(119.9), answer(121, "out"), last()) == []


def test_an_end_may_come_late() -> None:
    history: list[Mark] = [order(), act(1), answer(2, "out"), order(119, 1, cancels=True)]

    assert found(*history, act(125, cancels=True), answer(126, version=1), last()) == []


def test_an_old_version_after_a_newer_one_is_late() -> None:
    history: list[Mark] = [
        order(),
        order(1, 1),
        act(2, 1),
        act(3, 0),
        say(4, version=1),
        answer(5, version=1),
    ]

    assert found(*history, last()) == [(Fault.LATE, "e1 version 0 at a")]


def test_a_start_after_its_cancellation_is_late() -> None:
    history: list[Mark] = [order(), act(1), say(2), answer(3), order(30, 1, cancels=True)]
    late: list[Mark] = [act(31, cancels=True), act(32, 0), answer(33, version=1), last()]

    assert (Fault.LATE, "e1 version 0 at a") in found(*history, *late)


@pytest.mark.parametrize(
    ("gone", "key"),
    [
        (answer(3), "e1 version 0"),
        (answer(33, version=1, delivery="d2"), "e1 version 1"),
        (answer(62, version=2, delivery="d3"), "e1 version 2"),
    ],
)
def test_an_answer_that_never_comes_is_missed(gone: Mark, key: str) -> None:
    fault, name = found(*without(gone))[0]

    assert fault is Fault.UNANSWERED
    assert name == key.replace("version 2", "cancelled")


def test_an_answer_by_silence_may_take_its_time() -> None:
    slow = timedelta(minutes=120)

    assert found(order(silence=slow), act(1), last()) == []
    assert found(order(), act(1), last()) == [(Fault.UNANSWERED, "e1 version 0")]
    assert found(order(wants_answer=False), act(1), last()) == []


def test_an_answer_that_nobody_gave_is_wrong() -> None:
    asked: list[Mark] = [order(), act(1)]

    assert found(*asked, answer(3, "in"), last()) == [
        (Fault.WRONG, "e1 version 0"),
        (Fault.WRONG, "e1 version 0"),
    ]
    assert found(*asked, answer(3, "out"), last()) == []
    assert found(order(by_default="in"), act(1), answer(3, "in"), last()) == []


def test_a_confirmed_word_must_reach_the_utility() -> None:
    forgotten: list[Mark] = [order(), act(1), answer(2, "out"), say(3, "in"), last()]

    assert found(*forgotten) == [(Fault.WRONG, "e1 version 0")]
    assert found(*forgotten[:-1], answer(4, "in"), last()) == []


def test_a_word_whose_outcome_is_unknown_stays_possible_to_the_end() -> None:
    asked: list[Mark] = [order(), act(1), say(2, "in", sure=False), down(2.1), up(3)]

    assert found(*asked, answer(100, "in"), last()) == []
    assert found(*asked, answer(100, "out"), last()) == []


def test_a_confirmed_word_that_nobody_could_carry_may_be_missing() -> None:
    asked: list[Mark] = [
        order(),
        act(1),
        answer(2, "out"),
        say(100, "in"),
        down(101, UTILITY),
        last(),
    ]

    assert found(*asked) == []


def test_an_answer_may_change_as_often_as_sites_change_their_mind() -> None:
    once: list[Mark] = [
        order(),
        act(1),
        say(2, "out"),
        answer(3, "out"),
        say(4, "in"),
        answer(5, "in"),
    ]

    assert found(*once, last()) == []
    assert found(*once, answer(6, "out"), answer(7, "in"), last()) == [
        (Fault.DOUBLED, "e1 version 0")
    ]


def test_the_same_answer_twice_needs_a_reason() -> None:
    twice: list[Mark] = [order(), act(1), say(2), answer(3)]

    assert found(*twice, answer(4), last()) == [(Fault.DOUBLED, "e1 version 0")]
    assert found(*twice, answer(4, delivery="d2"), last()) == []
    assert found(*twice, down(3.5), up(3.6), answer(4), last()) == []
    assert found(*twice, Unsure(at=at(3.5)), answer(4), last()) == []


def test_what_nobody_ordered_is_invented() -> None:
    assert found(act(1), last()) == [(Fault.INVENTED, "e1 version 0 at a")]
    assert found(answer(1), last()) == [(Fault.INVENTED, "e1 version 0")]
    assert (Fault.INVENTED, "e1 version 0 at b") in found(*among(act(1, site="b")))
    assert (Fault.INVENTED, "e1 version 0 at a") in found(act(1), order(2), answer(3, "out"))


def test_a_site_that_is_named_no_longer_is_released() -> None:
    history: list[Mark] = [
        order(sites=("a", "b")),
        act(1),
        act(1, site="b"),
        say(2),
        say(2, site="b"),
    ]
    narrower: list[Mark] = [
        answer(3),
        order(30, 1),
        act(31, 1),
        say(32, version=1),
        answer(33, version=1),
    ]
    released = act(31, site="b", cancels=True)

    assert found(*history, *narrower, released, last()) == []


def test_what_was_confirmed_must_be_kept_once() -> None:
    one, two = Handed(at=at(1), key="b1", sure=False), Handed(at=at(1), key="b1", sure=True)
    there = Found(at=at(9), key="b1", content="x")

    assert found(one, two, there) == []
    assert found(one) == []
    assert found(one, there) == []
    assert found(one, two) == [(Fault.LOST, "b1")]
    assert found(one, two, there, there) == [(Fault.DOUBLED, "b1")]
    assert found(two, there, down(10), up(11), there) == []
    assert found(two, there, down(10), up(11), replace(there, content="y")) == [
        (Fault.DOUBLED, "b1")
    ]
    assert found(there) == [(Fault.INVENTED, "b1")]


def test_a_verdict_reads_as_a_sentence() -> None:
    verdict = Verdict(fault=Fault.LOST, key="e1 version 0 at a", why="never reached the site")

    assert str(verdict) == "lost e1 version 0 at a: never reached the site"


def removable() -> Iterable[Mark]:
    return (mark for mark in CLEAN if isinstance(mark, Acted | Answered))


@given(st.sampled_from(list(removable())))
def test_no_effect_and_no_answer_can_go_missing_unseen(gone: Mark) -> None:
    assert found(*without(gone))


@given(st.sampled_from([mark for mark in CLEAN if isinstance(mark, Acted)]), st.integers(0, 5))
def test_no_second_command_goes_unseen(again: Acted, later: int) -> None:
    second = replace(again, command="second", at=again.at + timedelta(seconds=later))

    assert any(fault in {Fault.DOUBLED, Fault.LATE} for fault, _ in found(*among(second)))


# --- held for the operator


def held(minute: float, version: int = 0, site: str = "a") -> Held:
    return Held(at=at(minute), site=site, event="e1", version=version)


AWAY = (down(-40), up(-1))
DECLINED = answer(1, "out")


def lost(history: list[Mark]) -> bool:
    found = judge([*history, last()], PATIENCE)
    assert {verdict.fault for verdict in found} <= {Fault.LOST}
    return bool(found)


def test_what_the_operator_has_the_site_need_not_hear_of() -> None:
    assert not lost([*AWAY, order(), held(0), DECLINED])


@pytest.mark.parametrize(
    "history",
    [
        [*AWAY, order(), DECLINED],
        [order(), held(0), DECLINED],
        [*AWAY, order(), held(0, version=1), DECLINED],
        [*AWAY, order(), held(0, site="b"), DECLINED],
        [order(), held(0), DECLINED, down(30), up(31)],
    ],
    ids=["not written down", "never away", "another version", "another site", "away later"],
)
def test_nothing_else_excuses_what_never_reached_the_site(history: list[Mark]) -> None:
    assert lost(history)
