"""Reads the suite's data files: YAML without surprises, checked by a model, faults said with file and field.

``yes``, ``no`` and instants stay texts, as JSON has neither; a key that stands twice is a fault.
"""

import json
from pathlib import Path
from typing import Final, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from conformance.engine.errors import SuiteError

FOLDER: Final = Path(__file__).parents[1] / "data"
"""Where the bundled files lie."""
M = TypeVar("M", bound=BaseModel)


class Model(BaseModel):
    """Base of every data file: immutable, and unknown fields are faults."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # the library has no types
    """YAML with the types of JSON alone; the parser in C, ten times as fast, where there is one."""


_KEPT_TAGS: Final = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:null")
_Loader.yaml_implicit_resolvers = {
    first: [(tag, regexp) for tag, regexp in rows if tag in _KEPT_TAGS]
    for first, rows in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[object, object]:
    keys = [loader.construct_object(key, deep=True) for key, _ in node.value]
    twice = {str(key) for key in keys if keys.count(key) > 1}
    if twice:
        raise SuiteError(f"{node.start_mark}: {', '.join(sorted(twice))} stands twice")
    values = [loader.construct_object(value, deep=True) for _, value in node.value]
    return dict(zip(keys, values, strict=True))


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def read_yaml(path: Path) -> object:
    """Read a file.

    Raises:
        SuiteError: it cannot be read or is no YAML.
    """
    try:
        if path.suffix == ".json":
            return json.loads(path.read_bytes())
        return yaml.load(path.read_bytes(), Loader=_Loader)  # noqa: S506 - built on the safe loader
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise SuiteError(f"{path}: {error}") from None


def load(path: Path, model: type[M]) -> M:
    """Read a file into its model.

    Raises:
        SuiteError: naming every field that is wrong.
    """
    return validated(read_yaml(path), model, str(path))


def validated(found: object, model: type[M], place: str) -> M:
    """Put data into its model.

    Raises:
        SuiteError: naming every field that is wrong.
    """
    try:
        return model.model_validate(found)
    except ValidationError as error:
        rows = [f"{'.'.join(map(str, e['loc'])) or 'file'}: {e['msg']}" for e in error.errors()]
        raise SuiteError(f"{place}: " + "; ".join(rows)) from None
