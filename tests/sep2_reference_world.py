"""The reference server of 2030.5 with clients of every kind, in one process: real TLS, virtual time."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random  # noqa: TID251 - seeds the chance that is handed in
from urllib.parse import urljoin

from aiohttp import web

from certs.sep2.hierarchy import Sep2Leaf, Sep2Pki, sep2
from conformance.kit.sep2.build import make, written
from conformance.kit.sep2.names import MEDIA_TYPE, NAMES
from conformance.kit.sep2.tables import document_faults
from conformance.kit.sep2.values import Account, Assignment, Program
from conformance.kit.xml import Element, parse, xpath
from conformance.reference.sep2server.device import Server
from conformance.reference.sep2server.identity import sfdi_of
from conformance.reference.sep2server.settings import Settings
from conformance.reference.sep2server.state import Memory
from gateway.app.virtual import VirtualClock
from gateway.protocols.actions import Method
from gateway.transport.client import Answer, PeerClient
from gateway.transport.sep2_tls import Sep2Profile, sep2_client, sep2_server
from gateway.transport.server import Listener, listen
from tests.sep2_pki import files
from tests.sep2_world import START


@dataclass(kw_only=True)
class Somebody:
    """One client with a certificate."""

    leaf: Sep2Leaf
    http: PeerClient
    root: str

    @property
    def lfdi(self) -> str:
        return self.leaf.lfdi

    async def ask(self, method: Method, href: str, element: Element | None = None) -> Answer:
        body = b"" if element is None else written(element)
        return await self.http.request(method, urljoin(self.root, href), body, MEDIA_TYPE)

    async def get(self, href: str) -> Element:
        answer = await self.ask("GET", href)
        assert answer.status == 200, (href, answer.status)
        root = parse(answer.body).root
        assert root is not None
        assert list(document_faults(root)) == []
        return root

    async def own(self) -> str:
        """Return where its own EndDevice lies."""
        found = texts(await self.get("/edev?l=255"), f"s:EndDevice[s:lFDI='{self.lfdi}']/@href")
        return found[0]

    def end_device(self, lfdi: str = "") -> Element:
        lfdi = lfdi or self.lfdi
        return make("EndDevice", {"lFDI": lfdi, "sFDI": sfdi_of(lfdi), "changedTime": START})


def texts(element: Element, path: str) -> list[str]:
    found = xpath(element, path, NAMES)
    return [one if isinstance(one, str) else (one.text or "") for one in found]


@dataclass(kw_only=True)
class Ear:
    """Takes notifications."""

    heard: list[Element] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    """Statuses of the next answers; 201 without any."""
    url: str = ""

    async def take(self, request: web.Request) -> web.Response:
        status = self.answers.pop(0) if self.answers else 201
        root = parse(await request.read()).root
        assert root is not None
        assert list(document_faults(root)) == []
        self.heard.append(root)
        return web.Response(status=status)


@dataclass(kw_only=True)
class Town:
    """The PKI, the clock, and where files lie."""

    folder: Path
    pki: Sep2Pki = field(default_factory=lambda: sep2(2))
    clock: VirtualClock = field(default_factory=lambda: VirtualClock(START, print))
    memory: Memory = field(default_factory=Memory)

    @asynccontextmanager
    async def server(self, **told: object) -> AsyncIterator[Server]:
        identity = files(self.folder, "server", self.pki.server(), self.pki)
        settings = Settings(
            server_tls=sep2_server(identity, Sep2Profile.CSIP),
            client_tls=sep2_client(identity, Sep2Profile.CSIP, host_names=False),
            **told,  # type: ignore[arg-type]  # as the test says
        )
        made = Server(settings, self.clock, Random(1), self.memory)
        with self.clock.held():  # by the test, which gives it back while it sleeps on the clock
            await made.start()
            try:
                yield made
            finally:
                await made.stop()

    @asynccontextmanager
    async def client(self, name: str, server: Server) -> AsyncIterator[Somebody]:
        leaf = self.pki.device(name)
        context = sep2_client(
            files(self.folder, name, leaf, self.pki), Sep2Profile.CSIP, host_names=False
        )
        http = PeerClient("", context, self.clock, test_mode=True)
        try:
            yield Somebody(leaf=leaf, http=http, root=server.url)
        finally:
            await http.close()

    @asynccontextmanager
    async def ear(self) -> AsyncIterator[Ear]:
        identity = files(self.folder, "ear", self.pki.server(), self.pki)
        ear = Ear()
        app = web.Application()
        app.router.add_post("/ear", ear.take)
        listener: Listener = await listen(
            app, "127.0.0.1", 0, sep2_server(identity, Sep2Profile.CSIP)
        )
        ear.url = f"{listener.url}/ear"
        try:
            yield ear
        finally:
            await listener.stop()


PROGRAM = Program(id="p", primacy=10, default={"opModMaxLimW": 8000})


def furnish(server: Server, lfdi: str, *, manager: str = "") -> None:
    """Register a device with one assignment and one program."""
    if "p" not in server.memory.programs:
        server.put_program(PROGRAM)
        server.put_assignment(Assignment(id="a", programs=("p",)))
    server.register(Account(lfdi=lfdi, assignments=("a",)), manager=manager)
