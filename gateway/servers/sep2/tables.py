"""The tables of the 2030.5 server, in metadata of their own.

What the standard has a document for is kept as that document, in the widest flavour there is.
"""

from datetime import datetime

from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel


class Sep2Row(SQLModel, registry=registry()):
    """Base of this server's rows."""


class KeptRow(Sep2Row, table=True):
    """An address and what stands there."""

    __tablename__ = "sep2_kept"
    href: str = Field(primary_key=True)
    kind: str
    """Name of its class."""
    place: str
    scope: str
    manager: str
    at: datetime
    body: bytes | None
    """The document; none: the address may be written to and was not yet."""


class MemberRow(Sep2Row, table=True):
    """Something that stands in a list beside its own place."""

    __tablename__ = "sep2_member"
    place: str = Field(primary_key=True)
    href: str = Field(primary_key=True)


class MoveRow(Sep2Row, table=True):
    """A former address, and where what stood there went."""

    __tablename__ = "sep2_move"
    old: str = Field(primary_key=True)
    new: str


class DeliveryRow(Sep2Row, table=True):
    """How far one subscriber was told."""

    __tablename__ = "sep2_delivery"
    subscription: str = Field(primary_key=True)
    owner: str
    resource: str
    uri: str
    told: str
    """Digest."""
    renewed_at: datetime
    failing_since: datetime | None
    ending: int
    """Status of a last notification that waits; 0: it goes on."""
    moved_to: str


class MeterRow(Sep2Row, table=True):
    """A meter whose values are kept."""

    __tablename__ = "sep2_meter"
    __table_args__ = (UniqueConstraint("lfdi", "mirror", "meter_reading"),)
    number: int | None = Field(default=None, primary_key=True)
    lfdi: str
    mirror: str
    meter_reading: str


class ValueRow(Sep2Row, table=True):
    """One value that a device posted, the newest of its interval."""

    __tablename__ = "sep2_value"
    __table_args__ = (UniqueConstraint("meter", "start", "duration", "local_id"),)
    number: int | None = Field(default=None, primary_key=True)
    """Grows with time: the lowest came first."""
    came: int
    """When there was first one of its interval, seconds since 1970: by it values are forgotten."""
    meter: int
    start: int
    duration: int
    local_id: int
    value: int | None
    multiplier: int
    uom: int | None
    quality: int | None
    at: int
    """When it was posted, microseconds since 1970."""
