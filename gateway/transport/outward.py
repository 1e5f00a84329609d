"""One call to somebody else's address: resolved once, every address judged, connected to what was judged.

No redirect is followed, no proxy of the environment is used, no connection is kept: the next call is judged anew, so a
name that answers differently the second time gains nothing (DNS rebinding).
"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Final

import aiohttp
from aiohttp import abc
from aiohttp.client_proto import ResponseHandler
from yarl import URL

from gateway.domain.errors import ConfigError, GatewayError, TransportError
from gateway.domain.ports import Clock
from gateway.transport.special_addresses import address_of
from gateway.transport.targets import Resolve, TargetRules, judge, parse_target, system_resolve

KEPT: Final = 2048
"""Bytes of an answer that are read; the rest is nobody's business."""
CONNECT_S: Final = 5.0
LONGEST_WAIT: Final = timedelta(hours=1)

Look = Callable[[], Awaitable[None]]
"""Called between connecting and writing; raises an error of the tree to leave without a word (R-OUT-1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What came back, whatever its status."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    """Its first ``KEPT`` bytes, as they came."""
    retry_after: timedelta | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What is sent."""

    method: str
    url: str = field(repr=False)
    """May hold a secret in its query."""
    headers: Mapping[str, str]
    body: bytes = b""


class Outward:
    """Makes calls.

    Args:
        clock: Time for the limit of a whole call.
        rules: Where calls may go.
        tls: Verifies the other side; None for the system's anchors.
        resolve: Asked exactly once per call.
        total_s: Limit of one call, from the name to the answer, seconds.
    """

    def __init__(
        self,
        clock: Clock,
        rules: TargetRules,
        *,
        tls: ssl.SSLContext | None = None,
        resolve: Resolve = system_resolve,
        total_s: float = 15.0,
    ) -> None:
        self._clock = clock
        self._rules = rules
        self._tls = tls or outward_context(None)
        self._resolve = resolve
        self._total_s = total_s

    async def call(self, call: Call, look: Look | None = None) -> Heard:
        """Make one call; nothing is ever repeated here.

        Raises:
            TransportError: ``BAD_TARGET``, ``FORBIDDEN_TARGET``, ``NO_ADDRESS``, ``CONNECT`` or ``TLS``: nothing was
                sent; ``TIMEOUT`` or ``BROKEN``: the other side may or may not have acted on it.
            GatewayError: whatever ``look`` raised; nothing was sent.
        """
        target = parse_target(call.url, self._rules)
        try:
            async with self._clock.timeout(self._total_s):
                try:
                    found = await self._resolve(target.host, target.port)
                except OSError as error:
                    raise TransportError("NO_ADDRESS", f"{target.host}: {error}") from None
                judged = judge(target, found, self._rules)
                return await self._exchange(call, Pinned(target.host, judged), look)
        except TimeoutError:
            detail = f"{target.host}: no answer within {self._total_s:g} s"
            raise TransportError("TIMEOUT", detail) from None

    async def _exchange(self, call: Call, pinned: "Pinned", look: Look | None) -> Heard:
        async with plain_session(_Connector(self._tls, pinned, look)) as http:
            return await exchanged(http, call, pinned.host, self._clock)


def plain_session(connector: aiohttp.BaseConnector) -> aiohttp.ClientSession:
    """Make a session that adds nothing of its own to a call."""
    return aiohttp.ClientSession(
        connector=connector,
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S),
        trust_env=False,
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        skip_auto_headers=("Accept-Encoding", "User-Agent", "Content-Type"),
    )


async def exchanged(http: aiohttp.ClientSession, call: Call, host: str, clock: Clock) -> Heard:
    """Make one call on a session.

    Raises:
        TransportError: ``CONNECT`` or ``TLS``: nothing was sent; ``BROKEN``.
    """
    try:
        async with http.request(
            call.method,
            URL(call.url, encoded=True),
            data=call.body or None,
            headers=call.headers,
            allow_redirects=False,
        ) as answer:
            return await _heard(answer, clock.now())
    except GatewayError:
        raise
    except aiohttp.ClientSSLError as error:
        raise TransportError("TLS", f"{host}: {error}") from None
    except aiohttp.ClientConnectorError as error:
        raise TransportError("CONNECT", f"{host}: {error.os_error}") from None
    except aiohttp.ConnectionTimeoutError:
        raise TransportError("CONNECT", f"{host}: no connection in time") from None
    except (aiohttp.ClientError, OSError, ValueError) as error:
        detail = f"{host}: broke off ({type(error).__name__})"
        raise TransportError("BROKEN", detail) from None


async def _heard(answer: aiohttp.ClientResponse, now: datetime) -> Heard:
    headers = {name.lower(): value for name, value in answer.headers.items()}
    return Heard(
        status=answer.status,
        headers=headers,
        body=await _beginning(answer),
        retry_after=retry_after(headers.get("retry-after"), now),
    )


async def _beginning(answer: aiohttp.ClientResponse) -> bytes:
    """Read what is kept; the status counts even when the body breaks off."""
    parts = bytearray()
    try:
        while len(parts) < KEPT:
            part = await answer.content.read(KEPT - len(parts))
            if not part:
                break
            parts += part
    except (aiohttp.ClientError, OSError):
        pass  # what came so far is kept
    if not answer.content.at_eof():
        answer.close()
    return bytes(parts)


def outward_context(ca: Path | None) -> ssl.SSLContext:
    """Make the context that verifies other people's servers: TLS 1.2 or 1.3, chain and name.

    Args:
        ca: PEM anchors of a site's own authority; None: the system's.

    Raises:
        ConfigError: the file holds no anchors.
    """
    try:
        context = ssl.create_default_context(cafile=str(ca) if ca else None)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError((f"{ca}: no trust anchors in PEM ({error})",)) from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def retry_after(text: str | None, now: datetime) -> timedelta | None:
    """Read a ``Retry-After`` header, in seconds or as a date, an hour at most.

    Spec: RFC 9110, section 10.2.3.
    """
    if not text:
        return None
    if text.isascii() and text.isdigit():
        return min(timedelta(seconds=min(int(text[:9]), 86_400)), LONGEST_WAIT)
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    if at.tzinfo is None:
        return None
    return min(max(at - now, timedelta(0)), LONGEST_WAIT)


class Pinned(abc.AbstractResolver):
    """Knows one host and the addresses that were judged."""

    def __init__(self, host: str, addresses: Sequence[str] = ()) -> None:
        self.host = host
        self.addresses = addresses

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[abc.ResolveResult]:
        """Return the judged addresses."""
        if host.rstrip(".").lower() != self.host.rstrip("."):
            raise OSError("only the judged host is known here")
        return [self._result(address, port) for address in self.addresses]

    def _result(self, address: str, port: int) -> abc.ResolveResult:
        return abc.ResolveResult(
            hostname=self.host,
            host=address,
            port=port,
            family=socket.AF_INET6 if ":" in address else socket.AF_INET,
            proto=0,
            flags=socket.AI_NUMERICHOST,
        )

    def require(self, transport: asyncio.BaseTransport | None) -> None:
        """Insist that the other end of a connection was judged, however the library came there.

        Raises:
            TransportError: ``FORBIDDEN_TARGET``.
        """
        peer = transport.get_extra_info("peername") if transport else None
        reached = address_of(peer[0]) if peer else None
        if reached is None or reached not in map(address_of, self.addresses):
            raise TransportError("FORBIDDEN_TARGET", f"{self.host}: reached what was not judged")

    async def close(self) -> None:
        """Do nothing."""


class _Connector(aiohttp.TCPConnector):
    """Connects to judged addresses, looks once more, and keeps no connection."""

    def __init__(self, tls: ssl.SSLContext, pinned: Pinned, look: Look | None) -> None:
        super().__init__(ssl=tls, resolver=pinned, use_dns_cache=False, force_close=True, limit=1)
        self._pinned = pinned
        self._look = look

    async def _create_connection(
        self,
        req: aiohttp.ClientRequest,
        traces: list[aiohttp.tracing.Trace],
        timeout: aiohttp.ClientTimeout,
    ) -> ResponseHandler:
        handler = await super()._create_connection(req, traces, timeout)
        usable = False
        try:
            self._pinned.require(handler.transport)
            if self._look is not None:
                await self._look()
            usable = True
        finally:
            if not usable:
                handler.close()
        return handler
