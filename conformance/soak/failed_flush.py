"""A failed flush is final: each flush of the main job fails once, and a power loss follows the restart (R-DUR-9).

The n-th flush reports an input/output error and keeps nothing. From then on the log must not grow and no success may be
told; the next start must recover everything promised, and go on promising only what a power loss leaves.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from conformance.faults.promises import STORE
from conformance.faults.syscalls import Call, Flushed, Ran, Wrote, missing
from conformance.soak.images import Judge, child, images
from conformance.soak.row import CAUGHT, Plan, Row

PART: Final = "failed_flush"
LOG: Final = f"{STORE}-wal"
_SHORT: Final = ("--minutes", "4", "--every", "2")
_AGAIN: Final = ("--minutes", "3", "--every", "2")
_QUICK: Final = (12,)
"""Flushes that fail in the slice of the test suite."""
_MUTANT: Final = (9, 10)
"""Flushes of the log in the middle of the work: after later ones there is nothing left to go on with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What came of one failed flush."""

    failed: bool
    """False: there are not so many flushes."""
    written: int
    """Writes to the log after the failure."""
    lost: int
    broken: int
    note: str


def run(plan: Plan) -> Iterator[Row]:
    """Fail every flush in turn; then those of a writer that goes on."""
    why = missing()
    if why:
        yield Row(part=PART, what="tracing", runs=1, other=1, note=f"{why}; install strace")
        return
    if plan.wants("every flush"):
        yield _every(plan)
    if plan.wants("mutant"):
        yield _careless(plan)


def _every(plan: Plan) -> Row:
    started = time.perf_counter()
    found: list[Found] = []
    for number in _QUICK if plan.quick else range(1, 1000):
        one = failing(plan, number)
        if not one.failed:
            break
        found.append(one)
    return Row(
        part=PART,
        what="every flush fails once",
        runs=len(found),
        lost=sum(one.lost for one in found),
        other=sum(one.broken + one.written for one in found),
        seed=plan.seed,
        seconds=time.perf_counter() - started,
        note="; ".join(one.note for one in found if one.note)[:400],
    )


def _careless(plan: Plan) -> Row:
    started = time.perf_counter()
    numbers = _MUTANT[:1] if plan.quick else _MUTANT
    found = [failing(plan, number, "--careless") for number in numbers]
    return Row(
        part=PART,
        what="mutant: a writer that goes on",
        runs=len(found),
        caught=sum(one.written > 0 for one in found),
        expected=CAUGHT,
        seed=plan.seed,
        seconds=time.perf_counter() - started,
        note=f"writes after the failure: {[one.written for one in found]}",
    )


def failing(plan: Plan, number: int, *options: str) -> Found:
    """Let one flush fail, start again, and look at every image from then on."""
    name = f"flush-{number}{''.join(options)}"
    whole = replace(plan, quick=False)  # the story's length is ours
    inject = f"fsync,fdatasync:error=EIO:when={number}"
    first = child(whole, name, *_SHORT, *options, inject=inject)
    place = _failure(first.calls)
    again = child(whole, name, *_AGAIN)
    both = replace(again, calls=(*first.calls, *again.calls), said=(*first.said, *again.said))
    judge = _judged(plan, name, both, len(first.said))
    tallies = judge.tallies.values()
    notes = [tally.note for tally in tallies if tally.note]
    if place is not None and first.code != 3 and "end" not in first.said:
        notes.append(f"flush {number}: the child ended with {first.code}")
    if "end" not in again.said:
        notes.append(f"flush {number}: no start after it: {again.errors[-200:]}")
    return Found(
        failed=any(isinstance(call, Flushed) and not call.worked for call in first.calls),
        written=_written(first.calls, place),
        lost=sum(tally.lost for tally in tallies),
        broken=sum(tally.broken for tally in tallies) + len(notes),
        note="; ".join(notes),
    )


def _failure(calls: Sequence[Call]) -> int | None:
    """Return where a flush of a file failed; that of the folder is made sure of by a second one at every start."""
    failed = (
        p
        for p, call in enumerate(calls)
        if isinstance(call, Flushed) and call.name and not call.worked
    )
    return next(failed, None)


def _written(calls: Sequence[Call], place: int | None) -> int:
    if place is None:
        return 0
    return sum(isinstance(call, Wrote) and call.name == LOG for call in calls[place:])


def _judged(plan: Plan, name: str, ran: Ran, before: int) -> Judge:
    """Look at the images from the failure on; those before it are another part's."""
    folder = plan.folder / f"{name}-images"
    folder.mkdir()
    judge = Judge(folder)
    for kind, image, promised in images(ran, plan.seed, every=5):
        if promised.lines >= before - 1:
            judge.judge(kind, image, promised)
    return judge
