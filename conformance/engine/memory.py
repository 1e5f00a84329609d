"""An archive that keeps nothing, for trials whose verdict alone is wanted."""

import hashlib
from collections.abc import Mapping


class MemoryArchive:
    """Numbers records and forgets them (meets ``engine.tape.Archiving``)."""

    def __init__(self) -> None:
        self._number = 0
        self.connections = 0

    def next(self) -> int:
        """Return the number of the next record."""
        self._number += 1
        return self._number

    def line(self, record: Mapping[str, object]) -> None:
        """Forget a record."""

    def body(self, body: bytes) -> str:
        """Return the SHA-256 of a body."""
        return hashlib.sha256(body).hexdigest()

    def handshake(self, number: int, facts: Mapping[str, object]) -> None:
        """Forget what TLS agreed on."""

    def hidden(self, head: bytes) -> bytes:
        """Return it as it is: it is not kept."""
        return head

    def flush(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""
