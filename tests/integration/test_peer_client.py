"""The client towards a utility: who the server is, is judged in the handshake; every exchange is bounded."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from certs.files import write
from certs.issue import openadr
from gateway.client.clock import SystemClock
from gateway.domain.errors import TransportError
from gateway.northbound.exchange import pinned
from gateway.protocols.oadr2b.identity import fingerprint
from gateway.transport.client import Bounds, PeerClient
from gateway.transport.server import listen
from gateway.transport.tls import TlsFiles, openadr_client, openadr_server

XML = "application/xml"
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    pki = openadr("ecc", SystemClock().now())
    write(pki.vtn(), tmp_path, "vtn")
    write(pki.ven("ven-1"), tmp_path, "ven")
    (tmp_path / "anchor.pem").write_bytes(pki.anchor_pem)
    return tmp_path


def files(folder: Path, name: str) -> TlsFiles:
    return TlsFiles(
        certificate=folder / f"{name}.pem", key=folder / f"{name}.key", ca=folder / "anchor.pem"
    )


@asynccontextmanager
async def server(folder: Path, answer: Answer) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_post("/x/OadrPoll", answer)
    listener = await listen(app, "127.0.0.1", 0, openadr_server(files(folder, "vtn")))
    try:
        yield f"https://localhost:{listener.port}/x"
    finally:
        await listener.stop()


@asynccontextmanager
async def client(url: str, folder: Path, **options: object) -> AsyncIterator[PeerClient]:
    context = openadr_client(files(folder, "ven"))
    made = PeerClient(url, context, SystemClock(), **{"test_mode": True, **options})  # type: ignore[arg-type]  # by name
    try:
        yield made
    finally:
        await made.close()


async def short(_: web.Request) -> web.Response:
    return web.Response(body=b"<ok/>", content_type=XML)


async def refused(made: PeerClient) -> str:
    with pytest.raises(TransportError) as error:
        await made.post("OadrPoll", b"<poll/>", XML)
    return error.value.reason


def der(folder: Path) -> bytes:
    return ssl.PEM_cert_to_DER_cert(
        (folder / "vtn.pem").read_text().split("-----END")[0] + "-----END CERTIFICATE-----\n"
    )


async def test_the_servers_certificate_is_known_however_short_its_answer(folder: Path) -> None:
    async with server(folder, short) as url, client(url, folder) as made:
        for _ in range(2):
            answer = await made.post("OadrPoll", b"<poll/>", XML)

            assert answer.body == b"<ok/>"
            assert answer.peer_der == der(folder)


async def test_exchanges_share_one_connection_and_its_handshake(folder: Path) -> None:
    ports: list[object] = []

    async def note(request: web.Request) -> web.Response:
        ports.append(request.transport and request.transport.get_extra_info("peername"))
        body = b"<ok/>" + b" " * 4096 if len(ports) % 2 else b""
        return web.Response(body=body, content_type=XML)

    async with server(folder, note) as url, client(url, folder) as made:
        for _ in range(6):
            await made.post("OadrPoll", b"<poll/>", XML)

    assert len(ports) == 6
    assert len(set(ports)) == 1


async def test_outside_test_mode_a_test_certificate_gets_no_byte(folder: Path) -> None:
    seen: list[web.Request] = []

    async def note(request: web.Request) -> web.Response:
        seen.append(request)
        return await short(request)

    async with server(folder, note) as url, client(url, folder, test_mode=False) as made:
        assert await refused(made) == "TEST_CERTIFICATE"
    assert seen == []


async def test_a_pinned_server_is_the_only_one_let_through(folder: Path) -> None:
    right = pinned(fingerprint(der(folder)))
    wrong = pinned("00:11:22:33:44:55:66:77:88:99")
    async with server(folder, short) as url:
        async with client(url, folder, admit=right) as made:
            assert (await made.post("OadrPoll", b"<poll/>", XML)).status == 200
        async with client(url, folder, admit=wrong) as made:
            assert await refused(made) == "FINGERPRINT"


async def test_a_server_of_another_authority_is_refused(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = tmp_path_factory.mktemp("other")
    pki = openadr("ecc", SystemClock().now())
    write(pki.ven("ven-2"), other, "ven")
    (other / "anchor.pem").write_bytes(pki.anchor_pem)

    async with server(folder, short) as url, client(url, other) as made:
        assert await refused(made) == "TLS"


async def test_an_answer_has_a_size_and_a_time(folder: Path) -> None:
    gate = asyncio.Event()

    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(64):
            await response.write(b"x" * 65536)
        return response

    async def silent(_: web.Request) -> web.Response:
        await gate.wait()
        return web.Response()

    async with (
        server(folder, endless) as url,
        client(url, folder, bounds=Bounds(largest=1 << 20)) as made,
    ):
        assert await refused(made) == "TOO_LARGE"
    async with server(folder, silent) as url, client(url, folder, total_s=0.2) as made:
        assert await refused(made) == "TIMEOUT"
        gate.set()


async def test_a_redirect_and_an_unasked_encoding_are_not_followed(folder: Path) -> None:
    async def redirect(_: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": "https://localhost:1/elsewhere"})

    async def packed(_: web.Request) -> web.Response:
        return web.Response(body=b"\x1f\x8b", headers={"Content-Encoding": "gzip"})

    async with server(folder, redirect) as url, client(url, folder) as made:
        assert (await made.post("OadrPoll", b"<poll/>", XML)).status == 302
    async with server(folder, packed) as url, client(url, folder) as made:
        assert await refused(made) == "BROKEN"


async def test_nobody_there_is_said_so(folder: Path, unused_tcp_port: int) -> None:
    async with client(f"https://localhost:{unused_tcp_port}/x", folder) as made:
        assert await refused(made) == "CONNECT"
