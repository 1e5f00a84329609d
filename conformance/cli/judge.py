"""The verbs that judge a device: list, plan, pics, run."""

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, TypeVar

from conformance.cli.ending import EXITS, INTERRUPTED, Exit
from conformance.cli.mutants import add_mutants, run_mutants
from conformance.cli.peers import add_peers, run_peers
from conformance.cli.plans import add_plan, run_plan
from conformance.cli.playing import played
from conformance.cli.runs import (
    add_runs,
    run_diff,
    run_rejudge,
    run_report,
    run_schema,
    run_verify,
)
from conformance.engine.clocks import Time
from conformance.engine.errors import SuiteError
from conformance.engine.estimate import estimate, length
from conformance.engine.judging import Verdicts
from conformance.engine.pics import proforma, template
from conformance.engine.plans import find_plan, plan_files
from conformance.engine.run import Order, Prepared, prepare
from conformance.kit.verdict import Verdict

_EXIT_OF: Final[Mapping[Verdict, Exit]] = {
    Verdict.PASS: Exit.OK,
    Verdict.WARN: Exit.OK,
    Verdict.SKIP: Exit.OK,
    Verdict.FAIL: Exit.FAIL,
    Verdict.INCONCLUSIVE: Exit.INCONCLUSIVE,
    Verdict.ERROR: Exit.ERROR,
}
P = TypeVar("P", bound=argparse.ArgumentParser)


def add_verbs(verbs: "argparse._SubParsersAction[P]") -> None:
    """Declare the verbs."""
    listing = verbs.add_parser("list", help="plans, or the cases of one", epilog=EXITS)
    listing.add_argument("--plan", metavar="PLAN")
    listing.add_argument("--json", action="store_true", help="one JSON document on stdout")
    pics = verbs.add_parser("pics", help="write a PICS template", epilog=EXITS)
    pics.add_argument("act", choices=("new",))
    pics.add_argument("profile", help="e.g. oadr20b")
    pics.add_argument("role", choices=("ven", "vtn"))
    _add_run(verbs)
    add_plan(verbs)
    add_mutants(verbs)
    add_peers(verbs)
    add_runs(verbs)


def _add_run(verbs: "argparse._SubParsersAction[P]") -> None:
    run = verbs.add_parser(
        "run",
        help="play a plan against a device and judge it",
        description="Without --pics and --ixit the bundled reference device is judged. A pre-test, no certification.",
        epilog=EXITS,
    )
    run.add_argument("--plan", required=True, metavar="PLAN", help="id or file")
    run.add_argument("--pics", type=Path, metavar="FILE", help="what the device claims")
    run.add_argument("--ixit", type=Path, metavar="FILE", help="how it is reached and driven")
    run.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="WORD",
        help="case, clause, requirement or area",
    )
    run.add_argument("--seed", type=int, default=1, metavar="N")
    run.add_argument("--time", default="", metavar="real|scaled:K|virtual")
    run.add_argument("--strict", action="store_true", help="a violated SHOULD fails")
    run.add_argument("--certify", action="store_true", help="frozen plan, real time, no selection")
    run.add_argument("--fail-fast", action="store_true", help="stop at the first FAIL or ERROR")
    run.add_argument(
        "--jobs",
        type=int,
        default=1,
        metavar="N",
        help="cases side by side, each with its own device",
    )
    run.add_argument(
        "--dry-run", action="store_true", help="say what would be played, and how long"
    )
    run.add_argument("--out", type=Path, metavar="DIR", help="directory of the evidence")
    run.add_argument(
        "--key",
        type=Path,
        metavar="FILE",
        help="Ed25519 key (PEM) that seals; without it one is made for the run",
    )
    run.add_argument("--json", action="store_true", help="the verdicts on stdout")


def judge(given: argparse.Namespace) -> int:
    """Do one of the verbs."""
    acts: Mapping[str, Callable[[argparse.Namespace], int]] = {
        "list": _list,
        "pics": _pics,
        "run": _run,
        "plan": run_plan,
        "mutants": run_mutants,
        "peers": run_peers,
        "rejudge": run_rejudge,
        "verify": run_verify,
        "report": run_report,
        "schema": run_schema,
        "diff": run_diff,
    }
    try:
        return acts[given.verb](given)
    except SuiteError as error:
        sys.stderr.write(f"gridgate-conformance: {error}\n")
        return Exit.USAGE
    except KeyboardInterrupt:
        sys.stderr.write("broken off; the same command with --out of this run goes on with it\n")
        return INTERRUPTED


def _list(given: argparse.Namespace) -> int:
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


def _pics(given: argparse.Namespace) -> int:
    sys.stdout.write(template(proforma(given.profile, given.role)))
    return Exit.OK


def _run(given: argparse.Namespace) -> int:
    order = Order(
        plan=given.plan,
        pics=given.pics,
        ixit=given.ixit,
        only=tuple(given.only),
        seed=given.seed,
        time=given.time,
        strict=given.strict,
        certify=given.certify,
        fail_fast=given.fail_fast,
        jobs=max(1, given.jobs),
        out=given.out,
        key=given.key,
    )
    prepared = prepare(order)
    if given.dry_run:
        return _foretell(prepared)
    verdicts = played(prepared, given.out, given.key, fail_fast=given.fail_fast)
    if given.json:
        sys.stdout.write(verdicts.model_dump_json(indent=1) + "\n")
    return exit_of(verdicts, certify=given.certify)


def exit_of(verdicts: Verdicts, *, certify: bool = False) -> Exit:
    """Return the exit code of a plan's verdict; for certification nothing mandatory may be left open or out."""
    if certify and not verdicts.certifiable and verdicts.verdict in (Verdict.PASS, Verdict.WARN):
        return Exit.INCONCLUSIVE
    return _EXIT_OF[verdicts.verdict]


def _foretell(prepared: Prepared) -> int:
    for case in prepared.cases:
        why = prepared.file.skips.get(case.id)
        what = f"SKIP ({why})" if why else f"{case.timing.lasts.total_seconds():.0f} s"
        sys.stdout.write(f"{case.id}  {case.title}  {', '.join(case.requirements)}  {what}\n")
    ahead = estimate(prepared.playable, len(prepared.cases), Time("real"), prepared.jobs)
    sys.stdout.write(
        f"{ahead.cases} of {ahead.of} cases, about {length(ahead.lasts)} in real time; "
        f"this run: {prepared.file.time}\n"
    )
    return Exit.OK
