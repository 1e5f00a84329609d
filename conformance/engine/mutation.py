"""Tries the wrong devices: every one must be found, for its declared reason, and by no unrelated stable case."""

import asyncio
import hashlib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from multiprocessing import get_context
from typing import Final, Protocol, TypeVar

from conformance.engine.bundled import factory_of
from conformance.engine.catalogue import catalogue
from conformance.engine.clocks import Time
from conformance.engine.drivers.hands import Nobody
from conformance.engine.errors import SuiteError
from conformance.engine.identities import Identities
from conformance.engine.identities_by_role import made_for
from conformance.engine.judging import outcome_of
from conformance.engine.memory import MemoryArchive
from conformance.engine.plans import Plan, find_plan
from conformance.engine.play import play
from conformance.engine.run import reference_ixit
from conformance.engine.setting import Carried, Setting
from conformance.engine.wrong_devices import Mutant
from conformance.kit.case import Case, Maturity
from conformance.kit.finding import Level
from conformance.kit.verdict import Outcome, Verdict
from conformance.mutants.altered_package import ROOT, loaded
from conformance.mutants.reach import Places, places_of
from conformance.mutants.traced import lines_of
from gateway.client.clock import SystemClock

_SEED: Final = 1
_PASSED: Final = Outcome(verdict=Verdict.PASS, cause="")
_PARTS: Final = 16
"""Of the cases in which is noted what runs, so that several processes share them."""
_WORTH: Final = 4
"""Trials of a case from which on it pays to note first what runs in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What the cases said of one wrong device."""

    mutant: str
    killed: bool
    """Every declared case of the plan failed."""
    reason: bool
    """Every declared case cites one of its requirements, and each is cited where all its cases are in the plan."""
    missed: tuple[str, ...]
    """Declared cases that did not fail, with their verdict."""
    strays: tuple[str, ...]
    """Unrelated stable cases that failed, with their cause."""
    failed: tuple[str, ...]
    """All cases that failed."""
    cited: tuple[str, ...]
    """Requirements by which they did."""
    played: int
    """Cases played; in the others no line runs that could make the device another than the right one."""
    seconds: float

    @property
    def good(self) -> bool:
        """Say whether the suite did what it must."""
        return self.killed and self.reason and not self.strays


class Workshop:
    """Plays cases against wrong devices in virtual time, without evidence.

    Args:
        plan: Whose cases and mode.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._real = SystemClock()
        self._identities: Identities = made_for(self._real.now(), plan.role)
        self._values = reference_ixit(plan).for_cases()

    def trial(
        self, mutant: Mutant, cases: Sequence[Case], alike: Collection[str] = (), audit: str = ""
    ) -> Trial:
        """Try one wrong device.

        Args:
            mutant: The device.
            cases: To judge it by.
            alike: Those of them that the right device passes, and in which this one cannot be told from it: not played.
            audit: One of those that is played nevertheless, and must pass.

        Raises:
            SuiteError: the mutant does not fit the source.
        """
        began = self._real.elapsed_s()
        # Made anew: a wrong device may spoil the TLS context that it is handed.
        self._identities = made_for(self._real.now(), self._plan.role)
        played = [case for case in cases if case.id not in alike or case.id == audit]
        with loaded(mutant.package, mutant.sources()) as package:
            outcomes = asyncio.run(self._all(package, played))
        whole = {case.id: outcomes.get(case.id, _PASSED) for case in cases}
        trial = _judged(mutant, cases, whole, len(played), self._real.elapsed_s() - began)
        if audit and outcomes[audit] != replace(_PASSED, observed=outcomes[audit].observed):
            text = f"{audit}: {outcomes[audit].verdict} though nothing of the change runs in it"
            trial = replace(trial, strays=(*trial.strays, text))
        return trial

    def right(self, package: str, cases: Sequence[Case]) -> dict[str, Outcome]:
        """Play the cases against the device as it is."""
        return asyncio.run(self._all(package, cases))

    def ran(self, package: str, cases: Sequence[Case]) -> dict[str, Places]:
        """Return which lines of the right device run in each case that it passes without a word."""
        found = {}
        known: dict[tuple[str, int], tuple[str, int]] = {}
        for case in cases:
            # Loaded anew for each, so that nothing of an earlier case is remembered in a module.
            with lines_of(ROOT.joinpath(*package.split("."))) as lines, loaded(package, {}) as name:
                outcome = self.right(name, [case])[case.id]
            if outcome == replace(_PASSED, observed=outcome.observed):
                found[case.id] = frozenset(known.setdefault(line, line) for line in lines)
        return found

    async def _all(self, package: str, cases: Sequence[Case]) -> dict[str, Outcome]:
        setting = Setting(
            archive=MemoryArchive(),
            identities=self._identities,
            role=self._plan.role,
            mode=self._plan.mode,
            seed=_SEED,
            values=self._values,
            clock=Time("virtual").maker(),
            factory=factory_of(package, self._plan.role),
            hands=Nobody(),
        )
        found = {}
        for case in cases:
            transcript = await play(case, setting, Carried())
            found[case.id] = outcome_of(case, transcript, strict=False)
        return found


def _cited(outcome: Outcome) -> set[str]:
    return {f.requirement for f in outcome.findings if f.level is Level.MUST}


def _judged(
    mutant: Mutant,
    cases: Sequence[Case],
    outcomes: dict[str, Outcome],
    played: int,
    seconds: float,
) -> Trial:
    declared = [c.id for c in cases if c.id in mutant.cases]
    if not declared:
        raise SuiteError(f"mutant {mutant.id}: none of its cases is in this plan")
    missed = [
        f"{name}: {outcomes[name].verdict}"
        for name in declared
        if outcomes[name].verdict is not Verdict.FAIL
    ]
    wanted = set(mutant.requirements)
    cited = set().union(*(_cited(outcomes[name]) for name in declared))
    own = all(wanted & _cited(outcomes[name]) for name in declared)
    strays = [
        f"{c.id}: {outcomes[c.id].cause}"
        for c in cases
        if c.id not in mutant.cases
        and c.maturity is Maturity.STABLE
        and outcomes[c.id].verdict is Verdict.FAIL
        and not wanted & _cited(outcomes[c.id])
    ]
    return Trial(
        mutant=mutant.id,
        killed=not missed,
        reason=own and (wanted <= cited or len(declared) < len(mutant.cases)),
        missed=tuple(missed),
        strays=tuple(strays),
        failed=tuple(n for n, o in outcomes.items() if o.verdict is Verdict.FAIL),
        cited=tuple(sorted(set().union(*(_cited(outcomes[c.id]) for c in cases)))),
        played=played,
        seconds=round(seconds, 3),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Breadth:
    """Which cases a wrong device is tried on, beside those that it declares."""

    whole: bool = False
    """Every case of the plan."""
    beside: int | None = None
    """So many others of its own areas, drawn by the seed; None: all of them."""
    every: int = 1
    """Others are tried on one in so many devices, drawn by the seed; the rest on what they declare alone."""
    seed: int = 1

    def of(self, mutant: Mutant, cases: Sequence[Case]) -> list[Case]:
        """Return the cases to try a mutant on, in the order of the plan."""
        if self.whole:
            return list(cases)
        areas = {name.split("-")[2] for name in mutant.cases}
        near = [c for c in cases if c.area in areas]
        others = [c.id for c in near if c.id not in mutant.cases]
        drawn = sorted(others, key=lambda name: placed(self.seed, mutant, name))
        chosen = placed(self.seed, mutant, "")[0] % self.every == 0
        kept = {*mutant.cases, *(drawn[: self.beside] if chosen else ())}
        return [c for c in near if c.id in kept]


def placed(seed: int, mutant: Mutant, case: str) -> bytes:
    """Return where a case stands in the draw of a mutant: the same in every process."""
    return hashlib.sha256(f"{seed} {mutant.id} {case}".encode()).digest()


AREA: Final = Breadth()
Heard = Callable[[Trial], None]
Work = list[tuple[Mutant, list[Case]]]
A = TypeVar("A")
B = TypeVar("B")


class _Map(Protocol):
    """Does one thing to many, perhaps in several processes; what comes out stands in order."""

    def __call__(self, act: Callable[[A], B], many: Iterable[A], /) -> Iterable[B]: ...


def try_all(
    plan: Plan,
    wrong: Sequence[Mutant],
    cases: Sequence[Case],
    heard: Heard = lambda _: None,
    *,
    breadth: Breadth = AREA,
    jobs: int = 1,
) -> list[Trial]:
    """Try wrong devices; those without a case in the plan are left out.

    A case in which nothing of a change runs is not played on it, as the right device has passed it in the same way;
    one of these is drawn for each device and played nevertheless.

    Args:
        plan: Whose cases and mode.
        wrong: The devices.
        cases: That may be played.
        heard: Told of each trial as it ends.
        breadth: Which cases each is tried on.
        jobs: Processes side by side.

    Raises:
        SuiteError: a mutant does not fit the source.
    """
    names = {case.id for case in cases}
    work = [(mutant, breadth.of(mutant, cases)) for mutant in wrong if names & set(mutant.cases)]
    with _working(jobs) as done:
        ran = _learnt(plan, work, done)
        todo = ((plan.id, m, tuple(c.id for c in some), *_alike(m, some, ran)) for m, some in work)
        return [_told(trial, heard) for trial in done(_elsewhere, todo)]


@contextmanager
def _working(jobs: int) -> Iterator[_Map]:
    if jobs == 1:
        yield map
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        yield pool.map


def _learnt(plan: Plan, work: Work, done: _Map) -> dict[str, Places]:
    """Note what runs in the cases that are wanted often enough."""
    wanted = Counter(case.id for _, some in work for case in some)
    often = [name for name, times in wanted.items() if times >= _WORTH]
    if not often:
        return {}
    package = work[0][0].package
    parts = [(plan.id, package, often[first::_PARTS]) for first in range(_PARTS)]
    return {name: lines for part in done(_ran, parts) for name, lines in part.items()}


def _alike(
    mutant: Mutant, cases: Sequence[Case], ran: Mapping[str, Places]
) -> tuple[tuple[str, ...], str]:
    """Return the cases in which nothing of a change runs, and the one of them to play nevertheless."""
    places = places_of(mutant.sources()) if ran else None
    if places is None:
        return (), ""
    own = set(mutant.cases)
    found = [c.id for c in cases if c.id in ran and c.id not in own and not ran[c.id] & places]
    drawn = sorted(found, key=lambda name: placed(_SEED, mutant, name))
    return tuple(found), next(iter(drawn), "")


def _told(trial: Trial, heard: Heard) -> Trial:
    heard(trial)
    return trial


@cache
def _workshop(plan: str) -> Workshop:
    return Workshop(find_plan(plan))


def _elsewhere(todo: tuple[str, Mutant, tuple[str, ...], tuple[str, ...], str]) -> Trial:
    """Try one, perhaps in a process of its own; cases are found again by their ids."""
    plan, mutant, names, alike, audit = todo
    cases = [catalogue()[name] for name in names]
    return _workshop(plan).trial(mutant, cases, frozenset(alike), audit)


def _ran(todo: tuple[str, str, list[str]]) -> dict[str, Places]:
    plan, package, names = todo
    return _workshop(plan).ran(package, [catalogue()[name] for name in names])
