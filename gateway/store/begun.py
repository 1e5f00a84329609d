"""Counts of begun attempts in a small file beside the store (``gateway.pipeline.attempts``)."""

import json
import os
from collections.abc import Collection
from pathlib import Path
from typing import Final

import structlog

from gateway.pipeline.attempts import MemoryAttempts

SUFFIX: Final = ".attempts"
_LARGEST: Final = 1 << 20

log = structlog.get_logger()


class FileAttempts(MemoryAttempts):
    """Counts that outlive the process: written before ``begin`` returns, in one system call, without a flush.

    Args:
        database: The store's file.
    """

    def __init__(self, database: Path) -> None:
        super().__init__()
        self._path = database.with_name(database.name + SUFFIX)
        self.counts = _read(self._path)

    def begin(self, keys: Collection[str]) -> None:
        """Count one more attempt at each item."""
        super().begin(keys)
        self._write()

    def end(self, keys: Collection[str]) -> None:
        """Forget the attempts at each item."""
        super().end(keys)
        self._write()

    def _write(self) -> None:
        line = json.dumps(self.counts).encode() + b"\n"
        try:
            file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                os.pwrite(file, line, 0)
                os.ftruncate(file, len(line))
            finally:
                os.close(file)
        except OSError as error:  # a full disk must not keep events out; this process still counts
            log.warning("attempts_not_kept", why=error.strerror)


def _read(path: Path) -> dict[str, int]:
    """Read the counts; a file that cannot be read says nothing."""
    try:
        with path.open("rb") as file:
            found = json.loads(file.readline(_LARGEST))
    except (OSError, ValueError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {key: count for key, count in found.items() if type(count) is int and count > 0}
