"""The kept result of trying every wrong device on a plan, and what makes it stale."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from conformance.engine.data import Model, load
from conformance.engine.errors import SuiteError
from conformance.engine.mutation import Trial
from conformance.engine.plans import Plan
from conformance.engine.profiles import PROFILES, profile_name
from conformance.engine.wrong_devices import Mutant, code_digest, judged_digest, mutants
from conformance.kit.case import Case, Maturity

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
    played: int
    """Cases played; the others cannot tell the device from the right one, which passes them."""
    key: str
    """SHA-256 over all that the row depends on; a row of the same key need not be made again."""

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
    found: Iterable[Row],
    *,
    whole: bool,
) -> Matrix:
    """Put rows together.

    Args:
        plan: Whose cases they are.
        cases: That were tried.
        wrong: The devices.
        found: What came of them.
        whole: True: every case was tried on every device, so that what nothing fails can be listed.
    """
    rows = tuple(sorted(found, key=lambda row: row.mutant))
    notes = (*unaided(cases, rows, wrong), *_never_cited(cases, rows)) if whole else ()
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


def row_of(trial: Trial, key: str) -> Row:
    """Return a trial without its seconds, which differ between runs."""
    fields = {name: value for name, value in asdict(trial).items() if name != "seconds"}
    return Row.model_validate({**fields, "key": key})


def key_of(plan: Plan, mutant: Mutant, cases: Sequence[str]) -> str:
    """Return the SHA-256 over all that a row depends on: the code and data that judge, the device, the cases."""
    parts = [code_digest(plan.profile), plan.id, mutant.model_dump_json(), *cases]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def unaided(cases: Sequence[Case], rows: Sequence[Row], wrong: Sequence[Mutant]) -> Iterator[str]:
    """Yield the stable cases that no mutant fails, and those that none but their own fails."""
    own = {m.id: m.cases for m in wrong}
    for case in cases:
        killers = [row.mutant for row in rows if case.id in row.failed]
        if case.maturity is Maturity.STABLE and not killers:
            yield f"{case.id}: no mutant fails it"
        elif case.maturity is Maturity.STABLE and all(own[k] == (case.id,) for k in killers):
            yield f"{case.id}: only its own mutants fail it"


def _never_cited(cases: Sequence[Case], rows: Sequence[Row]) -> Iterator[str]:
    """Yield what no wrong device was ever found by."""
    cited = {name for row in rows for name in row.cited}
    declared = {name for case in cases for name in case.requirements}
    roles = {(profile_name(case.id), case.id.split("-")[1]) for case in cases}
    rules = {name for profile, role in roles for name in PROFILES[profile].rule_names(role)}
    for name in sorted((declared | rules) - cited):
        yield f"{name}: no wrong device was found by it"


def path_of(folder: Path, plan: str) -> Path:
    """Return where the matrix of a plan lies."""
    return folder / f"mutants-{plan}.json"


def write(folder: Path, matrix: Matrix) -> None:
    """Keep a matrix."""
    path_of(folder, matrix.plan).write_text(matrix.model_dump_json(indent=1) + "\n")


class Kept:
    """The rows of a plan that need not be made again: those of the kept matrix, and of one that was broken off.

    Args:
        folder: Where matrices lie; None: nothing is kept.
        plan: Which one.
    """

    def __init__(self, folder: Path | None, plan: Plan) -> None:
        self._part = None if folder is None else path_of(folder, plan.id).with_suffix(".part")
        self._rows: dict[str, Row] = {}
        if folder is not None and self._part is not None:
            # One that is not to be read, e.g. of an older suite, is made anew.
            with suppress(SuiteError):
                self._know(load(path_of(folder, plan.id), Matrix).trials)
            if self._part.is_file():
                self._know(_whole_rows(self._part.read_text()))

    def _know(self, rows: Iterable[Row]) -> None:
        """Take what was found as declared; the rest may have come of a busy machine, and is tried again."""
        self._rows.update((row.key, row) for row in rows if row.good)

    def row(self, key: str) -> Row | None:
        """Return the row of a key."""
        return self._rows.get(key)

    def add(self, row: Row) -> None:
        """Keep a row at once, so that an interrupted run can go on behind it."""
        if self._part is not None:
            with self._part.open("a") as file:
                file.write(row.model_dump_json() + "\n")

    def whole(self, matrix: Matrix) -> None:
        """Keep the matrix in the place of its parts."""
        if self._part is not None:
            write(self._part.parent, matrix)
            self._part.unlink(missing_ok=True)


def _whole_rows(text: str) -> Iterator[Row]:
    """Yield the rows of a matrix that was broken off; its last line may be half a one."""
    for line in text.splitlines():
        with suppress(ValidationError):
            yield Row.model_validate_json(line)


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
    wanted = {m.id for m in mutants(plan.profile, plan.role, plan.mode) if names & set(m.cases)}
    absent = sorted(wanted - {row.mutant for row in kept.trials})
    if absent:
        yield f"not tried: {', '.join(absent)}"
    bad = [row.mutant for row in kept.trials if not row.good]
    if bad:
        yield f"not found as declared: {', '.join(bad)}"
    own = {name for m in mutants(plan.profile, plan.role, plan.mode) for name in m.cases}
    bare = [c.id for c in plan.cases if c.maturity is Maturity.STABLE and c.id not in own]
    if bare:
        yield f"stable without a wrong device: {', '.join(bare)}"
