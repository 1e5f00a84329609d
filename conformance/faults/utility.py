"""A utility without a network: the VTN's core behind the exchange that a session's driver calls."""

from datetime import timedelta
from typing import Final

from conformance.peers.event_spec import EventSpec
from gateway.domain.ports import Clock, Ids
from gateway.protocols.actions import Message, Send
from gateway.protocols.oadr2b.codec import Codec
from gateway.protocols.oadr2b.server import Vtn
from gateway.protocols.oadr2b.vtn_book import Turn, VtnOptions
from gateway.protocols.oadr2b.vtn_facts import Answered, Reported

ROUND_TRIP: Final = timedelta(milliseconds=50)


class NearUtility:
    """Answers requests as bytes, in the same process.

    Args:
        clock: Its time.
        ids: Source of its ids.
        codec: Reads and writes the messages.
        poll_every: What it asks VENs to poll by.
    """

    def __init__(self, clock: Clock, ids: Ids, codec: Codec, poll_every: timedelta) -> None:
        self._clock = clock
        self._codec = codec
        self._vtn = Vtn(VtnOptions(vtn_id="vtn-near", poll_every=poll_every), ids)
        self.answers: list[Answered] = []
        """Every answer to an event, oldest first."""
        self.values = 0
        """Values reported."""

    async def exchange(self, send: Send) -> Message:
        """Take one request and answer it."""
        await self._clock.sleep_until(self._clock.now() + ROUND_TRIP)
        now = self._clock.now()
        message = self._codec.decode(send.body)
        reply = self._take(self._vtn.on_message(send.service, message, "", now)).reply
        body = self._codec.encode(reply) if reply is not None else b""
        return Message(request_id=send.request_id, service=send.service, body=body, date=now)

    def publish(self, event: EventSpec) -> None:
        """Announce an event."""
        self._take(self._vtn.publish(event.message(), event.vens, self._clock.now()))

    def modify(self, event: EventSpec) -> None:
        """Announce the next version of an event."""
        self._take(self._vtn.modify(event.message(), self._clock.now()))

    def cancel(self, event_id: str) -> None:
        """Take an event back."""
        self._take(self._vtn.cancel(event_id, self._clock.now()))

    def _take(self, turn: Turn) -> Turn:
        self._vtn.take(turn)
        for fact in turn.facts:
            if isinstance(fact, Answered):
                self.answers.append(fact)
            elif isinstance(fact, Reported):
                self.values += 1
        return turn
