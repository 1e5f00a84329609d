"""What devices post of their meters, in SQLite: a value is some 70 bytes, and the oldest ones are forgotten.

10,000 meters that post every five minutes are 2.9 million values and 200 MB a day: kept for ever they would fill any
disk. What is forgotten goes with what comes, a little each time, so that no write waits for a great removal.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias

from gateway.protocols.sep2.server.records import Posted
from gateway.protocols.sep2.server.usage import Meter
from gateway.servers.sep2.rows import Rows
from gateway.servers.sep2.tables import ValueRow

DAYS: Final = 35
"""For which values are kept: a month's bill and what is asked about it."""
MOST: Final = 200_000_000
"""Values that are kept, however quickly they come; some 14 GB."""
_KNOWN: Final = 200_000
"""Meters whose numbers are held in memory."""
_AHEAD: Final = 64
"""Values forgotten at a time, beside two for each that comes."""
_SECOND: Final = timedelta(seconds=1)
_MICROSECOND: Final = timedelta(microseconds=1)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_VALUES: Final = Rows(
    ValueRow, without=("number",), keys=("meter", "start", "duration", "local_id"), once=("came",)
)
_FIELDS: Final = (
    *("m.mirror", "m.meter_reading", "m.lfdi", "v.start", "v.duration", "v.local_id"),
    *("v.value", "v.multiplier", "v.uom", "v.quality", "v.at"),
)
_FROM: Final = f"SELECT v.number, {', '.join(_FIELDS)} FROM sep2_value v JOIN sep2_meter m ON m.number = v.meter"  # noqa: S608 - our own names
Named: TypeAlias = tuple[str, str, str]
"""LFDI and mRIDs of a meter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """For how long values are kept."""

    days: int = DAYS
    most: int = MOST


class Meters:
    """Values of one file; lives in the store's thread.

    Args:
        file: The driver's connection.
        keeping: For how long.
    """

    def __init__(self, file: sqlite3.Connection, keeping: Keeping) -> None:
        self._file = file
        self._keeping = keeping
        self._numbers: dict[Named, int] = {}
        (last,) = file.execute("SELECT max(number) FROM sep2_value").fetchone()
        self._last = int(last or 0)
        self._first = 0
        self._since: int | None = None
        """When the oldest came; None: there is none."""
        self._look()

    def _look(self) -> None:
        """Look which value is the oldest."""
        found = self._file.execute(
            "SELECT number, came FROM sep2_value ORDER BY number LIMIT 1"
        ).fetchone()
        self._first, self._since = found or (self._last, None)

    def add(self, posts: Sequence[Posted]) -> None:
        """Keep values, and forget some of those whose time has come; inside a transaction."""
        self._learn({(one.lfdi, one.mirror, one.meter_reading) for one in posts})
        for command in _VALUES.add([self._row(one) for one in posts]):
            self._last = max(self._last, self._file.execute(*command).lastrowid or 0)
        self._forget(max(one.at for one in posts), 2 * len(posts) + _AHEAD)

    def undone(self) -> None:
        """Note that the transaction came to nothing."""
        self._numbers.clear()

    def _learn(self, names: set[Named]) -> None:
        if len(self._numbers) > _KNOWN:
            self._numbers.clear()
        for name in sorted(names - self._numbers.keys()):
            self._file.execute(
                "INSERT INTO sep2_meter (lfdi, mirror, meter_reading) VALUES (?, ?, ?)"
                " ON CONFLICT DO NOTHING",
                name,
            )
            self._numbers[name] = self._number(name) or 0

    def _number(self, name: Named) -> int | None:
        found = self._file.execute(
            "SELECT number FROM sep2_meter WHERE lfdi = ? AND mirror = ? AND meter_reading = ?",
            name,
        ).fetchone()
        return None if found is None else int(found[0])

    def _row(self, one: Posted) -> tuple[int | None, ...]:
        meter = self._numbers[one.lfdi, one.mirror, one.meter_reading]
        since = one.at - _EPOCH
        return (
            *(since // _SECOND, meter, one.start, one.duration, one.local_id),
            *(one.value, one.multiplier, one.uom, one.quality, since // _MICROSECOND),
        )

    def _forget(self, now: datetime, most: int) -> None:
        """Forget the oldest values; the newest of all stays, or numbers would be given twice."""
        cut = (now - timedelta(days=self._keeping.days) - _EPOCH) // _SECOND
        if self._since is None:
            self._look()
        over = self._last - self._first >= self._keeping.most
        if self._since is None or (self._since >= cut and not over):
            return
        oldest = self._file.execute(
            "SELECT number, came FROM sep2_value WHERE number < ? ORDER BY number LIMIT ?",
            (self._last, most),
        ).fetchall()
        gone = [
            number
            for number, came in oldest
            if came < cut or self._last - number >= self._keeping.most
        ]
        if gone:
            self._file.execute("DELETE FROM sep2_value WHERE number <= ?", (gone[-1],))
        self._look()

    # --- reading

    def newest(self, meter: Meter, limit: int) -> list[Posted]:
        """Return the newest values of one meter, newest first."""
        number = self._number((meter.lfdi, meter.mirror, meter.meter_reading))
        found = self._file.execute(
            f"{_FROM} WHERE v.meter = ?"
            " ORDER BY v.start DESC, v.duration DESC, v.local_id DESC LIMIT ?",
            (number, limit),
        )
        return [one for _, one in _posted(found)]

    def after(self, lfdi: str, number: int, limit: int) -> list[tuple[int, Posted]]:
        """Return values with their numbers, in the order in which they first came; of one device or of all."""
        if not lfdi:
            found = self._file.execute(
                f"{_FROM} WHERE v.number > ? ORDER BY v.number LIMIT ?", (number, limit)
            )
            return _posted(found)
        # The plus: by its meters, or all that others posted would be looked through.
        found = self._file.execute(
            f"{_FROM} WHERE v.meter IN (SELECT number FROM sep2_meter WHERE lfdi = ?)"  # noqa: S608 - our own names
            " AND +v.number > ? ORDER BY +v.number LIMIT ?",
            (lfdi, number, limit),
        )
        return _posted(found)


def _posted(rows: Iterable[Sequence[object]]) -> list[tuple[int, Posted]]:
    names = [field.rpartition(".")[2] for field in _FIELDS]
    found: list[tuple[int, Posted]] = []
    for number, *others, at in rows:
        told = dict(zip(names, others, strict=False))
        at_ = _EPOCH + timedelta(microseconds=int(str(at)))
        found.append((int(str(number)), Posted(**told, at=at_)))  # type: ignore[arg-type] # by name
    return found


OLD_VALUES: Final = (
    "INSERT INTO sep2_meter (lfdi, mirror, meter_reading)"
    " SELECT DISTINCT lfdi, mirror, meter_reading FROM sep2_reading",
    "INSERT INTO sep2_value (number, came, meter, start, duration, local_id, value, multiplier, uom, quality, at)"
    " SELECT r.rowid, CAST(strftime('%s', r.at) AS INTEGER), m.number, r.start, r.duration, r.local_id, r.value,"
    " r.multiplier, r.uom, r.quality,"
    " CAST(strftime('%s', r.at) AS INTEGER) * 1000000 + CAST(substr(r.at, 21, 6) AS INTEGER)"
    " FROM sep2_reading r JOIN sep2_meter m"
    " ON m.lfdi = r.lfdi AND m.mirror = r.mirror AND m.meter_reading = r.meter_reading ORDER BY r.rowid",
    "DROP TABLE sep2_reading",
)
"""What takes over the values of a file from before meters had numbers."""
