"""One virtual day, played: the gateway lives and dies, utility and sites play their script, all is written down."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import Final

from conformance.simulation.cast import OPT_BY
from conformance.simulation.host import HostClock, HostDials
from conformance.simulation.memory import MemoryStore
from conformance.simulation.process import Process, Surroundings
from conformance.simulation.script import DAY, Drawing, Script, Stretch, Turn
from conformance.simulation.sites import SimSite
from conformance.simulation.utility import Utility
from conformance.soak.marks import GATEWAY, UTILITY, Down, Found, Mark, Unsure, Up
from gateway.app.ids import SeededChance
from gateway.app.virtual import VirtualClock
from gateway.domain.errors import TransportError
from gateway.domain.names import SiteId
from gateway.domain.points import Step
from gateway.domain.ports import Mailbox
from gateway.pipeline.book import Office
from gateway.pipeline.inbound import Inbound
from gateway.pipeline.timetable import Timetable
from gateway.protocols.actions import Message, Send
from gateway.protocols.oadr2b.messages import OadrEvent
from gateway.settlement.merkle import Tree, leaf_hash

TIMEOUT: Final = timedelta(seconds=30)
LIVELY: Final = timedelta(seconds=120 + 60)
"""After the last fault everything drains within 120 s, and a poll period until it is heard of."""
HELD_ABOVE: Final = timedelta(minutes=5)
"""A utility whose clock is further off starts nothing."""
SILENCE: Final = OPT_BY + timedelta(minutes=1)


@dataclass(kw_only=True)
class Wiring:
    """What a mutant changes."""

    make_timetable: Callable[[Office], Timetable] = Timetable
    make_inbound: Callable[[Office], Inbound] = Inbound
    make_clock: Callable[[VirtualClock, HostDials], HostClock] = HostClock
    forget: Callable[[MemoryStore], None] = lambda _: None
    """Done to the store whenever a process begins."""


@dataclass
class Played:
    """What came of a day."""

    seed: int
    script: Script
    marks: list[Mark]
    store: MemoryStore
    utility: Utility
    sites: list[SimSite]
    roots: list[tuple[int, bytes]]
    """Size and root of the log, whenever a process had ended."""
    crashes: list[str]
    late: list[str]
    """What had not drained in time."""

    @property
    def digest(self) -> str:
        """Return one number for everything that happened."""
        told = hashlib.sha256()
        for mark in self.marks:
            told.update(repr(mark).encode())
        for entry, _ in self.store.state.log:
            told.update(entry.record)
        return told.hexdigest()


@dataclass
class Bells:
    """Wakes the sites of the process that lives."""

    sites: dict[str, SimSite]

    def ring(self, site: SiteId) -> None:
        """Wake one."""
        self.sites[site].ring()


class Day:
    """One day.

    Args:
        seed: Decides everything.
        wiring: What to run; another one for a mutant.
    """

    def __init__(self, seed: int, wiring: Wiring | None = None) -> None:
        self.seed = seed
        self.script = Drawing(seed).script()
        self._wiring = wiring or Wiring()
        self.true = VirtualClock(self.script.start)
        self._network = SeededChance(seed, "network")
        self._fates = SeededChance(seed, "fates")
        self.marks: list[Mark] = []
        self._gone: set[str] = set()
        self._dials = HostDials(self.true)
        self._store = MemoryStore()
        held = abs(self.script.utility_off) > HELD_ABOVE
        self._utility = Utility(
            self.true, seed, self.marks.append, () if held else self.script.sites, SILENCE
        )
        self._utility.wrong_by = self.script.utility_off
        self._utility.held = held
        self._sites = [
            SimSite(
                name,
                self.true,
                SeededChance(seed, name),
                self.marks.append,
                lambda: self._process,
                self._loses,
            )
            for name in self.script.sites
        ]
        self._process: Process | None = None
        self._kill_box: Mailbox[None] = self.true.mailbox()
        self._roots: list[tuple[int, bytes]] = []
        self._crashes: list[str] = []
        self._late: list[str] = []
        self._lives = 0
        self._around = Surroundings(
            seed=seed,
            sites=self.script.sites,
            store=self._store,
            bell=Bells({site.name: site for site in self._sites}),
            exchange=self._exchange,
            fault=self._fault,
            crashed=self._crashed,
            make_timetable=self._wiring.make_timetable,
            make_inbound=self._wiring.make_inbound,
        )

    async def play(self) -> Played:
        """Live through it."""
        with self.true.held():
            plays: list[Callable[[], Awaitable[None]]] = [
                self._gateway,
                self._publish,
                self._weather,
                self._clocks,
                *(self._comings(site) for site in self._sites),
            ]
            tasks = [asyncio.create_task(self._held(play)) for play in plays]
            tasks += [asyncio.create_task(site.run(), name=site.name) for site in self._sites]
            await self.true.sleep_until(self.script.calm_at + LIVELY)
            self._look_whether_drained()
            await self.true.sleep_until(self.script.start + DAY)
            if self._process is not None:
                await self._process.kill()
            for task in tasks:
                task.cancel()
            for ended in await asyncio.gather(*tasks, return_exceptions=True):
                if isinstance(ended, Exception):
                    raise ended
        self._look_at_batches()
        return Played(
            self.seed,
            self.script,
            self.marks,
            self._store,
            self._utility,
            self._sites,
            self._roots,
            self._crashes,
            self._late,
        )

    async def _held(self, play: Callable[[], Awaitable[None]]) -> None:
        with self.true.held():
            await play()

    # --- the gateway's lives

    async def _gateway(self) -> None:
        kills = list(self.script.kills)
        while True:
            self._lives += 1
            self._wiring.forget(self._store)
            clock = self._wiring.make_clock(self.true, self._dials)
            process = Process(self._around, clock, self._lives, self._end)
            self._process = process
            process.start()
            self._back("killed")
            while kills and kills[0] <= self.true.now():
                kills.pop(0)
            await self._kill_box.get(until=kills[0] if kills else None)
            self._process = None
            self._off("killed")
            await process.kill()
            self._note_root()
            down = timedelta(seconds=self._fates.randint(2, 600))
            await self.true.sleep_until(self.true.now() + down)

    async def _end(self) -> None:
        """Let the process end inside a call, which never returns."""
        self._kill_box.put(None)
        await self.true.rest(asyncio.get_running_loop().create_future())

    def _note_root(self) -> None:
        leaves = [leaf_hash(entry.record) for entry, _ in self._store.state.log]
        if leaves:
            self._roots.append((len(leaves), Tree(leaves).root()))

    def _crashed(self, name: str, error: BaseException) -> None:
        self._crashes.append(f"{name} at {self.true.now():%d %H:%M:%S}: {error!r}"[:300])

    def _fault(self, step: Step) -> str:
        if self._calm or step is Step.AGREE:
            return ""
        drawn = self._fates.randint(1, 1000)
        if drawn <= self.script.deadly:
            return "before" if drawn % 2 else "after"
        return "busy" if drawn <= self.script.deadly + self.script.refused else ""

    def _off(self, why: str) -> None:
        if not self._gone:
            self.marks.append(Down(at=self.true.now(), who=GATEWAY))
        self._gone.add(why)

    def _back(self, why: str) -> None:
        before = bool(self._gone)
        self._gone.discard(why)
        if before and not self._gone:
            self.marks.append(Up(at=self.true.now(), who=GATEWAY))

    @property
    def _calm(self) -> bool:
        return self.true.now() >= self.script.calm_at

    # --- the network

    def _loses(self) -> bool:
        return not self._calm and self._network.randint(1, 100) <= self.script.noise

    async def _exchange(self, send: Send) -> Message:
        await self._pass(self._network.randint(50, 2000) / 1000)
        drawn = 101 if self._calm else self._network.randint(1, 100)
        kind = self._network.randint(0, 7) if drawn <= self.script.noise else -1
        if not self._utility.up or kind == 0:
            raise TransportError("CONNECT", "refused")
        if kind == 1:
            await self._pass(TIMEOUT.total_seconds())
            raise TransportError("TIMEOUT", "not carried out")
        if kind == 2:
            await self._pass(self._network.randint(3, 25))
        if kind == 3:
            raise TransportError("STATUS_503", "busy", timedelta(seconds=30))
        body = self._utility.serve(send.service, send.body)
        if kind == 4:
            self.marks.append(Unsure(at=self.true.now()))
            await self._pass(TIMEOUT.total_seconds())
            raise TransportError("TIMEOUT", "carried out")
        if kind == 5:
            self.marks.append(Unsure(at=self.true.now()))
            raise TransportError("BROKEN", "carried out")
        if kind == 6:
            self.marks.append(Unsure(at=self.true.now()))
            body = self._utility.serve(send.service, send.body)
        if kind == 7:
            self.marks.append(Unsure(at=self.true.now()))
            body = b"<not what was asked for/>"
        await self._pass(self._network.randint(20, 500) / 1000)
        date = self._utility.now().replace(microsecond=0)
        return Message(request_id=send.request_id, service=send.service, body=body, date=date)

    async def _pass(self, seconds: float) -> None:
        await self.true.sleep_until(self.true.now() + timedelta(seconds=seconds))

    # --- the script

    async def _publish(self) -> None:
        for turn in self.script.turns:
            await self.true.sleep_until(max(turn.at, self.true.now()))
            self._act(turn)

    def _act(self, turn: Turn) -> None:
        utility = self._utility
        if turn.what == "publish":
            utility.publish(turn.message(utility.now()))
        elif turn.what == "cancel":
            utility.cancel(turn.event)
        elif turn.event in utility.published:
            utility.modify(with_kw(utility.published[turn.event], turn.kw))

    async def _weather(self) -> None:
        for outage in self.script.outages:
            await self.true.sleep_until(outage.begin)
            self._utility.up = False
            self.marks.append(Down(at=self.true.now(), who=UTILITY))
            await self.true.sleep_until(outage.end)
            self._utility.up = True
            self.marks.append(Up(at=self.true.now(), who=UTILITY))

    def _comings(self, site: SimSite) -> Callable[[], Awaitable[None]]:
        async def play() -> None:
            for absence in self.script.absences[site.name]:
                await self.true.sleep_until(absence.begin)
                site.up = False
                self.marks.append(Down(at=self.true.now(), who=site.name))
                await self.true.sleep_until(absence.end)
                site.up = True
                self.marks.append(Up(at=self.true.now(), who=site.name))
                site.ring()

        return play

    async def _clocks(self) -> None:
        for stretch in self.script.clocks:
            await self.true.sleep_until(stretch.begin)
            self._off("clock")
            self._set_clock(stretch)
            await self.true.sleep_until(stretch.end)
            self._set_clock(None)
            self._back("clock")

    def _set_clock(self, stretch: Stretch | None) -> None:
        self._dials.wrong_by = stretch.by if stretch else timedelta(0)
        lost = stretch is not None and not stretch.by
        self._dials.lost_at = self.true.now() if lost else None
        if self._process is not None:
            self._process.clock.look()

    # --- the end

    def _look_whether_drained(self) -> None:
        state = self._store.state
        now = self.true.now()
        self._late += [
            f"answer {a.event.event_id}" for a, taken in state.answers.items() if not taken
        ]
        self._late += [
            t.key for t in state.timers.values() if t.due_at < now - timedelta(seconds=5)
        ]
        if self._utility.owed():
            self._late.append("the utility waits for an answer")

    def _look_at_batches(self) -> None:
        for _, batch_id in self._store.state.batches:
            self.marks.append(Found(at=self.true.now(), key=batch_id))


def with_kw(event: OadrEvent, kw: int) -> OadrEvent:
    """Return an event that asks for another level."""
    inner = event.ei_event
    (signal,) = inner.ei_event_signals
    interval = replace(signal.intervals[0], signal_payload=Decimal(kw))
    changed = replace(signal, intervals=(interval,))
    return replace(event, ei_event=replace(inner, ei_event_signals=(changed,)))


def play(seed: int, wiring: Wiring | None = None) -> Played:
    """Play one day from beginning to end."""
    return asyncio.run(_play(seed, wiring))


async def _play(seed: int, wiring: Wiring | None) -> Played:
    return await Day(seed, wiring).play()
