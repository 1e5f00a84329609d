"""The verb ``mutants``: tries the wrong devices of every plan, or says whether the kept result is of this source."""

import argparse
import sys
from pathlib import Path

from conformance.cli.ending import Exit
from conformance.engine.errors import SuiteError
from conformance.engine.matrix import Kept, Matrix, key_of, matrix_of, row_of, stale
from conformance.engine.mutation import Breadth, Trial, try_all
from conformance.engine.plans import Plan, chosen, drafts, find_plan
from conformance.engine.wrong_devices import mutants


def add_mutants(verb: argparse.ArgumentParser) -> None:
    """Give the verb its options."""
    verb.description = (
        "Alters a few lines of the bundled device at a time and plays the cases of the areas concerned, in "
        "virtual time. Prints per plan how many were found, and how many for the declared reason."
    )
    verb.add_argument(
        "--plan", action="append", default=[], metavar="PLAN", help="otherwise every bundled plan"
    )
    verb.add_argument(
        "--only", action="append", default=[], metavar="WORD", help="cases, as of run"
    )
    verb.add_argument("--mutant", action="append", default=[], metavar="ID", help="these alone")
    breadth = verb.add_mutually_exclusive_group()
    breadth.add_argument(
        "--full", action="store_true", help="every case of the plan on every mutant"
    )
    breadth.add_argument(
        "--sample", type=int, metavar="N", help="the declared cases and N others, drawn"
    )
    verb.add_argument("--seed", type=int, default=1, metavar="N", help="of --sample")
    verb.add_argument("--jobs", type=int, default=1, metavar="N", help="processes side by side")
    verb.add_argument("--write", type=Path, metavar="DIR", help="keep the results there")
    verb.add_argument(
        "--check", type=Path, metavar="DIR", help="only say whether those kept there are stale"
    )
    verb.add_argument("--json", action="store_true", help="one JSON document a line on stdout")


def run_mutants(given: argparse.Namespace) -> int:
    """Try them plan by plan and print what came of it."""
    plans = [find_plan(name) for name in given.plan] or list(drafts())
    if given.check:
        return _check(given.check, plans)
    known = {m.id for plan in plans for m in mutants(plan.profile, plan.role, plan.mode)}
    if unknown := sorted(set(given.mutant) - known):
        raise SuiteError(f"--mutant {' '.join(unknown)}: no such mutant; there are {len(known)}")
    results = []
    for plan in plans:
        result = _tried(plan, given)
        results.append(result)
        _say(result.summary)
        if given.json:
            sys.stdout.write(result.model_dump_json() + "\n")
        elif not given.mutant:
            for line in result.notes:
                _say(f"    {line}")
    if not any(result.trials for result in results):
        return Exit.INCONCLUSIVE
    return Exit.OK if all(result.good for result in results if result.trials) else Exit.FAIL


def _tried(plan: Plan, given: argparse.Namespace) -> Matrix:
    cases = chosen(plan, given.only)
    names = {case.id for case in cases}
    wrong = [
        m
        for m in mutants(plan.profile, plan.role, plan.mode)
        if names & set(m.cases) and (not given.mutant or m.id in given.mutant)
    ]
    breadth = Breadth(whole=given.full, beside=given.sample, seed=given.seed)
    keys = {m.id: key_of(plan, m, [c.id for c in breadth.of(m, cases)]) for m in wrong}
    kept = Kept(given.write, plan)
    rows = {m.id: row for m in wrong if (row := kept.row(keys[m.id]))}
    todo = [m for m in wrong if m.id not in rows]
    if rows:
        _say(f"{plan.id}: {len(rows)} of {len(wrong)} are known")

    def heard(trial: Trial) -> None:
        rows[trial.mutant] = row_of(trial, keys[trial.mutant])
        kept.add(rows[trial.mutant])
        _tell(trial, f"{len(rows)}/{len(wrong)}")

    try_all(plan, todo, cases, heard, breadth=breadth, jobs=max(1, given.jobs))
    whole = given.full and not given.only and not given.mutant
    matrix = matrix_of(plan, cases, wrong, rows.values(), whole=whole)
    kept.whole(matrix)
    return matrix


def _check(folder: Path, plans: list[Plan]) -> int:
    found = [line for plan in plans for line in stale(folder, plan)]
    for line in found:
        _say(line)
    _say("stale: run make mutants" if found else f"{folder}: of this source, all as declared")
    return Exit.FAIL if found else Exit.OK


def _tell(trial: Trial, place: str) -> None:
    word = "killed" if trial.good else "NOT AS DECLARED"
    counts = f"{trial.seconds:.2f} s  played {trial.played}  failed {len(trial.failed)}"
    _say(f"{place:>7}  {word:<16} {trial.mutant}  {counts}")
    for text in (*trial.missed, *trial.strays):
        _say(f"    {text}")
    if trial.killed and not trial.reason:
        _say("    its requirement was not cited by every case that it declares")


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
