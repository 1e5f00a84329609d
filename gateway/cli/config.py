"""``gridgate config``: check and show a file without running anything."""

import json
from pathlib import Path

import typer

from gateway.cli.ending import Exit
from gateway.config.load import load


def check(file: Path) -> int:
    """Check a file; faults are raised all at once."""
    loaded = load(file)
    settings = loaded.settings
    counts = f"{len(settings.site)} site(s), {len(settings.utility)} utility(ies), {len(settings.program)} program(s)"
    typer.echo(f"{file}: no faults; {counts}")
    if settings.gateway.test_mode:
        typer.echo("test mode is on: test certificates are accepted and everything says TEST")
    return Exit.OK


def show(file: Path) -> int:
    """Print the effective settings; the file holds paths of secrets, never secrets."""
    document = load(file).settings.model_dump(mode="json")
    typer.echo(json.dumps(document, indent=2, sort_keys=True))
    return Exit.OK
