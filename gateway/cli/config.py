"""``gridgate config``: check and show a file without running anything."""

import json
from pathlib import Path

import typer

from gateway.cli.ending import Exit
from gateway.config.effective import effective_document
from gateway.config.load import load


def check(file: Path) -> int:
    """Check a file; faults are raised all at once.

    Raises:
        ConfigError: with every fault, in the order of the file.
    """
    loaded = load(file, open_files=True)
    settings = loaded.settings
    counts = (
        f"sites: {len(settings.site)}, utilities: {len(settings.utility)},"
        f" programs: {len(settings.program)}"
    )
    typer.echo(f"{file}: no faults; {counts}")
    if settings.gateway.test_mode:
        typer.echo("test mode is on: test certificates are accepted and everything says TEST")
    return Exit.OK


def show(file: Path) -> int:
    """Print the effective settings, every default included; they hold paths of secrets, never secrets.

    Raises:
        ConfigError: with every fault, in the order of the file.
    """
    typer.echo(json.dumps(effective_document(load(file)), indent=2, sort_keys=True))
    return Exit.OK
