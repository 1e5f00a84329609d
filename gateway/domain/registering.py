"""What an operator may order about a registration with a utility, and how it stands."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class Order(StrEnum):
    """What shall be done with a registration."""

    QUERY = "query"
    """Ask the utility for its terms; nothing changes."""
    RENEW = "renew"
    """Register again with the present ids; one that has ended or waits for its next attempt is begun at once."""
    NEW = "new"
    """Register as if for the first time: the utility forgets what it knew of us."""
    CANCEL = "cancel"
    """End it, and stay unregistered, over restarts too, until it is renewed by order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a registration stands."""

    state: str
    registration_id: str = ""
    ven_id: str = ""
    vtn_id: str = ""
    poll_every: timedelta | None = None
    """Asked for by the utility; None: it names none."""
    retry_at: str = ""
    """Instant before which registering is not tried again; empty: none."""
