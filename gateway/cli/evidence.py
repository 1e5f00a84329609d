"""``gridgate evidence verify``: read a bundle from disk, let the core judge it, print the verdict."""

import json
from pathlib import Path
from typing import Final

import typer

from gateway.domain.errors import WireError
from gateway.domain.quantity import plain
from gateway.domain.settlement import SettlementStatement
from gateway.domain.timespan import instant_text
from gateway.pipeline.methods import METHODS
from gateway.settlement.archive import LARGEST, from_zip
from gateway.settlement.finding import Outcome, malformed
from gateway.settlement.verify import Verdict
from gateway.settlement.verify import verify as judge

SHOWN: Final = 20
"""Findings printed for people; ``--json`` has all."""


def verify(bundle: Path, as_json: bool, log_id: str | None = None) -> int:  # noqa: FBT001 - the CLI passes it by name
    """Verify a bundle, zip or folder, without network or store.

    Args:
        bundle: The file or folder.
        as_json: One JSON document on stdout instead of text.
        log_id: The log that must have signed it; without it the signer is trusted on first use, and named.

    Returns:
        0 verified, 1 mismatch, 2 malformed, 3 incomplete.
    """
    try:
        files = read_files(bundle)
    except WireError as error:
        verdict = Verdict(findings=(malformed("read", bundle.name, error.detail),))
    except OSError as error:
        text = f"it cannot be read: {error.strerror}"
        verdict = Verdict(findings=(malformed("read", bundle.name, text),))
    else:
        verdict = judge(files, METHODS, expected_log_id=log_id)
    typer.echo(json.dumps(document(verdict), indent=2) if as_json else text_of(verdict))
    return verdict.outcome.value


def read_files(bundle: Path) -> dict[str, bytes]:
    """Read a zip or a folder: name -> bytes.

    Raises:
        WireError: ``MALFORMED_ARCHIVE``.
        OSError: it cannot be read.
    """
    return from_zip(_read(bundle)) if bundle.is_file() else _folder(bundle)


def _folder(folder: Path) -> dict[str, bytes]:
    found = sorted(path for path in folder.rglob("*") if not path.is_dir())
    if not found:
        raise WireError("MALFORMED_ARCHIVE", "there is no bundle here, neither a file nor a folder")
    return {path.relative_to(folder).as_posix(): _read(path) for path in found}


def _read(path: Path) -> bytes:
    if path.stat().st_size > LARGEST:
        raise WireError("MALFORMED_ARCHIVE", f"{path.name} is larger than a bundle can be")
    return path.read_bytes()


def document(verdict: Verdict) -> dict[str, object]:
    """Write a verdict as plain JSON values; figures are numbers."""
    statement = verdict.statement
    return {
        "outcome": verdict.outcome.name.lower(),
        "exit_code": verdict.outcome.value,
        "findings": [
            {
                "outcome": finding.outcome.name.lower(),
                "check": finding.check,
                "where": finding.where,
                "detail": finding.detail,
            }
            for finding in verdict.findings
        ],
        "statement": None if statement is None else _figures(statement),
        "trail": [_short(one) for one in (*verdict.trail, *([statement] if statement else []))],
        "evidence": {
            "log_id": verdict.log_id,
            "log_id_expected": verdict.expected_log_id,
            "trusted_on_first_use": verdict.expected_log_id is None,
            "root": verdict.root,
            "size": verdict.size,
            "records": verdict.records,
        },
    }


def _short(statement: SettlementStatement) -> dict[str, object]:
    correction = statement.correction
    return {
        "version": statement.version,
        "payment": float(statement.totals.payment),
        "corrects": correction.corrects if correction else None,
        "reason": correction.reason.value if correction else None,
    }


def _figures(statement: SettlementStatement) -> dict[str, object]:
    totals = statement.totals
    return {
        "id": statement.id,
        "version": statement.version,
        "status": statement.status.value,
        "utility": statement.utility,
        "program": statement.program,
        "event_id": statement.event_id,
        "intent_id": statement.intent_id,
        "site": statement.site,
        "meter": statement.meter,
        "start": instant_text(statement.start),
        "end": instant_text(statement.end),
        "intervals": len(statement.intervals),
        "pre_event_kw": None if statement.pre_event_kw is None else float(statement.pre_event_kw),
        "limit_kw": None if statement.limit_kw is None else float(statement.limit_kw),
        "baseline_method": statement.baseline_method,
        "baseline_verified": statement.baseline.verified,
        "baseline_source": statement.baseline.source,
        "baseline_unverified": list(statement.baseline.unverified),
        "baseline_kwh": float(totals.baseline_kwh),
        "metered_kwh": float(totals.metered_kwh),
        "reduction_kwh": float(totals.reduction_kwh),
        "obligation_kwh": float(totals.obligation_kwh),
        "shortfall_kwh": float(totals.shortfall_kwh),
        "performance": None if statement.performance is None else float(statement.performance),
        "payment": float(totals.payment),
        "currency": statement.currency,
        "flags": list(statement.flags),
        "simulated": statement.simulated,
        "test": statement.test,
    }


def text_of(verdict: Verdict) -> str:
    """Write a verdict for people."""
    outcome = verdict.outcome
    lines = [f"{outcome.name}: {_MEANING[outcome]}"]
    lines += (
        f"  {finding.outcome.name.lower()}  {finding.where}: {finding.detail} [{finding.check}]"
        for finding in verdict.findings[:SHOWN]
    )
    if len(verdict.findings) > SHOWN:
        lines.append(f"  … and {len(verdict.findings) - SHOWN} more; --json prints all")
    if verdict.statement is not None:
        lines += _statement_lines(verdict.statement, believed=outcome is Outcome.VERIFIED)
        lines += _trail_lines(verdict.statement, verdict.trail)
        lines += _log_lines(verdict)
    return "\n".join(lines)


_MEANING: Final = {
    Outcome.VERIFIED: "every record is in the signed log, and the statement follows from them",
    Outcome.MISMATCH: "something is not what it claims to be; do not rely on this bundle",
    Outcome.MALFORMED: "something cannot be read; do not rely on this bundle",
    Outcome.INCOMPLETE: "something that is needed is not there; nothing follows from this bundle",
}


def _statement_lines(statement: SettlementStatement, *, believed: bool) -> list[str]:
    totals = statement.totals
    performance = "-" if statement.performance is None else f"{statement.performance:.4f}"
    marks = [
        name for name, on in (("SIMULATED", statement.simulated), ("TEST", statement.test)) if on
    ]
    return [
        "",
        f"statement   {statement.id} version {statement.version}, {statement.status.value}"
        + "".join(f", {mark}" for mark in marks)
        + ("" if believed else "  (as claimed, NOT verified)"),
        f"event       {statement.event_id} of {statement.utility}, {statement.program}",
        f"span        {instant_text(statement.start)} to {instant_text(statement.end)},"
        f" {len(statement.intervals)} intervals",
        f"meter       {statement.meter} at {statement.site}",
        f"baseline    {statement.baseline_method}: {plain(totals.baseline_kwh)} kWh"
        + ("" if statement.baseline.verified else " (parameters not verified against a tariff)"),
        f"metered     {plain(totals.metered_kwh)} kWh",
        f"reduction   {plain(totals.reduction_kwh)} kWh of {plain(totals.obligation_kwh)} owed,"
        f" short {plain(totals.shortfall_kwh)}",
        f"performance {performance}",
        f"payment     {totals.payment:.2f} {statement.currency}",
        f"flags       {', '.join(statement.flags) or 'none'}",
    ]


def _trail_lines(
    statement: SettlementStatement, trail: tuple[SettlementStatement, ...]
) -> list[str]:
    """Say what the statement corrects, the last one first."""
    paid = {one.version: f"{one.totals.payment:.2f} {one.currency}" for one in trail}
    lines = []
    for one in (statement, *reversed(trail)):
        if one.correction is not None:
            before, reason = one.correction.corrects, one.correction.reason.value
            was = paid.get(before, "not here")
            lines.append(
                f"corrects    version {before} ({was}), by version {one.version}: {reason}"
            )
    return lines


def _log_lines(verdict: Verdict) -> list[str]:
    lines = [
        "",
        f"log         {verdict.log_id}",
        f"root        {verdict.root} over {verdict.size} records, {verdict.records} of them here",
    ]
    if verdict.expected_log_id is None:
        lines.append(
            "signer      trusted on first use: compare the log id with the one that the operator gave you"
        )
    return lines
