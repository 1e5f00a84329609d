"""Values of a script as JSON for a driver, and back: times ISO-8601 UTC, durations in seconds, the rest as it is."""

import json
import types
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

V = TypeVar("V")


def written(value: object) -> str:
    """Write a value of ``kit.sep2.values``, or a sequence or mapping of such."""
    return json.dumps(_plain(value), sort_keys=True)


def _plain(value: Any) -> Any:  # ``Any``: whatever JSON takes
    if is_dataclass(value) and not isinstance(value, type):
        return {one.name: _plain(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(one) for one in value]
    return value


def read(kind: type[V], text: str) -> V:
    """Read a value of a kind.

    Raises:
        ValueError: it is none.
    """
    found: V = _made(kind, json.loads(text))
    return found


def read_all(kind: type[V], text: str) -> tuple[V, ...]:
    """Read a sequence of values of a kind.

    Raises:
        ValueError: it is none.
    """
    return tuple(_made(kind, one) for one in json.loads(text))


def content(text: str) -> Mapping[str, object] | None:
    """Read what an element holds; None from ``null`` or an empty text."""
    found: Mapping[str, object] | None = json.loads(text) if text else None
    return found


@cache
def _types(kind: type) -> Mapping[str, Any]:
    return get_type_hints(kind)


def _made(kind: Any, given: Any) -> Any:  # ``Any``: types as annotations tell them
    if given is None:
        return None
    if is_dataclass(kind):
        known = _types(kind)  # type: ignore[arg-type]  # a dataclass is a type
        strange = sorted(set(given) - set(known))
        if strange:
            raise ValueError(f"{kind} has no {strange[0]}")
        return kind(**{name: _made(known[name], one) for name, one in given.items()})  # type: ignore[operator]  # it is a class
    if kind is datetime:
        return datetime.fromisoformat(given)
    if kind is timedelta:
        return timedelta(seconds=given)
    return _of_many(kind, given)


def _of_many(kind: Any, given: Any) -> Any:  # ``Any``: likewise
    origin, parts = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return _made(next(part for part in parts if part is not type(None)), given)
    if origin is tuple:
        rest = parts[0] if parts[-1] is Ellipsis else None
        return tuple(
            _made(rest if rest is not None else part, one)
            for part, one in zip(parts if rest is None else [rest] * len(given), given, strict=True)
        )
    return given
