"""The door for notifications: who may come in, and what is taken in before a session thinks about it."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import aiohttp
import pytest

from certs.sep2.hierarchy import Sep2Leaf
from gateway.app.doctor.finding import State
from gateway.app.doctor.notifying import notified
from gateway.app.notifying import open_notify
from gateway.client.clock import SystemClock
from gateway.config.load import Loaded, load
from gateway.domain.names import UtilityName
from gateway.domain.ports import Clock
from gateway.northbound.notify import CONNECTIONS, IN_WORK, Notifies, NotifyRoute, notify_app
from gateway.protocols.actions import Message, Reply
from gateway.protocols.sep2.codec import MAX_BYTES
from gateway.protocols.sep2.identity import lfdi_of
from gateway.transport.limits import Limits
from gateway.transport.sep2_tls import judge_chain, sep2_client, sep2_server
from gateway.transport.server import listen
from gateway.transport.tls import admit_peers
from tests.cli_world import CONFIG, installation
from tests.ports import free_port
from tests.sep2_pki import files
from tests.sep2_server_world import Premises
from tests.sep2_world import START
from tests.vtn_wire import timeline

XML = {"Content-Type": "application/sep+xml"}


@dataclass
class Session:
    """Stands for the session of a utility."""

    came: list[Message] = field(default_factory=list)
    status: int = 201

    async def ask(self, message: Message) -> Reply:
        self.came.append(message)
        return Reply(body=b"", status=self.status)


@asynccontextmanager
async def door(
    site: Premises,
    session: Session,
    notifies: Notifies,
    clock: Clock | None = None,
    **others: object,
) -> AsyncIterator[str]:
    """Listen as a gateway does; yields the address that a utility is given."""
    leaf = site.pki.device("0001")
    context = sep2_server(files(site.folder, "gateway", leaf, site.pki), site.profile)
    admit_peers(context, lambda chain: judge_chain(chain, site.profile))
    route = NotifyRoute(
        utility=UtilityName("apex"),
        path="/apex",
        notifies=notifies,
        ask=session.ask,
        **others,  # type: ignore[arg-type] # by name
    )
    app = notify_app([route], clock or site.clock, test_mode=True)
    listener = await listen(app, "127.0.0.1", 0, context)
    try:
        yield f"https://127.0.0.1:{listener.port}/apex"
    finally:
        await listener.stop()


@asynccontextmanager
async def notifier(site: Premises, leaf: Sep2Leaf) -> AsyncIterator[aiohttp.ClientSession]:
    """Connect as a utility does."""
    identity = files(site.folder, f"from-{leaf.lfdi}", leaf, site.pki)
    context = sep2_client(identity, site.profile, host_names=False)
    connector = aiohttp.TCPConnector(ssl=context, limit=0)
    async with aiohttp.ClientSession(connector=connector) as http:
        yield http


@pytest.fixture
def site(tmp_path: Path) -> Premises:
    return Premises(folder=tmp_path)


@pytest.mark.spec("CSIP CORE-018", "IEEE 2030.5-2018 8.9")
async def test_a_notification_reaches_the_session_with_its_senders_name(site: Premises) -> None:
    session = Session()
    async with door(site, session, Notifies(pinned=(site.server.lfdi,))) as url:
        async with notifier(site, site.server) as http:
            async with http.post(url, data=b"<x/>", headers=XML) as answer:
                assert answer.status == 201
                assert answer.headers["Location"].startswith("/apex/")
            for status in (204, 400, 404, 503):
                session.status = status
                async with http.post(url, data=b"<x/>", headers=XML) as answer:
                    assert answer.status == status
                    assert ("Retry-After" in answer.headers) == (status == 503)
        assert {(one.service, one.peer, one.body) for one in session.came} == {
            ("notification", site.server.lfdi, b"<x/>")
        }


async def test_a_stranger_of_the_same_hierarchy_is_refused(site: Premises) -> None:
    session = Session()
    async with (
        door(site, session, Notifies(pinned=(site.server.lfdi,))) as url,
        notifier(site, site.pki.device("0002")) as http,
        http.post(url, data=b"<x/>", headers=XML) as answer,
    ):
        assert answer.status == 403
    assert session.came == []


async def test_who_the_utility_is_may_be_known_by_what_it_showed_as_a_server(
    site: Premises,
) -> None:
    session, seen = Session(), ""
    async with (
        door(site, session, Notifies(seen=lambda: seen)) as url,
        notifier(site, site.server) as http,
    ):
        async with http.post(url, data=b"<x/>", headers=XML) as answer:
            assert answer.status == 503
        seen = site.server.lfdi
        async with http.post(url, data=b"<x/>", headers=XML) as answer:
            assert answer.status == 201


async def test_without_a_certificate_of_the_hierarchy_there_is_no_handshake(site: Premises) -> None:
    session = Session()
    other = Premises(folder=site.folder / "other")
    other.folder.mkdir()
    async with door(site, session, Notifies(pinned=(other.server.lfdi,))) as url:
        for context in (
            sep2_client(files(other.folder, "x", other.server, other.pki), host_names=False),
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
        ):
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            async with aiohttp.ClientSession() as http:
                with pytest.raises(aiohttp.ClientError):
                    await http.post(url, data=b"<x/>", headers=XML, ssl=context)
    assert session.came == []


async def test_what_is_no_document_of_ours_never_reaches_the_session(site: Premises) -> None:
    session = Session()
    async with (
        door(site, session, Notifies(pinned=(site.server.lfdi,))) as url,
        notifier(site, site.server) as http,
    ):
        for method, path, headers, body, expected in (
            ("GET", "", {}, b"", 405),
            ("PUT", "", XML, b"<x/>", 405),
            ("POST", "/other", XML, b"<x/>", 404),
            ("POST", "", {"Content-Type": "application/xml"}, b"<x/>", 415),
            ("POST", "", {**XML, "Content-Encoding": "gzip"}, b"<x/>", 415),
            ("POST", "", XML, BytesIO(b"x" * (MAX_BYTES + 1)), 413),
        ):
            async with http.request(method, url + path, data=body, headers=headers) as answer:
                assert answer.status == expected, (method, path, headers)
        async with http.post(
            url, data=b"<x/>", headers={"Content-Type": "application/sep+xml; level=+S1"}
        ) as answer:
            assert answer.status == 201
    assert len(session.came) == 1


@pytest.mark.slow
async def test_a_body_that_does_not_come_is_given_up(site: Premises) -> None:
    session, stop = Session(), asyncio.Event()

    async def drip() -> AsyncIterator[bytes]:
        yield b"<"
        await stop.wait()

    fast = timeline(START, factor=100)
    async with (
        door(site, session, Notifies(pinned=(site.server.lfdi,)), clock=fast) as url,
        notifier(site, site.server) as http,
        http.post(url, data=drip(), headers={**XML, "Content-Length": "100"}) as answer,
    ):
        assert answer.status == 408
        stop.set()
    assert session.came == []


async def test_a_utility_that_floods_is_told_to_come_back(site: Premises) -> None:
    session = Session()
    async with (
        door(
            site,
            session,
            Notifies(pinned=(site.server.lfdi,)),
            limits=Limits(1.0, 3, IN_WORK),
        ) as url,
        notifier(site, site.server) as http,
    ):
        found = []
        for _ in range(5):
            async with http.post(url, data=b"<x/>", headers=XML) as answer:
                found.append(answer.status)
    assert found == [201, 201, 201, 503, 503]


async def test_a_utility_has_no_more_connections_than_its_share(site: Premises) -> None:
    session = Session()
    async with door(site, session, Notifies(pinned=(site.server.lfdi,))) as url:
        found = []
        kept = []
        for _ in range(CONNECTIONS + 1):
            one = notifier(site, site.server)
            http = await one.__aenter__()
            kept.append(one)
            async with http.post(url, data=b"<x/>", headers=XML) as answer:
                found.append(answer.status)
        for one in kept:
            await one.__aexit__(None, None, None)
    assert found == [201] * CONNECTIONS + [503]


# --- the gateway's own


def configured(site: Premises, port: int) -> Loaded:
    """Write an installation down whose utility notifies us."""
    installation(site.folder)
    leaf = site.pki.device("0001")
    files(site.folder, "device", leaf, site.pki)
    (site.folder / "serca.pem").write_bytes(site.pki.anchor_pem)
    utility = UTILITY.format(port=port, lfdi=site.server.lfdi)
    file = site.folder / "gateway.toml"
    file.write_text(CONFIG.replace("[[program]]", utility + "[[program]]", 1), encoding="utf-8")
    return load(file, open_files=True)


UTILITY = """
[[utility]]
name = "apex"
protocol = "csip"
url = "https://localhost:10/dcap"
certificate = "device.pem"
key = "device.key"
ca = "serca.pem"
server_fingerprint = "{lfdi}"
check_host_name = false
tls_profile = "csip"
notify_url = "https://gateway.example:8445/apex"
notify_port = {port}

"""


async def test_the_gateway_listens_before_its_sessions_begin(site: Premises) -> None:
    loaded = configured(site, 0)
    opened = await open_notify(loaded, site.clock, lambda: None)
    try:
        (listener,) = opened.listeners
        url = f"https://127.0.0.1:{listener.port}/apex"
        for leaf, expected in ((site.server, 503), (site.pki.device("0003"), 403)):
            async with (
                notifier(site, leaf) as http,
                http.post(url, data=b"<x/>", headers=XML) as answer,
            ):
                assert answer.status == expected
    finally:
        await opened.stop()


async def test_a_port_that_is_taken_leaves_nothing_open(site: Premises) -> None:
    port = free_port()
    loaded = configured(site, port)
    opened = await open_notify(loaded, site.clock, lambda: None)
    with pytest.raises(OSError, match="in use"):
        await open_notify(loaded, site.clock, lambda: None)
    await opened.stop()
    again = await open_notify(loaded, site.clock, lambda: None)
    await again.stop()


async def test_the_doctor_tells_what_must_be_reachable_and_looks_at_our_side(
    site: Premises,
) -> None:
    loaded = configured(site, free_port())
    section = loaded.settings.utility[1]
    clock = SystemClock()
    told, skipped = await notified(loaded, section, clock, running=False)
    assert "https://gateway.example:8445/apex" in told.text
    der = ssl.PEM_cert_to_DER_cert(_first(site.folder / "device.pem"))
    assert lfdi_of(der) in told.text
    assert (told.state, skipped.state) == (State.OK, State.SKIP)
    assert await notified(loaded, loaded.settings.utility[0], clock, running=True) == []
    _, closed = await notified(loaded, section, clock, running=True)
    assert (closed.state, closed.row and closed.row.reason) == (State.FAIL, "PUSH_CLOSED")
    opened = await open_notify(loaded, site.clock, lambda: None)
    try:
        _, fine = await notified(loaded, section, clock, running=True)
        assert fine.state is State.OK
        files(site.folder, "device", site.pki.device("0009"), site.pki)
        _, stale = await notified(loaded, section, clock, running=True)
        assert (stale.state, stale.row and stale.row.reason) == (State.FAIL, "PUSH_STALE")
    finally:
        await opened.stop()


def _first(file: Path) -> str:
    end = "-----END CERTIFICATE-----\n"
    return file.read_text().partition(end)[0] + end
