"""Where a gateway keeps its keys, its store and its reports."""

from pathlib import Path

from gateway.config.load import Loaded
from gateway.domain.errors import ConfigError


def data_dir(loaded: Loaded) -> Path:
    """Return the folder of keys, store and reports, made if need be.

    Raises:
        ConfigError: it cannot be made.
    """
    folder = loaded.path(loaded.settings.gateway.data_dir)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        fix = "[gateway] data_dir must be a folder that this user may write"
        raise ConfigError((f"{folder}: {error.strerror}; {fix}",), "DATA_DIR") from None
    return folder


def store_url(loaded: Loaded) -> str:
    """Return the store's URL with its path resolved under ``data_dir``."""
    url = loaded.settings.store.url
    path = url.removeprefix("sqlite://").removeprefix("/")
    return f"sqlite:///{data_dir(loaded) / path}" if path else url
