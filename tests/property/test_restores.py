"""After an older backup is restored, new revisions, cancels and new events take effect once (R-DUR-12).

Mutants that these catch: an epoch that is not raised, sites served before the utility was asked.
"""

import asyncio
from decimal import Decimal
from pathlib import Path

import pytest

from gateway.domain.identity import STEP
from tests.restore_world import MINUTE, START, multiplier, setpoint, world

pytestmark = pytest.mark.slow


async def test_without_a_restore_the_site_holds_each_event_once(tmp_path: Path) -> None:
    async with world(tmp_path) as stage:
        await stage.minutes(2)
        await stage.utility.publish(setpoint("e1", START + 10 * MINUTE, 10, 50))
        await stage.minutes(25)

    assert stage.stretches(50) == [(10.0, 20.0)]
    assert stage.opts("e1") == ["optIn"]


async def test_an_event_of_after_the_backup_goes_on_without_a_break(tmp_path: Path) -> None:
    async with world(tmp_path) as stage:
        await stage.minutes(2)
        backup = await stage.backup()
        await stage.utility.publish(setpoint("e1", START + 10 * MINUTE, 20, 50))
        await stage.minutes(13)
        await stage.restored(backup)
        await stage.minutes(25)

    assert stage.stretches(50) == [(10.0, 30.0)]
    assert set(stage.opts("e1")) == {"optIn"}


async def test_a_share_of_the_present_stays_what_it_was_frozen_at(tmp_path: Path) -> None:
    """The site hands back what this gateway has signed: measured now, in mid-event, the present would be lower."""
    async with world(tmp_path) as stage:
        await stage.minutes(61)
        backup = await stage.backup()
        await stage.minutes(9)
        await stage.utility.publish(multiplier("e1", START + 80 * MINUTE, 30, "0.75"))
        await stage.minutes(25)
        await stage.restored(backup)
        await stage.minutes(25)

    assert stage.stretches(Decimal("67.5")) == [(80.0, 110.0)]
    assert set(stage.opts("e1")) == {"optIn"}


async def test_a_cancel_of_after_the_backup_is_taken_again(tmp_path: Path) -> None:
    async with world(tmp_path) as stage:
        await stage.minutes(2)
        await stage.utility.publish(setpoint("e1", START + 10 * MINUTE, 30, 50))
        await stage.minutes(2)
        backup = await stage.backup()
        await stage.minutes(8)
        await stage.utility.cancel("e1")
        await stage.minutes(3)
        await stage.restored(backup)
        await stage.minutes(30)

    ((began, ended),) = stage.stretches(50)
    assert began == 10.0
    assert 12.0 <= ended <= 12.5


async def test_an_event_that_came_and_went_after_the_backup_leaves_nothing_behind(
    tmp_path: Path,
) -> None:
    async with world(tmp_path) as stage:
        await stage.minutes(2)
        backup = await stage.backup()
        await stage.utility.publish(setpoint("e1", START + 30 * MINUTE, 30, 50))
        await stage.minutes(3)
        await stage.stop()
        await stage.utility.cancel("e1")
        await stage.restored(backup)
        await stage.minutes(60)

    assert stage.stretches(50) == []
    assert [cancelled for _, cancelled in stage.site.intents] == [False, True]


async def test_a_new_version_of_after_the_backup_replaces_the_old_one_once(tmp_path: Path) -> None:
    async with world(tmp_path) as stage:
        await stage.minutes(2)
        await stage.utility.publish(setpoint("e1", START + 20 * MINUTE, 10, 50))
        await stage.minutes(2)
        backup = await stage.backup()
        await stage.utility.modify(setpoint("e1", START + 20 * MINUTE, 10, 40))
        await stage.minutes(2)
        await stage.restored(backup)
        await stage.minutes(5)
        await stage.utility.modify(setpoint("e1", START + 20 * MINUTE, 10, 30))
        await stage.minutes(25)

    assert stage.stretches(50) == []
    assert stage.stretches(40) == []
    assert stage.stretches(30) == [(20.0, 30.0)]
    assert set(stage.opts("e1")) == {"optIn"}


async def test_an_answer_of_after_the_backup_is_not_contradicted(tmp_path: Path) -> None:
    """The backup was made while the question was open; its deadline lies long back when the gateway starts again."""
    async with world(tmp_path) as stage:
        stage.site.silent = True
        await stage.minutes(2)
        await stage.utility.publish(setpoint("e1", START + 20 * MINUTE, 20, 50))
        await stage.minutes(0.3)
        backup = await stage.backup()
        stage.site.silent = False
        await stage.utility.publish(setpoint("e2", START + 50 * MINUTE, 10, 40))
        await stage.minutes(2)
        assert set(stage.opts("e1")) == {"optIn"}
        await stage.restored(backup, 20 * MINUTE)
        await stage.minutes(40)

    assert stage.stretches(50) == [(20.0, 40.0)]
    assert stage.stretches(40) == [(50.0, 60.0)]
    assert set(stage.opts("e1")) == {"optIn"}
    assert set(stage.opts("e2")) == {"optIn"}


async def test_a_refusal_of_after_the_backup_stands(tmp_path: Path) -> None:
    async with world(tmp_path) as stage:
        stage.site.silent = True
        await stage.minutes(2)
        await stage.utility.publish(setpoint("e1", START + 20 * MINUTE, 20, 50))
        await stage.minutes(0.3)
        backup = await stage.backup()
        stage.site.silent, stage.site.declines = False, True
        await stage.utility.publish(setpoint("e2", START + 50 * MINUTE, 10, 40))
        await stage.minutes(2)
        await stage.restored(backup)
        await stage.minutes(60)

    assert stage.stretches(50) == []
    assert set(stage.opts("e1")) == {"optOut"}


def lose(folder: Path) -> None:
    """Lose the store, not the keys."""
    for left in folder.glob("gridgate.db*"):
        left.unlink()


async def test_the_same_backup_restored_twice_on_new_folders_still_reaches_the_site(
    tmp_path: Path,
) -> None:
    """Nothing is left that could tell the second restore of the first: the site's number does."""
    async with world(tmp_path) as stage:
        await stage.minutes(2)
        backup = await stage.backup()
        epochs = []
        for number in (1, 2, 3):
            await stage.stop()
            await asyncio.to_thread(lose, tmp_path / "data")
            gateway = await stage.restored(backup)
            now = (stage.clock.now() - START) // MINUTE
            await stage.utility.publish(
                setpoint(f"e{number}", START + (now + 5) * MINUTE, 5, 10 * number)
            )
            await stage.minutes(15)
            epochs.append(gateway.office.store.identity.epoch)  # type: ignore[attr-defined]  # the real store

    assert [len(stage.stretches(kw)) for kw in (10, 20, 30)] == [1, 1, 1]
    assert epochs == sorted(set(epochs))


async def test_a_utility_that_is_down_does_not_stop_the_recovery_for_ever(tmp_path: Path) -> None:
    async with world(tmp_path) as stage:
        await stage.minutes(2)
        backup = await stage.backup()
        await stage.utility.publish(setpoint("e1", START + 10 * MINUTE, 20, 50))
        await stage.minutes(3)
        await stage.utility.stop()
        gateway = await stage.restored(backup)
        await stage.minutes(1.5)
        held = await gateway.office.store.read(lambda work: work.outbox.newest_sequence("phx-1"))  # type: ignore[arg-type]  # a name
        await stage.minutes(3)
        opened = await gateway.office.store.read(lambda work: work.outbox.newest_sequence("phx-1"))  # type: ignore[arg-type]  # a name

    assert held < STEP
    assert opened > STEP
