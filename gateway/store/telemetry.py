"""Batches as they came, the readings in them, and when a site was last heard of."""

import hashlib
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import BigInteger, ForeignKey, Index, Row, UniqueConstraint, bindparam, func, select
from sqlalchemy.dialects.sqlite import insert
from sqlmodel import Field

from gateway.database.columns import (
    BIG_KEY,
    ExactDecimal,
    instant_at,
    length_micros,
    length_of,
    micros,
)
from gateway.domain.answers import Heartbeat, TelemetryBatch
from gateway.domain.names import MeterId, SiteId
from gateway.domain.reading import Quality, Reading
from gateway.domain.timespan import Span
from gateway.pipeline.records import Seen, SiteStatus
from gateway.store.codec import model_bytes, read_model
from gateway.store.row import StoreRow, table_of
from gateway.store.transaction import Transaction
from gateway.telemetry.samples import readings_of


class BatchRow(StoreRow, table=True):
    """One batch; contradictions under one id are kept beside the first, without readings."""

    __tablename__ = "telemetry_batch"
    __table_args__ = (UniqueConstraint("site", "batch_id", "content"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=BIG_KEY)
    site: str
    batch_id: str
    content: bytes
    """SHA-256 of ``body``."""
    received_at: int = Field(sa_type=BigInteger)
    body: bytes | None
    """The batch as JSON where it contradicts the first, else none: its readings say it all."""


class ReadingRow(StoreRow, table=True):
    """One metered interval."""

    __tablename__ = "reading"
    __table_args__ = (Index(None, "site", "meter", "start_at"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=BIG_KEY)
    batch: int = Field(sa_column_args=(ForeignKey("telemetry_batch.id"),), sa_type=BigInteger)
    site: str
    meter: str
    start_at: int = Field(sa_type=BigInteger)
    duration_us: int = Field(sa_type=BigInteger)
    energy_kwh: Decimal = Field(sa_type=ExactDecimal)
    """Import positive."""
    quality: str
    source: str


class StatusRow(StoreRow, table=True):
    """The newest heartbeat of a site."""

    __tablename__ = "site_status"

    site: str = Field(primary_key=True)
    heard_at: int = Field(sa_type=BigInteger)
    body: bytes


_BATCH: Final = table_of(BatchRow)
_READING: Final = table_of(ReadingRow)
_STATUS: Final = table_of(StatusRow)
_KNOWN: Final = (
    select(_BATCH.c.content)
    .where(_BATCH.c.site == bindparam("site"), _BATCH.c.batch_id == bindparam("batch_id"))
    .order_by(_BATCH.c.id)
)
_ADD_BATCH: Final = insert(_BATCH).returning(_BATCH.c.id)
_ADD_READINGS: Final = insert(_READING)
_READINGS: Final = (
    select(_READING)
    .where(
        _READING.c.site == bindparam("site"),
        _READING.c.meter == bindparam("meter"),
        _READING.c.start_at >= bindparam("first"),
        _READING.c.start_at < bindparam("end"),
    )
    .order_by(_READING.c.start_at, _READING.c.id)
)
_METERED: Final = select(func.count(_READING.c.start_at.distinct())).where(
    _READING.c.site == bindparam("site"),
    _READING.c.meter == bindparam("meter"),
    _READING.c.start_at >= bindparam("first"),
    _READING.c.start_at < bindparam("end"),
)
_NEW: Final = insert(_STATUS).excluded
_HEARD: Final = insert(_STATUS).on_conflict_do_update(
    index_elements=["site"],
    set_={"heard_at": _NEW.heard_at, "body": _NEW.body},
    where=_NEW.heard_at >= _STATUS.c.heard_at,
)
_STATUS_OF: Final = select(_STATUS).where(_STATUS.c.site == bindparam("site"))


class Telemetry:
    """See ``gateway.pipeline.ports.Telemetry``."""

    __slots__ = ("_transaction",)

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def add(self, site: SiteId, batch: TelemetryBatch, received_at: datetime) -> Seen:
        """Store a batch and its readings once per (site, batch id)."""
        body = model_bytes(batch)
        content = hashlib.sha256(body).digest()
        known = (
            self._transaction.run(_KNOWN, {"site": site, "batch_id": batch.batch_id})
            .scalars()
            .all()
        )
        if known and known[0] == content:
            return Seen.DUPLICATE
        if content in known:
            return Seen.CONFLICT
        row_id = self._transaction.run(
            _ADD_BATCH,
            {
                "site": site,
                "batch_id": batch.batch_id,
                "content": content,
                "received_at": micros(received_at),
                "body": body if known else None,
            },
        ).scalar_one()
        if known:
            return Seen.CONFLICT
        self._transaction.run(_ADD_READINGS, _readings(row_id, site, batch))
        return Seen.NEW

    def readings(self, site: SiteId, meter: MeterId, span: Span) -> tuple[Reading, ...]:
        """Return stored readings that start in ``span``, by start, then by arrival."""
        rows = self._transaction.run(
            _READINGS,
            {"site": site, "meter": meter, "first": micros(span.start), "end": micros(span.end)},
        )
        return tuple(map(_reading, rows))

    def metered(self, site: SiteId, meter: MeterId, span: Span) -> int:
        """Count the instants in ``span`` at which stored readings start."""
        values = {"site": site, "meter": meter, "first": micros(span.start)}
        found: int = self._transaction.run(
            _METERED, {**values, "end": micros(span.end)}
        ).scalar_one()
        return found

    def heard(self, status: SiteStatus) -> None:
        """Remember the newest heartbeat of a site; an older one changes nothing."""
        self._transaction.run(
            _HEARD,
            {
                "site": status.site,
                "heard_at": micros(status.heard_at),
                "body": model_bytes(status.heartbeat),
            },
        )

    def status(self, site: SiteId) -> SiteStatus | None:
        """Return the newest heartbeat."""
        row = self._transaction.run(_STATUS_OF, {"site": site}).first()
        if row is None:
            return None
        return SiteStatus(
            site=site,
            heard_at=instant_at(row.heard_at),
            heartbeat=read_model(Heartbeat, row.body),
        )


def _readings(row_id: int, site: SiteId, batch: TelemetryBatch) -> list[dict[str, object]]:
    return [
        {
            "batch": row_id,
            "site": site,
            "meter": sample.meter,
            "start_at": micros(sample.start),
            "duration_us": length_micros(sample.duration),
            "energy_kwh": sample.energy_kwh,
            "quality": reading.quality.value,
            "source": sample.source,
        }
        for sample, reading in zip(batch.samples, readings_of(batch), strict=True)
    ]


def _reading(row: Row[Any]) -> Reading:
    return Reading(
        meter=MeterId(row.meter),
        start=instant_at(row.start_at),
        duration=length_of(row.duration_us),
        energy_kwh=row.energy_kwh,
        quality=Quality(row.quality),
    )
