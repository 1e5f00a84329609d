"""One open transaction as the groups of ``Work`` see it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Connection, Executable, Result
from sqlalchemy.dialects.sqlite import insert
from sqlmodel import Field

from gateway.database.columns import BIG_KEY
from gateway.database.prepared import changed, run
from gateway.pipeline.records import StoreIdentity
from gateway.store.row import StoreRow, table_of


class QuarantineRow(StoreRow, table=True):
    """A copy of a row that did not fit its digest."""

    __tablename__ = "quarantine"

    id: int | None = Field(default=None, primary_key=True, sa_type=BIG_KEY)
    found_in: str
    row_key: str
    content: str = Field(unique=True)
    """The row as JSON; the same finding is kept once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspect:
    """A row that does not fit its digest."""

    table: str
    key: str
    content: str
    """All columns as JSON."""


_KEEP: Final = insert(table_of(QuarantineRow)).on_conflict_do_nothing()


@dataclass(slots=True)
class Transaction:
    """A connection inside a transaction, and what was noticed in it."""

    connection: Connection
    identity: StoreIdentity
    writable: bool
    suspects: list[Suspect] = field(default_factory=list)
    raw_kept: set[str] = field(default_factory=set)
    """Digests of the raw messages that are stored: one of megabytes may bring a thousand events."""

    def run(
        self,
        statement: Executable,
        values: Mapping[str, object] | Sequence[Mapping[str, object]] | None = None,
    ) -> Result[Any]:
        """Execute a statement that is a module's constant; a sequence of values executes it once for each."""
        return run(self.connection, statement, values)

    def ask(self, statement: Executable, values: Mapping[str, object] | None = None) -> Result[Any]:
        """Execute a statement that was put together for one question."""
        return self.connection.execute(statement, values)

    def change(self, statement: Executable, values: Mapping[str, object]) -> int:
        """Execute a statement that changes rows; return how many."""
        return changed(self.connection, statement, values)

    def set_aside(self, suspect: Suspect) -> None:
        """Note a corrupt row; keep its copy in this very transaction, which may go on to replace it."""
        self.suspects.append(suspect)
        if self.writable:
            self.keep(suspect)

    def keep(self, suspect: Suspect) -> bool:
        """Store a copy in quarantine; False when it lies there already."""
        kept = {"found_in": suspect.table, "row_key": suspect.key, "content": suspect.content}
        return self.change(_KEEP, kept) > 0
