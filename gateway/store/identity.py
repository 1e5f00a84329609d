"""Who this store is: a random id drawn once, and an epoch that every restore, promotion or copy raises (R-DUR-12)."""

from typing import Final

from sqlalchemy import BigInteger, Connection, select, update
from sqlalchemy.dialects.sqlite import insert
from sqlmodel import Field

from gateway.domain.errors import StoreError
from gateway.domain.identity import EPOCHS
from gateway.pipeline.records import StoreIdentity
from gateway.store.row import StoreRow, table_of


class IdentityRow(StoreRow, table=True):
    """The only row of its table."""

    __tablename__ = "identity"

    id: int = Field(primary_key=True)
    store_id: str
    epoch: int = Field(sa_type=BigInteger)


_IDENTITY: Final = table_of(IdentityRow)
_DRAW: Final = insert(_IDENTITY).on_conflict_do_nothing()
_READ: Final = select(_IDENTITY.c.store_id, _IDENTITY.c.epoch)
_RAISE: Final = update(_IDENTITY)


def settled_identity(connection: Connection, drawn: str) -> StoreIdentity:
    """Return the store's identity; a new store takes the id that was drawn, and epoch 1."""
    connection.execute(_DRAW, {"id": 1, "store_id": drawn, "epoch": 1})
    return read_identity(connection)


def read_identity(connection: Connection) -> StoreIdentity:
    """Return the store's identity.

    Raises:
        StoreError: ``CORRUPT_ROW`` when there is none.
    """
    row = connection.execute(_READ).first()
    if row is None:
        raise StoreError("CORRUPT_ROW", "the store has lost its identity; restore a backup")
    return StoreIdentity(store_id=row.store_id, epoch=row.epoch)


def raise_epoch(connection: Connection, above: int = 0) -> StoreIdentity:
    """Begin a new epoch.

    Args:
        connection: A writing one, in a transaction.
        above: The highest epoch that anybody has seen of this store, for instance a site in a revision; 0: unknown.

    Raises:
        StoreError: ``EPOCHS_USED_UP`` after 2^21 of them.
    """
    before = read_identity(connection)
    epoch = max(before.epoch, above) + 1
    if epoch >= EPOCHS:
        raise StoreError("EPOCHS_USED_UP", f"epoch {epoch} is beyond what a revision can carry")
    connection.execute(_RAISE, {"epoch": epoch})
    return StoreIdentity(store_id=before.store_id, epoch=epoch)
