"""Utilities that push to a listener of ours over loopback TLS, for tests."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Generic, TypeVar

import aiohttp

from conformance.peers.event_spec import EventSpec, SignalSpec, Step
from conformance.peers.push2b import PushPeer, as_client
from conformance.peers.vtn2b import UtilityPeer
from conformance.story.inline import open_inline
from gateway.app.bootstrap import Gateway, Wiring
from gateway.app.ids import SeededChance, SeededIds, seeded_key
from gateway.app.virtual import VirtualClock
from gateway.config.load import load
from gateway.domain.errors import TransportError
from gateway.domain.names import SiteId, UtilityName
from gateway.domain.points import unwatched
from gateway.domain.ports import Clock, Mailbox
from gateway.northbound.push import PushRoute, push_app
from gateway.northbound.push_peers import Expected
from gateway.protocols.actions import Message, Reply
from gateway.protocols.oadr2b.identity import fingerprint
from gateway.protocols.oadr2b.messages import SignalType
from gateway.protocols.oadr2b.options import BASE_PATH
from gateway.protocols.oadr2b.vtn_book import VtnOptions
from gateway.servers.vtn2b.app import HttpOptions
from gateway.transport.server import listen
from gateway.transport.tls import TlsFiles, openadr_client, openadr_listener, openadr_server
from tests.vtn_wire import CODEC, XML, Pki

T = TypeVar("T")
DONE = Reply(body=b"<done/>")


def print_of(files: TlsFiles) -> str:
    """Return the fingerprint of an identity on disk."""
    pem = files.certificate.read_text().split("-----END CERTIFICATE-----")[0]
    return fingerprint(ssl.PEM_cert_to_DER_cert(pem + "-----END CERTIFICATE-----\n"))


@dataclass
class Told:
    """Takes requests in a session's place, and remembers them."""

    answer: Callable[[Message], Awaitable[Reply]] | None = None
    messages: list[Message] = field(default_factory=list)

    async def __call__(self, message: Message) -> Reply:
        self.messages.append(message)
        return DONE if self.answer is None else await self.answer(message)


def route(name: str, prefix: str, told: Told, *pinned: str, **keys: Any) -> PushRoute:
    """Return a utility at the listener."""
    expected = keys.pop("expected", None) or Expected(pinned=pinned)
    return PushRoute(utility=UtilityName(name), prefix=prefix, expected=expected, ask=told, **keys)


@asynccontextmanager
async def listening(
    pki: Pki, clock: Clock, routes: Sequence[PushRoute], **keys: Any
) -> AsyncIterator[str]:
    """Listen for the length of a block; yields scheme, host and port."""
    app = push_app(routes, clock, test_mode=keys.pop("test_mode", True), **keys)
    listener = await listen(app, "localhost", 0, openadr_listener(pki.files("ven")))
    try:
        yield f"https://localhost:{listener.port}"
    finally:
        await listener.stop()


@asynccontextmanager
async def pusher(files: TlsFiles) -> AsyncIterator[aiohttp.ClientSession]:
    """Hold the connections of one utility for the length of a block."""
    context = openadr_client(files, host_names=False)
    connector = aiohttp.TCPConnector(ssl=context, limit=0)
    async with aiohttp.ClientSession(connector=connector) as http:
        yield http


async def push(
    http: aiohttp.ClientSession, url: str, service: str = "EiEvent", **request: Any
) -> tuple[int, bytes]:
    """Send one request and return status and body of the answer."""
    arguments = {"data": b"<event/>", "headers": XML, "method": "POST"} | request
    async with http.request(url=f"{url}{BASE_PATH}/{service}", **arguments) as answer:
        assert "Transfer-Encoding" not in answer.headers
        return answer.status, await answer.read()


@dataclass
class Relay:
    """An address that stays while the gateway behind it comes and goes: bytes are passed on as they are."""

    target: int | None = None
    """Port behind it; None: nobody is there."""
    port: int = 0
    connections: int = 0
    _server: asyncio.Server | None = None
    _open: set[asyncio.StreamWriter] = field(default_factory=set)
    _pumps: set[asyncio.Task[None]] = field(default_factory=set)

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    def abort(self) -> None:
        """Drop every connection, and whatever was not passed on yet."""
        for writer in list(self._open):
            writer.transport.abort()

    async def cut(self) -> None:
        """Drop every connection."""
        self.abort()
        if self._pumps:
            await asyncio.wait(set(self._pumps))

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            await self.cut()
            await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        if self.target is None:
            writer.transport.abort()
            return
        behind, there = await asyncio.open_connection("127.0.0.1", self.target)
        for source, sink in ((reader, there), (behind, writer)):
            pump = asyncio.create_task(self._pump(source, sink))
            self._pumps.add(pump)
            pump.add_done_callback(self._pumps.discard)

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        self._open.add(sink)
        try:
            while part := await source.read(65536):
                sink.write(part)
                await sink.drain()
        except OSError:
            pass
        finally:
            self._open.discard(sink)
            sink.close()


@dataclass
class PushGateway:
    """A gateway for two utilities or one, in virtual time over real sockets; it may die and come back."""

    folder: Path
    pki: Pki
    clock: VirtualClock
    sections: Sequence[str]
    """Every ``[[utility]]`` and ``[[program]]``."""
    relay: Relay = field(default_factory=Relay)
    points: Callable[[str], None] = unwatched
    head: str = ""
    lives: int = 0
    dies_at: str = ""
    """Point at which it is killed; empty: it lives."""
    files: dict[Path, bytes] = field(default_factory=dict)
    """What the kill left of the store."""
    gateway: Gateway | None = None
    utilities: list[UtilityPeer] = field(default_factory=list)
    """To be stopped with it."""
    _running: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        """Start it, or start it again from what its store holds."""
        self.lives += 1
        path = self.folder / "gateway.toml"
        path.write_text(_HEAD + self.head + "\n".join(self.sections), encoding="utf-8")
        wiring = Wiring(
            clock=self.clock,
            ids=SeededIds(1, f"gateway {self.lives}"),
            chance=SeededChance(1, f"gateway {self.lives}"),
            seed=seeded_key(1, "installation"),
            alone_on_host=False,
            store_url=f"sqlite:///{self.folder / 'store.db'}",
            store=open_inline,
            watch=self._tell,
        )
        self.gateway = Gateway(load(path), wiring)
        await self.gateway.start()
        if self.gateway.push_urls:
            self.relay.target = int(self.gateway.push_urls[0].rpartition(":")[2])
        self._running = asyncio.create_task(self.gateway.run(), name="gateway")

    def _tell(self, point: str) -> None:
        self.points(point)
        if self.files and point.startswith("send.") and point.endswith(".before"):
            raise TransportError("CONNECT", "a dead gateway says nothing")
        if point == self.dies_at and not self.files:
            # What a kill leaves; nothing that happens after it reaches anybody.
            self.files = {path: path.read_bytes() for path in self._store_files()}
            self.relay.target = None
            self.relay.abort()

    def _store_files(self) -> list[Path]:
        return [path for path in self.folder.glob("store.db*") if path.is_file()]

    @property
    def dead(self) -> bool:
        """Say whether it was killed at its point."""
        return bool(self.files)

    async def rise(self) -> None:
        """Begin again from what the kill left."""
        await self.end()
        for path in self._store_files():
            path.unlink()
        for path, content in self.files.items():
            path.write_bytes(content)
        self.files, self.dies_at = {}, ""
        await self.begin()

    async def end(self) -> None:
        """Stop it; nothing is told to anybody."""
        self.relay.target = None
        await self.relay.cut()
        if self._running is not None and self.gateway is not None:
            self._running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._running
            await self.gateway.stop()
            self._running = None

    async def intents(self) -> dict[tuple[str, str], tuple[str, int]]:
        """Return status and number of the revision of every intent, by utility and event."""
        assert self.gateway is not None
        found = await self.gateway.office.store.read(
            lambda work: work.intents.of_site(SiteId("phx-1"), live=False)
        )
        return {
            (each.event.utility, each.event.event_id): (each.intent.status, each.intent.revision)
            for each in found
        }


def utility_section(name: str, files: TlsFiles, url: str, *more: str) -> str:
    """Write a ``[[utility]]`` and its program."""
    lines = [
        "[[utility]]",
        f'name = "{name}"',
        'protocol = "oadr20b"',
        f'url = "{url}"',
        f'certificate = "{files.certificate}"',
        f'key = "{files.key}"',
        f'ca = "{files.ca}"',
        *more,
        "[[program]]",
        f'utility = "{name}"',
        f'name = "{MARKET}"',
        'sites = ["phx-1"]',
        'opt_default = "in"',
        "price_per_kwh = 1",
        "penalty_per_kwh = 2",
    ]
    return "\n".join(lines) + "\n"


MARKET = "http://utility.example/demand-response"
_HEAD = """\
[gateway]
data_dir = "data"
test_mode = true

[southbound]
port = 0
lease_s = 3600

[push]
port = 0

[[site]]
id = "phx-1"
timezone = "UTC"
contracted_import_kw = 150
fail_safe_import_kw = 100
ramp_down_kw_per_min = 50
ramp_up_kw_per_min = 50
contract_meter = "it_load"
simulated = true

[[site.meter]]
id = "it_load"
interval = "PT5M"
max_kw = 200

"""


def event_spec(event_id: str, start: datetime, value: str = "90") -> EventSpec:
    """Return an event of half an hour: draw so many kW."""
    step = Step(lasts=timedelta(minutes=30), value=Decimal(value))
    return EventSpec(
        event_id=event_id,
        market_context=MARKET,
        start=start,
        signals=(
            SignalSpec(name="LOAD_DISPATCH", type=SignalType.SETPOINT, unit="kW", steps=(step,)),
        ),
        notification=timedelta(minutes=10),
        resources=("phx-1",),
    )


def pushing_utility(pki: Pki, clock: Clock, name: str = "vtn", **keys: Any) -> UtilityPeer:
    """Make a utility that pushes; one that polls are heard by too."""
    files = pki.files(name)
    options = keys.pop("options", VtnOptions(vtn_id=f"utility-{name}"))
    return UtilityPeer(
        options,
        clock=clock,
        ids=keys.pop("ids", None) or SeededIds(1, f"utility {name}"),
        codec=CODEC,
        tls=openadr_server(files),
        http=HttpOptions(requests_per_s=0),
        push=PushPeer(as_client(files), SeededChance(1, name), **keys.pop("push", {})),
        **keys,
    )


@dataclass
class Ahead:
    """The clock of a utility that is off: its instants are later than ours, its seconds are as long."""

    clock: VirtualClock
    by: timedelta

    def now(self) -> datetime:
        return self.clock.now() + self.by

    def elapsed_s(self) -> float:
        return self.clock.elapsed_s()

    @property
    def sane(self) -> bool:
        return True

    def not_before(self, at: datetime) -> None:
        """Do nothing: nobody sets this clock."""

    async def sleep_until(self, at: datetime) -> None:
        await self.clock.sleep_until(at - self.by)

    def timeout(self, seconds: float) -> contextlib.AbstractAsyncContextManager[None]:
        return self.clock.timeout(seconds)

    def held(self) -> contextlib.AbstractContextManager[None]:
        return self.clock.held()

    def hold(self) -> None:
        self.clock.hold()

    def release(self) -> None:
        self.clock.release()

    def mailbox(self) -> Mailbox[T]:
        return AheadMailbox(self.clock.mailbox(), self.by)


@dataclass
class AheadMailbox(Generic[T]):
    """A mailbox whose deadlines are read by the clock that is off."""

    inner: Mailbox[T]
    by: timedelta

    def put(self, item: T) -> None:
        self.inner.put(item)

    async def get(self, until: datetime | None = None) -> T | None:
        return await self.inner.get(None if until is None else until - self.by)

    def __len__(self) -> int:
        return len(self.inner)
