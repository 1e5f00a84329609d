"""``gridgate explain GG-nnnn``: what an error code means; ``explain codes``: the reference page of all of them."""

import json
import textwrap
from itertools import groupby
from pathlib import Path
from typing import Final

import typer

from gateway.cli.ending import Exit
from gateway.cli.explain import explain as explain_event
from gateway.cli.table import COLUMNS, cut, shown
from gateway.domain.codes.registry import CODE, RETIRED, ROWS, by_code
from gateway.domain.codes.row import Move, Row
from gateway.domain.errors import ConfigError, SessionError

ALL: Final = "codes"
_AREAS: Final = {
    "1": "Configuration, keys and commands",
    "2": "Between this gateway and a utility",
    "3": "Meter data, settlement, evidence",
    "4": "Answers to sites: the request",
    "5": "Answers to sites: the gateway",
    "6": "The store",
    "7": "The operator's door of a running gateway",
    "8": "Test certificates and the suite",
    "9": "Faults of this software, and wrong use of a played utility",
}
_MOVES: Final = {
    Move.OPERATOR: "yours, as the operator of this gateway",
    Move.UTILITY: "the utility's",
    Move.SITE: "the site's: whoever writes or runs its scheduler",
    Move.NOBODY: "nobody's: it passes by itself, or is meant to be so",
    Move.MAKERS: "the makers' of this software; report it with `gridgate support-bundle`",
}


def explain(config: Path | None, subject: str, as_json: bool) -> int:  # noqa: FBT001 - the CLI passes it by name
    """Explain a code, print the page of all codes, or explain an event of a configuration.

    Raises:
        SessionError: ``UNKNOWN_CODE``; otherwise as ``gateway.cli.explain.explain``.
        ConfigError: an event is asked for without a configuration.
    """
    if subject == ALL and config is None:
        typer.echo(json.dumps([*map(_document, ROWS)], indent=2) if as_json else page(), nl=as_json)
        return Exit.OK
    like = subject.upper()
    # With a configuration, what only begins like a code may be the id of an event.
    if CODE.fullmatch(like) or (config is None and like.startswith("GG-")):
        row = _known(like)
        typer.echo(json.dumps(_document(row), indent=2) if as_json else "\n".join(_lines(row)))
        return Exit.OK
    if config is None:
        fix = "give its configuration with -c FILE, or a code like GG-2041"
        raise ConfigError(
            (f"{cut(shown(subject), 60)} is an event or an intent; {fix}",), "ARGUMENT"
        )
    return explain_event(config, subject, as_json)


def _known(code: str) -> Row:
    row = by_code(code)
    if row is not None:
        return row
    gone = RETIRED.get(code)
    was = f" any more; it stood for {gone}" if gone else ""
    detail = (
        f"there is no code {cut(shown(code), 40)}{was}; `gridgate explain {ALL}` prints them all"
    )
    raise SessionError("UNKNOWN_CODE", detail)


def _document(row: Row) -> dict[str, str]:
    return {
        "code": row.code,
        "reason": row.reason,
        "title": row.title,
        "move": row.move.value,
        "why": row.why,
        "fix": row.fix,
    }


def _lines(row: Row) -> list[str]:
    parts = (("why", row.why), ("fix", row.fix), ("move", _MOVES[row.move]), ("word", row.reason))
    lines = [f"{row.code}  {row.title}", ""]
    for name, text in parts:
        lines += textwrap.wrap(
            text,
            COLUMNS,
            initial_indent=f"{name:<6}",
            subsequent_indent=" " * 6,
            break_long_words=False,
            break_on_hyphens=False,
        )
    return lines


def page() -> str:
    """Return the reference page, Markdown."""
    lines = [
        "# Error codes",
        "",
        "A code never changes its meaning and is never given away again.",
        "`gridgate explain GG-2041` prints one of them; this page is what `gridgate explain codes` prints.",
    ]
    for digit, rows in groupby(ROWS, key=lambda row: row.code[3]):
        lines += ["", f"## GG-{digit}nnn: {_AREAS[digit]}"]
        for row in rows:
            lines += ["", f"### {row.code} {row.title}", ""]
            lines += [
                f"`{row.reason}`. {row.why}",
                "",
                f"*Fix:* {row.fix}",
                "",
                f"*Move:* {_MOVES[row.move]}.",
            ]
    return "\n".join(lines) + "\n"
