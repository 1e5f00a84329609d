"""A run made again and again: are its verdicts the same each time, and in any order of the cases?"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from conformance.cli.playing import folder_of, played
from conformance.engine.judging import Judged, Verdicts
from conformance.engine.run import Order, prepare
from conformance.kit.verdict import Verdict

STABILITY: Final = "stability.json"
Word = tuple[Verdict, tuple[str, ...]]
"""What is compared of a case: its verdict and the requirements it cites. Numbers of messages differ with the order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unstable:
    """A case whose verdict was not the same in every run."""

    case: str
    found: tuple[tuple[str, int], ...]
    """Verdict with the requirements cited, and how often; the most frequent first."""

    def __str__(self) -> str:
        told = ", ".join(f"{count} x {word}" for word, count in self.found)
        return f"{self.case}: {told}"


def _word(row: Judged) -> Word:
    return row.verdict, tuple(sorted({cited.requirement for cited in row.findings}))


def compared(runs: Sequence[Verdicts]) -> list[Unstable]:
    """Return the cases on which runs differ, in the order of the plan.

    Args:
        runs: Of one plan; at least one.
    """
    found = []
    for rows in zip(*(run.cases for run in runs), strict=True):
        words = Counter(" ".join((word, *cited)) for word, cited in map(_word, rows))
        if len(words) > 1:
            found.append(Unstable(case=rows[0].case, found=tuple(words.most_common())))
    return found


def repeated(order: Order, times: int) -> tuple[list[Verdicts], list[Unstable]]:
    """Play a plan several times, each run into a directory of its own, and compare the verdicts.

    Args:
        order: What is played. With ``shuffle`` each run has another order: that seed, the next, and so on.
        times: How often.
    """
    out = order.out or folder_of(prepare(order))
    runs = []
    for number in range(times):
        shuffle = None if order.shuffle is None else order.shuffle + number
        prepared = prepare(replace(order, shuffle=shuffle))
        folder = out / f"{number + 1:03}"
        runs.append(played(prepared, folder, order.key, fail_fast=order.fail_fast))
    found = compared(runs)
    _keep(out, order, runs, found)
    return runs, found


def _keep(out: Path, order: Order, runs: Sequence[Verdicts], found: Sequence[Unstable]) -> None:
    fields = {
        "plan": runs[0].plan,
        "runs": len(runs),
        "cases": len(runs[0].cases),
        "shuffle": order.shuffle,
        "unstable": {one.case: dict(one.found) for one in found},
    }
    (out / STABILITY).write_text(json.dumps(fields, indent=1, sort_keys=True) + "\n")
