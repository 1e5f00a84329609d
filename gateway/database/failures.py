"""What went wrong in SQLite, as a ``StoreError`` with a stable reason and a fix."""

import sqlite3
from typing import Final

from sqlalchemy.exc import DBAPIError

from gateway.domain.errors import StoreError

DatabaseFailure = (DBAPIError, sqlite3.Error)
"""What to catch around SQL."""

FLUSH_FAILED: Final = "FLUSH_FAILED"
FINAL: Final = frozenset({FLUSH_FAILED, "CORRUPT"})
"""After one of these nothing may be written until a restart has looked at the files again."""
WHOLE_TRANSACTION: Final = FINAL | {"FULL", "NO_MEMORY"}
"""SQLite may have rolled back everything, not only the statement."""

_REASONS: Final = {
    sqlite3.SQLITE_FULL: (
        "FULL",
        "the disk is full; writing goes on by itself when there is space",
    ),
    sqlite3.SQLITE_IOERR: (
        FLUSH_FAILED,
        "the disk reported an input/output error, so nothing more is written; check the disk, then restart",
    ),
    sqlite3.SQLITE_CORRUPT: ("CORRUPT", "the store's file is damaged; restore the latest backup"),
    sqlite3.SQLITE_NOTADB: ("CORRUPT", "the store's file is no SQLite database; check the url"),
    sqlite3.SQLITE_READONLY: ("READ_ONLY", "the store cannot be written on this connection"),
    sqlite3.SQLITE_CANTOPEN: (
        "CANNOT_OPEN",
        "the store's file cannot be opened; check path and rights",
    ),
    sqlite3.SQLITE_PERM: (
        "CANNOT_OPEN",
        "the store's file cannot be opened; check path and rights",
    ),
    sqlite3.SQLITE_BUSY: ("BUSY", "another process holds the store; close it"),
    sqlite3.SQLITE_LOCKED: ("BUSY", "another connection holds the table"),
    sqlite3.SQLITE_NOMEM: ("NO_MEMORY", "there was no memory for a write"),
    sqlite3.SQLITE_CONSTRAINT: ("CONSTRAINT", "the row breaks a rule of the schema"),
    sqlite3.SQLITE_TOOBIG: ("TOO_LARGE", "a value is too large for the store"),
}


def translated(error: DBAPIError | sqlite3.Error) -> StoreError:
    """Turn a driver's error into ours; SQL parameters are left out, they may be customer data."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    code = getattr(cause, "sqlite_errorcode", None)
    known = _REASONS.get(code & 0xFF) if isinstance(code, int) else None
    if known is None:
        return StoreError("FAILED", f"SQLite refused: {cause}")
    reason, fix = known
    return StoreError(reason, f"{fix} ({getattr(cause, 'sqlite_errorname', '')}: {cause})")
