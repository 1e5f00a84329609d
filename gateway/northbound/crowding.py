"""How many connections one utility may hold open to a door of ours."""

from weakref import WeakSet

from gateway.domain.errors import WireError


def count_in(connections: WeakSet[object], transport: object, most: int) -> None:
    """Note a connection of a utility; those that are closing no longer count.

    Args:
        connections: Those noted so far.
        transport: The one that a request came by; None: it is gone already.
        most: At a time.

    Raises:
        WireError: ``OVERLOADED``: it has enough of them.
    """
    gone = [one for one in connections if getattr(one, "is_closing", bool)()]
    for one in gone:
        connections.discard(one)
    if transport is None or transport in connections:
        return
    if len(connections) >= most:
        raise WireError("OVERLOADED", f"at most {most} connections at a time")
    connections.add(transport)
