"""An archive that keeps nothing, for trials whose verdict alone is wanted."""

import hashlib
from collections.abc import Mapping

from conformance.engine.secrets import Secrets


class MemoryArchive:
    """Numbers records and forgets them (meets ``engine.tape.Archiving``)."""

    def __init__(self) -> None:
        self._number = 0
        self.secrets = Secrets(b"kept nowhere")
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

    def flush(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""
