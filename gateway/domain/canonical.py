"""Canonical JSON (RFC 8785) for documents without floats, and JSON read with suspicion."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any, Final, NoReturn

import orjson

from gateway.domain.errors import MisuseError, WireError

MAX_DEPTH: Final = 32
MAX_SAFE_INTEGER: Final = 2**53 - 1


def canonical(document: object) -> bytes:
    """Write a document as RFC 8785 JSON.

    Args:
        document: Only str, bool, None, int below 2^53, list, tuple and dict with ASCII keys. Quantities are strings:
            floats have no place in a signed document.

    Raises:
        MisuseError: ``NOT_CANONICAL`` for anything else.
    """
    _check(document, MAX_DEPTH)
    try:
        return orjson.dumps(document, option=orjson.OPT_SORT_KEYS)
    except TypeError as error:
        raise MisuseError("NOT_CANONICAL", str(error)) from None


def _check(value: object, depth: int) -> None:
    if value is None or isinstance(value, str | bool):
        return
    if depth == 0:
        raise MisuseError("NOT_CANONICAL", f"nested deeper than {MAX_DEPTH}")
    if isinstance(value, int):
        if abs(value) > MAX_SAFE_INTEGER:
            raise MisuseError("NOT_CANONICAL", "an integer must stay below 2^53")
    elif isinstance(value, dict):
        if not all(type(key) is str and key.isascii() for key in value):
            raise MisuseError("NOT_CANONICAL", "keys must be ASCII strings")
        _check_each(value.values(), depth - 1)
    elif isinstance(value, list | tuple):
        _check_each(value, depth - 1)
    else:
        raise MisuseError("NOT_CANONICAL", f"{type(value).__name__} has no canonical form")


def _check_each(values: Iterable[object], depth: int) -> None:
    for value in values:
        if type(value) is not str:  # most are, and a call for each would cost more than the writing
            _check(value, depth)


def digest(document: object) -> str:
    """Return the SHA-256 of the canonical form, lower-case hex."""
    return hashlib.sha256(canonical(document)).hexdigest()


def read_json(body: bytes, *, largest: int = 1 << 20) -> Any:
    """Read JSON from outside: no duplicate keys, NaN, infinities, floats out of range, deep nesting or bad text.

    Returns:
        dict, list, str, int, float, bool or None.

    Raises:
        WireError: ``TOO_LARGE``, ``MALFORMED_JSON``, ``DUPLICATE_KEY`` or ``INVALID_NUMBER``.
    """
    if len(body) > largest:
        raise WireError("TOO_LARGE", f"a body may have {largest} bytes here")
    try:
        found = json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_no_duplicates,
            parse_constant=_no_constant,
            parse_float=_finite,
            parse_int=_bounded_int,
        )
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise WireError("MALFORMED_JSON", f"the body is no JSON in UTF-8: {error}") from None
    except RecursionError:
        raise WireError("MALFORMED_JSON", f"nested deeper than {MAX_DEPTH}") from None
    _check_depth(found, MAX_DEPTH)
    return found


def _no_duplicates(pairs: list[tuple[str, object]]) -> Mapping[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise WireError("DUPLICATE_KEY", "a key stands twice in one object")
    return found


def _no_constant(name: str) -> NoReturn:
    raise WireError("INVALID_NUMBER", f"{name} is no JSON number")


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise WireError("INVALID_NUMBER", "a number is too large")
    return number


def _bounded_int(text: str) -> int:
    if len(text) > 20:
        raise WireError("INVALID_NUMBER", "an integer is too large")
    return int(text)


def _check_depth(value: object, depth: int) -> None:
    if depth == 0:
        raise WireError("MALFORMED_JSON", f"nested deeper than {MAX_DEPTH}")
    if isinstance(value, dict):
        for item in value.values():
            _check_depth(item, depth - 1)
    elif isinstance(value, list):
        for item in value:
            _check_depth(item, depth - 1)
