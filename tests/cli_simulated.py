"""``gridgate simulate`` at the command line, and what it prints."""

import json
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from gateway.cli.main import app


def simulate(config: Path, *words: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["simulate", *words, "-c", str(config)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.output
    return result.exit_code, result.stdout, result.stderr


def document(config: Path, *words: str) -> dict[str, object]:
    code, out, err = simulate(config, *words, "--json")
    assert (code, err) == (0, "")
    found: dict[str, object] = json.loads(out)
    assert found["simulation"] is True
    return found


def listed(found: dict[str, object], name: str) -> list[dict[str, Any]]:
    part = found[name]
    assert isinstance(part, list)
    return part


def caps(found: dict[str, object], which: str = "plans") -> list[tuple[str, str | None]]:
    (plan,) = listed(found, which)
    return [(one["phase"], one["import_max_kw"]) for one in plan["segments"]]
