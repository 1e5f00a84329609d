"""One message to the VTN and its answer, tried again until it is through or will never be.

Spec: OpenADR 2.0b sections 9.1.4 to 9.1.7.
"""

from datetime import timedelta
from typing import Final

from lxml.etree import _Element as Element

from conformance.reference.ven2b.envelope import Envelope
from conformance.reference.ven2b.settings import Settings
from gateway.domain.chance import Chance
from gateway.domain.errors import IdentityError, TransportError, WireError
from gateway.domain.ports import Clock
from gateway.transport.client import PeerClient

OK: Final = 200
NEVER_AGAIN: Final = frozenset({403, 404, 406, 501})
"""Statuses after which the same message is not sent again."""
MEDIA_TYPE: Final = "application/xml"
JITTER: Final = 0.1


class Link:
    """This VEN's way to its VTN."""

    def __init__(
        self, settings: Settings, envelope: Envelope, clock: Clock, chance: Chance
    ) -> None:
        self._settings = settings
        self._envelope = envelope
        self._clock = clock
        self._chance = chance
        self._http = PeerClient(
            settings.url,
            settings.client_tls,
            clock,
            total_s=settings.timeout_s,
            test_mode=True,
        )

    async def tell(self, service: str, content: Element) -> Element | None:
        """POST a message; return the message that answers it, None for an empty answer or a refusal.

        The same message is sent again after each failure, with pauses of 1, 2, 4 … seconds, each ± 10 %; its bytes are
        the same too, but for a signature, which tells when it is sent.
        """
        pause = timedelta(seconds=1)
        while True:
            try:
                return await self._once(service, content)
            except (TransportError, WireError, IdentityError):
                await self._clock.sleep_until(self._clock.now() + self._spread(pause))
            pause = min(pause * 2, self._settings.longest_pause)

    async def _once(self, service: str, content: Element) -> Element | None:
        answer = await self._http.post(service, self._envelope.wrap(content), MEDIA_TYPE)
        if answer.status in NEVER_AGAIN:
            return None
        if answer.status != OK:
            raise TransportError("STATUS", f"the VTN answered {answer.status}")
        return self._envelope.unwrap(answer.body) if answer.body.strip() else None

    def _spread(self, pause: timedelta) -> timedelta:
        return pause * (1 - JITTER + 2 * JITTER * self._chance.random())

    async def close(self) -> None:
        """Close every connection."""
        await self._http.close()
