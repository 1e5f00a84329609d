"""Utilities that push to a listener of ours over loopback TLS, for tests."""

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from gateway.domain.names import UtilityName
from gateway.domain.ports import Clock
from gateway.northbound.push import PushRoute, push_app
from gateway.northbound.push_peers import Expected
from gateway.protocols.actions import Message, Reply
from gateway.protocols.oadr2b.identity import fingerprint
from gateway.protocols.oadr2b.options import BASE_PATH
from gateway.transport.server import listen
from gateway.transport.tls import TlsFiles, openadr_client, openadr_listener
from tests.vtn_wire import XML, Pki

DONE = Reply(body=b"<done/>")


def print_of(files: TlsFiles) -> str:
    """Return the fingerprint of an identity on disk."""
    pem = files.certificate.read_text().split("-----END CERTIFICATE-----")[0]
    return fingerprint(ssl.PEM_cert_to_DER_cert(pem + "-----END CERTIFICATE-----\n"))


@dataclass
class Told:
    """Takes requests in a session's place, and remembers them."""

    answer: Callable[[Message], Awaitable[Reply]] | None = None
    messages: list[Message] = field(default_factory=list)

    async def __call__(self, message: Message) -> Reply:
        self.messages.append(message)
        return DONE if self.answer is None else await self.answer(message)


def route(name: str, prefix: str, told: Told, *pinned: str, **keys: Any) -> PushRoute:
    """Return a utility at the listener."""
    expected = keys.pop("expected", None) or Expected(pinned=pinned)
    return PushRoute(utility=UtilityName(name), prefix=prefix, expected=expected, ask=told, **keys)


@asynccontextmanager
async def listening(
    pki: Pki, clock: Clock, routes: Sequence[PushRoute], **keys: Any
) -> AsyncIterator[str]:
    """Listen for the length of a block; yields scheme, host and port."""
    app = push_app(routes, clock, test_mode=keys.pop("test_mode", True), **keys)
    listener = await listen(app, "localhost", 0, openadr_listener(pki.files("ven")))
    try:
        yield f"https://localhost:{listener.port}"
    finally:
        await listener.stop()


@asynccontextmanager
async def pusher(files: TlsFiles) -> AsyncIterator[aiohttp.ClientSession]:
    """Hold the connections of one utility for the length of a block."""
    context = openadr_client(files, host_names=False)
    connector = aiohttp.TCPConnector(ssl=context, limit=0)
    async with aiohttp.ClientSession(connector=connector) as http:
        yield http


async def push(
    http: aiohttp.ClientSession, url: str, service: str = "EiEvent", **request: Any
) -> tuple[int, bytes]:
    """Send one request and return status and body of the answer."""
    arguments = {"data": b"<event/>", "headers": XML, "method": "POST"} | request
    async with http.request(url=f"{url}{BASE_PATH}/{service}", **arguments) as answer:
        assert "Transfer-Encoding" not in answer.headers
        return answer.status, await answer.read()
