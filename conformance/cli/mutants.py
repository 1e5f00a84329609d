"""The verb ``mutants``: tries the wrong devices of a plan's role."""

import argparse
import json
import sys
from dataclasses import asdict
from typing import TypeVar

from conformance.cli.ending import EXITS, Exit
from conformance.engine.mutation import Trial, try_all, unaided
from conformance.engine.plans import chosen, find_plan
from conformance.engine.wrong_devices import mutants

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
    verb.add_argument("--json", action="store_true", help="one JSON document on stdout")


def run_mutants(given: argparse.Namespace) -> int:
    """Try them and print what came of it."""
    plan = find_plan(given.plan)
    cases = chosen(plan, given.only)
    wrong = [
        m for m in mutants(plan.profile, plan.role) if not given.mutant or m.id in given.mutant
    ]
    trials = try_all(plan, wrong, cases, _tell, whole=given.full)
    killed, reason = sum(t.killed for t in trials), sum(t.reason for t in trials)
    strays = sum(bool(t.strays) for t in trials)
    _say(
        f"{plan.id}: {killed}/{len(trials)} killed, {reason}/{len(trials)} for the declared reason"
    )
    if strays:
        _say(f"{strays} failed an unrelated stable case")
    if given.json:
        rows = {"plan": plan.id, "total": len(trials), "killed": killed, "reason": reason}
        rows["trials"] = [asdict(t) for t in trials]
        sys.stdout.write(json.dumps(rows, indent=1) + "\n")
    elif not given.mutant:
        for line in unaided(cases, trials, wrong):
            _say(line)
    if not trials:
        return Exit.INCONCLUSIVE
    return Exit.OK if all(t.good for t in trials) else Exit.FAIL


def _tell(trial: Trial) -> None:
    word = "killed" if trial.good else "NOT AS DECLARED"
    _say(f"{word:<16} {trial.mutant}  {trial.seconds:.2f} s  failed {len(trial.failed)}")
    for text in (*trial.missed, *trial.strays):
        _say(f"    {text}")
    if trial.killed and not trial.reason:
        _say("    its requirement was not cited by every case that it declares")


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
