"""From a prepared run to its sealed directory, with the console beside it."""

from collections.abc import Set
from dataclasses import replace
from pathlib import Path

from conformance.engine.clocks import Time
from conformance.engine.conclude import REPORT_HTML, finish
from conformance.engine.console import CONSOLE, Console
from conformance.engine.estimate import estimate
from conformance.engine.judging import Verdicts
from conformance.engine.run import Prepared, begin, play_run
from conformance.engine.sealed import load_key
from gateway.client.clock import SystemClock
from gateway.transport.heap import set_apart


def played(
    prepared: Prepared, out: Path | None, key: Path | None, *, fail_fast: bool = False
) -> Verdicts:
    """Play a run, judge it, report it and seal it.

    Args:
        prepared: What is played.
        out: Directory of the evidence; None: a fresh one under ``var``.
        key: That seals; None: one made for the run.
        fail_fast: True: stop at the first FAIL or ERROR.
    """
    sealing = load_key(key)
    folder = out or folder_of(prepared)
    done = begin(folder, prepared)
    set_apart()
    with (folder / CONSOLE).open("a") as log:
        console = Console(keep=log)
        time = Time.parse(prepared.file.time)
        if not time.is_virtual:
            console.kept(prepared.file.plan.id + ": " + _ahead(prepared, done, time))
        told = replace(prepared, listener=console.listener())
        verdicts = play_run(told, folder, fail_fast=fail_fast)
        console.concluded(verdicts, str(folder))
    fingerprint = finish(folder, prepared.file, verdicts, sealing)
    console.line(f"sealed by {fingerprint}; open {folder / REPORT_HTML}")
    return verdicts


def _ahead(prepared: Prepared, done: Set[str], time: Time) -> str:
    """Say how long the run will take; somebody has to stay with the device until then."""
    left = [case for case in prepared.playable if case.id not in done]
    found = estimate(left, len(prepared.cases), time, prepared.jobs)
    return found.said(SystemClock().now())


def folder_of(prepared: Prepared) -> Path:
    """Return where a run is kept unless somebody says otherwise."""
    stamp = SystemClock().now().strftime("%Y%m%dT%H%M%SZ")
    return Path("var") / "conformance" / f"{prepared.file.plan.id}-{stamp}"
