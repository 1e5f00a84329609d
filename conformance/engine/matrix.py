"""The kept result of trying every wrong device on a plan, and what makes it stale."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

from conformance.engine.data import Model, load
from conformance.engine.errors import SuiteError
from conformance.engine.mutation import Trial, unaided
from conformance.engine.plans import Plan
from conformance.engine.wrong_devices import Mutant, judged_digest, mutants
from conformance.kit.case import Case, Maturity
from conformance.kit.checks.rules import names_of_rules

SCHEMA: Final = "gridgate-conformance-mutants/1"


class Row(Model):
    """What the cases said of one wrong device."""

    mutant: str
    killed: bool
    reason: bool
    missed: tuple[str, ...]
    strays: tuple[str, ...]
    failed: tuple[str, ...]
    cited: tuple[str, ...]

    @property
    def good(self) -> bool:
        """Say whether the suite did what it must."""
        return self.killed and self.reason and not self.strays


class Matrix(Model):
    """All of them, with the digest of what was judged."""

    schema_: str = SCHEMA
    plan: str
    judged_sha256: str
    whole_plan: bool
    """Every case was tried on every device."""
    cases: int
    total: int
    killed: int
    reason: int
    """Found for the declared reason."""
    strays: int
    """Failed an unrelated stable case."""
    notes: tuple[str, ...]
    trials: tuple[Row, ...]

    @property
    def good(self) -> bool:
        """Say whether every wrong device was found as declared."""
        return bool(self.trials) and all(row.good for row in self.trials)

    @property
    def summary(self) -> str:
        """Say it in one line."""
        stray = f"; {self.strays} failed an unrelated stable case" if self.strays else ""
        return (
            f"{self.plan}: {self.killed}/{self.total} killed, "
            f"{self.reason}/{self.total} for the declared reason{stray}"
        )


def matrix_of(
    plan: Plan,
    cases: Sequence[Case],
    wrong: Sequence[Mutant],
    trials: Sequence[Trial],
    *,
    whole: bool,
) -> Matrix:
    """Put trials together.

    Args:
        plan: Whose cases they are.
        cases: That were tried.
        wrong: The devices.
        trials: What came of them.
        whole: True: every case was tried on every device, so that what nothing fails can be listed.
    """
    rows = tuple(Row.model_validate(_kept(trial)) for trial in trials)
    notes = (*unaided(cases, trials, wrong), *_never_cited(cases, rows)) if whole else ()
    return Matrix(
        plan=plan.id,
        judged_sha256=judged_digest(plan.profile),
        whole_plan=whole,
        cases=len(cases),
        total=len(rows),
        killed=sum(row.killed for row in rows),
        reason=sum(row.reason for row in rows),
        strays=sum(bool(row.strays) for row in rows),
        notes=notes,
        trials=rows,
    )


def _kept(trial: Trial) -> dict[str, object]:
    """Return a trial without its seconds, which differ between runs."""
    return {name: value for name, value in asdict(trial).items() if name != "seconds"}


def _never_cited(cases: Sequence[Case], rows: Sequence[Row]) -> Iterator[str]:
    """Yield what no wrong device was ever found by."""
    cited = {name for row in rows for name in row.cited}
    declared = {name for case in cases for name in case.requirements}
    roles = {case.id.split("-")[1] for case in cases}
    rules = {name for role in roles for name in names_of_rules(role)}
    for name in sorted((declared | rules) - cited):
        yield f"{name}: no wrong device was found by it"


def path_of(folder: Path, plan: str) -> Path:
    """Return where the matrix of a plan lies."""
    return folder / f"mutants-{plan}.json"


def write(folder: Path, matrix: Matrix) -> None:
    """Keep a matrix."""
    path_of(folder, matrix.plan).write_text(matrix.model_dump_json(indent=1) + "\n")


def stale(folder: Path, plan: Plan) -> list[str]:
    """Say why the kept matrix of a plan is not one of the present source; empty: it is.

    Args:
        folder: Where matrices lie.
        plan: Which one.
    """
    try:
        kept = load(path_of(folder, plan.id), Matrix)
    except SuiteError as error:
        return [str(error)]
    return [f"{plan.id}: {why}" for why in _differences(kept, plan)]


def _differences(kept: Matrix, plan: Plan) -> Iterator[str]:
    if kept.judged_sha256 != judged_digest(plan.profile):
        yield "cases, kit, scripted peers, reference devices or their data have changed"
    if not kept.whole_plan:
        yield "not the whole plan was tried"
    names = {case.id for case in plan.cases}
    wanted = {m.id for m in mutants(plan.profile, plan.role) if names & set(m.cases)}
    absent = sorted(wanted - {row.mutant for row in kept.trials})
    if absent:
        yield f"not tried: {', '.join(absent)}"
    bad = [row.mutant for row in kept.trials if not row.good]
    if bad:
        yield f"not found as declared: {', '.join(bad)}"
    own = {name for m in mutants(plan.profile, plan.role) for name in m.cases}
    bare = [c.id for c in plan.cases if c.maturity is Maturity.STABLE and c.id not in own]
    if bare:
        yield f"stable without a wrong device: {', '.join(bare)}"
