"""The VTN on real loopback sockets: the rules of its transport, and guests who mean harm."""

import asyncio
import gzip
import ssl
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

import aiohttp
import pytest

from conformance.peers.vtn2b import UtilityPeer
from gateway.domain.errors import StoreError
from gateway.protocols.oadr2b.messages import (
    EiResponse,
    OadrCreatedEvent,
    OadrDistributeEvent,
    OadrPoll,
    OadrRequestEvent,
    OadrResponse,
    OptType,
)
from gateway.protocols.oadr2b.vtn_book import Book, Turn
from gateway.protocols.oadr2b.vtn_facts import Registered
from gateway.servers.vtn2b.app import HttpOptions
from gateway.transport.tls import TlsProfile, openadr_client
from tests.vtn_story import event, only, response
from tests.vtn_wire import CODEC, XML, Pki, WireVen, serving, timeline, visiting

T0 = datetime(2031, 7, 1, 12, 0, 0, tzinfo=UTC)
POLL = CODEC.encode(OadrPoll(ven_id="anybody"))


@pytest.fixture
def pki(tmp_path: Path) -> Pki:
    return Pki(tmp_path)


async def status_of(ven: WireVen, service: str = "OadrPoll", **request: object) -> int:
    arguments = {"data": POLL, "headers": XML, "method": "POST"} | request
    async with ven.http.request(url=f"{ven.url}/{service}", **arguments) as answer:  # type: ignore[arg-type]  # keywords of one test each
        await answer.read()
        return answer.status


async def test_a_ven_registers_finds_an_event_and_answers_over_tls(pki: Pki) -> None:
    clock = timeline(T0)
    async with serving(pki, clock=clock) as utility, visiting(utility, pki.client("v1")) as ven:
        await ven.register()
        await utility.publish(event(start=T0 + timedelta(hours=1)))
        events = only(OadrDistributeEvent, await ven.poll())
        answer = OadrCreatedEvent(
            ei_response=EiResponse(request_id=""),
            event_responses=(response("e1", 0, OptType.OPT_IN),),
            ven_id=ven.ven_id,
        )
        reply = only(OadrResponse, await ven.say("EiEvent", answer))
        empty = only(OadrResponse, await ven.poll())

        told = await utility.wait_for(Registered, until=clock.now())

    assert events.oadr_events[0].ei_event.event_descriptor.event_id == "e1"
    assert reply.ei_response.is_success
    assert empty.ei_response == EiResponse(request_id="")
    assert [told.fact.opt for told in utility.answers] == [OptType.OPT_IN]
    assert told is not None
    assert told.fact.ven_id == ven.ven_id
    assert told.at.year == 2031


@pytest.mark.parametrize("profile", list(TlsProfile))
async def test_every_tls_profile_is_served(pki: Pki, profile: TlsProfile) -> None:
    context = openadr_client(pki.files("v1"), profile)
    async with serving(pki) as utility, visiting(utility, context) as ven:
        await ven.register()

        assert ven.registration_id


@pytest.mark.spec("OpenADR 2.0b section 9.1.5")
async def test_other_methods_get_501_and_other_paths_404(pki: Pki) -> None:
    async with serving(pki) as utility, visiting(utility, pki.client("v1")) as ven:
        for method in ("GET", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"):
            assert await status_of(ven, method=method) == 501
        for service in ("oadrpoll", "Nothing", "OadrPoll/", "../EiEvent", ""):
            assert await status_of(ven, service) == 404
        base = utility.url.removesuffix("/OpenADR2/Simple/2.0b")
        async with ven.http.post(f"{base}/OpenADR2/Simple/EiEvent", data=POLL) as answer:
            assert answer.status == 404, "profile A is not served"


@pytest.mark.spec("OpenADR 2.0b section 9.1")
@pytest.mark.parametrize(
    ("media_type", "status"),
    [
        ("application/xml", 200),
        ("application/xml; charset=utf-8", 200),
        ("Application/XML; Charset=UTF-8", 200),
        ("application/xml; charset=latin-1", 406),
        ("text/xml", 406),
        ("application/json", 406),
        ("application/octet-stream", 406),
    ],
)
async def test_only_xml_in_utf_8_is_read(pki: Pki, media_type: str, status: int) -> None:
    async with serving(pki) as utility, visiting(utility, pki.client("v1")) as ven:
        assert await status_of(ven, headers={"Content-Type": media_type}) == status


BAD_BODIES = {
    "empty": b"",
    "cut": POLL[:-10],
    "text": b"hello",
    "other root": b"<poll/>",
    "bomb": b'<!DOCTYPE x [<!ENTITY a "aaaa">]><x>&a;</x>',
    "no venID": POLL.replace(b"<ei:venID>anybody</ei:venID>", b""),
    "nul": POLL.replace(b"anybody", b"any\x00body"),
    "utf-16": POLL.decode().replace('encoding="UTF-8"', "").encode("utf-16"),
    "deep": b"<a>" * 300 + b"</a>" * 300,
}


@pytest.mark.spec("OpenADR 2.0b section 9.1.5")
@pytest.mark.parametrize("name", BAD_BODIES)
async def test_a_bad_body_gets_406_and_the_next_exchange_works(pki: Pki, name: str) -> None:
    async with serving(pki) as utility, visiting(utility, pki.client("v1")) as ven:
        await ven.register()

        assert await status_of(ven, data=BAD_BODIES[name]) == 406

        assert only(OadrResponse, await ven.poll()).ei_response.is_success


@pytest.mark.parametrize("status", [400, 403, 406])
async def test_the_status_of_a_schema_error_can_be_set(pki: Pki, status: int) -> None:
    http = HttpOptions(schema_error_status=status)
    async with serving(pki, http=http) as utility, visiting(utility, pki.client("v1")) as ven:
        assert await status_of(ven, data=b"<x/>") == status


@pytest.mark.spec("OpenADR 2.0b section 8.7")
async def test_another_schema_version_gets_459_in_an_answer(pki: Pki) -> None:
    async with serving(pki) as utility, visiting(utility, pki.client("v1")) as ven:
        body = POLL.replace(b'schemaVersion="2.0b"', b'schemaVersion="2.0a"')
        async with ven.http.post(f"{ven.url}/OadrPoll", data=body, headers=XML) as answer:
            reply = only(OadrResponse, CODEC.decode(await answer.read()))
        assert reply.ei_response.response_code == "459"


@pytest.mark.spec("OpenADR 2.0b case CFX2B-NET-11")
@pytest.mark.spec("OpenADR 2.0b section 9.1.9.4")
async def test_a_chunked_body_is_refused(pki: Pki) -> None:
    async def pieces() -> object:
        yield POLL

    async with serving(pki) as utility, visiting(utility, pki.client("v1")) as ven:
        assert await status_of(ven, data=pieces()) == 406
        assert await status_of(ven) == 200


async def test_an_oversize_body_is_refused_before_it_is_sent(pki: Pki) -> None:
    async with serving(pki) as utility:
        lines = await raw_exchange(
            utility,
            pki.client("v1"),
            b"POST /OpenADR2/Simple/2.0b/OadrPoll HTTP/1.1\r\nHost: x\r\n"
            b"Content-Type: application/xml\r\nContent-Length: 8388609\r\n\r\n",
        )
    assert lines[0].startswith(b"HTTP/1.1 413")
    assert b"connection: close" in [line.lower() for line in lines]


async def test_headers_beyond_the_limit_are_refused(pki: Pki) -> None:
    async with serving(pki) as utility:
        lines = await raw_exchange(
            utility,
            pki.client("v1"),
            b"POST /OpenADR2/Simple/2.0b/OadrPoll HTTP/1.1\r\nHost: x\r\nX-A: "
            + b"a" * 20_000
            + b"\r\n\r\n",
        )
    assert lines[0].startswith(b"HTTP/1.1 4") or lines[0].startswith(b"HTTP/1.0 4")


async def raw_exchange(utility: UtilityPeer, context: ssl.SSLContext, sent: bytes) -> list[bytes]:
    reader, writer = await asyncio.open_connection("localhost", utility.port, ssl=context)
    writer.write(sent)
    await writer.drain()
    head = await reader.readuntil(b"\r\n\r\n")
    writer.close()
    await writer.wait_closed()
    return head.split(b"\r\n")


@pytest.mark.spec("OpenADR 2.0b case CFX2B-NET-04")
@pytest.mark.slow
async def test_a_body_that_never_comes_is_given_up(pki: Pki) -> None:
    clock = timeline(T0, factor=20.0)
    async with serving(pki, clock=clock) as utility:
        lines = await raw_exchange(
            utility,
            pki.client("v1"),
            b"POST /OpenADR2/Simple/2.0b/OadrPoll HTTP/1.1\r\nHost: x\r\n"
            b"Content-Type: application/xml\r\nContent-Length: 500\r\n\r\n<",
        )
    assert lines[0].startswith(b"HTTP/1.1 408")


async def test_the_date_is_that_of_our_clock_and_the_connection_is_kept(pki: Pki) -> None:
    made: list[object] = []
    trace = aiohttp.TraceConfig()

    async def count(*found: object) -> None:
        made.append(found)

    trace.on_connection_create_end.append(count)
    connector = aiohttp.TCPConnector(ssl=pki.client("v1"))
    async with (
        serving(pki, clock=timeline(T0)) as utility,
        aiohttp.ClientSession(connector=connector, trace_configs=[trace]) as http,
    ):
        for _ in range(3):
            url = f"{utility.url}/OadrPoll"
            async with http.post(
                url, data=POLL, headers=XML | {"Accept-Encoding": "identity"}
            ) as answer:
                date = parsedate_to_datetime(answer.headers["Date"])
                assert answer.headers["Content-Type"] == "application/xml"
                assert int(answer.headers["Content-Length"]) == len(await answer.read())
            assert timedelta(0) <= date - T0 < timedelta(seconds=30)
    assert len(made) == 1


@pytest.mark.spec("OpenADR 2.0b case CFX2B-NET-11")
@pytest.mark.spec("OpenADR 2.0b section 9.1.9.2")
@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("gzip, deflate", "gzip"),
        ("deflate", "deflate"),
        ("gzip;q=0.000, deflate;q=0.5", "deflate"),
        ("GZIP;q=1", "gzip"),
        ("br, gzip;q=0", None),
        ("identity", None),
    ],
)
async def test_an_answer_is_compressed_for_who_asks(
    pki: Pki, accepted: str, coding: str | None
) -> None:
    undoing: dict[str | None, Callable[[bytes], bytes]] = {
        "gzip": gzip.decompress,
        "deflate": zlib.decompress,
        None: bytes,
    }
    undo = undoing[coding]
    async with serving(pki) as utility, visiting(utility, pki.client("v1")) as ven:
        await ven.register()
        await utility.publish(event(start=datetime(2040, 1, 1, tzinfo=UTC)))
        asked = CODEC.encode(OadrRequestEvent(request_id="q", ven_id=ven.ven_id))
        short = CODEC.encode(OadrPoll(ven_id="nobody"))
        headers = XML | {"Accept-Encoding": accepted}
        bodies = []
        for service, body in (("EiEvent", asked), ("OadrPoll", short)):
            async with ven.http.post(f"{ven.url}/{service}", data=body, headers=headers) as answer:
                bodies.append(await answer.read())
            assert answer.headers.get("Content-Encoding") == coding
            assert int(answer.headers["Content-Length"]) == len(bodies[-1])
        only(OadrDistributeEvent, CODEC.decode(undo(bodies[0])))
        only(OadrResponse, CODEC.decode(undo(bodies[1])))


@pytest.mark.spec("OpenADR 2.0b rule 517")
async def test_another_certificate_cannot_use_a_ven_id(pki: Pki) -> None:
    async with (
        serving(pki) as utility,
        visiting(utility, pki.client("v1")) as ven,
        visiting(utility, pki.client("v2")) as thief,
    ):
        await ven.register()
        thief.ven_id = ven.ven_id
        assert only(OadrResponse, await thief.poll()).ei_response.response_code == "463"
        await thief.register()
        thief.ven_id = ven.ven_id
        assert only(OadrResponse, await thief.poll()).ei_response.response_code == "463"
        thief.ven_id = "wrong"
        assert only(OadrResponse, await thief.poll()).ei_response.response_code == "452"


@pytest.mark.spec("OpenADR 2.0b section 9.2.1.1")
async def test_without_a_certificate_of_the_authority_there_is_no_connection(
    pki: Pki, tmp_path: Path
) -> None:
    nobody = ssl.create_default_context(cafile=str(pki.anchor))
    stranger_folder = tmp_path / "other"
    stranger_folder.mkdir()
    stranger = Pki(stranger_folder).client("v1")
    stranger.load_verify_locations(pki.anchor)
    async with serving(pki) as utility:
        for context in (nobody, stranger):
            async with visiting(utility, context) as ven:
                with pytest.raises((aiohttp.ClientError, ConnectionError)):
                    await status_of(ven)


@pytest.mark.spec("OpenADR 2.0b rule 516")
async def test_a_connection_does_not_outlive_its_certificate(pki: Pki) -> None:
    after_all_certificates = timeline(datetime(2060, 1, 1, tzinfo=UTC))
    async with (
        serving(pki, clock=after_all_certificates) as utility,
        visiting(utility, pki.client("v1")) as ven,
    ):
        assert await status_of(ven) == 403


async def test_too_many_requests_of_one_ven_get_503_and_another_is_served(pki: Pki) -> None:
    http = HttpOptions(requests_per_s=0.001, burst=5)
    async with (
        serving(pki, http=http) as utility,
        visiting(utility, pki.client("v1")) as greedy,
        visiting(utility, pki.client("v2")) as modest,
    ):
        statuses = [await status_of(greedy) for _ in range(7)]
        assert statuses == [200] * 5 + [503] * 2
        async with greedy.http.post(f"{greedy.url}/OadrPoll", data=POLL, headers=XML) as answer:
            assert answer.headers["Retry-After"] == "5"
        assert await status_of(modest) == 200


async def test_over_plain_http_a_ven_is_known_by_its_id() -> None:
    async with serving(None) as utility, visiting(utility, None) as ven:
        assert utility.url.startswith("http://127.0.0.1:")
        await ven.register()
        assert only(OadrResponse, await ven.poll()).ei_response.is_success


class FailingStore:
    """A store whose disk goes bad after some turns."""

    def __init__(self, good: int) -> None:
        self.good = good

    async def load(self) -> Book:
        return Book()

    async def save(self, turn: Turn) -> None:
        if turn.changes and self.good == 0:
            raise StoreError("VTN_STORE", "planted")
        self.good -= bool(turn.changes)

    async def close(self) -> None:
        pass


async def test_what_is_not_stored_is_not_acknowledged(pki: Pki) -> None:
    async with (
        serving(pki, store=FailingStore(3)) as utility,
        visiting(utility, pki.client("v1")) as ven,
    ):
        await ven.register()
        with pytest.raises(StoreError):
            await utility.publish(event())

        assert await status_of(ven) == 503, "what is durable is unknown, so nobody is served"


@pytest.mark.spec("OpenADR 2.0b rule 511")
async def test_a_prefix_stands_before_the_path(pki: Pki) -> None:
    http = HttpOptions(prefix="/utility/a")
    async with serving(pki, http=http) as utility, visiting(utility, pki.client("v1")) as ven:
        assert utility.url.endswith("/utility/a/OpenADR2/Simple/2.0b")
        await ven.register()
