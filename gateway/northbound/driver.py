"""One loop per utility: performs what the session asks, and never waits for a peer inside the loop.

Doors are called one after the other. Each ``Send`` and each ``Collect`` runs as a child task whose result comes back
through the mailbox, so a peer that hangs delays no wake-up. Before any ``Send`` of a list is performed, every ``Emit``
of that list and the session's state are committed in one transaction: nothing is acknowledged that is not remembered.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final, assert_never

import structlog

from gateway.domain.errors import GatewayError, StoreError, TransportError, first_of
from gateway.domain.names import UtilityName
from gateway.domain.opting import Decision
from gateway.domain.points import Watch, unwatched
from gateway.domain.ports import Clock, Mailbox
from gateway.northbound.health import Health
from gateway.northbound.items import (
    ANSWER_WITHIN,
    BROKEN,
    UNAVAILABLE,
    Asked,
    Failed,
    Item,
    Knock,
    Ordered,
    answered,
    dismiss,
    door,
    message_of,
    ordered,
    unreadable,
)
from gateway.northbound.memory import Memory
from gateway.northbound.notes import Notes
from gateway.northbound.ports import Exchange, Sink
from gateway.protocols.actions import (
    Action,
    Close,
    Collect,
    Emit,
    Fact,
    Failure,
    Message,
    Note,
    Readings,
    Received,
    Reply,
    Send,
    Wake,
)
from gateway.protocols.session import Session
from gateway.transport.heap import give_back

UNCHANGED: Final = b""
"""Instead of a session's state: what is stored of it stays."""
FULL_TRIES: Final = 30
"""Attempts to commit on a full disk before the session begins anew from what is stored."""
MOST_TAKEN: Final = 1000
"""Answers of which it is remembered that the session has them; far more than are ever on their way at once."""
DECIDED_AT_ONCE: Final = 100
"""Answers that a session takes in one turn and one transaction, when so many wait."""
STORE_BUSY_PAUSE: Final = timedelta(seconds=1)
"""Between attempts to commit while the store says busy or full; the utility repeats what we do not acknowledge."""

MOST_ASKED: Final = 16
"""Requests of a utility that wait for their answer at a time; more are told to come back later."""
OFF_LOOP_BYTES: Final = 64 << 10
"""A larger answer is thought about on a worker thread, so that no input occupies the loop."""
OFF_LOOP_DECISIONS: Final = 8
"""More of them at once are too."""

log = structlog.get_logger()


@dataclass
class Driver:
    """Keeps one session going until it closes or the task is cancelled.

    Args:
        utility: Name for logs, state and mailbox.
        session: The protocol's client.
        exchange: Network of this utility.
        sink: The pipeline's first door.
        collect: The pipeline's source of readings.
        clock: Time.
        watch: Is told the points that the session passes.
        notes: Hears what the session tells its log.
        first: The order that begins a session anew which had closed.
    """

    utility: UtilityName
    session: Session
    exchange: Exchange
    sink: Sink
    collect: Callable[[Collect], Awaitable[Readings]]
    clock: Clock
    health: Health = field(default_factory=Health)
    watch: Watch = unwatched
    notes: Notes = field(default_factory=Notes)
    first: Ordered | None = None
    _mailbox: Mailbox[Item] = field(init=False)
    _wake_at: datetime | None = field(default=None, init=False)
    _memory: Memory = field(init=False)
    _ended: bool = field(default=False, init=False)
    _waiting: deque[Item] = field(default_factory=deque, init=False)
    """Came in while the store was busy."""
    _taken: deque[Decision] = field(default_factory=lambda: deque(maxlen=MOST_TAKEN), init=False)
    _asked: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self._mailbox = self.clock.mailbox()
        self._memory = Memory(self.session)

    def decide(self, decision: Decision) -> None:
        """Hand the session a decision; it is already stored, so a crash before it is taken loses nothing."""
        if not self._ended:
            self._mailbox.put(decision)

    async def ask(self, message: Message) -> Reply:
        """Let the session answer a request of the utility; everything that follows from it is stored before.

        The caller holds a token of the clock. Never fails: a session that has no answer now says so by the status.
        """
        if self._ended or self._asked >= MOST_ASKED:
            return UNAVAILABLE
        asked = Asked(message, self.clock.mailbox())
        self._asked += 1
        try:
            self._mailbox.put(asked)
            return await asked.wait(self.clock.now() + ANSWER_WITHIN)
        finally:
            self._asked -= 1

    def order(self, wanted: Ordered) -> None:
        """Have the session do what an operator orders; it ends once everything that follows from it is stored."""
        if self._ended:
            dismiss(wanted, UNAVAILABLE)
        else:
            self._mailbox.put(wanted)

    async def run(self) -> None:
        """Drive until the session closes.

        Raises:
            StoreError: the store can no longer be trusted; the process must stop.
        """
        with self.clock.held():
            try:
                async with asyncio.TaskGroup() as children:
                    await self._drive(children)
            except BaseExceptionGroup as group:
                # A broken store shows in several children at once; one of them says it all.
                raise first_of(group, StoreError) or group from None
            finally:
                self._ended = True
                while len(self._mailbox):  # it holds a token, and nobody else would take it
                    self._waiting.extend(filter(None, [await self._mailbox.get()]))
                for item in self._waiting:
                    dismiss(item, UNAVAILABLE)

    async def _drive(self, children: asyncio.TaskGroup) -> None:
        structlog.contextvars.bind_contextvars(utility=self.utility)
        await self._take(self.first, children)
        await self._look(children)
        while not self.health.closed:
            item = self._waiting.popleft() if self._waiting else await self._next()
            if item is None:
                await self._look(children)
            if isinstance(item, Decision):
                await self._decided(await self._others_too(item), children)
            elif not self.health.closed:
                await self._take(item, children)

    async def _next(self) -> Item | None:
        return await self._mailbox.get(until=self._wake_at)

    async def _look(self, children: asyncio.TaskGroup) -> None:
        """Take answers that nobody handed over: a crash, or a commit whose outcome was unknown, lay between."""
        await self._decided(await self._pending(), children)

    async def _pending(self) -> Sequence[Decision]:
        try:
            return await self.sink.pending(self.utility)
        except StoreError as error:
            if not error.passing:
                raise
            return ()  # they stay where they are until the next wake

    async def _others_too(self, first: Decision) -> Sequence[Decision]:
        """Return an answer and those that wait right behind it: together they cost one transaction."""
        found = [first]
        while len(found) < DECIDED_AT_ONCE and (self._waiting or len(self._mailbox)):
            item = self._waiting.popleft() if self._waiting else await self._next()
            if not isinstance(item, Decision):
                if item is not None:
                    self._waiting.appendleft(item)
                break
            found.append(item)
        return found

    async def _decided(self, decisions: Sequence[Decision], children: asyncio.TaskGroup) -> None:
        """Hand answers to the session, but those that it has: found in the store before they were handed over."""
        fresh = [each for each in dict.fromkeys(decisions) if each not in self._taken]
        self._taken.extend(fresh)
        for start in range(0, len(fresh), DECIDED_AT_ONCE):
            part = fresh[start : start + DECIDED_AT_ONCE]
            if not await self._decide(part, children):
                for one in part:  # one of them is refused, and its neighbours are not
                    await self._decide((one,), children)

    async def _decide(self, decisions: Sequence[Decision], children: asyncio.TaskGroup) -> bool:
        """Return False, with nothing done, when the session refuses one of several answers."""
        try:
            take = partial(self.session.on_decisions, decisions, self.clock.now())
            crowd = len(decisions) > OFF_LOOP_DECISIONS
            actions = await asyncio.to_thread(self._aside, take) if crowd else take()
        except GatewayError as error:
            if len(decisions) > 1:
                return False
            actions = self._refused(None, error)
        self.watch("door.decision")
        await self._perform(actions, children, decisions)
        return True

    async def _take(self, item: Knock | None, children: asyncio.TaskGroup) -> None:
        try:
            actions = await self._opened(item)
            self.watch(f"door.{door(item)}")
            await self._perform(actions, children, item=item)
            if isinstance(item, Ordered):
                item.end()
        finally:
            dismiss(item, BROKEN)  # if nothing was said till now, nothing will be

    async def _opened(self, item: Knock | None) -> Sequence[Action]:
        message = message_of(item)
        try:
            if message is not None and len(message.body) > OFF_LOOP_BYTES:
                return await asyncio.to_thread(self._aside, partial(self._knock, item))
            return self._knock(item)
        except GatewayError as error:
            return self._refused(item, error)

    def _aside(self, take: Callable[[], Sequence[Action]]) -> Sequence[Action]:
        """Open a door that takes long on a thread, and write the state there too; doors stay one after the other."""
        actions = take()
        give_back()
        self._memory.state()
        return actions

    def _knock(self, item: Knock | None) -> Sequence[Action]:
        now = self.clock.now()
        match item:
            case None:
                self._wake_at = None
                return self.session.on_time(now)
            case Message():
                actions = self.session.on_message(item, now)
                self.health.note(unreadable(actions), now, self.clock.elapsed_s())
                return actions
            case Asked(message):
                actions = self.session.on_message(message, now)
                if answered(actions):
                    self.health.note("", now, self.clock.elapsed_s())
                return actions
            case Failed(failure):
                self.health.note(failure.reason, now, self.clock.elapsed_s())
                return self.session.on_failure(failure, now)
            case Readings():
                return self.session.on_readings(item, now)
            case Ordered(order):
                return ordered(self.session, order, now)
            case unknown:
                assert_never(unknown)

    def _refused(self, item: Knock | None, error: GatewayError) -> Sequence[Action]:
        """Go on after a refusal: the session has not changed, and the peer is left to its next turn."""
        if isinstance(item, Ordered):
            item.end(error)
        log.warning("session_refused", reason=error.reason, detail=error.detail)
        if isinstance(item, Message) and item.request_id:
            failure = Failure(request_id=item.request_id, reason=error.reason)
            return self.session.on_failure(failure, self.clock.now())
        return self.session.on_time(self.clock.now())

    async def _perform(
        self,
        actions: Sequence[Action],
        children: asyncio.TaskGroup,
        taken: Sequence[Decision] = (),
        item: Knock | None = None,
    ) -> None:
        await self._remember(actions, taken)
        for action in actions:
            match action:
                case Emit() | Fact() | Received():
                    pass
                case Send():
                    children.create_task(
                        self._send(action), name=f"{self.utility} {action.service}"
                    )
                case Collect():
                    children.create_task(self._collect(action), name=f"{self.utility} collect")
                case Wake(at=at):
                    self._wake_at = at if self._wake_at is None else min(self._wake_at, at)
                case Note(word=word, fields=fields):
                    self.notes.take(word, fields, self.health)
                case Close(reason=reason):
                    self.health.closed = reason
                    log.error("session_closed", why=reason)
                case Reply():
                    self._reply(action, item)
                case unknown:
                    assert_never(unknown)

    def _reply(self, reply: Reply, item: Knock | None) -> None:
        if isinstance(item, Asked):
            item.answer(reply)
        else:
            log.error("reply_without_request", utility=self.utility)

    async def _remember(self, actions: Sequence[Action], taken: Sequence[Decision]) -> None:
        emits = [action for action in actions if isinstance(action, Emit)]
        state, changed = self._memory.state()
        kept = [action for action in actions if isinstance(action, Fact | Received)]
        if not (emits or taken or kept or changed):
            return
        refused = 0
        while True:
            try:
                await self.sink.accept(self.utility, emits, state, taken, kept)
            except StoreError as error:
                if not error.passing:
                    raise
                log.error("store_refused", reason=error.reason, detail=error.detail)
                refused += error.reason == "FULL"
                if refused == 1:
                    await self._take_back(emits)
                elif refused >= FULL_TRIES:
                    raise  # from what is stored, asked for and heard again, with what is cancelled meanwhile
                await self._pause(self.clock.now() + STORE_BUSY_PAUSE)
            else:
                self._memory.kept()
                return

    async def _take_back(self, emits: Sequence[Emit]) -> None:
        """While the disk is full, store at least what is cancelled; the session stays where it was."""
        gone = [
            replace(emit, events=cancelled)
            for emit in emits
            if (cancelled := tuple(e for e in emit.events if e.cancelled_at is not None))
        ]
        if not gone:
            return
        with contextlib.suppress(StoreError):  # full to the last byte: the next attempt is as good
            await self.sink.accept(self.utility, gone, UNCHANGED, ())

    async def _pause(self, until: datetime) -> None:
        """Wait; what comes in meanwhile has its turn later."""
        while (item := await self._mailbox.get(until=until)) is not None:
            self._waiting.append(item)

    async def _send(self, send: Send) -> None:
        with self.clock.held():
            try:
                self.watch(f"send.{send.service}.before")
                answer = await self.exchange(send)
                self.watch(f"send.{send.service}.after")
                self._mailbox.put(answer)
            except TransportError as error:
                log.warning("exchange_failed", service=send.service, reason=error.reason)
                failure = Failure(
                    request_id=send.request_id, reason=error.reason, retry_after=error.retry_after
                )
                self._mailbox.put(Failed(failure))

    async def _collect(self, wanted: Collect) -> None:
        with self.clock.held():
            while True:
                try:
                    self._mailbox.put(await self.collect(wanted))
                except StoreError as error:
                    if not error.passing:
                        raise
                    log.error("store_refused", reason=error.reason, detail=error.detail)
                    await self.clock.sleep_until(self.clock.now() + STORE_BUSY_PAUSE)
                else:
                    return
