"""How a utility of the suite reaches VENs in push mode: as whom, and how many at a time."""

import asyncio
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace

from gateway.domain.chance import Chance
from gateway.domain.ports import Clock
from gateway.protocols.oadr2b.codec import Codec
from gateway.protocols.oadr2b.vtn_book import VtnOptions
from gateway.servers.vtn2b.courier import Courier, CourierOptions
from gateway.servers.vtn2b.courier_calls import HttpCalls
from gateway.servers.vtn2b.desk import VtnDesk
from gateway.servers.vtn2b.security import Security
from gateway.transport.tls import TlsFiles, TlsProfile, openadr_client


def as_client(
    files: TlsFiles | None, profile: TlsProfile = TlsProfile.MODERN
) -> Callable[[], ssl.SSLContext] | None:
    """Return a maker of contexts with the utility's own certificate; None for plain HTTP on loopback.

    The certificates of VENs name no host: their chain is verified, and whose they are is the fingerprint's to tell.
    """
    if files is None:
        return None
    return lambda: openadr_client(files, profile, host_names=False)


@dataclass
class PushPeer:
    """Pushes for one utility.

    Args:
        context: Makes the TLS context of one VEN's connections; None: plain HTTP.
        chance: Spreads waits.
        options: Bounds and waits; the longest wait follows the utility's poll period.
        total_s: For one exchange, seconds.
    """

    context: Callable[[], ssl.SSLContext] | None
    chance: Chance
    options: CourierOptions = field(default_factory=CourierOptions)
    total_s: float = 30.0
    courier: Courier | None = field(default=None, init=False)
    """Known once the utility has started."""
    _calls: HttpCalls | None = field(default=None, init=False)

    def begin(
        self,
        desk: VtnDesk,
        codec: Codec,
        clock: Clock,
        vtn: VtnOptions,
        security: Security | None = None,
    ) -> asyncio.Task[None]:
        """Start to push what waits, and whatever comes."""
        self._calls = HttpCalls(self.context, clock, total_s=self.total_s)
        options = replace(self.options, cap=max(self.options.cap, vtn.poll_every))
        self.courier = Courier(desk, codec, clock, self.chance, self._calls, options, security)
        return asyncio.create_task(self.courier.run(), name="push courier")

    async def end(self, running: asyncio.Task[None]) -> None:
        """Stop; what is not delivered stays in the queue."""
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
        if self._calls is not None:
            await self._calls.close()
