"""Events of every form, a VEN under test: versions, optional elements, requests, an opt by oadrCreateOpt."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Final

from conformance.kit.case import Case, Timing, case
from conformance.kit.checks.events import (
    ANSWERED,
    NEVER,
    RIGHT_ANSWER,
    answers_event,
    qualifies_event,
    taken,
)
from conformance.kit.checks.messages import never_sends
from conformance.kit.checks.refusals import refuses_event
from conformance.kit.oadr20b.announce import PATIENCE, announce, change, newest
from conformance.kit.oadr20b.conditions import answered, delivered, received
from conformance.kit.oadr20b.event import Baseline, Event, Step, price, simple
from conformance.kit.observations import event_answered, event_reached, exchanges, reached, sent
from conformance.kit.stage import VenStage

_SOON: Final = timedelta(hours=2)
_HOUR: Final = timedelta(hours=1)
_MINUTE: Final = timedelta(minutes=1)
_REST: Final = timedelta(seconds=65)
_LONG: Final = "v" * 180


def _event(stage: VenStage, event_id: str) -> Event:
    return simple(event_id, stage.now + _SOON, _HOUR)


def _every_element(stage: VenStage) -> Event:
    return replace(
        _event(stage, "form-1"),
        priority=2,
        notification=_HOUR,
        ramp_up=10 * _MINUTE,
        recovery=5 * _MINUTE,
        start_after=2 * _MINUTE,
        test="false",
        comment="Reduce if you can, please.",
    )


def _prices(stage: VenStage) -> Event:
    day = [f"0.{10 + n}" for n in range(24)]
    return price("form-1", stage.now + _SOON, 24 * _HOUR, *day)


def _with_baseline(stage: VenStage) -> Event:
    event = _event(stage, "form-1")
    steps = (Step(lasts=_HOUR / 2, value=Decimal(110)), Step(lasts=_HOUR / 2, value=Decimal(95)))
    return replace(event, baseline=Baseline(start=event.start, lasts=_HOUR, steps=steps))


def _negative(stage: VenStage) -> Event:
    return replace(_event(stage, "form-1"), ramp_up=-5 * _MINUTE, recovery=-_MINUTE)


def _highest(stage: VenStage) -> Event:
    return replace(_event(stage, "form-1"), version=4)


def _is_a_test(stage: VenStage) -> Event:
    return replace(_event(stage, "form-1"), test="true")


def _no_priority(stage: VenStage) -> Event:
    return replace(_event(stage, "form-1"), priority=None)


def _current(stage: VenStage) -> Event:
    event = price("form-1", stage.now + _SOON, _HOUR, "0.1", "0.3")
    return replace(event, signals=(replace(event.signals[0], current=Decimal(0)),))


def _markup(stage: VenStage) -> Event:
    return replace(
        _event(stage, "form-1"), comment="a < b & \"c\" 'd' \N{HIGH VOLTAGE SIGN} \U0001f50b"
    )


def _long_context(stage: VenStage) -> Event:
    return replace(_event(stage, "form-1"), comment=_LONG * 20)


Making = Callable[[VenStage], Event]
FORMS: Final[tuple[tuple[int, str, str, tuple[str, ...], str, Making, str], ...]] = (
    (
        27,
        "An event with a baseline is taken",
        "R107-1",
        ("E1_1027", "E0_6027"),
        "refuses-baselines",
        _with_baseline,
        "VEN-EVT-BASELINE",
    ),
    (
        41,
        "A day of 24 prices is taken",
        "R8-1",
        ("A_E1_0040", "A_E0_0040"),
        "refuses-many-intervals",
        _prices,
        "",
    ),
    (
        61,
        "An event with every optional element is taken",
        "R1-1",
        ("A_E1_0060", "A_E0_0060"),
        "refuses-comments",
        _every_element,
        "",
    ),
    (62, "An event without priority is taken", "R3-1", (), "wants-a-priority", _no_priority, ""),
    (63, "A price may have a currentValue", "R110-1", (), "refuses-current-prices", _current, ""),
    (
        110,
        "A new event may begin with any modificationNumber",
        "R56-1",
        ("A_E1_0110", "A_E0_0110"),
        "refuses-new-with-version",
        _highest,
        "",
    ),
    (
        130,
        "A test event goes through the whole protocol",
        "R6-1",
        ("A_E1_0130", "A_E0_0130"),
        "refuses-test-events",
        _is_a_test,
        "",
    ),
    (
        530,
        "Markup and four-byte characters in a comment do no harm",
        "9.1.9-1",
        ("CFX2B-SEC-11",),
        "refuses-strange-characters",
        _markup,
        "",
    ),
    (531, "A long vtnComment does no harm", "R1-2", (), "refuses-long-comments", _long_context, ""),
    (
        913,
        "Ramp-up and recovery may be negative",
        "R31-1",
        ("CFX2B-EVT-13",),
        "refuses-negative-durations",
        _negative,
        "",
    ),
)
"""Number, title, requirement, public ids, mutant, event, PICS item."""


def _announced(making: Making) -> Callable[[VenStage], Awaitable[None]]:
    async def play(stage: VenStage) -> None:
        await announce(stage, making(stage))

    return play


def _form(row: tuple[int, str, str, tuple[str, ...], str, Making, str]) -> Case:
    number, title, clause, public, mutant, making, item = row
    area = "LIM" if number in _LIMITS else "EVT"
    requirement = f"REQ-OADR20B-{clause}"
    return case(
        id=f"OADR20B-VEN-{area}-{number:03}",
        title=title,
        purpose="Exposes a VEN that refuses, or trips over, a legal form of an event.",
        public=public,
        requirements=(requirement, RIGHT_ANSWER, ANSWERED),
        applies_if=item,
        checks=taken("form-1", requirement),
        observations=(event_reached("form-1"), event_answered("form-1")),
        mutants=(mutant,),
    )(_announced(making))


_LIMITS: Final = (41, 531)
"""Forms that are about size."""
CASES: Final = tuple(_form(row) for row in FORMS)


@case(
    id="OADR20B-VEN-EVT-021",
    title="A reply without events asks for no answer",
    purpose="Exposes a VEN that answers an empty reply to oadrRequestEvent.",
    public=("A_E1_0020", "A_E0_0020"),
    requirements=(NEVER,),
    applies_if="VEN-EVT-REQUEST",
    needs=("request_events",),
    checks=(never_sends("oadrCreatedEvent", requirement=NEVER),),
    observations=(
        reached("oadrDistributeEvent"),
        sent("oadrRequestEvent"),
        exchanges(1, after_mark="case.prepared"),
    ),
    timing=Timing(lasts=timedelta(seconds=90)),
    mutants=("answers-empty-distribution",),
)
async def no_events(stage: VenStage) -> None:
    """Have the device ask while there is nothing."""
    here = newest(stage)
    await stage.driver.call("request_events")
    await stage.until(
        delivered("oadrDistributeEvent", after=here), PATIENCE, "take the empty reply"
    )
    await stage.sleep(timedelta(seconds=45))


@case(
    id="OADR20B-VEN-EVT-050",
    title="Events in the reply to oadrRequestEvent are answered",
    purpose="Exposes a VEN that reads events only where they come by themselves.",
    public=("E1_1050", "E0_6050"),
    requirements=("REQ-OADR20B-8.2-1", RIGHT_ANSWER),
    applies_if="VEN-EVT-REQUEST",
    needs=("request_events",),
    checks=(answers_event("asked-for-1", missing="REQ-OADR20B-8.2-1"),),
    observations=(event_reached("asked-for-1"), sent("oadrRequestEvent")),
    timing=Timing(lasts=timedelta(minutes=2)),
    mutants=("ignores-requested-events",),
)
async def requested(stage: VenStage) -> None:
    """Hold an event back until the device asks."""
    stage.utility.hold(_event(stage, "asked-for-1"))
    await stage.driver.call("request_events")
    await stage.until(answered("asked-for-1"), PATIENCE, "answer event asked-for-1")


@case(
    id="OADR20B-VEN-EVT-060",
    title="An oadrCreateOpt names the event that it is about",
    purpose="Exposes a VEN that opts for another event, or another version of it.",
    public=("E1_1060", "E0_6060"),
    requirements=("REQ-OADR20B-R206-1",),
    applies_if="VEN-OPT-EVENT",
    needs=("create_opt",),
    checks=(qualifies_event("opt-1", 1, "optOut", requirement="REQ-OADR20B-R206-1"),),
    observations=(event_reached("opt-1", 2), sent("oadrCreateOpt")),
    timing=Timing(lasts=timedelta(minutes=2)),
    mutants=("opts-for-the-first-version",),
)
async def opt_of_event(stage: VenStage) -> None:
    """Announce an event, change it, and have the operator leave it by oadrCreateOpt."""
    event = _event(stage, "opt-1")
    await announce(stage, event)
    await change(stage, event.modified(priority=1))
    await stage.driver.call("create_opt", opt="optOut", opt_id="leave-1", event_id="opt-1")
    await stage.until(received("oadrCreateOpt"), PATIENCE, "send oadrCreateOpt")


@case(
    id="OADR20B-VEN-LIM-200",
    title="A long vtnID is kept whole",
    purpose="Exposes a VEN that cuts identifiers.",
    public=("A_E1_0200", "A_E0_0200"),
    requirements=("REQ-OADR20B-R512-1", RIGHT_ANSWER),
    checks=(
        answers_event("long-1", requirement="REQ-OADR20B-R512-1", missing="REQ-OADR20B-R512-1"),
    ),
    observations=(event_reached("long-1"),),
    facts=(("vtn_id", f"suite-{_LONG}"),),
    timing=Timing(lasts=timedelta(minutes=2)),
    mutants=("cuts-long-ids",),
)
async def long_vtn_id(stage: VenStage) -> None:
    """Announce an event under a vtnID of 186 characters."""
    stage.utility.publish(_event(stage, "long-1"))
    await stage.sleep(2 * _REST)


@case(
    id="OADR20B-VEN-EVT-392",
    title="An older version is refused by 450 and the newer kept",
    purpose="Exposes a VEN that goes back to an older version of an event.",
    public=("A_E1_0392", "A_E0_0392"),
    requirements=("REQ-OADR20B-R58-1", "REQ-OADR20B-R58-2", RIGHT_ANSWER, ANSWERED),
    suspends=("RULE-2B-007",),
    checks=(
        refuses_event("back-1", "REQ-OADR20B-R58-1", codes=("450",), version=1),
        *taken("back-1", "REQ-OADR20B-R58-2", version=3),
    ),
    observations=(event_reached("back-1", 4), event_answered("back-1", 3)),
    timing=Timing(lasts=timedelta(minutes=2)),
    mutants=("takes-older-versions", "forgets-newer-version"),
)
async def older_version(stage: VenStage) -> None:
    """Announce versions 2 and 3, then 1, then 3 once more."""
    event = replace(_event(stage, "back-1"), version=2)
    await announce(stage, event)
    newer = event.modified(priority=1)
    await change(stage, newer)
    stage.utility.modify(replace(event, version=1, wrong="an older version"))
    await stage.until(answered("back-1", 1), PATIENCE, "answer the older version")
    stage.utility.modify(newer)
    await stage.until(answered("back-1", 3, times=2), PATIENCE, "answer version 3 again")
