"""``gridgate evidence list``: what events were worth, the newest version of each statement, and what it corrects."""

import json
from collections.abc import Sequence
from pathlib import Path

import typer

from gateway.app.access import looking
from gateway.cli.ending import Exit
from gateway.cli.finish import finish
from gateway.cli.show import TEST_LINE, require_site
from gateway.cli.table import short_local, shown
from gateway.config.load import Loaded, load
from gateway.domain.names import SiteId
from gateway.domain.quantity import plain
from gateway.domain.settlement import SettlementStatement
from gateway.domain.timespan import instant_text
from gateway.pipeline.ports import Work

Trail = tuple[SettlementStatement, ...]
"""Every version of one statement, the newest first."""


def listing(config: Path, site: str, trail: bool, as_json: bool) -> int:  # noqa: FBT001 - the CLI passes it by name
    """List statements, oldest event first.

    Args:
        config: Configuration file.
        site: Only of this one; empty: all.
        trail: The versions that were corrected too.
        as_json: One document; it always holds the trail.

    Raises:
        ConfigError: the file has faults.
        SessionError: ``NOT_FOUND`` for an unknown site.
        StoreError: there is no store, or it cannot be read.
    """
    loaded = load(config)
    if site:
        require_site(loaded, site)
    found = finish(_trails(loaded, SiteId(site) if site else None))
    if as_json:
        typer.echo(json.dumps({"statements": [_document(one) for one in found]}, indent=2))
    else:
        typer.echo("\n".join(_lines(loaded, found, trail=trail)))
    return Exit.OK


async def _trails(loaded: Loaded, site: SiteId | None) -> list[Trail]:
    def job(work: Work) -> list[Trail]:
        return [(newest, *_earlier(work, newest)) for newest in work.statements.of_site(site)]

    async with looking(loaded) as store:
        return await store.read(job)


def _earlier(work: Work, newest: SettlementStatement) -> list[SettlementStatement]:
    versions = (
        work.statements.get(newest.id, number) for number in range(newest.version - 1, 0, -1)
    )
    return [one for one in versions if one is not None]


def _document(trail: Trail) -> dict[str, object]:
    newest = trail[0]
    return {
        "id": newest.id,
        "event_id": newest.event_id,
        "utility": newest.utility,
        "site": newest.site,
        "start": instant_text(newest.start),
        "end": instant_text(newest.end),
        "simulated": newest.simulated,
        "test": newest.test,
        **_version(newest),
        "trail": [_version(one) for one in trail[1:]],
    }


def _version(one: SettlementStatement) -> dict[str, object]:
    correction = one.correction
    return {
        "version": one.version,
        "status": one.status.value,
        "payment": plain(one.totals.payment),
        "currency": one.currency,
        "flags": list(one.flags),
        "corrects": correction.corrects if correction else None,
        "reason": correction.reason.value if correction else None,
    }


def _lines(loaded: Loaded, found: Sequence[Trail], *, trail: bool) -> list[str]:
    head = [TEST_LINE] if loaded.settings.gateway.test_mode else []
    if not found:
        return [*head, "no event has been settled yet"]
    zone = loaded.settings.gateway.timezone
    lines = [
        line
        for versions in found
        for line in (_head(versions[0], zone), *_versions(versions if trail else versions[:1]))
    ]
    return [*head, *lines, "", f"statements: {len(found)}"]


def _head(one: SettlementStatement, zone: str) -> str:
    """Say what a statement is about; its id stands alone, to be copied."""
    return f"{one.id}\n  {short_local(one.start, zone)}  {one.site}  {shown(one.event_id)}"


def _versions(trail: Trail) -> list[str]:
    """Say what each version came to, the newest first."""
    lines = []
    for place, one in enumerate(trail):
        why = one.correction
        told = f"version {one.version}: {one.totals.payment:.2f} {one.currency}, {one.status.value}"
        because = f", corrects version {why.corrects} ({why.reason.value})" if why else ""
        lines.append(f"  {told}{because}{', no longer holds' if place else ''}")
        if one.flags:
            lines.append(f"    {', '.join(one.flags)}")
    return lines
