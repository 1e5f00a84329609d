"""``gridgate doctor``: one line per check, a fix under each that failed, a count at the end."""

import json
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Final

import typer

from gateway.app.doctor.examine import Doctor
from gateway.app.doctor.finding import Finding, State, count
from gateway.cli.ending import Exit
from gateway.cli.finish import finish
from gateway.cli.table import COLUMNS, shown

_HEAD: Final = 16
_WORDS: Final = {
    State.FAIL: "problem",
    State.WARN: "warning",
    State.OK: "in order",
    State.SKIP: "not checked",
}


def doctor(config: Path, as_json: bool) -> int:  # noqa: FBT001 - the CLI passes it by name
    """Examine an installation; 0 without a problem, 1 with one; warnings alone are no problem."""
    findings = finish(Doctor().examine(config))
    typer.echo(json.dumps(document(findings), indent=2) if as_json else "\n".join(lines(findings)))
    return Exit.PROBLEM if count(findings)[State.FAIL] else Exit.OK


def document(findings: Sequence[Finding]) -> dict[str, object]:
    """Write findings as plain JSON values."""
    return {
        "checks": [
            {
                "part": finding.part,
                "check": finding.check,
                "state": finding.state.value,
                "text": finding.text,
                "code": finding.row.code if finding.row else None,
                "reason": finding.row.reason if finding.row else None,
                "fix": finding.fix or None,
                "move": finding.row.move.value if finding.row else None,
                "facts": dict(finding.facts),
            }
            for finding in findings
        ],
        "counts": {state.value: number for state, number in count(findings).items()},
    }


def lines(findings: Sequence[Finding]) -> Iterator[str]:
    """Write findings for people, ``COLUMNS`` wide."""
    for part, group in groupby(findings, key=lambda finding: finding.part):
        yield part if part == "gateway" else f"utility {shown(part)}"
        for finding in group:
            yield from _lines(finding)
        yield ""
    yield ", ".join(_counted(findings))


def _lines(finding: Finding) -> Iterator[str]:
    code = f"{finding.row.code} " if finding.row else ""
    word = finding.state.value.upper() if finding.row else finding.state.value
    yield from _wrapped(f"  {finding.check:<9} {word:<5}", f"{code}{shown(finding.text)}")
    if finding.fix:
        yield from _wrapped(" " * _HEAD, f"fix: {shown(finding.fix)}")


def _wrapped(head: str, text: str) -> Iterable[str]:
    return textwrap.wrap(
        text,
        COLUMNS,
        initial_indent=f"{head:<{_HEAD + 2}}",
        subsequent_indent=" " * (_HEAD + 2),
        break_on_hyphens=False,
        break_long_words=False,
    )


def _counted(findings: Sequence[Finding]) -> Iterator[str]:
    for state, number in count(findings).items():
        if number or state is State.FAIL:
            plural = "s" if number != 1 and state in (State.FAIL, State.WARN) else ""
            yield f"{number} {_WORDS[state]}{plural}"
