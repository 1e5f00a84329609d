"""A store whose transactions run where they are asked for: no threads, so that a run is the same every time."""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final, TypeVar

from sqlalchemy import Connection
from sqlalchemy.util import LRUCache

from gateway.database.database import Database, path_of
from gateway.database.engine import WRITER, connected, engine_for
from gateway.database.failures import DatabaseFailure, translated
from gateway.database.schema import bring_up_to_date
from gateway.domain.errors import StoreError
from gateway.domain.points import Step, Watch
from gateway.domain.ports import Ids
from gateway.store.identity import settled_identity
from gateway.store.open import SCHEMA
from gateway.store.sqlite_store import SqliteStore

T = TypeVar("T")

KILLED: Final = {**WRITER, "synchronous": 0}
"""What a process has written outlives its death without a flush; power loss is looked at elsewhere."""
_COMPILED: Final = LRUCache[Any, Any](500)


class InlineDatabase(Database):
    """The same file, schema and points as ``Database``, on the caller's thread.

    Args:
        path: The file.
        at: Is told the points.
    """

    def __init__(self, path: Path, at: Watch) -> None:
        self.path = path
        self._at = at
        self._undo = ExitStack()
        engine = engine_for(path, KILLED, "BEGIN IMMEDIATE")
        # Every life has an engine of its own; what SQL looks like need be worked out once.
        self._connection = connected(engine.execution_options(compiled_cache=_COMPILED))
        self._undo.callback(self._connection.close)
        bring_up_to_date(self._connection, SCHEMA)

    async def write(self, job: Callable[[Connection], T], step: Step = Step.OTHER) -> T:
        """Run a job in a transaction of its own."""
        try:
            with self._connection.begin():
                self._at(f"{step}.begun")
                value = job(self._connection)
                self._at(f"{step}.ran")
        except DatabaseFailure as error:
            raise translated(error) from error
        self._at(f"{step}.committed")
        self._at(f"{step}.told")
        return value

    async def read(self, job: Callable[[Connection], T]) -> T:
        """Run a job that does not write, and undo what it did all the same."""
        with self._connection.begin() as transaction:
            value = job(self._connection)
            transaction.rollback()
        return value

    async def close(self) -> None:
        """Close the file."""
        self.let_go()


async def open_inline(url: str, ids: Ids, watch: Watch) -> SqliteStore:
    """Open a store as ``gateway.app.bootstrap.Wiring.store`` asks for it; raises as ``open_in``."""
    return await open_in(InlineDatabase, url, ids, watch)


async def open_in(kind: type[InlineDatabase], url: str, ids: Ids, watch: Watch) -> SqliteStore:
    """Open a store in a kind of database.

    Raises:
        StoreError: ``UNKNOWN_URL`` for a store without a file, and as ``open_store``.
    """
    path = path_of(url)
    if path is None:
        raise StoreError("UNKNOWN_URL", "a store that is to be copied needs a file")
    database = kind(path, watch)
    drawn = ids.uuid()
    identity = await database.write(
        lambda connection: settled_identity(connection, drawn), Step.OPENING
    )
    return SqliteStore(database, [identity])
