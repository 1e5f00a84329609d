"""Events over a change of local time and leaps of the clock, a VEN under test (2.0b section 8.1)."""

from datetime import UTC, datetime, timedelta
from typing import Final

from conformance.kit.case import Case, Maturity, Timing, case
from conformance.kit.checks.events import ANSWERED, RIGHT_ANSWER, answers_event
from conformance.kit.checks.execution import acts_as_expected, look, looked, see
from conformance.kit.checks.flow import sends
from conformance.kit.oadr20b.announce import announce
from conformance.kit.oadr20b.conditions import answered
from conformance.kit.oadr20b.event import simple
from conformance.kit.observations import event_answered, mark_set
from conformance.kit.stage import VenStage

_MINUTE: Final = timedelta(minutes=1)
_HOUR: Final = timedelta(hours=1)
_PERIOD: Final = timedelta(days=60)
"""Between polls: the months until the change pass with few of them."""
_EVENT: Final = "change-1"
_UTC: Final = "REQ-OADR20B-8.1-31"
_LEAP: Final = "REQ-OADR20B-8.1-32"
_CHANGES: Final = (
    (51, "Europe", datetime(2026, 10, 25, 1, tzinfo=UTC), "reckons-in-european-time"),
    (52, "New York", datetime(2026, 11, 1, 6, tzinfo=UTC), "reckons-in-local-time"),
)


def _change(number: int, place: str, at: datetime, mutant: str) -> Case:
    async def play(stage: VenStage) -> None:
        """Announce two hours around the change, and look before, at and behind it, and after the end."""
        event = simple(_EVENT, at - _HOUR, 2 * _HOUR)
        stage.utility.publish(event)
        await stage.until(answered(_EVENT), 2 * _PERIOD, f"answer event {_EVENT}")
        await see(stage, _EVENT, event.start - _MINUTE, acts=False, cites=_UTC)
        await see(stage, _EVENT, event.start + _MINUTE, acts=True, cites=_UTC)
        await see(stage, _EVENT, at + _MINUTE, acts=True, cites=_UTC)
        await see(stage, _EVENT, event.end - _MINUTE, acts=True, cites=_UTC)
        await see(stage, _EVENT, event.end + _MINUTE, acts=False, cites=_UTC)

    return case(
        id=f"OADR20B-VEN-EXE-{number:03}",
        title=f"An event over the end of summer time in {place} keeps its length",
        purpose="Exposes a VEN that reckons in local time, and ends an hour early or late.",
        public=("CFX2B-EVT-01",),
        requirements=(_UTC, RIGHT_ANSWER, ANSWERED),
        applies_if="VEN-EVT-STATE",
        maturity=Maturity.WATCHLIST,
        needs=("state",),
        checks=(answers_event(_EVENT), acts_as_expected(_EVENT)),
        observations=(event_answered(_EVENT), looked(_EVENT, 5)),
        timing=Timing(poll=_PERIOD, lasts=timedelta(days=190), virtual_only=True),
        mutants=(mutant,),
    )(play)


CHANGES: Final = tuple(_change(*row) for row in _CHANGES)


@case(
    id="OADR20B-VEN-EXE-053",
    title="A clock that leaps by ten minutes and back ends nothing",
    purpose="Exposes a VEN that gives an event up because its clock said for a moment that it is over.",
    public=("CFX2B-EVT-02",),
    requirements=(_LEAP, RIGHT_ANSWER, ANSWERED),
    applies_if="VEN-EVT-STATE and VEN-CLOCK",
    needs=("state", "set_clock"),
    checks=(
        answers_event(_EVENT),
        sends("oadrCreatedEvent", 1, requirement=_LEAP),
        acts_as_expected(_EVENT),
    ),
    observations=(event_answered(_EVENT), looked(_EVENT, 4)),
    timing=Timing(lasts=timedelta(minutes=20)),
    mutants=("gives-events-up-for-over",),
)
async def leap(stage: VenStage) -> None:
    """Let an event run, have the clock leap forward beyond its end and back, then back and forward."""
    event = simple(_EVENT, stage.now + _MINUTE, 15 * _MINUTE)
    await announce(stage, event)
    await see(stage, _EVENT, event.start + _MINUTE, acts=True, cites=_LEAP)
    await stage.sleep_until(event.end - 8 * _MINUTE)
    for fast in (600, -600):
        await stage.driver.call("set_clock", fast=str(fast))
        await stage.driver.state()
        await stage.sleep(_MINUTE)
        await stage.driver.call("set_clock", fast="0")
        await stage.sleep(_MINUTE)
        await look(stage, _EVENT, acts=True, cites=_LEAP)
    await see(stage, _EVENT, event.end + _MINUTE, acts=False, cites=_LEAP)


@case(
    id="OADR20B-VEN-GEN-020",
    title="A clock that goes back stops no poll",
    purpose="Exposes a VEN that is silent until its clock shows again what it showed before.",
    public=("CFX2B-EVT-02",),
    requirements=(_LEAP,),
    applies_if="VEN-CLOCK",
    needs=("set_clock",),
    checks=(sends("oadrPoll", 4, requirement=_LEAP, after="back", until="watched", most=9),),
    observations=(mark_set("watched"),),
    modes=("pull",),
    timing=Timing(lasts=2 * _MINUTE),
    mutants=("waits-for-its-clock",),
)
async def back(stage: VenStage) -> None:
    """Put the clock back by ten minutes and watch one."""
    await stage.driver.call("set_clock", fast="-600")
    stage.mark("back")
    await stage.sleep(_MINUTE)
    stage.mark("watched")
