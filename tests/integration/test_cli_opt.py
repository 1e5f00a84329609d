"""``gridgate opt`` typed beside a gateway that runs: through its socket, into its log, under the user's own name."""

import asyncio
import getpass
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.app.control import Control
from gateway.app.operator_desk import OperatorDesk
from gateway.app.token_desk import StoreDesk
from gateway.domain.participation import Opt
from gateway.pipeline.overrule import Overrule
from tests.cli_world import installation
from tests.fakes import CountedIds
from tests.intent_samples import EVENT
from tests.pipeline_story import House, cancelled, opened, opts

ME = getpass.getuser()


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str


async def gridgate(config: Path, *words: str) -> Said:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway", *words, "-c", str(config)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    return Said(process.returncode or 0, out.decode(), err.decode())


@asynccontextmanager
async def operated(config: Path) -> AsyncIterator[House]:
    """Run a gateway's control socket over a story in which the site was just asked."""
    house = await opened(House())
    await house.deliver(EVENT)
    folder = config.parent / "data"
    folder.mkdir()
    operator = OperatorDesk(Overrule(house.office), house.clock)
    desk = StoreDesk(house.store, CountedIds(), house.clock, ("phx-1",))
    control = Control(folder, desk, house.clock, operator.routes())
    await control.start()
    try:
        yield house
    finally:
        await control.stop()


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return installation(tmp_path)


async def test_an_operator_decides_and_sees_what_it_comes_to(config: Path) -> None:
    async with operated(config) as house:
        said = await gridgate(config, "opt", "evt-1", "out", "--reason", "chiller")

    assert (said.code, said.err) == (0, "")
    lines = said.out.splitlines()
    assert lines[0] == "TEST MODE: nothing here obliges anybody"
    assert "site     phx-1: unanswered -> out" in lines
    assert "utility  is told opt out" in lines
    assert f"by       operator:{ME}, written into the evidence log" in lines
    assert opts(house.told) == [(Opt.OUT, "chiller")]
    assert house.told[0].by == f"operator:{ME}"


async def test_a_dry_run_decides_nothing(config: Path) -> None:
    async with operated(config) as house:
        said = await gridgate(config, "opt", "evt-1", "in", "--reason", "x", "--dry-run", "--json")

    document = json.loads(said.out)
    assert (said.code, document["dry_run"]) == (0, True)
    (one,) = document["ruled"]
    assert (one["site"], one["opt"], one["upstream"], one["changed"]) == ("phx-1", "in", "in", True)
    assert house.told == []


async def test_what_cannot_be_decided_is_refused_with_its_code(config: Path) -> None:
    async with operated(config) as house:
        unknown = await gridgate(config, "opt", "evt-9", "out", "--reason", "x")
        await house.deliver(cancelled(EVENT, house.now))
        late = await gridgate(config, "opt", "evt-1", "out", "--reason", "x")

    assert (unknown.code, late.code) == (1, 1)
    assert unknown.err.startswith("error[GG-4041]: no event 'evt-9' asks anything of a site\n")
    assert late.err.startswith("error[GG-4093]: the event was cancelled at site phx-1\n")
    assert "Traceback" not in unknown.err + late.err


async def test_without_a_gateway_nothing_is_decided(config: Path) -> None:
    said = await gridgate(config, "opt", "evt-1", "out", "--reason", "x")

    assert said.code == 3
    assert said.err.startswith("error[GG-7005]: no gateway runs on this configuration\n")
    assert "  fix: start it:  gridgate run -c FILE" in said.err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("evt-1", "maybe", "--reason", "x"), "'maybe' is no answer"),
        (("evt-1", "out", "--reason", " "), "--reason: is empty"),
        (("evt-1", "out", "--reason", "a\x07b"), "--reason: "),
        (("evt-1", "out", "--reason", "x", "--utility", "pge"), "there is no 'pge'"),
    ],
)
async def test_wrong_use_is_told_before_anything_is_asked(
    config: Path, words: tuple[str, ...], told: str
) -> None:
    said = await gridgate(config, "opt", *words)

    assert said.code == 2
    assert said.err.startswith("error[GG-1021]: ")
    assert told in said.err
