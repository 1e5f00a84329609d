"""Gateways with a wrong memory."""

import json
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from sqlalchemy import Connection

from conformance.mutants.altered import Alter, Exchanged, Group
from conformance.story.inline import InlineDatabase, open_in
from gateway.app.bootstrap import Gateway, Wiring
from gateway.config.load import Loaded
from gateway.domain.answers import TelemetryBatch
from gateway.domain.event import EventKey, GridEvent, RawMessage
from gateway.domain.names import SiteId, UtilityName
from gateway.domain.participation import Participation
from gateway.domain.points import Step, Watch
from gateway.domain.ports import Ids
from gateway.pipeline.ports import OutboxItem, Seen, Timer, Work
from gateway.store.sqlite_store import SqliteStore

T = TypeVar("T")


class _EarlyDatabase(InlineDatabase):
    """Commits a transaction when the next one begins, long after its callers were told."""

    _open: ExitStack | None = None

    async def write(self, job: Callable[[Connection], T], step: Step = Step.OTHER) -> T:
        """Run a job and say that it is done; it is not durable yet."""
        self._commit()
        self._open = ExitStack()
        self._open.enter_context(self._connection.begin())
        for phase in ("begun", "ran"):
            self._at(f"{step}.{phase}")
        value = job(self._connection)
        for phase in ("committed", "told"):
            self._at(f"{step}.{phase}")
        return value

    async def read(self, job: Callable[[Connection], T]) -> T:
        """Read what was written, durable or not."""
        return await super().read(job) if self._open is None else job(self._connection)

    async def close(self) -> None:
        """Commit what is left."""
        self._commit()
        await super().close()

    def _commit(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None


def answer_before_commit(loaded: Loaded, wiring: Wiring) -> Gateway:
    """Make a gateway that says yes before it remembers."""

    async def opened(url: str, ids: Ids, watch: Watch) -> SqliteStore:
        return await open_in(_EarlyDatabase, url, ids, watch)

    return Gateway(loaded, replace(wiring, store=opened))


class _Inbox(Group):
    def newest(self, key: EventKey) -> None:
        """Know nothing."""
        del key

    def remember(self, event: GridEvent, raw: RawMessage) -> Seen:
        """Take everything for new."""
        self.work.events.remember(event, raw)
        return Seen.NEW


class _Meters(Group):
    def add(self, site: SiteId, batch: TelemetryBatch, received_at: datetime) -> Seen:
        """Store a batch again under another name when it is known."""
        telemetry = self.work.telemetry
        while telemetry.add(site, batch, received_at) is not Seen.NEW:
            batch = batch.model_copy(update={"batch_id": f"{batch.batch_id}'"})
        return Seen.NEW


class _Strangers(Group):
    def state(self, utility: UtilityName) -> None:
        """Meet every utility for the first time."""
        del utility


def no_dedupe() -> Alter:
    """Recognise nothing: no event, no batch, no utility."""

    def alter(work: Work) -> Exchanged:
        return Exchanged(
            work,
            events=_Inbox(work, "events"),
            telemetry=_Meters(work, "telemetry"),
            sessions=_Strangers(work, "sessions"),
        )

    return alter


class _MemoryTimers:
    """Due dates that die with the process."""

    def __init__(self) -> None:
        self._timers: dict[str, Timer] = {}

    def set(self, timer: Timer) -> None:
        """Remember."""
        self._timers[timer.key] = timer

    def drop(self, key: str) -> None:
        """Forget."""
        self._timers.pop(key, None)

    def due(self, now: datetime, limit: int = 100) -> tuple[Timer, ...]:
        """Return what is due."""
        due = sorted((t for t in self._timers.values() if t.due_at <= now), key=lambda t: t.due_at)
        return tuple(due[:limit])

    def next_due(self) -> datetime | None:
        """Return the earliest due date."""
        return min((timer.due_at for timer in self._timers.values()), default=None)


def in_memory_timers() -> Alter:
    """Keep timers in memory, for one life."""
    timers = _MemoryTimers()
    return lambda work: Exchanged(work, timers=timers)


class _Blind(Group):
    def after(
        self, site: SiteId, sequence: int, limit: int, kind: str | None = None
    ) -> tuple[OutboxItem, ...]:
        """Hand everything out as if it were never too late for it."""
        found = self.work.outbox.after(site, sequence, limit, kind)
        return tuple(replace(item, deliver_by=None) for item in found)


def retry_after_expiry() -> Alter:
    """Send for ever."""
    return lambda work: Exchanged(work, outbox=_Blind(work, "outbox"))


class _Hasty(Group):
    def put(self, utility: UtilityName, state: bytes) -> None:
        """Store that what is about to be sent was sent."""
        document = json.loads(state)
        document["state"]["outbox"] = []
        self.work.sessions.put(utility, json.dumps(document).encode())


def mark_before_send() -> Alter:
    """Forget a message before it is on its way."""
    return lambda work: Exchanged(work, sessions=_Hasty(work, "sessions"))


class _Forgetful(Group):
    def taken(self, participation: Participation) -> None:
        """Forget that the session has it."""
        del participation


def forget_taken() -> Alter:
    """Hand every answer to the session again at each start."""
    return lambda work: Exchanged(work, participations=_Forgetful(work, "participations"))
