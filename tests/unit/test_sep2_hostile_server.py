"""A utility that errs: what it says is refused, kept out or reported, and its other events run as they should."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.client.options import Sep2Options
from gateway.protocols.sep2.codec import encode
from tests.sep2_event_world import Device, event, program
from tests.sep2_world import (
    FLAVOUR,
    START,
    Server,
    World,
    control,
    listing,
    mrid,
    seconds,
    status,
    utility,
)

MINUTE = timedelta(minutes=1)
GOOD = control(1, START + 5 * MINUTE, 10)
BAD = control(2, START + 7 * MINUTE, 2)
RUN = [(mrid(1), 1), (mrid(1), 2), (mrid(1), 3)]


def cap(kw: int, multiplier: int = 3) -> sep.DERControlBase:
    return sep.DERControlBase(op_mod_imp_lim_w=sep.ActivePower(multiplier=multiplier, value=kw))


def values(world: World) -> list[Decimal]:
    return [s.intervals[-1].value for event in world.events for s in event.signals]


def of(server: Server, number: int) -> list[int]:
    return [code for subject, code in server.responses() if subject == mrid(number)]


# what an event may not say


@pytest.mark.spec("IEEE 2030.5-2018 events: refusal")
@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"interval": sep.DateTimeInterval(start=2**62, duration=600)}, id="start"),
        pytest.param({"interval": sep.DateTimeInterval(start=0, duration=2**32 - 1)}, id="always"),
        pytest.param({"creation_time": 2**45}, id="made in the year 1116918"),
        pytest.param({"creation_time": -(2**62)}, id="made before the earth"),
        pytest.param({"base": cap(5, 127)}, id="more watts than there are"),
        pytest.param({"base": cap(5, -128)}, id="fewer watts than there are"),
        pytest.param({"base": cap(-5)}, id="a limit below zero"),
        pytest.param({"base": sep.DERControlBase()}, id="nothing asked"),
        pytest.param(
            {
                "interval": sep.DateTimeInterval(start=seconds(START), duration=86_400),
                "randomize_start": 3600,
                "base": sep.DERControlBase(op_mod_target_w=sep.ActivePower(multiplier=99, value=1)),
            },
            id="a target of another world",
        ),
    ],
)
def test_an_event_that_cannot_be_meant_is_answered_253_and_holds_up_nobody(
    wrong: dict[str, object],
) -> None:
    server = utility()
    server.put("/derp/1/derc", [control(2, START + 7 * MINUTE, 2, **wrong), GOOD])

    world = World(server).run(20 * MINUTE)

    assert of(server, 2) == [253]
    assert of(server, 1) == [1, 2, 3]
    assert [event.event_id for event in world.events] == [mrid(1)]


@pytest.mark.spec("IEEE 2030.5-2018 Time", "IEEE 2030.5-2018 events: clock steps")
@pytest.mark.parametrize("told", [2**62, -(2**62), 2**40, 253_402_300_799, 0, -1])
def test_a_time_that_cannot_be_meant_is_not_followed(told: int) -> None:
    server = utility()
    server.put("/derp/1/derc", [GOOD])
    time = server.resources["/tm"]
    assert isinstance(time, sep.Time)
    server.raw["/tm"] = encode(replace(time, current_time=told), FLAVOUR)

    world = World(server).run(20 * MINUTE)

    assert server.responses() == RUN
    assert "implausible_time" in world.words()
    assert "clock_offset" not in world.words()


@pytest.mark.spec("IEEE 2030.5-2018 events: clock steps", "CSIP CORE-006")
@pytest.mark.parametrize("seconds_back", [20, 60, 300])
@pytest.mark.parametrize("restarts", [False, True], ids=["running", "restarted meanwhile"])
def test_a_limit_that_holds_goes_on_holding_when_the_servers_clock_goes_back(
    seconds_back: int, restarts: bool
) -> None:
    server = utility()
    server.put("/derp/1/derc", [GOOD])
    world = World(server).run(START + timedelta(minutes=5, seconds=20))
    server.offset = timedelta(seconds=-seconds_back)
    if restarts:
        world.start()

    for _ in range(30):
        world.run(timedelta(seconds=10))
        (signal,) = world.events[-1].signals
        assert signal.intervals[0].span.contains(world.now)
        assert world.events[-1].cancelled_at is None
    world.run(30 * MINUTE)

    assert server.responses() == RUN


@pytest.mark.spec("IEEE 2030.5-2018 links")
@pytest.mark.parametrize("href", ["https://[::1/x", "//a:b/x", "https://utility.example:99999/"])
def test_an_address_that_is_none_is_said_and_leads_nowhere(href: str) -> None:
    server = utility()
    server.put("/derp/1/derc", [GOOD])
    (program,) = server.resources["/derp"].der_program  # type: ignore[attr-defined] # a list
    lost = replace(program, href="/derp/2", mrid=mrid(8009), der_control_list_link=None)
    lost = replace(lost, default_der_control_link=sep.Link(href="/XX"))
    body = encode(sep.DERProgramList(all=2, results=2, der_program=(program, lost)), FLAVOUR)
    server.raw["/derp"] = body.replace(b"/XX", href.encode())

    world = World(server).run(20 * MINUTE)

    assert server.responses() == RUN
    assert "unreadable_member" in world.words()


@pytest.mark.spec("IEEE 2030.5-2018 5.5.2.4")
def test_a_location_that_is_none_is_no_location() -> None:
    server = utility()
    server.put("/derp/1/derc", [GOOD])
    server.on_post = lambda posted: (201, "https://[::1/x") if posted.method == "POST" else None

    world = World(server).run(20 * MINUTE)

    assert server.responses() == RUN
    assert len(world.events) == 1


@pytest.mark.spec("IEEE 2030.5-2018 leniency")
def test_a_wrong_order_is_read_and_said_once() -> None:
    server = utility()
    server.put("/derp/1/derc", [GOOD])
    found = replace(GOOD, href="/derp/1/derc/1")
    body = encode(sep.DERControlList(all=1, results=1, der_control=(found,)), FLAVOUR)
    created = b"<creationTime>%d</creationTime>" % GOOD.creation_time
    assert created in body
    moved = body.replace(created, b"").replace(b"</interval>", b"</interval>" + created)
    server.raw["/derp/1/derc"] = moved

    world = World(server).run(10 * MINUTE)
    server.raw["/derp/1/derc"] = moved.replace(b"</DERControlList>", b"\n</DERControlList>")
    world.run(10 * MINUTE)

    assert server.responses() == RUN
    (note,) = [note for note in world.notes if note.word == "against_schema"]
    assert "creationTime" in note.fields["detail"]


@pytest.mark.spec("IEEE 2030.5-2018 leniency")
@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        pytest.param(b"urn:ieee:std:2030.5:ns", b"http://ieee.org/2030.5", id="namespace of 2013"),
        pytest.param(b"urn:ieee:std:2030.5:ns", b"urn:x", id="namespace of nobody"),
        pytest.param(b"<?xml", b"<!DOCTYPE x><?xml", id="a document type"),
        pytest.param(b"DERControlList", b"DERCurveList", id="another list"),
        pytest.param(b"</DERControlList>", b"", id="cut off"),
        pytest.param(b"results", b"sresult", id="without its count"),
    ],
)
def test_a_list_that_is_none_stops_no_event_that_is_known(found: bytes, wanted: bytes) -> None:
    server = utility()
    server.put("/derp/1/derc", [GOOD])
    world = World(server).run(3 * MINUTE)
    whole = encode(sep.DERControlList(all=0, results=0), FLAVOUR)
    assert found in whole
    server.raw["/derp/1/derc"] = whole.replace(found, wanted)

    world.run(4 * MINUTE)
    world.start()
    world.run(10 * MINUTE)

    assert server.responses() == RUN
    assert "unreadable_answer" in world.words()
    asked = [at for at, href in server.asked if href.startswith("/derp/1/derc")]
    assert len(asked) < 60


@pytest.mark.spec("IEEE 2030.5-2018 leniency", "IEEE 2030.5-2018 HexBinary160")
def test_unknown_elements_and_lower_case_hex_change_nothing() -> None:
    server = utility()
    body = encode(sep.DERControlList(all=1, results=1, der_control=(GOOD,)), FLAVOUR)
    strange = body.replace(b"</interval>", b"</interval><y:x xmlns:y='urn:y' z='1'><y:q/></y:x>")
    server.raw["/derp/1/derc"] = strange.replace(mrid(1).encode(), mrid(1).lower().encode())
    entry = server.resources["/edev"].end_device[0]  # type: ignore[attr-defined] # a list
    edev = encode(sep.EndDeviceList(all=1, results=1, end_device=(entry,)), FLAVOUR)
    server.raw["/edev"] = edev.replace(entry.lfdi.encode(), entry.lfdi.lower().encode())

    World(server).run(20 * MINUTE)

    assert server.responses() == RUN


# events that nobody can read


def broken(server: Server, *numbers: int, what: bytes = b"<value>99999</value>") -> None:
    """Let some controls of a list carry a value that is out of its type."""
    members = [control(n, START + 5 * MINUTE, 10, base=cap(1000 + n)) for n in (1, 2, 3)]
    found = sep.DERControlList(all=3, results=3, der_control=tuple(members))
    body = encode(found, FLAVOUR)
    for number in numbers:
        body = body.replace(b"<value>%d</value>" % (1000 + number), what)
    server.raw["/derp/1/derc"] = body


@pytest.mark.spec(
    "IEEE 2030.5-2018 events: refusal", "IEEE 2030.5-2018 List", "IEEE 2030.5-2018 leniency"
)
def test_an_event_that_cannot_be_read_is_answered_253_once_and_said() -> None:
    server = utility()
    broken(server, 2)

    world = World(server).run(8 * MINUTE)
    world.start()
    world.run(12 * MINUTE)

    assert of(server, 2) == [253]
    assert of(server, 3) == [1, 2, 3]
    (note,) = [n for n in world.notes if n.word == "unreadable_member"][:1]
    assert (note.fields["mrid"], note.fields["reason"]) == (mrid(2), "INVALID_NUMBER")
    pages = [href for _, href in server.asked if href.startswith("/derp/1/derc?")]
    assert {href.partition("s=")[2].partition("&")[0] for href in pages} == {"0"}


@pytest.mark.spec("IEEE 2030.5-2018 events: refusal", "IEEE 2030.5-2018 events: categories")
def test_an_event_for_others_that_cannot_be_read_is_not_answered() -> None:
    server = utility()
    broken(server, 2, what=b"<value>99999</value>")
    # The category stands behind the base.
    server.raw["/derp/1/derc"] = server.raw["/derp/1/derc"].replace(
        b"99999</value></aus:opModImpLimW></DERControlBase>",
        b"99999</value></aus:opModImpLimW></DERControlBase><deviceCategory>1</deviceCategory>",
    )

    World(server).run(20 * MINUTE)

    assert of(server, 2) == []
    assert of(server, 1) + of(server, 3) != []


@pytest.mark.spec("IEEE 2030.5-2023 10.2.2.3 rule p", "IEEE 2030.5-2018 10.2.3.3 rule c")
@pytest.mark.parametrize("edition", ["2018", "2023"])
def test_an_event_that_becomes_unreadable_has_not_vanished(edition: str) -> None:
    server = utility()
    broken(server)
    options = Sep2Options(csip_aus=True, pin=111115, edition=edition)
    world = World(server, options).run(3 * MINUTE)
    broken(server, 1, 2, 3)

    world.run(20 * MINUTE)

    assert 6 not in [code for _, code in server.responses()]
    assert [code for _, code in server.responses() if code == 3] == [3]
    assert "content_changed" in world.words()


@pytest.mark.spec("IEEE 2030.5-2023 10.2.2.3 rule p")
def test_an_event_whose_very_name_is_broken_makes_the_list_incomplete() -> None:
    server = utility()
    broken(server)
    options = Sep2Options(csip_aus=True, pin=111115, edition="2023")
    world = World(server, options).run(3 * MINUTE)
    server.raw["/derp/1/derc"] = server.raw["/derp/1/derc"].replace(
        mrid(3).encode(), b"no name at all"
    )

    world.run(20 * MINUTE)

    assert of(server, 3) == [1, 2, 3]


@pytest.mark.spec("IEEE 2030.5-2018 events: refusal")
def test_a_flood_of_nonsense_is_forgotten_again() -> None:
    device, home = Device(), program()
    for day in range(60):
        device.until(86_400 * day)
        wrong = [event(f"{day}-{n}", 2**62, 60) for n in range(20)]
        device.sees(*wrong, whole=home)

    assert len(list(device.engine.records())) <= 3 * 20
    assert {code for _, _, code in device.told} == {253}
    assert len(device.told) == 60 * 20


# events that change in place, and names that stand twice


@pytest.mark.spec("IEEE 2030.5-2018 10.2.3.3 rule c")
@pytest.mark.parametrize("restarts", [False, True], ids=["running", "restarted meanwhile"])
def test_what_came_first_holds_at_the_site_too(restarts: bool) -> None:
    server = utility()
    server.put("/derp/1/derc", [GOOD])
    world = World(server).run(3 * MINUTE)
    changed = replace(GOOD, der_control_base=cap(9000))
    server.put("/derp/1/derc", [changed])
    if restarts:
        world.start()

    world.run(5 * MINUTE)

    assert "content_changed" in world.words()
    assert values(world) == [Decimal(5000)]

    server.put("/derp/1/derc", [replace(changed, event_status=status(2, world.now))])
    world.run(5 * MINUTE)

    assert values(world) == [Decimal(5000), Decimal(5000)]
    assert world.events[-1].cancelled_at is not None
    assert of(server, 1) == [1, 2, 6]


@pytest.mark.spec("IEEE 2030.5-2018 10.2.3.3 rule c")
def test_where_edits_are_followed_the_site_follows_them() -> None:
    server = utility()
    server.put("/derp/1/derc", [GOOD])
    world = World(server, Sep2Options(csip_aus=True, pin=111115, allow_edits=True)).run(3 * MINUTE)
    server.put("/derp/1/derc", [replace(GOOD, der_control_base=cap(9000))])
    world.run(MINUTE * 3)
    server.put("/derp/1/derc", [replace(GOOD, der_control_base=cap(-1))])
    world.run(MINUTE * 3)

    assert values(world) == [Decimal(5000), Decimal(9000)]


@pytest.mark.spec("IEEE 2030.5-2018 10.2.3.3 rule c")
def test_two_events_of_one_name_are_one_event_and_said() -> None:
    server = utility()
    server.put(
        "/derp/1/derc", [GOOD, replace(GOOD, href="/derp/1/derc/77", der_control_base=cap(9000))]
    )
    world = World(server).run(20 * MINUTE)

    assert server.responses() == RUN
    assert len(world.events) == 1
    assert "mrid_listed_twice" in world.words()


@pytest.mark.spec("IEEE 2030.5-2018 10.2.3.3 rule c")
def test_one_event_in_two_programs_stays_what_it_was_first() -> None:
    server = utility()
    (program,) = server.resources["/derp"].der_program  # type: ignore[attr-defined] # a list
    second = replace(
        program,
        href="/derp/2",
        mrid=mrid(8009),
        primacy=1,
        default_der_control_link=None,
        der_control_list_link=sep.ListLink(href="/derp/2/derc", all=1),
    )
    server.put("/derp", [program, second])
    server.resources["/derp/2/derc"] = listing(sep.DERControlList, "/derp/2/derc")
    server.put("/derp/1/derc", [GOOD])
    server.put("/derp/2/derc", [replace(GOOD, der_control_base=cap(3000))])

    world = World(server).run(20 * MINUTE)

    assert server.responses() == RUN
    assert len(set(values(world))) == 1
    assert "content_changed" in world.words()


@pytest.mark.spec("IEEE 2030.5-2018 10.2.3.3 rule c")
def test_two_programs_of_one_name_are_said() -> None:
    server = utility()
    (program,) = server.resources["/derp"].der_program  # type: ignore[attr-defined] # a list
    server.put("/derp", [program, replace(program, href="/derp/2", primacy=1)])
    server.put("/derp/1/derc", [GOOD])

    world = World(server).run(20 * MINUTE)

    assert server.responses() == RUN
    assert "mrid_listed_twice" in world.words()


@pytest.mark.spec("IEEE 2030.5-2018 links", "IEEE 2030.5-2018 events: restart")
@pytest.mark.parametrize("moment", [2, 7])
def test_an_event_that_stands_elsewhere_now_is_the_same_event(moment: int) -> None:
    server = utility()
    server.put("/derp/1/derc", [GOOD, control(3, START + 30 * MINUTE, 5)])
    world = World(server).run(moment * MINUTE)
    server.put(
        "/derp/1/derc",
        [
            control(3, START + 30 * MINUTE, 5, href="/moved/3"),
            replace(GOOD, href="/moved/1", reply_to="/rsp"),
        ],
    )

    world.run(START + 40 * MINUTE)

    assert of(server, 1) == of(server, 3) == [1, 2, 3]
    assert len(world.events) == 2


# statuses


@pytest.mark.spec("CSIP CORE-002", "IEEE 2030.5-2018 links")
@pytest.mark.parametrize("code", [400, 401, 403, 404, 406, 409, 410, 418, 451])
@pytest.mark.parametrize("href", ["/edev", "/edev/1/fsa", "/derp", "/derp/1/derc", "/tm"])
def test_a_refusal_in_mid_walk_stops_no_event_and_is_asked_for_no_faster(
    href: str, code: int
) -> None:
    server = utility()
    server.put("/derp/1/derc", [GOOD])
    world = World(server).run(3 * MINUTE)
    server.statuses[href] = code
    before = len(server.asked)
    world.run(2 * MINUTE)
    assert len(server.asked) - before < 60
    del server.statuses[href]

    world.run(15 * MINUTE)

    assert of(server, 1) == [1, 2, 3]
