"""What a book keeps, by address: what a store had kept lies packed, and is read when it is first asked for.

A restart with 10,000 devices brings 180,000 addresses, of which most are never asked for again before the next one.
"""

from collections.abc import Iterable, Iterator, MutableMapping
from datetime import UTC, datetime
from functools import cache
from typing import Final, TypeAlias

from gateway.domain.errors import StoreError, WireError
from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.codec import decode, encode_all
from gateway.protocols.sep2.server.records import Kept

_AT: Final = "%Y-%m-%d %H:%M:%S.%f"
"""UTC, as the tables have it."""

Packed: TypeAlias = tuple[str, str, str, str, str, str, bytes | None]
"""href, name of its kind, place, scope, manager, at, its document; a plain tuple of plain values, which no search for
garbage looks at."""
_KIND: Final = 1
_SCOPE: Final = 3


def packed(one: Kept) -> Packed:
    """Return something as a store keeps it."""
    return (
        one.href,
        one.kind.__name__,
        one.place,
        one.scope,
        one.manager,
        one.at.astimezone(UTC).strftime(_AT),
        None if one.value is None else encode_all(one.value),
    )


def opened(one: Packed) -> Kept:
    """Read what a store had kept.

    Raises:
        StoreError: ``SEP2_STORE`` when it is damaged.
    """
    href, name, place, scope, manager, at, body = one
    kind = kind_of(name)
    try:
        value = None if body is None else decode(body, kind, strict=True).value
        came = datetime.fromisoformat(at).replace(tzinfo=UTC)
    except (WireError, ValueError):
        raise StoreError("SEP2_STORE", f"what was kept at {href} is damaged") from None
    return Kept(
        href=href, kind=kind, place=place, scope=scope, manager=manager, at=came, value=value
    )


@cache
def kind_of(name: str) -> type[sep.Resource]:
    """Return the class of a name.

    Raises:
        StoreError: ``SEP2_STORE`` when there is none.
    """
    found = getattr(sep, name, None)
    if not (isinstance(found, type) and issubclass(found, sep.Resource)):
        raise StoreError("SEP2_STORE", f"the store holds a {name[:40]}, which nobody knows")
    return found


class Shelf(MutableMapping[str, Kept]):
    """Address -> what stands there, in the order in which it came."""

    def __init__(self) -> None:
        self._all: dict[str, Kept | Packed] = {}

    def lay(self, one: Packed) -> None:
        """Put down what a store had kept, unread."""
        self._all[one[0]] = one

    def __getitem__(self, href: str) -> Kept:
        """Return what stands at an address.

        Raises:
            KeyError: nothing does.
            StoreError: what was kept there is damaged.
        """
        found = self._all[href]
        if isinstance(found, tuple):
            # In its place: whoever goes through all of them meets each once.
            found = self._all[href] = opened(found)
        return found

    def __setitem__(self, href: str, one: Kept) -> None:
        """Put something down."""
        self._all[href] = one

    def __delitem__(self, href: str) -> None:
        """Take something away."""
        del self._all[href]

    def __contains__(self, href: object) -> bool:
        """Say whether something stands at an address, without reading it."""
        return href in self._all

    def __iter__(self) -> Iterator[str]:
        """Yield every address."""
        return iter(self._all)

    def __len__(self) -> int:
        """Return how much there is."""
        return len(self._all)

    def of_kinds(self, kinds: Iterable[type[sep.Resource]]) -> Iterator[Kept]:
        """Yield what is of some kinds; nothing else is read."""
        wanted = frozenset(kinds)
        names = {kind.__name__ for kind in wanted}
        for href, one in self._all.items():
            if one[_KIND] in names if isinstance(one, tuple) else one.kind in wanted:
                yield self[href]

    def of_scope(self, scope: str) -> list[str]:
        """Return the addresses of what belongs to a scope; nothing is read."""
        return [
            href
            for href, one in self._all.items()
            if (one[_SCOPE] if isinstance(one, tuple) else one.scope) == scope
        ]
