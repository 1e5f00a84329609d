"""Tries the wrong devices: every one must be found, for its declared reason, and by no unrelated stable case."""

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from multiprocessing import get_context
from typing import Final

from conformance.engine.bundled import factory_of
from conformance.engine.catalogue import catalogue
from conformance.engine.clocks import Time
from conformance.engine.drivers.hands import Nobody
from conformance.engine.errors import SuiteError
from conformance.engine.identities import Identities, made_for_run
from conformance.engine.judging import outcome_of
from conformance.engine.memory import MemoryArchive
from conformance.engine.plans import Plan, find_plan
from conformance.engine.play import Carried, Setting, play
from conformance.engine.run import reference_ixit
from conformance.engine.wrong_devices import Mutant
from conformance.kit.case import Case, Maturity
from conformance.kit.finding import Level
from conformance.kit.verdict import Outcome, Verdict
from conformance.mutants.altered_package import loaded
from gateway.client.clock import SystemClock

_SEED: Final = 1


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
        self._identities: Identities = made_for_run(self._real.now(), plan.role)
        self._values = reference_ixit(plan).for_cases()

    def trial(self, mutant: Mutant, cases: Sequence[Case]) -> Trial:
        """Try one wrong device.

        Raises:
            SuiteError: the mutant does not fit the source.
        """
        began = self._real.elapsed_s()
        # Made anew: a wrong device may spoil the TLS context that it is handed.
        self._identities = made_for_run(self._real.now(), self._plan.role)
        with loaded(mutant.package, mutant.sources()) as package:
            outcomes = asyncio.run(self._all(package, cases))
        return _judged(mutant, cases, outcomes, self._real.elapsed_s() - began)

    def right(self, package: str, cases: Sequence[Case]) -> dict[str, Outcome]:
        """Play the cases against the device as it is."""
        return asyncio.run(self._all(package, cases))

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
    mutant: Mutant, cases: Sequence[Case], outcomes: dict[str, Outcome], seconds: float
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
        seconds=round(seconds, 3),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Breadth:
    """Which cases a wrong device is tried on, beside those that it declares."""

    whole: bool = False
    """Every case of the plan."""
    beside: int | None = None
    """So many others of its own areas, drawn by the seed; None: all of them."""
    seed: int = 1

    def of(self, mutant: Mutant, cases: Sequence[Case]) -> list[Case]:
        """Return the cases to try a mutant on, in the order of the plan."""
        if self.whole:
            return list(cases)
        areas = {name.split("-")[2] for name in mutant.cases}
        near = [c for c in cases if c.area in areas]
        others = [c.id for c in near if c.id not in mutant.cases]
        drawn = sorted(others, key=lambda name: self._place(mutant, name))
        kept = {*mutant.cases, *drawn[: self.beside]}
        return [c for c in near if c.id in kept]

    def _place(self, mutant: Mutant, case: str) -> bytes:
        """Return where a case stands in the draw of a mutant: the same in every process."""
        return hashlib.sha256(f"{self.seed} {mutant.id} {case}".encode()).digest()


AREA: Final = Breadth()
Heard = Callable[[Trial], None]


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
    if jobs == 1:
        workshop = Workshop(plan)
        return [_told(workshop.trial(mutant, some), heard) for mutant, some in work]
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        todo = [(plan.id, mutant, tuple(c.id for c in some)) for mutant, some in work]
        return [_told(trial, heard) for trial in pool.map(_elsewhere, todo)]


def _told(trial: Trial, heard: Heard) -> Trial:
    heard(trial)
    return trial


@cache
def _workshop(plan: str) -> Workshop:
    return Workshop(find_plan(plan))


def _elsewhere(todo: tuple[str, Mutant, tuple[str, ...]]) -> Trial:
    """Try one in a process of its own; cases are found again by their ids."""
    plan, mutant, names = todo
    return _workshop(plan).trial(mutant, [catalogue()[name] for name in names])


def unaided(cases: Sequence[Case], trials: Sequence[Trial], wrong: Sequence[Mutant]) -> list[str]:
    """Return the stable cases that no mutant fails, and those that none but their own fails."""
    own = {m.id: m.cases for m in wrong}
    lines = []
    for case in cases:
        killers = [t.mutant for t in trials if case.id in t.failed]
        if case.maturity is Maturity.STABLE and not killers:
            lines.append(f"{case.id}: no mutant fails it")
        elif case.maturity is Maturity.STABLE and all(own[k] == (case.id,) for k in killers):
            lines.append(f"{case.id}: only its own mutants fail it")
    return lines
