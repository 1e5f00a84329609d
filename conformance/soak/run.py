"""Runs parts: each in a process of its own, two at a time, their rows read as they come."""

import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import fields, replace
from pathlib import Path
from typing import Final

from conformance.soak.registry import PARTS
from conformance.soak.row import Plan, Row

AT_ONCE: Final = 2
"""Parts that run side by side; most of their work is on one core."""
PATIENCE_S: Final = 900.0
"""A part that says nothing for so long is ended and counts as not good."""
_FIELDS: Final = tuple(field.name for field in fields(Row))


def rows_of(part: str, plan: Plan) -> Iterator[Row]:
    """Run one part in this process, in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="gridgate-soak-", dir=plan.folder) as folder:
        yield from PARTS[part](replace(plan, folder=Path(folder)))


def all_rows(parts: Sequence[str], plan: Plan, told: Callable[[Row], None]) -> list[Row]:
    """Run parts in child processes; a part that dies is a row that is not good.

    Args:
        parts: Names in the registry.
        plan: The same for all.
        told: Called with every row as it comes, from several threads, one at a time per part.
    """
    with ThreadPoolExecutor(AT_ONCE) as pool:
        running = [pool.submit(_child, part, plan, told) for part in parts]
        for done in as_completed(running):
            done.result()
        return [row for one in running for row in one.result()]


def _child(part: str, plan: Plan, told: Callable[[Row], None]) -> list[Row]:
    rows = []
    command = [sys.executable, "-m", "conformance.soak", "--part", part, "--lines"]
    command += ["--seed", str(plan.seed), "--only", plan.only, "--folder", str(plan.folder)]
    command += ["--quick"] * plan.quick
    command += [] if plan.runs is None else ["--runs", str(plan.runs)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None  # noqa: S101 - asked for above
        silence = _watch(child)
        for line in child.stdout:
            silence.cancel()
            row = read(part, line)
            rows.append(row)
            told(row)
            silence = _watch(child)
        silence.cancel()
    if child.returncode not in {0, 1}:
        note = f"the part ended with code {child.returncode}, or said nothing for {PATIENCE_S:g} s"
        rows.append(Row(part=part, what="the part itself", runs=1, other=1, note=note))
        told(rows[-1])
    return rows


def _watch(child: "subprocess.Popen[str]") -> threading.Timer:
    """End a part that has hung: an endurance run that hangs shows nothing."""
    timer = threading.Timer(PATIENCE_S, child.kill)
    timer.daemon = True
    timer.start()
    return timer


def read(part: str, line: str) -> Row:
    """Read a row that another process wrote; anything else on its stdout is a fault of the part."""
    try:
        document = json.loads(line)
        return Row(**{name: document[name] for name in _FIELDS})
    except (ValueError, TypeError, KeyError):
        return Row(part=part, what="stdout", runs=1, other=1, note=f"no row: {line.strip()[:80]}")
