"""The keys of an installation in one private file: without them a backup of the store cannot be started on.

The installation key decides the ids of intents, the log key signs heads that old proofs hang on, the signing key is
what sites know the gateway by. They are secrets; they never go into the store's own backup.
"""

import io
import os
import tarfile
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Final

from gateway.app.secrets import log_key
from gateway.domain.errors import StoreError

LARGEST: Final = 64 << 10
MOST: Final = 64
_INSTALLATION: Final = "installation.key"
_LOG: Final = "evidence-log.key"


def pack_keys(folder: Path, target: Path) -> tuple[str, ...]:
    """Write every file of a key folder into a new archive that only its owner can read; return their names.

    Args:
        folder: ``data_dir/keys``.
        target: A new file.

    Raises:
        StoreError: ``CANNOT_OPEN`` when there are no keys, or the file exists or cannot be made.
    """
    names = sorted(path.name for path in folder.glob("*") if path.is_file())
    if not names:
        raise StoreError("CANNOT_OPEN", f"there are no keys in {folder}; start the gateway once")
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name in names:
            content = (folder / name).read_bytes()
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o600
            archive.addfile(entry, io.BytesIO(content))
    _write_new(target, packed.getvalue())
    return tuple(names)


def unpack_keys(source: Path, folder: Path) -> tuple[str, ...]:
    """Put packed keys into a key folder; a key that is there with other content is never replaced.

    Raises:
        StoreError: ``CANNOT_OPEN`` for a file that is no such archive, ``KEYS_DIFFER``.
    """
    found = _unpacked(source)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, content in found.items():
        there = folder / name
        if there.exists() and there.read_bytes() != content:
            raise StoreError(
                "KEYS_DIFFER", f"{there} is another key than the archive's; move it away first"
            )
    for name, content in found.items():
        if not (folder / name).exists():
            _write_new(folder / name, content)
    return tuple(found)


def keys_fit(folder: Path, wanted: Mapping[str, str]) -> tuple[str, ...]:
    """Compare a key folder with the digests that a store was written with; return what is wrong, empty when all fits.

    Raises:
        ConfigError: a key file is damaged or can be read by others.
    """
    faults = []
    for name, file in (("installation", _INSTALLATION), ("log_id", _LOG)):
        if name not in wanted:
            continue
        if not (folder / file).is_file():
            faults.append(f"{folder / file} is missing")
        elif _digest_of(folder, name) != wanted[name]:
            faults.append(f"{folder / file} is another key than this backup was written with")
    return tuple(faults)


def _digest_of(folder: Path, name: str) -> str:
    if name == "log_id":
        return log_key(folder).log_id
    return sha256((folder / _INSTALLATION).read_bytes()).hexdigest()


def _unpacked(source: Path) -> Mapping[str, bytes]:
    found: dict[str, bytes] = {}
    try:
        with tarfile.open(source, mode="r:") as archive:
            for entry in archive:
                plain = entry.isfile() and "/" not in entry.name and not entry.name.startswith(".")
                content = archive.extractfile(entry) if plain else None
                if content is None or entry.size > LARGEST or len(found) >= MOST:
                    raise StoreError("CANNOT_OPEN", f"{source} is no archive of keys; use another")
                found[entry.name] = content.read()
    except (tarfile.TarError, OSError) as error:
        raise StoreError("CANNOT_OPEN", f"{source} is no archive of keys ({error})") from None
    return found


def _write_new(path: Path, content: bytes) -> None:
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise StoreError("CANNOT_OPEN", f"cannot make {path}: {error.strerror}") from error
    with os.fdopen(file, "wb") as written:
        written.write(content)
        written.flush()
        os.fsync(written.fileno())
