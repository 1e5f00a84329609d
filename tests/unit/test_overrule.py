"""The operator decides by hand: told once, logged under the operator's name, refused where nothing can be decided."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from gateway.domain.errors import SessionError, StoreError
from gateway.domain.event import GridEvent, RawMessage
from gateway.domain.guard import Guard, Outside, Rule
from gateway.domain.names import EventId, SiteId, UtilityName
from gateway.domain.participation import Opt
from gateway.pipeline.overrule import Overrule, Ruling
from gateway.protocols.actions import Emit
from gateway.settlement.records import logged
from tests.intent_samples import EVENT, PROGRAM, SITE, START
from tests.pipeline_story import (
    END,
    HERE,
    MINUTE,
    SECOND_SITE,
    THERE,
    UTILITY,
    FailingStore,
    House,
    cancelled,
    changed,
    opened,
    opts,
)

BOTH = (SITE, SECOND_SITE)
FOR_BOTH = replace(PROGRAM, sites=(HERE, THERE))


def wish(opt: Opt = Opt.OUT, reason: str = "chiller", **changes: object) -> Ruling:
    made = Ruling(event_id=EventId("evt-1"), opt=opt, reason=reason, by="operator:alice")
    return replace(made, **changes)  # type: ignore[arg-type]  # test shorthand


async def asked(house: House | None = None) -> House:
    """Come to the moment at which the site has been asked."""
    made = await opened(house or House())
    await made.deliver(EVENT)
    return made


async def test_an_operator_opts_out_and_the_utility_is_told_under_that_name() -> None:
    house = await asked()

    (ruled,) = await Overrule(house.office).rule(wish())

    assert (ruled.before, ruled.upstream_before, ruled.upstream) == (None, None, Opt.OUT)
    assert opts(house.told) == [(Opt.OUT, "chiller")]
    assert house.told[0].by == "operator:alice"
    assert (await house.record()).opt is Opt.OUT
    assert await house.cap(START + MINUTE) is None  # nobody is held to what was declined


async def test_the_decision_stands_in_the_evidence_log_with_who_and_why() -> None:
    house = await asked()
    await Overrule(house.office).rule(wish())

    found = [logged(e.index, e.record).document for e in await house.entries("opt")]

    assert [one["cause"] for one in found] == ["operator", "opt"]
    assert found[0]["by"] == "operator:alice"
    assert found[0]["answer"] == {
        "revision": (await house.record()).intent.revision,
        "opt": "out",
        "reason": "chiller",
    }


async def test_the_last_word_counts_and_each_change_goes_out() -> None:
    house = await asked()
    desk = Overrule(house.office)
    await house.commit(Opt.IN)
    await desk.rule(wish(Opt.OUT))
    back = await desk.rule(wish(Opt.IN, "repaired"))
    await house.commit(Opt.OUT, reason="maintenance")

    assert opts(house.told) == [
        (Opt.IN, "committed"),
        (Opt.OUT, "chiller"),
        (Opt.IN, "repaired"),
        (Opt.OUT, "maintenance"),
    ]
    assert [each.by for each in house.told] == [
        *("site:phx-1", "operator:alice", "operator:alice", "site:phx-1"),
    ]
    assert back[0].upstream_before is Opt.OUT


async def test_opting_in_again_brings_the_cap_back() -> None:
    house = await asked()
    await house.commit(Opt.IN)
    cap = await house.cap(START + MINUTE)
    desk = Overrule(house.office)
    await desk.rule(wish(Opt.OUT))
    assert await house.cap(START + MINUTE) is None
    await desk.rule(wish(Opt.IN, "repaired"))

    assert cap is not None
    assert await house.cap(START + MINUTE) == cap


async def test_the_same_decision_twice_is_told_once() -> None:
    house = await asked()
    desk = Overrule(house.office)
    await desk.rule(wish())
    (again,) = await desk.rule(wish())

    assert not again.changed
    assert len(house.told) == 1
    assert len(await house.entries("opt")) == 2


async def test_a_preview_writes_nothing_and_says_what_would_come() -> None:
    house = await asked()
    before = (await house.record(), len(await house.entries("opt", "intent", "audit")))

    (seen,) = await Overrule(house.office).preview(wish())

    assert (seen.upstream, seen.changed) == (Opt.OUT, True)
    assert (await house.record(), len(await house.entries("opt", "intent", "audit"))) == before
    assert house.told == []


async def test_a_deadline_that_passes_afterwards_does_not_answer_again() -> None:
    house = await asked()
    await Overrule(house.office).rule(wish(Opt.IN))
    await house.until(START - 20 * MINUTE)

    assert opts(house.told) == [(Opt.IN, "chiller")]


@pytest.mark.parametrize("opt", [Opt.IN, Opt.OUT])
async def test_what_is_over_cannot_be_decided(opt: Opt) -> None:
    house = await asked()
    await house.commit(Opt.IN)
    await house.until(END + MINUTE)

    with pytest.raises(SessionError) as refused:
        await Overrule(house.office).rule(wish(opt))

    assert refused.value.reason == "TOO_LATE"
    assert "is over" in refused.value.detail
    assert len(house.told) == 1


async def test_what_is_over_by_the_clock_alone_cannot_be_decided() -> None:
    """After a pause the timers may lag behind."""
    house = await asked()
    await house.sleep(END + MINUTE)

    with pytest.raises(SessionError, match="TOO_LATE"):
        await Overrule(house.office).rule(wish(Opt.IN))


async def test_what_was_cancelled_cannot_be_decided() -> None:
    house = await asked()
    await house.deliver(cancelled(EVENT, house.now))

    with pytest.raises(SessionError) as refused:
        await Overrule(house.office).rule(wish())

    assert refused.value.reason == "TOO_LATE"
    assert "was cancelled" in refused.value.detail


async def test_an_event_that_nobody_knows_is_not_found() -> None:
    house = await asked()

    with pytest.raises(SessionError, match="NOT_FOUND"):
        await Overrule(house.office).rule(wish(event_id=EventId("evt-9")))
    with pytest.raises(SessionError, match="NOT_FOUND"):
        await Overrule(house.office).rule(wish(utility=UtilityName("other")))


async def test_an_event_of_several_sites_is_decided_site_by_site() -> None:
    house = await asked(House(sites=BOTH, program=FOR_BOTH))
    desk = Overrule(house.office)

    with pytest.raises(SessionError) as several:
        await desk.rule(wish(Opt.IN))
    with pytest.raises(SessionError) as elsewhere:
        await desk.rule(wish(Opt.IN, sites=(SiteId("phx-9"),)))
    (first,) = await desk.rule(wish(Opt.IN, sites=(HERE,)))
    told = len(house.told)
    second = await desk.rule(wish(Opt.IN, sites=(HERE, THERE)))

    assert (several.value.reason, elsewhere.value.reason) == ("AMBIGUOUS", "NOT_FOUND")
    assert "phx-1, phx-2" in several.value.detail
    assert (first.upstream, told) == (None, 0)  # the other site is still asked
    assert [one.changed for one in second] == [False, True]
    assert opts(house.told) == [(Opt.IN, "chiller")]


async def test_an_event_id_of_two_utilities_needs_the_utility() -> None:
    other = UtilityName("other")
    theirs = replace(PROGRAM, utility=other)
    programs = {(UTILITY, PROGRAM.name): PROGRAM, (other, PROGRAM.name): theirs}
    house = await asked(House(programs=programs))
    await house.inbound.accept(other, [_emit(changed(utility=other))], b"{}", ())
    desk = Overrule(house.office)

    with pytest.raises(SessionError) as several:
        await desk.rule(wish())
    (ruled,) = await desk.rule(wish(utility=other))

    assert several.value.reason == "AMBIGUOUS"
    assert "azp, other" in several.value.detail
    assert ruled.utility == other
    assert [each.event.utility for each in house.told] == [other]


def _emit(event: GridEvent) -> Emit:
    raw = RawMessage(
        body=b"x",
        media_type="application/xml",
        sha256=event.raw_sha256,
        peer="",
        received_at=event.received_at,
    )
    return Emit(events=(event,), raw=raw)


async def test_what_could_not_be_computed_can_only_be_declined() -> None:
    house = House()
    await house.agree()  # nothing was metered: the ask stands on a consumption that nobody knows
    await house.until(EVENT.received_at)
    await house.deliver(EVENT)
    desk = Overrule(house.office)
    assert (await house.record()).intent.hold_reason

    with pytest.raises(SessionError, match="REFUSED"):
        await desk.rule(wish(Opt.IN))
    await desk.rule(wish(Opt.OUT))

    assert opts(house.told) == [(Opt.OUT, "chiller")]


async def test_an_operator_cannot_speak_in_the_gateways_words() -> None:
    house = await asked()
    await Overrule(house.office).rule(wish(reason="default"))

    assert opts(house.told) == [(Opt.OUT, "operator_default")]


async def test_a_crash_after_the_commit_loses_no_decision() -> None:
    store = FailingStore()
    house = await asked(House(store=store))
    store.fatal = store.writes + 1

    with pytest.raises(StoreError):
        await Overrule(house.office).rule(wish())
    house.restart()
    waiting = await house.store.read(lambda work: work.participations.pending(UTILITY))
    (again,) = await Overrule(house.office).rule(wish())

    assert [(each.opt, each.by) for each in waiting] == [(Opt.OUT, "operator:alice")]
    assert not again.changed
    assert house.now - EVENT.received_at < timedelta(minutes=1)


HOLD = Guard(highest_kw=Decimal(120), lowest_kw=Decimal(80), actions={Rule.LOWEST: Outside.HOLD})
"""75 kW are asked; the envelope ends at 80 and leaves it to the operator."""


async def test_in_by_the_operator_waives_what_the_envelope_held_for_him() -> None:
    house = await asked(House(sites=(replace(SITE, guard=HOLD),)))
    assert len(await house.outbox("intent")) == 0

    (ruled,) = await Overrule(house.office).rule(wish(Opt.IN, "approved"))

    assert ruled.upstream is Opt.IN
    assert opts(house.told) == [(Opt.IN, "approved")]
    assert house.told[0].by == "operator:alice"
    assert len(await house.outbox("intent")) == 1
    assert await house.cap(START + MINUTE) == 75


async def test_out_by_the_operator_leaves_what_was_held_unsent() -> None:
    house = await asked(House(sites=(replace(SITE, guard=HOLD),)))

    await Overrule(house.office).rule(wish(Opt.OUT))

    assert opts(house.told) == [(Opt.OUT, "chiller")]
    assert len(await house.outbox("intent")) == 0
