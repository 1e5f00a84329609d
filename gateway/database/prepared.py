"""Statements compiled once and run on the driver: the same SQL and conversions, without what SQLAlchemy does each time.

One event is some thirty statements, and most of their time was spent on the way to the driver. What this does not
know (lists that expand, converted results, defaults made in Python) runs through SQLAlchemy as ever.
"""

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import Connection, Executable, IteratorResult, Result
from sqlalchemy.dialects.sqlite import pysqlite
from sqlalchemy.engine.result import SimpleResultMetaData
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ClauseElement

from gateway.database.engine import driver

Values = Mapping[str, object]
Convert = Callable[[Any], object]

_DIALECT: Final = pysqlite.dialect(dbapi=sqlite3)
_KEPT: Final = 512
"""Statements with their columns; they are constants of modules, so there are no more than in the code."""
_NO_ROWS: Final = SimpleResultMetaData(())


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What the driver needs to run a statement."""

    sql: str
    places: tuple[tuple[str, Convert | None], ...]
    """Name of the value at each question mark, and how it is converted."""
    own: Values
    """Values that the statement brings along."""
    rows: SimpleResultMetaData | None
    """Columns of what it returns; None: no rows."""

    def arguments(self, values: Values) -> list[object]:
        """Return values in the order of the question marks; all must be there."""
        found: list[object] = []
        for name, convert in self.places:
            value = values[name] if name in values else self.own[name]
            found.append(value if convert is None else convert(value))
        return found

    def run(self, connection: sqlite3.Connection, values: Values) -> Result[Any]:
        """Run it once."""
        cursor = connection.execute(self.sql, self.arguments(values))
        if self.rows is None:
            return IteratorResult(_NO_ROWS, iter(()))
        return IteratorResult(self.rows, cursor)


def run(
    connection: Connection, statement: Executable, values: Values | Sequence[Values] | None = None
) -> Result[Any]:
    """Run a statement inside the connection's transaction.

    Args:
        connection: Of one of our own engines.
        statement: A constant of a module: it is remembered.
        values: A sequence of them runs it once for each, all with the same names.
    """
    many = isinstance(values, Sequence)
    first = values[0] if isinstance(values, Sequence) else values or {}
    ready = (_prepared_for_many if many else prepared)(statement, tuple(first))
    if ready is None:
        return connection.execute(statement, values)
    if isinstance(values, Sequence):
        arguments = [ready.arguments(each) for each in values]
        driver(connection).executemany(ready.sql, arguments)
        return IteratorResult(_NO_ROWS, iter(()))
    return ready.run(driver(connection), first)


def changed(connection: Connection, statement: Executable, values: Values) -> int:
    """Run a statement that changes rows; return how many."""
    return connection.execute(statement, values).rowcount


@lru_cache(maxsize=_KEPT)
def prepared(statement: Executable, names: tuple[str, ...]) -> Prepared | None:
    """Make a statement ready to be run with values of these names; None: only SQLAlchemy knows how to run it."""
    return _made_ready(statement, names)


@lru_cache(maxsize=_KEPT)
def _prepared_for_many(statement: Executable, names: tuple[str, ...]) -> Prepared | None:
    return _made_ready(statement, names, many=True)


def _made_ready(
    statement: Executable, names: Iterable[str], *, many: bool = False
) -> Prepared | None:
    """Return None for a statement that only SQLAlchemy knows how to run."""
    if not isinstance(statement, ClauseElement):
        return None
    compiled = statement.compile(dialect=_DIALECT, column_keys=sorted(names), for_executemany=many)
    if not isinstance(compiled, SQLCompiler) or _beyond_us(compiled):
        return None
    converts: Mapping[str, Any] = compiled._bind_processors  # noqa: SLF001 - a test pins what it gives
    columns = [column.keyname for column in compiled._result_columns]  # noqa: SLF001 - a test pins what it gives
    return Prepared(
        sql=str(compiled),
        places=tuple((name, converts.get(name)) for name in compiled.positiontup or ()),
        own={
            name: bind.effective_value for name, bind in compiled.binds.items() if not bind.required
        },
        rows=SimpleResultMetaData(columns) if columns else None,
    )


def _beyond_us(compiled: SQLCompiler) -> bool:
    """Say whether running needs more than text, values in order and rows as they are."""
    converted = any(
        column.type._cached_result_processor(_DIALECT, None) is not None  # noqa: SLF001 - a test pins what it gives
        for column in compiled._result_columns  # noqa: SLF001 - a test pins what it gives
    )
    return bool(
        converted
        or compiled.post_compile_params
        or compiled.literal_execute_params
        or compiled.insert_prefetch
        or compiled.update_prefetch
    )
