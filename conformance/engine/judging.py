"""Verdicts of a run from its history alone; the same bytes every time they are made."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from types import MappingProxyType
from typing import Final

from conformance.engine.data import Model
from conformance.engine.defects import called
from conformance.engine.facts import facts_of
from conformance.engine.history import Attempt, attempts
from conformance.engine.plans import Plan
from conformance.engine.profiles import PROFILES, profile_name
from conformance.kit.case import Case, Maturity
from conformance.kit.finding import Finding, Level
from conformance.kit.transcript import Transcript
from conformance.kit.verdict import Outcome, Verdict, judge, worst

VERDICTS: Final = "verdicts.json"


class Cited(Model):
    """One violation, as it is published."""

    requirement: str
    expected: str
    observed: str
    message: int | None = None
    """Number of its record in the history; None: one that never came."""
    path: str = ""
    """XPath below the message, or another place."""
    level: Level = Level.MUST
    late: bool = False
    """Something did not come in time."""
    healthy: bool = True
    """The line was shown to be healthy meanwhile; without it nothing is late."""
    tolerance_s: float | None = None
    """By how much a time may be wrong; null: no matter of time."""
    beyond_s: float | None = None
    """By how much that was exceeded; null: not measured."""
    check: str = ""


class Judged(Model):
    """The verdict on one case, as it is published."""

    case: str
    version: int
    title: str
    verdict: Verdict
    cause: str
    requirements: tuple[str, ...]
    public: tuple[str, ...]
    maturity: str
    mandatory: bool
    took_s: float
    """By the suite's clock."""
    findings: tuple[Cited, ...] = ()
    observed: tuple[tuple[str, int, int], ...] = ()
    """What, how often, how often at the least."""


class Verdicts(Model):
    """All verdicts of a run."""

    plan: str
    plan_version: int
    verdict: Verdict
    certifiable: bool
    """No mandatory case was skipped or left open, and no stable one failed; others decide nothing."""
    cases: tuple[Judged, ...]


def outcome_of(case: Case, transcript: Transcript, *, strict: bool) -> Outcome:
    """Judge one case; an exception of a check is a defect of the suite."""
    found, error = called(
        lambda: judge(
            case,
            transcript,
            PROFILES[profile_name(case.id)].rules(case, transcript),
            strict=strict,
        )
    )
    if found is None:
        return Outcome(verdict=Verdict.ERROR, cause=f"a check failed: {error}")
    return found


def judged(case: Case, plan: Plan, outcome: Outcome, took_s: float) -> Judged:
    """Put an outcome into its published form."""
    return Judged(
        case=case.id,
        version=case.version,
        title=case.title,
        verdict=outcome.verdict,
        cause=outcome.cause,
        requirements=case.requirements,
        public=case.public,
        maturity=case.maturity,
        mandatory=plan.is_mandatory(case),
        took_s=took_s,
        findings=tuple(_shown(f) for f in outcome.findings),
        observed=outcome.observed,
    )


def _shown(finding: Finding) -> Cited:
    return Cited(**asdict(finding))


def skipped(case: Case, plan: Plan, reason: str) -> Judged:
    """Return the SKIP of a case that does not apply or was not chosen."""
    return judged(case, plan, Outcome(verdict=Verdict.SKIP, cause=reason), 0.0)


def judge_run(
    folder: Path,
    plan: Plan,
    cases: Sequence[Case],
    skips: Mapping[str, str],
    *,
    strict: bool = False,
    poll_s: float = 0,
    known: Mapping[str, Judged] = MappingProxyType({}),
) -> Verdicts:
    """Judge a recorded run.

    Args:
        folder: Of the run.
        plan: That was played.
        cases: Of the plan, in order.
        skips: Case -> why it was not played.
        strict: True: a violated SHOULD fails.
        poll_s: Of the IXIT.
        known: Verdicts that ``judge_case`` reached on these records already.
    """
    left = [case for case in cases if case.id not in known and case.id not in skips]
    facts = {case.id: facts_of(case, poll_s) for case in left}
    found = attempts(folder, plan.mode, facts) if left else {}
    rows = [
        known.get(case.id) or _row(case, plan, found.get(case.id), skips, strict=strict)
        for case in cases
    ]
    return summed(plan, rows)


def judge_case(
    folder: Path, plan: Plan, case: Case, since: int, *, strict: bool, poll_s: float
) -> Judged:
    """Judge one case that has just ended, by what was recorded of it, as ``judge_run`` would.

    Args:
        folder: Of the run.
        plan: That is played.
        case: That has ended.
        since: Where in the history its records begin, in bytes.
        strict: True: a violated SHOULD fails.
        poll_s: Of the IXIT.
    """
    found = attempts(folder, plan.mode, {case.id: facts_of(case, poll_s)}, since)
    return _row(case, plan, found.get(case.id), {}, strict=strict)


def summed(plan: Plan, rows: Sequence[Judged]) -> Verdicts:
    """Put the verdicts of the cases together."""
    whole = worst([row.verdict for row in rows])
    open_ = (Verdict.SKIP, Verdict.INCONCLUSIVE)
    deciding = worst([row.verdict for row in rows if row.maturity == Maturity.STABLE])
    certifiable = deciding in (Verdict.PASS, Verdict.WARN) and not any(
        row.mandatory and row.verdict in open_ for row in rows
    )
    return Verdicts(
        plan=plan.id,
        plan_version=plan.version,
        verdict=whole,
        certifiable=certifiable,
        cases=tuple(rows),
    )


def _row(
    case: Case, plan: Plan, attempt: Attempt | None, skips: Mapping[str, str], *, strict: bool
) -> Judged:
    if case.id in skips:
        return skipped(case, plan, skips[case.id])
    if attempt is None or not attempt.ended:
        text = "not played" if attempt is None else "broken off"
        return judged(case, plan, Outcome(verdict=Verdict.INCONCLUSIVE, cause=text), 0.0)
    outcome = outcome_of(case, attempt.transcript, strict=strict)
    return judged(case, plan, outcome, attempt.took_s)


def written(verdicts: Verdicts) -> bytes:
    """Return the bytes of ``verdicts.json``."""
    fields = verdicts.model_dump(mode="json")
    return (json.dumps(fields, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()
