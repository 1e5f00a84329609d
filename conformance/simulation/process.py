"""One life of a gateway's process: the real pipeline, session and timers over a store that outlives it."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import timedelta
from types import TracebackType
from typing import Final, TypeVar

from conformance.simulation.cast import TERMS, UTILITY, program, scope, site
from conformance.simulation.host import HostClock
from conformance.simulation.memory import MemoryStore
from gateway.app.ids import SeededChance, SeededIds, seeded_key
from gateway.app.supervisor import keep
from gateway.domain.errors import StoreError, TransportError
from gateway.domain.names import SiteId
from gateway.domain.participation import Participation
from gateway.domain.points import Step
from gateway.northbound.driver import Driver
from gateway.northbound.ports import Exchange
from gateway.pipeline.book import Book, Office
from gateway.pipeline.desk import Bell
from gateway.pipeline.feedback import Feedback
from gateway.pipeline.inbound import Inbound
from gateway.pipeline.keys import last_stored
from gateway.pipeline.measure import Measure
from gateway.pipeline.ports import Work
from gateway.pipeline.prove import Prover
from gateway.pipeline.records import OutboxItem
from gateway.pipeline.settle import agree
from gateway.pipeline.timetable import Timetable
from gateway.pipeline.turn import Turn
from gateway.protocols.entry import Tools
from gateway.protocols.oadr2b.entry import PROTOCOL
from gateway.settlement.heads import LogKey
from gateway.transport.schemas import load_oadr20b_schema

T = TypeVar("T")

HEAD_EVERY: Final = timedelta(hours=1)
SCHEMA: Final = load_oadr20b_schema()
OPTIONS: Final = PROTOCOL.read_options({"ven_name": "sim", "query_first": False})
LOG_KEY: Final = LogKey(public=b"p" * 32, sign=lambda data: data[:32].ljust(64, b"s"))
"""Signing is not what this run is about."""


class WordSigner:
    """Signs with a word."""

    kid = "sim"

    def detached(self, payload: bytes) -> str:
        """Return something in the form of a detached signature."""
        return f"signed..{len(payload)}"

    def key_set(self) -> dict[str, object]:
        """Return no keys."""
        return {"keys": []}


class FaultyStore:
    """One process's way to the store: calls may be refused, carried out or not, and may be its last.

    Args:
        inner: What is committed.
        fault: Says before each write what becomes of it: ``""``, ``busy``, ``before`` or ``after`` (the process ends
            there).
        ended: Tells that the process is to end now, and never returns.
    """

    def __init__(
        self,
        inner: MemoryStore,
        fault: Callable[[Step], str],
        ended: Callable[[], Awaitable[None]],
    ) -> None:
        self._inner = inner
        self._fault = fault
        self._ended = ended

    async def write(self, job: Callable[[Work], T], step: Step = Step.OTHER) -> T:
        """Run a job in one transaction."""
        fault = self._fault(step)
        if fault == "busy":
            raise StoreError("BUSY", "drawn")
        if fault == "before":
            await self._ended()
        value = await self._inner.write(job, step)
        if fault == "after":
            await self._ended()
        return value

    async def read(self, job: Callable[[Work], T]) -> T:
        """Run a job that reads."""
        return await self._inner.read(job)


class _Witness(AbstractContextManager[None]):
    """Sees how a task ends, and changes nothing.

    Args:
        name: Of the task.
        crashed: Told of a bug.
    """

    def __init__(self, name: str, crashed: Callable[[str, BaseException], None]) -> None:
        self._name = name
        self._crashed = crashed

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Look at what ended it."""
        if error is not None and not isinstance(error, asyncio.CancelledError):
            self._crashed(self._name, error)


@dataclass(kw_only=True)
class Surroundings:
    """What outlives a process, and what it reaches the world by."""

    seed: int
    sites: tuple[str, ...]
    store: MemoryStore
    bell: Bell
    exchange: Exchange
    fault: Callable[[Step], str]
    """Of the store."""
    crashed: Callable[[str, BaseException], None]
    """Told when a task fails by a bug."""
    make_timetable: Callable[[Office], Timetable] = Timetable
    make_inbound: Callable[[Office], Inbound] = Inbound


@dataclass
class Process:
    """One life.

    Args:
        around: What is there before and after it.
        clock: Its clock.
        number: Which life this is.
        ending: Called from within when it must end at once.
    """

    around: Surroundings
    clock: HostClock
    number: int
    ending: Callable[[], Awaitable[None]]
    dead: bool = False
    _tasks: dict["asyncio.Task[object]", None] = field(default_factory=dict)
    """In order: a set's order is chance."""
    _driver: Driver | None = None
    _timetable: Timetable | None = None

    def __post_init__(self) -> None:
        around = self.around
        store = FaultyStore(around.store, around.fault, self.ending)
        drawn = program(around.sites)
        book = Book(
            sites={SiteId(name): site(name) for name in around.sites},
            programs={(UTILITY, drawn.name): drawn},
            terms={SiteId(name): TERMS for name in around.sites},
            installation_key=seeded_key(around.seed, "installation"),
            source="urn:sim",
            software="gridgate sim",
        )
        self.office = Office(
            book=book,
            store=store,
            clock=self.clock,
            signer=WordSigner(),
            log_key=LOG_KEY,
            bell=around.bell,
            decided=self._decided,
            timers_changed=self._look_again,
        )
        self.desk = Feedback(self.office)

    def _decided(self, decision: Participation) -> None:
        if self._driver is not None:
            self._driver.decide(decision)

    def _look_again(self) -> None:
        if self._timetable is not None:
            self._timetable.changed()

    def start(self) -> None:
        """Begin to live."""
        self._spawn(self._live(), "gateway")

    async def _live(self) -> None:
        with self.clock.held():
            office = self.office
            last = await office.store.read(last_stored)
            if last is not None:
                self.clock.not_before(last)
            now = self.clock.now()

            def job(work: Work) -> None:
                agree(Turn(work=work, book=office.book, signer=office.signer, now=now))

            await self._insist(lambda: office.store.write(job, Step.AGREE))
            self._timetable = self.around.make_timetable(office)
            for name, start in (
                ("timetable", self._timetable.run),
                ("session", self._drive),
                ("heads", self._heads),
            ):
                self._spawn(self._kept(name, start), name)

    async def _insist(self, act: Callable[[], Awaitable[object]]) -> None:
        while True:
            try:
                await act()
            except StoreError:
                await self.clock.sleep_until(self.clock.now() + timedelta(seconds=1))
            else:
                return

    async def _kept(self, name: str, start: Callable[[], Awaitable[None]]) -> None:
        async def watched() -> None:
            with _Witness(name, self.around.crashed):
                await start()

        await keep(name, watched, self.clock)

    async def _drive(self) -> None:
        around, office = self.around, self.office
        with self.clock.held():
            state = await office.store.read(lambda work: work.sessions.state(UTILITY))
        name = f"gateway {self.number}"
        tools = Tools(
            chance=SeededChance(around.seed, name), ids=SeededIds(around.seed, name), schema=SCHEMA
        )
        session = PROTOCOL.session(OPTIONS, scope(around.sites), tools, state)
        self._driver = Driver(
            UTILITY,
            session,
            around.exchange,
            around.make_inbound(office),
            Measure(office).collect,
            self.clock,
        )
        await self._driver.run()

    async def _heads(self) -> None:
        with self.clock.held():
            while True:
                await self.clock.sleep_until(self.clock.now() + HEAD_EVERY)
                await self._insist(Prover(self.office).head)

    async def call(self, act: Callable[[], Awaitable[T]]) -> T:
        """Carry out a site's request under the site's token.

        Raises:
            TransportError: the process ended meanwhile.
            SessionError: as the desk says.
            StoreError: as the store says.
        """
        if self.dead:
            raise TransportError("CONNECT", "the gateway is down")

        async def carried() -> T:
            return await act()

        task = asyncio.create_task(carried())
        self._tasks[task] = None
        await asyncio.wait({task})
        self._tasks.pop(task, None)
        if task.cancelled():
            raise TransportError("BROKEN", "the gateway went down")
        return task.result()

    async def published(self, name: str, after: int) -> tuple[OutboxItem, ...]:
        """Return what a site's stream would carry now: each document looked at right before it is sent (R-OUT-1)."""

        def job(work: Work) -> tuple[OutboxItem, ...]:
            return work.outbox.after(SiteId(name), after, 1000)

        found = await self.office.store.read(job)
        now = self.clock.now()
        return tuple(item for item in found if item.deliver_by is None or now <= item.deliver_by)

    def _spawn(self, work: Awaitable[None], name: str) -> None:
        async def run() -> None:
            await work

        task: asyncio.Task[object] = asyncio.create_task(run(), name=f"{name} {self.number}")
        self._tasks[task] = None
        task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[object]") -> None:
        self._tasks.pop(task, None)
        if not task.cancelled():
            task.exception()  # looked at: the witness has told of it

    async def kill(self) -> None:
        """End it between two instructions: nothing is finished, nothing is told."""
        self.dead = True
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.clock.drain()
