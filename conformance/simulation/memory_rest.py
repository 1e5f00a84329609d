"""The store in memory: timers, readings, log, statements, tokens, deliveries (see ``gateway.pipeline.ports``)."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from functools import lru_cache

from conformance.simulation.state import Group
from gateway.domain.answers import TelemetryBatch
from gateway.domain.canonical import canonical
from gateway.domain.errors import MisuseError, StoreError
from gateway.domain.names import IntentId, MeterId, SiteId, UtilityName
from gateway.domain.reading import Reading
from gateway.domain.settlement import SettlementStatement
from gateway.domain.timespan import Span
from gateway.pipeline.deliveries import Attempt, Delivery, Endpoint, Fate
from gateway.pipeline.ledger import OpenStatement
from gateway.pipeline.records import (
    LogEntry,
    OutboxItem,
    Seen,
    SiteStatus,
    Timer,
    TokenRecord,
)
from gateway.protocols.parts import State, joined
from gateway.settlement.merkle import leaf_hash
from gateway.settlement.records import LARGEST_RECORD, envelope
from gateway.store.codec import model_bytes
from gateway.telemetry.samples import readings_of


@lru_cache(maxsize=1 << 15)
def _leaf(record: bytes) -> bytes:
    return leaf_hash(record)


class Timers(Group):
    """See ``gateway.pipeline.ports``."""

    def set(self, timer: Timer) -> None:
        """Insert or move a timer."""
        self._writing()
        self._state.timers[timer.key] = timer

    def drop(self, key: str) -> None:
        """Remove a timer; unknown keys are fine."""
        self._writing()
        self._state.timers.pop(key, None)

    def due(self, now: datetime, limit: int = 100) -> tuple[Timer, ...]:
        """Return what is due, earliest first."""
        due = [timer for timer in self._state.timers.values() if timer.due_at <= now]
        return tuple(sorted(due, key=lambda timer: (timer.due_at, timer.key))[:limit])

    def next_due(self) -> datetime | None:
        """Return the earliest due date."""
        return min((timer.due_at for timer in self._state.timers.values()), default=None)


class Telemetry(Group):
    """See ``gateway.pipeline.ports``."""

    def add(self, site: SiteId, batch: TelemetryBatch, received_at: datetime) -> Seen:
        """Store a batch and its readings once per (site, batch id)."""
        del received_at
        self._writing()
        content = model_bytes(batch)
        known = self._state.batches.setdefault((site, batch.batch_id), content)
        if known is not content:
            return Seen.DUPLICATE if known == content else Seen.CONFLICT
        for reading in readings_of(batch):
            self._state.readings.append((site, replace(reading, flags=())))
        return Seen.NEW

    def readings(self, site: SiteId, meter: MeterId, span: Span) -> tuple[Reading, ...]:
        """Return stored readings that start in ``span``, by start, then by arrival."""
        found = [
            reading
            for owner, reading in self._state.readings
            if owner == site and reading.meter == meter and span.contains(reading.start)
        ]
        return tuple(sorted(found, key=lambda reading: reading.start))

    def metered(self, site: SiteId, meter: MeterId, span: Span) -> int:
        """Count the instants in ``span`` at which stored readings start."""
        return len({reading.start for reading in self.readings(site, meter, span)})

    def heard(self, status: SiteStatus) -> None:
        """Remember the newest heartbeat of a site."""
        self._writing()
        known = self._state.heard.get(status.site)
        if known is None or known.heard_at <= status.heard_at:
            self._state.heard[status.site] = status

    def status(self, site: SiteId) -> SiteStatus | None:
        """Return the newest heartbeat."""
        return self._state.heard.get(site)


class Sessions(Group):
    """See ``gateway.pipeline.ports``."""

    def state(self, utility: UtilityName) -> bytes | None:
        """Return the state, whole."""
        parts = {name: body for (of, name), body in self._state.parts.items() if of == utility}
        return self._state.sessions.get(utility, joined(parts) if parts else None)

    def put(self, utility: UtilityName, state: State) -> None:
        """Replace the state by a whole one, or take the parts of it that changed."""
        self._writing()
        if isinstance(state, bytes):
            for key in [key for key in self._state.parts if key[0] == utility]:
                del self._state.parts[key]
            self._state.sessions[utility] = state
            return
        self._state.sessions.pop(utility, None)
        for name, body in state.items():
            if body is None:
                self._state.parts.pop((utility, name), None)
            else:
                self._state.parts[utility, name] = body


class Log(Group):
    """See ``gateway.pipeline.ports``."""

    def append(self, kind: str, subject: str, document: Mapping[str, object], at: datetime) -> int:
        """Append one record in its envelope (``settlement.records``) and canonical form; return its index."""
        self._writing()
        seq = self._state.log_seqs.get((kind, subject), 0)
        record = canonical(envelope(kind, subject, document, seq=seq, at=at))
        if len(record) > LARGEST_RECORD:
            raise MisuseError("TOO_LARGE", "too large a record")
        self._state.log_seqs[kind, subject] = seq + 1
        index = len(self._state.log)
        entry = LogEntry(index=index, kind=kind, subject=subject, record=record)
        self._state.log.append((entry, at))
        return index

    def entries(
        self,
        *,
        kinds: tuple[str, ...] = (),
        subject: str | None = None,
        since: datetime | None = None,
    ) -> tuple[LogEntry, ...]:
        """Return records in order: of these kinds (empty: all), of one subject, logged at or after an instant."""
        return tuple(
            entry
            for entry, at in self._state.log
            if (not kinds or entry.kind in kinds)
            and subject in {None, entry.subject}
            and (since is None or at >= since)
        )

    def at(self, indexes: Collection[int]) -> tuple[LogEntry, ...]:
        """Return the records at these places, in order."""
        return tuple(entry for entry, _ in self._state.log if entry.index in indexes)

    def leaf_hashes(self, size: int) -> tuple[bytes, ...]:
        """Return the first ``size`` leaf hashes, for proofs."""
        return tuple(_leaf(entry.record) for entry, _ in self._state.log[:size])

    def size(self) -> int:
        """Return the number of records."""
        return len(self._state.log)


class Statements(Group):
    """See ``gateway.pipeline.ports``."""

    def put(self, statement: SettlementStatement) -> None:
        """Store one version."""
        self._writing()
        versions = self._state.statements.setdefault(statement.id, {})
        if versions and max(versions) >= statement.version:
            if versions.get(statement.version) == statement == versions[max(versions)]:
                return
            raise StoreError("STALE_REVISION", "make a newer one")
        versions[statement.version] = statement

    def get(self, statement_id: str, version: int | None = None) -> SettlementStatement | None:
        """Return one version; None: the newest."""
        versions = self._state.statements.get(statement_id)
        if not versions:
            return None
        return versions.get(max(versions) if version is None else version)

    def of_site(self, site: SiteId | None) -> tuple[SettlementStatement, ...]:
        """Return newest versions, oldest first; None: of all sites."""
        newest = [versions[max(versions)] for versions in self._state.statements.values()]
        mine = [one for one in newest if site in {None, one.site}]
        return tuple(sorted(mine, key=lambda one: (one.start, one.id)))


class OpenStatements(Group):
    """See ``gateway.pipeline.ledger``."""

    def put(self, statement: OpenStatement) -> None:
        """Insert or replace."""
        self._writing()
        self._state.open_statements[statement.intent] = statement

    def get(self, intent: IntentId) -> OpenStatement | None:
        """Return one."""
        return self._state.open_statements.get(intent)

    def over(self, site: SiteId, span: Span, now: datetime) -> tuple[OpenStatement, ...]:
        """Return those of a site that count what is metered in a span and are open at an instant, by intent id."""
        found = [one for _, one in sorted(self._state.open_statements.items())]
        return tuple(
            one for one in found if one.site == site and one.span.overlaps(span) and one.until > now
        )

    def close(self, intent: IntentId) -> None:
        """Remove one; unknown intents are fine."""
        self._writing()
        self._state.open_statements.pop(intent, None)

    def close_due(self, now: datetime) -> None:
        """Remove those whose time is over."""
        self._writing()
        known = self._state.open_statements
        for name in [name for name, one in known.items() if one.until <= now]:
            del known[name]


class Tokens(Group):
    """See ``gateway.pipeline.ports``."""

    def add(self, token: TokenRecord) -> None:
        """Store a new credential; the name is unique."""
        self._writing()
        if token.name in self._state.tokens or self.by_digest(token.sha256):
            raise StoreError("NAME_TAKEN", "in use")
        self._state.tokens[token.name] = token

    def by_digest(self, sha256: str) -> TokenRecord | None:
        """Find a credential by the digest of its secret."""
        for token in self._state.tokens.values():
            if token.sha256 == sha256:
                return token
        return None

    def all(self) -> tuple[TokenRecord, ...]:
        """List credentials, revoked ones too."""
        return tuple(sorted(self._state.tokens.values(), key=lambda t: (t.created_at, t.name)))

    def revoke(self, name: str, at: datetime) -> bool:
        """Revoke by name; False when unknown or revoked before."""
        self._writing()
        known = self._state.tokens.get(name)
        if known is None or known.revoked_at is not None:
            return False
        self._state.tokens[name] = replace(known, revoked_at=at)
        return True


class Deliveries(Group):
    """See ``gateway.pipeline.ports``."""

    def endpoint(self, site: SiteId, name: str) -> Endpoint | None:
        """Return what is known of an endpoint; a row that does not fit its digest counts as none, with an alarm."""
        return self._state.endpoints.get((site, name))

    def put_endpoint(self, endpoint: Endpoint) -> None:
        """Insert or replace."""
        self._writing()
        self._state.endpoints[endpoint.site, endpoint.name] = endpoint

    def get(self, site: SiteId, endpoint: str, sequence: int) -> Delivery | None:
        """Return one document's fate; None: never tried."""
        return self._state.deliveries.get((site, endpoint, sequence))

    def put(self, delivery: Delivery) -> None:
        """Insert or replace."""
        self._writing()
        key = (delivery.site, delivery.endpoint, delivery.sequence)
        self._state.deliveries[key] = delivery

    def aside(self, site: SiteId, endpoint: str) -> tuple[Delivery, ...]:
        """Return what waits beside the line, in order of the stream."""
        return self.listed(site=site, endpoint=endpoint, fates=(Fate.ASIDE,), limit=10**6)[::-1]

    def listed(
        self,
        *,
        site: SiteId | None = None,
        endpoint: str | None = None,
        fates: Collection[Fate] = (),
        limit: int = 100,
    ) -> tuple[Delivery, ...]:
        """Return documents' fates, newest in the stream first; empty ``fates``: all."""
        found = [
            one
            for one in self._state.deliveries.values()
            if site in {None, one.site}
            and endpoint in {None, one.endpoint}
            and (not fates or one.fate in fates)
        ]
        ordered = sorted(found, key=lambda one: (-one.sequence, one.site, one.endpoint))
        return tuple(ordered[:limit])

    def delivered(self, site: SiteId, endpoint: str, after: int) -> tuple[Delivery, ...]:
        """Return what was delivered after a place of the stream."""
        found = self.listed(site=site, endpoint=endpoint, fates=(Fate.DELIVERED,), limit=10**6)
        return tuple(one for one in found if one.sequence > after)

    def superseded(self, item: OutboxItem) -> bool:
        """Say whether a newer revision of the same subject was queued."""
        others = self._state.outbox.get(item.site, {}).values()
        mine = (item.kind, item.subject)
        return any((o.kind, o.subject) == mine and o.revision > item.revision for o in others)

    def overdue(
        self, site: SiteId, endpoint: str, cursor: int, now: datetime
    ) -> tuple[OutboxItem, ...]:
        """Return unsettled documents behind a cursor whose ``deliver_by`` has passed, a hundred at most."""
        items = self._state.outbox.get(site, {})
        late = [items[place] for place in sorted(items) if place > cursor]
        late = [item for item in late if item.deliver_by is not None and item.deliver_by < now]
        fates = {item.sequence: self.get(site, endpoint, item.sequence) for item in late}
        open_ = {place for place, one in fates.items() if not one or one.fate is Fate.WAITING}
        return tuple(item for item in late if item.sequence in open_)[:100]

    def next_deadline(self, site: SiteId, cursor: int, now: datetime) -> datetime | None:
        """Return the next ``deliver_by`` behind a cursor."""
        items = self._state.outbox.get(site, {}).values()
        deadlines = [i.deliver_by for i in items if i.deliver_by and i.sequence > cursor]
        return min((at for at in deadlines if at >= now), default=None)

    def begin(self, attempt: Attempt) -> int:
        """Write down that an attempt is about to be made; return its number."""
        self._writing()
        number = len(self._state.attempts) + 1
        self._state.attempts[number] = replace(attempt, number=number)
        return number

    def end(self, attempt: Attempt) -> None:
        """Complete it, by its number."""
        self._writing()
        self._state.attempts[attempt.number] = attempt

    def attempts(
        self, site: SiteId, endpoint: str, *, before: int | None = None, limit: int = 100
    ) -> tuple[Attempt, ...]:
        """Return attempts, newest first; ``before``: older than this number."""
        found = [
            one
            for number, one in reversed(self._state.attempts.items())
            if (one.site, one.endpoint) == (site, endpoint) and (not before or number < before)
        ]
        return tuple(found[:limit])
