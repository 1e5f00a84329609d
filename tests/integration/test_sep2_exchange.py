"""The exchange with a 2030.5 server: methods and links over mutual TLS, redirects, and who may answer."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from certs.sep2.hierarchy import Sep2Leaf, Sep2Pki, sep2
from certs.sep2.variants import VARIANTS
from gateway.client.clock import SystemClock
from gateway.domain.errors import TransportError
from gateway.northbound.sep2_exchange import MEDIA_TYPE, Sep2Exchange, pinned_device
from gateway.protocols.actions import Message, Method, Send
from gateway.protocols.sep2.identity import sfdi_of
from gateway.transport.client import PeerClient
from gateway.transport.sep2_tls import judge_chain, sep2_client, sep2_server
from gateway.transport.server import listen
from tests.sep2_pki import files

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, kw_only=True)
class Bench:
    """One server that answers as it is told, and a client with an identity of the same root."""

    pki: Sep2Pki
    folder: Path
    server: Sep2Leaf

    @asynccontextmanager
    async def serving(self, answer: Answer) -> AsyncIterator[str]:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", answer)
        context = sep2_server(files(self.folder, "server", self.server, self.pki))
        listener = await listen(app, "127.0.0.1", 0, context)
        try:
            yield f"https://localhost:{listener.port}/dcap"
        finally:
            await listener.stop()

    @asynccontextmanager
    async def exchanging(
        self,
        root: str,
        admit: Callable[..., None] = judge_chain,
        trusted: frozenset[str] = frozenset(),
    ) -> AsyncIterator[Sep2Exchange]:
        identity = files(self.folder, "client", self.pki.device("0001"), self.pki)
        client = PeerClient(root, sep2_client(identity), SystemClock(), test_mode=True, admit=admit)
        try:
            yield Sep2Exchange(client=client, root=root, trusted=trusted)
        finally:
            await client.close()


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    pki = sep2(4)
    return Bench(pki=pki, folder=tmp_path, server=pki.server())


def send(method: Method = "GET", href: str = "/dcap", body: bytes = b"") -> Send:
    return Send(
        request_id="1", service="dcap", body=body, media_type=MEDIA_TYPE, method=method, href=href
    )


async def ask(bench: Bench, answer: Answer, wanted: Send, **settings: Any) -> Message:
    async with bench.serving(answer) as root, bench.exchanging(root, **settings) as exchange:
        return await exchange(wanted)


async def refusal(bench: Bench, answer: Answer, wanted: Send, **settings: Any) -> TransportError:
    with pytest.raises(TransportError) as error:
        await ask(bench, answer, wanted, **settings)
    return error.value


@pytest.mark.spec("IEEE 2030.5-2018 5.5.2")
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE"])
async def test_every_method_goes_out_as_it_is(bench: Bench, method: Method) -> None:
    seen: list[tuple[str, str, str | None, str | None, bytes]] = []

    async def answer(request: web.Request) -> web.Response:
        head = request.headers
        body = await request.read()
        seen.append(
            (
                request.method,
                str(request.rel_url),
                head.get("Accept"),
                head.get("Content-Type"),
                body,
            )
        )
        return web.Response(status=201, headers={"Location": "/mup/7%2Fa"})

    told = await ask(bench, answer, send(method, "/mup?s=0&l=2", b"<x/>"))
    carries = method in {"POST", "PUT"}
    media_type, body = (MEDIA_TYPE, b"<x/>") if carries else (None, b"")
    assert seen == [(method, "/mup?s=0&l=2", MEDIA_TYPE, media_type, body)]
    assert (told.status, told.location) == (201, "/mup/7%2Fa")
    assert told.peer == bench.server.lfdi


@pytest.mark.spec("IEEE 2030.5-2018 4.6")
async def test_a_link_goes_out_letter_by_letter(bench: Bench) -> None:
    seen: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append(request.raw_path)
        return web.Response(body=b"<x/>", content_type=MEDIA_TYPE)

    await ask(bench, answer, send(href="/a%2Fb/%7Ex?q=%20+"))
    assert seen == ["/a%2Fb/%7Ex?q=%20+"]


@pytest.mark.spec("IEEE 2030.5-2018 5.5.2")
@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 415])
async def test_refusals_of_the_server_are_answers(bench: Bench, status: int) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=status)

    assert (await ask(bench, answer, send())).status == status


@pytest.mark.spec("IEEE 2030.5-2018 5.5.2")
@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_server_that_cannot_now_is_left_alone_for_as_long_as_it_says(
    bench: Bench, status: int
) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=status, headers={"Retry-After": "7"})

    error = await refusal(bench, answer, send())
    assert (error.reason, error.retry_after) == (f"STATUS_{status}", timedelta(seconds=7))


@pytest.mark.spec("IEEE 2030.5-2018 5.5.2.7", "CSIP ERR-001")
@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_moved_resource_is_followed_with_its_method(bench: Bench, status: int) -> None:
    seen: list[tuple[str, str, bytes]] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append((request.method, request.path, await request.read()))
        if request.path == "/old":
            return web.Response(status=status, headers={"Location": "new#part"})
        return web.Response(status=204)

    told = await ask(bench, answer, send("PUT", "/old", b"<x/>"))
    assert seen == [("PUT", "/old", b"<x/>"), ("PUT", "/new", b"<x/>")]
    assert told.href.endswith("/new")


@pytest.mark.spec("IEEE 2030.5-2018 5.5.2.7")
@pytest.mark.parametrize(
    "location",
    [
        *("http://localhost:9/dcap", "https://elsewhere.example/dcap", "file:///etc/passwd"),
        *("/again", "https://[::1/dcap"),
    ],
)
async def test_a_redirect_to_where_we_may_not_go_is_no_answer(bench: Bench, location: str) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=301, headers={"Location": location})

    assert (await refusal(bench, answer, send())).reason == "REDIRECT"


@pytest.mark.spec("IEEE 2030.5-2018 5.5.2.7")
async def test_a_trusted_second_server_may_be_redirected_to(bench: Bench) -> None:
    async def there(_: web.Request) -> web.Response:
        return web.Response(body=b"<there/>", content_type=MEDIA_TYPE)

    async with bench.serving(there) as second:

        async def here(_: web.Request) -> web.Response:
            return web.Response(status=307, headers={"Location": second})

        told = await ask(bench, here, send(), trusted=frozenset({second.removesuffix("/dcap")}))
    assert (told.body, told.href) == (b"<there/>", second)


@pytest.mark.spec("IEEE 2030.5-2018 6.11")
@pytest.mark.parametrize(
    "name", ["no-policies", "mica-policy-mapping", "p384-key", "sha384-signature"]
)
async def test_a_server_outside_the_certificate_profile_gets_no_request(
    bench: Bench, tmp_path: Path, name: str
) -> None:
    seen: list[web.Request] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append(request)
        return web.Response()

    bad = Bench(pki=bench.pki, folder=tmp_path, server=VARIANTS[name].make(bench.pki))

    async def attempt(admit: Callable[..., None] | None) -> str:
        async with bad.serving(answer) as root:
            identity = files(tmp_path, "client", bench.pki.device("0001"), bench.pki)
            client = PeerClient(
                root,
                sep2_client(identity, host_names=False),
                SystemClock(),
                test_mode=True,
                admit=admit,
            )
            try:
                await Sep2Exchange(client=client, root=root)(send())
            except TransportError as error:
                return error.reason
            finally:
                await client.close()
        return ""

    assert await attempt(judge_chain) == "BAD_CHAIN"
    assert seen == []


@pytest.mark.spec("IEEE 2030.5-2018 6.3.3", "IEEE 2030.5-2018 6.3.4")
async def test_a_server_pinned_by_lfdi_or_sfdi_is_the_only_one_let_through(bench: Bench) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=204)

    lfdi = bench.server.lfdi
    other = bench.pki.device("0002").lfdi
    attempt = partial(ask, bench, answer, send())
    for right in (lfdi, lfdi.lower(), str(sfdi_of(lfdi))):
        assert (await attempt(admit=pinned_device(right))).status == 204
    for wrong in (other, str(sfdi_of(other)), "", "7"):
        assert (
            await refusal(bench, answer, send(), admit=pinned_device(wrong))
        ).reason == "FINGERPRINT"
