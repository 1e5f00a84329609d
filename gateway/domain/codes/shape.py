"""One error as a terminal shows it: what, where, why, fix, and where to read more."""

from gateway.domain.codes.row import Row


def shape(row: Row, sentence: str, *, place: str = "", key: str = "") -> list[str]:
    """Lay out one error for a terminal.

    Args:
        row: Its code.
        sentence: "what; fix"; without a fix of its own the row's is told.
        place: ``file:line``.
        key: Key of that line. Its value is not repeated: what was typed in the wrong place may be a secret.
    """
    what, _, fix = sentence.rpartition("; ")
    what, fix = (what, fix) if what else (fix, row.fix)
    lines = [f"error[{row.code}]: {key + ': ' if key else ''}{what}"]
    if place:
        lines.append(f"  --> {place}  {header(key)}".rstrip())
    return [
        *lines,
        f"  why: {row.why}",
        f"  fix: {fix}",
        f"  more: gridgate explain {row.code}",
    ]


def header(key: str) -> str:
    """Write the path of a key as its section's header and its own name: ``[[utility]] url``."""
    *tables, last = key.split(".")
    if not tables:
        return f"[[{last.partition('[')[0]}]]" if last.endswith("]") else last
    name = ".".join(part.partition("[")[0] for part in tables)
    return f"[[{name}]] {last}" if tables[-1].endswith("]") else f"[{name}] {last}"
