"""Which schema a file has, and whether this code may use it; the slow part is loaded only when it is needed."""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, column, inspect, select, table

from gateway.domain.errors import StoreError


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """One component's tables; several components may share a file."""

    name: str
    """Lower-case word; its version is kept in the table ``<name>_version``."""
    head: str
    """The newest version that this code knows."""
    migrations: Path
    """Folder of numbered migration modules."""

    @property
    def version_table(self) -> str:
        """Name of the table with one row and one column, ``version_num``."""
        return f"{self.name}_version"


def stored_version(connection: Connection, schema: Schema) -> str | None:
    """Return the version of a file, None for a file without this component."""
    if not inspect(connection).has_table(schema.version_table):
        return None
    versions = table(schema.version_table, column("version_num"))
    row = connection.execute(select(versions)).first()
    return None if row is None else str(row[0])


def is_current(connection: Connection, schema: Schema) -> bool:
    """Say whether nothing has to be migrated."""
    with connection.begin():
        return stored_version(connection, schema) == schema.head


def bring_up_to_date(connection: Connection, schema: Schema) -> None:
    """Migrate to the newest schema, in one transaction; killed mid-way it leaves the old one.

    Raises:
        StoreError: ``SCHEMA_NEWER`` when the file was written by newer code, ``MIGRATION_FAILED``.
    """
    if is_current(connection, schema):
        return
    # Alembic takes a quarter of a second to import; most starts have nothing to migrate.
    runner = importlib.import_module("gateway.database.migrate")
    upgrade: Callable[[Connection, Schema], None] = runner.upgrade
    upgrade(connection, schema)


def require_current(connection: Connection, schema: Schema) -> None:
    """Refuse a file of another version, for those who only read.

    Raises:
        StoreError: ``SCHEMA_OTHER``.
    """
    if not is_current(connection, schema):
        raise StoreError(
            "SCHEMA_OTHER",
            f"the store's {schema.name} tables are not of version {schema.head}; "
            "start the gateway of this version once, or use the version that wrote it",
        )
