"""Room for hard times: a file beside the store that is given up when the disk is full (R-DUR-9).

With the room that it leaves, what may not wait is stored: cancellations, acknowledgements, answers, timers. What asks
for more, new events and telemetry, is refused until there is space again, and the file is made anew.
"""

import os
from pathlib import Path
from typing import Final

import structlog

from gateway.domain.points import Step

ENDING: Final = ".ballast"
MIB: Final = 1 << 20
RENEW_S: Final = 5.0
"""Between looks whether there is space again, in real seconds."""
ORDINARY: Final = frozenset({Step.INTAKE, Step.TELEMETRY, Step.HEAD, Step.OTHER})
"""Steps that have to wait while space is scarce."""

log = structlog.get_logger()


class Ballast:
    """Holds space, gives it up, takes it back.

    Args:
        store: The store's file; the ballast lies beside it.
        size: Bytes to hold; 0: none, and nothing is ever scarce.
    """

    def __init__(self, store: Path, size: int) -> None:
        self._path = store.with_name(store.name + ENDING)
        self._size = size
        self._look_at_s = 0.0
        self.scarce = False
        """True from the moment in which the disk was full to that in which the space is held again."""

    def hold(self) -> None:
        """Take the space at the start; a disk without room for it is scarce from the first moment."""
        if self._size and not self._made():
            self.scarce = True
            log.error("store_space_scarce", why="no room for the ballast; make room on the disk")

    def give_up(self, now_s: float) -> None:
        """Leave the space to what may not wait.

        Args:
            now_s: Seconds of any steady clock.
        """
        if not self._size:
            return
        if not self.scarce:
            log.error("store_space_scarce", why="the disk is full; make room on it")
        self.scarce = True
        self._look_at_s = now_s + RENEW_S
        self._path.unlink(missing_ok=True)

    def look(self, now_s: float) -> None:
        """Take the space back when there is enough of it, half as much again included."""
        if not self.scarce or now_s < self._look_at_s:
            return
        self._look_at_s = now_s + RENEW_S
        if self._free() >= self._size * 3 // 2 and self._made():
            self.scarce = False
            log.warning("store_space_back")

    def _free(self) -> int:
        found = os.statvfs(self._path.parent)
        return found.f_bavail * found.f_frsize

    def _made(self) -> bool:
        if self._path.exists() and self._path.stat().st_size >= self._size:
            return True
        try:
            file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                os.posix_fallocate(file, 0, self._size)  # blocks, not a hole
            finally:
                os.close(file)
        except OSError as error:
            self._path.unlink(missing_ok=True)
            log.warning("store_ballast_not_made", why=error.strerror)
            return False
        return True
