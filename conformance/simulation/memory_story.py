"""The store in memory: events, intents, plans, answers and what is on its way (see ``gateway.pipeline.ports``)."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from conformance.simulation.state import Group
from gateway.domain.answers import Ack
from gateway.domain.errors import SessionError, StoreError
from gateway.domain.event import EventKey, GridEvent, RawMessage
from gateway.domain.guard import Move
from gateway.domain.identity import STEP
from gateway.domain.intent import ComputeFlexIntent
from gateway.domain.names import IntentId, SiteId, UtilityName
from gateway.domain.participation import Participation
from gateway.domain.plan import EffectivePlan
from gateway.intents.lifecycle import TERMINAL
from gateway.pipeline.records import (
    IntentRecord,
    OutboxItem,
    Seen,
)
from gateway.store.codec import model_bytes, read_model
from gateway.store.events import obligation


class Events(Group):
    """See ``gateway.pipeline.ports``."""

    def remember(self, event: GridEvent, raw: RawMessage) -> Seen:
        """Store one version of an event and, once per digest, its raw message."""
        self._writing()
        key = EventKey(utility=event.utility, event_id=event.event_id)
        version = (key, event.version, event.cancelled_at is not None)
        known = self._state.events.get(version)
        if known is None:
            self._state.events[version] = event
            self._state.raws.setdefault(raw.sha256, raw)
            return Seen.NEW
        if obligation(known) == obligation(event):
            return Seen.DUPLICATE
        others = self._state.contradictions.get(version, ())
        if obligation(event) not in map(obligation, others):
            self._state.contradictions[version] = (*others, event)
            self._state.raws.setdefault(raw.sha256, raw)
        return Seen.CONFLICT

    def keep(self, raw: RawMessage) -> None:
        """Store a raw message by itself, once per digest."""
        self._writing()
        self._state.raws.setdefault(raw.sha256, raw)

    def _newest(self) -> list[GridEvent]:
        newest: dict[EventKey, tuple[int, bool, GridEvent]] = {}
        for (key, version, cancelled), event in self._state.events.items():
            if key not in newest or newest[key][:2] < (version, cancelled):
                newest.pop(key, None)
                newest[key] = (version, cancelled, event)
        return [event for _, _, event in newest.values()]

    def newest(self, key: EventKey) -> GridEvent | None:
        """Return the highest version known."""
        for event in self._newest():
            if (event.utility, event.event_id) == (key.utility, key.event_id):
                return event
        return None

    def open(self, utility: UtilityName, now: datetime) -> tuple[GridEvent, ...]:
        """Return the newest version of every event neither cancelled nor over at ``now``."""
        return tuple(
            event
            for event in self._newest()
            if event.utility == utility
            and event.cancelled_at is None
            and (event.end is None or event.end > now)
        )

    def recent(self, limit: int) -> tuple[GridEvent, ...]:
        """Return the newest versions, latest received first."""
        ordered = sorted(self._newest(), key=lambda event: event.received_at)
        return tuple(ordered[::-1][:limit])

    def raw(self, sha256: str) -> RawMessage | None:
        """Return a raw message by its digest."""
        return self._state.raws.get(sha256)


class Intents(Group):
    """See ``gateway.pipeline.ports``."""

    def get(self, intent_id: IntentId) -> IntentRecord | None:
        """Return the newest revision."""
        revisions = self._state.intents.get(intent_id)
        return revisions[max(revisions)] if revisions else None

    def put(self, record: IntentRecord) -> None:
        """Insert or replace; a revision lower than the stored one is refused (``StoreError`` STALE_REVISION)."""
        self._writing()
        revisions = self._state.intents.setdefault(IntentId(record.intent.id), {})
        if revisions and record.intent.revision < max(revisions):
            raise StoreError("STALE_REVISION", "an older revision")
        # Through the published form and back, as a row does.
        intent = read_model(ComputeFlexIntent, model_bytes(record.intent))
        revisions[record.intent.revision] = replace(record, intent=intent)

    def _newest(self) -> list[IntentRecord]:
        return [revisions[max(revisions)] for revisions in self._state.intents.values()]

    def of_event(self, key: EventKey) -> tuple[IntentRecord, ...]:
        """Return the siblings that one event made."""
        return tuple(record for record in self._newest() if record.event == key)

    def of_site(self, site: SiteId, *, live: bool = True) -> tuple[IntentRecord, ...]:
        """Return a site's intents, oldest first; ``live`` leaves out terminal states."""
        return tuple(
            record
            for record in self._newest()
            if record.intent.site == site and not (live and record.intent.status in TERMINAL)
        )


class Moves(Group):
    """See ``gateway.pipeline.ports``."""

    def of_intent(self, intent_id: IntentId) -> tuple[Move, ...]:
        """Return one intent's moves, oldest first."""
        return self._state.moves.get(intent_id, ())

    def of_site(self, site: SiteId, since: datetime) -> tuple[Move, ...]:
        """Return a site's moves whose event is not over, or was not at ``since``, oldest first."""
        return self._picked(lambda m: m.site == site and (m.over is None or m.over >= since))

    def ramping(self, since: datetime) -> tuple[Move, ...]:
        """Return the moves of all sites whose ramp ends after an instant, oldest first."""
        return self._picked(lambda m: m.ramp_until > since)

    def _picked(self, wanted: Callable[[Move], bool]) -> tuple[Move, ...]:
        found = [m for moves in self._state.moves.values() for m in moves if wanted(m)]
        return tuple(sorted(found, key=lambda m: (m.at, m.intent_id)))

    def replace(self, intent_id: IntentId, moves: Sequence[Move]) -> None:
        """Put these in the place of all moves of one intent."""
        self._writing()
        self._state.moves.pop(intent_id, None)
        if moves:
            self._state.moves[intent_id] = tuple(sorted(moves, key=lambda m: m.at))

    def forget(self, site: SiteId, before: datetime) -> None:
        """Remove a site's moves whose event was over before an instant."""
        self._writing()
        for intent_id, moves in list(self._state.moves.items()):
            kept = [m for m in moves if m.site != site or m.over is None or m.over >= before]
            self.replace(intent_id, kept)


class Outbox(Group):
    """See ``gateway.pipeline.ports``."""

    def next_sequence(self, site: SiteId) -> int:
        """Reserve the next place in a site's stream."""
        self._writing()
        floor = (self._work.identity.epoch - 1) * STEP
        self._state.sequences[site] = max(self._state.sequences.get(site, 0), floor) + 1
        return self._state.sequences[site]

    def add(self, item: OutboxItem) -> None:
        """Queue one document."""
        self._writing()
        items = self._state.outbox.setdefault(item.site, {})
        if item.sequence in items:
            raise StoreError("CONSTRAINT", "that place is taken")
        items[item.sequence] = item

    def after(
        self, site: SiteId, sequence: int, limit: int, kind: str | None = None
    ) -> tuple[OutboxItem, ...]:
        """Return what follows a cursor, oldest first, digest-checked."""
        items = self._state.outbox.get(site, {})
        found = [
            items[place]
            for place in sorted(items)
            if place > sequence and kind in {None, items[place].kind}
        ]
        return tuple(found[:limit])

    def newest_sequence(self, site: SiteId) -> int:
        """Return the highest sequence given out, 0 for none."""
        return self._state.sequences.get(site, 0)

    def oldest_sequence(self, site: SiteId) -> int:
        """Return the lowest sequence still kept, 0 for none."""
        return min(self._state.outbox.get(site, {}), default=0)

    def acknowledge(self, site: SiteId, subject: str, ack: Ack, at: datetime) -> Seen:
        """Mark one revision, and all lower ones of that subject, as seen by the site."""
        self._writing()
        items = self._state.outbox.get(site, {})
        mine = {place: item for place, item in items.items() if item.subject == subject}
        named = [item for item in mine.values() if item.revision == ack.revision]
        if not named:
            raise SessionError("NOT_FOUND", "never sent")
        known = self._state.ack_digests.get((site, subject, ack.revision))
        if known is not None:
            return Seen.DUPLICATE if known == ack.digest else Seen.CONFLICT
        self._state.ack_digests[site, subject, ack.revision] = ack.digest
        for place, item in mine.items():
            if item.revision <= ack.revision and item.acked_at is None:
                items[place] = replace(item, acked_at=at)
        return Seen.NEW if named[0].acked_at is None else Seen.DUPLICATE


class Plans(Group):
    """See ``gateway.pipeline.ports``."""

    def get(self, site: SiteId) -> EffectivePlan | None:
        """Return the newest plan, None before the first."""
        return self._state.plans.get(site)

    def put(self, plan: EffectivePlan) -> None:
        """Store a newer plan."""
        self._writing()
        site = SiteId(plan.site)
        known = self._state.plans.get(site)
        if known == plan:
            return
        if known is not None and plan.revision <= known.revision:
            raise StoreError("STALE_REVISION", "not newer")
        self._state.plans[site] = plan


class Participations(Group):
    """See ``gateway.pipeline.ports``."""

    def queue(self, participation: Participation) -> None:
        """Store an answer to be sent by the utility's session."""
        self._writing()
        self._state.answers.setdefault(participation, False)

    def pending(self, utility: UtilityName) -> tuple[Participation, ...]:
        """Return answers that no session has taken yet, oldest first."""
        return tuple(
            answer
            for answer, taken in self._state.answers.items()
            if not taken and answer.event.utility == utility
        )

    def taken(self, participation: Participation) -> None:
        """Mark as taken by the session, in the transaction that stores the session's state."""
        self._writing()
        if participation in self._state.answers:
            self._state.answers[participation] = True
