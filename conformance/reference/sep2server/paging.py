"""Which part of a list is asked for: ``s``, ``l`` and ``a`` (clause 4.6.2)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from conformance.reference.sep2server.paths import Ids
from conformance.reference.sep2server.refusal import FORMAT, RefusedError

FIRST = 0
LIMIT = 1
"""Members of an answer to who asks for no number."""
MOST = 255
"""Members of an answer at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One member of a list."""

    ids: Ids
    at: datetime | None = None
    """First key of the list's order, where that is a time."""


def page(rows: Sequence[Row], query: Mapping[str, str]) -> Sequence[Row]:
    """Return the part of a list that is asked for.

    Raises:
        RefusedError: 400 for what is no number, or below zero.
    """
    first, limit = _number(query, "s", FIRST), _number(query, "l", LIMIT)
    after = _number(query, "a", -1)
    kept = [row for row in rows if row.at is None or row.at.timestamp() > after]
    return kept[first : first + min(limit, MOST)]


def _number(query: Mapping[str, str], name: str, otherwise: int) -> int:
    given = query.get(name)
    if given is None:
        return otherwise
    if not (given.isascii() and given.isdigit() and len(given) <= len(str(2**63))):
        raise RefusedError(400, FORMAT)
    return int(given)
