"""What an operator says of an event."""

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class EventTerms:
    """When an event is and whom it asks for what.

    Spec: IEEE 2030.5-2018 clause 10.2 (Event, RandomizableEvent, RespondableResource).
    """

    start: datetime
    duration: timedelta
    """Longer than none: an interval without length never runs."""
    randomize_start: int = 0
    """Seconds, -3600 to 3600."""
    randomize_duration: int = 0
    """Seconds, -3600 to 3600, less than the duration."""
    description: str | None = None
    category: int | None = None
    """deviceCategory; None: every device (a load control then names those of a site: bits 9 and 14)."""
    response_required: int | None = None
    """Bits; None: those of the utility's options, 0: no response."""
    reply_to: str | None = None
    """None: the utility's own list."""
    mrid: str | None = None
    """None: one that nobody can guess."""
