"""The reference client: walks, polls, reports, and does at its time what events say.

Two tasks: one asks the server, job by job; the other minds the clock, so that no slow server delays an event.
``memory`` outlives it: a client made anew on the same memory is one that was restarted.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

from conformance.reference.sep2client import aus, reports
from conformance.reference.sep2client.events import Events
from conformance.reference.sep2client.jobs import Jobs
from conformance.reference.sep2client.link import LaterError, Link, RefusedError
from conformance.reference.sep2client.memory import Device, Memory
from conformance.reference.sep2client.plant import Plant
from conformance.reference.sep2client.settings import Settings
from conformance.reference.sep2client.tariffs import Tariffs
from conformance.reference.sep2client.telemetry import Telemetry
from conformance.reference.sep2client.walk import Walk
from conformance.reference.sep2client.wire import text
from gateway.domain.chance import Chance
from gateway.domain.ports import Clock, Mailbox

_BLINK: Final = timedelta(milliseconds=500)
"""Between two looks at the clock, at the least."""
_WALKED: Final = ("dcap", "edev", "rg", "fsa")
"""Jobs by which the way is found, in their order."""
_ACTING: Final = ("fsa", "programs", "der", "status", "mup", "read")
"""Jobs that act for an EndDevice."""


class Client:
    """One client.

    Args:
        settings: What the lab told it.
        clock: Its time.
        chance: Its dice.
        memory: What it remembered before a restart.
    """

    def __init__(
        self, settings: Settings, clock: Clock, chance: Chance, memory: Memory | None = None
    ) -> None:
        self.memory = memory if memory is not None else Memory()
        self._settings = settings
        self._clock = clock
        self._link = Link(settings, clock)
        self._walk = Walk(settings, self._link, self.memory)
        self._events = Events(self.memory, settings, chance)
        self._jobs = Jobs(settings.longest_pause_s)
        self._mirrors: dict[str, str] = {}
        self.plant = Plant(settings.max_w, settings.storage_wh)
        self._tariffs = Tariffs(self._link)
        self._telemetry = Telemetry(self._link, self.plant)
        self._bell: Mailbox[bool] = clock.mailbox()
        self._alarm: Mailbox[bool] = clock.mailbox()
        self._resting: set[int] = set()
        self._look = timedelta(seconds=settings.look_s)
        self._alarms = 0
        self._logged = 0

    async def run(self) -> None:
        """Work until cancelled."""
        self._jobs.add("dcap", self._clock.now(), self._capability)
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._ask(), name="client asks")
                both.create_task(self._mind(), name="client minds the clock")
        finally:
            await self._link.close()

    @property
    def server_now(self) -> datetime:
        """Return the server's time, by which events go."""
        return self._clock.now() + self.memory.offset

    # --- the two tasks

    async def _ask(self) -> None:
        with self._clock.held():
            while True:
                job = self._jobs.due(self._clock.now())
                if job is None:
                    await self._rest(self._bell, self._jobs.next_due())
                else:
                    await self._do(job)

    async def _do(self, name: str) -> None:
        """Do a job once; what fails is done again later, and what is gone is looked for from the entry on."""
        now = self._clock.now()
        try:
            seconds = await self._jobs.act(name)()
        except LaterError as error:
            self._jobs.failed(name, now, error.pause)
        except RefusedError:
            if not self._jobs.is_failing(name):
                self._walk_again()
            self._jobs.failed(name, now, None)
        else:
            self._jobs.done(name, now, seconds)

    def _walk_again(self) -> None:
        """Go down from the entry once more: what was linked before may lie elsewhere now."""
        now = self._clock.now()
        for name in self._jobs.names():
            if name.partition(" ")[0] in _WALKED:
                self._jobs.hurry(name, now)

    async def _mind(self) -> None:
        with self._clock.held():
            while True:
                before = len(self.memory.notices), self._in_force()
                self._events.pass_time(self.server_now)
                self._obey()
                if before != (len(self.memory.notices), self._in_force()):
                    self._told()
                due = self._events.next_due()
                soonest = self._clock.now() + _BLINK
                await self._rest(
                    self._alarm, max(due - self.memory.offset, soonest) if due else None
                )

    def _obey(self) -> None:
        """Have the plant do what is in force."""
        for lfdi in self._walk.devices:
            self.plant.obey(self.in_force(lfdi), self.server_now)

    async def _rest(self, box: Mailbox[bool], until: datetime | None) -> None:
        self._resting.add(id(box))
        await box.get(until)
        self._resting.discard(id(box))

    def _ring(self, box: Mailbox[bool]) -> None:
        if id(box) in self._resting:
            self._resting.discard(id(box))
            box.put(True)

    def _told(self) -> None:
        """Have Responses and status sent now."""
        now = self._clock.now()
        if self.memory.notices and not self._jobs.is_failing("notices"):
            self._jobs.add("notices", now, self._notices)
        for lfdi in self._walk.devices:
            self._jobs.hurry(f"status {lfdi}", now)
        self._ring(self._bell)

    def _in_force(self) -> dict[str, dict[str, str]]:
        return {lfdi: self.in_force(lfdi) for lfdi in self._walk.devices}

    def in_force(self, lfdi: str) -> dict[str, str]:
        """Return what controls an EndDevice now: mode -> value."""
        device = self._walk.devices.get(lfdi)
        if device is None or not device.accepted:
            return {}
        return self._events.in_force(lfdi, device.programs.values())

    def running(self) -> dict[str, list[str]]:
        """Return the mRIDs of the events that run, by EndDevice."""
        return {lfdi: self._events.running(lfdi) for lfdi in self._walk.devices}

    # --- jobs: each returns after how many seconds it is due again, None: never

    async def _capability(self) -> int | None:
        seconds = await self._walk.capability()
        self._add("time", self._time)
        self._add("edev", self._end_devices)
        return seconds

    def _add(self, name: str, act: Callable[[], Awaitable[int | None]]) -> None:
        if name not in self._jobs:
            self._jobs.add(name, self._clock.now(), act)

    async def _time(self) -> int | None:
        seconds = await self._walk.clock(self._clock.now())
        self._ring(self._alarm)
        return seconds

    async def _end_devices(self) -> int | None:
        before = set(self._walk.devices)
        seconds = await self._walk.end_devices()
        if self._walk.own is None and self._settings.csip_aus:
            where, told = (
                self._walk.entry["EndDeviceListLink"],
                aus.end_device(self._settings, self.server_now),
            )
            await self._link.send("POST", where, told)
            seconds = await self._walk.end_devices()
        for lfdi in before - self._walk.devices.keys():
            self._events.drop(lfdi)
            self._jobs.drop(lfdi)
        for device in self._walk.devices.values():
            self._add(f"rg {device.lfdi}", self._of(device, self._registration))
        return seconds

    def _of(
        self, device: Device, act: Callable[[Device], Awaitable[int | None]]
    ) -> Callable[[], Awaitable[int | None]]:
        return lambda: act(self._walk.devices.get(device.lfdi, device))

    async def _registration(self, device: Device) -> int | None:
        seconds = await self._walk.registration(device)
        if device.accepted:
            self._add(f"fsa {device.lfdi}", self._of(device, self._assignments))
            self._add(f"der {device.lfdi}", self._of(device, self._ders))
            own_way = self._settings.csip_aus
            self._add(
                f"mup {device.lfdi}",
                self._of(device, self._mirrors_of if own_way else self._mirror),
            )
            if "aus:ConnectionPointLink" in device.links:
                self._add(f"cp {device.lfdi}", self._of(device, self._connection_point))
        else:
            self._stop(device)
        return seconds

    async def _connection_point(self, device: Device) -> int | None:
        where = device.links["aus:ConnectionPointLink"]
        await self._link.send("PUT", where, aus.connection_point(self._settings))
        return None

    async def _mirrors_of(self, device: Device) -> int | None:
        """Create the mirrors of CSIP-AUS, then look at their post rate again and again."""
        where = self._walk.entry.get("MirrorUsagePointListLink", "")
        if not where:
            return None
        seconds, changed = await self._telemetry.look(device, where)
        self._add(f"read {device.lfdi}", self._of(device, self._averages))
        if changed:
            self._jobs.hurry(f"read {device.lfdi}", self._clock.now())
        return seconds

    async def _averages(self, device: Device) -> int | None:
        return await self._telemetry.post(device, self.server_now)

    def _stop(self, device: Device) -> None:
        """Act no more for an EndDevice whose registration is not ours."""
        self._events.drop(device.lfdi)
        for word in _ACTING:
            self._jobs.drop(f"{word} {device.lfdi}")

    async def _assignments(self, device: Device) -> int | None:
        lists = device.lists
        seconds = await self._walk.assignments(device)
        self._add(f"programs {device.lfdi}", self._of(device, self._programs))
        if device.tariffs:
            self._add(f"prices {device.lfdi}", self._of(device, self._prices))
        if lists != device.lists:
            self._jobs.hurry(f"programs {device.lfdi}", self._clock.now())
        return seconds

    async def _programs(self, device: Device) -> int | None:
        before = self._chief(device)
        seconds, rows = await self._walk.programs(device)
        for program, controls in rows:
            for control in controls:
                self._events.take(device.lfdi, program, control, self.server_now)
        if self.memory.notices:
            self._told()
        if before is not None and before != self._chief(device):
            self._jobs.hurry(f"der {device.lfdi}", self._clock.now())
        self._plan_looks()
        self._ring(self._alarm)
        return seconds

    async def _prices(self, device: Device) -> int | None:
        """Take the intervals of every tariff."""
        seconds = 900
        for where in device.tariffs:
            seconds, rows = await self._tariffs.read(where)
            for program, interval, prices in rows:
                self._events.take(device.lfdi, program, interval, self.server_now, prices)
        if self.memory.notices:
            self._told()
        self._ring(self._alarm)
        return seconds

    def prices(self, lfdi: str) -> dict[str, str]:
        """Return the prices now, by the mRID of their rate component."""
        return self._events.prices(lfdi)

    def _chief(self, device: Device) -> dict[str, int] | None:
        """Return the settings that the best program's default brings; None before any program was read."""
        best = min(device.programs.values(), key=lambda p: p.primacy, default=None)
        return None if best is None else best.settings

    def _plan_looks(self) -> None:
        due = self._events.next_look(self._look)
        if due is not None:
            self._jobs.add("look", due - self.memory.offset, self._look_again)

    async def _look_again(self) -> int | None:
        """Read events once more before they start: they may have been cancelled."""
        for event in self._events.to_look_at(self.server_now, self._look):
            event.looked = True
            found = await self._walk.again(event.href)
            device = self._walk.devices.get(event.lfdi)
            program = device.programs.get(event.program) if device else None
            if found is not None and program is not None and text(found, "mRID") == event.mrid:
                self._events.take(event.lfdi, program, found, self.server_now)
        if self.memory.notices:
            self._told()
        self._ring(self._alarm)
        due = self._events.next_look(self._look)
        return None if due is None else round((due - self.server_now).total_seconds())

    async def _ders(self, device: Device) -> int | None:
        await self._walk.ders(device)
        best = min(device.programs.values(), key=lambda p: p.primacy, default=None)
        for links in device.ders:
            await self._link.send(
                "PUT", links["DERCapabilityLink"], reports.capability(self._settings)
            )
            told = reports.der_settings(self._settings, best, self.server_now)
            await self._link.send("PUT", links["DERSettingsLink"], told)
        self._add(f"status {device.lfdi}", self._of(device, self._status))
        return None

    async def _status(self, device: Device) -> int | None:
        for links in device.ders:
            told = reports.status(
                self.in_force(device.lfdi),
                self._alarms,
                self.server_now,
                closed=self._switched(),
            )
            await self._link.send("PUT", links["DERStatusLink"], told)
            there = reports.availability(self._settings, self.server_now)
            await self._link.send("PUT", links["DERAvailabilityLink"], there)
        return device.post_s

    def _switched(self) -> bool | None:
        """Return whether the DER's switch is closed; None where nobody asks."""
        return self.plant.closed if self._settings.csip_aus else None

    async def _mirror(self, device: Device) -> int | None:
        where = self._walk.entry.get("MirrorUsagePointListLink", "")
        if where:
            found = await self._link.send("POST", where, reports.mirror(device.lfdi))
            self._mirrors[device.lfdi] = found
            self._add(f"read {device.lfdi}", self._of(device, self._readings))
        return None

    async def _readings(self, device: Device) -> int | None:
        where = self._mirrors[device.lfdi]
        root = await self._link.read(where)
        every = int(text(root, "postRate") or 0) or device.post_s
        start = self.server_now - timedelta(seconds=every)
        for name, value in (("W", 81_000), ("var", 1_200), ("V", 240)):
            told = reports.reading(device.lfdi, name, value, start, every)
            await self._link.send("POST", where, told)
        return every

    async def _notices(self) -> int | None:
        """Send Responses in their order; one that the server refuses is given up, one that fails stays the next."""
        while self.memory.notices:
            one = self.memory.notices[0]
            body = reports.response(one.lfdi, one.mrid, one.status, one.at, priced=one.priced)
            with suppress(RefusedError):
                await self._link.send("POST", one.reply_to, body)
            self.memory.notices.remove(one)
        return None

    # --- what an operator may do

    def switch(self, *, closed: bool) -> None:
        """Open or close the switch between the DER and the site."""
        self.plant.switch(closed=closed, now=self.server_now)
        self._told()

    def opt_out(self, mrid: str) -> None:
        """Leave an event."""
        self._events.opt_out(mrid, self.server_now)
        self._told()
        self._ring(self._alarm)

    def alarm(self, bit: int, *, on: bool) -> None:
        """Have an alarm begin or end; it is logged."""
        self._alarms = self._alarms | 1 << bit if on else self._alarms & ~(1 << bit)
        self._logged += 1
        number, at = self._logged, self.server_now
        self._jobs.add(
            f"log {number}", self._clock.now(), lambda: self._log(2 * bit + (not on), number, at)
        )
        self._told()

    async def _log(self, code: int, number: int, at: datetime) -> int | None:
        where = self._walk.own.links.get("LogEventListLink", "") if self._walk.own else ""
        if where:
            await self._link.send("POST", where, reports.alarm(code, number, at))
        return None
