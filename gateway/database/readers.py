"""Connections that cannot write, each used by one job at a time."""

import asyncio
import queue
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from sqlalchemy import Connection, Engine

from gateway.database.engine import connected
from gateway.database.failures import DatabaseFailure, translated
from gateway.domain.errors import StoreError

T = TypeVar("T")

MOST_WAITING: Final = 2000


class Readers:
    """Runs jobs on a snapshot each.

    Args:
        engine: Makes connections with ``query_only`` on.
        count: Connections, and threads.
    """

    def __init__(self, engine: Engine, count: int) -> None:
        self._idle: queue.SimpleQueue[Connection] = queue.SimpleQueue()
        self._connections = [connected(engine) for _ in range(count)]
        for connection in self._connections:
            self._idle.put(connection)
        self._pool = ThreadPoolExecutor(count, thread_name_prefix="store-reader")
        self._waiting = 0

    async def run(self, job: Callable[[Connection], T]) -> T:
        """Run a job in one read transaction.

        Raises:
            StoreError: ``BUSY`` when too many wait, ``READ_ONLY`` when the job tries to write, ``CORRUPT``, ``FAILED``.
        """
        if self._waiting >= MOST_WAITING:
            raise StoreError("BUSY", f"{MOST_WAITING} reads wait already; try again later")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, self._perform, job)
        finally:
            self._waiting -= 1

    def _perform(self, job: Callable[[Connection], T]) -> T:
        connection = self._idle.get()
        try:
            with connection.begin():
                return job(connection)
        except DatabaseFailure as error:
            raise translated(error) from error
        finally:
            self._idle.put(connection)

    def close(self) -> None:
        """Wait for what runs, then close the connections."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        for connection in self._connections:
            connection.close()
