"""What is known about one error code."""

from dataclasses import dataclass
from enum import StrEnum

from gateway.domain.errors import GatewayError


class Move(StrEnum):
    """Who has to do something."""

    OPERATOR = "operator"
    """Whoever runs this gateway."""
    UTILITY = "utility"
    """Whoever runs the VTN or server that it talks to."""
    SITE = "site"
    """Whoever writes or runs the site's scheduler."""
    NOBODY = "nobody"
    """It passes by itself, or is meant to be so."""
    MAKERS = "makers"
    """A fault of this software: it is reported with the support bundle."""


@dataclass(frozen=True, slots=True)
class Row:
    """One code; it never changes its meaning, and is never given to another reason."""

    code: str
    """``GG-nnnn``."""
    reason: str
    """The upper-case word of the error tree, or of a check of the doctor."""
    title: str
    """What happened, in a few words."""
    move: Move
    why: str
    """What leads to it, one or two sentences."""
    fix: str
    """What to do, one command where there is one."""
    kinds: tuple[type[GatewayError], ...] = ()
    """Classes that raise the word with this meaning; empty: whichever."""
