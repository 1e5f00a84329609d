"""Values <-> the bytes that rows keep: JSON with decimals as strings, nothing lost."""

import hashlib
from functools import lru_cache
from typing import Final, TypeVar
from weakref import WeakValueDictionary

from pydantic import BaseModel, TypeAdapter, ValidationError

from gateway.domain.errors import StoreError
from gateway.domain.event import GridEvent
from gateway.domain.opting import OptSchedule
from gateway.domain.participation import Participation

Value = TypeVar("Value")
Model = TypeVar("Model", bound=BaseModel)

LARGEST_KEPT: Final = 1 << 14
"""Longer documents are kept only while somebody holds them: a hundred of them would show in the memory."""
GRID_EVENT: Final = TypeAdapter(GridEvent)
PARTICIPATION: Final = TypeAdapter(Participation)
OPT_SCHEDULE: Final = TypeAdapter(OptSchedule)


def decoded(adapter: TypeAdapter[Value], body: bytes) -> Value:
    """Read a value back.

    Raises:
        StoreError: ``UNREADABLE_ROW`` when this code cannot read what was stored.
    """
    try:
        return adapter.validate_json(body)
    except ValidationError as error:
        raise _unreadable(error) from None


def model_bytes(model: BaseModel) -> bytes:
    """Write a published model by its published names."""
    return model.model_dump_json(by_alias=True).encode()


def read_model(kind: type[Model], body: bytes) -> Model:
    """Read a published model back; what was read lately, byte for byte, is not read again (they are frozen).

    Raises:
        StoreError: ``UNREADABLE_ROW``.
    """
    found = _read_lately(kind, body) if len(body) <= LARGEST_KEPT else _read_large(kind, body)
    if not isinstance(found, kind):
        raise StoreError("UNREADABLE_ROW", f"a stored {kind.__name__} was read as another kind")
    return found


def _read(kind: type[Model], body: bytes) -> Model:
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        raise _unreadable(error) from None


@lru_cache(maxsize=128)
def _read_lately(kind: type[BaseModel], body: bytes) -> BaseModel:
    return _read(kind, body)


def _read_large(kind: type[BaseModel], body: bytes) -> BaseModel:
    key = (kind, hashlib.sha256(body).digest())
    found = _HELD.get(key)
    if found is None:
        found = _HELD[key] = _read(kind, body)
    return found


_HELD: Final = WeakValueDictionary[tuple[type[BaseModel], bytes], BaseModel]()
"""Large documents that somebody still holds, by their bytes: a second reader shares them."""


def _unreadable(error: ValidationError) -> StoreError:
    first = error.errors(include_input=False, include_url=False)[0]
    where = ".".join(map(str, first["loc"]))
    return StoreError(
        "UNREADABLE_ROW", f"a stored {error.title} cannot be read: {where}: {first['msg']}"
    )
