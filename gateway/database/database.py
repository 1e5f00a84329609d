"""One SQLite file, open: locked against other processes, checked, migrated, with its writer and its readers."""

import asyncio
import shutil
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Self, TypeVar

import structlog
from sqlalchemy import Connection

from gateway.database.backup import RESTORING
from gateway.database.ballast import Ballast
from gateway.database.engine import READER, WRITER, connected, driver, engine_for
from gateway.database.failures import DatabaseFailure, translated
from gateway.database.lock import FileLock
from gateway.database.place import flush_names, refuse_remote, write_anew
from gateway.database.readers import Readers
from gateway.database.schema import Schema, bring_up_to_date
from gateway.database.writer import Limits, Writer
from gateway.domain.errors import StoreError
from gateway.domain.points import Step, Watch, unwatched

log = structlog.get_logger()

T = TypeVar("T")

READERS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a file is opened."""

    limits: Limits | None = None
    at: Watch = unwatched
    """Is told the points of the writer."""


def path_of(url: str) -> Path | None:
    """Return the file that a store's url names; None for ``sqlite://``, which lives as long as the process.

    Raises:
        StoreError: ``UNKNOWN_URL``.
    """
    if url in {"sqlite://", "sqlite:///:memory:"}:
        return None
    prefix = "sqlite:///"
    if not url.startswith(prefix) or len(url) == len(prefix):
        raise StoreError("UNKNOWN_URL", "a store's url is sqlite:///path/to/file.db or sqlite://")
    return Path(url.removeprefix(prefix))


class Database:
    """An open file; made by ``open_database``."""

    def __init__(self, path: Path, writer: Writer, undo: ExitStack) -> None:
        self.path = path
        self.writer = writer
        self._undo = undo
        self._readers: Readers | None = None

    async def open(self) -> None:
        """Connect the writer, which migrates the file, then the readers."""
        await self.writer.open()
        self._readers = Readers(engine_for(self.path, READER, "BEGIN"), READERS)

    async def hold(self, size: int) -> None:
        """Hold space beside the file, in bytes, for the moment in which the disk is full."""
        ballast = Ballast(self.path, size)
        await asyncio.to_thread(ballast.hold)
        self.writer.ballast = ballast

    async def write(self, job: Callable[[Connection], T], step: Step = Step.OTHER) -> T:
        """Run a job on the writer; see ``Writer.run``."""
        return await self.writer.run(job, step)

    async def read(self, job: Callable[[Connection], T]) -> T:
        """Run a job on a reader; see ``Readers.run``.

        Raises:
            StoreError: ``CLOSED``.
        """
        if self._readers is None:
            raise StoreError("CLOSED", "the store was closed")
        return await self._readers.run(job)

    async def close(self) -> None:
        """Finish what waits and let go of the file; safe to repeat."""
        readers, self._readers = self._readers, None
        if readers is not None:
            # Readers first: the last connection to close checkpoints, and that shall be the writer's.
            readers.close()
            await self.writer.close()
        self.let_go()

    def let_go(self) -> None:
        """Release the lock, and remove the file when it was a temporary one."""
        self._undo.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


async def open_database(
    url: str, schemas: Sequence[Schema], options: Options | None = None
) -> Database:
    """Open, check and migrate a file.

    ``sqlite://`` gets a file of its own in a new temporary folder, removed at ``close``: the same code with the same
    guarantees, except that nobody finds it again.

    Raises:
        StoreError: ``UNKNOWN_URL``, ``LOCKED``, ``CANNOT_OPEN``, ``UNSAFE_PRAGMA``, ``CORRUPT``, ``SCHEMA_NEWER``,
            ``RESTORE_UNFINISHED``, ``REMOTE_DISK``.
    """
    options = options or Options()
    with ExitStack() as undo:
        path = _place(url, undo)
        lock = FileLock(path.with_name(path.name + ".lock"))
        lock.acquire()
        undo.callback(lock.release)
        _refuse_unfinished(path)
        if not path.exists():
            path.touch(mode=0o600)  # customers' data; SQLite gives its other files the same rights
        writer = Writer(lambda: _connect(path, schemas), limits=options.limits, at=options.at)
        database = Database(path, writer, undo.pop_all())
        undo.callback(database.let_go)
        await database.open()
        undo.pop_all()
    return database


def _place(url: str, undo: ExitStack) -> Path:
    named = path_of(url)
    if named is None:
        folder = Path(tempfile.mkdtemp(prefix="gridgate-"))
        undo.callback(shutil.rmtree, folder)
        named = folder / "store.db"
    path = named.resolve()
    if not path.parent.is_dir():
        raise StoreError("CANNOT_OPEN", f"there is no folder {path.parent}; make it first")
    refuse_remote(path.parent)
    return path


def _refuse_unfinished(path: Path) -> None:
    unfinished = path.with_name(path.name + RESTORING)
    if unfinished.exists():
        raise StoreError(
            "RESTORE_UNFINISHED", f"a restore was interrupted ({unfinished.name}); run it again"
        )


def _made_sure(connection: Connection) -> None:
    """Copy everything in the log, which was just made sure of, into the file, before anything is built on it."""
    try:
        driver(connection).execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except DatabaseFailure as error:
        failure = translated(error)
        if failure.reason != "FULL":  # a full disk is served, as far as it goes
            raise
        log.error("store_checkpoint_failed", reason=failure.reason, detail=failure.detail)


def _connect(path: Path, schemas: Sequence[Schema]) -> Connection:
    with ExitStack() as undo:
        # First of all: a log of which the disk has only a part would otherwise shine through what is copied from it.
        write_anew(path.with_name(path.name + "-wal"))
        connection = connected(engine_for(path, WRITER, "BEGIN IMMEDIATE"))
        undo.callback(connection.close)
        # Reads every page once, about 1 GB/s from the cache.
        (found,) = driver(connection).execute("PRAGMA quick_check(1)").fetchone()
        if found != "ok":
            raise StoreError("CORRUPT", f"the file is damaged: {found}; restore the latest backup")
        _made_sure(connection)
        for schema in schemas:
            bring_up_to_date(connection, schema)
        flush_names(path.parent)
        undo.pop_all()
    return connection
