"""Backup at one cut, loss at another, for scripts drawn by seed: each version of each event has its effect once.

python -m pytest tests/property/test_restore_cuts.py -k "[7]"      replays seed 7
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from gateway.app.ids import SeededChance
from tests.restore_world import MINUTE, START, World, setpoint, world

pytestmark = pytest.mark.slow
EVENTS: Final = 4
LASTS: Final = 8
OUTAGE: Final = 4.0
"""Minutes from the loss to the end of the recovery, at most."""


@dataclass(frozen=True)
class Act:
    """One thing that the utility does."""

    minute: float
    word: str
    number: int
    kw: int

    @property
    def event_id(self) -> str:
        return f"e{self.number}"


def start_of(number: int) -> int:
    return 20 + 15 * number


def script(seed: int) -> tuple[list[Act], float, float]:
    """Draw what the utility does, when the backup is made and when the gateway is lost."""
    chance = SeededChance(seed, "cuts")

    def uniform(low: float, high: float) -> float:
        return chance.randint(int(low * 10), int(high * 10)) / 10

    acts = []
    for number in range(EVENTS):
        start, kw = start_of(number), 20 + 10 * number
        said = uniform(2, start - 8)
        acts.append(Act(said, "publish", number, kw))
        if chance.random() < 0.5:
            said = uniform(said + 0.5, start - 6)
            acts.append(Act(said, "modify", number, kw + 1))
        if chance.random() < 0.4:
            acts.append(Act(uniform(said + 0.5, start + LASTS - 1), "cancel", number, 0))
    end = start_of(EVENTS)
    backup = uniform(1, end - 15)
    return sorted(acts, key=lambda act: act.minute), backup, uniform(backup, end - 5)


async def play(stage: World, acts: list[Act], backup: float, loss: float) -> None:
    """Play a script; whatever the utility does while there is no gateway is found afterwards."""
    steps = [*[(act.minute, act) for act in acts], (backup, "backup"), (loss, "loss")]
    copy = Path()
    for minute, step in sorted(steps, key=lambda pair: pair[0]):
        await stage.until(max(START + minute * MINUTE, stage.clock.now()))
        if step == "backup":
            copy = await stage.backup()
        elif step == "loss":
            await stage.restored(copy)
        elif isinstance(step, Act) and step.word == "cancel":
            await stage.utility.cancel(step.event_id)
        elif isinstance(step, Act):
            spec = setpoint(step.event_id, START + start_of(step.number) * MINUTE, LASTS, step.kw)
            known = step.word == "modify"
            await (stage.utility.modify(spec) if known else stage.utility.publish(spec))
    await stage.until(START + (start_of(EVENTS) + 5) * MINUTE)


def wanted(acts: list[Act], number: int) -> tuple[int, float, float]:
    """Return cap, begin and end of an event's effect; equal begin and end: none."""
    mine = [act for act in acts if act.number == number]
    kw = [act.kw for act in mine if act.word != "cancel"][-1]
    cancelled = next((act.minute for act in mine if act.word == "cancel"), None)
    begin, end = float(start_of(number)), float(start_of(number) + LASTS)
    if cancelled is not None:
        end = max(min(end, cancelled), begin)
    return kw, begin, end


@pytest.mark.parametrize("seed", range(6))
async def test_whatever_the_cuts_every_event_has_its_effect_once(tmp_path: Path, seed: int) -> None:
    acts, backup, loss = script(seed)
    async with world(tmp_path) as stage:
        await play(stage, acts, backup, loss)

    told = f"seed {seed}: backup {backup:.1f}, loss {loss:.1f}, {acts}, caps {stage.site.caps}"
    for number in range(EVENTS):
        kw, begin, end = wanted(acts, number)
        found = stage.stretches(kw)
        assert len(found) <= 1, told
        late = OUTAGE if loss <= end <= loss + OUTAGE else 0.5
        if end - begin <= late:
            assert not found or found[0][1] - found[0][0] <= late + 0.5, told
            continue
        slack = OUTAGE if loss <= begin <= loss + OUTAGE else 0.5
        assert found, told
        assert abs(found[0][0] - begin) <= slack, told
        assert abs(found[0][1] - end) <= late, told
        assert set(stage.opts(f"e{number}")) <= {"optIn"}, told
    others = {kw for _, kw in stage.site.caps} - {wanted(acts, n)[0] for n in range(EVENTS)}
    assert others <= {120}, f"an old version took effect; {told}"
