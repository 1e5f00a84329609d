"""``report.json``: the verdicts with everything that a reader needs to judge them; a published, versioned schema."""

from pathlib import Path
from typing import Final, Literal

from conformance.engine.data import Model
from conformance.engine.ixit import Ixit
from conformance.engine.judging import Judged, Verdicts
from conformance.engine.pics import Pics
from conformance.engine.plans import Document
from conformance.engine.record import HISTORY
from conformance.engine.requirements import Requirement, requirements
from conformance.engine.runfile import Environment, RunFile
from conformance.engine.sealed import chain_head

SCHEMA: Final = "gridgate-conformance-report/1"


class Device(Model):
    """The device under test, as its PICS names it."""

    vendor: str
    product: str
    version: str
    hardware: str


class Report(Model):
    """The whole report."""

    report: Literal["gridgate-conformance-report/1"] = SCHEMA
    pre_test: bool = True
    """Always: this suite certifies nothing."""
    device: Device
    plan: str
    plan_version: int
    plan_frozen: str
    plan_sha256: str
    """Over the plan with its cases and their versions."""
    documents: tuple[Document, ...]
    mode: str
    time: str
    seed: int
    strict: bool
    started: str
    took_s: float
    """By the suite's clock."""
    suite: str
    environment: Environment
    pics: Pics
    ixit: Ixit
    """Without its secrets."""
    verdict: str
    certifiable: bool
    counts: dict[str, int]
    history_head: str
    cases: tuple[Judged, ...]
    requirements: tuple[Requirement, ...]
    """Those that the cases cite."""


def report_of(folder: Path, file: RunFile, verdicts: Verdicts) -> Report:
    """Put the report of a run together."""
    known = requirements(file.plan.profile)
    return Report(
        device=Device(
            vendor=file.pics.vendor,
            product=file.pics.product,
            version=file.pics.version,
            hardware=file.pics.hardware,
        ),
        plan=file.plan.id,
        plan_version=file.plan.version,
        plan_frozen=file.plan.frozen,
        plan_sha256=file.plan.digest(),
        documents=file.plan.spec_documents,
        mode=file.plan.mode,
        time=file.time,
        seed=file.seed,
        strict=file.strict,
        started=file.started,
        took_s=round(sum(case.took_s for case in verdicts.cases), 6),
        suite=file.environment.suite,
        environment=file.environment,
        pics=file.pics,
        ixit=file.ixit,
        verdict=verdicts.verdict,
        certifiable=verdicts.certifiable,
        counts=counts(verdicts),
        history_head=chain_head(folder / HISTORY),
        cases=verdicts.cases,
        requirements=tuple(known[name] for name in _cited(verdicts) if name in known),
    )


def counts(verdicts: Verdicts) -> dict[str, int]:
    """Return how often each verdict was given."""
    found: dict[str, int] = {}
    for case in verdicts.cases:
        found[case.verdict] = found.get(case.verdict, 0) + 1
    return dict(sorted(found.items()))


def _cited(verdicts: Verdicts) -> list[str]:
    found = {name for case in verdicts.cases for name in case.requirements}
    found |= {f.requirement for case in verdicts.cases for f in case.findings}
    return sorted(found)
