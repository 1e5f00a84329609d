"""``gridgate store``: check, backup, restore and upgrade, as an operator types them."""

import asyncio
import json
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import structlog
from typer.testing import CliRunner

from gateway.cli.main import app
from gateway.database.database import open_database
from gateway.database.schema import Schema
from gateway.store.open import SCHEMA
from tests.cli_world import filled, installation

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Shell:
    """Types store verbs for one installation."""

    folder: Path

    @property
    def config(self) -> Path:
        return self.folder / "gateway.toml"

    @property
    def store(self) -> Path:
        return self.folder / "data" / "gridgate.db"

    @property
    def keys(self) -> Path:
        return self.folder / "data" / "keys"

    def __call__(self, *words: str) -> tuple[int, str, str]:
        done = CliRunner().invoke(app, ["store", *words, "-c", str(self.config)])
        failed = done.exception
        assert failed is None or isinstance(failed, SystemExit), done.output
        return done.exit_code, done.stdout, done.stderr

    def json(self, *words: str) -> dict[str, Any]:
        code, out, err = self(*words, "--json")
        assert code in {0, 1}, err
        found: dict[str, Any] = json.loads(out)
        return found

    def looks(self) -> dict[str, tuple[str, str]]:
        return {
            one["name"]: (one["verdict"], one["said"]) for one in self.json("check")["findings"]
        }

    def sql(self, text: str) -> None:
        connection = sqlite3.connect(self.store)
        connection.execute(text)
        connection.commit()
        connection.close()


@pytest.fixture(autouse=True)
def _logs_as_before() -> Iterator[None]:
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="module")
def _filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("filled")
    filled(installation(folder))
    return folder


@pytest.fixture
def shell(tmp_path: Path, _filled: Path) -> Shell:
    folder = tmp_path / "one"
    shutil.copytree(_filled, folder)
    return Shell(folder)


@contextmanager
def gateway(config: Path) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-m", "gateway", "run", "-c", str(config)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            assert process.stderr is not None
            for line in process.stderr:
                if json.loads(line)["event"] == "gateway_started":
                    break
            yield process
        finally:
            process.kill()


# --- check


def test_a_sound_store_passes_every_look(shell: Shell) -> None:
    code, out, _ = shell("check")
    looks = shell.looks()

    assert code == 0
    assert {verdict for verdict, _ in looks.values()} <= {"ok", "warning"}
    assert set(looks) == {
        *("sqlite", "pragmas", "integrity", "schema", "identity", "digests", "log"),
        *("quarantine", "outbox", "dead letters", "timers", "disk", "flush"),
    }
    assert "journal_mode=wal synchronous=2 foreign_keys=1" in looks["pragmas"][1]
    old = sqlite3.sqlite_version_info < (3, 51, 3)
    assert looks["sqlite"][0] == ("warning" if old else "ok")
    assert all(len(line) <= 80 for line in out.splitlines())
    assert sorted(shell.folder.glob("data/.flush*")) == []


@pytest.mark.parametrize(
    ("damage", "look"),
    [
        ("UPDATE intent SET body = replace(body, '25', '95')", "digests"),
        ("DROP TRIGGER log_no_update; ", "log"),
        ("UPDATE log_frontier SET size = size - 1", "log"),
        ("UPDATE identity SET fenced_by = '1:7:theirs'", "identity"),
        ("UPDATE store_version SET version_num = '9999'", "schema"),
    ],
)
def test_what_is_wrong_is_found_and_named(shell: Shell, damage: str, look: str) -> None:
    for statement in damage.split("; "):
        if statement:
            shell.sql(statement)
    if "TRIGGER" in damage:
        shell.sql("UPDATE log SET record = record || ' ' WHERE position = 3")

    assert shell("check")[0] == 1
    assert {name for name, (verdict, _) in shell.looks().items() if verdict == "problem"} == {look}


def test_a_torn_page_is_found(shell: Shell) -> None:
    content = bytearray(shell.store.read_bytes())
    content[4096 * 6 : 4096 * 7] = bytes(4096)
    shell.store.write_bytes(bytes(content))

    code, out, err = shell("check")

    assert code in {1, 3}
    assert "PROBLEM" in out or "GG-6" in err


def test_a_missing_store_is_told_with_the_fix(tmp_path: Path) -> None:
    installation(tmp_path)
    code, _, err = Shell(tmp_path)("check")

    assert code == 3
    assert "start the gateway once" in err


# --- backup and restore


def test_a_backup_of_a_stopped_store_is_verified_and_says_what_else_is_needed(shell: Shell) -> None:
    made = shell.json("backup", str(shell.folder / "b.db"))

    assert made["bytes"] == os.stat(shell.folder / "b.db").st_size
    assert str(shell.config) in made["keep_also"]
    assert str(shell.keys) in made["keep_also"]
    assert str(shell.folder / "ven.key") in made["keep_also"]
    assert shell("backup", str(shell.folder / "b.db"))[0] == 3
    assert not (shell.folder / "b.db.keys").exists()


def test_keys_are_packed_only_when_asked_for_and_only_for_their_owner(shell: Shell) -> None:
    made = shell.json("backup", str(shell.folder / "b.db"), "--with-keys")

    packed = Path(made["keys_file"])
    assert stat.S_IMODE(packed.stat().st_mode) == 0o600
    with tarfile.open(packed) as archive:
        assert sorted(archive.getnames()) == sorted(path.name for path in shell.keys.iterdir())
    secret = (shell.keys / "evidence-log.key").read_bytes()
    assert secret not in (shell.folder / "b.db").read_bytes()
    assert str(shell.keys) not in made["keep_also"]


def test_a_restore_raises_the_epoch_keeps_the_old_store_and_says_what_comes_next(
    shell: Shell,
) -> None:
    shell("backup", str(shell.folder / "b.db"))

    code, out, _ = shell("restore", str(shell.folder / "b.db"))
    again = shell.json("restore", str(shell.folder / "b.db"), "--above", "7")

    assert code == 0
    assert "epoch 2" in out
    assert "gridgate run -c" in out
    assert again["epoch"] == 8
    assert Path(again["replaced"]).is_file()
    assert shell.looks()["identity"] == (
        "warning",
        shell.looks()["identity"][1],
    )
    assert "restored" in shell.looks()["identity"][1]


def test_a_changed_backup_changes_nothing(shell: Shell) -> None:
    target = shell.folder / "b.db"
    shell("backup", str(target))
    content = bytearray(target.read_bytes())
    content[len(content) // 2] ^= 1
    target.write_bytes(bytes(content))
    before = shell.store.read_bytes()

    assert shell("restore", str(target))[0] == 3
    assert shell.store.read_bytes() == before


@pytest.mark.slow
def test_with_a_running_gateway_backups_go_through_it_and_restores_are_refused(
    shell: Shell, tmp_path: Path
) -> None:
    target = tmp_path / "b.db"
    with gateway(shell.config):
        code, out, err = shell("backup", str(target), "--with-keys")
        taken = shell("backup", str(target))
        restored = shell("restore", str(target))
        upgraded = shell("upgrade")
        looks = shell.looks()

    assert code == 0, err
    assert "verified" in out
    assert [taken[0], restored[0], upgraded[0]] == [3, 3, 3]
    assert "exists" in taken[2]
    assert "GG-6002" in restored[2]
    assert "GG-6002" in upgraded[2]
    assert looks["identity"][1].endswith("started 1 times")

    other = Shell(tmp_path / "other")
    other.folder.mkdir()
    installation(other.folder)
    bare = other("restore", str(target))
    assert bare[0] == 1
    assert "installation.key is missing" in bare[1]
    full = other("restore", str(target), "--keys", str(tmp_path / "b.db.keys"))
    assert full[0] == 0, full
    assert "they belong to this store" in full[1]
    with gateway(other.config) as process:
        assert process.poll() is None
    (other.keys / "installation.key").write_bytes(b"7" * 32)
    differ = other("restore", str(target), "--keys", str(tmp_path / "b.db.keys"))
    assert differ[0] == 3
    assert "another key" in differ[2]
    wrong = other("restore", str(target))
    assert wrong[0] == 1
    assert "another key than this backup" in wrong[1]


@pytest.mark.parametrize("name", ["../escape", "/etc/escape", "folder/escape", ".hidden"])
def test_an_archive_that_would_leave_the_key_folder_is_refused(shell: Shell, name: str) -> None:
    shell("backup", str(shell.folder / "b.db"))
    bad = shell.folder / "bad.keys"
    with tarfile.open(bad, "w") as archive:
        archive.addfile(tarfile.TarInfo(name))
    before = sorted(path.name for path in shell.keys.iterdir())

    assert shell("restore", str(shell.folder / "b.db"), "--keys", str(bad))[0] == 3
    assert sorted(path.name for path in shell.keys.iterdir()) == before


# --- upgrade


def test_an_upgrade_with_nothing_to_do_leaves_nothing_behind(shell: Shell) -> None:
    assert shell.json("upgrade") == {"before": SCHEMA.head, "after": SCHEMA.head, "backup": None}
    assert list(shell.folder.glob("data/*before*")) == []


async def of_the_first_schema(store: Path, folder: Path) -> None:
    """Make a store as the first release did."""
    migrations = ROOT / "gateway" / "store" / "migrations"
    only_first = shutil.ignore_patterns("000[2-9]*", "00[1-9]*", "__pycache__")
    await asyncio.to_thread(shutil.copytree, migrations, folder, ignore=only_first)
    first = Schema(name="store", head="0001", migrations=folder)
    async with await open_database(f"sqlite:///{store}", (first,)):
        pass


def test_an_older_store_is_upgraded_after_a_backup_beside_it(shell: Shell) -> None:
    shell.store.unlink()
    asyncio.run(of_the_first_schema(shell.store, shell.folder / "migrations"))
    shell.sql("INSERT INTO identity (id, store_id, epoch) VALUES (1, 'old-store', 4)")

    looks = shell.looks()
    done = shell.json("upgrade")

    assert looks["schema"][0] == "warning"
    assert "gridgate store upgrade" in looks["schema"][1]
    assert (done["before"], done["after"]) == ("0001", SCHEMA.head)
    kept = sqlite3.connect(done["backup"])
    assert kept.execute("SELECT version_num FROM store_version").fetchone() == ("0001",)
    kept.close()
    assert shell.looks()["identity"][1].startswith("store old-stor, epoch 4")


def test_a_backup_of_an_older_schema_is_restored_and_migrated(shell: Shell) -> None:
    shell.store.unlink()
    asyncio.run(of_the_first_schema(shell.store, shell.folder / "migrations"))
    shell.sql("INSERT INTO identity (id, store_id, epoch) VALUES (1, 'old-store', 4)")
    made = shell.json("backup", str(shell.folder / "b.db"))

    assert made["schema_version"] == "0001"
    assert shell.json("restore", str(shell.folder / "b.db"))["epoch"] == 5
    assert shell.looks()["schema"] == ("ok", SCHEMA.head)
