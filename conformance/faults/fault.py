"""What a fault is: a name, a layer, one line for people, and what it does to an exchange or a handshake."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from conformance.faults.disguise import Disguise
from conformance.faults.exchange import Exchange

Act = Callable[[Exchange, float], Awaitable[None]]
"""Carries a fault out on one exchange; the number is the fault's amount."""


class Layer(StrEnum):
    """Where a fault strikes."""

    TCP = "tcp"
    TLS = "tls"
    HTTP = "http"
    XML = "xml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One way in which a server or the network fails.

    Either ``act`` or, for a fault of the whole connection, ``disguise`` is set; ``refused`` connections need neither.
    """

    name: str
    layer: Layer
    what: str
    """For people, one line."""
    act: Act | None = None
    disguise: Disguise | None = None
    """How the handshake is spoilt."""
    harmless: bool = False
    """True: a client within its rights may still take the message."""
    amount: float = 0.0
    """Seconds, or bytes per second; what it is says ``what``."""

    @property
    def whole_connection(self) -> bool:
        """Say whether it strikes before the first message."""
        return self.act is None

    def with_amount(self, amount: float) -> "Fault":
        """Return the same fault, stronger or weaker."""
        return replace(self, amount=amount)
