"""The Merkle log: records that nobody can change or remove, by trigger and by mathematics (RFC 6962)."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from functools import cache
from typing import Any, Final

from sqlalchemy import BigInteger, Connection, Index, Row, Select, bindparam, func, select
from sqlalchemy.dialects.sqlite import insert
from sqlmodel import Field

from gateway.database.columns import BIG_KEY, micros
from gateway.domain.canonical import canonical
from gateway.domain.errors import MisuseError, StoreError
from gateway.pipeline.records import LogEntry
from gateway.settlement.merkle import HASH_BYTES, Frontier, leaf_hash
from gateway.settlement.records import LARGEST_RECORD, envelope
from gateway.store.guard import Guard
from gateway.store.row import StoreRow, table_of
from gateway.store.transaction import Transaction


class LogRow(StoreRow, table=True):
    """One record."""

    __tablename__ = "log"
    __table_args__ = (Index(None, "kind", "subject", "seq", unique=True),)

    position: int = Field(primary_key=True, sa_type=BIG_KEY)
    """Index in the log, from 0."""
    kind: str
    subject: str
    seq: int = Field(sa_type=BigInteger)
    logged_at: int = Field(sa_type=BigInteger)
    record: bytes
    leaf: bytes


class FrontierRow(StoreRow, table=True):
    """All that appending needs: the only row of its table."""

    __tablename__ = "log_frontier"

    id: int = Field(primary_key=True)
    size: int = Field(sa_type=BigInteger)
    peaks: bytes
    digest: bytes


_LOG: Final = table_of(LogRow)
_FRONTIER: Final = table_of(FrontierRow)
_GUARD: Final = Guard(_FRONTIER, ("id",), ("id", "size", "peaks"))
_APPEND: Final = insert(_LOG)
_SIZE: Final = select(func.coalesce(func.max(_LOG.c.position) + 1, 0))
_LAST_SEQ: Final = select(func.max(_LOG.c.seq)).where(
    _LOG.c.kind == bindparam("kind"), _LOG.c.subject == bindparam("subject")
)
_READ_FRONTIER: Final = select(_FRONTIER)
_NEW: Final = insert(_FRONTIER).excluded
_WRITE_FRONTIER: Final = insert(_FRONTIER).on_conflict_do_update(
    index_elements=["id"], set_={"size": _NEW.size, "peaks": _NEW.peaks, "digest": _NEW.digest}
)
_ENTRIES: Final = select(
    _LOG.c.position, _LOG.c.kind, _LOG.c.subject, _LOG.c.record, _LOG.c.leaf
).order_by(_LOG.c.position)
_AT: Final = _ENTRIES.where(_LOG.c.position.in_(bindparam("positions", expanding=True)))
_LEAVES: Final = (
    select(_LOG.c.leaf).where(_LOG.c.position < bindparam("size")).order_by(_LOG.c.position)
)
_AT_ONCE: Final = 1000


@cache
def _entries_by(names: frozenset[str]) -> Select[Any]:
    """Return the statement for records that are asked for by these."""
    by = {
        "kind": _LOG.c.kind == bindparam("kind"),
        "kinds": _LOG.c.kind.in_(bindparam("kinds", expanding=True)),
        "subject": _LOG.c.subject == bindparam("subject"),
        "since": _LOG.c.logged_at >= bindparam("since"),
    }
    return _ENTRIES.where(*(by[name] for name in sorted(names)))


class EvidenceLog:
    """See ``gateway.pipeline.ports.Log``; records wait in memory until ``flush``, in the same transaction."""

    __slots__ = ("_frontier", "_seqs", "_transaction", "_unwritten")

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self._frontier: Frontier | None = None
        self._unwritten: list[dict[str, object]] = []
        self._seqs: dict[tuple[str, str], int] = {}

    def append(self, kind: str, subject: str, document: Mapping[str, object], at: datetime) -> int:
        """Append one record in its envelope and canonical form; return its index.

        Raises:
            MisuseError: ``NOT_CANONICAL``; ``TOO_LARGE`` for a record that could not be read back.
            StoreError: ``CORRUPT_ROW`` when the stored frontier does not fit the log.
        """
        frontier = self._current()
        seq = self._next_seq(kind, subject)
        record = canonical(envelope(kind, subject, document, seq=seq, at=at))
        if len(record) > LARGEST_RECORD:
            raise MisuseError("TOO_LARGE", f"a record may have {LARGEST_RECORD} bytes")
        leaf = leaf_hash(record)
        self._unwritten.append(
            {
                "position": frontier.size,
                "kind": kind,
                "subject": subject,
                "seq": seq,
                "logged_at": micros(at),
                "record": record,
                "leaf": leaf,
            }
        )
        self._seqs[kind, subject] = seq
        self._frontier = frontier.extend_hashes((leaf,))
        return frontier.size

    def flush(self) -> None:
        """Write what was appended; called before the transaction ends and before the log is read."""
        if not self._unwritten or self._frontier is None:
            return
        self._transaction.run(_APPEND, self._unwritten)
        self._unwritten = []
        self._transaction.run(
            _WRITE_FRONTIER,
            _GUARD.sealed(
                {"id": 1, "size": self._frontier.size, "peaks": b"".join(self._frontier.peaks)}
            ),
        )

    def entries(
        self,
        *,
        kinds: tuple[str, ...] = (),
        subject: str | None = None,
        since: datetime | None = None,
    ) -> tuple[LogEntry, ...]:
        """Return records in order: of these kinds (empty: all), of one subject, logged at or after an instant."""
        self.flush()
        values: dict[str, object] = {}
        if kinds:
            values["kind" if len(kinds) == 1 else "kinds"] = (
                kinds[0] if len(kinds) == 1 else list(kinds)
            )
        if subject is not None:
            values["subject"] = subject
        if since is not None:
            values["since"] = micros(since)
        return _entries(self._transaction.run(_entries_by(frozenset(values)), values))

    def at(self, indexes: Collection[int]) -> tuple[LogEntry, ...]:
        """Return the records at these places, in order; places beyond the end are passed over."""
        self.flush()
        wanted = sorted(set(indexes))
        found: list[LogEntry] = []
        for start in range(0, len(wanted), _AT_ONCE):
            rows = self._transaction.run(_AT, {"positions": wanted[start : start + _AT_ONCE]})
            found.extend(_entries(rows))
        return tuple(found)

    def leaf_hashes(self, size: int) -> tuple[bytes, ...]:
        """Return the first ``size`` leaf hashes, for proofs."""
        self.flush()
        return tuple(self._transaction.run(_LEAVES, {"size": size}).scalars())

    def size(self) -> int:
        """Return the number of records."""
        if self._frontier is not None:
            return self._frontier.size
        found: int = self._transaction.run(_SIZE).scalar_one()
        return found

    def _current(self) -> Frontier:
        if self._frontier is None:
            row = self._transaction.run(_READ_FRONTIER).first()
            if row is None:
                self._frontier = Frontier()
            else:
                _GUARD.require(self._transaction, row)
                self._frontier = Frontier(row.size, _cut(row.peaks))
            if self._frontier.size != self._transaction.run(_SIZE).scalar_one():
                raise StoreError(
                    "CORRUPT_ROW", "the log and its frontier differ in length; restore a backup"
                )
        return self._frontier

    def _next_seq(self, kind: str, subject: str) -> int:
        last = self._seqs.get((kind, subject))
        if last is None:
            last = self._transaction.run(_LAST_SEQ, {"kind": kind, "subject": subject}).scalar()
        return 0 if last is None else last + 1


def _cut(peaks: bytes) -> tuple[bytes, ...]:
    return tuple(peaks[i : i + HASH_BYTES] for i in range(0, len(peaks), HASH_BYTES))


def _entries(rows: Iterable[Row[Any]]) -> tuple[LogEntry, ...]:
    return tuple(map(_entry, rows))


def _entry(row: Row[Any]) -> LogEntry:
    # A changed byte can also turn bytes into text.
    if not isinstance(row.record, bytes) or leaf_hash(row.record) != row.leaf:
        raise StoreError(
            "CORRUPT_ROW", f"log record {row.position} does not fit its leaf hash; restore a backup"
        )
    return LogEntry(index=row.position, kind=row.kind, subject=row.subject, record=row.record)


def whole_log(connection: Connection) -> int:
    """Recompute the whole log: every record against its leaf, every leaf into the frontier that appending stands on.

    Returns:
        The number of records.

    Raises:
        StoreError: ``CORRUPT_ROW`` naming the first record that does not fit.
    """
    frontier = Frontier()
    leaves: list[bytes] = []
    rows: Iterable[Row[Any]] = connection.execute(_ENTRIES)
    for place, row in enumerate(rows):
        if row.position != place:
            raise StoreError("CORRUPT_ROW", f"log record {place} is missing; restore a backup")
        _entry(row)
        leaves.append(row.leaf)
    frontier = frontier.extend_hashes(tuple(leaves))
    stored = connection.execute(_READ_FRONTIER).first()
    size, peaks = (stored.size, _cut(stored.peaks)) if stored is not None else (0, ())
    if (size, peaks) != (frontier.size, tuple(frontier.peaks)):
        raise StoreError("CORRUPT_ROW", "the log and its frontier differ; restore a backup")
    return frontier.size
