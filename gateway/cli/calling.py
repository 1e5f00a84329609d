"""How a verb finds its code: a string, imported when it runs, so that ``--help`` stays quick; what verbs share."""

import importlib
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.cli.ending import ended, traced

EXITS = "Exit codes: 0 ok, 1 problem, 2 wrong use, 3 unreachable, 4 interrupted."
Config = Annotated[Path, typer.Option("--config", "-c", help="Configuration file (TOML).")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]


def call(target: str, **arguments: Any) -> None:
    """Import ``module:function``, run it, and leave with its exit code."""
    module, _, name = target.partition(":")

    def verb(**given: Any) -> int:
        found: int = getattr(importlib.import_module(module), name)(**given)
        return found

    raise typer.Exit(ended(verb, arguments, debug=sys.excepthook is traced))
