"""One gateway per store and machine, wherever its files lie: a copy of a store is found at once by the store's id."""

import os
import socket
import struct
import sys

from gateway.domain.errors import FencedError


class HostLock:
    """Holds an abstract UNIX socket named after a store; it dies with the process and leaves no file behind.

    Other machines, and containers with a network of their own, do not see it: there the sites tell (ADR 15).

    Args:
        store_id: Of the store.
    """

    def __init__(self, store_id: str) -> None:
        self._store_id = store_id
        self._held: socket.socket | None = None

    def acquire(self) -> None:
        """Take the name or fail at once; a system without abstract sockets has no such lock.

        Raises:
            FencedError: ``CLONE_RUNNING`` when a gateway on a copy of this store runs on this machine.
        """
        if sys.platform != "linux":
            return
        held = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        try:
            held.bind(self._name)
            held.listen(1)
        except OSError:
            held.close()
            raise FencedError(
                "CLONE_RUNNING",
                f"process {self._holder()} on this machine runs a gateway on a copy of this store "
                f"(store {self._store_id[:8]}); stop one of the two",
            ) from None
        self._held = held

    def release(self) -> None:
        """Give the name back; safe to repeat."""
        if self._held is not None:
            self._held.close()
            self._held = None

    @property
    def _name(self) -> bytes:
        return b"\0gridgate-store-" + self._store_id.encode()[:80]

    def _holder(self) -> str:
        """Return who listens, as the kernel says it."""
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(1.0)
            try:
                probe.connect(self._name)
                found = probe.getsockopt(
                    socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")
                )
            except OSError:
                return "unknown"
        pid, _, _ = struct.unpack("3i", found)
        return str(pid) if pid and pid != os.getpid() else "unknown"
