"""The one way to a store: open, check, migrate, settle who it is, look over what is still at stake."""

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

from gateway.database.database import Options, open_database
from gateway.database.schema import Schema
from gateway.domain.points import Step, Watch
from gateway.domain.ports import Ids
from gateway.store.identity import settled_identity
from gateway.store.sqlite_store import SqliteStore

SCHEMA: Final = Schema(name="store", head="0008", migrations=Path(__file__).parent / "migrations")

Opening = Callable[[str, Ids, Watch], Awaitable[SqliteStore]]
"""Opens the store at a URL, with ids to draw from and somebody who is told the points; may raise ``StoreError``."""


async def open_store(url: str, *, ids: Ids, options: Options | None = None) -> SqliteStore:
    """Open a store for writing, to be used as a context manager or closed.

    Args:
        url: ``sqlite:///path/to/file.db``, relative or absolute, or ``sqlite://`` for one that ends with the process.
        ids: Draws the id of a new store.
        options: Bounds of the writer.

    Raises:
        StoreError: ``LOCKED``, ``CANNOT_OPEN``, ``UNSAFE_PRAGMA``, ``CORRUPT``, ``SCHEMA_NEWER``, ``UNKNOWN_URL``.
    """
    async with AsyncExitStack() as undo:
        database = await open_database(url, (SCHEMA,), options)
        undo.push_async_callback(database.close)
        drawn = ids.uuid()
        identity = await database.write(
            lambda connection: settled_identity(connection, drawn), Step.OPENING
        )
        store = SqliteStore(database, [identity])
        await store.look_over()
        undo.pop_all()
    return store


async def open_watched(url: str, ids: Ids, watch: Watch) -> SqliteStore:
    """Open a store whose points somebody is told; raises as ``open_store``."""
    return await open_store(url, ids=ids, options=Options(at=watch))
