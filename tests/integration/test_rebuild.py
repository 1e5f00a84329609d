"""The rehearsal of docs/operations/rebuild-from-backup.md: the gateway is lost with its disk, in mid-event."""

import asyncio
import shutil
from pathlib import Path

import pytest
import structlog
from typer.testing import CliRunner

from gateway.cli.main import app
from tests.restore_world import MINUTE, START, setpoint, world

GUIDE = Path(__file__).parents[2] / "docs" / "operations" / "rebuild-from-backup.md"


def typed(*words: str) -> tuple[int, str]:
    """Type a command, in a thread of its own: the verbs have loops of their own."""
    done = CliRunner().invoke(app, list(words))
    return done.exit_code, done.output


@pytest.mark.slow
async def test_a_gateway_lost_with_its_disk_in_mid_event_is_rebuilt_on_a_new_folder(
    tmp_path: Path,
) -> None:
    lost, safe, fresh = (tmp_path / name for name in ("lost", "safe", "fresh"))
    for folder in (lost, safe, fresh):
        await asyncio.to_thread(folder.mkdir)
    async with world(lost) as stage:
        await stage.minutes(2)
        await stage.utility.publish(setpoint("e1", START + 10 * MINUTE, 20, 50))
        await stage.minutes(2)
        config = str(lost / "gateway.toml")
        backup = str(safe / "store.db")
        made = await asyncio.to_thread(
            typed, "store", "backup", backup, "--with-keys", "-c", config
        )
        assert made[0] == 0, made
        await asyncio.to_thread(shutil.copy, config, safe)
        await stage.utility.publish(setpoint("e2", START + 60 * MINUTE, 10, 40))
        await stage.minutes(11)

        await stage.stop()
        await asyncio.to_thread(shutil.rmtree, lost)
        await stage.until(START + 45 * MINUTE)  # the site is alone; its event ends in this time

        assert stage.stretches(50) == [(10.0, 30.0)]

        stage.folder = fresh
        await asyncio.to_thread(shutil.copy, safe / "gateway.toml", fresh)
        config = str(fresh / "gateway.toml")
        restored = await asyncio.to_thread(
            typed, "store", "restore", backup, "--keys", f"{backup}.keys", "-c", config
        )
        checked = await asyncio.to_thread(typed, "store", "check", "--json", "-c", config)
        await stage.start()
        await stage.minutes(40)

    structlog.reset_defaults()
    assert restored[0] == 0, restored
    assert "they belong to this store" in restored[1]
    assert checked[0] == 0, checked
    assert stage.stretches(50) == [(10.0, 30.0)]
    assert stage.stretches(40) == [(60.0, 70.0)]
    assert set(stage.opts("e1")) == {"optIn"}
    assert set(stage.opts("e2")) == {"optIn"}


def test_the_guide_names_only_commands_that_are_rehearsed() -> None:
    guide = GUIDE.read_text()
    here = Path(__file__).read_text()

    for verb in ("backup", "restore", "check"):
        assert f"gridgate store {verb}" in guide
        assert f'"store", "{verb}"' in here
    assert "--with-keys" in guide
    assert "--keys" in guide
