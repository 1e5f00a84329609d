"""Our own VTN as a device under test, by its public faces alone: ``serve vtn2b``, its schedule, its operator's JSON.

Each case has a process and a folder of its own; suite and utility share one timeline, real or scaled.
"""

import asyncio
import json
import shutil
import tempfile
import weakref
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import aiohttp

from conformance.engine.drivers.entry import REAL_TIME, Place
from conformance.engine.drivers.hands import Values
from conformance.engine.errors import DriverMissingError, SuiteError
from conformance.foreign.vtn_child import Child
from conformance.foreign.vtn_orders import Fields, event_body, state_of, wish_body, wish_of
from gateway.client.clock import ScaledClock, SystemClock
from gateway.domain.timespan import instant_text

_NOTHING: Final[Values] = {}
_DISK: Final = "disk"
_PORT: Final = "port"
_METERED: Final = timedelta(seconds=10)
_REFUSED: Final = 400
_ALL: Final = "?limit=1000"
OFFER: Final = {
    "id": "grid",
    "buffer": "PT1H",
    "points": [
        {"r_id": "grid-energy", "unit": "kWh", "fastest": "PT10S", "slowest": "PT1H"},
    ],
}
"""What the utility reports to its VENs."""
SCHEDULE: Final = """
[listen]
port = {port}
{identity}
[vtn]
id = "Gridgate-Utility"
store = "utility.db"
refuse_overlap = {refuse_overlap}
"""
_IDENTITY: Final = """certificate = "vtn.pem"
key = "vtn.key"
ca = "anchor.pem"
tls_profile = "certification"
"""


class Disk:
    """A folder that lives as long as somebody holds it: over ``kill`` and ``start`` of a device."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="gridgate-vtn-"))
        self._end = weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)


class GridgateVtn:
    """One utility with the methods of a driver.

    Args:
        place: Where it lives.
    """

    def __init__(self, place: Place) -> None:
        if not isinstance(place.clock, ScaledClock):
            raise SuiteError("a utility in a process of its own needs real or scaled time")
        self._place = place
        self._clock: ScaledClock = place.clock
        self._url = ""
        self._admin: aiohttp.ClientSession | None = None
        self._listens = asyncio.Event()

    async def ready(self) -> None:
        """Wait until it listens."""
        await self._listens.wait()

    @property
    def url(self) -> str:
        """Return where it listens, empty until it does."""
        return self._url

    async def run(self) -> None:
        """Live until cancelled; the process ends with it, as by a power cut."""
        fresh = _DISK not in self._place.memory
        disk = self._place.memory.setdefault(_DISK, None) or Disk()
        assert isinstance(disk, Disk)  # noqa: S101 - nothing else is put there
        self._place.memory[_DISK] = disk
        self._settle(disk.path)
        child = Child(disk.path, ("serve", "vtn2b", *self._arguments(disk.path)))
        try:
            told = await child.listening()
            bearer = {"Authorization": f"Bearer {told['token']}"}
            async with aiohttp.ClientSession(told["admin"], headers=bearer) as self._admin:
                if fresh:
                    await self._prepare()
                self._place.memory[_PORT] = int(told["url"].split(":")[2].partition("/")[0])
                self._url = told["url"]
                self._listens.set()
                async with asyncio.TaskGroup() as group:
                    group.create_task(child.ended())
                    group.create_task(self._meter())
        finally:
            self._url, self._admin = "", None
            child.kill()

    def _settle(self, folder: Path) -> None:
        pem, port = self._place.pem, self._place.memory.get(_PORT, 0)
        identity = ""
        if pem is not None:
            (folder / "vtn.pem").write_bytes(pem.certificate)
            key = folder / "vtn.key"
            key.touch(mode=0o600)
            key.write_bytes(pem.key)
            (folder / "anchor.pem").write_bytes(pem.ca)
            identity = _IDENTITY
        refuse = self._place.values.get("refuse_overlap", "no") == "yes"
        text = SCHEDULE.format(
            port=port, identity=identity, refuse_overlap="true" if refuse else "false"
        )
        (folder / "schedule.toml").write_text(text)

    def _arguments(self, folder: Path) -> tuple[str, ...]:
        clock, real = self._clock, SystemClock()
        return (
            *("--schedule", str(folder / "schedule.toml"), "--admin-port", "0"),
            *("--clock-origin", clock.now().isoformat()),
            *("--clock-start", repr(real.now().timestamp())),
            *("--clock-factor", repr(clock.factor)),
        )

    async def _prepare(self) -> None:
        """Do what an operator does once: offer the utility's own reports, give venIDs out."""
        await self._ask("PUT", "/v1/own-reports", {"reports": [OFFER]})
        agreed = self._place.values.get("preallocated_ven_id")
        if agreed:
            await self._ask("PUT", f"/v1/vens/{agreed}", {"name": "agreed beforehand"})

    async def _meter(self) -> None:
        """Note what the grid draws each ten seconds."""
        due = self._clock.now().replace(microsecond=0)
        while True:
            await self._ask("POST", "/v1/own-reports/grid/values", _value(due))
            due += _METERED
            while self._clock.now() < due:
                await self._clock.sleep_until(due)

    async def _ask(self, method: str, path: str, body: Fields | None = None) -> Any:
        if self._admin is None:
            raise DriverMissingError("the utility does not run")
        async with self._admin.request(method, path, json=body) as answer:
            found = await answer.json(content_type=None)
        if answer.status >= _REFUSED:
            raise DriverMissingError(f"{method} {path}: {found['reason']}: {found['detail']}")
        return found

    # --- what an operator may ask

    async def create_event(self, event: str, ven_id: str = "") -> Values:
        """Announce an event to one VEN, or to all without ``ven_id``."""
        given = json.loads(event)
        vens = given["target"]["ven_ids"] or ([ven_id] if ven_id else [])
        body = event_body(given, self._place.values["market_context"])
        await self._ask("POST", "/v1/events", body | {"id": given["id"], "vens": vens})
        return _NOTHING

    async def modify_event(self, event: str, ven_id: str = "") -> Values:
        """Put an event in the place of its present version."""
        given = json.loads(event)
        body = event_body(given, self._place.values["market_context"])
        await self._ask("PUT", f"/v1/events/{given['id']}", body)
        return _NOTHING

    async def cancel_event(self, event_id: str) -> Values:
        """Cancel an event."""
        await self._ask("POST", f"/v1/events/{event_id}/cancel")
        return _NOTHING

    async def request_report(self, request: str, ven_id: str) -> Values:
        """Ask a VEN for a report."""
        ven = await self._ask("GET", f"/v1/vens/{ven_id}")
        wish = wish_body(json.loads(request), ven)
        await self._ask("POST", "/v1/reports", {"wishes": [wish]})
        return _NOTHING

    async def request_with_registration(self, request: str) -> Values:
        """Ask for a report in the next oadrRegisteredReport."""
        vens = (await self._ask("GET", "/v1/vens"))["vens"]
        given = json.loads(request)
        offering = [
            ven
            for ven in vens
            if any(offer["report_specifier_id"] == given["specifier"] for offer in ven["offers"])
        ]
        wish = wish_body(given, offering[0] if offering else None, piggyback=True)
        await self._ask("POST", "/v1/reports", {"wishes": [wish]})
        return _NOTHING

    async def cancel_report(self, request_id: str, to_follow: str, ven_id: str) -> Values:
        """End a report of a VEN."""
        return await self._end_report(request_id, {"to_follow": to_follow == "yes"})

    async def cancel_in_update(self, request_id: str, ven_id: str) -> Values:
        """End a report of a VEN with the next oadrUpdatedReport."""
        return await self._end_report(request_id, {"piggyback": True})

    async def _end_report(self, request_id: str, how: Fields) -> Values:
        wish = wish_of(request_id, (await self._ask("GET", "/v1/reports"))["wishes"])
        await self._ask("POST", f"/v1/reports/{wish}/cancel", how)
        return _NOTHING

    async def cancel_registration(self, ven_id: str) -> Values:
        """Ask a VEN to end its registration."""
        await self._ask("POST", f"/v1/vens/{ven_id}/unregister")
        return _NOTHING

    async def request_reregistration(self, ven_id: str) -> Values:
        """Ask a VEN to register again."""
        await self._ask("POST", f"/v1/vens/{ven_id}/reregister")
        return _NOTHING

    async def state(self) -> Values:
        """Return what counts for each event: ``opt.<event>``, and ``code.<event>`` of the last answer."""
        answers = (await self._ask("GET", f"/v1/answers{_ALL}"))["answers"]
        events = (await self._ask("GET", f"/v1/events{_ALL}"))["events"]
        found = []
        for event in events:
            shown = await self._ask("GET", f"/v1/events/{event['id']}/deliveries")
            found += shown["deliveries"]
        return state_of(found, answers)


def _value(at: datetime) -> Fields:
    return {"values": [{"r_id": "grid-energy", "value": "13.889", "at": instant_text(at)}]}


def vtn(place: Place) -> GridgateVtn:
    """Make the utility (entry point ``conformance.foreign.gridgate_vtn:vtn``)."""
    return GridgateVtn(place)


setattr(vtn, REAL_TIME, True)
