"""Calls to one address of somebody else over a few connections that stay open between them.

Each connection is judged when it is made, by its address and by whose certificate is shown, and serves what it was
judged for until it rests too long: a name that answers differently later moves nobody who is connected.
"""

import ssl
from collections.abc import Callable, Sequence

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.tracing import Trace

from gateway.domain.errors import TransportError
from gateway.domain.ports import Clock
from gateway.transport.connector import OrderlyConnector
from gateway.transport.outward import Call, Heard, Pinned, exchanged, plain_session
from gateway.transport.targets import Resolve, Target, TargetRules, judge, parse_target
from gateway.transport.tls import peer_certificate

Admit = Callable[[bytes | None], None]
"""Judges the certificate (DER) of whoever is connected to; raises an error of the tree to leave without a word."""


class Standing:
    """Calls one host and port.

    Args:
        clock: Time of limits.
        rules: Where calls may go.
        tls: Verifies the other side.
        resolve: Asked once for each connection.
        admit: Judges each connection.
        most: Connections at a time; more calls wait for one.
        total_s: Limit of one call, seconds.
    """

    def __init__(
        self,
        clock: Clock,
        rules: TargetRules,
        tls: ssl.SSLContext,
        resolve: Resolve,
        *,
        admit: Admit,
        most: int,
        total_s: float,
    ) -> None:
        self._clock = clock
        self._rules = rules
        self._tls = tls
        self._resolve = resolve
        self._admit = admit
        self._most = most
        self._total_s = total_s
        self._line: tuple[Target, _Judged, aiohttp.ClientSession] | None = None

    async def call(self, call: Call) -> Heard:
        """Make one call; repeated at once, and once, only where a connection that had rested was gone.

        Raises:
            TransportError: as ``Outward.call``, ``BAD_TARGET`` also for another host than that of the first call; and
                whatever ``admit`` raises.
        """
        target = parse_target(call.url, self._rules)
        if self._line is None:
            connector = _Judged(self, target)
            self._line = target, connector, plain_session(connector)
        first, connector, http = self._line
        if (first.scheme, first.host, first.port) != (target.scheme, target.host, target.port):
            raise TransportError("BAD_TARGET", "these connections lead to another host and port")
        try:
            async with self._clock.timeout(self._total_s):
                made = connector.made
                try:
                    return await exchanged(http, call, target.host, self._clock)
                except TransportError as error:
                    if error.reason != "BROKEN" or connector.made > made:
                        raise
                return await exchanged(http, call, target.host, self._clock)
        except TimeoutError:
            detail = f"{target.host}: no answer within {self._total_s:g} s"
            raise TransportError("TIMEOUT", detail) from None

    @property
    def made(self) -> int:
        """Return how many connections were made so far."""
        return 0 if self._line is None else self._line[1].made

    async def close(self) -> None:
        """Close every connection; the next call makes one anew."""
        line, self._line = self._line, None
        if line is not None:
            await line[2].close()

    async def judged(self, target: Target) -> Sequence[str]:
        """Return the addresses that may be connected to.

        Raises:
            TransportError: ``NO_ADDRESS``, ``FORBIDDEN_TARGET``.
        """
        try:
            found = await self._resolve(target.host, target.port)
        except OSError as error:
            raise TransportError("NO_ADDRESS", f"{target.host}: {error}") from None
        return judge(target, found, self._rules)

    def connector_terms(self) -> tuple[ssl.SSLContext, Clock, int, Admit]:
        """Return what a connector is made of."""
        return self._tls, self._clock, self._most, self._admit


class _Judged(OrderlyConnector):
    """Makes connections and looks where they really lead, and to whom."""

    def __init__(self, owner: Standing, target: Target) -> None:
        context, clock, most, self._admit = owner.connector_terms()
        self._owner = owner
        self._target = target
        self._pinned = Pinned(target.host)
        self.made = 0
        super().__init__(context, clock, most=most, resolver=self._pinned)

    async def _create_connection(
        self, req: aiohttp.ClientRequest, traces: list[Trace], timeout: aiohttp.ClientTimeout
    ) -> ResponseHandler:
        self._pinned.addresses = await self._owner.judged(self._target)
        handler = await super()._create_connection(req, traces, timeout)
        usable = False
        try:
            self._pinned.require(handler.transport)
            self._admit(peer_certificate(handler.transport))
            self.made += 1
            usable = True
        finally:
            if not usable:
                handler.close()
        return handler
