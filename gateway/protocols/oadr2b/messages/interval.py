"""Calendar properties: a start and a length, with the tolerances events add to them."""

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class WsCalendarInterval:
    """A stretch of time as ``xcal:properties`` give it.

    Used for a reportInterval and for each window of a vavailability, where only the first two fields are
    allowed (OpenADR 2.0b rule 321); the others are kept so that a session can refuse them.
    """

    dtstart: datetime
    """Aware, UTC."""
    duration: timedelta
    """Zero means open-ended."""
    startafter: timedelta | None = None
    """``tolerance/tolerate/startafter``: longest random delay of the start."""
    x_ei_notification: timedelta | None = None
    x_ei_ramp_up: timedelta | None = None
    x_ei_recovery: timedelta | None = None
