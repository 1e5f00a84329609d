"""The verb ``run``: plays a plan against a device and judges it."""

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from conformance.cli.ending import Exit
from conformance.cli.playing import played
from conformance.cli.repeating import repeated
from conformance.engine.clocks import Time
from conformance.engine.errors import SuiteError
from conformance.engine.estimate import estimate, length
from conformance.engine.judging import Verdicts
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


def add_run(verb: argparse.ArgumentParser) -> None:
    """Give ``run`` its options."""
    verb.description = "Without --pics and --ixit the bundled reference device is judged. A pre-test, no certification."
    verb.add_argument("--plan", required=True, metavar="PLAN", help="id or file")
    verb.add_argument("--pics", type=Path, metavar="FILE", help="what the device claims")
    verb.add_argument("--ixit", type=Path, metavar="FILE", help="how it is reached and driven")
    verb.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="WORD",
        help="case, clause, requirement or area",
    )
    verb.add_argument("--seed", type=int, default=1, metavar="N")
    verb.add_argument(
        "--shuffle", type=int, metavar="SEED", help="play the cases in an order drawn from it"
    )
    verb.add_argument(
        "--repeat",
        type=int,
        default=1,
        metavar="N",
        help="play so often, each time into a directory of its own, and compare the verdicts; with --shuffle each time "
        "in another order",
    )
    verb.add_argument("--time", default="", metavar="real|scaled:K|virtual")
    verb.add_argument("--strict", action="store_true", help="a violated SHOULD fails")
    verb.add_argument("--certify", action="store_true", help="frozen plan, real time, no selection")
    verb.add_argument("--fail-fast", action="store_true", help="stop at the first FAIL or ERROR")
    verb.add_argument(
        "--jobs",
        type=int,
        default=1,
        metavar="N",
        help="cases side by side, each with its own device",
    )
    verb.add_argument(
        "--dry-run", action="store_true", help="say what would be played, and how long"
    )
    verb.add_argument("--out", type=Path, metavar="DIR", help="directory of the evidence")
    verb.add_argument(
        "--key",
        type=Path,
        metavar="FILE",
        help="Ed25519 key (PEM) that seals; without it one is made for the run",
    )
    verb.add_argument("--json", action="store_true", help="the verdicts on stdout")


def run(given: argparse.Namespace) -> int:
    """Play a plan against a device and judge it."""
    order = Order(
        plan=given.plan,
        pics=given.pics,
        ixit=given.ixit,
        only=tuple(given.only),
        seed=given.seed,
        shuffle=given.shuffle,
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
    if given.repeat > 1:
        return _repeat(order, given)
    verdicts = played(prepared, given.out, given.key, fail_fast=given.fail_fast)
    if given.json:
        sys.stdout.write(verdicts.model_dump_json(indent=1) + "\n")
    return exit_of(verdicts, certify=given.certify)


def _repeat(order: Order, given: argparse.Namespace) -> int:
    if given.certify:
        raise SuiteError("--repeat: a certified run is made once")
    runs, unstable = repeated(order, given.repeat)
    for one in unstable:
        sys.stderr.write(f"NOT STABLE   {one}\n")
    word = f"{len(unstable)} differ" if unstable else "all verdicts alike"
    sys.stderr.write(f"{runs[0].plan}: {len(runs)} runs of {len(runs[0].cases)} cases, {word}\n")
    if given.json:
        rows = {one.case: dict(one.found) for one in unstable}
        sys.stdout.write(json.dumps({"runs": len(runs), "unstable": rows}, indent=1) + "\n")
    return Exit.INCONCLUSIVE if unstable else exit_of(runs[0])


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
