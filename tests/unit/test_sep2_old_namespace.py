"""Documents of 2013: taken and written only where it is asked for, on both sides."""

from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.protocols import xml
from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.client.options import Sep2Options
from gateway.protocols.sep2.codec import Edition, Flavour, decode, encode
from gateway.protocols.sep2.server.options import CSIP_AUS, ServerOptions
from gateway.protocols.sep2.server.tongues import MOST, Tongues
from gateway.protocols.sep2.tables import OLD, SEP
from tests.sep2_world import FLAVOUR, LFDI, START, World, control, mrid, utility
from tests.unit.test_sep2_server import OTHER, Utility

MINUTE = timedelta(minutes=1)
ANCIENT = Flavour(edition=Edition.Y2018, old=True)
STATUS = sep.DERStatus(reading_time=1)


def spaces(body: bytes) -> set[str]:
    """Return the namespaces of the elements of a document."""
    return {str(one.tag).partition("}")[0][1:] for one in xml.parse(body).iter("*")}


@pytest.mark.spec("IEEE 2030.5-2018 schema")
def test_what_is_written_for_2013_is_in_its_namespace_alone() -> None:
    body = encode(control(1, START, 10), replace(FLAVOUR, old=True))
    assert spaces(body) == {OLD, "https://csipaus.org/ns"}
    assert spaces(encode(control(1, START, 10), FLAVOUR)) == {SEP, "https://csipaus.org/ns"}
    found = decode(body, sep.DERControl, old_namespace=True)
    assert (found.value, found.old_namespace) == (control(1, START, 10), True)


def test_a_client_writes_as_its_server_speaks() -> None:
    server = utility()
    server.flavour = replace(FLAVOUR, old=True)
    server.put("/derp/1/derc", [control(1, START + 2 * MINUTE, 5)])
    world = World(server, Sep2Options(csip_aus=True, pin=111115, old_namespace=True))
    world.run(10 * MINUTE)
    assert server.responses() == [(mrid(1), 1), (mrid(1), 2), (mrid(1), 3)]
    assert {OLD} == {space for one in server.posted for space in spaces(one.body)} - {
        "https://csipaus.org/ns"
    }


def test_a_client_that_was_not_told_takes_nothing_of_2013() -> None:
    server = utility()
    server.flavour = replace(FLAVOUR, old=True)
    world = World(server, Sep2Options(csip_aus=True, pin=111115)).run(10 * MINUTE)
    assert server.posted == []
    assert {href for _, href in server.asked} == {"/dcap"}
    assert "unreadable_answer" in world.words()


def test_a_server_answers_as_a_client_has_written() -> None:
    city = Utility(old_namespace=True)
    server = city.server
    device = server.book.device(LFDI)
    assert device is not None
    href = f"{device.href}/der/1/ders"
    today = spaces(server.read("/dcap", "", LFDI, city.now).body)
    city.do(server.write("PUT", href, encode(STATUS, ANCIENT), LFDI, city.now))
    assert today == {SEP}
    for path, query in (("/dcap", ""), ("/tm", ""), (href, ""), ("/edev", "s=0&l=5")):
        assert spaces(server.read(path, query, LFDI, city.now).body) == {OLD} | (
            {"https://csipaus.org/ns"} if path == "/edev" else set()
        )
    assert spaces(server.read("/dcap", "", OTHER, city.now).body) == {SEP}
    bad = server.write("PUT", href, b"<x/>", LFDI, city.now).answer
    assert (bad.status, spaces(bad.body)) == (400, {OLD})
    city.do(server.write("PUT", href, encode(STATUS, CSIP_AUS), LFDI, city.now))
    assert spaces(server.read(href, "", LFDI, city.now).body) == {SEP}


def test_a_server_for_clients_of_2013_answers_them_before_they_have_written() -> None:
    city = Utility(old_namespace=True, old_answers=True)
    assert spaces(city.server.read("/dcap", "", LFDI, city.now).body) == {OLD}
    city = Utility(old_answers=True)
    assert spaces(city.server.read("/dcap", "", LFDI, city.now).body) == {SEP}, "not taken at all"


def test_a_server_that_was_not_told_refuses_documents_of_2013() -> None:
    city = Utility()
    device = city.server.book.device(LFDI)
    assert device is not None
    turn = city.server.write(
        "PUT", f"{device.href}/der/1/ders", encode(STATUS, ANCIENT), LFDI, city.now
    )
    assert (turn.answer.status, turn.changes) == (400, False)
    assert spaces(turn.answer.body) == {SEP}


def test_tongues_are_bounded() -> None:
    tongues = Tongues(ServerOptions(old_namespace=True))
    for number in range(MOST + 5):
        tongues.heard(f"{number}", old=True)
    assert not tongues.of("0").old
    assert tongues.of(f"{MOST}").old
