"""``serve sep2``: a 2030.5 utility played by hand, until it is told to stop."""

import asyncio
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from conformance.cli.ending import INTERRUPTED, Exit
from conformance.cli.lines import line
from conformance.cli.timeline import Timeline, clock_of
from gateway.app.ids import SystemChance, SystemIds
from gateway.client.clock import ScaledClock
from gateway.observability.logs import set_up
from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.server.options import ServerOptions
from gateway.protocols.sep2.server.records import Kept, Turn
from gateway.servers.sep2.admin.app import admin_app
from gateway.servers.sep2.app import HttpOptions
from gateway.servers.sep2.lines import NotifyPin
from gateway.servers.sep2.meters import DAYS, Keeping
from gateway.servers.sep2.notifier import NotifierOptions
from gateway.servers.sep2.sql import SqlStore
from gateway.servers.sep2.utility import Place, Sep2Utility
from gateway.transport.heap import Growing, set_apart
from gateway.transport.sep2_tls import Sep2Profile, sep2_client, sep2_server
from gateway.transport.server import Listener, listen
from gateway.transport.special_addresses import Network
from gateway.transport.tls import TlsFiles

EXCHANGES: Final = 10_000
"""Kept in the transcript."""
SWITCH_S: Final = 0.0005
"""Most for which the store's thread waits for the loop, each time that it comes back from the disk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sep2Serving:
    """What was asked for on the command line."""

    options: ServerOptions
    files: TlsFiles
    profile: Sep2Profile = Sep2Profile.SEP2
    tickets: bool = True
    """False: every handshake shows its certificates."""
    host: str = "127.0.0.1"
    port: int = 0
    store: Path | None = None
    """None: it forgets at the end."""
    keep_readings: int = DAYS
    """Days for which values of meters are kept."""
    origin: str = ""
    """``https://host:port`` as clients know it; empty: localhost."""
    networks: tuple[Network, ...] = ()
    """Own networks that notifications may reach."""
    pin: NotifyPin = NotifyPin.LFDI
    """Whose certificate a listener must show."""
    requests_per_s: float = 50.0
    """Per client in the long run; 0: as many as it likes."""
    timeline: Timeline | None = None
    """The clock to share; None: the wall's time."""
    admin_port: int = 0
    admin_token: str = ""
    """Empty: drawn, and told."""


def serve_sep2(wanted: Sep2Serving) -> Exit:
    """Play the utility; what devices tell goes to stdout as JSON lines, logs to stderr.

    Returns:
        ``OK`` after SIGTERM, ``INTERRUPTED`` after SIGINT.

    Raises:
        ConfigError: certificate, key and authority do not fit, or this OpenSSL lacks CCM-8.
        StoreError: the store cannot be read.
        OSError: an address cannot be listened on.
    """
    clock = clock_of(wanted.timeline)
    set_up(clock.now, as_json=not sys.stderr.isatty())
    sys.setswitchinterval(SWITCH_S)
    return asyncio.run(_Played(wanted, clock).run())


def _store(wanted: Sep2Serving) -> SqlStore | None:
    if wanted.store is None:
        return None
    return SqlStore(wanted.store, Keeping(days=wanted.keep_readings))


class _Played:
    """One run."""

    def __init__(self, wanted: Sep2Serving, clock: ScaledClock) -> None:
        self._wanted = wanted
        self._clock = clock
        self._stop = asyncio.Event()
        self._exit = Exit.OK
        self._growing = Growing()
        context = sep2_server(wanted.files, wanted.profile, tickets=wanted.tickets)
        notify = NotifierOptions(
            context=sep2_client(wanted.files, wanted.profile, host_names=False),
            chance=SystemChance(),
            networks=wanted.networks,
            pin=wanted.pin,
        )
        self._utility = Sep2Utility(
            wanted.options,
            Place(
                tls=context,
                profile=wanted.profile,
                host=wanted.host,
                port=wanted.port,
                notify=notify,
                origin=wanted.origin,
            ),
            clock=clock,
            ids=SystemIds(),
            http=HttpOptions(requests_per_s=wanted.requests_per_s),
            store=_store(wanted),
            transcript=EXCHANGES,
        )

    async def run(self) -> Exit:
        loop = asyncio.get_running_loop()
        for name in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(name, self._leave, name)
        await self._utility.start()
        admin: Listener | None = None
        try:
            self._utility.desk.after = self._tell
            token = self._wanted.admin_token or SystemIds().token()
            app = admin_app(self._utility, self._clock, token)
            admin = await listen(app, "127.0.0.1", self._wanted.admin_port, None)
            told: dict[str, object] = {"url": self._utility.url, "admin": admin.url}
            # A token that the operator brought is not told to whoever reads along.
            told |= {} if self._wanted.admin_token else {"token": token}
            set_apart()
            self._say("listening", told)
            await self._stop.wait()
        finally:
            if admin is not None:
                await admin.stop()
            await self._utility.stop()
        return self._exit

    def _leave(self, name: signal.Signals) -> None:
        self._exit = INTERRUPTED if name is signal.SIGINT else Exit.OK
        self._stop.set()

    def _tell(self, turn: Turn) -> None:
        self._growing.look(len(self._utility.desk.server.book.entries))
        for href, one in turn.kept.items():
            if one is None:
                self._say("removed", {"href": href})
            elif one.value is not None:
                self._say("kept", _fields(one, one.value))
        if turn.readings:
            first = turn.readings[0]
            self._say("readings", {"lfdi": first.lfdi, "values": len(turn.readings)})

    def _say(self, what: str, fields: Mapping[str, object]) -> None:
        try:
            sys.stdout.write(line(self._clock.now(), what, fields) + "\n")
            sys.stdout.flush()
        except BrokenPipeError:
            # Nobody listens any more: there is nothing left to serve for.
            self._stop.set()


def _fields(one: Kept, value: sep.Resource) -> dict[str, object]:
    found: dict[str, object] = {"kind": one.kind.__name__, "href": one.href}
    if one.scope and not one.scope.startswith("/"):
        found["lfdi"] = one.scope
    if isinstance(value, sep.Response):
        found |= {"subject": value.subject, "status": value.status}
    return found
