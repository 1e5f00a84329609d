"""Energy that a site needs within a window, asked of its utility ahead, and what the utility grants."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from gateway.domain.names import SiteId


class ReservationState(StrEnum):
    """How far a request has come."""

    WANTED = "wanted"
    """The utility's list of requests is not known yet."""
    ASKED = "asked"
    """On its way to the utility."""
    LISTED = "listed"
    """The utility has it."""
    REVOKED = "revoked"
    """Withdrawn here while it was on its way."""
    WITHDRAWING = "withdrawing"
    """The withdrawal is on its way."""
    WITHDRAWN = "withdrawn"
    REFUSED = "refused"
    """The utility did not take it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What a site needs.

    Spec: IEEE 2030.5-2018 FlowReservationRequest; compute-flex B.5.
    """

    need_id: str
    """Ours; the same twice is one need."""
    site: SiteId
    program: str
    """Name of a configured program, under which what is granted is handed on; empty: the only one."""
    energy_kwh: Decimal
    """Import positive."""
    power_kw: Decimal
    """Sustained."""
    start: datetime
    """Of the window."""
    end: datetime
    """Exclusive."""
    least: timedelta | None = None
    """The shortest that would do, ramps included; None: nothing is said."""
    by: str = ""
    """``operator:<user>``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawal:
    """That a need is there no more."""

    need_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What a utility answered to a need."""

    event_id: str
    """Of the event by which it is handed on."""
    state: str
    """In the utility's words, e.g. ``active``."""
    start: datetime
    end: datetime
    energy_kwh: Decimal
    power_kw: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """A need, how far its request has come, and what was granted."""

    need: Need
    state: ReservationState
    grants: tuple[Grant, ...] = ()
