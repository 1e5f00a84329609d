"""What the VTN asks of a store, and the store that forgets."""

from collections import deque
from itertools import islice
from typing import Final, Protocol, runtime_checkable

from gateway.protocols.oadr2b.vtn_book import Book, Turn
from gateway.protocols.oadr2b.vtn_facts import Answered, Reported
from gateway.servers.vtn2b.columns import answer_row, value_row
from gateway.servers.vtn2b.history import Numbered, Sought
from gateway.servers.vtn2b.tables import AnswerRow, ValueRow
from gateway.servers.vtn2b.transcript import MemoryShelf, Shelf

_KEPT: Final = 100_000


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


@runtime_checkable
class History(Shelf, Protocol):
    """What a store may keep beyond what the VTN needs: who said what."""

    async def answers(self, sought: Sought) -> list[Numbered]:
        """Return answers to events that were kept, oldest first, as ``AnswerRow``.

        Raises:
            StoreError: they cannot be read.
        """
        ...

    async def values(self, sought: Sought) -> list[Numbered]:
        """Return reported values that were kept, oldest first, as ``ValueRow``.

        Raises:
            StoreError: they cannot be read.
        """
        ...


class MemoryStore(MemoryShelf):
    """Keeps nothing beyond the process: for demonstrations in virtual time."""

    def __init__(self) -> None:
        super().__init__()
        self._answers: deque[Numbered] = deque(maxlen=_KEPT)
        self._values: deque[Numbered] = deque(maxlen=_KEPT)
        self._number = 0

    async def load(self) -> Book:
        """Return an empty book."""
        return Book()

    async def save(self, turn: Turn) -> None:
        """Keep the newest answers and values; for the rest the VTN's own book is the memory."""
        for fact in turn.facts:
            self._number += 1
            if isinstance(fact, Answered):
                row = answer_row(fact, turn.at)
                self._answers.append(Numbered(number=self._number, row=row))
            elif isinstance(fact, Reported):
                value = value_row(fact, turn.at)
                self._values.append(Numbered(number=self._number, row=value))

    async def answers(self, sought: Sought) -> list[Numbered]:
        """Return the newest answers to events, oldest first."""
        found = (
            one
            for one in self._answers
            if isinstance(one.row, AnswerRow)
            and one.number > sought.after
            and sought.ven_id in {"", one.row.ven_id}
            and sought.about in {"", one.row.event_id}
        )
        return list(islice(found, sought.limit))

    async def values(self, sought: Sought) -> list[Numbered]:
        """Return the newest values, oldest first."""
        found = (
            one
            for one in self._values
            if isinstance(one.row, ValueRow)
            and one.number > sought.after
            and sought.ven_id in {"", one.row.ven_id}
            and sought.about in {"", one.row.want_id}
        )
        return list(islice(found, sought.limit))

    async def close(self) -> None:
        """Do nothing."""
