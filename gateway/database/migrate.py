"""Forward-only migrations by Alembic, all pending ones in a single transaction."""

from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from gateway.database.engine import driver
from gateway.database.schema import Schema, stored_version
from gateway.domain.errors import StoreError

_ENVIRONMENT: Final = Path(__file__).parent / "environment"


def upgrade(connection: Connection, schema: Schema) -> None:
    """Run every migration that the file lacks.

    Args:
        connection: The writer's; not in a transaction.
        schema: Whose migrations.

    Raises:
        StoreError: ``SCHEMA_NEWER`` when the file's version is unknown here; ``MIGRATION_FAILED`` when a migration
            leaves a row without its parent.
    """
    config = Config()
    config.set_main_option("script_location", str(_ENVIRONMENT))
    config.set_main_option("path_separator", "os")
    config.set_main_option("version_locations", str(schema.migrations))
    config.attributes.update(connection=connection, version_table=schema.version_table)
    raw = driver(connection)
    # Tables are rebuilt by copy; with foreign keys on, dropping the old one would delete its children.
    raw.execute("PRAGMA foreign_keys=0")
    try:
        with connection.begin():
            _refuse_newer(stored_version(connection, schema), config, schema)
            command.upgrade(config, "head")
            orphans = raw.execute("PRAGMA foreign_key_check").fetchall()
            if orphans:
                raise StoreError("MIGRATION_FAILED", f"{len(orphans)} rows would lose their parent")
    finally:
        raw.execute("PRAGMA foreign_keys=1")


def _refuse_newer(stored: str | None, config: Config, schema: Schema) -> None:
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if stored is not None and stored not in known:
        raise StoreError(
            "SCHEMA_NEWER",
            f"the store's {schema.name} tables have version {stored}, this code knows up to {schema.head}; "
            "use the newer gateway, or restore a backup made before the upgrade",
        )
