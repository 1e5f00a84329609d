"""A 2030.5 utility and its clients in one process: our server, real TLS of the profile, virtual time."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from ipaddress import ip_network
from pathlib import Path
from random import Random  # noqa: TID251 - seeds the chance that is handed in
from urllib.parse import urlsplit

import aiohttp

from certs.sep2.hierarchy import Sep2Leaf, Sep2Pki, sep2
from gateway.app.virtual import VirtualClock
from gateway.domain.event import GridEvent
from gateway.domain.names import UtilityName
from gateway.domain.opting import Decision
from gateway.domain.protocol import ProtocolName
from gateway.domain.reading import Reading
from gateway.northbound.driver import Driver
from gateway.northbound.notify import Notifies, NotifyRoute, notify_app
from gateway.northbound.sep2_exchange import Sep2Exchange
from gateway.protocols.actions import Collect, Emit, Kept, Readings
from gateway.protocols.entry import Tools
from gateway.protocols.parts import State, joined
from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.client.options import DeviceOptions, Sep2Options
from gateway.protocols.sep2.client.session import Sep2Session
from gateway.protocols.sep2.server.devices import NewDevice
from gateway.protocols.sep2.server.options import ServerOptions
from gateway.protocols.sep2.server.terms import EventTerms
from gateway.servers.sep2.app import HttpOptions
from gateway.servers.sep2.lines import NotifyPin
from gateway.servers.sep2.notifier import NotifierOptions
from gateway.servers.sep2.store import Sep2Store
from gateway.servers.sep2.utility import Place, Sep2Utility
from gateway.transport.client import PeerClient
from gateway.transport.sep2_tls import Sep2Profile, judge_chain, sep2_client, sep2_server
from gateway.transport.server import Listener, listen
from gateway.transport.tls import TlsFiles, admit_peers
from tests.fakes import CountedIds
from tests.sep2_pki import files
from tests.sep2_world import START, keep, scope

MINUTE = timedelta(minutes=1)
UTILITY = UtilityName("apex")
PIN = 111115
KW = Decimal(4200)
"""What the site draws."""
CAP = sep.DERControlBase(op_mod_imp_lim_w=sep.ActivePower(multiplier=3, value=5000))
"""5 MW at the connection point."""


@dataclass
class Sink:
    """Takes what the driver commits."""

    parts: dict[str, bytes] = field(default_factory=dict)
    events: list[GridEvent] = field(default_factory=list)

    async def accept(
        self,
        utility: UtilityName,
        emits: Sequence[Emit],
        state: State,
        taken: Sequence[Decision],
        kept: Sequence[Kept] = (),
    ) -> None:
        keep(self.parts, state)
        self.events.extend(event for emit in emits for event in emit.events)

    async def pending(self, utility: UtilityName) -> Sequence[Decision]:
        return ()

    @property
    def state(self) -> bytes | None:
        """What a session begun now is handed."""
        return joined(self.parts) if self.parts else None


@dataclass(kw_only=True)
class Premises:
    """The PKI, the clock, and where files lie."""

    folder: Path
    pki: Sep2Pki = field(default_factory=lambda: sep2(4))
    clock: VirtualClock = field(default_factory=lambda: VirtualClock(START, print))
    profile: Sep2Profile = Sep2Profile.CSIP
    ids: CountedIds = field(default_factory=CountedIds)
    server: Sep2Leaf = field(init=False)

    def __post_init__(self) -> None:
        self.server = self.pki.server()

    @asynccontextmanager
    async def utility(
        self,
        options: ServerOptions | None = None,
        store: Sep2Store | None = None,
        http: HttpOptions | None = None,
        port: int = 0,
        *,
        notifies: bool = False,
        pin: NotifyPin = NotifyPin.LFDI,
    ) -> AsyncIterator[Sep2Utility]:
        """Run a utility."""
        identity = files(self.folder, "server", self.server, self.pki)
        context = sep2_server(identity, self.profile)
        notify = NotifierOptions(
            context=sep2_client(identity, self.profile, host_names=False),
            chance=Random(1),
            networks=(ip_network("127.0.0.0/8"),),
            pin=pin,
        )
        place = Place(
            tls=context, profile=self.profile, port=port, notify=notify if notifies else None
        )
        made = Sep2Utility(
            options or ServerOptions(poll_rate=60, post_rate=60),
            place,
            clock=self.clock,
            ids=self.ids,
            store=store,
            http=http,
            transcript=1000,
        )
        with self.clock.held():  # or time would go on while nobody seems to work
            await made.start()
        try:
            yield made
        finally:
            with self.clock.held():
                await made.stop()

    @asynccontextmanager
    async def gateway(
        self,
        leaf: Sep2Leaf,
        root: str,
        sink: Sink,
        devices: tuple[DeviceOptions, ...] = (),
        **others: object,
    ) -> AsyncIterator[Driver]:
        """Run a gateway's client session; a second one on the same sink is one restarted.

        With ``notify_url`` it listens for notifications of the utility's own certificate, unless ``notify_closed``.
        """
        identity = files(self.folder, f"client-{leaf.lfdi}", leaf, self.pki)
        closed = others.pop("notify_closed", False)
        client = PeerClient(
            root,
            sep2_client(identity, self.profile),
            self.clock,
            test_mode=True,
            admit=lambda chain: judge_chain(chain, self.profile),
        )
        session = Sep2Session(
            Sep2Options(
                csip_aus=True,
                pin=PIN,
                target_reduction="cap",
                post_rate=MINUTE,
                device=devices,
                **others,
            ),
            scope(root=root, lfdi=leaf.lfdi),
            Tools(chance=Random(1), ids=CountedIds()),
            ProtocolName.CSIP_AUS,
            sink.state,
        )
        exchange = Sep2Exchange(client=client, root=root)
        driver = Driver(UTILITY, session, exchange, sink, metered, self.clock)
        with self.clock.held():
            door = await self._door(
                identity, driver, "" if closed else str(others.get("notify_url", ""))
            )
        task = asyncio.ensure_future(driver.run())
        try:
            yield driver
        finally:
            with self.clock.held():
                if door is not None:
                    await door.stop()
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
                await client.close()

    async def _door(self, identity: TlsFiles, driver: Driver, url: str) -> Listener | None:
        if not url:
            return None
        parts = urlsplit(url)
        context = sep2_server(identity, self.profile)
        admit_peers(context, lambda chain: judge_chain(chain, self.profile))
        route = NotifyRoute(
            utility=UTILITY,
            path=parts.path,
            notifies=Notifies(pinned=(self.server.lfdi,)),
            ask=driver.ask,
        )
        app = notify_app([route], self.clock, test_mode=True)
        return await listen(app, "127.0.0.1", parts.port or 0, context)

    @asynccontextmanager
    async def browser(self, leaf: Sep2Leaf) -> AsyncIterator[aiohttp.ClientSession]:
        """Open a plain HTTP client with a device's certificate."""
        identity = files(self.folder, f"browser-{leaf.lfdi}", leaf, self.pki)
        connector = aiohttp.TCPConnector(ssl=sep2_client(identity, self.profile))
        async with aiohttp.ClientSession(connector=connector) as session:
            yield session

    async def pass_time(self, until: datetime) -> None:
        """Let virtual time pass."""
        with self.clock.held():
            await self.clock.sleep_until(until)


async def metered(wanted: Collect) -> Readings:
    """Return a constant draw in every interval."""
    hours = Decimal(int(wanted.step.total_seconds())) / 3600
    return Readings(
        key=wanted.key,
        series={
            (site, meter): (
                Reading(
                    meter=meter,  # type: ignore[arg-type] # a name
                    start=wanted.span.start,
                    duration=wanted.step,
                    energy_kwh=KW * hours,
                ),
            )
            for site, meter in wanted.meters
        },
    )


@dataclass(frozen=True, kw_only=True)
class Furnished:
    """mRIDs of what stands in a furnished utility."""

    fsa: str
    der: str
    dr: str


async def furnish(utility: Sep2Utility, *devices: str) -> Furnished:
    """Register devices, and give them one assignment with a DER program and a DR program."""
    for lfdi in devices:
        await utility.operate(lambda o, now, x=lfdi: o.register(NewDevice(lfdi=x, pin=PIN), now))  # type: ignore[misc] # x
    fsa = await utility.operate(lambda o, now: o.create_fsa(now, "feeder 7"))
    der = await utility.operate(
        lambda o, now: o.create_program(sep.DERProgram, 2, (fsa,), now, "site program")
    )
    dr = await utility.operate(
        lambda o, now: o.create_program(sep.DemandResponseProgram, 3, (fsa,), now, "site program")
    )
    await utility.operate(lambda o, now: o.assign(fsa, devices, now))
    return Furnished(fsa=fsa, der=der, dr=dr)


async def cap(
    utility: Sep2Utility, program: str, start: datetime, minutes: int, **others: object
) -> str:
    """Issue a cap on import."""
    terms = EventTerms(start=start, duration=minutes * MINUTE, **others)  # type: ignore[arg-type] # by name
    return await utility.issue(lambda i, now: i.create_control(program, CAP, terms, now))


async def shed(utility: Sep2Utility, program: str, start: datetime, minutes: int) -> str:
    """Issue a load control: stay below 3 MW."""
    terms = EventTerms(start=start, duration=minutes * MINUTE)
    told = {"target_reduction": sep.TargetReduction(type=1, value=3000)}
    return await utility.issue(lambda i, now: i.create_load_control(program, told, terms, now))


def statuses(utility: Sep2Utility, event: str) -> list[int]:
    """Return what was responded to an event, in order."""
    return [one.status for one in utility.responses(event)]
