"""The table of an endurance run: for people in 100 columns, for machines as one JSON document."""

from collections.abc import Sequence
from typing import Final

from conformance.soak.row import CAUGHT, Row

_HEAD: Final = ("part", "what", "runs", "lost", "doubled", "other", "caught", "s", "verdict")
_WIDEST: Final = 44
"""Columns for the name of a row; a longer one is cut in the middle."""


def table(rows: Sequence[Row]) -> list[str]:
    """Lay rows out, one line each, with the note of every row that is not as it must be."""
    cells = [_HEAD, *map(_cells, rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(_HEAD))]
    lines = [_line(cells[0], widths), "  ".join("-" * width for width in widths)]
    for row, line in zip(rows, cells[1:], strict=True):
        lines.append(_line(line, widths))
        if not row.good:
            lines += [f"    {row.note or 'no reason given'}", f"    again: {row.replay}"]
    return lines


def totals(rows: Sequence[Row]) -> dict[str, int]:
    """Add up what must be zero, and how many wrong devices were found every time."""
    right = [row for row in rows if row.expected != CAUGHT]
    wrong = [row for row in rows if row.expected == CAUGHT]
    return {
        "rows": len(rows),
        "runs": sum(row.runs for row in right),
        "lost": sum(row.lost for row in right),
        "doubled": sum(row.doubled for row in right),
        "other": sum(row.other for row in right),
        "mutants": len(wrong),
        "mutants_caught": sum(row.good for row in wrong),
        "not_good": sum(not row.good for row in rows),
    }


def closing(rows: Sequence[Row]) -> str:
    """Say it in one line."""
    found = totals(rows)
    return (
        f"{found['runs']} runs: {found['lost']} lost, {found['doubled']} doubled, {found['other']} otherwise wrong; "
        f"{found['mutants_caught']} of {found['mutants']} mutants caught every time"
    )


def _cells(row: Row) -> tuple[str, ...]:
    verdict = ("caught" if row.expected == CAUGHT else "ok") if row.good else "NOT GOOD"
    return (
        row.part,
        _cut(row.what),
        str(row.runs),
        str(row.lost),
        str(row.doubled),
        str(row.other),
        str(row.caught),
        f"{row.seconds:.1f}",
        verdict,
    )


def _cut(what: str) -> str:
    if len(what) <= _WIDEST:
        return what
    half = (_WIDEST - 1) // 2
    return f"{what[:half]}…{what[-half:]}"


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    left = [cell.ljust(width) for cell, width in zip(cells[:2], widths[:2], strict=True)]
    right = [cell.rjust(width) for cell, width in zip(cells[2:8], widths[2:8], strict=True)]
    return "  ".join([*left, *right, cells[8]])
