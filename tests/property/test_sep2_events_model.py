"""The event engine, woken only when it asked to be, against a model that lives through every second."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from random import Random  # noqa: TID251 - tells stories that were once found, by their seed
from typing import Protocol, TypeVar

import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

from gateway.protocols.sep2.events import Control, Input, Program, Scope, Settings
from tests.sep2_event_world import T0, Device, HalfChance, event, name_of, program
from tests.sep2_reference import Model

T = TypeVar("T")
SECONDS = 110
HOMES = [
    program("A" * 32, 0),
    program("B" * 32, 0),
    program("C" * 32, 0, server="another"),
]
MODES = ["opModImpLimW", "opModExpLimW"]


@dataclass
class Planned:
    """One event as its server will show it over time."""

    control: Control
    published: int
    statuses: list[tuple[int, int]]
    """(second, currentStatus from then on)."""
    removed: int

    def shown(self, second: int) -> Control | None:
        if not self.published <= second < self.removed:
            return None
        status = [number for since, number in self.statuses if since <= second][-1:]
        return replace(self.control, status=status[0] if status else 0)


@dataclass
class Story:
    """Everything that happens to one device."""

    settings: Settings
    primacies: list[int]
    events: list[Planned]
    polls: dict[int, list[tuple[int, bool, bool]]]
    """Second -> (program, complete, delivered twice)."""
    swaps: dict[int, tuple[list[int], list[int]]]
    """Second -> (primacies, programs assigned)."""
    choices: dict[int, list[tuple[int, bool]]]
    """Second -> (event, opts out rather than in)."""
    asleep: list[tuple[int, int]] = field(default_factory=list)
    """Half-open stretches in which nobody calls the engine; it restarts at the end of each."""
    back: dict[int, int] = field(default_factory=dict)
    """Second of the story -> seconds by which the server's clock steps back then."""

    def sleeps(self, second: int) -> bool:
        return any(start <= second < end for start, end in self.asleep)


class Dice(Protocol):
    """What a story is drawn with: a ``Random`` of hypothesis, which is faster than a strategy for each number."""

    def randint(self, low: int, high: int, /) -> int: ...

    def choice(self, given: Sequence[T], /) -> T: ...


def planned(dice: Dice, index: int) -> Planned:
    start = dice.choice([dice.randint(3, 60), 10, 20, 30, 40])
    control = event(
        f"e{index}",
        start,
        dice.choice([dice.randint(1, 30), 10, 20]),
        of=dice.choice(HOMES),
        creation_time=T0 - dice.randint(0, 2),
        randomize_start=dice.choice([0, 0, 0, 6, 14, -6, 40]),
        randomize_duration=dice.choice([0, 0, 0, 8, -8, 40]),
        modes=frozenset(dice.choice([MODES, MODES[:1], MODES[1:]])),
        required=dice.choice([7, 7, 3, 1, 2, 0]),
        has_reply_to=dice.choice([True, True, True, False]),
    )
    statuses = [
        (dice.randint(5, 70), dice.choice([1, 2, 2, 3, 3, 4, 5, 9]))
        for _ in range(dice.choice([0, 0, 1, 2]))
    ]
    published = dice.choice([0, 0, 0, 5, start, start + 3, dice.randint(0, 60)])
    return Planned(control, published, sorted(statuses), dice.choice([999, 999, 40, 60]))


def story_of(dice: Dice) -> Story:
    def second() -> int:
        return dice.randint(0, SECONDS - 10)

    def primacies() -> list[int]:
        return [dice.randint(0, 2) for _ in HOMES]

    polls: dict[int, list[tuple[int, bool, bool]]] = {0: [(n, True, False) for n in range(3)]}
    for _ in range(dice.randint(2, 10)):
        poll = dice.randint(0, 2), dice.choice([True, False]), dice.choice([True, False])
        polls.setdefault(second(), []).append(poll)
    naps = [second() for _ in range(dice.randint(0, 3))]
    assigned = [[0, 1, 2], [0, 1, 2], [0, 1], [1, 2], [0]]
    return Story(
        settings=Settings(
            edition=dice.choice([2018, 2018, 2023]),
            resume=dice.choice([None, None, True, False]),
        ),
        primacies=primacies(),
        events=[planned(dice, n) for n in range(dice.randint(1, 6))],
        polls=polls,
        swaps={second(): (primacies(), dice.choice(assigned)) for _ in range(dice.randint(0, 2))},
        choices={
            second(): [(dice.randint(0, 5), dice.choice([True, False]))]
            for _ in range(dice.randint(0, 3))
        },
        asleep=[(start, start + dice.randint(0, 25)) for start in naps],
    )


def with_steps(story: Story, dice: Dice) -> Story:
    """Let the server's clock step back, once or twice."""
    steps = {dice.randint(1, SECONDS - 10): dice.randint(1, 60) for _ in range(dice.randint(1, 2))}
    return replace(story, back=steps)


def homes(primacies: list[int], assigned: list[int]) -> list[Program]:
    return [replace(HOMES[n], primacy=primacies[n]) for n in assigned]


@dataclass
class Run:
    """Engine and model side by side."""

    story: Story

    def __post_init__(self) -> None:
        self.assigned = [0, 1, 2]
        first = homes(self.story.primacies, self.assigned)
        self.device = Device(self.story.settings, first, chance=HalfChance())
        self.model = Model(self.story.settings, last=T0)
        self.model.assign(first, T0)

    def play(self) -> None:
        behind = 0
        for tick in range(SECONDS + sum(self.story.back.values())):
            behind += self.story.back.get(tick, 0)
            second = tick - behind
            if self.story.sleeps(tick):
                continue
            if self.story.sleeps(tick - 1) or tick % 7 == 0:
                self.device.restart()
            stepped = T0 + second < self.model.last
            if stepped:  # whoever keeps the clock tells everybody
                self.model.step_back(T0 + second)
            self.device.now = second
            self.inputs(tick, second)
            self.model.pass_to(T0 + second)
            due = self.device.engine.next_at()
            if stepped or (due is not None and due <= T0 + second):
                self.device.take(self.device.engine.on_time(T0 + second))
            self.compare(second)

    def inputs(self, tick: int, second: int) -> None:
        now = T0 + second
        if tick in self.story.swaps:
            primacies, self.assigned = self.story.swaps[tick]
            programs = homes(primacies, self.assigned)
            self.model.assign(programs, now)
            self.model.pass_to(now)
            self.device.take(self.device.engine.assign(programs, now))
        for which, complete, twice in self.story.polls.get(tick, ()):
            if which in self.assigned:
                self.poll(HOMES[which], complete, second)
                if twice:
                    self.poll(HOMES[which], complete, second)
        for index, out in self.story.choices.get(tick, ()):
            self.choose(index, now, out=out)

    def poll(self, home: Program, complete: bool, second: int) -> None:
        now = T0 + second
        shown = [plan.shown(second) for plan in self.story.events]
        controls = [control for control in shown if control and control.program_key == home.key]
        self.model.take_list(controls, now, home.key if complete else None)
        self.model.pass_to(now)
        scope = Scope(server=home.server, program=home.mrid) if complete else None
        self.device.take(self.device.engine.observe(controls, now, scope))

    def choose(self, index: int, now: int, *, out: bool) -> None:
        plans = self.story.events
        key = plans[index % len(plans)].control.key
        known = self.model.events.get(key)
        phases = {"waiting", "running", "suspended", "out"} | ({"releasing"} if out else set())
        if known is None or known.phase not in phases:
            return
        if out and known.phase == "out":
            return
        (self.model.opt_out if out else self.model.opt_in)(key, now)
        self.model.pass_to(now)
        choice = Input.OPT_OUT if out else Input.OPT_IN
        self.device.take(self.device.engine.decide(key, choice, now))

    def compare(self, second: int) -> None:
        held = [(mode, r.key) for r in self.device.engine.records() for mode in r.holding]
        assert len(held) == len({mode for mode, _ in held}), "two events have one mode"
        ours = {force.mode: force.source for force in self.device.engine.in_force()}
        assert ours == self.model.force(), second
        planned = {
            stretch.mode: stretch.key
            for stretch in self.device.engine.stretches()
            if stretch.start <= T0 + second < stretch.end
        }
        assert planned == ours, second
        for key, known in self.model.events.items():
            name = name_of(key)
            told = [(at, code) for at, of, code in self.device.told if of == name]
            assert told == [(at - T0, code) for at, code in known.said], (second, name)


def told_too_late(run: Run) -> list[tuple[int, str, str]]:
    """Return (second, loser, winner) where a loser heard of it only after its winner had started.

    Only of pairs whose winner got all that the loser had, that were both known before, and were not slept through.
    """
    found = []
    controls = {name_of(plan.control.key): plan.control for plan in run.story.events}
    for index, (at, winner, code) in enumerate(run.device.told):
        if code != 2 or run.story.asleep:
            continue
        for later, loser, what in run.device.told[index + 1 :]:
            fresh = run.model.events[controls[loser].key].seen == T0 + at
            if later != at or what not in {7, 13, 14} or fresh or loser == winner:
                continue
            one, other = controls[winner], controls[loser]
            all_of_it = other.modes <= run.device.responses[index].modes
            if all_of_it and one.start < other.end and other.start < one.end:
                found.append((at, loser, winner))
    return found


@pytest.mark.spec("IEEE 2030.5-2018 10.2.3.3", "IEEE 2030.5-2023 10.2.2.3")
@pytest.mark.slow
@given(st.randoms(use_true_random=True))
@settings(max_examples=300, deadline=None)
def test_engine_and_model_agree_at_every_second(dice: Dice) -> None:
    story = story_of(dice)
    note(f"{story}")
    agree(story)


@pytest.mark.parametrize(
    "seed",
    [
        pytest.param(
            494996054, id="a mode freed by one that ends with another is begun after both"
        ),
        pytest.param(5276, id="listed again after its time, an event takes nothing from anybody"),
        pytest.param(6919, id="what was swapped while nothing was due holds from then on only"),
        pytest.param(9649, id="kept out by one that ends with it, it is told so"),
        pytest.param(33492, id="kept out by one of no length, it is told so"),
        pytest.param(
            33597, id="kept waiting by one that is cut short, it is told before the winner"
        ),
        pytest.param(126493, id="opted out in the second in which another begins"),
    ],
)
def test_stories_that_once_divided_engine_and_model(seed: int) -> None:
    agree(story_of(Random(seed)))


def agree(story: Story) -> None:
    run = Run(story)

    run.play()

    told = [(of, code) for _, of, code in run.device.told]
    assert len(told) == len(set(told)), "something was told twice"
    assert told_too_late(run) == []


@pytest.mark.slow
@given(st.randoms(use_true_random=True))
@settings(max_examples=150, deadline=None, derandomize=True)
def test_what_is_foretold_comes_true_when_nothing_else_comes_in(dice: Dice) -> None:
    # Without randomisation: an event that runs late may yet be cut short, which moves what follows it.
    story = story_of(dice)
    controls = [
        replace(plan.control, randomize_start=0, randomize_duration=0) for plan in story.events
    ]
    note(f"{story.settings} {story.primacies} {controls}")
    programs = homes(story.primacies, [0, 1, 2])
    device = Device(story.settings, programs).sees(*controls)
    model = Model(story.settings, last=T0)
    model.assign(programs, T0)
    model.take_list(controls, T0, None)
    foretold = device.engine.stretches()

    for second in range(T0, T0 + SECONDS):
        model.pass_to(second)
        now = {s.mode: s.key for s in foretold if s.start <= second < s.end}
        assert now == model.force(), second - T0


@pytest.mark.spec("IEEE 2030.5-2018 events: clock steps", "IEEE 2030.5-2018 events: restart")
@pytest.mark.slow
@given(st.randoms(use_true_random=True))
@settings(max_examples=120, deadline=None)
def test_engine_and_model_agree_when_the_servers_clock_steps_back(dice: Dice) -> None:
    story = with_steps(story_of(dice), dice)
    note(f"{story}")
    run = Run(story)

    run.play()

    told = [(of, code) for _, of, code in run.device.told]
    assert len(told) == len(set(told)), "something was told twice"
