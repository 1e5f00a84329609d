"""The offline verifier: believes nothing, computes everything again, and names what does not hold.

No network, no clock, no store: a bundle verifies today as it will in ten years. What it cannot know is whose key signed
the log; give the log id that you were told, or trust the one that is printed on first use.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from gateway.domain.errors import WireError
from gateway.domain.settlement import SettlementStatement
from gateway.settlement.bundle import Bundle, missing_files, read_bundle
from gateway.settlement.checks.files import files_are_as_listed, manifest_follows
from gateway.settlement.checks.log import (
    heads_are_signed,
    late_batches,
    log_grew,
    records_are_logged,
    sources_have_no_gaps,
    time_runs_forward,
)
from gateway.settlement.checks.result import (
    closing_was_logged,
    everything_cited_is_there,
    limits_were_frozen,
    result_follows,
    terms_came_first,
)
from gateway.settlement.checks.signatures import devices_signed
from gateway.settlement.checks.trail import earlier, late_data_came_late, trail_is_whole
from gateway.settlement.evidence import HEADS, MANIFEST
from gateway.settlement.finding import Finding, Outcome, incomplete, malformed, mismatch
from gateway.settlement.methods import Methods


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the verifier concludes, and about what."""

    findings: tuple[Finding, ...]
    """Empty when everything holds."""
    statement: SettlementStatement | None = None
    """As claimed by the bundle; None when it could not be read."""
    trail: tuple[SettlementStatement, ...] = ()
    """Earlier versions of it that the bundle holds, oldest first."""
    log_id: str = ""
    """SHA-256 of the key that signed the log."""
    root: str = ""
    size: int = 0
    """Records in the log at the newest head."""
    records: int = 0
    """Records in the bundle."""
    expected_log_id: str | None = None

    @property
    def outcome(self) -> Outcome:
        """The worst that was found: a falsehood before an unreadable part before a lack."""
        found = {finding.outcome for finding in self.findings}
        order = (Outcome.MISMATCH, Outcome.MALFORMED, Outcome.INCOMPLETE)
        return next((outcome for outcome in order if outcome in found), Outcome.VERIFIED)


def verify(
    files: Mapping[str, bytes], methods: Methods, *, expected_log_id: str | None = None
) -> Verdict:
    """Verify a bundle.

    Args:
        files: File name -> bytes.
        methods: Validation and baselines to compute with.
        expected_log_id: The log that the bundle must come from; None: whichever signed it (trust on first use).
    """
    findings = list(files_are_as_listed(files))
    lacking = missing_files(files)
    findings += (incomplete("files", name, "every bundle has this file") for name in lacking)
    if lacking:
        return Verdict(findings=tuple(findings), expected_log_id=expected_log_id)
    try:
        bundle = read_bundle(files)
    except WireError as error:
        name, _, text = error.detail.partition(": ")
        findings.append(malformed("read", name, text))
        return Verdict(findings=tuple(findings), expected_log_id=expected_log_id)
    if not any(finding.where == MANIFEST for finding in findings):
        findings += manifest_follows(bundle)
    findings += _checked(bundle, methods, expected_log_id)
    newest = bundle.heads.heads[-1].head
    return Verdict(
        findings=tuple(findings),
        statement=bundle.result.statement,
        trail=tuple(record.statement for _, record in earlier(bundle)),
        log_id=newest.log_id,
        root=newest.root,
        size=newest.size,
        records=len(bundle.records),
        expected_log_id=expected_log_id,
    )


def _checked(bundle: Bundle, methods: Methods, expected_log_id: str | None) -> Iterator[Finding]:
    log_ids = {signed.head.log_id for signed in bundle.heads.heads}
    if expected_log_id is not None and log_ids != {expected_log_id}:
        yield mismatch("heads", HEADS, f"another log signed this, not {expected_log_id[:16]}…")
    yield from heads_are_signed(bundle)
    yield from log_grew(bundle)
    yield from records_are_logged(bundle)
    yield from sources_have_no_gaps(bundle, alone=late_batches(bundle.records))
    yield from time_runs_forward(bundle)
    yield from devices_signed(bundle)
    yield from terms_came_first(bundle)
    yield from limits_were_frozen(bundle, methods)
    yield from closing_was_logged(bundle)
    yield from trail_is_whole(bundle)
    yield from late_data_came_late(bundle)
    cited = list(everything_cited_is_there(bundle))
    yield from cited
    if not any(finding.outcome is Outcome.INCOMPLETE for finding in cited):
        yield from result_follows(bundle, methods)
