"""What the scripted peers ask of the engine, and what they hand to each other."""

import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from conformance.faults.disguise import Disguise
from conformance.kit.transcript import Message, Part, Side


class Recorder(Protocol):
    """Writes the history; every call returns only when the record is in it."""

    def connection(self, opened_by: Side) -> int:
        """Count a connection from now on."""
        ...

    def handshake(
        self, connection: int, facts: Mapping[str, str], ders: Mapping[str, Sequence[bytes]]
    ) -> None:
        """Note what TLS agreed on, or why it did not, and the certificates that were shown, each chain by its name."""
        ...

    def message(self, seen: "Seen") -> Message:
        """Note a message."""
        ...

    def mark(self, name: str, **values: object) -> None:
        """Note anything else."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A message as it passed the socket."""

    sender: Side
    part: Part
    connection: int
    exchange: int | None
    """None: a request."""
    head: bytes
    body: bytes = field(repr=False)
    coded: bytes | None = field(default=None, repr=False)
    """The body as it travelled, where that differs (chunks)."""
    fault: str = ""
    wrong: str = ""
    broken: str = ""


class Contexts(Protocol):
    """Makes the TLS contexts of a server."""

    def context(self, disguise: Disguise) -> ssl.SSLContext:
        """Return the context that shows so."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the desk says to a request."""

    status: str
    """E.g. ``200 OK``."""
    headers: tuple[tuple[str, str], ...]
    body: bytes = field(repr=False)
    wrong: str = ""
    fault: str = ""
