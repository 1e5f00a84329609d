"""What pydantic found, in words that tell an operator what to write instead."""

import difflib
from collections.abc import Iterable, Mapping
from typing import Annotated, Final, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import ErrorDetails

_NUMBER: Final = "must be a number without quotes"
_WORDS: Final[Mapping[str, str]] = {
    "missing": "is missing; add it",
    "int_type": "must be a whole number without quotes",
    "int_parsing": "must be a whole number without quotes",
    "int_from_float": "must be a whole number",
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "decimal_type": _NUMBER,
    "decimal_parsing": _NUMBER,
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false, without quotes",
    "bool_parsing": "must be true or false, without quotes",
    "string_type": "must be a text in quotes",
    "path_type": "must be a path in quotes",
    "string_too_short": "must not be empty",
}
_BOUNDS: Final[Mapping[str, tuple[str, str]]] = {
    "greater_than": ("gt", "must be more than {}"),
    "greater_than_equal": ("ge", "must be {} or more"),
    "less_than": ("lt", "must be less than {}"),
    "less_than_equal": ("le", "must be {} or less"),
    "literal_error": ("expected", "must be {}"),
    "enum": ("expected", "must be {}"),
    "string_too_long": ("max_length", "may have {} characters at most"),
    "too_short": ("min_length", "must have {} entry at least"),
    "too_long": ("max_length", "may have {} entries at most"),
    "string_pattern_mismatch": ("pattern", "must look like {}"),
}
_LISTS: Final = frozenset({"list_type", "tuple_type"})
_TABLES: Final = frozenset({"model_type", "model_attributes_type", "dict_type"})
_PATTERNS: Final[Mapping[str, str]] = {
    r"^[A-Za-z0-9][A-Za-z0-9._-]*$": "phx-1: letters, digits, dot, dash and underscore",
    r"^[A-Z]{3}$": "USD: three capital letters",
}

Place = tuple[str | int, ...]


def fix(error: ErrorDetails, place: Place, models: Iterable[type[BaseModel]]) -> str:
    """Say what is wrong at a key, and what to write.

    Args:
        error: As pydantic reports it.
        place: Of the key in the file.
        models: Of the section; their keys are suggested for one that nobody knows.
    """
    kind, loc = error["type"], error["loc"]
    if kind == "extra_forbidden":
        known = [key for model in models for key in keys_at(model, loc)]
        return unknown_key(str(loc[-1]), known)
    if kind in _LISTS:
        return f"must be a list; {_list_form(place, models, loc)}"
    if kind in _TABLES:
        return f"must be a table; write {_header(place)}"
    if kind in _WORDS:
        return _WORDS[kind]
    if kind in _BOUNDS:
        name, words = _BOUNDS[kind]
        given = str(error.get("ctx", {}).get(name, ""))
        return words.format(_PATTERNS.get(given, given))
    return error["msg"].removeprefix("Value error, ")


def unknown_key(key: str, known: Iterable[str]) -> str:
    """Say that a key means nothing, with the nearest one that does."""
    near = difflib.get_close_matches(key, list(known), n=1)
    return f"no such key here; {f'did you mean {near[0]}?' if near else 'remove it'}"


def keys_at(model: type[BaseModel], loc: Place) -> tuple[str, ...]:
    """Return the keys that a model knows beside the last one of a location."""
    found: type[BaseModel] | None = model
    for part in loc[:-1]:
        if isinstance(part, str):
            info = found.model_fields.get(part) if found else None
            found = _model_in(info.annotation) if info else None
    return tuple(found.model_fields) if found else ()


def _model_in(annotation: object) -> type[BaseModel] | None:
    if isinstance(annotation, type):
        return annotation if issubclass(annotation, BaseModel) else None
    inner = get_args(annotation)
    inner = inner[:1] if get_origin(annotation) is Annotated else inner
    return next((model for one in inner if (model := _model_in(one))), None)


def _list_form(place: Place, models: Iterable[type[BaseModel]], loc: Place) -> str:
    tables = any(_is_list_of_tables(model, loc) for model in models)
    name = ".".join(str(part) for part in place if isinstance(part, str))
    return f"write [[{name}]], with two brackets" if tables else 'write it like ["a", "b"]'


def _is_list_of_tables(model: type[BaseModel], loc: Place) -> bool:
    info = model.model_fields.get(str(loc[-1])) if loc else None
    return info is not None and _model_in(info.annotation) is not None


def _header(place: Place) -> str:
    name = ".".join(str(part) for part in place if isinstance(part, str))
    return f"[[{name}]]" if place and isinstance(place[-1], int) else f"[{name}]"
