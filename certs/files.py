"""Put certificates and keys into files: private, never over something that is there; and read them back."""

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from certs.issue import Leaf
from gateway.domain.errors import MisuseError

PRIVATE: Final = 0o600
PUBLIC: Final = 0o644
_FOLDER: Final = 0o700
_NAME: Final = re.compile(r"[A-Za-z0-9:][A-Za-z0-9:._-]*")
_LARGEST: Final = 1 << 20
"""Bytes that a file of certificates may have; the longest real chains take a hundredth of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewFile:
    """A file to be made."""

    path: Path
    content: bytes
    mode: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LeafFiles:
    """Where a leaf was written."""

    certificate: Path
    """Chain, leaf first, PEM."""
    key: Path
    """Private key, PEM, readable by its owner alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A file that was read."""

    path: Path
    content: bytes
    mode: int
    """Permission bits."""


def write(leaf: Leaf, folder: Path, name: str) -> LeafFiles:
    """Write a leaf as ``<name>.pem`` (chain) and ``<name>.key``; makes the folder when it is missing.

    Raises:
        MisuseError: ``ALREADY_EXISTS``, and then nothing was written; ``INVALID_NAME`` when ``name`` is no plain
            file name; ``NOT_WRITABLE`` when the system refuses.
    """
    files = leaf_files(folder, name)
    create(new_files(leaf, files))
    return files


def leaf_files(folder: Path, name: str) -> LeafFiles:
    """Say where a leaf of this name belongs.

    Raises:
        MisuseError: ``INVALID_NAME``.
    """
    if not _NAME.fullmatch(name):
        raise MisuseError(
            "INVALID_NAME", f"{name!r} is no plain file name; use letters, digits, : . _ -"
        )
    return LeafFiles(certificate=folder / f"{name}.pem", key=folder / f"{name}.key")


def new_files(leaf: Leaf, files: LeafFiles) -> tuple[NewFile, NewFile]:
    """Return what ``write`` makes, the key first."""
    return (
        NewFile(path=files.key, content=leaf.key_pem, mode=PRIVATE),
        NewFile(path=files.certificate, content=leaf.chain_pem, mode=PUBLIC),
    )


def create(files: Iterable[NewFile]) -> None:
    """Make all of the files or none of them.

    Raises:
        MisuseError: ``ALREADY_EXISTS``; ``NOT_WRITABLE``.
    """
    made: list[Path] = []
    try:
        for file in files:
            file.path.parent.mkdir(mode=_FOLDER, parents=True, exist_ok=True)
            _create(file, made)
    except OSError as error:
        for path in made:
            path.unlink(missing_ok=True)
        raise _refusal(error) from error


def _create(file: NewFile, made: list[Path]) -> None:
    # O_EXCL creates the file with its mode in one step: no moment in which a key lies open or a link is followed.
    handle = os.open(file.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, file.mode)
    made.append(file.path)
    with os.fdopen(handle, "wb") as stream:
        stream.write(file.content)
        stream.flush()
        os.fsync(handle)


def _refusal(error: OSError) -> MisuseError:
    if isinstance(error, FileExistsError):
        return MisuseError(
            "ALREADY_EXISTS",
            f"{error.filename} is there already and is never overwritten; choose another folder or name, "
            "or remove it yourself",
        )
    return MisuseError("NOT_WRITABLE", f"cannot write {error.filename}: {error.strerror}")


def read(path: Path) -> Found:
    """Read a file of certificates or keys.

    Raises:
        MisuseError: ``NOT_READABLE`` when it is missing, a folder, not readable, or over 1 MiB.
    """
    try:
        with path.open("rb") as stream:
            mode = os.fstat(stream.fileno()).st_mode & 0o777
            content = stream.read(_LARGEST + 1)
    except OSError as error:
        raise MisuseError("NOT_READABLE", f"cannot read {path}: {error.strerror}") from error
    if len(content) > _LARGEST:
        raise MisuseError(
            "NOT_READABLE", f"{path} is over 1 MiB, too large for certificates; name another file"
        )
    return Found(path=path, content=content, mode=mode)
