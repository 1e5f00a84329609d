"""The verb ``plan``: show one, freeze one, and the sheet for a laboratory."""

import argparse
import sys
from datetime import date
from pathlib import Path

import yaml

from conformance.cli.ending import EXITS, Exit
from conformance.engine.data import FOLDER, load
from conformance.engine.errors import SuiteError
from conformance.engine.ixit import Ixit
from conformance.engine.onboarding import sheet
from conformance.engine.plans import Plan, drafts, find_plan, frozen
from conformance.engine.traceability import coverage
from gateway.client.clock import SystemClock


def add_plan(verb: argparse.ArgumentParser) -> None:
    """Give the verb its acts and their options."""
    acts = verb.add_subparsers(dest="act", required=True, metavar="ACT")
    show = acts.add_parser("show", help="its cases and the coverage of requirements", epilog=EXITS)
    show.add_argument("plan", metavar="PLAN")
    freeze = acts.add_parser("freeze", help="write a frozen version to a file", epilog=EXITS)
    freeze.add_argument("plan", nargs="?", metavar="PLAN")
    freeze.add_argument("--as", dest="name", metavar="ID", help="id of the frozen plan")
    freeze.add_argument("--out", type=Path, required=True, metavar="FILE|DIR")
    freeze.add_argument(
        "--all", action="store_true", help="every bundled draft, numbered, into the directory --out"
    )
    onboard = acts.add_parser("onboard", help="what to trust and where to point", epilog=EXITS)
    onboard.add_argument("plan", metavar="PLAN")
    onboard.add_argument("--ixit", type=Path, metavar="FILE")


def run_plan(given: argparse.Namespace) -> int:
    """Do one of its acts."""
    if given.act == "freeze":
        return _freeze(given)
    plan = find_plan(given.plan)
    if given.act == "onboard":
        bundled = FOLDER / plan.profile / "reference" / f"{plan.role}.ixit.yaml"
        path: Path = given.ixit or bundled
        sys.stdout.write(sheet(plan, load(path, Ixit), path.parent))
    else:
        for case in plan.cases:
            sys.stdout.write(
                f"{case.id} v{case.version}  {case.title}  {', '.join(case.requirements)}\n"
            )
        sys.stdout.writelines(f"{line}\n" for line in coverage(plan))
    return Exit.OK


def _freeze(given: argparse.Namespace) -> int:
    if given.all == bool(given.plan and given.name):
        raise SuiteError("plan freeze: PLAN with --as ID, or --all")
    if not given.all:
        _write(find_plan(given.plan), given.name, given.out)
        return Exit.OK
    for plan in drafts():
        made = _next(given.out, plan)
        if made is None:
            sys.stdout.write(f"{plan.id}: as it was frozen last\n")
            continue
        digest = _write(plan, made, given.out / f"{made}.yaml")
        sys.stdout.write(f"{made}  {len(plan.cases)} cases  {digest}\n")
    return Exit.OK


def _next(folder: Path, plan: Plan) -> str | None:
    """Return the id of a plan's next frozen version; None when the last one says the same."""
    numbers = [
        int(path.stem.rpartition("-")[2])
        for path in folder.glob(f"{plan.id}-*.yaml")
        if path.stem.rpartition("-")[2].isdigit()
    ]
    if numbers:
        last = load(folder / f"{plan.id}-{max(numbers)}.yaml", Plan)
        if frozen(plan, last.id, last.frozen).digest() == last.sha256:
            return None
    return f"{plan.id}-{max(numbers, default=0) + 1}"


def _write(plan: Plan, name: str, out: Path) -> str:
    """Write a frozen plan and return its digest."""
    if out.exists():
        raise SuiteError(f"{out}: is there already; a frozen plan never changes")
    today: date = SystemClock().now().date()
    made = frozen(plan, name, today.isoformat())
    fields = made.model_dump(mode="json")
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(yaml.safe_dump(fields, sort_keys=False, allow_unicode=True))
    return made.sha256
