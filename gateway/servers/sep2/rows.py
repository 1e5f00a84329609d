"""Rows on their way to SQLite: many in one statement, since every statement is a wait for the interpreter.

Spec: none; SQLite's own limit of values in one statement is 32,766.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import chain
from typing import Final, TypeAlias

from gateway.servers.sep2.tables import Sep2Row

Command: TypeAlias = tuple[str, list[object]]
"""A statement and its values."""
_SIZES: Final = (256, 16, 1)
"""Rows of one statement; few sizes, so that the driver knows each statement already."""
_AT: Final = "%Y-%m-%d %H:%M:%S.%f"


def plain(value: object) -> object:
    """Return a value as a column has it; instants in UTC, as text."""
    return value.astimezone(UTC).strftime(_AT) if isinstance(value, datetime) else value


def instant(text: str) -> datetime:
    """Read an instant.

    Raises:
        ValueError: it is none.
    """
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


class Rows:
    """The statements of one table.

    Args:
        kind: Its rows.
        without: Columns that the database fills.
        keys: What tells rows apart; empty: the primary key.
        once: Columns that stay as they first were.
    """

    def __init__(
        self,
        kind: type[Sep2Row],
        without: tuple[str, ...] = (),
        keys: tuple[str, ...] = (),
        once: tuple[str, ...] = (),
    ) -> None:
        table = Sep2Row.metadata.tables[str(kind.__tablename__)]
        self.name = table.name
        self.columns = tuple(one.name for one in table.columns if one.name not in without)
        """In the order in which rows have them."""
        self._keys = keys or tuple(column.name for column in table.primary_key.columns)
        others = [name for name in self.columns if name not in (*self._keys, *once)]
        change = ", ".join(f"{name} = excluded.{name}" for name in others)
        self._conflict = f"DO UPDATE SET {change}" if others else "DO NOTHING"

    def all(self) -> str:
        """Return the question for every row, in the order in which they first came."""
        return f"SELECT {', '.join(self.columns)} FROM {self.name} ORDER BY rowid"  # noqa: S608 - our own names

    def add(self, rows: Sequence[Sequence[object]]) -> Iterator[Command]:
        """Yield what adds rows, or changes those of the same key where they are: their number stays."""
        one, keys = _places(len(self.columns)), ", ".join(self._keys)
        for part in _parts(rows):
            many = ", ".join([one] * len(part))
            yield (
                f"INSERT INTO {self.name} ({', '.join(self.columns)}) VALUES {many}"  # noqa: S608 - our own names
                f" ON CONFLICT ({keys}) {self._conflict}",
                [plain(value) for value in chain.from_iterable(part)],
            )

    def remove(self, keys: Sequence[Sequence[object]]) -> Iterator[Command]:
        """Yield what removes the rows of some keys."""
        one, names = _places(len(self._keys)), ", ".join(self._keys)
        for part in _parts(keys):
            many = ", ".join([one] * len(part))
            yield (
                f"DELETE FROM {self.name} WHERE ({names}) IN (VALUES {many})",  # noqa: S608 - our own names
                list(chain.from_iterable(part)),
            )


def _places(count: int) -> str:
    return f"({', '.join('?' * count)})"


def _parts(rows: Sequence[Sequence[object]]) -> Iterator[Sequence[Sequence[object]]]:
    start = 0
    for size in _SIZES:
        while len(rows) - start >= size:
            yield rows[start : start + size]
            start += size
