"""Our own gateway as a device under test, by its public faces alone: configuration, command line, southbound API.

Each case has a gateway with a folder of its own, and a scheduler that takes part in every event. The gateway is a
process ``gridgate run`` on the wall's clock (``ven``), or the same program in this process on the suite's own clock
(``inside``), so that hours pass in seconds; operators' verbs are the same commands either way.
"""

import asyncio
import contextlib
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit

from typer.testing import CliRunner

from conformance.engine.drivers.entry import REAL_TIME, Place
from conformance.engine.drivers.hands import Values
from conformance.engine.errors import DriverMissingError, SuiteError
from conformance.foreign.gateway_setting import SITE, Disk
from conformance.foreign.scheduler import Scheduler
from gateway.app.bootstrap import Gateway, Wiring
from gateway.app.control_client import running
from gateway.app.token_desk import NewToken
from gateway.cli.main import app
from gateway.config.load import load
from gateway.domain.timespan import instant, instant_text
from gateway.observability.logs import set_up
from gateway.southbound.parts import Pace

_NOTHING: Final[Values] = {}
_DISK: Final = "disk"
_SCOPES: Final = ("events:read", "ack:write", "telemetry:write")
_UNHURRIED: Final = Pace(per_s=1e6, burst=1_000_000)


class GatewayVen:
    """One gateway with one site.

    Args:
        place: Where it lives.
    """

    disk_of: type[Disk] = Disk
    """What its folder is, with its configuration."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._scheduler = Scheduler("", self._disk.token, place.clock)

    @property
    def _disk(self) -> Disk:
        found = self._place.memory.setdefault(_DISK, None) or self.disk_of()
        self._place.memory[_DISK] = found
        assert isinstance(found, Disk)  # noqa: S101 - nothing else is put there
        return found

    async def run(self) -> None:
        """Live until cancelled; the process ends with it, as by a power cut."""
        disk = self._disk
        if not disk.config.exists():
            disk.settle(self._place)
            await self._token()
            await self._commission(disk)
        self._scheduler = Scheduler(disk.url, disk.token, self._place.clock)
        async with _process(disk) as ended:
            scheduling = asyncio.create_task(self._scheduler.run(), name="scheduler")
            try:
                await asyncio.wait({ended, scheduling}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                scheduling.cancel()
                await asyncio.wait({scheduling})
            for task in {ended, scheduling}:
                if task.done():
                    task.result()

    async def _commission(self, disk: Disk) -> None:
        """Run once out of the utility's reach, until what the site has metered is stored."""
        wanted = disk.config.read_text()
        port = f":{urlsplit(self._place.url).port}/"
        away = self._place.url.replace(port, ":1/")
        disk.config.write_text(wanted.replace(self._place.url, away))
        async with _process(disk):
            await Scheduler(disk.url, disk.token, self._place.clock).commission()
        disk.config.write_text(wanted)

    # --- what an operator may ask

    async def opt_out(self, event_id: str) -> Values:
        """Leave an event."""
        return await self._verb("opt", "event", event_id, "out", "--reason", "the lab asks")

    async def opt_in(self, event_id: str) -> Values:
        """Join an event again."""
        return await self._verb("opt", "event", event_id, "in", "--reason", "the lab asks")

    async def query(self) -> Values:
        """Send oadrQueryRegistration."""
        return await self._verb("registration", "query")

    async def register(self, afresh: str = "no") -> Values:
        """Register again; ``afresh=yes`` without the present ids."""
        return await self._verb("registration", "new" if afresh == "yes" else "renew")

    async def cancel_registration(self) -> Values:
        """End the registration."""
        return await self._verb("registration", "cancel")

    async def create_opt(
        self, opt: str, opt_id: str, event_id: str = "", start: str = "", minutes: str = "60"
    ) -> Values:
        """Leave or join an event for the one site, by oadrCreateOpt; or announce a window from ``start`` on."""
        word = "out" if opt == "optOut" else "in"
        if event_id:
            with contextlib.suppress(DriverMissingError):  # an unknown event is refused at once
                await self._verb(
                    "opt", "event", event_id, word, "--reason", "the lab asks", "--site", SITE
                )
            return _NOTHING
        begin = instant(start)
        end = begin + timedelta(minutes=int(minutes))
        until = ("--open",) if end == begin else ("--to", instant_text(end))
        window = ("--from", instant_text(begin), *until)
        return await self._verb("opt", "schedule", word, *window, "--id", opt_id, "--site", SITE)

    async def cancel_opt(self, opt_id: str) -> Values:
        """Take a schedule back."""
        return await self._verb("opt", "schedule", "cancel", opt_id)

    async def set_load(self, kw: str) -> Values:
        """Have the meter show so many kilowatts."""
        self._scheduler.set_load(kw)
        return _NOTHING

    async def meter(self, works: str) -> Values:
        """Have the meter fail, or work again."""
        self._scheduler.set_meter(works=works == "yes")
        return _NOTHING

    async def state(self) -> Values:
        """Return what the scheduler follows now, as ``event.<id>`` = value, once what is on its way is there."""
        await self._place.clock.sleep_until(self._place.clock.now())
        return self._scheduler.state()

    async def _token(self) -> None:
        await self._verb("token", "create", "suite", "--site", SITE, "--out", str(self._disk.token))

    async def _verb(self, *words: str) -> Values:
        await _verb(*words, disk=self._disk)
        return _NOTHING


class InsideVen(GatewayVen):
    """The same gateway in this process, on the suite's clock."""

    async def run(self) -> None:
        """Live until cancelled; nothing is put in order at the end that a power cut would not."""
        gateway = await self._begun()
        clock = self._place.clock
        scheduling = asyncio.create_task(self._scheduler.run(), name="scheduler")
        serving = asyncio.create_task(gateway.run(), name="gateway")
        both = {scheduling, serving}
        try:
            done, _ = await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        except asyncio.CancelledError:
            # Whoever ends the device waits for it with a token; a client closes when all else rests, so it is lent.
            clock.release()
            try:
                scheduling.cancel()
                await asyncio.wait({scheduling})
            finally:
                clock.hold()
            raise
        finally:
            for task in both:
                task.cancel()
            await asyncio.wait(both)
            await gateway.stop()

    async def _begun(self) -> Gateway:
        """Start the gateway; the first time it hears what the site has metered before it speaks to its utility."""
        place, disk = self._place, self._disk
        fresh = not disk.config.exists()
        if fresh:
            disk.settle(place)
        set_up(place.clock.now, as_json=True, level="error", test_mode=True)
        with place.clock.held():
            wiring = Wiring(clock=place.clock, chance=place.chance, pace=_UNHURRIED)
            gateway = Gateway(load(disk.config, open_files=True), wiring)
            await gateway.start()
            if fresh:
                await self._admit()
                await Scheduler(disk.url, disk.token, place.clock).commission()
            self._scheduler = Scheduler(disk.url, disk.token, place.clock)
        return gateway

    async def _verb(self, *words: str) -> Values:
        """Have the same command run in this process: the gateway hears of it through its local control either way."""
        said = await asyncio.to_thread(
            CliRunner().invoke, app, [*words, "-c", str(self._disk.config)]
        )
        if said.exit_code:
            raise DriverMissingError(f"gridgate {words[0]}: {said.output.strip()[-300:]}")
        return _NOTHING

    async def _admit(self) -> None:
        """Make the scheduler's token through the gateway's local control, as the command line does."""
        wanted = NewToken(name="suite", site=SITE, scopes=_SCOPES)
        async with running(self._disk.path / "var") as control:
            if control is None:
                raise SuiteError("the gateway has no local control")
            self._disk.token.touch(mode=0o600)
            self._disk.token.write_text(await control.create(wanted))


async def _started(*words: str, out: int = DEVNULL) -> Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway", *words, stdin=DEVNULL, stdout=out, stderr=out
    )


async def _verb(*words: str, disk: Disk) -> None:
    process = await _started(*words, "-c", str(disk.config), out=PIPE)
    out, err = await process.communicate()
    if process.returncode:
        text = (err or out).decode(errors="replace").strip()[-300:]
        raise DriverMissingError(f"gridgate {words[0]}: {text}")


@asynccontextmanager
async def _process(disk: Disk) -> AsyncIterator["asyncio.Task[None]"]:
    """Run the gateway as a process; the task fails when it ends by itself."""
    process = await _started("run", "-c", str(disk.config))
    watching = asyncio.create_task(_watched(process))
    try:
        yield watching
    finally:
        watching.cancel()
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _watched(process: Process) -> None:
    code = await process.wait()
    raise SuiteError(f"the gateway ended by itself with {code}")


def ven(place: Place) -> GatewayVen:
    """Make the gateway as a process (entry point ``conformance.foreign.gridgate:ven``)."""
    return GatewayVen(place)


def inside(place: Place) -> InsideVen:
    """Make the gateway in this process (entry point ``conformance.foreign.gridgate:inside``)."""
    return InsideVen(place)


setattr(ven, REAL_TIME, True)
