"""High security towards one utility: everything is signed on its way out, each attempt with its own time and nonce."""

import asyncio
from dataclasses import dataclass, replace
from typing import Final

from gateway.domain.errors import GatewayError, TransportError
from gateway.domain.ports import Clock
from gateway.northbound.ports import Exchange
from gateway.protocols.actions import Message, Reply, Send
from gateway.protocols.oadr2b.signature.envelope import Seal

OFF_LOOP_BYTES: Final = 64 << 10
"""A larger document is signed on a worker thread."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealing:
    """Signs what goes to one utility.

    Args:
        seal: With our key.
        clock: Time of sending.
    """

    seal: Seal
    clock: Clock

    def around(self, exchange: Exchange) -> Exchange:
        """Wrap an exchange so that what it sends is signed."""

        async def send(wanted: Send) -> Message:
            return await exchange(replace(wanted, body=await self._sealed(wanted.body)))

        return send

    async def reply(self, reply: Reply) -> Reply:
        """Sign the answer to a request of the utility; an empty one stays empty.

        Raises:
            TransportError: ``SIGNING``.
        """
        return replace(reply, body=await self._sealed(reply.body)) if reply.body else reply

    async def _sealed(self, body: bytes) -> bytes:
        now = self.clock.now()
        try:
            if len(body) > OFF_LOOP_BYTES:
                return await asyncio.to_thread(self.seal.seal, body, now)
            return self.seal.seal(body, now)
        except GatewayError as error:
            detail = f"the message cannot be signed: {error.detail}"
            raise TransportError("SIGNING", detail) from None
