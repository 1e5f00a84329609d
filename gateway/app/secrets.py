"""Keys that a gateway makes for itself at its first start: private files under ``data_dir/keys``."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from gateway.domain.errors import ConfigError

_LENGTH: Final = 32


def private_file(path: Path, make: Callable[[], bytes]) -> bytes:
    """Return a secret's bytes, made at the first call and kept with mode 0600.

    Args:
        path: Where it lives; the folder is made with mode 0700.
        make: Called once, when there is no such file.

    Raises:
        ConfigError: the file can be read by others, or cannot be written.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return _existing(path)
        with os.fdopen(descriptor, "wb") as file:
            secret = make()
            file.write(secret)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        fix = "choose a data_dir that this user may write"
        raise ConfigError((f"{path}: {error.strerror}; {fix}",)) from None
    return secret


def _existing(path: Path) -> bytes:
    if path.stat().st_mode & 0o077:
        raise ConfigError((f"{path}: can be read by others; run: chmod 600 {path}",))
    return path.read_bytes()


def installation_key(folder: Path, make: Callable[[], bytes]) -> bytes:
    """Return the key that derived intent ids hang on.

    Raises:
        ConfigError: as ``private_file``, or the file is damaged.
    """
    path = folder / "installation.key"
    key = private_file(path, make)
    if len(key) != _LENGTH:
        raise ConfigError((f"{path}: must hold {_LENGTH} bytes; restore it from the backup",))
    return key
