"""The store on SQLite: jobs of the pipeline on the one writer and on the readers, and the alarm for corrupt rows."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Final, Self, TypeVar

import structlog
from sqlalchemy import Connection, select

from gateway.database.database import Database
from gateway.domain.errors import GatewayError, StoreError
from gateway.domain.fence import Fence
from gateway.domain.points import Step
from gateway.observability.standing import StoreFigures
from gateway.pipeline.ports import Work
from gateway.pipeline.records import StoreIdentity
from gateway.store import intents, opting, outbox, participations, plans, sessions, timers
from gateway.store.figures import figures
from gateway.store.identity import (
    begin_start,
    end_recovery,
    fence_off,
    raise_epoch,
    refuse_fenced,
)
from gateway.store.row import table_of
from gateway.store.transaction import QuarantineRow, Suspect, Transaction
from gateway.store.work import SqlWork

T = TypeVar("T")

log = structlog.get_logger()

_ASIDE: Final = select(table_of(QuarantineRow)).order_by(table_of(QuarantineRow).c.id)
_AT_STAKE: Final = (
    (timers.GUARD, timers.ALL),
    (plans.GUARD, plans.ALL),
    (sessions.GUARD, sessions.ALL),
    (sessions.PART_GUARD, sessions.ALL_PARTS),
    (participations.GUARD, participations.ALL_PENDING),
    (opting.GUARD, opting.ALL),
    (opting.APART_GUARD, opting.ALL_APART),
    (intents.GUARD, intents.ALL_LIVE),
    (outbox.GUARD, outbox.LATEST),
)
"""Rows that may still lead to something being sent."""


def suspects(connection: Connection, identity: StoreIdentity) -> list[Suspect]:
    """Return every row that may still lead to something being sent and does not fit its digest."""
    found: list[Suspect] = []
    transaction = Transaction(connection, identity, writable=False, suspects=found)
    for guard, statement in _AT_STAKE:
        guard.sound(transaction, transaction.run(statement))
    return found


@dataclass(frozen=True, slots=True)
class SqliteStore:
    """See ``gateway.pipeline.ports.Store``; made by ``gateway.store.open.open_store``."""

    database: Database
    """Other components with tables in the same file write through it."""
    _identity: list[StoreIdentity]

    @property
    def identity(self) -> StoreIdentity:
        """Who this store is."""
        return self._identity[0]

    async def write(self, job: Callable[[Work], T], step: Step = Step.OTHER) -> T:
        """Run ``job`` in one transaction; return after it is durable.

        A caller that is cancelled while it waits does not know the outcome: the job runs all the same.

        Raises:
            StoreError: the store is busy, full, broken or fenced off; nothing of ``job`` remains.
        """
        return await self._run(job, partial(self.database.write, step=step), writable=True)

    async def read(self, job: Callable[[Work], T]) -> T:
        """Run ``job`` on a snapshot that cannot write; a job that tries gets ``StoreError`` READ_ONLY."""
        return await self._run(job, self.database.read, writable=False)

    async def _run(
        self,
        job: Callable[[Work], T],
        run: Callable[[Callable[[Connection], T]], Awaitable[T]],
        *,
        writable: bool,
    ) -> T:
        suspects: list[Suspect] = []

        def act(connection: Connection) -> T:
            if writable:
                # Inside the transaction: what waited in the queue while another gateway took over is refused too.
                refuse_fenced(self.identity)
            work = SqlWork(Transaction(connection, self.identity, writable, suspects))
            value = job(work)
            work.finish()
            return value

        try:
            value = await run(act)
        except GatewayError:
            await self._alarm(suspects)
            raise
        await self._alarm(suspects)
        return value

    async def _alarm(self, suspects: Sequence[Suspect]) -> None:
        """Keep copies of corrupt rows, for good, and say so once per finding."""
        if not suspects:
            return

        def keep(connection: Connection) -> None:
            transaction = Transaction(connection, self.identity, writable=True)
            for suspect in suspects:
                transaction.keep(suspect)

        for suspect in suspects:
            log.error("row_corrupt", table=suspect.table, row=suspect.key)
        try:
            await self.database.write(keep, Step.OTHER)
        except StoreError as error:
            log.error("row_not_set_aside", reason=error.reason)

    async def look_over(self) -> int:
        """Check the digests of all rows that may still lead to something being sent; return how many do not fit."""
        found = await self.database.read(lambda connection: suspects(connection, self.identity))
        await self._alarm(found)
        return len(found)

    async def figures(self, now: datetime) -> StoreFigures:
        """Return counts and ages for the metrics."""
        return await self.database.read(lambda connection: figures(connection, now))

    async def quarantined(self) -> tuple[Suspect, ...]:
        """Return every row that was ever found corrupt, oldest finding first."""

        def read(connection: Connection) -> tuple[Suspect, ...]:
            return tuple(
                Suspect(table=row.found_in, key=row.row_key, content=row.content)
                for row in connection.execute(_ASIDE)
            )

        return await self.database.read(read)

    async def raise_epoch(self, above: int = 0) -> StoreIdentity:
        """Begin a new epoch, after a restore, promotion or copy; see ``gateway.store.identity.raise_epoch``."""
        raised = await self.database.write(
            lambda connection: raise_epoch(connection, above), Step.OTHER
        )
        self._identity[0] = raised
        return raised

    async def begin_start(self, instance: str) -> StoreIdentity:
        """Count one more start of a gateway.

        Raises:
            FencedError: ``FENCED`` when a gateway on a copy goes on with this store.
        """
        begun = await self.database.write(
            lambda connection: begin_start(connection, instance), Step.OPENING
        )
        self._identity[0] = begun
        return begun

    async def end_recovery(self) -> None:
        """Write down that what happened after the restored backup is known now."""
        self._identity[0] = await self.database.write(end_recovery, Step.OTHER)

    async def fence_off(self, by: Fence) -> None:
        """Refuse every write from now on, over restarts too: a gateway on a copy of this store goes on."""
        told = f"{by.epoch}:{by.start}:{by.instance}"
        self._identity[0] = replace(self.identity, fenced_by=told)
        await self.database.write(lambda connection: fence_off(connection, by), Step.OTHER)

    async def close(self) -> None:
        """Finish what waits and let go of the file."""
        await self.database.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
