"""Where a store may lie: on a disk of this machine, whose locks and flushes can be relied on (R-DUR-5)."""

import errno
import os
from pathlib import Path
from typing import Final

from gateway.domain.errors import StoreError

_PIECE: Final = 1 << 20
_MOUNTS: Final = Path("/proc/self/mountinfo")
_REMOTE: Final = frozenset(
    {
        "9p",
        "afs",
        "ceph",
        "cifs",
        "fuse.ceph-fuse",
        "fuse.glusterfs",
        "fuse.s3fs",
        "fuse.sshfs",
        "glusterfs",
        "lustre",
        "ncpfs",
        "nfs",
        "nfs4",
        "smb3",
        "smbfs",
    }
)


def refuse_remote(folder: Path, mounts: str | None = None) -> None:
    """Refuse a folder on a network file system.

    Args:
        folder: Absolute, links resolved.
        mounts: The kernel's list of mounts; read from ``/proc`` when not given, and not asked where there is none.

    Raises:
        StoreError: ``REMOTE_DISK``.
    """
    if mounts is None:
        mounts = _MOUNTS.read_text() if _MOUNTS.exists() else ""
    kind = _kind_of(folder, mounts)
    if kind in _REMOTE:
        raise StoreError(
            "REMOTE_DISK",
            f"{folder} is on a network file system ({kind}), where a write-ahead log is not safe; use a local disk",
        )


def flush_names(folder: Path) -> None:
    """Make the names in a folder durable; SQLite does so too, but goes on when it fails.

    Raises:
        StoreError: ``FLUSH_FAILED``.
    """
    file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    except OSError as error:
        raise StoreError(
            "FLUSH_FAILED", f"{folder} could not be flushed: {error.strerror}; check the disk"
        ) from error
    finally:
        os.close(file)


def _kind_of(folder: Path, mounts: str) -> str:
    """Return the type of the file system that holds a folder; of two mounts at one place the later one is seen."""
    best, kind = -1, ""
    for line in mounts.splitlines():
        fields, _, rest = line.partition(" - ")
        where = fields.split()[4:5]
        if not where or not rest.split():
            continue
        # Spaces in a path stand as \040.
        point = Path(where[0].encode().decode("unicode_escape"))
        if folder.is_relative_to(point) and len(point.parts) >= best:
            best, kind = len(point.parts), rest.split()[0]
    return kind


def write_anew(file: Path) -> None:
    """Write a file's bytes over themselves and flush them; a file that is not there is fine.

    After a flush that failed, the operating system may hold pages for clean that the disk never got, and the next
    flush passes them over. Writing them again makes sure of them, before anything is built on them (R-DUR-9).

    Raises:
        StoreError: ``FLUSH_FAILED`` or ``CANNOT_OPEN``.
    """
    if not file.exists():
        return
    try:
        opened = os.open(file, os.O_RDWR | os.O_CLOEXEC)
        try:
            place = 0
            while piece := os.pread(opened, _PIECE, place):
                place += os.pwrite(opened, piece, place)
            os.fsync(opened)
        finally:
            os.close(opened)
    except OSError as error:
        reason = "FLUSH_FAILED" if error.errno == errno.EIO else "CANNOT_OPEN"
        detail = f"{file} cannot be written: {error.strerror}; check disk and rights, then restart"
        raise StoreError(reason, detail) from error
