"""One writing process per store: an operating-system lock on a file beside it."""

import fcntl
import os
from pathlib import Path

from gateway.domain.errors import StoreError


class FileLock:
    """An exclusive lock that dies with the process.

    SQLite's own locks let two processes take turns; two writers taking turns is what releases before 3.51.3 could not
    always bear in WAL mode, and two gateways on one store would both send.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None

    def acquire(self) -> None:
        """Take the lock or fail at once.

        Raises:
            StoreError: ``LOCKED`` when somebody else has it, ``CANNOT_OPEN`` when the file cannot be made.
        """
        try:
            file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreError(
                "CANNOT_OPEN", f"cannot make {self._path}: {error.strerror}; check path and rights"
            ) from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.pread(file, 20, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(file)
            raise StoreError(
                "LOCKED",
                f"process {holder} has the store open for writing (lock {self._path}); stop it first, "
                "or ask the running gateway instead",
            ) from None
        os.ftruncate(file, 0)
        os.pwrite(file, str(os.getpid()).encode(), 0)
        self._file = file

    def release(self) -> None:
        """Give the lock back; the file stays, so that nobody locks a file that another has just removed."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
