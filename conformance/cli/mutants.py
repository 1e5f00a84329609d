"""The verb ``mutants``: tries the wrong devices of a plan's role."""

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TypeVar

from conformance.cli.ending import EXITS, Exit
from conformance.engine.mutation import Trial, try_all, unaided
from conformance.engine.plans import chosen, find_plan
from conformance.engine.wrong_devices import judged_digest, mutants

P = TypeVar("P", bound=argparse.ArgumentParser)


def add_mutants(verbs: "argparse._SubParsersAction[P]") -> None:
    """Declare the verb."""
    verb = verbs.add_parser(
        "mutants",
        help="try the wrong devices: each must be found, for its reason",
        description="Alters a few lines of the bundled device at a time and plays the cases of the area concerned, in "
        "virtual time.",
        epilog=EXITS,
    )
    verb.add_argument("--plan", required=True, metavar="PLAN")
    verb.add_argument(
        "--only", action="append", default=[], metavar="WORD", help="cases, as of run"
    )
    verb.add_argument("--mutant", action="append", default=[], metavar="ID", help="these alone")
    verb.add_argument("--full", action="store_true", help="every case of the plan on every mutant")
    verb.add_argument("--jobs", type=int, default=1, metavar="N", help="processes side by side")
    verb.add_argument(
        "--write", type=Path, metavar="FILE", help="keep the result, with what it judged"
    )
    verb.add_argument("--json", action="store_true", help="one JSON document on stdout")


def run_mutants(given: argparse.Namespace) -> int:
    """Try them and print what came of it."""
    plan = find_plan(given.plan)
    cases = chosen(plan, given.only)
    wrong = [
        m for m in mutants(plan.profile, plan.role) if not given.mutant or m.id in given.mutant
    ]
    trials = try_all(plan, wrong, cases, _tell, whole=given.full, jobs=max(1, given.jobs))
    killed, reason = sum(t.killed for t in trials), sum(t.reason for t in trials)
    strays = sum(bool(t.strays) for t in trials)
    _say(
        f"{plan.id}: {killed}/{len(trials)} killed, {reason}/{len(trials)} for the declared reason"
    )
    if strays:
        _say(f"{strays} failed an unrelated stable case")
    notes = unaided(cases, trials, wrong)
    rows: dict[str, object] = {
        "plan": plan.id,
        "judged_sha256": judged_digest(plan.profile),
        "whole_plan": given.full,
        "total": len(trials),
        "killed": killed,
        "reason": reason,
        "strays": strays,
        "notes": notes,
        "trials": [_row(t) for t in trials],
    }
    if given.write:
        given.write.write_text(json.dumps(rows, indent=1) + "\n")
    if given.json:
        sys.stdout.write(json.dumps(rows, indent=1) + "\n")
    elif not given.mutant:
        for line in notes:
            _say(line)
    if not trials:
        return Exit.INCONCLUSIVE
    return Exit.OK if all(t.good for t in trials) else Exit.FAIL


def _row(trial: Trial) -> dict[str, object]:
    """Return a trial without its seconds, which differ between runs."""
    return {name: value for name, value in asdict(trial).items() if name != "seconds"}


def _tell(trial: Trial) -> None:
    word = "killed" if trial.good else "NOT AS DECLARED"
    _say(f"{word:<16} {trial.mutant}  {trial.seconds:.2f} s  failed {len(trial.failed)}")
    for text in (*trial.missed, *trial.strays):
        _say(f"    {text}")
    if trial.killed and not trial.reason:
        _say("    its requirement was not cited by every case that it declares")


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
