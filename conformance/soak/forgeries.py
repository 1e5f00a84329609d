"""Part: the evidence of a demonstration, forged thousands of times; the offline verifier refuses every one."""

from collections.abc import Iterator
from random import Random  # noqa: TID251 - seeds forgeries; nothing of it reaches the code under test
from time import process_time
from typing import Final

from conformance.demo.virtual import play_virtual
from conformance.forgeries.classes import FORGERIES, Forge, flip
from conformance.forgeries.editing import Files
from conformance.soak.row import Plan, Row
from gateway.domain.errors import WireError
from gateway.pipeline.methods import METHODS
from gateway.settlement.archive import from_zip, to_zip
from gateway.settlement.finding import Outcome
from gateway.settlement.verify import Verdict, verify

PART: Final = "forgeries"
EACH: Final = 300
"""Forgeries of each class; with 18 classes more than 5,000."""
ARCHIVE: Final = "flip a bit of the archive"


def run(plan: Plan) -> Iterator[Row]:
    """Forge the bundle of one demonstration; the quick slice is a test of its own and has no row here."""
    if plan.quick:
        return
    files = dict(play_virtual(plan.folder / "demo", plan.seed).bundle)
    log_id = verify(files, METHODS).log_id
    for what, forge in FORGERIES.items():
        if plan.wants(what):
            yield _row(plan, what, files, log_id, forge)
    if plan.wants(ARCHIVE):
        yield _archive(plan, files)


def judged(files: Files, log_id: str) -> Verdict:
    """Verify as a counterparty that was told whose log it is."""
    return verify(files, METHODS, expected_log_id=log_id)


def fault_of(verdict: Verdict, named: tuple[str, ...]) -> str:
    """Say what is wrong with a verdict about a forgery; empty when it was refused and the place named."""
    if verdict.outcome is Outcome.VERIFIED:
        return "it was accepted"
    if not any(f"{finding.where} ".startswith(named) for finding in verdict.findings):
        places = ", ".join(finding.where for finding in verdict.findings[:3])
        return f"{places} named, not {named[0].strip()}"
    return ""


def _row(plan: Plan, what: str, files: Files, log_id: str, forge: Forge) -> Row:
    began, faults, runs = process_time(), [], plan.times(0, EACH)
    for seed in range(plan.seed, plan.seed + runs):
        forgery = forge(files, Random(f"{what} {seed}"))
        fault = fault_of(judged(forgery.files, log_id), forgery.named)
        if fault:
            faults.append(f"seed {seed}: {fault}")
    return _told(plan, what, runs, faults, process_time() - began)


def _archive(plan: Plan, files: Files) -> Row:
    began, faults, runs = process_time(), [], plan.times(0, EACH)
    packed = to_zip(files)
    for seed in range(plan.seed, plan.seed + runs):
        try:
            from_zip(flip(packed, Random(f"{ARCHIVE} {seed}")))
        except WireError:
            continue
        faults.append(f"seed {seed}: it was unpacked")
    return _told(plan, ARCHIVE, runs, faults, process_time() - began)


def _told(plan: Plan, what: str, runs: int, faults: list[str], seconds: float) -> Row:
    return Row(
        part=PART,
        what=what,
        runs=runs,
        other=len(faults),
        seed=plan.seed,
        seconds=seconds,
        note=faults[0] if faults else "",
    )
