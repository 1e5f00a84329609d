"""Base of the gateway's tables. Instants are whole microseconds since 1970 UTC, flags 0 or 1, documents bytes."""

from typing import Final

from sqlalchemy import MetaData, Table
from sqlalchemy.orm import registry
from sqlmodel import SQLModel

METADATA: Final = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class StoreRow(SQLModel, registry=registry(metadata=METADATA)):
    """A row of one of the gateway's own tables; other components have their own base and metadata."""


def table_of(row: type[StoreRow]) -> Table:
    """Return the table behind a row class, for statements."""
    return METADATA.tables[str(row.__tablename__)]
