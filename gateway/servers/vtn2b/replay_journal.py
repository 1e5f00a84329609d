"""Stamps of signed messages, durable before an answer goes out; written in groups: a crowd pays for one flush."""

import asyncio
from collections.abc import Callable
from typing import Final, Protocol, TypeVar

from sqlalchemy import Connection

from gateway.domain.errors import StoreError
from gateway.protocols.oadr2b.signature.replay import NOTHING_SEEN, Remembered, Seen

T = TypeVar("T")
_FLOOR: Final = ""
"""Digest of the row that tells below which bucket everything was dropped."""


class Journal(Protocol):
    """Where stamps are kept."""

    async def load(self) -> Remembered:
        """Return what is kept.

        Raises:
            StoreError: it cannot be read.
        """
        ...

    async def keep(self, seen: Seen, floor: int) -> None:
        """Keep one stamp and forget those below ``floor``; returns once it is durable.

        Raises:
            StoreError: it cannot be kept.
        """
        ...


class Forgetful:
    """Keeps nothing beyond the process."""

    async def load(self) -> Remembered:
        """Return nothing."""
        return NOTHING_SEEN

    async def keep(self, seen: Seen, floor: int) -> None:
        """Keep nothing: the window itself is the memory."""


class Working(Protocol):
    """A store that runs transactions; met by ``SqlStore``."""

    async def work(self, job: Callable[[Connection], T]) -> T:
        """Run one transaction."""
        ...


class StoredJournal:
    """Keeps stamps in the VTN's own file.

    Args:
        store: Already loaded, so that its tables are there.
    """

    def __init__(self, store: Working) -> None:
        self._store = store
        self._next: tuple[list[Seen], asyncio.Future[None]] | None = None
        self._writer: asyncio.Task[None] | None = None
        self._floor = 0
        self._stored_floor = 0

    async def load(self) -> Remembered:
        """Return what is kept.

        Raises:
            StoreError: it cannot be read.
        """
        found = await self._store.work(_load)
        self._floor = self._stored_floor = found.floor
        return found

    async def keep(self, seen: Seen, floor: int) -> None:
        """Keep a stamp, together with all others that wait for the flush now under way.

        Raises:
            StoreError: it cannot be kept; nothing may be answered.
        """
        if self._next is None:
            self._next = ([], asyncio.get_running_loop().create_future())
        self._floor = max(self._floor, floor)
        waiting, done = self._next
        waiting.append(seen)
        if self._writer is None:
            self._writer = asyncio.create_task(self._write(), name="vtn2b replay journal")
        # Whoever gives up takes nothing from the others.
        await asyncio.shield(done)

    async def _write(self) -> None:
        try:
            while self._next is not None:
                (waiting, done), self._next = self._next, None
                await self._flush(waiting, done)
        finally:
            self._writer = None

    async def _flush(self, waiting: list[Seen], done: "asyncio.Future[None]") -> None:
        floor = self._floor if self._floor > self._stored_floor else None
        try:
            await self._store.work(_Group(waiting, floor))
        except StoreError as error:
            done.set_exception(error)
            done.exception()  # a waiter that is gone must not make the loop complain
            return
        self._stored_floor = floor if floor is not None else self._stored_floor
        done.set_result(None)


class _Group:
    """One transaction of several stamps."""

    def __init__(self, seen: list[Seen], floor: int | None) -> None:
        self._rows = [(one.bucket, one.digest, one.peer) for one in seen]
        self._floor = floor

    def __call__(self, connection: Connection) -> None:
        insert = "INSERT INTO vtn2b_replay (bucket, digest, peer) VALUES (?, ?, ?)"
        connection.exec_driver_sql(insert, self._rows)
        if self._floor is not None:
            below = "DELETE FROM vtn2b_replay WHERE bucket < ? OR digest = ''"
            connection.exec_driver_sql(below, (self._floor,))
            connection.exec_driver_sql(insert, (self._floor, _FLOOR, ""))


def _load(connection: Connection) -> Remembered:
    rows = connection.exec_driver_sql("SELECT bucket, digest, peer FROM vtn2b_replay").all()
    return Remembered(
        floor=max((row.bucket for row in rows if row.digest == _FLOOR), default=0),
        seen=tuple(
            Seen(peer=row.peer, bucket=row.bucket, digest=row.digest)
            for row in rows
            if row.digest != _FLOOR
        ),
    )
