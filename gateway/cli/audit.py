"""``gridgate audit``: who did what, when and why; and the same with proof, for somebody who trusts nobody."""

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import typer

from gateway.app.access import looking, reading
from gateway.cli.ending import Exit
from gateway.cli.evidence import read_files
from gateway.cli.export import claimed, write_whole
from gateway.cli.finish import finish
from gateway.cli.show import TEST_LINE
from gateway.cli.table import SHORT_ID, short_local, shown, table
from gateway.client.clock import SystemClock
from gateway.config.load import Loaded, load
from gateway.domain.errors import WireError
from gateway.domain.timespan import instant, instant_text
from gateway.pipeline.audit import KINDS, Act, acts
from gateway.pipeline.prove import Prover
from gateway.settlement.archive import to_zip
from gateway.settlement.audit import Judged, verify_audit
from gateway.settlement.finding import Outcome, malformed

SHOWN = 20


def listing(
    config: Path,
    since: str,
    subject: str,
    kind: tuple[str, ...],
    as_json: bool,  # noqa: FBT001 - the CLI passes it by name
) -> int:
    """List what happened, oldest first.

    Raises:
        ConfigError: the file has faults.
        WireError: for a time that cannot be read.
        StoreError: there is no store, or it cannot be read.
    """
    loaded = load(config)
    found = finish(_acts(loaded, _instant(since), subject or None, kind))
    if as_json:
        typer.echo(json.dumps({"acts": [_document(act) for act in found]}, indent=2))
    else:
        typer.echo("\n".join(_lines(loaded, found)))
    return Exit.OK


async def _acts(
    loaded: Loaded, since: datetime | None, subject: str | None, kinds: Sequence[str]
) -> tuple[Act, ...]:
    async with looking(loaded) as store:
        return await store.read(lambda work: acts(work, since=since, subject=subject, kinds=kinds))


def _instant(text: str) -> datetime | None:
    if not text:
        return None
    try:
        return instant(text)
    except WireError as error:
        detail = f"--since {shown(text)}: {error.detail}; write 2026-05-03T16:00:00Z"
        raise WireError(error.reason, detail) from None


def _document(act: Act) -> dict[str, object]:
    return {
        "index": act.index,
        "at": instant_text(act.at),
        "kind": act.kind,
        "subject": act.subject,
        "who": act.who,
        "what": act.what,
        "why": act.why,
        "event_id": act.event or None,
        "intent_id": act.intent or None,
    }


def _lines(loaded: Loaded, found: Sequence[Act]) -> list[str]:
    head = [TEST_LINE] if loaded.settings.gateway.test_mode else []
    if not found:
        return [*head, f"nothing was found; kinds are {', '.join(KINDS)}, and words such as guard"]
    zone = loaded.settings.gateway.timezone
    rows = [
        (
            str(act.index),
            short_local(act.at, zone),
            shown(act.who),
            shown(act.what),
            shown(act.why),
            act.intent[:SHORT_ID] or shown(act.event) or "-",
        )
        for act in found
    ]
    names = ("NR", "AT", "WHO", "WHAT", "WHY", "ABOUT")
    return [*head, *table(names, rows, right="NR"), "", f"records: {len(found)}"]


def export(config: Path, since: str, subject: str, kind: tuple[str, ...], out: Path) -> int:
    """Write the records, each with its path to a signed head; an existing file is never overwritten.

    Raises:
        SessionError: ``EXISTS``; ``NOT_FOUND`` when nothing was selected.
        WireError: for a time that cannot be read.
        ConfigError: the file has faults, there are no keys, or the export cannot be written there.
        StoreError: there is no store, or it cannot be read.
    """
    loaded, at = load(config), _instant(since)
    with claimed(out) as target:
        packed, log_id = finish(_export(loaded, at, subject or None, kind))
        write_whole(target, packed)
    typer.echo(f"{out}: {len(packed)} bytes")
    typer.echo(f"check it:  gridgate audit verify {out} --log-id {log_id}")
    return Exit.OK


async def _export(
    loaded: Loaded, since: datetime | None, subject: str | None, kinds: Sequence[str]
) -> tuple[bytes, str]:
    async with reading(loaded, SystemClock()) as office:
        files = await Prover(office).audit(since=since, subject=subject, kinds=kinds)
        return to_zip(files), office.log_key.log_id


def verify(bundle: Path, as_json: bool, log_id: str | None = None) -> int:  # noqa: FBT001 - the CLI passes it by name
    """Check an export, zip or folder, without network or store.

    Returns:
        0 verified, 1 mismatch, 2 malformed, 3 incomplete.
    """
    try:
        judged = verify_audit(read_files(bundle), log_id)
    except WireError as error:
        judged = Judged(findings=(malformed("read", bundle.name, error.detail),))
    except OSError as error:
        text = f"it cannot be read: {error.strerror}"
        judged = Judged(findings=(malformed("read", bundle.name, text),))
    typer.echo(json.dumps(_verdict(judged), indent=2) if as_json else _verdict_text(judged))
    return _outcome(judged).value


def _outcome(judged: Judged) -> Outcome:
    worst = (Outcome.MALFORMED, Outcome.MISMATCH, Outcome.INCOMPLETE)
    found = {finding.outcome for finding in judged.findings}
    return next((outcome for outcome in worst if outcome in found), Outcome.VERIFIED)


def _verdict(judged: Judged) -> dict[str, object]:
    extract = judged.extract
    head = extract.heads.heads[-1].head if extract else None
    return {
        "outcome": _outcome(judged).name.lower(),
        "findings": [
            {
                "outcome": f.outcome.name.lower(),
                "check": f.check,
                "where": f.where,
                "detail": f.detail,
            }
            for f in judged.findings
        ],
        "records": len(extract.records) if extract else 0,
        "log_id": head.log_id if head else None,
        "root": head.root if head else None,
        "size": head.size if head else None,
    }


def _verdict_text(judged: Judged) -> str:
    lines = [_outcome(judged).name]
    lines += [f"  {f.where}: {f.detail} [{f.check}]" for f in judged.findings[:SHOWN]]
    if judged.extract is not None:
        head = judged.extract.heads.heads[-1].head
        lines.append(f"log   {head.log_id}")
        lines.append(
            f"root  {head.root} over {head.size}, {len(judged.extract.records)} of them here"
        )
    return "\n".join(lines)
