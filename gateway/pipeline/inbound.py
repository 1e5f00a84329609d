"""An event comes in: remembered, made into intents, planned and queued, all in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.domain.event import GridEvent, RawMessage
from gateway.domain.names import UtilityName
from gateway.domain.participation import Participation
from gateway.pipeline.book import Office
from gateway.pipeline.ports import Seen, Work
from gateway.pipeline.turn import Turn
from gateway.protocols.actions import Emit


@dataclass(frozen=True, slots=True)
class Inbound:
    """The first door of the story; met by the drivers of every protocol."""

    office: Office

    async def accept(
        self,
        utility: UtilityName,
        emits: Sequence[Emit],
        state: bytes,
        taken: Sequence[Participation],
    ) -> None:
        """Take what a session brings; calling it twice with the same events changes nothing.

        Args:
            utility: Whose session.
            emits: New versions of events, each with the bytes it came in.
            state: The session's snapshot, stored in the same transaction.
            taken: Answers that the session has made its own.

        Raises:
            StoreError: nothing of it was stored; the session must not acknowledge.
        """
        now = self.office.clock.now()

        def job(work: Work) -> Turn:
            turn = Turn(work=work, book=self.office.book, signer=self.office.signer, now=now)
            for emit in emits:
                for event in emit.events:
                    _remember(turn, event, emit.raw)
            for participation in taken:
                work.participations.taken(participation)
            work.sessions.put(utility, state)
            return turn

        tell(self.office, await self.office.store.write(job))

    async def pending(self, utility: UtilityName) -> Sequence[Participation]:
        """Return answers that no session has taken yet; asked once at start."""
        return await self.office.store.read(lambda work: work.participations.pending(utility))


def _remember(turn: Turn, event: GridEvent, raw: RawMessage) -> None:
    seen = turn.work.events.remember(event, raw)
    document: dict[str, object] = {
        "utility": event.utility,
        "event_id": event.event_id,
        "version": event.version,
        "program": event.program,
        "raw_sha256": event.raw_sha256,
        "cancelled": event.cancelled_at is not None,
        "seen": seen.value,
    }
    if seen is Seen.DUPLICATE:
        return
    turn.log("event", event.event_id, document)
    if seen is Seen.NEW:
        turn.admit(event)


def tell(office: Office, turn: Turn) -> None:
    """After the commit: wake streams, sessions and the timetable."""
    for site in sorted(turn.touched):
        office.bell.ring(site)
    for decision in turn.decided:
        office.decided(decision)
    office.timers_changed()
