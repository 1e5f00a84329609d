"""What everybody saw in a run: marks, in the order in which they happened.

Whoever plays a part writes down what it did or saw itself; nobody asks the gateway. A call whose outcome nobody knows
is written down as not sure.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Literal, TypeAlias

Opt: TypeAlias = Literal["in", "out"]
GATEWAY: Final = "gateway"
UTILITY: Final = "utility"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ordered:
    """The utility put out one version of an event, or took the event back."""

    at: datetime
    event: str
    version: int
    sites: tuple[str, ...]
    ends: datetime | None
    """No start command may come at or after it; None: open."""
    cancels: bool = False
    wants_answer: bool = True
    by_default: Opt = "out"
    """What is answered for a site that stays silent."""
    silence: timedelta = timedelta(0)
    """How long the gateway may wait for a silent site."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Acted:
    """A site carried out a command."""

    at: datetime
    site: str
    event: str
    version: int
    command: str
    """What the site knows the command by; the same one twice is the same command."""
    cancels: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A site told the gateway whether it takes part: once before it is sent, not sure, and once it was confirmed."""

    at: datetime
    site: str
    event: str
    version: int
    opt: Opt
    sure: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """The utility got an answer."""

    at: datetime
    event: str
    version: int
    opt: Opt
    delivery: str = ""
    """Which of its messages is answered; empty: not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The utility put its questions again; whoever is asked again answers again."""

    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """The gateway has put a version to its operator instead of the site, and has written that down."""

    at: datetime
    site: str
    event: str
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Handed:
    """Something was given to the gateway to keep, once before it is sent, and once it was confirmed."""

    at: datetime
    key: str
    sure: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Something that was to be kept, or told on, has arrived where it belongs."""

    at: datetime
    key: str
    content: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Down:
    """Somebody is gone: ``gateway``, ``utility`` or a site; a kill is the gateway going down."""

    at: datetime
    who: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Up:
    """Somebody is back; everybody is there at the beginning."""

    at: datetime
    who: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsure:
    """An exchange ended without anybody knowing whether it was carried out."""

    at: datetime


Mark: TypeAlias = (
    Ordered | Acted | Said | Answered | Asked | Held | Handed | Found | Down | Up | Unsure
)
History: TypeAlias = Sequence[Mark]


class Fault(StrEnum):
    """What can be wrong."""

    LOST = "lost"
    DOUBLED = "doubled"
    LATE = "late"
    """A start after its end, after its cancellation, or of an older version after a newer one."""
    UNANSWERED = "unanswered"
    WRONG = "wrong"
    """The utility was told what nobody had said."""
    INVENTED = "invented"
    """Done, or kept, without anybody having asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One fault and where."""

    fault: Fault
    key: str
    """Event and version, with the site where it matters; or the key of what was handed over."""
    why: str

    def __str__(self) -> str:
        return f"{self.fault} {self.key}: {self.why}"
