"""File -> settings: every fault at once, each with file, line, key and the fix."""

import re
import tomllib
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Final

from gateway.config.check import contradictions
from gateway.config.draft import Faults, draft
from gateway.config.files import unusable_files
from gateway.config.settings import Settings
from gateway.domain.errors import ConfigError, Fault

LARGEST: Final = 1 << 20
_EXAMPLE: Final = "an annotated example comes with the project (gateway.example.toml)"
_WHERE: Final = re.compile(r" \(at (?:line (?P<line>\d+), column \d+|end of document)\)$")
_HUGE: Final = re.compile(r"\d{1000}|[eE][+-]?\d{7}")


@dataclass(frozen=True, slots=True)
class Loaded:
    """A checked configuration."""

    settings: Settings
    folder: Path
    """Relative paths count from here."""

    def path(self, given: Path) -> Path:
        """Resolve a path of the file."""
        return given if given.is_absolute() else self.folder / given


def load(file: Path, *, open_files: bool = False) -> Loaded:
    """Read and check a configuration file; no network is used.

    Args:
        file: TOML.
        open_files: Also open the certificates and keys that it names, as a gateway that starts will.

    Raises:
        ConfigError: with every fault found, in the order of the file.
    """
    text = _text(file)
    faults = Faults(file, text)
    folder = file.resolve().parent
    found = draft(_document(file, text), faults, folder)
    for place, what in contradictions(found):
        faults.add(place, what, "" if isinstance(what, Fault) else "CONTRADICTION")
    if open_files:
        for place, what in unusable_files(found):
            faults.add(place, what, "" if isinstance(what, Fault) else "UNUSABLE_FILE")
    if faults.listed:
        raise ConfigError(faults.listed)
    return Loaded(found.settings, folder)


def _text(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            raw = stream.read(LARGEST + 1)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise ConfigError((f"{file}: cannot be read ({why}); {_EXAMPLE}",), "NO_CONFIG") from None
    if len(raw) > LARGEST:
        raise ConfigError(
            (f"{file}: is larger than a configuration can be; {_EXAMPLE}",), "NO_CONFIG"
        )
    try:
        # Editors on Windows put a byte order mark in front; TOML does not know it.
        return raw.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise _not_toml(file, line, "not UTF-8; save the file in UTF-8") from None


def _document(file: Path, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text, parse_float=_exact)
    except RecursionError:
        raise _not_toml(file, 1, f"brackets nest too deep; {_EXAMPLE}") from None
    except tomllib.TOMLDecodeError as error:
        message = str(error)
        where = _WHERE.search(message)
        last = len(text.splitlines()) or 1
        line = int(where.group("line") or last) if where else 1
        what = _WHERE.sub("", message)
        raise _not_toml(file, line, f"not TOML: {what}; {_EXAMPLE}") from None
    except (InvalidOperation, ValueError):
        found = _HUGE.search(text)
        line = text.count("\n", 0, found.start()) + 1 if found else 1
        raise _not_toml(file, line, "a number is too large to be read") from None


def _not_toml(file: Path, line: int, what: str) -> ConfigError:
    at = f"{file}:{line}"
    return ConfigError((Fault(f"{at}  {what}", reason="NOT_TOML", place=at),))


def _exact(text: str) -> Decimal:
    return Decimal(text)
