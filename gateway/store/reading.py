"""A store read beside the gateway that writes it: no lock, nothing can be changed."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self, TypeVar

import structlog
from sqlalchemy import Connection

from gateway.database.database import path_of
from gateway.database.engine import READER, connected, engine_for
from gateway.database.readers import Readers
from gateway.database.schema import require_current
from gateway.domain.errors import StoreError
from gateway.domain.points import Step
from gateway.pipeline.ports import Work
from gateway.pipeline.records import StoreIdentity
from gateway.store.identity import read_identity
from gateway.store.open import SCHEMA
from gateway.store.transaction import Suspect, Transaction
from gateway.store.work import SqlWork

T = TypeVar("T")

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class ReadingStore:
    """See ``gateway.pipeline.ports.Store``; every write is refused."""

    _readers: Readers
    identity: StoreIdentity

    async def read(self, job: Callable[[Work], T]) -> T:
        """Run ``job`` on a snapshot."""
        suspects: list[Suspect] = []

        def act(connection: Connection) -> T:
            return job(
                SqlWork(Transaction(connection, self.identity, writable=False, suspects=suspects))
            )

        try:
            return await self._readers.run(act)
        finally:
            for suspect in suspects:  # the gateway that writes sets them aside when it meets them
                log.error("row_corrupt", table=suspect.table, row=suspect.key)

    async def write(self, job: Callable[[Work], T], step: Step = Step.OTHER) -> T:
        """Refuse.

        Raises:
            StoreError: ``READ_ONLY``.
        """
        raise StoreError("READ_ONLY", "this store was opened for reading only")

    async def close(self) -> None:
        """Close the connection."""
        self._readers.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


async def open_for_reading(url: str) -> ReadingStore:
    """Open a store to look at, whether a gateway writes it at the moment or not.

    Raises:
        StoreError: ``CANNOT_OPEN`` when there is none, ``SCHEMA_OTHER``, ``CORRUPT``, ``UNKNOWN_URL``.
    """
    path = path_of(url)
    if path is None or not path.is_file():
        raise StoreError("CANNOT_OPEN", f"there is no store at {url}; start the gateway once")
    engine = engine_for(path, READER, "BEGIN")
    with connected(engine) as probe:
        require_current(probe, SCHEMA)
    readers = Readers(engine, 1)
    try:
        return ReadingStore(readers, await readers.run(read_identity))
    except StoreError:
        readers.close()
        raise
