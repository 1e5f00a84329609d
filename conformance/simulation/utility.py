"""A utility in memory: the real server session, reached without a network, with a clock that may be off."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from conformance.soak.marks import Answered, Mark, Ordered
from gateway.app.ids import SeededIds
from gateway.app.virtual import VirtualClock
from gateway.domain.errors import MisuseError
from gateway.protocols.oadr2b import messages as wire
from gateway.protocols.oadr2b.codec import Codec
from gateway.protocols.oadr2b.server import Vtn
from gateway.protocols.oadr2b.vtn_book import Turn, VtnOptions
from gateway.protocols.oadr2b.vtn_events import owes_answer
from gateway.protocols.oadr2b.vtn_facts import Answered as Told
from gateway.protocols.oadr2b.vtn_records import DeliveryRecord, EventRecord
from gateway.transport.schemas import load_oadr20b_schema

CODEC: Final = Codec(load_oadr20b_schema())
POLL: Final = timedelta(seconds=60)
VTN_ID: Final = "vtn-sim"
OK: Final = "200"
FINGERPRINT: Final = "59:4D:D8:CD:35:8E:E7:F7:86:94"
"""The gateway's certificate: registering twice makes no second gateway."""


@dataclass
class Utility:
    """One VTN and what it has put out.

    Args:
        true: Time as it is.
        seed: Decides its ids.
        write: Takes what it sees.
        sites: Everybody behind the gateway.
        silence: How long the gateway may wait for a silent site.
    """

    true: VirtualClock
    seed: int
    write: Callable[[Mark], None]
    sites: tuple[str, ...]
    silence: timedelta
    wrong_by: timedelta = timedelta(0)
    """Its clock's error; positive: it is ahead."""
    held: bool = False
    """True: its clock is so far off that nothing of it is started."""
    up: bool = True
    published: dict[str, wire.OadrEvent] = field(default_factory=dict)
    sent: Counter[str] = field(default_factory=Counter)
    """requestID -> how often that message was sent: one answer to each sending of each event is right."""
    answered: Counter[tuple[str, str, int]] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        options = VtnOptions(vtn_id=VTN_ID, poll_every=POLL)
        self.vtn = Vtn(options, SeededIds(self.seed, "utility"))

    def now(self) -> datetime:
        """Return the utility's time."""
        return self.true.now() + self.wrong_by

    def serve(self, service: str, body: bytes) -> bytes:
        """Carry out one request and return the answer."""
        message = CODEC.decode(body)
        turn = self.vtn.on_message(service, message, FINGERPRINT, self.now())
        self._take(turn)
        if isinstance(turn.reply, wire.OadrDistributeEvent):
            self.sent[turn.reply.request_id] += 1
        return b"" if turn.reply is None else CODEC.encode(turn.reply)

    def publish(self, event: wire.OadrEvent) -> None:
        """Announce an event."""
        self._take(self.vtn.publish(event, (), self.now()))
        self._ordered(event, 0)

    def modify(self, event: wire.OadrEvent) -> bool:
        """Replace an event; False when it is over, or nothing differs."""
        event_id = event.ei_event.event_descriptor.event_id
        try:
            turn = self.vtn.modify(event, self.now())
        except MisuseError:
            return False
        if not turn.changes:
            return False
        self._take(turn)
        self._ordered(event, self._version(event_id))
        return True

    def cancel(self, event_id: str) -> bool:
        """Take an event back; False when it is over already."""
        known = self._delivered(event_id)
        try:
            self._take(self.vtn.cancel(event_id, self.now()))
        except MisuseError:
            return False
        event = self.published[event_id]
        self._ordered(event, self._version(event_id), cancels=True, answered=known)
        return True

    def owed(self) -> bool:
        """Say whether anything that is listed for the gateway has yet to be answered."""
        page = self.vtn.page(self.now())
        return any(owes_answer(page, ven.ven_id) for ven in page.vens())

    @property
    def registered(self) -> bool:
        """Say whether the gateway is registered."""
        return any(self.vtn.page(self.now()).vens())

    def _version(self, event_id: str) -> int:
        record = self.vtn.page(self.now()).find(EventRecord, "", (event_id,))
        return record.version if record is not None else 0

    def _delivered(self, event_id: str) -> bool:
        """Say whether the gateway has heard of an event: what it never heard of it is not told the end of."""
        page = self.vtn.page(self.now())
        return any(page.find(DeliveryRecord, ven.ven_id, (event_id,)) for ven in page.vens())

    def _ordered(
        self, event: wire.OadrEvent, version: int, *, cancels: bool = False, answered: bool = True
    ) -> None:
        inner = event.ei_event
        event_id = inner.event_descriptor.event_id
        self.published[event_id] = event
        period = inner.ei_active_period
        ends = (
            period.dtstart + period.duration + (period.startafter or timedelta(0))
            if period.duration
            else None
        )
        if self.held and ends is not None:
            ends -= max(
                self.wrong_by, timedelta(0)
            )  # it lists an event until its own clock says that it is over
        self.write(
            Ordered(
                at=self.true.now(),
                event=event_id,
                version=version,
                sites=() if self.held else inner.ei_target.resource_ids or self.sites,
                ends=ends,
                cancels=cancels,
                wants_answer=answered,
                silence=self.silence,
            )
        )

    def _take(self, turn: Turn) -> None:
        self.vtn.take(turn)
        for fact in turn.facts:
            if isinstance(fact, Told) and fact.accepted == OK and fact.code == OK:
                self.write(
                    Answered(
                        at=self.true.now(),
                        event=fact.event_id,
                        version=fact.version,
                        opt="in" if fact.opt is wire.OptType.OPT_IN else "out",
                        delivery=self._delivery(fact),
                    )
                )

    def _delivery(self, fact: Told) -> str:
        """Name the sending that an answer is to: the n-th answer is to the n-th, while there are so many."""
        key = (fact.request_id, fact.event_id, fact.version)
        self.answered[key] += 1
        return f"{fact.request_id} {min(self.answered[key], self.sent[fact.request_id])}"
