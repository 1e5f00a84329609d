"""What must never leave this machine: secrets as they lie in files, and identities as they look in text."""

import base64
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.serialization import load_pem_private_key

from gateway.config.load import Loaded

HIDDEN: Final = "***"
SHORTEST: Final = 12
"""Shorter texts are found everywhere by chance."""
_SECRET_KEYS: Final = re.compile(r"(secret|token|password|passphrase|pin|authorization)$", re.I)
_IDENTITIES: Final = (
    re.compile(
        r"\b(?:[0-9A-Fa-f]{2}:){9,}[0-9A-Fa-f]{2}\b"
    ),  # fingerprints, as written with colons
    re.compile(r"\b[0-9A-F]{40}\b"),  # LFDI
    re.compile(r"\b[0-9A-F]{64}\b"),  # SHA-256 of a certificate
)
_USER_INFO: Final = re.compile(r"(?<=://)[^/\s@]+@")
_QUERY: Final = re.compile(r"(?<=\?)[^\s\"'<>]+")
_LARGEST_KEY: Final = 1 << 20


def redacted(text: str) -> str:
    """Hide identities and passwords in URLs; secrets themselves never get as far as a text."""
    for pattern in _IDENTITIES:
        text = pattern.sub(HIDDEN, text)
    if "://" in text:
        text = _QUERY.sub(HIDDEN, text)
    return _USER_INFO.sub(f"{HIDDEN}@", text)


def redacted_tree(value: Any, key: str = "") -> Any:
    """Hide the same in plain JSON values, and every value of a key that names a secret; paths of files stay."""
    if isinstance(value, dict):
        return {name: redacted_tree(inner, str(name)) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [redacted_tree(inner, key) for inner in value]
    if value is not None and _SECRET_KEYS.search(key):
        return HIDDEN
    return redacted(value) if isinstance(value, str) else value


def secret_files(loaded: Loaded) -> Iterator[Path]:
    """Yield every file that holds a secret of this installation."""
    folder = loaded.path(loaded.settings.gateway.data_dir) / "keys"
    if folder.is_dir():
        yield from sorted(path for path in folder.rglob("*") if path.is_file())
    settings = loaded.settings
    for key in (settings.southbound.key, *(section.key for section in settings.utility)):
        if key is not None:
            yield loaded.path(key)
    yield from _named_secrets(loaded)


def _named_secrets(loaded: Loaded) -> Iterator[Path]:
    """Yield what the configuration names as ``…_file``: secrets are never written into it."""

    def walk(value: Any, key: str) -> Iterator[str]:
        if isinstance(value, dict):
            for name, inner in value.items():
                yield from walk(inner, str(name))
        elif isinstance(value, list):
            for inner in value:
                yield from walk(inner, key)
        elif isinstance(value, str) and re.search(r"(secret|token|password)s?(_file)?s?$", key):
            yield value

    for text in walk(loaded.settings.model_dump(mode="json"), ""):
        path = loaded.path(Path(text))
        if path.is_file():
            yield path


def known_secrets(files: Iterable[Path]) -> frozenset[bytes]:
    """Return the forms in which secrets could show: raw, hexadecimal, base64, and the lines of PEM files."""
    found: set[bytes] = set()
    for path in files:
        try:
            raw = path.read_bytes()[:_LARGEST_KEY]
        except OSError:
            continue  # what this user cannot read he cannot leak
        found |= _forms(raw)
    return frozenset(form for form in found if len(form) >= SHORTEST)


def _forms(raw: bytes) -> set[bytes]:
    if b"-----BEGIN" in raw:
        lines = {line.strip() for line in raw.splitlines() if not line.startswith(b"-----")}
        return {line for line in lines if len(line) >= SHORTEST} | _private_number(raw)
    texts = {raw.strip(), *(line.strip() for line in raw.splitlines())}
    return texts | {raw} | _encoded(raw)


def _encoded(raw: bytes) -> set[bytes]:
    plain = {base64.b64encode(raw), base64.urlsafe_b64encode(raw)}
    hexes = {raw.hex().encode(), raw.hex().upper().encode()}
    return {form.rstrip(b"=") for form in plain} | hexes


def _private_number(pem: bytes) -> set[bytes]:
    """Return the private number of an elliptic key in the forms that JSON and logs would show."""
    try:
        numbers = load_pem_private_key(pem, None).private_numbers()  # type: ignore[union-attr]  # those without are caught
        value = int(numbers.private_value)  # type: ignore[union-attr]  # as above
    except (ValueError, TypeError, AttributeError):
        return set()
    raw = value.to_bytes((value.bit_length() + 7) // 8, "big")
    return _encoded(raw) | {raw, str(value).encode()}


def leaked(secrets: Iterable[bytes], content: bytes) -> bool:
    """Say whether a content holds one of the secrets."""
    return any(secret in content for secret in secrets)
