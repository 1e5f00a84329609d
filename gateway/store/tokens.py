"""Southbound credentials: who may speak for a site. Secrets are not here, only their digests."""

import json
from datetime import datetime
from typing import Any, Final

from sqlalchemy import BigInteger, Row, bindparam, select, update
from sqlalchemy.dialects.sqlite import insert
from sqlmodel import Field

from gateway.database.columns import instant_at, micros, optional_instant_at, optional_micros
from gateway.domain.errors import StoreError
from gateway.domain.names import SiteId
from gateway.pipeline.records import TokenRecord
from gateway.store.guard import Guard, columns_of
from gateway.store.row import StoreRow, table_of
from gateway.store.transaction import Transaction


class TokenRow(StoreRow, table=True):
    """One credential."""

    __tablename__ = "token"

    name: str = Field(primary_key=True)
    sha256: str = Field(unique=True)
    site: str
    scopes: str
    """JSON list."""
    created_at: int = Field(sa_type=BigInteger)
    expires_at: int | None = Field(sa_type=BigInteger)
    revoked_at: int | None = Field(sa_type=BigInteger)
    digest: bytes


_TOKEN: Final = table_of(TokenRow)
_GUARD: Final = Guard(
    _TOKEN,
    ("name",),
    ("name", "sha256", "site", "scopes", "created_at", "expires_at", "revoked_at"),
)
_ADD: Final = insert(_TOKEN).on_conflict_do_nothing()
_BY_DIGEST: Final = select(_TOKEN).where(_TOKEN.c.sha256 == bindparam("sha256"))
_BY_NAME: Final = select(_TOKEN).where(_TOKEN.c.name == bindparam("name"))
_ALL: Final = select(_TOKEN).order_by(_TOKEN.c.created_at, _TOKEN.c.name)
_REVOKE: Final = (
    update(_TOKEN)
    .where(_TOKEN.c.name == bindparam("b_name"))
    .values(revoked_at=bindparam("b_revoked_at"), digest=bindparam("b_digest"))
)


class Tokens:
    """See ``gateway.pipeline.ports.Tokens``."""

    __slots__ = ("_transaction",)

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def add(self, token: TokenRecord) -> None:
        """Store a new credential.

        Raises:
            StoreError: ``NAME_TAKEN`` when its name or its secret is in use.
        """
        if self._transaction.change(_ADD, _GUARD.sealed(_values(token))) == 0:
            raise StoreError(
                "NAME_TAKEN", f"there is a token {token.name} already; revoke or rename"
            )

    def by_digest(self, sha256: str) -> TokenRecord | None:
        """Find a credential by the digest of its secret; a corrupt one opens no door."""
        row = self._transaction.run(_BY_DIGEST, {"sha256": sha256}).first()
        if row is None:
            return None
        _GUARD.require(self._transaction, row)
        return _token(row)

    def all(self) -> tuple[TokenRecord, ...]:
        """List credentials, revoked ones too, oldest first."""
        return tuple(map(_token, _GUARD.sound(self._transaction, self._transaction.run(_ALL))))

    def revoke(self, name: str, at: datetime) -> bool:
        """Revoke by name; False when unknown or revoked before."""
        row = self._transaction.run(_BY_NAME, {"name": name}).first()
        if row is None or row.revoked_at is not None:
            return False
        # A corrupt row is copied to quarantine first, and revoked all the same: that is the safe side.
        _GUARD.sound(self._transaction, (row,))
        sealed = _GUARD.sealed({**_plain(row), "revoked_at": micros(at)})
        self._transaction.run(
            _REVOKE,
            {"b_name": name, "b_revoked_at": micros(at), "b_digest": sealed["digest"]},
        )
        return True


def _values(token: TokenRecord) -> dict[str, object]:
    return {
        "name": token.name,
        "sha256": token.sha256,
        "site": token.site,
        "scopes": json.dumps(token.scopes),
        "created_at": micros(token.created_at),
        "expires_at": optional_micros(token.expires_at),
        "revoked_at": optional_micros(token.revoked_at),
    }


def _plain(row: Row[Any]) -> dict[str, object]:
    return {name: columns_of(row)[name] for name in _GUARD.covered}


def _token(row: Row[Any]) -> TokenRecord:
    return TokenRecord(
        name=row.name,
        sha256=row.sha256,
        site=SiteId(row.site),
        scopes=tuple(json.loads(row.scopes)),
        created_at=instant_at(row.created_at),
        expires_at=optional_instant_at(row.expires_at),
        revoked_at=optional_instant_at(row.revoked_at),
    )
