"""Messages of a 2030.5 server: shown to people, acknowledged by people, and no harm done by their text."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.event import EventKey, Kind
from gateway.domain.names import EventId, UtilityName
from gateway.domain.participation import Opt, Participation
from gateway.domain.text import clean
from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.client.messages import CUT, LONGEST, shown
from tests.sep2_world import START, Server, World, listing, mrid, seconds, status, utility

MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)
TEXT = "Line 7 is out of service from 14:00; expect a limit."


def furnished() -> Server:
    server = utility()
    for one in (
        listing(sep.MessagingProgramList, "/msg", poll_rate=60),
        listing(sep.TextMessageList, "/msg/1/txt"),
    ):
        server.resources[one.href or ""] = one
    server.put(
        "/msg",
        [
            sep.MessagingProgram(
                href="/msg/1",
                mrid=mrid(5001),
                locale="en",
                primacy=1,
                text_message_list_link=sep.ListLink(href="/msg/1/txt", all=0),
            )
        ],
    )
    fsa = server.resources["/edev/1/fsa"].function_set_assignments[0]  # type: ignore[attr-defined] # of the list
    link = sep.ListLink(href="/msg", all=1)
    server.put("/edev/1/fsa", [replace(fsa, messaging_program_list_link=link)])
    return server


def message(number: int, minutes: int, text: str = TEXT, **others: object) -> sep.TextMessage:
    told: dict[str, object] = {
        "href": f"/msg/1/txt/{number}",
        "mrid": mrid(number),
        "creation_time": seconds(START) - 60,
        "event_status": status(0, START),
        "interval": sep.DateTimeInterval(start=seconds(START + 2 * MINUTE), duration=minutes * 60),
        "originator": "control room",
        "priority": 2,
        "text_message": text,
        "reply_to": "/rsp",
        "response_required": 7,
        **others,
    }
    return sep.TextMessage(**told)  # type: ignore[arg-type] # by name


def decide(world: World, number: int, opt: Opt, by: str) -> None:
    key = EventKey(utility=UtilityName("apex"), event_id=EventId(mrid(number)))
    decision = Participation(
        event=key, version=0, opt=opt, reason="seen", decided_at=world.now, by=by
    )
    world._perform(world.session.on_decisions([decision], world.now))
    world.run(SECOND)


def codes(server: Server, number: int) -> list[int]:
    return [code for subject, code in server.responses() if subject == mrid(number)]


@pytest.mark.spec("IEEE 2030.5-2018 TextMessage", "IEEE 2030.5-2018 8.8.3")
def test_a_message_is_shown_and_an_operator_acknowledges_it() -> None:
    server = furnished()
    server.put("/msg/1/txt", [message(1, 10)])
    world = World(server).run(3 * MINUTE)
    (event,) = world.events
    (signal,) = event.signals
    assert (signal.kind, signal.intervals[0].value) == (Kind.ALERT, Decimal(2))
    assert (event.comment, event.unmapped["textMessage"]) == (TEXT, TEXT)
    assert event.source["originator"] == "control room"
    decide(world, 1, Opt.IN, "gateway")
    decide(world, 1, Opt.IN, "site:phx-1")
    decide(world, 1, Opt.OUT, "operator:kim")
    assert codes(server, 1) == [1, 2]
    decide(world, 1, Opt.IN, "operator:kim")
    decide(world, 1, Opt.IN, "operator:lee")
    assert codes(server, 1) == [1, 2, 11]
    world.run(10 * MINUTE)
    assert codes(server, 1) == [1, 2, 11, 3]
    kinds = {type(p.value) for p in server.posted if isinstance(p.value, sep.Response)}
    assert kinds == {sep.TextResponse}
    assert world.events == [event]


@pytest.mark.spec("IEEE 2030.5-2018 TextMessage")
@pytest.mark.parametrize(("bits", "wanted"), [(0, []), (1, [1]), (3, [1, 2]), (4, [11])])
def test_an_acknowledgement_is_told_where_it_is_asked_for(bits: int, wanted: list[int]) -> None:
    server = furnished()
    server.put("/msg/1/txt", [message(1, 10, response_required=bits)])
    world = World(server).run(3 * MINUTE)
    decide(world, 1, Opt.IN, "operator:kim")
    assert codes(server, 1) == wanted


@pytest.mark.spec("IEEE 2030.5-2018 TextMessage")
def test_several_messages_are_active_at_once_and_one_in_the_past_is_left_alone() -> None:
    server = furnished()
    past = sep.DateTimeInterval(start=seconds(START) - 7200, duration=60)
    server.put("/msg/1/txt", [message(1, 10), message(2, 5), message(3, 5, interval=past)])
    world = World(server).run(15 * MINUTE)
    assert codes(server, 1) == codes(server, 2) == [1, 2, 3]
    assert codes(server, 3) == []
    assert len(world.events) == 2


@pytest.mark.spec("IEEE 2030.5-2018 TextMessage")
@pytest.mark.parametrize("text", ["", " \t\n ", "\x7f\u200b\u2028"])
def test_what_nobody_can_be_shown_is_answered_12_once(text: str) -> None:
    server = furnished()
    server.put("/msg/1/txt", [message(1, 30, text)])
    world = World(server).run(5 * MINUTE)
    world.start()
    world.run(5 * MINUTE)
    assert sorted(codes(server, 1)) == [1, 2, 12]
    assert world.events == []


@given(text=st.text(max_size=200) | st.just("x" * 60_000) | st.just("\x00" * 70_000 + "x"))
def test_whatever_is_shown_can_be_kept(text: str) -> None:
    found = shown(text)
    assert clean(found) == found
    assert len(found) <= LONGEST + len(CUT)
    assert found == found.strip()


def test_a_long_message_is_cut_and_goes_inward() -> None:
    server = furnished()
    server.put("/msg/1/txt", [message(1, 10, "word " * 13_000)])
    world = World(server).run(MINUTE)
    (event,) = world.events
    assert event.unmapped["textMessage"].endswith(CUT)
    assert codes(server, 1) == [1]
