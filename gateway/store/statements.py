"""Settlement statements: the ledger. A new version is a new row; a trigger forbids changing or removing one."""

from decimal import Decimal
from typing import Any, Final

from sqlalchemy import BigInteger, Row, bindparam, func, select
from sqlalchemy.dialects.sqlite import insert
from sqlmodel import Field

from gateway.database.columns import ExactDecimal, micros
from gateway.domain.errors import StoreError
from gateway.domain.names import SiteId
from gateway.domain.settlement import SettlementStatement
from gateway.store.codec import model_bytes, read_model
from gateway.store.guard import Guard
from gateway.store.row import StoreRow, table_of
from gateway.store.transaction import Transaction


class StatementRow(StoreRow, table=True):
    """One version of one statement."""

    __tablename__ = "statement"

    statement_id: str = Field(primary_key=True)
    version: int = Field(primary_key=True, sa_type=BigInteger)
    site: str = Field(index=True)
    start_at: int = Field(sa_type=BigInteger)
    payment: Decimal = Field(sa_type=ExactDecimal)
    """Negative: owed by the site."""
    currency: str
    body: bytes
    digest: bytes


_STATEMENT: Final = table_of(StatementRow)
_GUARD: Final = Guard(
    _STATEMENT,
    ("statement_id", "version"),
    ("statement_id", "version", "site", "start_at", "currency", "body"),
)
_COLUMNS: Final = [column for column in _STATEMENT.c if column.name != "payment"]
_PUT: Final = insert(_STATEMENT)
_newer: Final = _STATEMENT.alias("newer")
_IS_NEWEST: Final = (
    _STATEMENT.c.version
    == select(func.max(_newer.c.version))
    .where(_newer.c.statement_id == _STATEMENT.c.statement_id)
    .scalar_subquery()
)
_ONE: Final = (
    select(*_COLUMNS)
    .where(_STATEMENT.c.statement_id == bindparam("statement_id"))
    .order_by(_STATEMENT.c.version.desc())
    .limit(1)
)
_VERSION: Final = select(*_COLUMNS).where(
    _STATEMENT.c.statement_id == bindparam("statement_id"),
    _STATEMENT.c.version == bindparam("version"),
)
_ALL: Final = (
    select(*_COLUMNS).where(_IS_NEWEST).order_by(_STATEMENT.c.start_at, _STATEMENT.c.statement_id)
)
_OF_SITE: Final = _ALL.where(_STATEMENT.c.site == bindparam("site"))


class Statements:
    """See ``gateway.pipeline.ports.Statements``."""

    __slots__ = ("_transaction",)

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def put(self, statement: SettlementStatement) -> None:
        """Store one version; the very same one again changes nothing.

        Raises:
            StoreError: ``STALE_REVISION`` when that version or a later one is stored with other content.
        """
        body = model_bytes(statement)
        row = self._newest(statement.id)
        if row is not None and row.version >= statement.version:
            if row.version == statement.version and row.body == body:
                return
            raise StoreError(
                "STALE_REVISION",
                f"statement {statement.id} has version {row.version}; make a newer one",
            )
        sealed = _GUARD.sealed(
            {
                "statement_id": statement.id,
                "version": statement.version,
                "site": statement.site,
                "start_at": micros(statement.start),
                "currency": statement.currency,
                "body": body,
            }
        )
        self._transaction.run(_PUT, {**sealed, "payment": statement.totals.payment})

    def get(self, statement_id: str, version: int | None = None) -> SettlementStatement | None:
        """Return one version; None: the newest.

        Raises:
            StoreError: ``CORRUPT_ROW``.
        """
        if version is None:
            row = self._newest(statement_id)
        else:
            values = {"statement_id": statement_id, "version": version}
            row = self._transaction.run(_VERSION, values).first()
        return None if row is None else self._statement(row)

    def of_site(self, site: SiteId | None) -> tuple[SettlementStatement, ...]:
        """Return newest versions, oldest first; None: of all sites.

        Raises:
            StoreError: ``CORRUPT_ROW``: money is never listed in part.
        """
        rows = (
            self._transaction.run(_ALL)
            if site is None
            else self._transaction.run(_OF_SITE, {"site": site})
        )
        return tuple(map(self._statement, rows.all()))

    def _newest(self, statement_id: str) -> Row[Any] | None:
        return self._transaction.run(_ONE, {"statement_id": statement_id}).first()

    def _statement(self, row: Row[Any]) -> SettlementStatement:
        _GUARD.require(self._transaction, row)
        return read_model(SettlementStatement, row.body)
