"""Resources that moved: inside they stay where they are, outside they and what lies below them have another address.

Who asks at a former address, and may see what was there, is sent on; every document and every Location tells the new
one. So a move costs nothing while there is none, and leaves nothing to rewrite.

Spec: IEEE 2030.5-2018 clause 5.5.2.7 (a client follows, then discovers anew); CSIP CORE-002.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from gateway.domain.errors import MisuseError
from gateway.protocols.sep2.server.records import Pair, Turn

MOST_MOVES: Final = 100


@dataclass(slots=True)
class Moves:
    """Every move, in the order in which they came."""

    pairs: dict[str, str] = field(default_factory=dict)
    """Former address -> where it, and all below it, went from there."""
    _out: list[tuple[re.Pattern[bytes], bytes]] = field(default_factory=list)

    def take(self, pairs: Iterable[Pair]) -> None:
        """Take over moves."""
        for old, new in pairs:
            self.pairs[old] = new
            self._out.append((_mention(old), new.encode()))

    def inner(self, path: str) -> str:
        """Return the address inside of what has this one outside, now or once."""
        for old, new in reversed(self.pairs.items()):
            path = _moved(path, new, old)
        return path

    def outer(self, path: str) -> str:
        """Return the address outside of what has this one inside."""
        for old, new in self.pairs.items():
            path = _moved(path, old, new)
        return path

    def outward(self, body: bytes) -> bytes:
        """Return a document with addresses of outside in place of those of inside."""
        for mention, new in self._out:
            body = mention.sub(rb"\1" + new, body)
        return body


def _moved(path: str, old: str, new: str) -> str:
    return new + path[len(old) :] if path == old or path.startswith(f"{old}/") else path


def _mention(address: str) -> re.Pattern[bytes]:
    """Return what finds an address, or one below it, as the whole of an attribute or element; perhaps with its host."""
    host = rb"(?:https?://[^/\"'<>\s]{1,300})?"
    return re.compile(
        rb"([\"'>]\s{0,20}" + host + rb")" + re.escape(address.encode()) + rb"(?=[/?#\"'<\s])"
    )


def move(moves: Moves, href: str, token: str, now: datetime) -> Turn:
    """Move what stands at an address, with all that lies below it, to one that nobody can guess.

    Args:
        moves: Those made so far.
        href: Inside, or as clients know it today; something must stand there.
        token: Unguessable.
        now: Current instant.

    Returns:
        A turn that tells the new address.

    Raises:
        MisuseError: ``BAD_RESOURCE`` when too much was moved already.
    """
    if len(moves.pairs) >= MOST_MOVES:
        raise MisuseError("BAD_RESOURCE", f"{MOST_MOVES} resources were moved already")
    old = moves.outer(moves.inner(href))
    new = f"/{token}"
    return Turn(at=now, told=new, moves={old: new})
