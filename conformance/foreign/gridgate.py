"""Our own gateway as a device under test, by its public faces alone: configuration, command line, southbound API.

Each case has a process ``gridgate run`` with a folder of its own, and a scheduler that takes part in every event.
"""

import asyncio
import contextlib
import shutil
import socket
import sys
import tempfile
import weakref
from asyncio.subprocess import DEVNULL, PIPE, Process
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from conformance.engine.drivers.entry import REAL_TIME, Place
from conformance.engine.drivers.hands import Values
from conformance.engine.errors import DriverMissingError, SuiteError
from gateway.client import Intent, Refused, Site
from gateway.client.clock import SystemClock
from gateway.domain.answers import Sample

_NOTHING: Final[Values] = {}
_DISK: Final = "disk"
_SITE: Final = "reference-site"
_METERED: Final = timedelta(seconds=10)
_BEFORE: Final = timedelta(hours=2)
_OVER: Final = frozenset(
    {"rejected", "completed", "settled", "cancelled", "superseded", "expired", "failed"}
)
CONFIG: Final = """
[gateway]
data_dir = "var"
test_mode = true
[southbound]
host = "127.0.0.1"
port = {port}
[[site]]
id = "{site}"
timezone = "America/Phoenix"
contracted_import_kw = 1000
fail_safe_import_kw = 50
ramp_down_kw_per_min = 1000
ramp_up_kw_per_min = 1000
contract_meter = "poc"
[[site.meter]]
id = "poc"
interval = "PT10S"
max_kw = 2000
[[utility]]
name = "suite"
protocol = "oadr20b"
url = "{url}"
{identity}
ven_name = "{ven_name}"
ven_id = "{ven_id}"
query_first = {query_first}
jitter = 0
report_grace = "PT1S"
groups = ["{group}"]
device_classes = ["{device_class}"]
[[program]]
utility = "suite"
name = "{context}"
sites = ["{site}"]
opt_by = "PT10S"
opt_default = "in"
actuate_tests = true
price_per_kwh = 1
penalty_per_kwh = 2
[program.levels]
"1" = 0.9
"2" = 0.7
"3" = 0.5
[[program]]
utility = "suite"
name = "{second}"
sites = ["{site}"]
opt_by = "PT10S"
opt_default = "in"
actuate_tests = true
price_per_kwh = 1
penalty_per_kwh = 2
[program.levels]
"1" = 0.9
"""


class Disk:
    """A folder that lives as long as somebody holds it: over ``kill`` and ``start`` of a device."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="gridgate-dut-"))
        self._end = weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)

    @property
    def config(self) -> Path:
        """Return the configuration."""
        return self.path / "gateway.toml"

    @property
    def token(self) -> Path:
        """Return the scheduler's token."""
        return self.path / "site.token"


class GatewayVen:
    """One gateway with one site.

    Args:
        place: Where it lives.
    """

    def __init__(self, place: Place) -> None:
        self._place = place
        self._intents: dict[str, Intent] = {}
        self._kw = Decimal(400)

    @property
    def _disk(self) -> Disk:
        found = self._place.memory.setdefault(_DISK, None) or Disk()
        self._place.memory[_DISK] = found
        assert isinstance(found, Disk)  # noqa: S101 - nothing else is put there
        return found

    async def run(self) -> None:
        """Live until cancelled; the process ends with it, as by a power cut."""
        disk = self._disk
        if not disk.config.exists():
            self._settle(disk)
            await self._verb("token", "create", "suite", "--site", _SITE, "--out", str(disk.token))
            await self._commission(disk)
        process = await _started("run", "-c", str(disk.config))
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(_watched(process))
                group.create_task(self._schedule(disk))
        finally:
            await _ended(process)

    async def _commission(self, disk: Disk) -> None:
        """Run once out of the utility's reach, until two hours of metered values are stored: shares refer to them."""
        wanted = disk.config.read_text()
        away = wanted.replace(
            self._place.url, self._place.url.replace(_port_of(self._place.url), ":1/")
        )
        disk.config.write_text(away)
        process = await _started("run", "-c", str(disk.config))
        try:
            async with asyncio.TaskGroup() as group:
                watching = group.create_task(_watched(process))
                url = f"http://127.0.0.1:{(disk.path / 'port').read_text()}/v1"
                async with Site(url, site=_SITE, token_file=disk.token) as site:
                    now = SystemClock().now().replace(second=0, microsecond=0)
                    count = _BEFORE // _METERED
                    await site.telemetry(
                        [self._sample(now - _METERED * (n + 1)) for n in reversed(range(count))]
                    )
                    while site.waiting_batches:
                        await SystemClock().sleep_until(SystemClock().now() + _METERED / 50)
                watching.cancel()
        finally:
            await _ended(process)
            disk.config.write_text(wanted)

    def _settle(self, disk: Disk) -> None:
        given, pem = self._place.values, self._place.pem
        identity = ""
        if pem is not None:
            (disk.path / "ven.pem").write_bytes(pem.certificate)
            key = disk.path / "ven.key"
            key.touch(mode=0o600)
            key.write_bytes(pem.key)
            (disk.path / "anchor.pem").write_bytes(pem.ca)
            identity = 'certificate = "ven.pem"\nkey = "ven.key"\nca = "anchor.pem"\ntls_profile = "certification"'
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        text = CONFIG.format(
            port=port,
            site=_SITE,
            url=self._place.url,
            identity=identity,
            ven_name=given["ven_name"],
            ven_id=given.get("ven_id", ""),
            query_first="true" if given.get("query_first", "yes") == "yes" else "false",
            group=given.get("group_id", "none"),
            device_class=given.get("device_class", "none"),
            context=given["market_context"],
            second=given.get("second_market_context", "http://gridgate.example/unused"),
        )
        disk.config.write_text(text)
        (disk.path / "port").write_text(str(port))

    async def _schedule(self, disk: Disk) -> None:
        """Take part in everything, and meter."""
        url = f"http://127.0.0.1:{(disk.path / 'port').read_text()}/v1"
        async with Site(url, site=_SITE, token_file=disk.token) as site:
            metering = asyncio.create_task(self._meter(site))
            try:
                async for intent in site.intents():
                    self._intents[intent.id] = intent
                    if intent.document.status not in _OVER:
                        with contextlib.suppress(Refused):
                            await intent.commit()
            finally:
                metering.cancel()

    async def _meter(self, site: Site) -> None:
        """Tell each ten seconds."""
        clock = SystemClock()
        start = clock.now().replace(second=0, microsecond=0)
        while True:
            known: list[Sample] = []
            while start + _METERED <= clock.now():
                known.append(self._sample(start))
                start += _METERED
            await site.telemetry(known)
            await clock.sleep_until(start + _METERED)

    def _sample(self, start: datetime) -> Sample:
        energy = (self._kw * _METERED.seconds / 3600).quantize(Decimal("0.000001"))
        return Sample(meter="poc", start=start, duration=_METERED, energy_kwh=energy)

    # --- what an operator may ask

    async def opt_out(self, event_id: str) -> Values:
        """Leave an event."""
        return await self._verb("opt", "event", event_id, "out", "--reason", "the lab asks")

    async def opt_in(self, event_id: str) -> Values:
        """Join an event again."""
        return await self._verb("opt", "event", event_id, "in", "--reason", "the lab asks")

    async def set_load(self, kw: str) -> Values:
        """Have the meter show so many kilowatts."""
        self._kw = Decimal(kw)
        return _NOTHING

    async def state(self) -> Values:
        """Return what the scheduler follows now, as ``event.<id>`` = value in force."""
        now = SystemClock().now()
        found = {}
        for intent in self._intents.values():
            value = _in_force(intent, now)
            if value is not None:
                found[f"event.{_event_of(intent)}"] = value
        return found

    async def _verb(self, *words: str) -> Values:
        process = await _started(*words, "-c", str(self._disk.config), out=PIPE)
        out, err = await process.communicate()
        if process.returncode:
            text = (err or out).decode(errors="replace").strip()[-300:]
            raise DriverMissingError(f"gridgate {words[0]}: {text}")
        return _NOTHING


async def _started(*words: str, out: int = DEVNULL) -> Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway", *words, stdin=DEVNULL, stdout=out, stderr=out
    )


async def _ended(process: Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    await process.wait()


def _port_of(url: str) -> str:
    """Return ``:PORT/`` of an address."""
    return f":{urlsplit(url).port}/"


async def _watched(process: Process) -> None:
    code = await process.wait()
    raise SuiteError(f"the gateway ended by itself with {code}")


def _event_of(intent: Intent) -> str:
    return intent.document.provenance.source_ids["eventID"]


def _in_force(intent: Intent, now: datetime) -> str | None:
    document = intent.document
    if document.status in _OVER or document.ask is None:
        return None
    for each in document.ask.segments:
        if each.start <= now and (each.duration is None or now < each.start + each.duration):
            price = each.price.amount if each.price else each.value
            return str(price if each.level is None else each.level)
    return None


def ven(place: Place) -> GatewayVen:
    """Make the gateway (entry point ``conformance.foreign.gridgate:ven``)."""
    return GatewayVen(place)


setattr(ven, REAL_TIME, True)
