"""Instants as documents tell them: in whole seconds."""

from datetime import datetime


def whole(at: datetime) -> datetime:
    """Return the second in which an instant lies."""
    return at.replace(microsecond=0)
