"""Who plays the utility of a story, and what only its protocol knows: a story is told in 2.0b and in 2030.5."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from conformance.soak.history import Mark, Opt
from gateway.domain.ports import Clock, Ids

Write = Callable[[Mark], None]
"""Takes a mark."""


class Utility(Protocol):
    """The utility of a story; what it knows survives the gateway."""

    done: int
    """Deeds done."""

    @property
    def url(self) -> str:
        """Return what the gateway is given; the same while nobody listens there."""
        ...

    @property
    def turns(self) -> Sequence[object]:
        """Return everything that it has kept so far; another one goes on from there."""
        ...

    async def start(self) -> None:
        """Listen."""
        ...

    async def stop(self) -> None:
        """Listen no longer."""
        ...

    async def act(self) -> None:
        """Do what the plot says, from where it stands, then return; the caller holds a token of the clock."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """A protocol's part in the story."""

    utility: Callable[[Clock, Ids, Write, Sequence[object]], Utility]
    """Makes the utility; the last argument is what one before it has kept."""
    configure: Callable[[Path, str], Path]
    """Writes the gateway's configuration into a folder, for a utility's address; returns the file."""
    words: Mapping[str, tuple[Opt, ...]]
    """What the site says to an event, one word after the other; an event that is not there it refuses."""
    names: Callable[[Mapping[str, str]], tuple[str, int]]
    """Event and version, as the plot calls them, from an intent's source ids."""
    event: Callable[[str], str]
    """The plot's word for an event, from its id on the wire."""
    points: tuple[str, ...]
    """Every point that the story passes, but those of steps beside the main job."""
    settled: str
    """The event that is followed to its end and settled."""
    told: tuple[str, ...]
    """Keys of what the utility must have been told by the end, whatever the gateway lived through."""
    perhaps: tuple[str, ...] = ()
    """Keys of what it may have been told beside: a word that was overtaken while the gateway was away."""
