"""``gridgate deliveries``: what became of each document at each endpoint, every attempt, and sending it once more."""

import json
from collections.abc import Sequence
from pathlib import Path

import typer

from gateway.app.access import looking
from gateway.app.bootstrap import data_dir
from gateway.app.control_client import running
from gateway.app.letters import ResendOrder, resend_documents
from gateway.cli.deadletters import delivery_document, required
from gateway.cli.ending import Exit
from gateway.cli.finish import finish
from gateway.cli.show import require_site
from gateway.cli.table import short_local, table
from gateway.config.load import Loaded, load
from gateway.domain.errors import ConfigError, SessionError
from gateway.domain.names import SiteId
from gateway.domain.timespan import instant_text
from gateway.pipeline.deliveries import Attempt, Delivery
from gateway.southbound.webhook.handlers import printable


def listing(
    config: Path,
    site: str,
    endpoint: str,
    attempts: bool,  # noqa: FBT001 - the CLI passes it by name
    limit: int,
    as_json: bool,  # noqa: FBT001 - the CLI passes it by name
) -> int:
    """List deliveries, or attempts at one endpoint, newest first.

    Raises:
        ConfigError: the file has faults, or the arguments have.
        SessionError: ``NOT_FOUND`` for an unknown site or endpoint.
        StoreError: there is no store, or it cannot be read.
    """
    loaded = load(config)
    if limit < 1:
        raise ConfigError(("--limit: must be 1 or more",), "ARGUMENT")
    if site:
        require_site(loaded, site)
    if attempts:
        _require_endpoint(loaded, site, endpoint)
        tried = finish(_attempts(loaded, site, endpoint, limit))
        _show(as_json, {"attempts": [*map(_attempt, tried)]}, _attempt_lines(loaded, tried))
        return Exit.OK
    found = finish(_deliveries(loaded, site, endpoint, limit))
    _show(as_json, {"deliveries": [*map(delivery_document, found)]}, _lines(loaded, found))
    return Exit.OK


def _show(as_json: bool, document: dict[str, object], lines: Sequence[str]) -> None:  # noqa: FBT001 - private
    typer.echo(json.dumps(document, indent=2) if as_json else "\n".join(lines))


def _require_endpoint(loaded: Loaded, site: str, endpoint: str) -> None:
    if not site or not endpoint:
        raise ConfigError(("--attempts: needs --site and --endpoint",), "ARGUMENT")
    named = next(section for section in loaded.settings.site if section.id == site)
    known = [section.name for section in named.webhook]
    if endpoint not in known:
        listed = ", ".join(known) or "none"
        raise SessionError("NOT_FOUND", f"site {site} has no such endpoint; it has {listed}")


async def _deliveries(loaded: Loaded, site: str, endpoint: str, limit: int) -> tuple[Delivery, ...]:
    async with looking(loaded) as store:
        return await store.read(
            lambda work: work.deliveries.listed(
                site=SiteId(site) if site else None, endpoint=endpoint or None, limit=limit
            )
        )


async def _attempts(loaded: Loaded, site: str, endpoint: str, limit: int) -> tuple[Attempt, ...]:
    async with looking(loaded) as store:
        return await store.read(
            lambda work: work.deliveries.attempts(SiteId(site), endpoint, limit=limit)
        )


def _lines(loaded: Loaded, found: Sequence[Delivery]) -> list[str]:
    if not found:
        return ["no deliveries yet"]
    zone = loaded.settings.gateway.timezone
    rows = [
        (
            one.key,
            one.fate.value,
            str(one.attempts),
            short_local(at, zone) if (at := one.ended_at or one.next_at) else "-",
            one.reason,
            one.webhook_id,
        )
        for one in found
    ]
    heads = ("DOCUMENT", "FATE", "TRIED", "ENDED OR NEXT", "REASON", "ID")
    return [*table(heads, rows, right="TRIED"), f"times in {zone}"]


def _attempt(one: Attempt) -> dict[str, object]:
    return {
        "number": one.number,
        "sequence": one.sequence,
        "webhook_id": one.webhook_id,
        "at": instant_text(one.at),
        "outcome": one.outcome,
        "status": one.status,
        "duration_ms": _milliseconds(one),
        "answer": printable(one.answer),
        "detail": one.detail,
    }


def _milliseconds(one: Attempt) -> int | None:
    return None if one.duration is None else round(one.duration.total_seconds() * 1000)


def _attempt_lines(loaded: Loaded, tried: Sequence[Attempt]) -> list[str]:
    if not tried:
        return ["no attempts yet"]
    zone = loaded.settings.gateway.timezone
    rows = [
        (
            short_local(one.at, zone),
            str(one.sequence) if one.sequence else "test",
            one.outcome,
            str(one.status or "-"),
            "-" if one.duration is None else str(_milliseconds(one)),
            one.detail or printable(one.answer),
        )
        for one in tried
    ]
    heads = ("AT", "PLACE", "OUTCOME", "STATUS", "MS", "ANSWER")
    return [*table(heads, rows, right="PLACE,STATUS,MS"), f"times in {zone}"]


def resend(config: Path, site: str, endpoint: str, sequence: int | None, since: int | None) -> int:
    """Send one document once more, or all that were delivered after a place, through the gateway that runs.

    Raises:
        ConfigError: the file has faults, or the arguments have.
        SessionError: ``NOT_FOUND``; ``TOO_LATE`` past its end; ``STALE_REVISION`` when something newer is there.
        TransportError: ``NOT_RUNNING`` when no gateway runs.
    """
    loaded = load(config)
    if (sequence is None) == (since is None):
        raise ConfigError(("--sequence: give it or --since, one of both",), "ARGUMENT")
    require_site(loaded, site)
    order = ResendOrder(site=site, endpoint=endpoint, sequence=sequence, after=since)
    queued = finish(_resend(loaded, order))
    typer.echo(f"{queued} document(s) of site {site} are sent to {endpoint} once more")
    return Exit.OK


async def _resend(loaded: Loaded, order: ResendOrder) -> int:
    async with running(data_dir(loaded)) as gateway:
        return await resend_documents(required(gateway), order)
