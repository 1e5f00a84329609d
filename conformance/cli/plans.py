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
from conformance.engine.plans import find_plan, frozen
from conformance.engine.traceability import coverage
from gateway.client.clock import SystemClock


def add_plan(verb: argparse.ArgumentParser) -> None:
    """Give the verb its acts and their options."""
    acts = verb.add_subparsers(dest="act", required=True, metavar="ACT")
    show = acts.add_parser("show", help="its cases and the coverage of requirements", epilog=EXITS)
    show.add_argument("plan", metavar="PLAN")
    freeze = acts.add_parser("freeze", help="write a frozen version to a file", epilog=EXITS)
    freeze.add_argument("plan", metavar="PLAN")
    freeze.add_argument(
        "--as", dest="name", required=True, metavar="ID", help="id of the frozen plan"
    )
    freeze.add_argument("--out", type=Path, required=True, metavar="FILE")
    onboard = acts.add_parser("onboard", help="what to trust and where to point", epilog=EXITS)
    onboard.add_argument("plan", metavar="PLAN")
    onboard.add_argument("--ixit", type=Path, metavar="FILE")


def run_plan(given: argparse.Namespace) -> int:
    """Do one of its acts."""
    plan = find_plan(given.plan)
    if given.act == "onboard":
        bundled = FOLDER / plan.profile / "reference" / f"{plan.role}.ixit.yaml"
        path: Path = given.ixit or bundled
        sys.stdout.write(sheet(plan, load(path, Ixit), path.parent))
    elif given.act == "freeze":
        if given.out.exists():
            raise SuiteError(f"{given.out}: is there already; a frozen plan never changes")
        today: date = SystemClock().now().date()
        fields = frozen(plan, given.name, today.isoformat()).model_dump(mode="json")
        given.out.write_text(yaml.safe_dump(fields, sort_keys=False, allow_unicode=True))
    else:
        for case in plan.cases:
            sys.stdout.write(
                f"{case.id} v{case.version}  {case.title}  {', '.join(case.requirements)}\n"
            )
        sys.stdout.writelines(f"{line}\n" for line in coverage(plan))
    return Exit.OK
