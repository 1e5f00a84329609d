"""Each wrong gateway is caught by its check, every time; the right one passes the same check."""

from pathlib import Path

import pytest

from conformance.mutants.registry import MUTANTS, RIGHT


@pytest.mark.slow
@pytest.mark.parametrize("name", MUTANTS)
async def test_a_wrong_gateway_is_caught(name: str, tmp_path: Path) -> None:
    mutant = MUTANTS[name]

    assert mutant.finds in await mutant.check(tmp_path, mutant.make)


@pytest.mark.slow
async def test_a_check_says_the_same_every_time(tmp_path: Path) -> None:
    mutant = MUTANTS["no dedupe"]
    said = set()
    for run in ("first", "second", "third"):
        (tmp_path / run).mkdir()
        said.add(await mutant.check(tmp_path / run, mutant.make))

    assert len(said) == 1


@pytest.mark.slow
@pytest.mark.parametrize("name", MUTANTS)
async def test_the_right_gateway_passes_the_check_of_every_wrong_one(
    name: str, tmp_path: Path
) -> None:
    assert await MUTANTS[name].check(tmp_path, RIGHT) == ""
