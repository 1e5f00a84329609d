"""The field demonstration over IEEE 2030.5, CSIP and CSIP-AUS: targets met, responses and readings at the server."""

import asyncio
from decimal import Decimal
from pathlib import Path

import pytest

from conformance.demo.cast import CASTS
from conformance.demo.cast_sep2 import Sep2Player
from conformance.demo.conclude import conclude
from conformance.demo.scenario import PHOENIX
from conformance.demo.setting import Pace, prepare
from conformance.demo.virtual import LEAD, Stage
from gateway.app.virtual import VirtualClock
from gateway.domain.protocol import SEP2_FAMILY, ProtocolName


@pytest.mark.slow
@pytest.mark.spec("CSIP BASIC-017", "CSIP BASIC-029", "CSIP-AUS LOA-01", "IEEE 2030.5-2018 10.11")
@pytest.mark.spec("CSIP-AUS LOA-13")
@pytest.mark.parametrize("protocol", sorted(SEP2_FAMILY))
def test_every_target_is_met_and_the_server_has_the_whole_story(
    tmp_path: Path, protocol: ProtocolName
) -> None:
    clock = VirtualClock(PHOENIX.run.start - LEAD, print)
    stage = Stage(prepare(tmp_path / "demo", Pace(factor=1)), 1, clock, CASTS[protocol])
    outcome = conclude(asyncio.run(stage.play()), tmp_path)

    assert not outcome.misses
    assert outcome.document()["protocol"] == protocol
    assert outcome.opt == "in"
    player = stage.utility
    assert isinstance(player, Sep2Player)
    told = player.responses()
    assert [status for _, status in told] == [1, 2, 3]
    begun, ended = told[1][0], told[2][0]
    assert abs(begun - (PHOENIX.hold.start - PHOENIX.ramp_in)).total_seconds() < 1
    assert abs(ended - PHOENIX.hold.end).total_seconds() < 1

    means = [
        (at, sum(found, Decimal(0)) / len(found))
        for at, found in _by_five_minutes(outcome.it_load).items()
        if len(found) == 5
    ]
    series = [one for one in player.mirrored.values() if _near(one, means)]
    assert len(player.mirrored) == 2, "a mirror for each meter"
    assert len(series) == 1, "one of them tells what the contract meter metered"
    held = [kw for at, kw in series[0].items() if PHOENIX.hold.contains(at)]
    assert len(held) == 36
    assert max(held) <= outcome.limit_kw


def _by_five_minutes(load: object) -> dict[object, list[Decimal]]:
    found: dict[object, list[Decimal]] = {}
    for at, kw in dict(load).items():  # type: ignore[call-overload] # a series
        start = at.replace(minute=at.minute - at.minute % 5)
        found.setdefault(start, []).append(kw)
    return found


def _near(told: object, means: list[tuple[object, Decimal]]) -> bool:
    """Say whether every mean that both know of is the same to a watt."""
    series = dict(told)  # type: ignore[call-overload] # a series
    both = [(series[at], kw) for at, kw in means if at in series]
    return len(both) > 60 and all(abs(one - kw) <= Decimal("0.001") for one, kw in both)
