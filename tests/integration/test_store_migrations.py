"""Schemas only go forward, in one piece, and old code keeps its hands off a newer file."""

import sqlite3
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from gateway.database.database import open_database
from gateway.database.schema import Schema
from gateway.domain.errors import StoreError
from gateway.store.open import SCHEMA, open_store
from gateway.store.reading import open_for_reading
from gateway.store.row import METADATA
from tests.fakes import CountedIds
from tests.store_processes import child, python, url
from tests.store_samples import NOW, statement

HEADER = """\"\"\"A migration of a test.\"\"\"
import os, signal
import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = {before!r}

def upgrade():
"""
FIRST = """
    op.create_table("a", sa.Column("x", sa.Integer, primary_key=True))
    op.create_table("b", sa.Column("x", sa.Integer, sa.ForeignKey("a.x")))
    op.execute("INSERT INTO a VALUES (1)")
    op.execute("INSERT INTO b VALUES (1)")
"""
SECOND = """
    with op.batch_alter_table("a") as table:
        table.add_column(sa.Column("y", sa.Text, server_default="new", nullable=False))
    op.create_table("c", sa.Column("x", sa.Integer))
"""
KILL = """
    os.kill(os.getpid(), signal.SIGKILL)
"""
ORPHAN = """
    op.execute("DELETE FROM a")
"""


def folder(path: Path, *bodies: str) -> Path:
    """Write numbered migrations."""
    path.mkdir()
    before = None
    for number, body in enumerate(bodies, 1):
        revision = f"{number:04d}"
        text = HEADER.format(revision=revision, before=before) + body
        (path / f"{revision}_step.py").write_text(text)
        before = revision
    return path


def part(migrations: Path, head: str, name: str = "part") -> Schema:
    return Schema(name=name, head=head, migrations=migrations)


async def migrated(path: Path, schema: Schema) -> None:
    async with await open_database(url(path), (schema,)):
        pass


def columns(path: Path, table: str) -> list[str]:
    connection = sqlite3.connect(path)
    found = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
    connection.close()
    return found


def rows(path: Path, sql: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(path)
    found = connection.execute(sql).fetchall()
    connection.close()
    return found


# --- the gateway's own


def test_the_code_names_the_newest_migration() -> None:
    config = Config()
    config.set_main_option("script_location", str(SCHEMA.migrations))
    config.set_main_option("version_locations", str(SCHEMA.migrations))
    config.set_main_option("path_separator", "os")

    assert ScriptDirectory.from_config(config).get_heads() == [SCHEMA.head]


async def test_the_migrations_make_the_tables_that_the_code_uses() -> None:
    def differences(connection: Connection) -> list[object]:
        context = MigrationContext.configure(
            connection,
            opts={
                "compare_type": True,
                "include_object": lambda thing, name, kind, *_: name != SCHEMA.version_table,
            },
        )
        return list(compare_metadata(context, METADATA))

    async with await open_store("sqlite://", ids=CountedIds()) as store:
        assert await store.database.write(differences) == []


@pytest.mark.parametrize("table", ["log", "statement"])
@pytest.mark.parametrize("verb", ["UPDATE {} SET rowid = rowid", "DELETE FROM {}"])
async def test_log_and_ledger_are_append_only(verb: str, table: str) -> None:
    async with await open_store("sqlite://", ids=CountedIds()) as store:
        await store.write(lambda work: work.statements.put(statement()))
        await store.write(lambda work: work.log.append("audit", "x", {}, NOW))

        with pytest.raises(StoreError, match=rf"CONSTRAINT.*{table} is append-only"):
            await store.database.write(
                lambda connection: connection.exec_driver_sql(verb.format(table))
            )
        assert await store.read(lambda work: work.log.size()) == 1


async def test_opening_a_current_store_does_not_load_the_migration_runner(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    await (await open_store(url(path), ids=CountedIds())).close()
    program = (
        "import asyncio, sys\n"
        "from gateway.store.open import open_store\n"
        "from gateway.app.ids import SystemIds\n"
        "async def main():\n"
        f"    async with await open_store({url(path)!r}, ids=SystemIds()): pass\n"
        "asyncio.run(main())\n"
        "print('alembic' in sys.modules)\n"
    )

    said = python(program)

    assert said.stdout.split() == ["False"]


async def test_old_code_refuses_a_newer_store_and_leaves_it_alone(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    await (await open_store(url(path), ids=CountedIds())).close()
    connection = sqlite3.connect(path)
    connection.execute("UPDATE store_version SET version_num = '9999'")
    connection.commit()
    connection.close()

    with pytest.raises(StoreError, match=rf"SCHEMA_NEWER: .*version 9999.* up to {SCHEMA.head}"):
        await open_store(url(path), ids=CountedIds())
    with pytest.raises(StoreError, match="SCHEMA_OTHER"):
        await open_for_reading(url(path))

    assert rows(path, "SELECT version_num FROM store_version") == [("9999",)]


# --- any component's


async def test_migrations_run_in_order_and_once(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    await migrated(path, part(folder(tmp_path / "one", FIRST), "0001"))
    assert columns(path, "a") == ["x"]

    both = part(folder(tmp_path / "two", FIRST, SECOND), "0002")
    await migrated(path, both)
    await migrated(path, both)

    assert columns(path, "a") == ["x", "y"]
    assert rows(path, "SELECT * FROM a") == [(1, "new")]
    assert rows(path, "SELECT * FROM b") == [(1,)], "rebuilding a parent must not delete children"
    assert rows(path, "SELECT version_num FROM part_version") == [("0002",)]


async def test_two_components_share_a_file(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    other = part(folder(tmp_path / "one", FIRST), "0001")
    async with await open_database(url(path), (SCHEMA, other)) as database:
        await database.write(lambda connection: connection.exec_driver_sql("SELECT * FROM a"))

    assert rows(path, "SELECT version_num FROM part_version") == [("0001",)]
    assert rows(path, "SELECT version_num FROM store_version") == [(SCHEMA.head,)]


@pytest.mark.slow
@pytest.mark.parametrize("after", [(SECOND + KILL,), (SECOND, KILL), (KILL,)])
async def test_a_migration_killed_midway_leaves_the_old_schema(
    after: tuple[str, ...], tmp_path: Path
) -> None:
    path = tmp_path / "s.db"
    await migrated(path, part(folder(tmp_path / "old", FIRST), "0001"))
    deadly = folder(tmp_path / "deadly", FIRST, *after)

    killed = child("migrate", str(path), str(deadly), f"{len(after) + 1:04d}")

    assert killed.returncode == -9, killed.stderr
    assert columns(path, "a") == ["x"]
    assert columns(path, "c") == []
    assert rows(path, "SELECT version_num FROM part_version") == [("0001",)]
    assert rows(path, "PRAGMA integrity_check") == [("ok",)]
    await migrated(path, part(folder(tmp_path / "new", FIRST, SECOND), "0002"))
    assert columns(path, "a") == ["x", "y"]


@pytest.mark.slow
async def test_a_first_migration_killed_midway_leaves_an_empty_file(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    deadly = folder(tmp_path / "deadly", FIRST + KILL)

    assert child("migrate", str(path), str(deadly), "0001").returncode == -9
    assert rows(path, "SELECT * FROM sqlite_master") == []
    await migrated(path, part(folder(tmp_path / "new", FIRST), "0001"))
    assert columns(path, "a") == ["x"]


async def test_a_migration_that_orphans_a_row_is_undone(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    await migrated(path, part(folder(tmp_path / "one", FIRST), "0001"))

    with pytest.raises(StoreError, match="MIGRATION_FAILED"):
        await migrated(path, part(folder(tmp_path / "two", FIRST, ORPHAN), "0002"))

    assert rows(path, "SELECT * FROM a") == [(1,)]
    assert rows(path, "SELECT version_num FROM part_version") == [("0001",)]
