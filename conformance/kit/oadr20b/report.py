"""Report requests as a case writes them down."""

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRequest:
    """One ``oadrReportRequest`` (2.0b section 8.3.2.2)."""

    id: str
    """``reportRequestID``, unique and not 0."""
    specifier: str
    """``reportSpecifierID`` from the metadata, or ``METADATA``."""
    points: tuple[str, ...] = ("0",)
    """``rID`` of each data point."""
    granularity: timedelta = timedelta(0)
    back: timedelta = timedelta(0)
    """``reportBackDuration``; zero: once."""
    start: datetime | None = None
    """Start of ``reportInterval``; None: no interval."""
    lasts: timedelta = timedelta(0)
    """Length of ``reportInterval``; zero: open-ended."""
    reading_type: str = "x-notApplicable"
