"""``gridgate discover``: servers of IEEE 2030.5 on the local network, and how to configure one."""

import json
from collections.abc import Iterator, Sequence

import typer

from gateway.cli.ending import Exit
from gateway.cli.finish import finish
from gateway.cli.table import shown, table
from gateway.client.clock import SystemClock
from gateway.domain.errors import ConfigError, WireError
from gateway.northbound.lan import Lan
from gateway.protocols.sep2.discovery import (
    DOMAIN,
    SERVICE,
    Record,
    Server,
    server_of,
    service_of,
)
from gateway.protocols.sep2.identity import sfdi_text


def discover(subtype: str, as_json: bool, lan: Lan | None = None) -> int:  # noqa: FBT001 - the CLI passes it by name
    """List what answers; 1 when nothing that could be asked does.

    Args:
        subtype: Function set, or a device; empty: any server.
        as_json: One document.
        lan: The network; None: the real one.

    Raises:
        ConfigError: ``ARGUMENT`` for a subtype that there is not; ``NO_PACKAGE`` without the extra ``lan``.
    """
    name = f"{subtype}._sub.{SERVICE}.{DOMAIN}" if subtype else f"{SERVICE}.{DOMAIN}"
    try:
        asked = service_of(f"https://{name}")
    except WireError as error:
        raise ConfigError((f"--subtype: {error.detail}",), "ARGUMENT") from None
    records = finish((lan or Lan(SystemClock())).records(asked or ""))
    servers = [_read(record) for record in records]
    fit = [one for one in servers if isinstance(one, Server)]
    if as_json:
        typer.echo(json.dumps({"servers": [_document(one) for one in fit]}, indent=2))
    else:
        typer.echo("\n".join(_lines(records, servers)))
    return Exit.OK if fit else Exit.PROBLEM


def _read(record: Record) -> Server | str:
    try:
        return server_of(record)
    except WireError as error:
        return error.detail


def _document(one: Server) -> dict[str, object]:
    return {
        "instance": one.instance,
        "sfdi": None if one.sfdi is None else str(one.sfdi),
        "url": one.url,
        "level": one.level,
        "path": one.path or None,
    }


def _lines(records: Sequence[Record], servers: Sequence[Server | str]) -> Iterator[str]:
    fit = [one for one in servers if isinstance(one, Server)]
    if fit:
        rows = [
            (
                shown(one.instance),
                "-" if one.sfdi is None else sfdi_text(one.sfdi),
                shown(one.level),
                one.url,
            )
            for one in fit
        ]
        yield from table(("INSTANCE", "SFDI", "LEVEL", "URL"), rows)
    else:
        yield "no server answered that could be asked"
    for record, one in zip(records, servers, strict=True):
        if isinstance(one, str):
            yield f"left out {shown(record.instance)}: {one}"
    if fit:
        yield "whoever is on the network can answer: pin what the utility told you of its server,"
        yield "url and server_fingerprint under [[utility]]"
