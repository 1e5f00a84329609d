"""What was decided about an event, and why: the counterpart of the utility's request."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from gateway.domain.event import EventKey
from gateway.domain.names import SiteId


class Opt(StrEnum):
    """A site's answer."""

    IN = "in"
    OUT = "out"
    PARTIAL = "partial"


@dataclass(frozen=True, slots=True, kw_only=True)
class Participation:
    """One answer to one version of an event, for the session that brought it."""

    event: EventKey
    version: int
    opt: Opt
    """What goes upstream; ``partial`` is settled into ``in`` or ``out`` by the program's ``partial_policy`` before."""
    reason: str
    """``committed``, ``default``, ``maintenance``, ``infeasible`` … lower-case word."""
    decided_at: datetime
    by: str
    """``site:<id>``, ``operator:<name>`` or ``gateway``."""
    sites: tuple[SiteId, ...] = ()
    """The only sites meant, each told apart from the event's answer; empty: the answer to the event."""
