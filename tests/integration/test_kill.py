"""A gateway that is a process kills itself with ``SIGKILL``; the next one goes on, and nothing is lost or doubled."""

from pathlib import Path

import pytest

from conformance.soak.history import Fault
from conformance.soak.kill import MUTANTS, POINTS, killed
from gateway.domain.points import all_points


@pytest.mark.slow
async def test_a_killed_process_loses_nothing_and_doubles_nothing(tmp_path: Path) -> None:
    assert await killed(tmp_path, "intake.committed") == ()


@pytest.mark.slow
async def test_a_gateway_that_answers_before_it_commits_loses_a_batch(tmp_path: Path) -> None:
    mutant = "answer before commit"

    found = await killed(tmp_path, MUTANTS[mutant], mutant)

    assert [(verdict.fault, verdict.key) for verdict in found] == [(Fault.LOST, "batch b-1")]


def test_every_point_of_the_part_is_one_that_the_gateway_names() -> None:
    assert {name for point in POINTS for name in point.split(">")} <= set(all_points())
