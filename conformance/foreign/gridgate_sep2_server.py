"""Our own 2030.5 server as a device under test, by its public faces alone: HTTPS, and its operator's JSON.

``served`` is a process ``serve sep2`` for each case, on the suite's timeline, real or scaled. ``inside`` is the same
server in this process on the suite's own clock, so that hours pass in seconds. Either has a folder of its own, which
outlives ``kill`` and ``start``.
"""

import asyncio
import shutil
import tempfile
import weakref
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Final

import aiohttp

from conformance.engine.drivers.entry import REAL_TIME, Place
from conformance.engine.errors import DriverMissingError, SuiteError
from conformance.foreign.sep2_operating import Names, Operating
from conformance.foreign.vtn_child import Child
from gateway.app.ids import SystemChance, SystemIds
from gateway.client.clock import ScaledClock, SystemClock
from gateway.domain.ports import Mailbox
from gateway.protocols.sep2.server.options import ServerOptions
from gateway.protocols.sep2.tables import Edition, Flavour
from gateway.servers.sep2.admin.app import admin_app
from gateway.servers.sep2.app import HttpOptions
from gateway.servers.sep2.notifier import NotifierOptions
from gateway.servers.sep2.sql import SqlStore
from gateway.servers.sep2.utility import Place as Address
from gateway.servers.sep2.utility import Sep2Utility
from gateway.transport.sep2_tls import Sep2Profile, sep2_client, sep2_server
from gateway.transport.server import listen
from gateway.transport.tls import TlsFiles

_DISK: Final = "disk"
_PORT: Final = "port"
_NAMES: Final = "names"
_LOOPBACK: Final = "127.0.0.0/8"
_POLL_S: Final = 60
_REFUSED: Final = 400


class Disk:
    """A folder that lives as long as somebody holds it.

    Args:
        place: Whose certificate is laid there.
    """

    def __init__(self, place: Place) -> None:
        if place.pem is None:
            raise SuiteError("a 2030.5 server needs a certificate: let the suite make a PKI")
        self.path = Path(tempfile.mkdtemp(prefix="gridgate-sep2-"))
        self._end = weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)
        self.files.certificate.write_bytes(place.pem.certificate)
        self.files.key.touch(mode=0o600)
        self.files.key.write_bytes(place.pem.key)
        self.files.ca.write_bytes(place.pem.ca)

    @property
    def files(self) -> TlsFiles:
        """Return the server's identity."""
        folder = self.path
        return TlsFiles(
            certificate=folder / "server.pem", key=folder / "server.key", ca=folder / "ca.pem"
        )

    @property
    def store(self) -> Path:
        """Return its memory."""
        return self.path / "utility.db"


class _Server(Operating):
    """What both ways have in common.

    Args:
        place: Where it lives.
    """

    def __init__(self, place: Place) -> None:
        names = place.memory.setdefault(_NAMES, None) or Names()
        assert isinstance(names, Names)  # noqa: S101 - nothing else is put there
        place.memory[_NAMES] = names
        super().__init__(self._asked, names)
        self._place = place
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

    @property
    def _disk(self) -> Disk:
        found = self._place.memory.setdefault(_DISK, None) or Disk(self._place)
        assert isinstance(found, Disk)  # noqa: S101 - nothing else is put there
        self._place.memory[_DISK] = found
        return found

    @property
    def _port(self) -> int:
        found = self._place.memory.get(_PORT, 0)
        return found if isinstance(found, int) else 0

    @asynccontextmanager
    async def _operated(self, url: str, admin: str, token: str) -> AsyncIterator[None]:
        """Know where it listens and how it is operated."""
        headers = {"Authorization": f"Bearer {token}"}
        async with aiohttp.ClientSession(admin, headers=headers) as session:
            self._place.memory[_PORT] = int(url.split(":")[2].partition("/")[0])
            self._url, self._admin = url, session
            self._listens.set()
            try:
                yield
            finally:
                self._url, self._admin = "", None

    async def _asked(self, method: str, path: str, body: Any = None) -> Any:
        """Ask the operator's interface.

        ``Any``: whatever JSON holds.
        """
        if self._admin is None:
            raise DriverMissingError("the server does not run")
        told = None if body is None else {k: v for k, v in body.items() if v is not None}
        async with self._admin.request(method, path, json=told) as answer:
            found = await answer.json(content_type=None)
        if answer.status >= _REFUSED:
            raise DriverMissingError(f"{method} {path}: {found['reason']}: {found['detail']}")
        return found

    @property
    def _in_band(self) -> bool:
        usual = "yes" if self._place.mode == "csipaus" else "no"
        return self._place.values.get("in_band", usual) == "yes"


class Served(_Server):
    """A process for each case."""

    def __init__(self, place: Place) -> None:
        if not isinstance(place.clock, ScaledClock):
            raise SuiteError("a server in a process of its own needs real or scaled time")
        super().__init__(place)
        self._clock: ScaledClock = place.clock

    async def run(self) -> None:
        """Live until cancelled; the process ends with it, as by a power cut."""
        child = Child(self._disk.path, ("serve", "sep2", *self._arguments()))
        try:
            told = await child.listening()
            async with self._operated(told["url"], told["admin"], told["token"]):
                await child.ended()
        finally:
            child.kill()

    def _arguments(self) -> tuple[str, ...]:
        clock, files = self._clock, self._disk.files
        return (
            *("--certificate", str(files.certificate), "--key", str(files.key)),
            *("--ca", str(files.ca), "--no-tickets", "--store", str(self._disk.store)),
            *("--port", str(self._port), "--poll-rate", str(_POLL_S), "--post-rate", str(_POLL_S)),
            *("--notify-network", _LOOPBACK, "--requests-per-s", "0"),
            *(("--csip-aus",) if self._place.mode == "csipaus" else ()),
            *(("--in-band",) if self._in_band else ()),
            *("--clock-origin", clock.now().isoformat()),
            *("--clock-start", repr(SystemClock().now().timestamp())),
            *("--clock-factor", repr(clock.factor)),
        )


class Inside(_Server):
    """The same in this process."""

    async def run(self) -> None:
        """Live until cancelled."""
        clock = self._place.clock
        with clock.held():
            utility = self._utility()
            await utility.start()
            token = SystemIds().token()
            admin = await listen(admin_app(utility, clock, token), "127.0.0.1", 0, None)
            never: Mailbox[None] = clock.mailbox()
            try:
                async with self._operated(utility.url, admin.url, token):
                    await never.get()
            finally:
                await admin.stop()
                await utility.stop()

    def _utility(self) -> Sep2Utility:
        files, profile = self._disk.files, Sep2Profile.SEP2
        aus = self._place.mode == "csipaus"
        options = ServerOptions(
            flavour=Flavour(edition=Edition.Y2018, csip_aus=aus),
            in_band=self._in_band,
            poll_rate=_POLL_S,
            event_poll_rate=_POLL_S,
            post_rate=_POLL_S,
        )
        notify = NotifierOptions(
            context=sep2_client(files, profile, host_names=False),
            chance=SystemChance(),
            networks=(ip_network(_LOOPBACK),),
        )
        place = Address(
            tls=sep2_server(files, profile, tickets=False),
            profile=profile,
            port=self._port,
            notify=notify,
        )
        return Sep2Utility(
            options,
            place,
            clock=self._place.clock,
            ids=SystemIds(),
            http=HttpOptions(requests_per_s=0),
            store=SqlStore(self._disk.store),
        )


def inside(place: Place) -> Inside:
    """Make it in this process (entry point ``conformance.foreign.gridgate_sep2_server:inside``)."""
    return Inside(place)


def served(place: Place) -> Served:
    """Make the process (entry point ``conformance.foreign.gridgate_sep2_server:served``)."""
    return Served(place)


setattr(served, REAL_TIME, True)
