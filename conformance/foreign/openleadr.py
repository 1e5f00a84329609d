"""openleadr's VEN as a device that the suite starts, drives and ends: a process of its own for every case."""

import asyncio
import contextlib
import importlib.util
import json
import sys
import tempfile
from asyncio.subprocess import DEVNULL, PIPE, Process
from pathlib import Path
from typing import Final

from conformance.engine.drivers.entry import REAL_TIME, Place
from conformance.engine.drivers.hands import Values
from conformance.engine.errors import DriverMissingError, SuiteError

CHILD: Final = "conformance.foreign.openleadr_ven"
_NOTHING: Final[Values] = {}
_ANSWER_S: Final = 30.0


def is_installed() -> bool:
    """Say whether there is an openleadr to judge."""
    return importlib.util.find_spec("openleadr") is not None


class OpenleadrVen:
    """One VEN in one process.

    Args:
        place: Where it lives.
    """

    def __init__(self, place: Place) -> None:
        self._place = place
        self._process: Process | None = None
        self._lock = asyncio.Lock()
        self._started = asyncio.Event()

    async def run(self) -> None:
        """Live until cancelled; the process ends with it."""
        with tempfile.TemporaryDirectory(prefix="gridgate-openleadr-") as text:
            folder = Path(text)
            self._settle(folder)
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", CHILD, text, stdin=PIPE, stdout=PIPE, stderr=DEVNULL
            )
            self._process = process
            self._started.set()
            try:
                await process.wait()
            finally:
                await _end(process)
            raise SuiteError(f"openleadr's process ended by itself with {process.returncode}")

    def _settle(self, folder: Path) -> None:
        place, given = self._place, self._place.values
        setting = {
            "url": place.url,
            "ven_name": given["ven_name"],
            "ven_id": given.get("ven_id", ""),
            "resource_id": given["resource_id"],
        }
        (folder / "setting.json").write_text(json.dumps(setting))
        if place.pem is not None:
            (folder / "cert.pem").write_bytes(place.pem.certificate)
            (folder / "key.pem").write_bytes(place.pem.key)
            (folder / "ca.pem").write_bytes(place.pem.ca)

    async def _order(self, method: str, **values: str) -> Values:
        """Have the process do something and wait until it is done."""
        await self._started.wait()
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            raise DriverMissingError(f"{method}: the process has no pipes")
        async with self._lock:
            process.stdin.write(json.dumps({"do": method, **values}).encode() + b"\n")
            try:
                # A program of its own runs in real time, on whatever clock the suite is.
                async with asyncio.timeout(_ANSWER_S):  # noqa: TID251 - see above
                    line = await process.stdout.readline()
            except TimeoutError:
                raise DriverMissingError(f"{method}: no answer in {_ANSWER_S:g} s") from None
        told = json.loads(line) if line else {"why": "the process has ended"}
        if "done" not in told:
            raise DriverMissingError(f"{method}: {told['why']}")
        return _NOTHING

    async def opt_out(self, event_id: str) -> Values:
        """Leave an event."""
        return await self._order("opt_out", event_id=event_id)

    async def opt_in(self, event_id: str) -> Values:
        """Join an event again."""
        return await self._order("opt_in", event_id=event_id)

    async def set_load(self, kw: str) -> Values:
        """Have the meter show so many kilowatts."""
        return await self._order("set_load", kw=kw)

    async def query(self) -> Values:
        """Send oadrQueryRegistration."""
        return await self._order("query")

    async def register(self, afresh: str = "no") -> Values:
        """Register again; ``afresh=yes`` without the present ids."""
        return await self._order("register", afresh=afresh)

    async def cancel_registration(self) -> Values:
        """End the registration."""
        return await self._order("cancel_registration")

    async def request_events(self, limit: str = "") -> Values:
        """Send oadrRequestEvent, perhaps with a replyLimit."""
        return await self._order("request_events", limit=limit)

    async def create_opt(
        self, opt: str, opt_id: str, event_id: str = "", start: str = "", minutes: str = "60"
    ) -> Values:
        """Send oadrCreateOpt: for an event, or a schedule of one window."""
        return await self._order(
            "create_opt", opt=opt, opt_id=opt_id, event_id=event_id, start=start, minutes=minutes
        )

    async def cancel_opt(self, opt_id: str) -> Values:
        """Send oadrCancelOpt."""
        return await self._order("cancel_opt", opt_id=opt_id)


async def _end(process: Process) -> None:
    """End a process as a power cut would, and take its pipes down."""
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    await process.communicate()


def ven(place: Place) -> OpenleadrVen:
    """Make the VEN (entry point ``conformance.foreign.openleadr:ven``).

    Raises:
        SuiteError: openleadr is not installed.
    """
    if not is_installed():
        raise SuiteError("openleadr is not installed: there is nothing to judge")
    return OpenleadrVen(place)


setattr(ven, REAL_TIME, True)
