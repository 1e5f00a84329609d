"""The session under notifications: what is told is known, and nothing believed that may be old or foreign."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.domain.event import GridEvent
from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.codec import encode
from tests.sep2_subscribed_world import (
    LISTS,
    MINUTE,
    SUB,
    URL,
    subscribable,
    subscribed,
    subscriptions,
    whole,
)
from tests.sep2_world import FLAVOUR, ORIGIN, control, listing, mrid, seconds, status

SECOND = timedelta(seconds=1)


def megawatts(value: int) -> sep.ActivePower:
    return sep.ActivePower(multiplier=6, value=value)


DERC = "/derp/1/derc"


def controls(server: object) -> tuple[sep.DERControl, ...]:
    found = server.resources[DERC]  # type: ignore[attr-defined] # of the world
    assert isinstance(found, sep.DERControlList)
    return found.der_control


# --- subscribing


@pytest.mark.spec("CSIP-AUS ALL-14", "CSIP UTIL-003", "IEEE 2030.5-2018 Subscription")
def test_everything_that_may_be_is_subscribed_to_once() -> None:
    world = subscribed(subscribable(rate=3600))
    assert set(subscriptions(world.server)) == set(LISTS)
    found = world.server.resources[SUB]
    assert isinstance(found, sep.SubscriptionList)
    assert {(o.notification_uri, o.level, o.encoding) for o in found.subscription} == {
        (URL, "+S1", 0)
    }
    made = [posted for posted in world.server.posted if posted.href == SUB]
    assert len(made) == len(LISTS)
    world.run(12 * 60 * MINUTE)
    assert len([posted for posted in world.server.posted if posted.href == SUB]) == len(made)
    world.run(24 * 60 * MINUTE)
    renewed = [posted for posted in world.server.posted if posted.href == SUB]
    assert len(renewed) == 2 * len(made)
    assert len(subscriptions(world.server)) == len(LISTS)


def test_nothing_is_subscribed_to_unless_the_setting_and_the_server_say_so() -> None:
    assert not subscriptions(subscribed(notify_url="").server)
    assert set(subscriptions(subscribed(subscribe=["DERControlList"]).server)) == {DERC}
    server = subscribable()
    for href in LISTS:
        server.resources[href] = replace(server.resources[href], subscribable=2)  # type: ignore[call-arg] # each may be
    assert not subscriptions(subscribed(server).server)


@pytest.mark.spec("CSIP ERR-002", "IEEE 2030.5-2018 8.9.3.4")
def test_a_restart_finds_its_subscriptions_and_makes_none_twice() -> None:
    world = subscribed()
    before = subscriptions(world.server)
    posts = len(world.server.posted)
    world.start()
    world.run(30 * MINUTE)
    assert subscriptions(world.server) == before
    assert [posted for posted in world.server.posted[posts:] if posted.href == SUB] == []
    world.server.put(DERC, [control(1, world.now + 60 * MINUTE, 5)])
    assert world.tell(DERC) == 201
    world.run(SECOND)
    assert world.server.responses() == [(mrid(1), 1)]


@pytest.mark.spec("IEEE 2030.5-2023 10.2.2.3 rule r", "IEEE 2030.5-2018 8.9")
def test_what_is_subscribed_to_is_polled_slowly_and_everything_else_is_not() -> None:
    world = subscribed()
    at = world.now
    world.run(30 * MINUTE)
    assert all(1 <= world.asked_since(at, href) <= 2 for href in LISTS)
    assert world.asked_since(at, "/tm") >= 25


def test_subscriptions_of_ours_that_nobody_needs_are_given_up() -> None:
    server = subscribable(rate=600)
    wanted = sep.Subscription(
        subscribed_resource="/gone", encoding=0, level="+S1", limit=1, notification_uri=URL
    )
    others = replace(wanted, notification_uri="https://other.example/")
    twice = replace(wanted, subscribed_resource=DERC)
    server.put(
        SUB,
        [
            replace(wanted, href=f"{SUB}/a"),
            replace(others, href=f"{SUB}/b"),
            replace(twice, href=f"{SUB}/c"),
            replace(twice, href=f"{SUB}/d"),
        ],
    )
    world = subscribed(server)
    world.run(3 * 60 * MINUTE)
    found = world.server.resources[SUB]
    assert isinstance(found, sep.SubscriptionList)
    listed = [one.subscribed_resource for one in found.subscription]
    assert sorted(listed) == sorted([*LISTS, "/gone"])  # the other gateway's stays
    assert f"{SUB}/b" in {one.href for one in found.subscription}


def test_a_subscription_that_the_server_lost_is_made_anew() -> None:
    world = subscribed(subscribable(rate=600))
    world.server.put(SUB, [])
    world.run(70 * MINUTE)
    assert set(subscriptions(world.server)) == set(LISTS)
    assert "subscription_lost" in world.words()


def test_a_list_that_cannot_be_read_is_subscribed_at_all_the_same() -> None:
    server = subscribable()
    server.statuses[SUB] = 405
    world = subscribed(server)
    assert set(subscriptions(world.server)) == set(LISTS)
    assert world.tell(DERC) == 201


def test_a_server_that_refuses_is_not_asked_for_every_resource() -> None:
    server = subscribable()
    server.on_post = lambda posted: (403, "") if posted.href == SUB else None
    world = subscribed(server)
    world.run(30 * MINUTE)
    refused = [posted for posted in world.server.posted if posted.href == SUB]
    assert 1 <= len(refused) <= 2
    at = world.now
    world.run(10 * MINUTE)
    assert world.asked_since(at, DERC) >= 8


# --- being told


@pytest.mark.spec("IEEE 2030.5-2018 Notification", "CSIP MAINT-004", "CSIP-AUS LOA-05")
def test_a_control_that_is_told_is_known_without_a_question() -> None:
    world = subscribed()
    at = world.now
    world.server.put(DERC, [control(1, at + 10 * MINUTE, 5)])
    assert world.tell(DERC) == 201
    world.run(SECOND)
    assert world.asked_since(at, DERC) == 0
    assert world.server.responses() == [(mrid(1), 1)]
    cancelled = replace(controls(world.server)[0], version=1, event_status=status(2, world.now))
    world.server.put(DERC, [cancelled])
    assert world.tell(DERC) == 201
    world.run(SECOND)
    assert world.asked_since(at, DERC) == 0
    assert world.server.responses() == [(mrid(1), 1), (mrid(1), 6)]


@pytest.mark.spec(
    "CSIP-AUS LOA-05", "CSIP-AUS LOA-06", "CSIP-AUS ALL-15", "CSIP-AUS ALL-16", "CSIP MAINT-004"
)
@pytest.mark.spec("CSIP-AUS GEN-05", "CSIP-AUS GEN-06")
@pytest.mark.parametrize(
    ("base", "kw"),
    [
        (sep.DERControlBase(op_mod_imp_lim_w=megawatts(3)), 3000),
        (sep.DERControlBase(op_mod_load_lim_w=megawatts(2)), 2000),
        (sep.DERControlBase(op_mod_exp_lim_w=megawatts(1)), 1000),
        (sep.DERControlBase(op_mod_gen_lim_w=megawatts(1)), 1000),
        (sep.DERControlBase(op_mod_energize=False), 0),
        (sep.DERControlBase(op_mod_connect=False), 0),
    ],
)
def test_an_active_limit_comes_and_goes_by_notification_alone(
    base: sep.DERControlBase, kw: int
) -> None:
    world = subscribed()
    at = world.now
    active = control(1, at, 30, base=base, event_status=status(1, at))
    world.server.put(DERC, [active])
    assert world.tell(DERC) == 201
    world.run(SECOND)
    (event,) = world.events
    assert event.signals[0].intervals[0].value == Decimal(kw)
    assert world.server.responses() == [(mrid(1), 1), (mrid(1), 2)]
    over = replace(active, version=1, event_status=status(2, world.now))
    world.server.put(DERC, [over])
    assert world.tell(DERC) == 201
    world.run(SECOND)
    assert world.events[-1].cancelled_at is not None
    assert world.server.responses()[-1] == (mrid(1), 6)
    assert world.asked_since(at, DERC) == 0


@pytest.mark.spec("CSIP MAINT-005")
def test_primacies_that_are_swapped_are_followed_by_notification_alone() -> None:
    server = subscribable()
    for number, mw in ((1, 8), (2, 6)):
        server.resources[f"/derp/{number}/dderc"] = sep.DefaultDERControl(
            href=f"/derp/{number}/dderc",
            mrid=mrid(9000 + number),
            subscribable=1,
            der_control_base=sep.DERControlBase(op_mod_imp_lim_w=megawatts(mw)),
        )
    server.resources["/derp/2/derc"] = listing(sep.DERControlList, "/derp/2/derc", subscribable=1)
    first = server.resources["/derp"]
    assert isinstance(first, sep.DERProgramList)
    (one,) = first.der_program
    two = replace(
        one,
        href="/derp/2",
        mrid=mrid(8003),
        primacy=9,
        default_der_control_link=sep.Link(href="/derp/2/dderc"),
        der_control_list_link=sep.ListLink(href="/derp/2/derc", all=0),
    )
    server.put("/derp", [one, two])
    world = subscribed(server)
    at = world.now
    assert standing(world.events) == {Decimal(8000)}
    swapped = [replace(two, primacy=2, version=1), replace(one, primacy=9, version=1)]
    server.put("/derp", swapped)
    assert world.tell("/derp") == 201
    world.run(5 * SECOND)
    assert standing(world.events) == {Decimal(6000)}
    assert world.asked_since(at, "/derp") == 0


def standing(events: list[GridEvent]) -> set[Decimal]:
    """Return what stands of defaults: the newest version of each, unless it was taken back."""
    newest = {event.event_id: event for event in events if event.standing}
    return {
        event.signals[0].intervals[-1].value
        for event in newest.values()
        if event.cancelled_at is None
    }


@pytest.mark.spec("CSIP-AUS ALL-17")
def test_a_changed_gradient_is_known_by_notification_alone() -> None:
    world = subscribed()
    at = world.now
    old = world.server.resources["/derp/1/dderc"]
    world.server.resources["/derp/1/dderc"] = replace(old, version=1, set_grad_w=1000)  # type: ignore[call-arg] # a default
    assert world.tell("/derp/1/dderc") == 201
    world.run(5 * SECOND)
    put = [
        p.value for p in world.server.posted if p.at > at and isinstance(p.value, sep.DERSettings)
    ]
    assert [one.set_grad_w for one in put] == [1000]
    assert world.asked_since(at, "/derp/1/dderc") == 0


@pytest.mark.spec("CSIP-AUS LOA-07", "CSIP-AUS LOA-08")
@pytest.mark.parametrize("mode", ["op_mod_imp_lim_w", "op_mod_load_lim_w"])
def test_a_default_limit_changes_by_notification_alone(mode: str) -> None:
    world = subscribed()
    at = world.now
    for version, kw in ((1, 8), (2, 6)):
        base = sep.DERControlBase(**{mode: megawatts(kw)})  # type: ignore[arg-type] # by name
        old = world.server.resources["/derp/1/dderc"]
        world.server.resources["/derp/1/dderc"] = replace(
            old, version=version, der_control_base=base
        )  # type: ignore[call-arg] # a default
        assert world.tell("/derp/1/dderc") == 201
        world.run(SECOND)
        (signal,) = world.events[-1].signals
        assert signal.intervals[-1].value == Decimal(kw * 1000)
    assert world.asked_since(at, "/derp/1/dderc") == 0


@pytest.mark.parametrize("answer", [201, 204])
@pytest.mark.spec("CSIP CORE-018", "CSIP ERR-002")
def test_a_notification_is_answered_as_the_setting_says(answer: int) -> None:
    world = subscribed(notification_answer=answer)
    assert world.tell(DERC) == answer


def test_the_same_notification_twice_changes_nothing_the_second_time() -> None:
    world = subscribed()
    world.server.put(DERC, [control(1, world.now + 10 * MINUTE, 5)])
    for _ in range(3):
        assert world.tell(DERC) == 201
        world.run(SECOND)
    assert world.server.responses() == [(mrid(1), 1)]
    assert len([e for e in world.events if e.source["mRID"] == mrid(1)]) == 1


def test_a_notification_of_a_part_has_the_rest_fetched() -> None:
    world = subscribed()
    at = world.now
    world.server.put(DERC, [control(1, at + 10 * MINUTE, 5)])
    assert world.tell(DERC, partly=True) == 201
    world.run(2 * SECOND)
    assert world.asked_since(at, DERC) == 1
    assert world.server.responses() == [(mrid(1), 1)]
    world.server.put(DERC, [*controls(world.server), control(2, at + 30 * MINUTE, 5)])
    assert world.tell(DERC, resource=None) == 201
    world.run(2 * SECOND)
    assert world.asked_since(at, DERC) == 2
    assert (mrid(2), 1) in world.server.responses()


def test_an_old_notification_that_comes_late_changes_nothing() -> None:
    world = subscribed()
    first = control(1, world.now + 10 * MINUTE, 5)
    old = replace(world.server.resources[DERC], der_control=(first,), all=1, results=1)  # type: ignore[call-arg] # a list
    cancelled = replace(first, version=1, event_status=status(2, world.now))
    world.server.put(DERC, [cancelled, control(2, world.now + 30 * MINUTE, 5)])
    assert world.tell(DERC) == 201
    world.run(SECOND)
    answers = world.server.responses()
    at = world.now
    assert world.tell(DERC, resource=old) == 201
    world.run(5 * SECOND)
    assert world.asked_since(at, DERC) == 1
    assert world.server.responses() == answers
    world.run(60 * MINUTE)
    assert world.server.responses() == [*answers, (mrid(2), 2), (mrid(2), 3)]


def test_an_old_version_that_comes_late_is_looked_up_and_not_followed() -> None:
    world = subscribed()
    place = "/derp/1/dderc"
    told = {}
    for version, mw in ((1, 8), (2, 6)):
        told[version] = replace(
            world.server.resources[place],
            version=version,
            der_control_base=sep.DERControlBase(op_mod_imp_lim_w=megawatts(mw)),
        )  # type: ignore[call-arg] # a default
    world.server.resources[place] = told[2]
    assert world.tell(place) == 201
    world.run(SECOND)
    at, events = world.now, len(world.events)
    assert world.tell(place, resource=told[1]) == 201
    world.run(5 * SECOND)
    assert world.asked_since(at, place) == 1
    assert len(world.events) == events
    # Sixteen bits: after the last version comes the first.
    last = replace(told[2], version=65535)  # type: ignore[call-arg] # a default
    for one in (last, replace(told[1], version=0)):  # type: ignore[call-arg] # a default
        world.server.resources[place] = one
        assert world.tell(place) == 201
        world.run(5 * SECOND)
    assert world.events[-1].signals[0].intervals[-1].value == Decimal(8000)


def test_a_control_that_an_old_notification_lacks_is_not_gone() -> None:
    world = subscribed(edition="2023", csip_aus=False, vanished_cancels=True)
    empty = whole(world.server.resources[DERC])
    world.server.put(DERC, [control(1, world.now, 30, event_status=status(1, world.now))])
    assert world.tell(DERC) == 201
    world.run(SECOND)
    assert world.server.responses() == [(mrid(1), 1), (mrid(1), 2)]
    assert world.tell(DERC, resource=empty) == 201
    world.run(5 * SECOND)
    assert world.server.responses() == [(mrid(1), 1), (mrid(1), 2)]
    world.server.put(DERC, [])
    assert world.tell(DERC) == 201
    world.run(5 * SECOND)
    assert world.server.responses()[-1] == (mrid(1), 6)


def test_an_assignment_that_was_taken_back_does_not_return_with_an_old_notification() -> None:
    world = subscribed()
    fsas = world.server.resources["/edev/1/fsa"]
    with_it = replace(fsas, all=1, results=1)  # type: ignore[call-arg] # a list
    world.server.put("/edev/1/fsa", [])
    assert world.tell("/edev/1/fsa") == 201
    world.run(5 * SECOND)
    assert world.tell("/edev/1/fsa", resource=with_it) == 201
    world.run(5 * SECOND)
    world.server.put(DERC, [control(1, world.now + 10 * MINUTE, 5)])
    world.run(10 * MINUTE)
    assert world.server.responses() == []


def test_what_is_told_while_it_is_being_read_is_not_lost() -> None:
    world = subscribed()
    world.trip = timedelta(seconds=20)
    world.run(40 * MINUTE)
    # A page is on its way that was written before the control came.
    while not world.session._mirror.times.slots[ORIGIN + DERC].busy:
        world.run(SECOND)
    at = world.now
    world.run(15 * SECOND)
    world.server.put(DERC, [control(1, at + 30 * MINUTE, 5)])
    assert world.tell(DERC) == 201
    world.run(90 * SECOND)
    assert world.asked_since(at, DERC) == 2  # the one that was on its way, and one more
    assert world.server.responses() == [(mrid(1), 1)]
    assert "notification_missing" not in world.words()


@pytest.mark.spec("CSIP CORE-019", "CSIP ERR-002")
@pytest.mark.parametrize("ending", [1, 2, 3, 4])
def test_a_subscription_that_ends_is_polled_and_made_anew_later(ending: int) -> None:
    world = subscribed()
    to = f"{ORIGIN}/elsewhere" if ending == 2 else None
    uri = ORIGIN + subscriptions(world.server)[DERC]
    kept = world.server.resources[SUB]
    assert isinstance(kept, sep.SubscriptionList)
    world.server.put(SUB, [one for one in kept.subscription if one.subscribed_resource != DERC])
    told = sep.Notification(
        subscribed_resource=DERC, status=ending, new_resource_uri=to, subscription_uri=uri
    )
    assert world.push("notification", encode(told, FLAVOUR)) == 201
    at = world.now
    world.run(10 * MINUTE)
    assert DERC not in subscriptions(world.server)
    assert world.asked_since(at, DERC) >= 8
    world.run(10 * MINUTE)
    assert DERC in subscriptions(world.server)
    # The address of the old one is nobody's any more.
    assert world.tell(DERC, subscription_uri=uri) == 404


def test_a_poll_that_finds_what_nobody_told_ends_the_trust_until_somebody_tells() -> None:
    world = subscribed()
    world.run(40 * MINUTE)
    world.server.put(DERC, [control(1, world.now + 90 * MINUTE, 5)])
    world.run(17 * MINUTE)
    assert world.server.responses() == [(mrid(1), 1)]
    assert world.words().count("notification_missing") == 1
    at = world.now
    world.run(10 * MINUTE)
    assert world.asked_since(at, DERC) >= 8
    world.server.put(DERC, [*controls(world.server), control(2, world.now + 200 * MINUTE, 5)])
    assert world.tell(DERC) == 201
    world.run(2 * MINUTE)
    at = world.now
    world.run(10 * MINUTE)
    assert world.asked_since(at, DERC) <= 1


@pytest.mark.spec("IEEE 2030.5-2018 8.9.3.4")
def test_after_an_outage_everything_is_read_and_the_subscriptions_are_checked() -> None:
    world = subscribed()
    world.server.down = True
    world.run(10 * MINUTE)
    world.server.down = False
    world.server.put(SUB, [])
    at = world.now
    world.run(6 * MINUTE)
    assert all(world.asked_since(at, href) >= 1 for href in (*LISTS, SUB))
    world.run(10 * MINUTE)
    assert set(subscriptions(world.server)) == set(LISTS)


@pytest.mark.spec("IEEE 2030.5-2018 8.9.3.4")
def test_an_outage_in_which_nothing_was_to_be_asked_shows_in_what_was_to_be_told() -> None:
    world = subscribed(subscribable(rate=7200), subscribed_poll_rate=timedelta(hours=2))
    world.server.put(DERC, [control(2, world.now + MINUTE, 8)])
    assert world.tell(DERC) == 201
    world.run(4 * MINUTE)
    world.server.down = True
    world.run(10 * MINUTE)
    world.server.down = False
    world.server.put(SUB, [])
    world.run(6 * MINUTE)
    assert set(subscriptions(world.server)) == set(LISTS)


# --- hostile


@pytest.mark.spec("CSIP ERR-002", "IEEE 2030.5-2018 Notification")
def test_what_is_not_ours_or_no_notification_is_refused() -> None:
    world = subscribed()
    at, snapshot = world.now, world.session.snapshot()
    assert world.push("notification", b"") == 400
    assert world.push("notification", b"<x/>") == 400
    assert world.push("notification", encode(world.server.resources[DERC], FLAVOUR)) == 400
    assert world.tell(DERC, subscription_uri=f"{ORIGIN}/edev/1/sub/nobody") == 404
    mine = ORIGIN + subscriptions(world.server)["/derp"]
    assert world.tell(DERC, subscription_uri=mine) == 404
    wrong = replace(world.server.resources["/dr/1/edc"], href=DERC)
    assert world.tell(DERC, resource=wrong) == 400
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaa">]><Notification xmlns="urn:ieee:std:2030.5:ns">&a;</Notification>'
    assert world.push("notification", bomb) == 400
    world.run(30 * SECOND)
    assert world.asked_since(at, DERC) == 0
    assert world.session.snapshot() == snapshot


def test_before_we_know_what_is_ours_the_server_is_asked_to_come_later() -> None:
    world = subscribed()
    body_of = subscriptions(world.server)[DERC]
    world.start()
    assert world.tell(DERC, subscription_uri=ORIGIN + body_of) == 503
    world.run(3 * MINUTE)
    assert world.tell(DERC) == 201


def test_a_flood_of_hints_is_a_question_a_second_at_most() -> None:
    world = subscribed()
    at = world.now
    for _ in range(100):
        assert world.tell(DERC, resource=None) == 201
        world.run(timedelta(milliseconds=100))
    assert world.asked_since(at, DERC) <= 11


@settings(max_examples=12, deadline=None)
@given(order=st.lists(st.integers(0, 5), max_size=10), lost=st.booleans())
def test_whatever_order_notifications_come_in_the_end_is_the_servers_truth(
    order: list[int], lost: bool
) -> None:
    """States of one list are told in any order, some twice, some never; in the end each event ran its course."""
    world = subscribed(subscribable(rate=300))
    at = world.now
    one, two = control(1, at + 40 * MINUTE, 5), control(2, at + 60 * MINUTE, 5)
    gone = replace(one, version=1, event_status=sep.EventStatus(
        current_status=2, date_time=seconds(at), potentially_superseded=False
    ))  # fmt: skip
    states = [(), (one,), (one, two), (gone, two), (gone, two), (gone, two)]
    empty = world.server.resources[DERC]
    world.server.put(DERC, states[-1])
    for index in order:
        members = states[index]
        told = replace(empty, der_control=members, all=len(members), results=len(members))  # type: ignore[call-arg] # a list
        assert world.tell(DERC, resource=told) == 201
        world.run(SECOND)
    if not lost:
        assert world.tell(DERC) == 201
    world.run(90 * MINUTE)
    answers = world.server.responses()
    assert (mrid(1), 2) not in answers
    assert [code for name, code in answers if name == mrid(2)] == [1, 2, 3]
    assert [code for name, code in answers if name == mrid(1)] == [1, 6]
    assert len(answers) == len(set(answers))
