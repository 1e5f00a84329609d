"""What an operator does to the 2030.5 server while clients are there: take away, move, tell another time."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from gateway.domain.errors import MisuseError
from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.codec import Edition, Flavour
from gateway.protocols.sep2.server.moves import MOST_MOVES, Moves
from gateway.protocols.sep2.server.options import ServerOptions
from gateway.protocols.sep2.server.records import Posted, Turn
from gateway.protocols.sep2.server.removing import remove_fsa, remove_program
from gateway.protocols.sep2.server.server import TIME, Sep2Server
from gateway.protocols.sep2.server.times import Told, set_time
from gateway.servers.sep2.sql import SqlStore
from gateway.servers.sep2.store import MemoryStore, Sep2Store
from gateway.servers.sep2.transcript import Exchange, Transcript
from tests.fakes import CountedIds
from tests.sep2_world import LFDI, START
from tests.unit.test_sep2_server import OTHER, STRANGER, Utility, mirror, reading, response
from tests.unit.test_sep2_subscriptions import MANAGED
from tests.unit.test_sep2_subscriptions import Utility as Subscribed

SECOND = int(START.timestamp())


def programs(utility: Utility) -> list[str]:
    _, found = utility.get(utility.href(sep.DERProgramList), "l=9")
    assert isinstance(found, sep.DERProgramList)
    assert found.all == len(found.der_program)
    return [one.mrid for one in found.der_program]


# --- taking away


@pytest.mark.spec("CSIP BASIC-003", "IEEE 2030.5-2018 10.2.3.3 s")
def test_a_removed_program_is_gone_from_every_assignment() -> None:
    utility = Utility()
    other = utility.add_program(3)
    events, name = utility.events(), utility.issue(5, 10)
    program = utility.server.book.expect(utility.program, sep.DERProgram).href

    assert programs(utility) == [utility.program, other]
    utility.do(remove_program(utility.server, utility.program, utility.now, force=True))

    assert programs(utility) == [other]
    for href in (program, events, f"{program}/dderc"):
        assert utility.get(href) == (404, None)
    assert utility.server.book.named(name) is None
    assert not [one for one in utility.server.book.entries if one.startswith(program)]


@pytest.mark.parametrize(
    ("minutes", "cancel", "refused"),
    [(1, False, True), (10, False, True), (1, True, False), (20, False, False)],
)
def test_a_program_whose_events_are_not_over_goes_only_when_that_is_meant(
    minutes: int, cancel: bool, refused: bool
) -> None:
    utility = Utility()
    utility.issue(5, 10)
    utility.at(minutes)
    if cancel:
        utility.do(utility.issuer.clear(utility.now))

    if refused:
        with pytest.raises(MisuseError) as caught:
            remove_program(utility.server, utility.program, utility.now)
        assert caught.value.reason == "RESOURCE_IN_USE"
    else:
        utility.do(remove_program(utility.server, utility.program, utility.now))
        assert programs(utility) == []


def test_a_completed_event_of_2023_keeps_no_program() -> None:
    utility = Utility(flavour=Flavour(edition=Edition.Y2023))
    utility.issue(5, 10, sep.DERControlBase(op_mod_connect=False))
    utility.at(15.5)
    assert [status for status, _ in utility.standing().values()] == [5]
    utility.do(remove_program(utility.server, utility.program, utility.now))
    assert programs(utility) == []


@pytest.mark.spec("CSIP BASIC-003", "CSIP-AUS P-02")
def test_a_removed_assignment_is_lost_to_its_devices_and_its_programs_stay() -> None:
    utility = Utility()
    second = utility.do(utility.operator.create_fsa(utility.now, "second"))
    utility.do(utility.operator.assign(second, [LFDI], utility.now))
    utility.do(utility.operator.attach(utility.program, [second], utility.now))
    listed = utility.href(sep.FunctionSetAssignmentsList)
    _, before = utility.get(listed, "l=9")
    assert isinstance(before, sep.FunctionSetAssignmentsList)
    assert before.all == 2

    utility.do(remove_fsa(utility.server, utility.fsa, utility.now))

    _, after = utility.get(listed, "l=9")
    assert isinstance(after, sep.FunctionSetAssignmentsList)
    assert [one.mrid for one in after.function_set_assignments] == [second]
    gone = next(one for one in before.function_set_assignments if one.mrid == utility.fsa)
    assert gone.href
    assert utility.get(gone.href) == (404, None)
    assert utility.get(utility.events())[0] == 200
    utility.do(remove_fsa(utility.server, second, utility.now))
    assert utility.get(utility.events())[0] == 404


def test_what_is_no_more_cannot_be_removed() -> None:
    utility = Utility()
    for remove in (remove_fsa, remove_program):
        with pytest.raises(MisuseError) as caught:
            remove(utility.server, "F" * 32, utility.now)
        assert caught.value.reason == "UNKNOWN_RESOURCE"


@pytest.mark.spec("IEEE 2030.5-2018 6.8")
def test_a_removed_device_is_a_stranger_at_once() -> None:
    utility = Utility()
    places = [one.href for one in utility.server.book.entries.values() if one.scope == LFDI]
    assert utility.get("/edev")[0] == 200
    utility.do(utility.operator.unregister(LFDI, utility.now))
    for href in ("/edev", "/mup", utility.events(), *places):
        assert utility.get(href) == (404, None), href
        assert utility.post(href, mirror()) == 404
    assert utility.get("/dcap")[0] == 200
    assert utility.get("/edev", peer=OTHER)[0] == 200
    fsa = utility.server.book.expect(utility.fsa, sep.FunctionSetAssignments).href
    assert utility.server.book.lists_of(fsa) == frozenset(), "nothing of it is left behind"


# --- moves

ORIGIN = "https://utility.example:8443"


def moved(utility: Utility, href: str) -> str:
    return utility.do(utility.operator.move(href, ORIGIN, utility.now))


def asked(utility: Utility, href: str, query: str = "", peer: str = LFDI) -> tuple[int, str]:
    answer = utility.server.read(href, query, peer, utility.now)
    return answer.status, answer.location


@pytest.mark.spec("CSIP CORE-002", "IEEE 2030.5-2018 5.5.2")
def test_who_asks_at_a_former_address_is_sent_on_and_every_link_tells_the_new_one() -> None:
    utility = Utility()
    name = utility.issue(5, 10)
    assert utility.post("/mup", mirror()) == 201
    new = {old: moved(utility, old) for old in ("/edev", "/mup", "/dcap", "/tm")}
    assert len(set(new.values())) == 4

    for old, there in new.items():
        assert asked(utility, old) == (301, there)
        assert asked(utility, old, "s=1&l=7") == (301, f"{there}?s=1&l=7")
        assert asked(utility, there) == (200, "")
        assert asked(utility, f"{there}x")[0] == 404
    # A client that follows links alone meets no former address.
    seen, left = set(), [new["/dcap"]]
    while left:
        path = left.pop()
        if path in seen:
            continue
        seen.add(path)
        answer = utility.server.read(path, "l=100", LFDI, utility.now)
        assert answer.status in {200, 404}, path
        found = re.findall(rb'(?:href|replyTo)="([^"]+)"', answer.body)
        left.extend(link.decode() for link in found)
    assert len(seen) > 20
    assert not [path for path in seen for old in new if f"{path}/".startswith(f"{old}/")]
    told = b"".join(utility.server.read(p, "l=9", LFDI, utility.now).body for p in seen)
    assert name.encode() in told


@pytest.mark.spec("CSIP CORE-002")
def test_what_moved_is_written_to_where_it_is() -> None:
    utility = Utility()
    own = utility.href(sep.EndDevice)
    status = utility.href(sep.DERStatus)
    first = moved(utility, own)
    second = moved(utility, first)
    there = status.replace(own, second)
    assert asked(utility, status) == (301, there)
    assert asked(utility, status.replace(own, first)) == (301, there)
    document = sep.DERStatus(reading_time=5)
    assert utility.send("PUT", status, document).answer.status == 301
    assert utility.get(there) == (404, None), "nothing was written"
    assert utility.send("PUT", there, document).answer.status == 204
    assert utility.get(there)[0] == 200
    place = utility.href(sep.LogEventList).replace(own, second)
    event = sep.LogEvent(
        created_date_time=1,
        function_set=11,
        log_event_code=0,
        log_event_id=1,
        log_event_pen=40732,
        profile_id=2,
    )
    made = utility.send("POST", place, event).answer
    assert (made.status, made.location.startswith(f"{place}/")) == (201, True)
    assert utility.get(made.location)[0] == 200


def test_a_stranger_learns_no_new_address() -> None:
    utility = Utility()
    own = utility.href(sep.EndDevice)
    there = moved(utility, own)
    for peer in (OTHER, STRANGER):
        assert asked(utility, own, peer=peer) == (404, "")
        assert asked(utility, there, peer=peer) == (404, "")
    assert utility.server.never(own, OTHER).status == 404
    assert utility.server.never(there, LFDI).status == 405


def test_nothing_else_that_begins_alike_is_touched() -> None:
    moves = Moves()
    moves.take([("/edev", "/new")])
    document = (
        b'<A href="/edev" b="/edevil"><c>/edev/1</c><d>see /edev</d>'
        b"<e>https://h:1/edev/2?s=1</e><f>/x/edev</f></A>"
    )
    out = moves.outward(document)
    assert out == (
        b'<A href="/new" b="/edevil"><c>/new/1</c><d>see /edev</d>'
        b"<e>https://h:1/new/2?s=1</e><f>/x/edev</f></A>"
    )
    assert (moves.outer("/edev/1"), moves.outer("/edevil")) == ("/new/1", "/edevil")
    assert (moves.inner("/new/1"), moves.inner("/edev/1")) == ("/edev/1", "/edev/1")


def test_what_moved_twice_is_one_thing_inside() -> None:
    moves = Moves()
    moves.take([("/a", "/b")])
    moves.take([("/b", "/c")])
    assert moves.outward(b'<x href="/a/1"/>') == b'<x href="/c/1"/>'
    assert moves.outward(b'<x href="/b/1"/>') == b'<x href="/c/1"/>'
    assert {moves.inner(path) for path in ("/a/1", "/b/1", "/c/1")} == {"/a/1"}


def test_what_a_client_names_by_its_new_address_moves_along() -> None:
    utility = Utility()
    made = utility.operator.create_program(sep.DemandResponseProgram, 1, [utility.fsa], utility.now)
    program = utility.server.book.expect(utility.do(made), sep.DemandResponseProgram).href
    there = moved(utility, program)
    told = sep.LoadShedAvailability(
        demand_response_program_link=sep.Link(href=there), sheddable_percent=50
    )
    turn = utility.send("POST", utility.href(sep.LoadShedAvailabilityList), told)
    latest = moved(utility, there)
    _, found = utility.get(turn.answer.location)
    assert isinstance(found, sep.LoadShedAvailability)
    assert found.demand_response_program_link is not None
    assert found.demand_response_program_link.href == latest


def test_what_is_not_there_cannot_be_moved_nor_too_much() -> None:
    utility = Utility()
    with pytest.raises(MisuseError) as caught:
        moved(utility, "/nowhere")
    assert caught.value.reason == "UNKNOWN_RESOURCE"
    href = "/tm"
    for _ in range(MOST_MOVES):
        href = moved(utility, href)
    assert asked(utility, "/tm") == (301, href)
    with pytest.raises(MisuseError) as caught:
        moved(utility, href)
    assert caught.value.reason == "BAD_RESOURCE"


async def test_moves_outlive_a_restart(tmp_path: Path) -> None:
    utility = Utility()
    turns = [utility.operator.move("/edev", ORIGIN, utility.now)]
    utility.server.take(turns[0])
    turns.append(utility.operator.move("/edev", ORIGIN, utility.now))
    assert list(turns[1].moves) == [turns[0].told]
    store = SqlStore(tmp_path / "utility.db")
    await store.load()
    await store.save(turns)
    found = await store.load()
    await store.close()
    server = Sep2Server(ServerOptions(), CountedIds(), moves=found.moves)
    assert server.book.moves.outer("/edev/1") == f"{turns[1].told}/1"
    assert server.book.moves.inner(f"{turns[0].told}/1") == "/edev/1"


@pytest.mark.spec("CSIP-AUS S-ALL-25")
def test_whoever_subscribed_to_what_moves_is_told_and_subscribes_where_it_is() -> None:
    utility = Subscribed()
    events = utility.place()
    first = utility.subscribe(events)
    other = utility.subscribe(utility.fsas())
    there = utility.do(utility.operator.move(events, ORIGIN, utility.now))

    assert utility.look() == [first]
    told = utility.tell(first)
    assert (told.status, told.subscribed_resource) == (2, events)
    assert told.new_resource_uri == f"{ORIGIN}{there}"
    assert utility.look() == []
    again = utility.subscribe(there)
    name = utility.issue()
    assert utility.look() == [again]
    told = utility.tell(again)
    assert told.subscribed_resource == there
    assert isinstance(told.resource, sep.DERControlList)
    assert told.resource.href == there
    assert [one.mrid for one in told.resource.der_control] == [name]
    assert (told.resource.der_control[0].href or "").startswith(f"{there}/")
    # Whose own place moved is told of the same resources.
    utility.do(utility.operator.move(utility.device(), ORIGIN, utility.now))
    utility.do(utility.operator.assign(utility.fsa, [MANAGED], utility.now, on=False))
    assert set(utility.look()) >= {other}


# --- time


def time_of(utility: Utility, href: str = TIME) -> sep.Time:
    _, found = utility.get(href)
    assert isinstance(found, sep.Time)
    return found


@pytest.mark.spec("CSIP CORE-005", "CSIP CORE-006")
@pytest.mark.parametrize(("minutes", "summer"), [(0, 0), (9, 0), (10, 3600), (19, 3600), (20, 0)])
def test_local_time_follows_its_zone_and_summer(minutes: int, summer: int) -> None:
    utility = Utility()
    told = Told(
        tz_offset=-25_200, dst_offset=3600, dst_start=SECOND + 600, dst_end=SECOND + 1200, quality=7
    )
    utility.do(set_time(utility.server, told, utility.now))
    found = time_of(utility.at(minutes))
    now = SECOND + 60 * minutes
    assert (found.current_time, found.local_time) == (now, now - 25_200 + summer)
    assert (found.tz_offset, found.dst_offset, found.quality) == (-25_200, 3600, 7)
    assert time_of(utility, TIME).href == TIME


@pytest.mark.spec("CSIP CORE-010")
def test_an_assignment_may_have_a_time_of_its_own() -> None:
    utility = Utility()
    _, listed = utility.get(utility.href(sep.FunctionSetAssignmentsList))
    assert isinstance(listed, sep.FunctionSetAssignmentsList)
    before = listed.function_set_assignments[0].time_link
    assert before is not None
    assert before.href == TIME

    utility.do(set_time(utility.server, Told(ahead=-90), utility.now, utility.fsa))

    _, listed = utility.get(utility.href(sep.FunctionSetAssignmentsList))
    assert isinstance(listed, sep.FunctionSetAssignmentsList)
    own = listed.function_set_assignments[0].time_link
    assert own is not None
    assert own.href != TIME
    assert time_of(utility, own.href).current_time == SECOND - 90
    assert time_of(utility).current_time == SECOND
    # It is the assignment's: who is not assigned does not find it.
    assert utility.get(own.href, peer=OTHER) == (404, None)
    assert utility.get(own.href, peer=STRANGER) == (404, None)
    assert utility.get(TIME, peer=STRANGER)[0] == 200
    utility.do(remove_fsa(utility.server, utility.fsa, utility.now))
    assert utility.get(own.href) == (404, None)


def test_a_time_that_cannot_be_told_is_refused() -> None:
    utility = Utility()
    for told in (Told(ahead=86_401), Told(tz_offset=1 << 40), Told(quality=300)):
        with pytest.raises(MisuseError) as caught:
            set_time(utility.server, told, utility.now)
        assert caught.value.reason == "BAD_RESOURCE"


# --- values and exchanges


def posted(lfdi: str, value: int) -> Turn:
    at = datetime(2026, 7, 1, tzinfo=UTC)
    one = Posted(
        mirror="AA",
        meter_reading="BB",
        lfdi=lfdi,
        start=60,
        duration=60,
        local_id=1,
        value=value,
        multiplier=0,
        uom=38,
        quality=None,
        at=at,
    )
    return Turn(at=at, readings=[one])


@pytest.mark.spec("CSIP-AUS S-ALL-05")
@pytest.mark.parametrize("durable", [True, False])
async def test_the_mrids_of_another_device_overwrite_none_of_its_values(
    durable: bool, tmp_path: Path
) -> None:
    store: Sep2Store = SqlStore(tmp_path / "utility.db") if durable else MemoryStore()
    await store.load()
    await store.save([posted(LFDI, 1), posted(OTHER, 2), posted(LFDI, 3)])
    found = await store.readings("", 0, 9)
    assert [(one.lfdi, one.value) for _, one in found] == [(LFDI, 3), (OTHER, 2)]
    await store.close()


async def test_values_of_an_older_file_are_kept(tmp_path: Path) -> None:
    file = tmp_path / "utility.db"
    with create_engine(f"sqlite:///{file}").begin() as connection:
        connection.execute(
            text(
                "CREATE TABLE sep2_reading (mirror VARCHAR NOT NULL, meter_reading VARCHAR NOT NULL, "
                "start INTEGER NOT NULL, duration INTEGER NOT NULL, local_id INTEGER NOT NULL, "
                "lfdi VARCHAR NOT NULL, value INTEGER, multiplier INTEGER NOT NULL, uom INTEGER, "
                "quality INTEGER, at DATETIME NOT NULL, "
                "PRIMARY KEY (mirror, meter_reading, start, duration, local_id))"
            )
        )
        connection.execute(text("CREATE INDEX ix_sep2_reading_lfdi ON sep2_reading (lfdi)"))
        for start in (180, 60, 120):
            connection.execute(
                text(
                    "INSERT INTO sep2_reading VALUES ('AA', 'BB', :start, 60, 1, :lfdi, 7, 0, 38, NULL, "
                    "'2026-07-01 00:00:00.000000')"
                ),
                {"start": start, "lfdi": LFDI},
            )
    for _ in range(2):
        store = SqlStore(file)
        await store.load()
        found = await store.readings(LFDI, 0, 9)
        assert [one.start for _, one in found][:3] == [180, 60, 120]
        await store.save([posted(OTHER, 2)])
        assert len(await store.readings("", 0, 9)) == 4
        await store.close()


def exchange(size: int) -> Exchange:
    return Exchange(
        at=START,
        peer=LFDI,
        method="POST",
        target="/mup",
        status=201,
        location="",
        request=b"x" * size,
        answer=b"",
    )


def test_the_transcript_is_bounded_by_count_and_by_bytes() -> None:
    few, small = Transcript(3), Transcript(100, most_bytes=1000)
    for _ in range(7):
        few.note(exchange(1))
        small.note(exchange(300))
    assert [one.number for one in few.after(0, 9)] == [5, 6, 7]
    assert [one.number for one in small.after(0, 9)] == [5, 6, 7]
    assert [one.number for one in few.after(5, 1)] == [6]
    assert few.after(7, 9) == []
    assert Transcript(0).after(0, 9) == []


def test_readings_of_one_mirror_stay_with_their_device() -> None:
    utility = Utility()
    assert utility.post("/mup", mirror(LFDI)) == 201
    mine = utility.href(sep.MirrorUsagePoint)
    assert utility.post(mine, reading(101, 5), peer=OTHER) == 404
    assert utility.post("/mup", mirror(OTHER), peer=OTHER) == 201
    assert utility.post(mine, reading(101, 5)) == 201


@pytest.mark.spec("CSIP-AUS S-ALL-42")
def test_a_response_to_what_was_removed_is_taken_of_whom_had_begun() -> None:
    utility = Utility()
    utility.do(utility.operator.assign(utility.fsa, [OTHER], utility.now))
    name = utility.issue(0, 10)
    place = utility.server.responses()
    assert utility.post(place, response(name)) == 201
    utility.do(remove_program(utility.server, utility.program, utility.now, force=True))
    assert utility.post(place, response(name, 3)) == 201
    assert utility.post(place, response(name, 99)) == 400
    assert utility.post(place, response(name, 1, OTHER), peer=OTHER) == 400
