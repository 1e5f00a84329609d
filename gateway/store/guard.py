"""Digests of rows that lead to something being sent, so that a changed byte is seen (R-DUR-11).

What happens to a row that does not fit its digest, everywhere:

* It stays where it is and a copy goes to the table ``quarantine``; nothing doubtful is ever deleted.
* A question for that one row fails: ``StoreError`` CORRUPT_ROW. It is never answered with "there is none".
* A question for many rows leaves it out, so that it holds nothing else back, and raises the alarm ``row_corrupt``.
* What comes in anew under its key replaces it and counts as new.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Row, Table

from gateway.domain.errors import StoreError
from gateway.store.transaction import Suspect, Transaction

DIGEST: Final = "digest"


@dataclass(frozen=True, slots=True)
class Guard:
    """One table's digest.

    Args:
        table: The table.
        key: Columns that name a row to people.
        covered: Columns under the digest, in this order, the key among them; the others may change freely.
    """

    table: Table
    key: tuple[str, ...]
    covered: tuple[str, ...]

    def sealed(self, values: dict[str, object]) -> dict[str, object]:
        """Return the values with their digest."""
        return {**values, DIGEST: self._digest(values)}

    def intact(self, row: Row[Any]) -> bool:
        """Say whether a row fits its digest; it must have been read with all covered columns."""
        found = columns_of(row)
        digest: object = found[DIGEST]
        return digest == self._digest(found)

    def require(self, transaction: Transaction, row: Row[Any]) -> None:
        """Insist on an intact row.

        Raises:
            StoreError: ``CORRUPT_ROW``.
        """
        if not self.intact(row):
            suspect = self.suspect(transaction, row)
            raise StoreError(
                "CORRUPT_ROW",
                f"{suspect.table} {suspect.key} does not fit its digest; it is set aside until it comes anew",
            )

    def sound(self, transaction: Transaction, rows: Iterable[Row[Any]]) -> list[Row[Any]]:
        """Return the intact rows; set the others aside."""
        found = []
        for row in rows:
            if self.intact(row):
                found.append(row)
            else:
                self.suspect(transaction, row)
        return found

    def suspect(self, transaction: Transaction, row: Row[Any]) -> Suspect:
        """Set a row aside: a copy is kept, and the alarm is raised after the transaction."""
        values = columns_of(row)
        suspect = Suspect(
            table=self.table.name,
            key="/".join(_shown(values[name]) for name in self.key),
            content=json.dumps(
                {str(name): _shown(value) for name, value in values.items()}, sort_keys=True
            ),
        )
        transaction.set_aside(suspect)
        return suspect

    def _digest(self, values: Mapping[Any, Any]) -> bytes:
        message = [self.table.name.encode()]
        for name in self.covered:
            # Each value says its kind and length, so that no two rows have one message.
            kind, content = _encoded(values[name])
            message += (b"%c%d:" % (kind, len(content)), content)
        return hashlib.sha256(b"".join(message)).digest()


def columns_of(row: Row[Any]) -> Mapping[Any, Any]:
    """Return a row's values by column name."""
    return row._mapping  # noqa: SLF001 - SQLAlchemy's documented name; the underscore avoids clashes with columns


def _encoded(value: object) -> tuple[int, bytes]:
    match value:
        case None:
            return ord("n"), b""
        case bytes():
            return ord("b"), value
        case str():
            return ord("s"), value.encode("utf-8", "surrogateescape")
        case int():
            return ord("i"), str(int(value)).encode()
        case _:  # a changed byte in the file can change a column's type
            return ord("?"), repr(value).encode()


def _shown(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    return str(value).encode("utf-8", "backslashreplace").decode()
