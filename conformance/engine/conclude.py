"""What follows the last case: verdicts, reports, seal; and the verbs on a run that is already there."""

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from conformance.engine.data import load
from conformance.engine.errors import SuiteError
from conformance.engine.judging import VERDICTS, Verdicts, judge_run, written
from conformance.engine.reports.document import report_of
from conformance.engine.reports.junit import junit
from conformance.engine.reports.page import page
from conformance.engine.runfile import RUN, RunFile
from conformance.engine.sealed import seal
from conformance.kit.verdict import Verdict

REPORT_JSON: Final = "report.json"
REPORT_HTML: Final = "report.html"
JUNIT: Final = "junit.xml"


@dataclass(frozen=True, slots=True)
class Change:
    """How the verdict on one case differs between two runs."""

    case: str
    before: str
    after: str
    cause: str


def reports(folder: Path, file: RunFile, verdicts: Verdicts, into: Path | None = None) -> None:
    """Write the reports of a run beside its evidence, or elsewhere."""
    target = into or folder
    report = report_of(folder, file, verdicts)
    (target / REPORT_JSON).write_text(report.model_dump_json(indent=1) + "\n")
    (target / JUNIT).write_bytes(junit(verdicts))
    (target / REPORT_HTML).write_text(page(folder, report, verdicts, file))


def finish(folder: Path, file: RunFile, verdicts: Verdicts, key: Ed25519PrivateKey) -> str:
    """Write the reports and seal the directory; return the fingerprint of the key."""
    reports(folder, file, verdicts)
    return seal(folder, key)


def opened(folder: Path) -> RunFile:
    """Return what a run was to be.

    Raises:
        SuiteError: no run lies there.
    """
    if not (folder / RUN).is_file():
        raise SuiteError(f"{folder}: no run lies there")
    return load(folder / RUN, RunFile)


def rejudged(folder: Path) -> Verdicts:
    """Judge a recorded run again, from its history alone."""
    file = opened(folder)
    return judge_run(
        folder,
        file.plan,
        file.plan.cases,
        file.skips,
        strict=file.strict,
        poll_s=file.ixit.poll_s,
    )


def same_as_recorded(folder: Path, verdicts: Verdicts) -> bool:
    """Say whether verdicts are, byte for byte, those that were recorded."""
    path = folder / VERDICTS
    return path.is_file() and path.read_bytes() == written(verdicts)


def recorded(folder: Path) -> Verdicts:
    """Return the verdicts of a run as they were recorded."""
    return load(folder / VERDICTS, Verdicts)


def changes(before: Verdicts, after: Verdicts) -> list[Change]:
    """Return the cases whose verdict or first cause differs."""
    old = {case.case: case for case in before.cases}
    new = {case.case: case for case in after.cases}
    found = []
    for name in sorted(set(old) | set(new)):
        a, b = old.get(name), new.get(name)
        first, second = a.verdict if a else None, b.verdict if b else None
        told = (b.cause if b else "") or (a.cause if a else "")
        if first is not second or (a and b and a.cause != b.cause and second is not Verdict.PASS):
            found.append(Change(name, first or "absent", second or "absent", told))
    return found


def fresh_reports(folder: Path) -> Path:
    """Write the reports of a sealed run into a new folder of their own and return it."""
    verdicts = rejudged(folder)
    target = Path(tempfile.mkdtemp(prefix="gridgate-report-"))
    try:
        reports(folder, opened(folder), verdicts, target)
    except SuiteError:
        shutil.rmtree(target)
        raise
    return target
