"""Opt schedules inside: stored, replaced, met by new events; some sites answered for in their own name (ADR 0024)."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from gateway.domain.errors import SessionError
from gateway.domain.names import EventId, SiteId
from gateway.domain.opting import OptSchedule, Window, scheduled_out
from gateway.domain.participation import Opt, Participation
from gateway.pipeline.overrule import Overrule, Ruling
from gateway.pipeline.scheduling import Scheduling
from tests.intent_samples import EVENT, PROGRAM, SITE, START, UTC_1600
from tests.pipeline_story import (
    END,
    HERE,
    MINUTE,
    SECOND_SITE,
    THERE,
    UTILITY,
    House,
    cancelled,
    changed,
    modified,
    opened,
    opts,
)

HOUR = timedelta(hours=1)
BOTH = (SITE, SECOND_SITE)
FOR_BOTH = replace(PROGRAM, sites=(HERE, THERE))


def schedule(
    opt_id: str = "o1",
    opt: Opt = Opt.OUT,
    start: datetime = START - HOUR,
    end: datetime | None = END,
    **changes: object,
) -> OptSchedule:
    made = OptSchedule(
        opt_id=opt_id,
        utility=UTILITY,
        opt=opt,
        reason="x-maintenance",
        windows=(Window(start=start, end=end),),
        created_at=UTC_1600,
        by="operator:alice",
    )
    return replace(made, **changes)  # type: ignore[arg-type]  # test shorthand


async def told_of(house: House) -> list[tuple[str, tuple[SiteId, ...]]]:
    waiting = await house.inbound.pending(UTILITY)
    return [(each.opt.value, each.sites) for each in waiting if isinstance(each, Participation)]


async def scheduled(house: House, *schedules: OptSchedule) -> House:
    await opened(house)
    for each in schedules:
        await Scheduling(house.office).create(each)
    return house


# --- what is stored


async def test_a_schedule_waits_for_its_session_until_it_has_taken_it() -> None:
    house = await scheduled(House(), schedule())
    house.restart()

    assert await house.inbound.pending(UTILITY) == (schedule(),)
    await house.inbound.accept(UTILITY, (), b"{}", (schedule(),))
    assert await house.inbound.pending(UTILITY) == ()
    gone = await Scheduling(house.office).cancel("o1", "operator:bob")
    assert await house.inbound.pending(UTILITY) == (gone,)
    assert gone.cancelled_at == house.now


async def test_taking_back_before_the_session_took_it_leaves_only_the_newest_word() -> None:
    house = await scheduled(House(), schedule())
    gone = await Scheduling(house.office).cancel("o1", "operator:bob")
    await house.inbound.accept(UTILITY, (), b"{}", (schedule(),))

    assert await house.inbound.pending(UTILITY) == (gone,)
    assert await Scheduling(house.office).cancel("o", "operator:bob") == gone


async def test_who_scheduled_stands_in_the_log() -> None:
    house = await scheduled(House(), schedule())
    await Scheduling(house.office).cancel("o1", "operator:bob")

    assert (await house.words())[-2:] == ["opt_scheduled", "opt_schedule_cancelled"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"utility": "nobody"}, "NOT_FOUND"),
        ({"sites": (SiteId("elsewhere"),)}, "NOT_FOUND"),
        ({"program": "http://other"}, "NOT_FOUND"),
        ({"reason": "because"}, "REFUSED"),
        ({"reason": "x-"}, "REFUSED"),
        ({"reason": "x-two words"}, "REFUSED"),
        ({"opt": Opt.PARTIAL}, "REFUSED"),
        ({"windows": ()}, "REFUSED"),
        ({"windows": (Window(start=START, end=START),)}, "REFUSED"),
        ({"windows": (Window(start=START, end=None), Window(start=END, end=None))}, "REFUSED"),
        ({"windows": (Window(start=END, end=None), Window(start=START, end=END))}, "REFUSED"),
        ({"windows": (Window(start=START + timedelta(microseconds=1), end=None),)}, "REFUSED"),
        ({"windows": (Window(start=UTC_1600 - HOUR, end=UTC_1600),)}, "TOO_LATE"),
    ],
)
async def test_what_cannot_be_told_is_refused(changes: dict[str, object], reason: str) -> None:
    house = await scheduled(House())

    with pytest.raises(SessionError) as refused:
        await Scheduling(house.office).create(schedule(**changes))  # type: ignore[arg-type]

    assert refused.value.reason == reason
    assert await house.inbound.pending(UTILITY) == ()


@pytest.mark.parametrize(
    ("opt_id", "reason"), [("", "NOT_FOUND"), ("o9", "NOT_FOUND"), ("o", "AMBIGUOUS")]
)
async def test_only_one_known_schedule_can_be_taken_back(opt_id: str, reason: str) -> None:
    house = await scheduled(House(), schedule("o1"), schedule("o2", Opt.IN))

    with pytest.raises(SessionError) as refused:
        await Scheduling(house.office).cancel(opt_id, "operator:bob")

    assert refused.value.reason == reason


# --- which one holds


async def outs(house: House, site: SiteId, program: str = PROGRAM.name) -> str:
    known = await house.store.read(lambda work: work.opting.open(UTILITY, house.now))
    found = scheduled_out(known, site, program, START, END)
    return found.opt_id if found else ""


@pytest.mark.spec("OpenADR 2.0b rules 202, 203, 205")
async def test_a_newer_schedule_replaces_for_its_sites_its_opt_and_its_program_alone() -> None:
    house = await scheduled(House(sites=BOTH, program=FOR_BOTH), schedule("first"))
    desk = Scheduling(house.office)
    await desk.create(schedule("in", Opt.IN, created_at=UTC_1600 + MINUTE))
    await desk.create(schedule("limited", program=PROGRAM.name, sites=(HERE,)))
    assert (await outs(house, HERE), await outs(house, THERE)) == ("first", "first")

    await desk.create(schedule("second", sites=(HERE,), start=END, end=END + HOUR))

    assert (await outs(house, HERE), await outs(house, THERE)) == ("limited", "first")
    assert await outs(house, HERE, "http://other") == ""


@pytest.mark.spec("OpenADR 2.0b rule 204")
async def test_what_was_replaced_does_not_come_back() -> None:
    house = await scheduled(House(sites=BOTH, program=FOR_BOTH), schedule("first", end=None))
    desk = Scheduling(house.office)
    await desk.create(schedule("here", sites=(HERE,)))
    assert await outs(house, THERE) == "first"
    await desk.create(schedule("all"))
    await desk.cancel("all", "operator:bob")
    await desk.cancel("here", "operator:bob")

    assert (await outs(house, HERE), await outs(house, THERE)) == ("", "")


def test_a_schedule_of_named_sites_is_replaced_once_each_of_them_is() -> None:
    first = schedule("first", sites=(HERE, THERE), end=None)
    one = first.without(schedule("b", sites=(HERE,)))
    both = one.without(schedule("c", sites=(THERE, HERE)))

    assert (one.until, one.replaced) == (None, (HERE,))
    assert both.over(both.created_at)


async def test_what_was_over_long_ago_is_forgotten_and_costs_nothing() -> None:
    house = await scheduled(House(), schedule("old", end=START), schedule("in", Opt.IN))
    await house.inbound.accept(UTILITY, (), b"{}", (schedule("old", end=START),))
    later = START + timedelta(days=401)
    with house.clock.held():
        await house.clock.sleep_until(later)
    assert await house.store.read(lambda work: work.opting.open(UTILITY, house.now)) == ()
    await Scheduling(house.office).create(
        schedule("new", start=later, end=None, created_at=house.now)
    )

    known = await house.store.read(lambda work: work.opting.of(UTILITY))
    assert [one.opt_id for one in known] == ["in", "new"]  # its session never took the first word


async def test_what_a_new_schedule_replaces_is_said() -> None:
    house = await scheduled(House(sites=BOTH, program=FOR_BOTH), schedule("a", sites=(HERE,)))
    desk = Scheduling(house.office)

    beside = await desk.preview(schedule("b", sites=(THERE,)))
    over = await desk.preview(schedule("c"))
    other = await desk.preview(schedule("d", Opt.IN))

    assert (beside.replaces, other.replaces) == ((), ())
    assert [one.opt_id for one in over.replaces] == ["a"]


@pytest.mark.spec("OpenADR 2.0b rule 201")
@pytest.mark.parametrize(
    ("start", "end", "met"),
    [
        (START, END, True),
        (START - HOUR, START, False),  # half-open: it ends as the event begins
        (END, None, False),
        (END - MINUTE, None, True),
        (START + HOUR, START + HOUR + MINUTE, True),
        (UTC_1600, None, True),
    ],
)
def test_a_window_meets_an_event_that_it_shares_an_instant_with(
    start: datetime, end: datetime | None, met: bool
) -> None:
    known = (schedule("o", start=start, end=end), schedule("i", Opt.IN))

    found = scheduled_out(known, HERE, PROGRAM.name, START, END)

    assert (found is not None) is met


# --- new events


async def test_a_new_event_inside_an_out_window_is_answered_out() -> None:
    house = await scheduled(House(), schedule())
    await house.deliver(EVENT)

    assert opts(house.told) == [(Opt.OUT, "scheduled")]
    assert house.told[0].sites == ()
    assert await house.cap(START + MINUTE) is None


async def test_the_site_may_still_say_otherwise() -> None:
    house = await scheduled(House(), schedule())
    await house.deliver(EVENT)
    await house.commit(Opt.IN)

    assert opts(house.told)[-1] == (Opt.IN, "committed")
    assert await house.cap(START + MINUTE) == 75


async def test_every_new_version_meets_the_schedule() -> None:
    house = await scheduled(House(), schedule())
    await house.deliver(EVENT)
    await house.commit(Opt.IN)
    await house.deliver(modified(EVENT, house))

    assert opts(house.told)[-1] == (Opt.OUT, "scheduled")
    assert house.told[-1].version == 1


@pytest.mark.parametrize(
    "other",
    [
        schedule(opt=Opt.IN),
        schedule(start=END),
        schedule(sites=(THERE,)),
        schedule(cancelled_at=UTC_1600),
    ],
)
async def test_other_schedules_leave_the_question_to_the_site(other: OptSchedule) -> None:
    house = await opened(House(sites=BOTH, program=FOR_BOTH))
    await house.store.write(lambda work: work.opting.put(other))
    await house.deliver(changed(targets=replace(EVENT.targets, sites=(HERE,))))

    assert house.told == []
    assert (await house.record()).opt is None


async def test_an_event_answered_before_stays_answered() -> None:
    house = await opened(House())
    await house.deliver(EVENT)
    await house.commit(Opt.IN)
    await Scheduling(house.office).create(schedule())

    assert opts(house.told) == [(Opt.IN, "committed")]


@pytest.mark.spec("OpenADR 2.0b rules 16, 206")
async def test_one_site_out_by_schedule_is_told_apart_and_the_others_answer_the_event() -> None:
    house = await scheduled(House(sites=BOTH, program=FOR_BOTH), schedule(sites=(HERE,)))
    await house.deliver(EVENT)
    assert await told_of(house) == [("out", (HERE,))]

    await house.commit(Opt.IN, THERE)

    assert await told_of(house) == [("out", (HERE,)), ("in", ())]
    assert await house.cap(START + MINUTE) is None
    assert await house.cap(START + MINUTE, THERE) == 75


@pytest.mark.spec("OpenADR 2.0b rule 206")
async def test_where_the_utility_wants_no_answers_the_partial_policy_decides() -> None:
    house = await scheduled(House(sites=BOTH, program=FOR_BOTH), schedule(sites=(HERE,)))
    await house.deliver(changed(response_required=False))
    await house.commit(Opt.IN, THERE)

    assert [each.sites for each in house.told] == [()]
    assert opts(house.told)[-1][0] is Opt.OUT


async def test_every_site_out_by_schedule_answers_the_event_itself() -> None:
    house = await scheduled(House(sites=BOTH, program=FOR_BOTH), schedule())
    await house.deliver(EVENT)

    assert set(await told_of(house)) == {("out", ())}


# --- the operator about some sites


def out(*sites: SiteId, opt: Opt = Opt.OUT) -> Ruling:
    return Ruling(
        event_id=EventId("evt-1"), opt=opt, reason="chiller", by="operator:alice", sites=sites
    )


async def two(house: House | None = None) -> House:
    made = await opened(house or House(sites=BOTH, program=FOR_BOTH))
    await made.deliver(EVENT)
    for site in (HERE, THERE):
        await made.commit(Opt.IN, site)
    return made


@pytest.mark.spec("OpenADR 2.0b case CFX2B-OPT-02")
@pytest.mark.spec("OpenADR 2.0b rules 16, 17, 206")
async def test_out_for_one_of_several_sites_is_told_for_that_site_alone() -> None:
    house = await two()

    (ruled,) = await Overrule(house.office).rule(out(HERE))

    assert (ruled.apart, ruled.upstream) == (True, Opt.OUT)
    assert await told_of(house) == [("in", ()), ("out", (HERE,))]
    assert await house.cap(START + MINUTE) is None
    assert await house.cap(START + MINUTE, THERE) == 75


async def test_the_preview_says_the_same_and_changes_nothing() -> None:
    house = await two()
    desk = Overrule(house.office)

    (seen,) = await desk.preview(out(HERE))

    assert seen.apart
    assert await told_of(house) == [("in", ())]
    assert (seen,) == await desk.rule(out(HERE))


@pytest.mark.spec("OpenADR 2.0b rule 17")
async def test_once_apart_a_site_is_answered_for_in_its_own_name() -> None:
    house = await two()
    await Overrule(house.office).rule(out(HERE))
    await Overrule(house.office).rule(out(HERE, opt=Opt.IN))
    await house.deliver(modified(EVENT, house))
    await house.commit(Opt.OUT, HERE)
    await house.commit(Opt.IN, THERE)

    assert await told_of(house) == [
        ("in", ()),
        ("out", (HERE,)),
        ("in", (HERE,)),
        ("out", (HERE,)),
        ("in", ()),
    ]


async def test_the_last_site_speaks_for_the_event() -> None:
    house = await two()
    await Overrule(house.office).rule(out(HERE))
    await Overrule(house.office).rule(out(THERE))

    assert await told_of(house) == [("in", ()), ("out", (HERE,)), ("out", ())]


async def test_an_event_left_to_a_site_apart_is_answered_in_both_names() -> None:
    house = await two()
    await Overrule(house.office).rule(out(HERE))
    await house.deliver(modified(EVENT, house, targets=replace(EVENT.targets, sites=(HERE,))))
    await house.commit(Opt.IN, HERE)

    assert (await told_of(house))[-2:] == [("in", ()), ("in", (HERE,))]


async def test_a_cancelled_event_ends_for_the_site_apart_too() -> None:
    house = await two()
    await Overrule(house.office).rule(out(HERE))
    await house.deliver(cancelled(EVENT, house.now))

    assert (await house.record(HERE)).intent.cancelled_at is not None
    with pytest.raises(SessionError, match="TOO_LATE"):
        await Overrule(house.office).rule(out(HERE, opt=Opt.IN))


async def test_a_delivery_that_its_session_forgot_is_answered_in_every_name() -> None:
    house = await two()
    await Overrule(house.office).rule(out(HERE))
    house.told.clear()
    await house.until(house.now + MINUTE)
    await house.deliver(changed(received_at=house.now))

    assert {(each.opt, each.sites) for each in house.told} == {(Opt.OUT, (HERE,)), (Opt.IN, ())}
