"""From findings to one of six verdicts: no vacuous pass, first cause first, late only where the line was healthy."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from math import inf
from typing import Final

from conformance.kit.case import Case
from conformance.kit.finding import Check, Finding, Level
from conformance.kit.transcript import Mark, Message, Transcript


class Verdict(StrEnum):
    """What is said of one case."""

    PASS = "PASS"  # noqa: S105 - a verdict
    FAIL = "FAIL"
    WARN = "WARN"
    INCONCLUSIVE = "INCONCLUSIVE"
    SKIP = "SKIP"
    ERROR = "ERROR"


WORST: Final = (
    Verdict.ERROR,
    Verdict.FAIL,
    Verdict.INCONCLUSIVE,
    Verdict.WARN,
    Verdict.PASS,
    Verdict.SKIP,
)
"""Order in which one case's verdict becomes the plan's."""

# Marks by which the runner says that a script could not be played as written: name -> word in the verdict.
DEFECT: Final = "suite.defect"
PRECONDITION: Final = "suite.precondition"
DRIVER: Final = "suite.driver"
UNOBSERVED: Final = "suite.unobserved"
OVERLOAD: Final = "suite.overload"
EVIDENCE: Final = "suite.evidence"
CLEANUP: Final = "suite.cleanup"
DELAY: Final = "suite.delay"
"""Written after a case in real or scaled time: by how much the suite's own loop was late at the worst."""
DELAYED: Final = 0.1
"""Part of a tolerance above which the suite's own delay forbids to blame the device."""
_UNJUDGED: Final[Mapping[str, str]] = {
    EVIDENCE: "evidence",
    DRIVER: "driver",
    PRECONDITION: "precondition",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The verdict on one case with everything that led to it."""

    verdict: Verdict
    cause: str
    """One line: the first cause; empty for a PASS."""
    findings: tuple[Finding, ...] = ()
    observed: tuple[tuple[str, int, int], ...] = ()
    """What, how often, how often at the least."""


def judge(
    case: Case, transcript: Transcript, rules: Sequence[Check], *, strict: bool = False
) -> Outcome:
    """Judge one case by its history alone.

    Args:
        case: With its checks.
        transcript: What was recorded.
        rules: General rules, applied to every message; the case's ``suspends`` are left out.
        strict: True: what violates a SHOULD fails.
    """
    kept = [rule for rule in rules if rule.name not in case.suspends]
    found = tuple(_findings((*case.checks, *kept), transcript))
    observed = tuple((o.what, o.count(transcript), o.at_least) for o in case.observations)
    must = [f for f in found if _binding(f, case, strict=strict)]
    word, cause = (
        _unplayed(transcript)
        or _violated(must, transcript)
        or _vacuous(transcript, observed)
        or ((Verdict.WARN, line(found[0])) if found else (Verdict.PASS, ""))
    )
    return Outcome(verdict=word, cause=cause, findings=found, observed=observed)


def _findings(checks: Sequence[Check], transcript: Transcript) -> list[Finding]:
    found = [replace(f, check=check.name) for check in checks for f in check(transcript)]
    return sorted(found, key=lambda f: f.message if f.message is not None else 1 << 60)


Word = tuple[Verdict, str]


def _unplayed(transcript: Transcript) -> Word | None:
    """Judge what kept the script from being played as written."""
    defect = transcript.mark(DEFECT)
    if defect is not None:
        return Verdict.ERROR, _said(defect)
    slip = next(_slips(transcript), None)
    if slip is not None:
        return (
            Verdict.ERROR,
            f"message {slip.number} of the suite is invalid: {slip.schema_faults[0]}",
        )
    for name, word in _UNJUDGED.items():
        mark = transcript.mark(name)
        if mark is not None:
            return Verdict.INCONCLUSIVE, f"{word}: {_said(mark)}"
    return None


def _slips(transcript: Transcript) -> Iterator[Message]:
    """Yield the suite's own messages that are invalid without having been declared so."""
    for message in transcript.from_suite():
        harmed = message.wrong or message.fault or message.broken
        if message.body.strip() and not harmed and message.schema_faults:
            yield message


def _violated(must: Sequence[Finding], transcript: Transcript) -> Word | None:
    """Judge violations; what merely did not come counts only where the line was healthy and the suite in time."""
    delay = _delay(transcript)
    slow = [f for f in must if _doubtful(f, transcript, delay)]
    must = [f for f in must if f not in slow]
    sure = [f for f in must if not f.late]
    if sure:
        return Verdict.FAIL, line(sure[0])
    overload = transcript.mark(OVERLOAD)
    if must and overload is not None:
        return Verdict.INCONCLUSIVE, f"overload: {_said(overload)}"
    healthy = [f for f in must if f.healthy]
    if healthy:
        return Verdict.FAIL, line(healthy[0])
    if slow:
        return (
            Verdict.INCONCLUSIVE,
            f"delay: the suite was {delay:g} s late itself; {line(slow[0])}",
        )
    return (Verdict.INCONCLUSIVE, f"transport: {line(must[0])}") if must else None


def _delay(transcript: Transcript) -> float:
    """Return by how many seconds the suite was late at the worst."""
    return max((float(m.values["worst_s"]) for m in transcript.all_marks(DELAY)), default=0.0)


def _doubtful(finding: Finding, transcript: Transcript, delay: float) -> bool:
    """Say whether the suite's own delay may explain a finding: two stamps, each late by so much at the worst."""
    if delay <= DELAYED * _allowance(finding, transcript):
        return False
    return finding.beyond_s is None or finding.beyond_s <= 2 * delay


def _allowance(finding: Finding, transcript: Transcript) -> float:
    """Return by how many seconds a finding may be wrong before the device is; infinite: it is not about time.

    What did not come at all had from its cause to the end of the record.
    """
    if finding.tolerance_s is not None:
        return finding.tolerance_s
    if not finding.late:
        return inf
    cause = transcript.record(finding.message)
    ended = transcript.ended_at
    first = transcript.began_at
    if ended is None or first is None:
        return inf
    return (ended - (first if cause is None else cause.at)).total_seconds()


def _vacuous(transcript: Transcript, observed: Sequence[tuple[str, int, int]]) -> Word | None:
    """Refuse a PASS that rests on nothing."""
    waited = transcript.mark(UNOBSERVED) or transcript.mark(OVERLOAD)
    if waited is not None:
        return Verdict.INCONCLUSIVE, f"unobserved: {_said(waited)}"
    for what, count, least in observed:
        if count < least:
            return Verdict.INCONCLUSIVE, f"observations: {what}: {count} of {least}"
    return None


def _binding(finding: Finding, case: Case, *, strict: bool) -> bool:
    return strict or (finding.level is Level.MUST and case.severity is Level.MUST)


def _said(mark: Mark) -> str:
    return mark.values.get("what", mark.name)


def line(finding: Finding) -> str:
    """Say a finding in one line."""
    where = f"message {finding.message}" if finding.message is not None else "no message"
    field = f" {finding.path}" if finding.path else ""
    return (
        f"{finding.requirement} {where}{field}: expected {finding.expected}, "
        f"observed {finding.observed}"
    )


def worst(verdicts: Sequence[Verdict]) -> Verdict:
    """Return the verdict on a plan; INCONCLUSIVE for one without any case that was judged."""
    judged = [v for v in verdicts if v is not Verdict.SKIP]
    return min(judged, key=WORST.index, default=Verdict.INCONCLUSIVE)
