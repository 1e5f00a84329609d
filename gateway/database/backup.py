"""Copies of a file: made while it is in use, proven by digest and check, put in place without a moment between."""

import hashlib
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final

from sqlalchemy import Connection

from gateway.database.engine import WRITER, connected, driver, engine_for
from gateway.database.failures import translated
from gateway.domain.errors import StoreError

RESTORING: Final = ".restoring"
"""Ends the name of a copy that is being put in place; while it lies there the store does not open."""
_CHUNK: Final = 1 << 20


def copy_out(connection: Connection, target: Path) -> str:
    """Copy a database as it stands, by SQLite's online backup, and prove the copy.

    Args:
        connection: Any; a reader's leaves the writer alone.
        target: A new file; beside it comes ``<target>.sha256``, as ``sha256sum -c`` reads it.

    Returns:
        The SHA-256 of the copy, lower-case hex.

    Raises:
        StoreError: ``CANNOT_OPEN`` when there is such a file already or none can be made, ``CORRUPT``, ``FULL``.
    """
    if target.exists():
        raise StoreError("CANNOT_OPEN", f"{target} exists; name a new file")
    part = _fresh(target.with_name(target.name + ".part"))
    try:
        with closing(sqlite3.connect(part)) as copy:
            driver(connection).backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE").fetchall()  # one file, nothing beside it
            _check(copy, part)
    except sqlite3.Error as error:
        raise translated(error) from error
    _flush(part)
    digest = digest_of(part)
    proof = _fresh(_proof_of(target))
    proof.write_text(f"{digest}  {target.name}\n")
    _flush(proof)
    part.rename(target)
    _flush(target.parent)
    return digest


def prove(copy: Path, look: Callable[[sqlite3.Connection], None]) -> str:
    """Check a copy: its digest, its structure, and what ``look`` finds in it; nothing is changed.

    Returns:
        The SHA-256.

    Raises:
        StoreError: ``CANNOT_OPEN``, ``BACKUP_UNPROVEN`` without its digest, ``CORRUPT``, and what ``look`` raises.
    """
    proof = _proof_of(copy)
    if not copy.is_file():
        raise StoreError("CANNOT_OPEN", f"there is no {copy}")
    if not proof.is_file():
        raise StoreError("BACKUP_UNPROVEN", f"there is no {proof.name} beside {copy}")
    digest = digest_of(copy)
    if proof.read_text().split()[:1] != [digest]:
        raise StoreError("CORRUPT", f"{copy} does not fit its digest; use another backup")
    try:
        with closing(sqlite3.connect(f"{copy.as_uri()}?mode=ro&immutable=1", uri=True)) as found:
            _check(found, copy)
            look(found)
    except sqlite3.Error as error:
        raise translated(error) from error
    return digest


def put_in_place(
    copy: Path,
    path: Path,
    change: Callable[[Connection], None],
    prepare: Callable[[Connection], None] = lambda _: None,
) -> Path | None:
    """Put a changed duplicate of a copy where a store is, or was; the caller holds the store's lock.

    The old files are moved aside, never deleted. A crash at any moment leaves the old store, the new one, or a file
    that keeps both from being opened until this is run again.

    Args:
        copy: A proven copy.
        path: The store's file.
        change: What is done to the duplicate before anybody sees it, in one transaction.
        prepare: What is done to it before that, in transactions of its own: migrations.

    Returns:
        Where the old store lies now; None when there was none.
    """
    new = path.with_name(path.name + RESTORING)
    new.unlink(missing_ok=True)
    _duplicate(copy, _fresh(new))
    with connected(engine_for(new, WRITER, "BEGIN IMMEDIATE")) as connection:
        prepare(connection)
        with connection.begin():
            change(connection)
    _flush(new)
    aside = _move_aside(path)
    new.rename(path)
    _flush(path.parent)
    return aside


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file, lower-case hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _proof_of(copy: Path) -> Path:
    return copy.with_name(copy.name + ".sha256")


def _fresh(path: Path) -> Path:
    """Make an empty file that only its owner can read."""
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
    except OSError as error:
        raise StoreError("CANNOT_OPEN", f"cannot make {path}: {error.strerror}") from error
    return path


def _duplicate(source: Path, target: Path) -> None:
    with source.open("rb") as read, target.open("wb") as written:
        while chunk := read.read(_CHUNK):
            written.write(chunk)


def _move_aside(path: Path) -> Path | None:
    if not path.exists():
        return None
    number = 1
    while (aside := path.with_name(f"{path.name}.replaced-{number}")).exists():
        number += 1
    # The write-ahead log goes first: beside a new file it would be copied into it.
    for ending in ("-wal", "-shm", ""):
        old = path.with_name(path.name + ending)
        if old.exists():
            old.rename(aside.with_name(aside.name + ending))
    return aside


def _check(connection: sqlite3.Connection, path: Path) -> None:
    (found,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
    if found != "ok":
        raise StoreError("CORRUPT", f"{path} is damaged: {found}")


def _flush(path: Path) -> None:
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
