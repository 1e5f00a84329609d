"""One request on its way through the proxy, as a fault sees it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from conformance.faults.line import ClientLine
from conformance.faults.wire import HttpMessage
from gateway.domain.ports import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A request that the client has sent whole."""

    line: ClientLine
    request: HttpMessage
    forward: Callable[[], Awaitable[HttpMessage]]
    """Asks the real server; a fault that never calls it leaves the server untouched."""
    clock: Clock
