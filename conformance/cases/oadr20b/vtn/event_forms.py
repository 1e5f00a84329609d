"""EiEvent, a VTN under test: it distributes what its operator has ordered (2.0b sections 8.1 and 8.2)."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Final

from conformance.kit.case import Case, case
from conformance.kit.checks.ordered import carries, order
from conformance.kit.checks.vtn import replies
from conformance.kit.oadr20b.event import Baseline, Event, Step, Target, dispatch, price, simple
from conformance.kit.oadr20b.vtn_acts import settle
from conformance.kit.observations import reached, sent
from conformance.kit.stage import VtnStage

EVENT: Final = "e1"
TAKES: Final = "REQ-OADR20B-R48-61"
SHOWN: Final = ".//ei:eventDescriptor/ei:eventID"
_SOON: Final = timedelta(hours=2)
_HOUR: Final = timedelta(hours=1)
_MINUTE: Final = timedelta(minutes=1)
Making = Callable[[VtnStage], Event]


def _event(stage: VtnStage) -> Event:
    return simple(EVENT, stage.now.replace(microsecond=0) + _SOON, _HOUR)


def _price(stage: VtnStage) -> Event:
    return price(EVENT, _event(stage).start, _HOUR, "0.25", "0.5", "0.125")


def _dispatch(stage: VtnStage) -> Event:
    return dispatch(EVENT, _event(stage).start, _HOUR, "80")


def _with_baseline(stage: VtnStage) -> Event:
    event = _dispatch(stage)
    steps = (Step(lasts=_HOUR / 2, value=Decimal(110)), Step(lasts=_HOUR / 2, value=Decimal(95)))
    return replace(event, baseline=Baseline(start=event.start, lasts=_HOUR, steps=steps))


def _both(stage: VtnStage) -> Event:
    load = replace(_dispatch(stage).signals[0], id="s1")
    event = _event(stage)
    return replace(event, signals=(*event.signals, load))


def _day(stage: VtnStage) -> Event:
    return price(EVENT, _event(stage).start, 24 * _HOUR, *(f"0.{10 + n}" for n in range(24)))


def _optional(stage: VtnStage) -> Event:
    return replace(
        _event(stage),
        notification=_HOUR,
        ramp_up=10 * _MINUTE,
        recovery=5 * _MINUTE,
        start_after=2 * _MINUTE,
    )


def _negative(stage: VtnStage) -> Event:
    return replace(_event(stage), ramp_up=-5 * _MINUTE, recovery=-_MINUTE)


def _targets(stage: VtnStage) -> Event:
    target = Target(group_ids=("north",), resource_ids=("hall-1", "hall-2"), party_ids=("owner",))
    return replace(_event(stage), target=target)


def _test(stage: VtnStage) -> Event:
    return replace(_event(stage), test="true")


def _comment(stage: VtnStage) -> Event:
    text = "a < b & \"c\" 'd' \N{HIGH VOLTAGE SIGN} \U0001f50b"
    return replace(_event(stage), comment=text)


def _context(stage: VtnStage) -> Event:
    return replace(_event(stage), context="http://gridgate.example/another-program")


def _urgent(stage: VtnStage) -> Event:
    return replace(_event(stage), priority=2)


def _open(stage: VtnStage) -> Event:
    return dispatch(EVENT, _event(stage).start, timedelta(0), "80")


Row = tuple[int, str, str, tuple[str, ...], tuple[str, ...], Making, str]
ROWS: Final[tuple[Row, ...]] = (
    (
        20,
        "prices with their unit",
        "8.1-61",
        ("E1_1020", "E0_6020"),
        ("period", "signals"),
        _price,
        "vtn-sends-prices-without-unit",
    ),
    (
        25,
        "a dispatch in kilowatts",
        "8.1-62",
        ("E1_1025", "E0_6025"),
        ("period", "signals"),
        _dispatch,
        "vtn-sends-kilowatts-for-watts",
    ),
    (
        27,
        "a baseline",
        "R107-61",
        ("E1_1027", "E0_6027"),
        ("baseline",),
        _with_baseline,
        "vtn-leaves-baselines-out",
    ),
    (
        42,
        "two signals of one event",
        "R106-61",
        (),
        ("signals",),
        _both,
        "vtn-sends-one-signal",
    ),
    (41, "a day of 24 prices", "R8-61", (), ("signals",), _day, "vtn-sends-twelve-intervals"),
    (
        432,
        "notification, ramp-up, recovery and startafter",
        "8.1-63",
        ("A_E3_0432", "A_E2_0432"),
        ("notification", "ramp-up", "recovery", "startafter"),
        _optional,
        "vtn-leaves-recovery-out",
    ),
    (
        433,
        "negative ramp-up and recovery",
        "R31-61",
        ("CFX2B-EVT-13",),
        ("ramp-up", "recovery"),
        _negative,
        "vtn-knows-no-negative-ramp",
    ),
    (
        435,
        "groups, resources and parties of the target",
        "R22-61",
        ("A_E3_0435", "A_E2_0435"),
        ("target",),
        _targets,
        "vtn-leaves-parties-out",
    ),
    (130, "that it is a test", "R6-61", (), ("test",), _test, "vtn-hides-tests"),
    (
        530,
        "a comment with markup and characters of four bytes",
        "9.1.9-61",
        ("CFX2B-SEC-11",),
        ("comment",),
        _comment,
        "vtn-drops-strange-characters",
    ),
    (285, "the market context", "R18-61", (), ("context",), _context, "vtn-knows-one-context"),
    (310, "the priority", "R3-61", (), ("priority",), _urgent, "vtn-sends-no-priority"),
    (
        250,
        "an open end",
        "R47-61",
        (),
        ("period", "signals"),
        _open,
        "vtn-closes-open-ends",
    ),
)
"""Number, what is distributed, requirement, public ids, parts, event, mutant."""


def _form(row: Row) -> Case:
    number, what, clause, public, parts, making, mutant = row
    requirement = f"REQ-OADR20B-{clause}"

    async def play(stage: VtnStage) -> None:
        await order(stage, making(stage))
        await settle(stage)

    return case(
        id=f"OADR20B-VTN-FRM-{number:03}",
        title=f"An event is distributed with {what}",
        purpose="Exposes a VTN that distributes something else than what its operator has ordered.",
        public=public,
        requirements=(requirement, TAKES),
        needs=("create_event",),
        checks=(
            carries(EVENT, *parts, requirement=requirement),
            replies("oadrCreatedEvent", "oadrResponse", "200", requirement=TAKES),
        ),
        observations=(
            sent("oadrDistributeEvent", path=SHOWN, value=EVENT),
            reached("oadrCreatedEvent"),
        ),
        mutants=(mutant,),
    )(play)


CASES: Final = tuple(_form(row) for row in ROWS)
