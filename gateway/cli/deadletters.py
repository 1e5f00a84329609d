"""``gridgate deadletters``: what could not be delivered in time, and sending it after all where that is allowed."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import typer

from gateway.app.access import looking
from gateway.app.bootstrap import data_dir
from gateway.app.control_client import RunningGateway, running
from gateway.app.letters import ReplayDocument, replay_letters
from gateway.cli.ending import Exit
from gateway.cli.finish import finish
from gateway.cli.show import require_site
from gateway.cli.table import short_local, shown, table
from gateway.config.load import Loaded, load
from gateway.domain.errors import ConfigError, TransportError
from gateway.domain.names import SiteId
from gateway.domain.timespan import instant_text
from gateway.pipeline.deliveries import Delivery, Fate
from gateway.southbound.webhook.desk import LETTERS

MOST: Final = 10_000


def listing(config: Path, site: str, as_json: bool) -> int:  # noqa: FBT001 - the CLI passes it by name
    """List dead letters, newest first.

    Raises:
        ConfigError: the file has faults.
        SessionError: ``NOT_FOUND`` for an unknown site.
        StoreError: there is no store, or it cannot be read.
    """
    loaded = load(config)
    found = finish(dead_letters(loaded, site))
    if as_json:
        document = {"dead_letters": [delivery_document(one) for one in found]}
        typer.echo(json.dumps(document, indent=2))
    else:
        typer.echo("\n".join(_lines(loaded, found)))
    return Exit.OK


async def dead_letters(loaded: Loaded, site: str) -> tuple[Delivery, ...]:
    """Read them from the store, beside the gateway that writes it."""
    if site:
        require_site(loaded, site)
    async with looking(loaded) as store:
        return await store.read(
            lambda work: work.deliveries.listed(
                site=SiteId(site) if site else None, fates=(Fate.DEAD,), limit=MOST
            )
        )


def delivery_document(one: Delivery) -> dict[str, object]:
    """Return a delivery as JSON values."""
    instants = {
        "deliver_by": one.deliver_by,
        "next_at": one.next_at,
        "delivered_at": one.delivered_at,
        "ended_at": one.ended_at,
    }
    return {
        "letter": one.key,
        "site": one.site,
        "endpoint": one.endpoint,
        "sequence": one.sequence,
        "webhook_id": one.webhook_id,
        "kind": one.kind,
        "subject": one.subject,
        "revision": one.revision,
        "fate": one.fate.value,
        "attempts": one.attempts,
        "reason": one.reason,
        **{name: instant_text(at) if at else None for name, at in instants.items()},
    }


def _lines(loaded: Loaded, found: Sequence[Delivery]) -> list[str]:
    if not found:
        return ["no dead letters"]
    zone = loaded.settings.gateway.timezone
    rows = [
        (
            one.key,
            short_local(one.ended_at, zone) if one.ended_at else "-",
            short_local(one.deliver_by, zone) if one.deliver_by else "none",
            str(one.attempts),
            one.reason,
            one.webhook_id,
        )
        for one in found
    ]
    heads = ("LETTER", "DIED", "OF USE UNTIL", "TRIED", "REASON", "ID")
    return [*table(heads, rows, right="TRIED"), f"times in {zone}"]


def replay(config: Path, letters: Sequence[str], everything: bool, as_json: bool) -> int:  # noqa: FBT001 - the CLI passes them by name
    """Send dead letters after all, through the gateway that runs.

    What is past its end of validity is refused, each with its reason; the exit code is 1 when anything was.

    Raises:
        ConfigError: the file has faults, or nothing is named.
        TransportError: ``NOT_RUNNING`` when no gateway runs.
        StoreError: there is no store, or it cannot be read.
    """
    loaded = load(config)
    if bool(letters) == everything:
        raise ConfigError(("LETTER: name dead letters, or give --all; not both",), "ARGUMENT")
    done = finish(_replay(loaded, letters))
    if as_json:
        document = {"letters": [one.model_dump(mode="json") for one in done]}
        typer.echo(json.dumps(document, indent=2))
    else:
        typer.echo("\n".join(_outcomes(done)))
    return Exit.PROBLEM if any(one.refused for one in done) else Exit.OK


async def _replay(loaded: Loaded, letters: Sequence[str]) -> tuple[ReplayDocument, ...]:
    async with running(data_dir(loaded)) as found:
        gateway = required(found)
        wanted = letters or [one.key for one in await dead_letters(loaded, "")]
        done: tuple[ReplayDocument, ...] = ()
        for begin in range(0, len(wanted), LETTERS):
            done += await replay_letters(gateway, wanted[begin : begin + LETTERS])
        return done


def required(gateway: RunningGateway | None) -> RunningGateway:
    """Insist on a running gateway: only its couriers may send.

    Raises:
        TransportError: ``NOT_RUNNING``.
    """
    if gateway is None:
        raise TransportError(
            "NOT_RUNNING", "no gateway runs on this data_dir; start it with  gridgate run -c FILE"
        )
    return gateway


def _outcomes(done: Sequence[ReplayDocument]) -> list[str]:
    if not done:
        return ["no dead letters"]
    return [
        f"{shown(one.letter)}  "
        + (f"refused [{one.refused}]: {shown(one.detail)}" if one.refused else "on its way")
        for one in done
    ]
