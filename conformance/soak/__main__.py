"""``python -m conformance.soak``: attack the main job in every way that is known, and print one table.

Exit codes: 0 everything as it must be, 1 not, 4 wrong use or interrupted.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

from conformance.bench.machine import machine
from conformance.cli.ending import INTERRUPTED, Exit
from conformance.soak.registry import PARTS
from conformance.soak.row import Plan, Row
from conformance.soak.run import all_rows, rows_of
from conformance.soak.table import closing, table, totals
from gateway.client.clock import SystemClock
from gateway.observability.logs import set_up


def add_options(made: argparse.ArgumentParser) -> None:
    """Give a parser the options of the verb."""
    made.description = (
        made.description
        or "Crashes, power loss, faults and wrong devices; prints one table. Minutes; --quick: seconds."
    )
    made.add_argument("--part", action="append", choices=sorted(PARTS), help="these parts alone")
    made.add_argument("--only", default="", metavar="ROW", help="rows whose name begins so")
    made.add_argument("--seed", type=int, default=1, help="first seed")
    made.add_argument("--runs", type=int, help="how often each row is run")
    made.add_argument("--quick", action="store_true", help="the slice of the test suite")
    made.add_argument("--json", action="store_true", help="one JSON document on stdout")
    made.add_argument("--lines", action="store_true", help="one JSON row a line, in this process")
    made.add_argument("--folder", type=Path, help="where parts may write; default: temporary")


def main() -> int:
    """Run the process's own command line and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m conformance.soak", description=__doc__)
    add_options(parser)
    return soak(parser.parse_args())


def soak(given: argparse.Namespace) -> int:
    """Run what was asked for, print it, and return the exit code."""
    set_up(SystemClock().now, as_json=False, level="error")  # to stderr: rows alone go to stdout
    names = given.part or list(PARTS)
    with tempfile.TemporaryDirectory(prefix="gridgate-soak-") as own:
        plan = Plan(
            seed=given.seed,
            runs=given.runs,
            quick=given.quick,
            only=given.only,
            folder=given.folder or Path(own),
        )
        try:
            rows = _lines(names, plan) if given.lines else all_rows(names, plan, _progress)
        except KeyboardInterrupt:
            return INTERRUPTED
    if (
        not rows and not given.lines
    ):  # of several parts, each in a process of its own, most have no such row
        sys.stderr.write(
            f"error[NO_SUCH_ROW]: no row of {', '.join(names)} begins with {given.only!r};"
            " run the part without --only to see the names of its rows\n"
        )
        return Exit.USAGE
    if given.json:
        shown = [row.document() for row in rows]
        document = {"rows": shown, "totals": totals(rows), "machine": machine()}
        sys.stdout.write(f"{json.dumps(document, indent=2)}\n")
    elif not given.lines:
        sys.stdout.write("\n".join([*table(rows), "", closing(rows), ""]))
    return Exit.OK if rows and all(row.good for row in rows) else Exit.FAIL


def _lines(names: list[str], plan: Plan) -> list[Row]:
    rows = []
    for name in names:
        for row in rows_of(name, plan):
            rows.append(row)
            sys.stdout.write(f"{json.dumps(row.document())}\n")
            sys.stdout.flush()
    return rows


def _progress(row: Row) -> None:
    verdict = "ok" if row.good else "NOT GOOD"
    sys.stderr.write(f"{row.part}: {row.what}: {row.runs} runs, {row.seconds:.1f} s, {verdict}\n")


if __name__ == "__main__":
    sys.exit(main())
