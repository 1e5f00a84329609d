"""A data center that we instruct, as its operator declares it."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from gateway.domain.guard import Guard
from gateway.domain.names import MeterId, SiteId


@dataclass(frozen=True, slots=True, kw_only=True)
class Meter:
    """A meter point of a site."""

    meter: MeterId
    interval: timedelta
    """Length of one reading."""
    max_kw: Decimal
    """More than this is no plausible reading."""
    bidirectional: bool = False
    """False: a negative reading is invalid."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One site behind the gateway."""

    site: SiteId
    timezone: str
    contracted_import_kw: Decimal
    """What may be drawn when no event is active."""
    fail_safe_import_kw: Decimal | None
    """What the site falls back to when it hears nothing; None: it holds the last plan to its end."""
    ramp_down_kw_per_min: Decimal
    ramp_up_kw_per_min: Decimal
    meters: tuple[Meter, ...]
    contract_meter: MeterId
    """The meter that limits and statements are about."""
    guard: Guard | None = None
    """What no utility may exceed here; None: the operator set no envelope."""
