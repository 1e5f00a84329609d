"""Connections to one peer: made within a limit of our clock, and dropped when the peer talks out of turn.

aiohttp keeps whatever comes over an idle connection, without bound, and takes it for the answer to the next request;
and it reads interim answers without end. Either ends the connection here. The names that this needs and that are
private to aiohttp are pinned by tests.
"""

import asyncio
import functools
import ssl
from typing import Final

import aiohttp
from aiohttp.abc import AbstractResolver
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from aiohttp.http import RawResponseMessage
from aiohttp.streams import StreamReader
from aiohttp.tracing import Trace

from gateway.domain.ports import Clock

CONNECT_S: Final = 5.0
"""For the connection and its TLS handshake together."""
MOST_CONNECTIONS: Final = 4
"""To one peer, idle ones included, unless it is said otherwise."""
MOST_INTERIM: Final = 8
"""Answers with a status of 1xx that may precede the real one (RFC 9110 section 15.2)."""
_FINAL: Final = 200


class OrderlyLine(ResponseHandler):
    """One connection, on which the peer may speak only when it is asked."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self._asked = False
        self._interim = 0

    def ask(self) -> None:
        """Note that a request goes out."""
        self._asked = True
        self._interim = 0

    def rest(self) -> None:
        """Note that the answer is complete."""
        self._asked = False

    def data_received(self, data: bytes) -> None:
        """Take bytes of an answer; others end the connection."""
        # aiohttp itself hands over nothing, to have what it holds back parsed; that is nobody's word.
        if self._asked or not data:
            super().data_received(data)
        elif self.transport is not None:
            self.transport.abort()

    def feed_data(self, data: tuple[RawResponseMessage, StreamReader], size: int = 0) -> None:
        """Take an answer whose headers are complete."""
        if data[0].code < _FINAL:
            self._interim += 1
        if self._interim <= MOST_INTERIM:
            super().feed_data(data, size)
        elif self.transport is not None:
            self.transport.abort()


class OrderlyConnector(aiohttp.TCPConnector):
    """A pool of orderly connections to one peer.

    Args:
        context: TLS context; None for plain HTTP.
        clock: Time of the limit.
        connect_s: Limit for a connection and its handshake, seconds.
        most: Connections, idle ones included.
        resolver: Knows the peer's addresses; None: the system's.
    """

    def __init__(
        self,
        context: ssl.SSLContext | None,
        clock: Clock,
        connect_s: float = CONNECT_S,
        most: int = MOST_CONNECTIONS,
        resolver: AbstractResolver | None = None,
    ) -> None:
        super().__init__(
            ssl=context if context is not None else True,
            limit=most,
            resolver=resolver,
            use_dns_cache=resolver is None,
        )
        self._clock = clock
        self._connect_s = connect_s
        self._factory = functools.partial(_orderly, self._loop)

    async def connect(
        self, req: aiohttp.ClientRequest, traces: list[Trace], timeout: aiohttp.ClientTimeout
    ) -> Connection:
        """Return a connection for a request, one that rests if there is one.

        Raises:
            TimeoutError: none could be made within the limit.
        """
        async with self._clock.timeout(self._connect_s):
            made = await super().connect(req, traces, timeout)
        if isinstance(made.protocol, OrderlyLine):
            made.protocol.ask()
            made.add_callback(made.protocol.rest)
        return made


def _orderly(loop: asyncio.AbstractEventLoop) -> ResponseHandler:
    return OrderlyLine(loop)
