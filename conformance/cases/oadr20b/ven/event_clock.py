"""Events over a change of local time, a VEN under test (2.0b section 8.1: instants are UTC)."""

from datetime import UTC, datetime, timedelta
from typing import Final

from conformance.kit.case import Case, Maturity, Timing, case
from conformance.kit.checks.events import ANSWERED, RIGHT_ANSWER, answers_event
from conformance.kit.checks.execution import acts_as_expected, looked, see
from conformance.kit.oadr20b.conditions import answered
from conformance.kit.oadr20b.event import simple
from conformance.kit.observations import event_answered
from conformance.kit.stage import VenStage

_MINUTE: Final = timedelta(minutes=1)
_HOUR: Final = timedelta(hours=1)
_PERIOD: Final = timedelta(days=60)
"""Between polls: the months until the change pass with few of them."""
_EVENT: Final = "change-1"
_UTC: Final = "REQ-OADR20B-8.1-31"
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
