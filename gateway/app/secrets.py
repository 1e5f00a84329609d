"""Keys that a gateway makes for itself at its first start: private files under ``data_dir/keys``."""

import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway.database.place import flush_names
from gateway.domain.errors import ConfigError
from gateway.settlement.heads import LogKey

_LENGTH: Final = 32


def private_file(path: Path, make: Callable[[], bytes]) -> bytes:
    """Return a secret's bytes, made at the first call and kept with mode 0600.

    Args:
        path: Where it lives; the folder is made with mode 0700.
        make: Called once, when there is no such file; returns 32 bytes.

    Raises:
        ConfigError: the file can be read by others, is damaged, or cannot be written.
    """
    try:
        if not path.exists():
            secret = make()  # before anything is touched: it may refuse
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _write(path, secret)
        return _existing(path)
    except OSError as error:
        fix = "choose a data_dir that this user may read and write"
        raise ConfigError((f"{path}: {error.strerror}; {fix}",), "PRIVATE_FILE") from None


def _write(path: Path, secret: bytes) -> None:
    """Write under a name of its own, then link it in: no reader ever sees half a secret, no crash leaves one."""
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secret)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):  # another process was first: its secret counts
            os.link(fresh, path)
    finally:
        fresh.unlink()
    flush_names(
        path.parent
    )  # a key that a power loss takes away would be made anew, and be another one
    flush_names(path.parent.parent)


def _existing(path: Path) -> bytes:
    if path.stat().st_mode & 0o077:
        raise ConfigError(
            (f"{path}: can be read by others; run: chmod 600 {path}",), "PRIVATE_FILE"
        )
    secret = path.read_bytes()
    if len(secret) != _LENGTH:
        raise ConfigError(
            (f"{path}: must hold {_LENGTH} bytes; restore it from the backup",), "PRIVATE_FILE"
        )
    return secret


def installation_key(folder: Path, make: Callable[[], bytes]) -> bytes:
    """Return the key that derived intent ids hang on.

    Raises:
        ConfigError: as ``private_file``.
    """
    return private_file(folder / "installation.key", make)


def log_key(folder: Path, seed: bytes | None = None) -> LogKey:
    """Open the key that signs heads of the evidence log, made at the first start.

    Raises:
        ConfigError: the file cannot be used.
    """
    raw = seed or private_file(folder / "evidence-log.key", fresh_key)
    key = Ed25519PrivateKey.from_private_bytes(raw)
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return LogKey(public=public, sign=key.sign)


def fresh_key() -> bytes:
    """Draw 32 secret bytes."""
    return Ed25519PrivateKey.generate().private_bytes_raw()
