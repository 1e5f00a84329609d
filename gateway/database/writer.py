"""The one writer: a thread that takes all waiting jobs, runs them in one transaction and flushes once (group commit).

    submit -> queue -> BEGIN IMMEDIATE
                         SAVEPOINT job / RELEASE       one per job: a job that fails is undone alone
                       COMMIT                          one flush for all
                    -> every caller is told            only now

A caller that is cancelled stops waiting; its job runs all the same (R-DUR-10). After an input/output error nothing is
written until a restart (R-DUR-9). The same thread is the only one that checkpoints (R-DUR-8).
"""

import asyncio
import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import structlog
from sqlalchemy import Connection

from gateway.database.ballast import ORDINARY, Ballast
from gateway.database.engine import driver
from gateway.database.failures import FINAL, WHOLE_TRANSACTION, DatabaseFailure, translated
from gateway.database.outcome import Outcome
from gateway.domain.errors import StoreError
from gateway.domain.points import Step, Watch, unwatched

T = TypeVar("T")
Job = Callable[[Connection], Any]

CHECKPOINT_ROWS: Final = 2000
"""Changed rows after which the log is copied into the file; some 4 to 8 MB of it."""
IDLE_S: Final = 1.0
"""Quiet time after which it is copied as well, in real seconds: it changes nothing that anybody can see."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much may wait, how much may share one flush, and how much may lie in the log before it is copied."""

    waiting: int = 2000
    group: int = 256
    checkpoint_rows: int = CHECKPOINT_ROWS
    patience_s: float = 30.0
    """How long a caller waits for its job to be durable, in real seconds; the job itself is never given up."""


@dataclass(slots=True)
class _Pending:
    job: Job
    step: Step
    told: asyncio.Future[Any]
    outcome: Outcome[Any] = field(default_factory=Outcome)


class Writer:
    """Runs jobs on the only connection that may write.

    Args:
        connect: Makes the connection; called on the writer's own thread.
        limits: Bounds.
        at: Told each point of every step in a transaction, see ``gateway.domain.points``.
    """

    def __init__(
        self,
        connect: Callable[[], Connection],
        *,
        limits: Limits | None = None,
        at: Watch = unwatched,
    ) -> None:
        self._connect = connect
        self._limits = limits or Limits()
        self._at = at
        self.ballast: Ballast | None = None
        """Given up when the disk is full."""
        self._loop = asyncio.get_running_loop()
        self._queue: queue.SimpleQueue[_Pending | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._opened: asyncio.Future[None] = self._loop.create_future()
        self._ended: asyncio.Future[None] = self._loop.create_future()
        self._refusal: StoreError | None = StoreError("CLOSED", "the store is not open")
        self._unflushed = 0
        self.commits = 0
        """Transactions made durable."""

    @property
    def waiting(self) -> int:
        """Jobs not begun."""
        return self._queue.qsize()

    @property
    def scarce(self) -> bool:
        """Say whether the disk was full and has not yet room enough again."""
        return self.ballast is not None and self.ballast.scarce

    @property
    def refusal(self) -> StoreError | None:
        """Why nothing may be written, None while everything is well."""
        return self._refusal

    async def open(self) -> None:
        """Start the thread and connect.

        Raises:
            StoreError: the file cannot be opened safely.
        """
        self._refusal = None
        self._thread.start()
        await asyncio.wait((self._opened,))
        if self._opened.exception() is not None:
            # The thread's last word: the caller may close the loop right after the error.
            await self._ended
        self._opened.result()

    async def run(self, job: Callable[[Connection], T], step: Step = Step.OTHER) -> T:
        """Run a job and return its value once it is durable.

        Raises:
            StoreError: ``BUSY`` when too many wait, ``FULL``, ``FLUSH_FAILED``, ``CORRUPT``, ``CLOSED``,
                ``CONSTRAINT``; nothing of the job remains. ``UNKNOWN_OUTCOME`` when the disk takes too long: the job
                has run or will, so the same work is asked for again and finds by its key what was done (R-DUR-10).
        """
        if self._refusal is not None:
            raise StoreError(self._refusal.reason, self._refusal.detail)
        if self.scarce and step in ORDINARY:
            raise StoreError(
                "FULL", "the disk is full: only what may not wait is stored; make room"
            )
        if self._queue.qsize() >= self._limits.waiting:
            raise StoreError("BUSY", f"{self._limits.waiting} writes wait already; try again later")
        pending = _Pending(job, step, self._loop.create_future())
        self._queue.put(pending)
        try:
            await asyncio.wait((pending.told,), timeout=self._limits.patience_s)
        finally:
            if not pending.told.done():  # out of patience, or cancelled: nobody will hear of it
                pending.told.add_done_callback(_unheard)
        if not pending.told.done():
            slow = (
                f"the disk did not answer within {self._limits.patience_s:g} s; it may be done yet"
            )
            raise StoreError("UNKNOWN_OUTCOME", slow)
        value: T = pending.told.result()
        return value

    async def close(self) -> None:
        """Finish what waits, copy the log into the file and end the thread."""
        if self._refusal is None:
            self._refusal = StoreError("CLOSED", "the store was closed")
        self._queue.put(None)
        await asyncio.shield(self._ended)

    # --- on the thread

    def _run(self) -> None:
        opening = Outcome[Connection]().of(self._connect)
        error = opening.error
        if isinstance(error, DatabaseFailure):
            error = translated(error)
        self._call(self._tell_opened, error)
        connection = opening.value
        if connection is not None:
            serving = Outcome[None]().of(lambda: self._serve(connection))
            if serving.error is not None:  # a fault of ours: nobody may wait for ever
                self._refuse(
                    StoreError("BROKEN", f"the writer stopped: {serving.error!r}; restart")
                )
            self._refuse_waiting()
            Outcome[None]().of(connection.close)
        self._call(self._tell_ended)

    def _serve(self, connection: Connection) -> None:
        while group := self._next_group(connection):
            ends = group[-1] is None
            jobs = [pending for pending in group if pending is not None]
            if jobs:
                self._perform(connection, jobs)
            if ends:
                break
        if self._refusal is None or self._refusal.reason == "CLOSED":
            self._checkpoint(connection, "TRUNCATE")

    def _next_group(self, connection: Connection) -> list[_Pending | None]:
        group: list[_Pending | None] = [self._wait(connection)]
        while group[-1] is not None and len(group) < self._limits.group:
            try:
                group.append(self._queue.get_nowait())
            except queue.Empty:
                break
        return group

    def _wait(self, connection: Connection) -> _Pending | None:
        if self._unflushed:
            try:
                return self._queue.get(timeout=IDLE_S)
            except queue.Empty:
                self._checkpoint(connection, "PASSIVE")
        while self.ballast is not None and self.ballast.scarce:
            try:
                return self._queue.get(timeout=IDLE_S)
            except queue.Empty:
                self.ballast.look(self._loop.time())
        return self._queue.get()

    def _perform(self, connection: Connection, group: Sequence[_Pending]) -> None:
        changed = driver(connection).total_changes
        whole = Outcome[None]().of(lambda: self._transact(connection, group))
        if whole.error is None:
            self.commits += 1
        else:
            self._fail(group, _failure(whole.error))
        if self.ballast is not None:
            self.ballast.look(self._loop.time())
        self._call(_tell, group)
        self._pass(group, "told")
        self._unflushed += driver(connection).total_changes - changed
        if self._unflushed >= self._limits.checkpoint_rows:
            self._checkpoint(connection, "PASSIVE")

    def _transact(self, connection: Connection, group: Sequence[_Pending]) -> None:
        if self._refusal is not None and self._refusal.reason != "CLOSED":
            raise self._refusal
        with connection.begin():
            self._pass(group, "begun")
            for pending in group:
                self._attempt(connection, pending)
            self._pass(group, "ran")
        self._pass(group, "committed")

    def _pass(self, group: Sequence[_Pending], phase: str) -> None:
        """Tell the point of every step in a group, once each."""
        for step in dict.fromkeys(pending.step for pending in group):
            self._at(f"{step}.{phase}")

    def _attempt(self, connection: Connection, pending: _Pending) -> None:
        """Run one job in a savepoint; raise only what undoes the whole transaction."""
        raw = driver(connection)
        raw.execute("SAVEPOINT job")
        outcome = pending.outcome.of(lambda: pending.job(connection))
        if isinstance(outcome.error, DatabaseFailure):
            outcome.error = translated(outcome.error)
        error = outcome.error
        undone = isinstance(error, StoreError) and error.reason in WHOLE_TRANSACTION
        if isinstance(error, StoreError) and (undone or not raw.in_transaction):
            raise error
        if error is not None:
            raw.execute("ROLLBACK TO job")
        raw.execute("RELEASE job")

    def _fail(self, group: Sequence[_Pending], error: StoreError) -> None:
        if error.reason == "FULL" and self.ballast is not None:
            self.ballast.give_up(self._loop.time())
        if error.reason in FINAL | {"BROKEN"}:
            self._refuse(error)
        log.error("store_write_failed", reason=error.reason, detail=error.detail, jobs=len(group))
        for pending in group:
            pending.outcome.error = StoreError(error.reason, error.detail)

    def _refuse(self, error: StoreError) -> None:
        self._refusal = error

    def _refuse_waiting(self) -> None:
        left = []
        while not self._queue.empty():
            pending = self._queue.get_nowait()
            if pending is not None:
                pending.outcome.error = self._refusal or StoreError(
                    "CLOSED", "the store was closed"
                )
                left.append(pending)
        self._call(_tell, left)

    def _checkpoint(self, connection: Connection, how: str) -> None:
        try:
            raw = driver(connection)
            found = raw.execute(f"PRAGMA wal_checkpoint({how})").fetchone()
        except DatabaseFailure as error:
            failure = translated(error)
            log.error("store_checkpoint_failed", reason=failure.reason, detail=failure.detail)
            # A flush that failed once may seem to succeed the next time, with the page lost.
            if failure.reason in FINAL:
                self._refuse(failure)
            elif failure.reason == "FULL" and self.ballast is not None:
                self.ballast.give_up(self._loop.time())
        else:
            blocked, pages, copied = found
            # A reader held it up: what remains is copied at the next turn.
            self._unflushed = 1 if blocked or copied < pages else 0

    def _call(self, tell: Callable[..., None], *what: object) -> None:
        try:
            self._loop.call_soon_threadsafe(tell, *what)
        except RuntimeError:  # the loop is closed: nobody is left to be told
            log.warning("store_loop_gone")

    # --- on the loop

    def _tell_opened(self, error: BaseException | None) -> None:
        if self._opened.done():
            return
        if error is None:
            self._opened.set_result(None)
        else:
            self._opened.set_exception(error)

    def _tell_ended(self) -> None:
        if not self._ended.done():
            self._ended.set_result(None)


def _failure(error: BaseException) -> StoreError:
    if isinstance(error, DatabaseFailure):
        return translated(error)
    if isinstance(error, StoreError):
        return error
    return StoreError("BROKEN", f"the writer stumbled: {error!r}; restart")  # a fault of ours


def _unheard(told: asyncio.Future[Any]) -> None:
    """Take an outcome that nobody waits for, so that it is not reported as forgotten."""
    if not told.cancelled():
        told.exception()


def _tell(group: Sequence[_Pending]) -> None:
    for pending in group:
        if pending.outcome.error is None:
            pending.told.set_result(pending.outcome.value)
        else:
            pending.told.set_exception(pending.outcome.error)
