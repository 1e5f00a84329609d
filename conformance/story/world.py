"""The story in one process and virtual time; it can be stopped at any moment and go on from what a kill would leave."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final

from conformance.soak.history import (
    GATEWAY,
    Down,
    Found,
    Handed,
    Held,
    History,
    Mark,
    Said,
    Unsure,
    Up,
)
from conformance.story.cast import Cast
from conformance.story.inline import open_inline
from conformance.story.plot import END, PATIENCE, SITE, START, UNKNOWN_TIMER
from conformance.story.site import CountingSite, Memory
from conformance.story.utility import OADR20B
from gateway.app.bootstrap import Gateway, Wiring
from gateway.app.ids import SeededChance, SeededIds, seeded_key
from gateway.app.virtual import VirtualClock
from gateway.client.exchange import Exchange
from gateway.config.load import Loaded, load
from gateway.domain.errors import SessionError
from gateway.domain.names import SiteId
from gateway.domain.points import Step, Watch, unwatched
from gateway.pipeline.ports import Work
from gateway.settlement.records import IntentRecord as LoggedIntent
from gateway.settlement.records import logged
from gateway.southbound.parts import Pace
from gateway.southbound.tokens import create_token
from gateway.store.begun import SUFFIX

Making = Callable[[Loaded, Wiring], Gateway]
DATABASE: Final = "story.db"
SIDES: Final = ("", "-wal", SUFFIX)
"""Files of the store that a kill leaves."""
LEFT_BEHIND_AT: Final = START + timedelta(minutes=8)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """Everything that is left when the gateway dies at a point."""

    point: str
    at: datetime
    files: Mapping[str, bytes]
    turns: tuple[object, ...]
    done: int
    memory: Memory
    history: History

    @property
    def digest(self) -> bytes:
        """Say what is the same about two moments after which everything goes on alike."""
        found = hashlib.sha256(repr((self.at, len(self.turns), self.history)).encode())
        found.update(repr(self.memory).encode())
        for name in sorted(self.files):
            found.update(self.files[name])
        return found.digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a run went."""

    history: History
    outcome: Mapping[str, str]
    """Event -> what its intent ended as, with the payment where it was settled."""


@dataclass
class _Ear:
    """Passes points on as long as a life lasts: the web framework keeps handlers of servers that are long closed."""

    watch: Watch

    def __call__(self, point: str) -> None:
        self.watch(point)


@dataclass
class World:
    """One life of the gateway, from the beginning or from a moment on, to the end of the story.

    Args:
        folder: Empty; for files.
        name: Of this life; ids and chance are drawn by it.
        make: Makes the gateway.
        moment: Where it goes on; None: from the beginning.
        pause: How long the gateway is away after the moment.
        watch: Told each point.
        cast: The protocol in which the story is told.
    """

    folder: Path
    name: str
    make: Making = Gateway
    moment: Moment | None = None
    pause: timedelta = timedelta(seconds=20)
    watch: Watch = unwatched
    cast: Cast = OADR20B
    history: list[Mark] = field(default_factory=list)

    def __post_init__(self) -> None:
        moment = self.moment
        self._ear = _Ear(self.watch)
        self.clock = VirtualClock(moment.at if moment else START)
        self.memory = moment.memory.copy() if moment else Memory()
        if moment is not None:
            self.history += moment.history
            for side, content in moment.files.items():
                (self.folder / (DATABASE + side)).write_bytes(content)
        ids = SeededIds(1, f"utility {self.name}")
        past = moment.turns if moment else ()
        self.utility = self.cast.utility(self.clock, ids, self.history.append, past)
        self.utility.done = moment.done if moment else self.utility.done

    def stopped_at(self, point: str) -> Moment:
        """Return what would be left if the gateway died now."""
        database = self.folder / DATABASE
        paths = {side: database.with_name(database.name + side) for side in SIDES}
        return Moment(
            point=point,
            at=self.clock.now(),
            files={side: path.read_bytes() for side, path in paths.items() if path.exists()},
            turns=tuple(self.utility.turns),
            done=self.utility.done,
            memory=self.memory.copy(),
            history=tuple(self.history),
        )

    async def play(self) -> Ending:
        """Play to the end."""
        self._ear.watch = self.watch
        with self.clock.held():
            await self.utility.start()
            try:
                async with asyncio.TaskGroup() as others:
                    acting = others.create_task(self._held(self.utility.act), name="utility")
                    ending = await self._life()
                    acting.cancel()
            finally:
                await self.utility.stop()
                self._ear.watch = unwatched
        return ending

    async def _life(self) -> Ending:
        url = self.utility.url  # it may be down for a while when the gateway comes back
        if self.moment is not None:
            self._mark_down()
            await self.clock.sleep_until(self.clock.now() + self.pause)
        gateway = self.make(load(self.cast.configure(self.folder, url)), self._wiring())
        await gateway.start()
        if self.moment is not None:
            self.history.append(Up(at=self.clock.now(), who=GATEWAY))
        try:
            async with asyncio.TaskGroup() as tasks:
                running = [
                    tasks.create_task(gateway.run(), name="gateway"),
                    tasks.create_task(self._held(partial(self._left_behind, gateway))),
                    tasks.create_task(self._site(gateway), name="site"),
                ]
                await self.clock.sleep_until(END)
                for task in running:
                    task.cancel()
            return await self._ending(gateway)
        finally:
            await gateway.stop()

    def _mark_down(self) -> None:
        now = self.clock.now()
        self.history += [Down(at=now, who=GATEWAY), Unsure(at=now)]

    def _wiring(self) -> Wiring:
        return Wiring(
            clock=self.clock,
            ids=SeededIds(1, f"gateway {self.name}"),
            chance=SeededChance(1, f"gateway {self.name}"),
            seed=seeded_key(1, "installation"),
            alone_on_host=False,
            pace=Pace(ping_s=150.0, recheck_s=150.0),
            store_url=f"sqlite:///{self.folder / DATABASE}",
            watch=self._ear,
            store=open_inline,
        )

    async def _held(self, act: Callable[[], Awaitable[None]]) -> None:
        with self.clock.held():
            await act()

    async def _left_behind(self, gateway: Gateway) -> None:
        """Leave a timer that nobody knows, as another version might."""
        if self.clock.now() <= LEFT_BEHIND_AT:
            await self.clock.sleep_until(LEFT_BEHIND_AT)
            await gateway.office.store.write(
                lambda work: work.timers.set(UNKNOWN_TIMER), Step.OTHER
            )

    async def _site(self, gateway: Gateway) -> None:
        token = await self._token(gateway)
        exchange = Exchange(
            f"{gateway.url}/v1", lambda: token, self.clock, None, on_heard=lambda: None
        )
        site = CountingSite(exchange, self.clock, self.memory, self.history.append, self.cast)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._held(site.listen), name="site listens")
                tasks.create_task(self._held(site.tell), name="site tells")
        finally:
            await exchange.close()

    async def _token(self, gateway: Gateway) -> str:
        """Make the site's token; a second attempt finds the first one's."""
        ids = SeededIds(1, "token")
        with self.clock.held():
            try:
                return await create_token(
                    gateway.office.store,
                    ids,
                    name="site",
                    site=SiteId(SITE),
                    now=self.clock.now(),
                )
            except SessionError:
                return SeededIds(1, "token").token()

    async def _ending(self, gateway: Gateway) -> Ending:
        def look(work: Work) -> dict[str, str]:
            self._count_kept(work)
            return self._outcome(work)

        outcome = await gateway.office.store.read(look)
        return Ending(history=tuple(self.history), outcome=outcome)

    def _count_kept(self, work: Work) -> None:
        at = self.clock.now()
        told, settled = self.cast.told, self.cast.settled
        owed = list(told) if self.pause < PATIENCE else []
        if any(isinstance(m, Said) and (m.event, m.sure) == (settled, True) for m in self.history):
            owed.append(f"statement of {settled}")
        possible = (*told, *self.cast.perhaps)
        self.history += [Handed(at=at, key=key, sure=False) for key in possible]
        self.history += [Handed(at=at, key=key, sure=True) for key in owed]
        for statement in work.statements.of_site(None):
            event = self._event_of(work, statement.intent_id)
            version = f"version {statement.version}"
            self.history.append(Found(at=at, key=f"statement of {event}", content=version))
        for entry in work.log.entries(kinds=("telemetry",)):
            batch = logged(entry.index, entry.record).document["batch"]
            assert isinstance(batch, dict)  # noqa: S101 - the log's own form
            self.history.append(Found(at=at, key=f"batch {batch['batch_id']}"))
        self.history += self._held_back(work)

    def _event_of(self, work: Work, intent: str) -> str:
        of_site = work.intents.of_site(SiteId(SITE), live=False)
        return self.cast.event(next(r.event.event_id for r in of_site if r.intent.id == intent))

    def _held_back(self, work: Work) -> Iterator[Held]:
        """Yield what the log says was put to the operator instead of the site."""
        for entry in work.log.entries(kinds=("intent",)):
            record = logged(entry.index, entry.record).record
            intent = record.intent if isinstance(record, LoggedIntent) else None
            if intent is not None and intent.hold_reason and not intent.signature:
                event, version = self.cast.names(intent.provenance.source_ids)
                yield Held(at=intent.issued_at, site=intent.site, event=event, version=version)

    def _outcome(self, work: Work) -> dict[str, str]:
        paid = {s.intent_id: str(s.totals.payment) for s in work.statements.of_site(None)}
        return {
            self.cast.event(
                r.event.event_id
            ): f"{r.intent.status} {paid.get(r.intent.id, '')}".strip()
            for r in work.intents.of_site(SiteId(SITE), live=False)
        }
