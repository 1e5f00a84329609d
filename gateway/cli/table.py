"""Text for terminals: tables of at most 80 columns, instants in the operator's zone, nothing that moves the cursor."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

COLUMNS: Final = 80
GAP: Final = 2
SHORT_ID: Final = 8
"""Characters of an intent id that people read and type; the whole id is in ``--json``."""


def shown(text: str) -> str:
    """Write a text of somebody else so that a terminal prints it and does nothing else."""
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text)


def cut(text: str, width: int) -> str:
    """Shorten a text to a width; the end is replaced by one ellipsis."""
    return text if len(text) <= width else text[: max(0, width - 1)] + "…"


def cut_left(text: str, width: int) -> str:
    """Shorten a text to a width; the beginning is replaced by one ellipsis."""
    return text if len(text) <= width else "…" + text[len(text) - width + 1 :]


def local(at: datetime, zone: str) -> str:
    """Write an instant in a zone, to the second, with its offset: an hour that comes twice stays two hours."""
    return f"{at.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M:%S%z}"


def short_local(at: datetime, zone: str) -> str:
    """Write an instant in a zone, to the minute."""
    return f"{at.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}"


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], *, right: str = "") -> list[str]:
    """Lay out a table within ``COLUMNS``.

    Args:
        heads: Head of each column.
        rows: Cells; made safe for a terminal here.
        right: Heads of the columns that hold numbers, separated by commas: aligned right.

    Returns:
        Lines without trailing blanks; the last column gives way when there is not enough room, then the widest one.
    """
    cells = [[*map(shown, row)] for row in rows]
    widths = [max(map(len, column)) for column in zip(heads, *cells, strict=True)]
    over = sum(widths) + GAP * (len(widths) - 1) - COLUMNS
    if over > 0:
        last = max(len(heads[-1]), SHORT_ID, widths[-1] - over)
        over -= widths[-1] - last
        widths[-1] = last
    while over > 0:
        widest = max(range(len(widths)), key=lambda index: widths[index])
        widths[widest] -= 1
        over -= 1
    numbers = {heads.index(name) for name in right.split(",") if name in heads}
    return [_line(row, widths, numbers) for row in ([*heads], *cells)]


def _line(row: Sequence[str], widths: Sequence[int], numbers: set[int]) -> str:
    laid = [
        cut(cell, width).rjust(width) if index in numbers else cut(cell, width).ljust(width)
        for index, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]
    return (" " * GAP).join(laid).rstrip()
