"""What is checked of an operator's wishes before they become resources."""

from collections.abc import Callable
from typing import TypeVar

from gateway.domain.errors import MisuseError, WireError
from gateway.protocols.sep2.codec import encode
from gateway.protocols.sep2.server.records import Kept
from gateway.protocols.sep2.server.standing import VERSIONS
from gateway.protocols.sep2.tables import Flavour

T = TypeVar("T")


def valid(flavour: Flavour, one: Kept) -> Kept:
    """Return what may be served.

    Raises:
        MisuseError: ``BAD_RESOURCE`` for what no document of the utility's flavour can tell.
    """
    try:
        encode(one.value, flavour)
    except MisuseError as error:
        raise MisuseError("BAD_RESOURCE", error.detail) from None
    return one


def checked(work: Callable[[], T]) -> T:
    """Return what came of reading an operator's identifier.

    Raises:
        MisuseError: ``BAD_RESOURCE``.
    """
    try:
        return work()
    except WireError as error:
        raise MisuseError("BAD_RESOURCE", error.detail) from None


def following(version: int | None) -> int:
    """Return the version after one."""
    return ((version or 0) + 1) % VERSIONS
