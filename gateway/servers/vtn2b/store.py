"""What the VTN asks of a store, and the store that forgets."""

from typing import Protocol

from gateway.protocols.oadr2b.vtn_book import Book, Turn


class VtnStore(Protocol):
    """Keeps turns; a turn is stored as a whole or not at all."""

    async def load(self) -> Book:
        """Return everything that was kept.

        Raises:
            StoreError: it cannot be read.
        """
        ...

    async def save(self, turn: Turn) -> None:
        """Keep what a turn changed, and the answers and values it tells of; returns once they are durable.

        Raises:
            StoreError: it cannot be kept; the store must not be used again (R-DUR-9).
        """
        ...

    async def close(self) -> None:
        """End."""
        ...


class MemoryStore:
    """Keeps nothing beyond the process: for demonstrations in virtual time."""

    async def load(self) -> Book:
        """Return an empty book."""
        return Book()

    async def save(self, turn: Turn) -> None:
        """Keep nothing: the VTN's own book is the memory."""

    async def close(self) -> None:
        """Do nothing."""
