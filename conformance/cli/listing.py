"""The verbs ``list`` and ``pics``: what there is to be judged by, and what a device may claim."""

import argparse
import json
import sys

from conformance.cli.ending import Exit
from conformance.engine.pics import proforma, template
from conformance.engine.plans import find_plan, plan_files


def add_list(verb: argparse.ArgumentParser) -> None:
    """Give ``list`` its options."""
    verb.add_argument("--plan", metavar="PLAN")
    verb.add_argument("--json", action="store_true", help="one JSON document on stdout")


def add_pics(verb: argparse.ArgumentParser) -> None:
    """Give ``pics`` its options."""
    verb.add_argument("act", choices=("new",))
    verb.add_argument("profile", help="e.g. oadr20b")
    verb.add_argument("role", choices=("ven", "vtn", "cli", "srv"))


def run_list(given: argparse.Namespace) -> int:
    """List the plans, or the cases of one."""
    if not given.plan:
        rows = [
            {"plan": p.id, "version": p.version, "title": p.title, "cases": len(p.cases)}
            for p in (find_plan(path.stem) for path in plan_files())
        ]
    else:
        rows = [
            {"case": c.id, "version": c.version, "title": c.title, "maturity": c.maturity.value}
            for c in find_plan(given.plan).cases
        ]
    if given.json:
        sys.stdout.write(json.dumps(rows, indent=1) + "\n")
    else:
        sys.stdout.writelines("  ".join(map(str, row.values())) + "\n" for row in rows)
    return Exit.OK


def run_pics(given: argparse.Namespace) -> int:
    """Write a PICS template."""
    sys.stdout.write(template(proforma(given.profile, given.role)))
    return Exit.OK
