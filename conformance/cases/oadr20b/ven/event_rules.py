"""Events that break a rule, a VEN under test that validates: each is refused (rules 2, 8, 22, 101 to 107)."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import Final

from conformance.kit.case import Case, Timing, case
from conformance.kit.checks.refusals import refuses_event
from conformance.kit.oadr20b.announce import take
from conformance.kit.oadr20b.event import Baseline, Event, Signal, Step, Target, simple
from conformance.kit.observations import event_reached
from conformance.kit.stage import VenStage

_SOON: Final = timedelta(hours=2)
_HOUR: Final = timedelta(hours=1)
_HALF: Final = timedelta(minutes=30)
_EVENT: Final = "broken-1"
_VALIDATES: Final = "VEN-EVT-VALIDATES"


def _of(stage: VenStage, *steps: Step) -> Event:
    signal = Signal(name="SIMPLE", type="level", steps=steps)
    return replace(simple(_EVENT, stage.now + _SOON, _HOUR), signals=(signal,))


def _half(value: int = 1, **more: object) -> Step:
    return replace(Step(lasts=_HALF, value=Decimal(value)), **more)  # type: ignore[arg-type]  # the names of the fields


def _from_one(stage: VenStage) -> Event:
    return _of(stage, _half(uid="1"), _half(uid="2"))


def _gap(stage: VenStage) -> Event:
    return _of(stage, _half(), _half(uid="2"))


def _start(stage: VenStage) -> Event:
    begin = stage.now + _SOON
    return _of(stage, _half(dtstart=begin), _half(dtstart=begin + _HALF))


def _short(stage: VenStage) -> Event:
    return _of(stage, _half())


def _long(stage: VenStage) -> Event:
    return _of(stage, _half(), _half(), _half())


def _no_notification(stage: VenStage) -> Event:
    return replace(simple(_EVENT, stage.now + _SOON, _HOUR), notification=None)


def _same_id(stage: VenStage) -> Event:
    event = simple(_EVENT, stage.now + _SOON, _HOUR)
    return replace(event, signals=(*event.signals, *event.signals))


def _two_vens(stage: VenStage) -> Event:
    target = Target(ven_ids=(stage.utility.ven_id, "some-other-ven"))
    return replace(simple(_EVENT, stage.now + _SOON, _HOUR), target=target)


def _short_baseline(stage: VenStage) -> Event:
    event = simple(_EVENT, stage.now + _SOON, _HOUR)
    return replace(event, baseline=Baseline(start=event.start, lasts=_HOUR, steps=(_half(90),)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One broken rule."""

    number: int
    what: str
    making: Callable[[VenStage], Event]
    requirement: str
    mutant: str


ROWS: Final = (
    Row(
        number=601,
        what="intervals numbered from 1",
        making=_from_one,
        requirement="R102-1",
        mutant="counts-from-anything",
    ),
    Row(
        number=602,
        what="a gap in the numbers of intervals",
        making=_gap,
        requirement="R102-1",
        mutant="ignores-interval-order",
    ),
    Row(
        number=603,
        what="dtstart inside intervals",
        making=_start,
        requirement="R103-1",
        mutant="ignores-interval-starts",
    ),
    Row(
        number=604,
        what="intervals shorter than the event",
        making=_short,
        requirement="R2-1",
        mutant="ignores-short-sums",
    ),
    Row(
        number=605,
        what="intervals longer than the event",
        making=_long,
        requirement="R2-1",
        mutant="ignores-long-sums",
    ),
    Row(
        number=606,
        what="no x-eiNotification",
        making=_no_notification,
        requirement="R105-1",
        mutant="wants-no-notification",
    ),
    Row(
        number=607,
        what="one signalID twice",
        making=_same_id,
        requirement="R8-2",
        mutant="ignores-signal-ids",
    ),
    Row(
        number=608,
        what="two venIDs in the target",
        making=_two_vens,
        requirement="R22-2",
        mutant="takes-two-vens",
    ),
    Row(
        number=609,
        what="a baseline that its intervals do not fill",
        making=_short_baseline,
        requirement="R107-2",
        mutant="ignores-baseline-sums",
    ),
)
"""What is broken."""


def _played(row: Row) -> Callable[[VenStage], Awaitable[None]]:
    async def play(stage: VenStage) -> None:
        await take(stage, replace(row.making(stage), wrong=row.what))
        await stage.sleep(timedelta(minutes=3))

    return play


def _row(row: Row) -> Case:
    requirement = f"REQ-OADR20B-{row.requirement}"
    return case(
        id=f"OADR20B-VEN-VAL-{row.number}",
        title=f"Refused: an event with {row.what}",
        purpose="Exposes a VEN that takes events which contradict themselves.",
        requirements=(requirement, "REQ-OADR20B-R12-1"),
        applies_if=_VALIDATES,
        checks=(refuses_event(_EVENT, requirement),),
        observations=(event_reached(_EVENT),),
        timing=Timing(lasts=timedelta(minutes=4)),
        mutants=(row.mutant,),
    )(_played(row))


CASES: Final = tuple(_row(row) for row in ROWS)
