"""One leaf of a message and where it went: the form in which every protocol accounts for what it was sent."""

from dataclasses import dataclass
from typing import Final

ARCHIVE: Final = "raw.body"
"""Field of leaves that are syntax, not content."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountedLeaf:
    """One value of the message and where it went."""

    path: str
    value: str
    field: str | None
    """Field of the ``GridEvent``, signals by their signalID: ``signals[sig-1].intervals[0].value``; ``raw.body`` for
    syntax; None: no field holds it."""
