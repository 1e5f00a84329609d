"""Who this store is: a random id drawn once, and an epoch that every restore, promotion or copy raises (R-DUR-12).

Beside them stands who was started on it last, and whether a gateway on a copy has fenced it off.
"""

from typing import Final

from sqlalchemy import BigInteger, Connection, select, update
from sqlalchemy.dialects.sqlite import insert
from sqlmodel import Field

from gateway.domain.errors import FencedError, StoreError
from gateway.domain.fence import Fence
from gateway.domain.identity import EPOCHS
from gateway.pipeline.records import StoreIdentity
from gateway.store.row import StoreRow, table_of


class IdentityRow(StoreRow, table=True):
    """The only row of its table."""

    __tablename__ = "identity"

    id: int = Field(primary_key=True)
    store_id: str
    epoch: int = Field(sa_type=BigInteger)
    starts: int = Field(default=0, sa_type=BigInteger)
    instance: str = ""
    recovering: int = 0
    fenced_by: str = ""
    """``epoch:start:instance`` of whoever goes on."""


_IDENTITY: Final = table_of(IdentityRow)
_DRAW: Final = insert(_IDENTITY).on_conflict_do_nothing()
_READ: Final = select(_IDENTITY)
_CHANGE: Final = update(_IDENTITY)


def settled_identity(connection: Connection, drawn: str) -> StoreIdentity:
    """Return the store's identity; a new store takes the id that was drawn, and epoch 1."""
    first = {"id": 1, "store_id": drawn, "epoch": 1}
    connection.execute(
        _DRAW, {**first, "starts": 0, "instance": "", "recovering": 0, "fenced_by": ""}
    )
    return read_identity(connection)


def read_identity(connection: Connection) -> StoreIdentity:
    """Return the store's identity.

    Raises:
        StoreError: ``CORRUPT_ROW`` when there is none.
    """
    row = connection.execute(_READ).first()
    if row is None:
        raise StoreError("CORRUPT_ROW", "the store has lost its identity; restore a backup")
    return StoreIdentity(
        store_id=row.store_id,
        epoch=row.epoch,
        start=row.starts,
        instance=row.instance,
        recovering=bool(row.recovering),
        fenced_by=row.fenced_by,
    )


def raise_epoch(connection: Connection, above: int = 0) -> StoreIdentity:
    """Begin a new epoch.

    Args:
        connection: A writing one, in a transaction.
        above: The highest epoch that anybody has seen of this store, for instance a site in a revision; 0: unknown.

    Raises:
        StoreError: ``EPOCHS_USED_UP`` after 2^21 of them.
    """
    epoch = max(highest_epoch(read_identity(connection)), above) + 1
    if epoch >= EPOCHS:
        raise StoreError("EPOCHS_USED_UP", f"epoch {epoch} is beyond what a revision can carry")
    connection.execute(_CHANGE, {"epoch": epoch, "recovering": 1, "fenced_by": ""})
    return read_identity(connection)


def highest_epoch(known: StoreIdentity) -> int:
    """Return the highest epoch that a store has heard of: its own, or that of whoever fenced it off."""
    told = known.fenced_by.partition(":")[0]
    return max(known.epoch, int(told) if told.isdigit() else 0)


def begin_start(connection: Connection, instance: str) -> StoreIdentity:
    """Count one more start of a gateway; durable before anything is said to anybody.

    Raises:
        FencedError: ``FENCED``.
    """
    before = read_identity(connection)
    refuse_fenced(before)
    connection.execute(_CHANGE, {"starts": before.start + 1, "instance": instance})
    return read_identity(connection)


def end_recovery(connection: Connection) -> StoreIdentity:
    """Write down that utilities and sites have told what they know."""
    connection.execute(_CHANGE, {"recovering": 0})
    return read_identity(connection)


def fence_off(connection: Connection, by: Fence) -> StoreIdentity:
    """Write down, for good, that a gateway on a copy of this store goes on; only a restore takes it back."""
    connection.execute(_CHANGE, {"fenced_by": f"{by.epoch}:{by.start}:{by.instance}"})
    return read_identity(connection)


def refuse_fenced(known: StoreIdentity) -> None:
    """Refuse a store that was fenced off.

    Raises:
        FencedError: ``FENCED``, with the way out.
    """
    if known.fenced_by:
        epoch, start, instance = known.fenced_by.split(":", 2)
        raise FencedError(
            "FENCED",
            f"another gateway goes on with a copy of this store (store {known.store_id[:8]}, epoch {epoch}, start "
            f"{start}, instance {instance[:8]}), this one (epoch {known.epoch}, start {known.start}) writes no "
            "more; keep that one, or stop it, then back up the store that shall go on and restore it with gridgate "
            "store backup and gridgate store restore",
        )
