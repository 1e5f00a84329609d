"""The core of the 2030.5 server: lists, statuses by time, what clients may write, and what they are refused."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from gateway.domain.errors import MisuseError
from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.codec import Edition, Flavour, decode, encode
from gateway.protocols.sep2.identity import sfdi_of
from gateway.protocols.sep2.server.devices import NewDevice
from gateway.protocols.sep2.server.issuing import Issuer
from gateway.protocols.sep2.server.operator import Operator
from gateway.protocols.sep2.server.options import CSIP_AUS, ServerOptions
from gateway.protocols.sep2.server.records import Turn
from gateway.protocols.sep2.server.server import Sep2Server
from gateway.protocols.sep2.server.terms import EventTerms
from tests.fakes import CountedIds
from tests.sep2_world import LFDI, START, mrid

OTHER = "1" * 40
STRANGER = "2" * 40
MINUTE = timedelta(minutes=1)
CAP = sep.DERControlBase(op_mod_imp_lim_w=sep.ActivePower(multiplier=3, value=5000))
BOTH = replace(CAP, op_mod_load_lim_w=sep.ActivePower(multiplier=3, value=4000))
READING = sep.ReadingType(power_of_ten_multiplier=1, uom=38)


class Utility:
    """A server whose turns are taken at once."""

    def __init__(self, **others: object) -> None:
        self.server = Sep2Server(ServerOptions(**others), CountedIds())  # type: ignore[arg-type] # by name
        self.now = START
        self.server.take(self.server.open(self.now))
        self.operator = Operator(self.server)
        self.issuer = Issuer(self.server)
        for lfdi in (LFDI, OTHER):
            self.do(self.operator.register(NewDevice(lfdi=lfdi, pin=111115), self.now))
        self.fsa = self.do(self.operator.create_fsa(self.now))
        self.do(self.operator.assign(self.fsa, [LFDI], self.now))
        self.program = self.add_program(2)

    def do(self, turn: Turn) -> str:
        self.server.take(turn)
        return turn.told

    def add_program(self, primacy: int) -> str:
        made = self.operator.create_program(sep.DERProgram, primacy, [self.fsa], self.now)
        return self.do(made)

    def issue(
        self, start: int, minutes: int, base: sep.DERControlBase = CAP, **others: object
    ) -> str:
        terms = EventTerms(
            start=START + start * MINUTE,
            duration=minutes * MINUTE,
            **others,  # type: ignore[arg-type] # by name
        )
        return self.do(self.issuer.create_control(self.program, base, terms, self.now))

    def at(self, minutes: float) -> "Utility":
        self.now = START + minutes * MINUTE
        return self

    def href(self, kind: type[sep.Resource], lfdi: str = LFDI) -> str:
        book = self.server.book
        fits = (
            o.href for o in book.entries.values() if o.kind is kind and o.scope in book.reach(lfdi)
        )
        return next(fits)

    def events(self) -> str:
        return self.server.book.expect(self.program, sep.DERProgram).href + "/events"

    def get(self, href: str, query: str = "", peer: str = LFDI) -> tuple[int, object]:
        answer = self.server.read(href, query, peer, self.now)
        fine = answer.status == 200
        return answer.status, decode(answer.body, object).value if fine else None

    def listed(self, query: str = "l=100") -> tuple[sep.DERControl, ...]:
        _, found = self.get(self.events(), query)
        assert isinstance(found, sep.DERControlList)
        return found.der_control

    def standing(self) -> dict[str, tuple[int, int]]:
        return {
            one.mrid: (one.event_status.current_status, one.version or 0) for one in self.listed()
        }

    def send(self, method: str, href: str, document: object, peer: str = LFDI) -> Turn:
        body = document if isinstance(document, bytes) else encode(document, CSIP_AUS)
        turn = self.server.write(method, href, body, peer, self.now)
        self.server.take(turn)
        return turn

    def post(self, href: str, document: object, peer: str = LFDI) -> int:
        return self.send("POST", href, document, peer).answer.status


def response(subject: str, status: int = 1, lfdi: str = LFDI) -> sep.DERControlResponse:
    return sep.DERControlResponse(
        created_date_time=1, end_device_lfdi=lfdi, status=status, subject=subject
    )


def mirror(lfdi: str = LFDI, number: int = 1) -> sep.MirrorUsagePoint:
    meter = sep.MirrorMeterReading(mrid=mrid(100 + number), reading_type=READING)
    return sep.MirrorUsagePoint(
        mrid=mrid(number),
        role_flags=3,
        service_category_kind=0,
        status=1,
        device_lfdi=lfdi,
        mirror_meter_reading=(meter,),
    )


def reading(number: int, value: int, start: int = 60) -> sep.MirrorMeterReading:
    period = sep.DateTimeInterval(start=start, duration=60)
    return sep.MirrorMeterReading(
        mrid=mrid(number), reading=sep.Reading(time_period=period, value=value)
    )


# --- statuses


@pytest.mark.spec("IEEE 2030.5-2018 10.2.3.3", "CSIP-AUS S-ALL-41")
def test_an_event_is_scheduled_then_active_then_gone() -> None:
    utility = Utility()
    name = utility.issue(5, 10)
    assert utility.standing() == {name: (0, 0)}
    assert utility.at(5).standing() == {name: (1, 1)}
    assert utility.at(14.99).standing() == {name: (1, 1)}
    assert utility.at(15).standing() == {}


@pytest.mark.spec("IEEE 2030.5-2018 10.2.3.3 r")
def test_an_event_stays_until_the_last_client_has_ended_it() -> None:
    utility = Utility()
    utility.issue(5, 10, randomize_start=60, randomize_duration=120)
    assert len(utility.at(17.9).listed()) == 1
    assert utility.at(18).listed() == ()


@pytest.mark.spec("IEEE 2030.5-2018 10.2.3.3 f", "CSIP-AUS S-ALL-41")
def test_a_newer_event_of_the_same_controls_supersedes_from_its_start() -> None:
    utility = Utility()
    old = utility.issue(5, 20)
    new = utility.at(1).issue(10, 5)
    assert utility.at(9.9).standing() == {old: (1, 1), new: (0, 0)}
    assert utility.at(10).standing() == {old: (4, 2), new: (1, 1)}
    assert utility.at(20).standing() == {old: (4, 2)}, "what is superseded stays so"


def test_a_newer_event_that_begins_first_leaves_the_older_one_unexecuted() -> None:
    utility = Utility()
    old = utility.issue(10, 20)
    new = utility.at(1).issue(5, 10)
    assert utility.at(5).standing() == {old: (4, 1), new: (1, 1)}


def test_an_event_of_fewer_controls_supersedes_only_potentially() -> None:
    utility = Utility()
    old = utility.issue(5, 20, BOTH)
    new = utility.at(1).issue(10, 5)
    assert utility.at(12).standing() == {old: (1, 1), new: (1, 1)}
    marks = {one.mrid: one.event_status.potentially_superseded for one in utility.listed()}
    assert marks == {old: True, new: False}


def test_a_cancelled_event_supersedes_nothing_and_stays_listed() -> None:
    utility = Utility()
    old = utility.issue(5, 20)
    new = utility.at(1).issue(10, 5)
    utility.do(utility.issuer.cancel(new, utility.at(6).now))
    assert utility.at(12).standing() == {old: (1, 1), new: (2, 1)}
    with pytest.raises(MisuseError, match="EVENT_ENDED"):
        utility.issuer.cancel(new, utility.now)


@pytest.mark.spec("IEEE 2030.5-2023 10.2.2.3 p")
def test_in_2023_an_ended_event_is_completed_for_a_while_and_none_is_superseded() -> None:
    utility = Utility(flavour=Flavour(edition=Edition.Y2023, csip_aus=True))
    old = utility.issue(5, 10)
    new = utility.at(1).issue(8, 20)
    assert utility.at(9).standing() == {old: (1, 1), new: (1, 1)}
    assert utility.at(15).standing() == {old: (5, 2), new: (1, 1)}
    assert old not in utility.at(17.1).standing()


@pytest.mark.spec("CSIP-AUS S-ALL-41")
def test_a_cancelled_event_stays_listed_for_two_polls_at_least() -> None:
    utility = Utility()
    name = utility.issue(5, 10)
    utility.do(utility.issuer.cancel(name, utility.at(14.9).now))
    assert utility.at(16.8).standing() == {name: (2, 2)}
    assert utility.at(16.9).standing() == {}


def test_clearing_cancels_what_is_not_over() -> None:
    utility = Utility()
    first, second = utility.issue(1, 2), utility.issue(10, 5)
    utility.at(4)
    utility.do(utility.issuer.clear(utility.now))
    assert utility.standing() == {second: (2, 1)}
    assert first not in utility.standing()


@pytest.mark.parametrize(
    ("start", "minutes", "others"),
    [
        (-10, 5, {}),
        (5, 0, {}),
        (5, 1, {"randomize_duration": 60}),
        (5, 10, {"randomize_start": 3601}),
        (5, 10, {"description": "x" * 33}),
        (5, 10, {"mrid": "xyz"}),
    ],
)
def test_an_event_that_cannot_be_is_not_issued(
    start: int, minutes: int, others: dict[str, object]
) -> None:
    utility = Utility()
    with pytest.raises(MisuseError):
        utility.issue(start, minutes, CAP, **others)
    assert utility.listed() == ()


@pytest.mark.spec("IEEE 2030.5-2018 events: messages")
def test_messages_supersede_nothing_and_may_be_acknowledged() -> None:
    utility = Utility()
    made = utility.operator.create_program(sep.MessagingProgram, 1, [utility.fsa], utility.now)
    program = utility.do(made)
    terms = EventTerms(start=START, duration=10 * MINUTE, response_required=7)
    names = [
        utility.do(utility.issuer.create_message(program, text, 3, terms, utility.at(at).now))
        for at, text in ((0, "Grid stress, please shed."), (1, "Thank you."))
    ]
    place = utility.server.book.expect(program, sep.MessagingProgram).href + "/events"
    _, found = utility.get(place, "l=9")
    assert isinstance(found, sep.TextMessageList)
    assert [one.mrid for one in found.text_message] == names[::-1]
    assert {one.event_status.current_status for one in found.text_message} == {1}
    href = utility.server.responses()
    told = sep.TextResponse(end_device_lfdi=LFDI, status=11, subject=names[0])
    assert utility.post(href, told) == 201
    assert utility.post(href, replace(told, status=6)) == 400
    random = replace(terms, randomize_start=5)
    with pytest.raises(MisuseError, match="BAD_RESOURCE"):
        utility.issuer.create_message(program, "x", 3, random, utility.now)
    with pytest.raises(MisuseError, match="BAD_RESOURCE"):
        utility.issuer.cancel(names[0], utility.now, randomly=True)


# --- lists


@pytest.mark.spec("IEEE 2030.5-2018 4.6.2", "CSIP CORE-004")
def test_lists_come_in_their_order_page_by_page() -> None:
    utility = Utility()
    names = [utility.issue(start, 5) for start in (30, 10, 20)]
    ordered = [names[1], names[2], names[0]]
    assert [one.mrid for one in utility.listed()] == ordered
    assert [one.mrid for one in utility.listed("")] == ordered[:1], "l is 1 by itself"
    assert [one.mrid for one in utility.listed("s=1&l=5")] == ordered[1:]
    assert utility.listed("s=9") == ()
    assert utility.listed("l=0") == ()
    after = int((START + 10 * MINUTE).timestamp())
    assert [one.mrid for one in utility.listed(f"a={after}&l=5")] == ordered[1:]
    _, found = utility.get(utility.events(), "l=2")
    assert isinstance(found, sep.DERControlList)
    assert (found.all, found.results) == (3, 2)


@pytest.mark.parametrize("query", ["s=-1", "l=x", "l=", "s=1&s=2", "a=now", "l=99999999999"])
def test_a_page_that_cannot_be_is_refused(query: str) -> None:
    utility = Utility()
    assert utility.get(utility.events(), query)[0] == 400


def test_lists_tell_at_most_so_many_and_an_empty_one_is_there() -> None:
    utility = Utility(most_members=2)
    assert utility.get(utility.events())[0] == 200
    for start in range(1, 5):
        utility.issue(start * 10, 5)
    assert len(utility.listed("l=100")) == 2


def test_a_change_shows_at_once_although_answers_are_kept_written() -> None:
    utility = Utility()
    programs = utility.href(sep.DERProgramList)
    for _ in range(2):
        _, found = utility.get(programs, "l=9")
        assert isinstance(found, sep.DERProgramList)
        link = found.der_program[0].der_control_list_link
        assert link is not None
        assert link.all == 0
    utility.issue(5, 5)
    _, found = utility.get(programs, "l=9")
    assert isinstance(found, sep.DERProgramList)
    assert found.der_program[0].der_control_list_link == sep.ListLink(href=utility.events(), all=1)
    other = utility.add_program(1)
    _, found = utility.get(programs, "l=9")
    assert isinstance(found, sep.DERProgramList)
    assert [one.mrid for one in found.der_program] == [other, utility.program]
    utility.do(utility.operator.set_primacy(utility.program, 0, utility.now))
    _, found = utility.get(programs, "l=9")
    assert isinstance(found, sep.DERProgramList)
    assert [one.mrid for one in found.der_program] == [utility.program, other]
    utility.at(10.0)
    _, found = utility.get(programs, "l=9")
    assert isinstance(found, sep.DERProgramList)
    assert found.der_program[0].der_control_list_link == sep.ListLink(href=utility.events(), all=0)


# --- who sees what


@pytest.mark.spec("IEEE 2030.5-2018 6.8", "CSIP-AUS S-ALL-05")
def test_a_device_sees_itself_and_an_aggregator_those_that_it_manages() -> None:
    utility = Utility()
    managed = "3" * 40
    utility.do(utility.operator.register(NewDevice(lfdi=managed, manager=OTHER), utility.now))

    def seen(peer: str) -> set[str | None]:
        _, found = utility.get("/edev", "l=9", peer)
        assert isinstance(found, sep.EndDeviceList)
        assert found.all == len(found.end_device)
        return {one.lfdi for one in found.end_device}

    assert seen(LFDI) == {LFDI}
    assert seen(OTHER) == {OTHER, managed}
    utility.do(utility.operator.assign(utility.fsa, [managed], utility.now))
    assert utility.get(utility.events(), "", OTHER)[0] == 200
    utility.do(utility.operator.unregister(managed, utility.now))
    assert seen(OTHER) == {OTHER}
    assert utility.get(utility.events(), "", OTHER)[0] == 404


def test_an_aggregator_that_is_no_more_acts_for_nobody() -> None:
    utility = Utility()
    managed = "3" * 40
    utility.do(utility.operator.register(NewDevice(lfdi=managed, manager=OTHER), utility.now))
    assert utility.post("/mup", mirror(managed), OTHER) == 201
    utility.do(utility.operator.unregister(OTHER, utility.now))
    assert utility.get("/edev", "", OTHER)[0] == 404
    assert utility.post("/mup", mirror(managed), OTHER) == 404
    assert utility.server.book.device(managed) is not None


def test_a_stranger_sees_the_entry_and_the_time_alone() -> None:
    utility = Utility()
    found = {
        href for href in utility.server.book.entries if utility.get(href, "", STRANGER)[0] != 404
    }
    assert found == {"/dcap", "/tm"}
    assert utility.post("/mup", mirror(STRANGER), STRANGER) == 404


@pytest.mark.spec("CSIP-AUS S-ALL-05", "CSIP-AUS S-ALL-52")
def test_another_devices_place_does_not_exist() -> None:
    utility = Utility()
    for kind, document in (
        (sep.DERStatus, sep.DERStatus(reading_time=1)),
        (sep.LogEventList, sep.DERStatus(reading_time=1)),
        (sep.EndDevice, sep.EndDevice(sfdi=1, changed_time=1)),
    ):
        href = utility.href(kind)
        for method in ("PUT", "POST", "DELETE"):
            assert utility.send(method, href, document, OTHER).answer.status == 404
    assert utility.post("/mup", mirror(LFDI), OTHER) == 403
    assert utility.post("/mup", mirror(LFDI)) == 201
    assert utility.post(utility.href(sep.MirrorUsagePoint), reading(101, 5), OTHER) == 404


# --- registration in band


def newcomer(lfdi: str = STRANGER, **others: object) -> sep.EndDevice:
    told: dict[str, object] = {"lfdi": lfdi, "sfdi": sfdi_of(lfdi), "changed_time": 1, **others}
    return sep.EndDevice(**told)  # type: ignore[arg-type] # by name


@pytest.mark.spec(
    "CSIP-AUS S-ALL-02",
    "CSIP-AUS S-ALL-51",
    "CSIP-AUS S-ALL-52",
    "CSIP-AUS S-ALL-56",
    "CSIP-AUS S-OPT-01",
)
def test_a_device_registers_itself_where_that_is_allowed() -> None:
    closed, utility = Utility(), Utility(in_band=True)
    assert closed.post("/edev", newcomer(), STRANGER) == 404
    assert closed.post("/edev", newcomer(STRANGER), LFDI) == 403
    assert utility.get("/edev", "", STRANGER)[0] == 200
    assert utility.post("/edev", newcomer(sfdi=5), STRANGER) == 400
    assert utility.post("/edev", newcomer("4" * 40), STRANGER) == 403
    turn = utility.send("POST", "/edev", newcomer(), STRANGER)
    assert turn.answer.status == 201
    assert utility.get(turn.answer.location, "", STRANGER)[0] == 200
    assert utility.post("/edev", newcomer(), STRANGER) == 409
    assert utility.post("/edev", newcomer(LFDI), STRANGER) == 403
    assert utility.post("/edev", newcomer("4" * 40), STRANGER) == 403
    assert utility.get("/edev", "l=9", STRANGER)[1].all == 1  # type: ignore[attr-defined] # a list


@pytest.mark.spec("CSIP-AUS S-ALL-03", "CSIP-AUS S-ALL-52")
def test_an_aggregator_registers_devices_and_a_device_none() -> None:
    utility = Utility(in_band=True)
    named, given = "5" * 40, "6" * 40
    utility.do(utility.operator.register(NewDevice(lfdi=named, aggregator=True), utility.now))
    for lfdi, manager in ((given, ""), ("7" * 40, given)):
        utility.do(utility.operator.register(NewDevice(lfdi=lfdi, manager=manager), utility.now))
    for number, (peer, status) in enumerate(((LFDI, 403), (named, 201), (given, 201))):
        assert utility.post("/edev", newcomer("ABC"[number] * 40), peer) == status, peer
    assert utility.get("/edev", "l=9", named)[1].all == 2  # type: ignore[attr-defined] # a list
    for lfdi in ("B" * 40, named):
        utility.do(utility.operator.unregister(lfdi, utility.now))
    utility.do(utility.operator.register(NewDevice(lfdi=named), utility.now))
    assert utility.post("/edev", newcomer("F" * 40), named) == 403, "it was one, and is none now"


def test_a_device_cannot_become_another() -> None:
    utility = Utility()
    href = utility.href(sep.EndDevice)
    assert utility.send("PUT", href, newcomer(OTHER)).answer.status == 403
    change = newcomer(LFDI, device_category=512)
    assert utility.send("PUT", href, change).answer.status == 204
    _, found = utility.get(href)
    assert isinstance(found, sep.EndDevice)
    assert (found.lfdi, found.device_category) == (LFDI, 512)
    assert found.function_set_assignments_list_link is not None


# --- responses


@pytest.mark.spec("CSIP-AUS S-ALL-42", "CSIP-AUS S-ALL-57")
def test_a_response_is_checked_against_what_was_asked() -> None:
    utility = Utility()
    name = utility.issue(5, 5)
    href = utility.server.responses()
    assert utility.post(href, response(name)) == 201
    assert utility.post(href, response(mrid(99))) == 400
    assert utility.post(href, response(name, 12)) == 400
    assert utility.post(href, response(name, 99)) == 400
    assert utility.post(href, response(name, lfdi=OTHER)) == 403
    assert utility.post(href, response(name, lfdi=OTHER), OTHER) == 400, "never given it"
    utility.do(utility.issuer.cancel(name, utility.now))
    utility.at(60)
    assert utility.listed() == ()
    assert utility.post(href, response(name, 6)) == 201, "late, and taken"


def test_the_same_response_again_is_the_same_one() -> None:
    utility = Utility()
    name = utility.issue(5, 5)
    href = utility.server.responses()
    first = utility.send("POST", href, response(name)).answer
    assert utility.send("POST", href, response(name)).answer == first
    later = replace(response(name), created_date_time=2)
    assert utility.send("POST", href, later).answer.location != first.location
    _, found = utility.get(href, "l=9")
    assert isinstance(found, sep.ResponseList)
    assert found.all == 2


def test_the_oldest_responses_go() -> None:
    utility = Utility(most_posts=3)
    name = utility.issue(5, 5)
    for second in range(5):
        utility.now += timedelta(seconds=1)
        utility.post(utility.server.responses(), replace(response(name), created_date_time=second))
    _, found = utility.get(utility.server.responses(), "l=9")
    assert isinstance(found, sep.ResponseList)
    assert [one.created_date_time for one in found.response] == [4, 3, 2]


# --- mirrors


@pytest.mark.spec("CSIP-AUS S-ALL-06", "CSIP-AUS S-ALL-07", "CSIP-AUS S-ALL-47")
def test_a_mirror_is_made_once_and_takes_readings() -> None:
    utility = Utility()
    first = utility.send("POST", "/mup", mirror()).answer
    assert first.status == 201
    changed = replace(mirror(), role_flags=73)
    second = utility.send("POST", "/mup", changed).answer
    assert (second.status, second.location) == (204, first.location)
    _, found = utility.get(first.location)
    assert isinstance(found, sep.MirrorUsagePoint)
    assert (found.role_flags, found.post_rate) == (73, 300)
    turn = utility.send("POST", first.location, reading(101, 7))
    (posted,) = turn.readings
    assert (posted.value, posted.multiplier, posted.uom, posted.start) == (7, 1, 38, 60)
    assert not turn.kept, "values alone do not change the mirror"
    assert utility.post(first.location, reading(102, 7)) == 400, "unknown, and without its type"
    both = sep.MirrorMeterReadingList(
        all=2, results=2, mirror_meter_reading=(reading(101, 8), reading(101, 9, 120))
    )
    assert len(utility.send("POST", first.location, both).readings) == 2
    assert utility.post(first.location, response(mrid(1))) == 400
    utility.do(utility.operator.forget_mirrors(LFDI, utility.now))
    assert utility.get(first.location)[0] == 404


def test_a_device_has_so_many_mirrors() -> None:
    utility = Utility(most_mirrors=2)
    assert [utility.post("/mup", mirror(number=n)) for n in (1, 2, 3)] == [201, 201, 413]


# --- bad input


def swapped(body: bytes) -> bytes:
    return (
        body.replace(b"<readingTime>1</readingTime>", b"")
        .replace(b"<DERStatus ", b"<DERStatus ", 1)
        .replace(b"><genConnectStatus>", b"><readingTime>1</readingTime><genConnectStatus>")
    )


STATUS = sep.DERStatus(
    reading_time=1,
    gen_connect_status=sep.ConnectStatusType(date_time=1, value=7),
)
BAD: dict[str, Callable[[bytes], bytes]] = {
    "order": swapped,
    "namespace": lambda body: body.replace(b"urn:ieee:std:2030.5:ns", b"urn:else"),
    "2013": lambda body: body.replace(b"urn:ieee:std:2030.5:ns", b"http://ieee.org/2030.5"),
    "missing": lambda body: body.replace(b"<readingTime>1</readingTime>", b""),
    "twice": lambda body: body.replace(
        b"<readingTime>1</readingTime>", b"<readingTime>1</readingTime>" * 2
    ),
    "bounds": lambda body: body.replace(b"<value>07</value>", b"<value>0707</value>"),
    "text": lambda body: body.replace(b">1<", b">one<"),
    "doctype": lambda body: body.replace(b"?>", b'?><!DOCTYPE x [<!ENTITY a "b">]>', 1),
    "cut": lambda body: body[:-4],
    "empty": lambda _: b"",
    "root": lambda body: body.replace(b"DERStatus", b"DERSettings"),
}


@pytest.mark.parametrize("name", list(BAD))
def test_a_body_out_of_place_is_refused_and_changes_nothing(name: str) -> None:
    utility = Utility()
    href = utility.href(sep.DERStatus)
    body = encode(STATUS, CSIP_AUS)
    assert BAD[name](body) != body
    turn = utility.send("PUT", href, BAD[name](body))
    assert turn.answer.status == 400
    assert isinstance(decode(turn.answer.body, object).value, sep.Error)
    assert not turn.changes
    assert utility.get(href)[0] == 404
    assert utility.send("PUT", href, body).answer.status == 204


def test_lower_case_hex_and_unknown_elements_are_taken() -> None:
    utility = Utility()
    name = utility.issue(5, 5)
    body = encode(response(name), CSIP_AUS)
    told = body.replace(LFDI.encode(), LFDI.lower().encode()).replace(
        name.encode(), name.lower().encode()
    )
    told = told.replace(b"</DERControlResponse>", b"<new>1</new></DERControlResponse>")
    turn = utility.send("POST", utility.server.responses(), told)
    assert turn.answer.status == 201
    _, found = utility.get(turn.answer.location)
    assert isinstance(found, sep.DERControlResponse)
    assert (found.end_device_lfdi, found.subject) == (LFDI, name)


def test_documents_of_2013_are_taken_behind_their_switch() -> None:
    utility = Utility(old_namespace=True)
    body = encode(STATUS, CSIP_AUS).replace(b"urn:ieee:std:2030.5:ns", b"http://ieee.org/2030.5")
    assert utility.send("PUT", utility.href(sep.DERStatus), body).answer.status == 204


def test_over_long_lists_are_refused() -> None:
    utility = Utility()
    href = utility.send("POST", "/mup", mirror()).answer.location
    meters = tuple(
        sep.MirrorMeterReading(mrid=mrid(1000 + n), reading_type=READING) for n in range(65)
    )
    many = sep.MirrorMeterReadingList(all=65, results=65, mirror_meter_reading=meters)
    assert utility.post(href, many) == 413
    period = sep.DateTimeInterval(start=1, duration=1)
    values = tuple(sep.Reading(value=n) for n in range(10_001))
    sets = tuple(
        sep.MirrorReadingSet(mrid=mrid(n), time_period=period, reading=values) for n in (1, 2)
    )
    full = sep.MirrorMeterReading(mrid=mrid(101), mirror_reading_set=sets)
    assert utility.post(href, full) == 413


@pytest.mark.spec("CSIP-AUS S-ALL-55")
def test_settings_without_their_time_change_nothing() -> None:
    utility = Utility()
    href = utility.href(sep.DERSettings)
    power = sep.ActivePower(multiplier=3, value=5)
    told = encode(sep.DERSettings(set_grad_w=27, set_max_w=power, updated_time=1), CSIP_AUS)
    assert utility.send("PUT", href, told).answer.status == 204
    without = told.replace(b"<updatedTime>1</updatedTime>", b"")
    assert without != told
    assert utility.send("PUT", href, without).answer.status == 400
    assert utility.get(href)[0] == 200


def test_what_csip_aus_requires_is_asked_for_where_it_is_spoken() -> None:
    power = sep.ActivePower(multiplier=3, value=5)
    told = sep.DERCapability(modes_supported=0, rtg_max_w=power, type=83)
    plain = Flavour(edition=Edition.Y2018)
    for flavour, status in ((CSIP_AUS, 400), (plain, 204)):
        utility = Utility(flavour=flavour)
        body = encode(told, plain)
        href = utility.href(sep.DERCapability)
        assert utility.send("PUT", href, body).answer.status == status


@pytest.mark.spec("CSIP CORE-001")
@pytest.mark.parametrize(
    ("kind", "method", "allow"),
    [
        (sep.DERControlList, "POST", "GET, HEAD"),
        (sep.DERStatus, "DELETE", "GET, HEAD, PUT"),
        (sep.LogEventList, "PUT", "GET, HEAD, POST"),
        (sep.Registration, "PUT", "GET, HEAD"),
        (sep.EndDevice, "POST", "GET, HEAD, PUT, DELETE"),
        (sep.DERProgram, "DELETE", "GET, HEAD"),
    ],
)
def test_a_method_that_a_resource_does_not_take(
    kind: type[sep.Resource], method: str, allow: str
) -> None:
    utility = Utility()
    answer = utility.send(method, utility.href(kind), STATUS).answer
    assert (answer.status, answer.allow) == (405, allow)


def test_log_events_are_kept_and_may_be_removed_by_their_device() -> None:
    utility = Utility()
    place = utility.href(sep.LogEventList)
    event = sep.LogEvent(
        created_date_time=1,
        function_set=11,
        log_event_code=2,
        log_event_id=1,
        log_event_pen=40732,
        profile_id=2,
    )
    turn = utility.send("POST", place, event)
    assert turn.answer.status == 201
    assert utility.get(turn.answer.location)[1] == replace(event, href=turn.answer.location)
    assert utility.send("DELETE", turn.answer.location, b"", OTHER).answer.status == 404
    assert utility.send("DELETE", turn.answer.location, b"").answer.status == 204
    assert utility.get(turn.answer.location)[0] == 404


def test_time_is_the_clocks() -> None:
    utility = Utility(tz_offset=3600)
    instants = set()
    for minute in (0, 1):
        _, found = utility.at(minute).get("/tm")
        assert isinstance(found, sep.Time)
        assert found.local_time == found.current_time + 3600
        instants.add(datetime.fromtimestamp(found.current_time, tz=START.tzinfo))
    assert instants == {START, START + MINUTE}
