"""A VEN's certificate is exchanged while its session goes on: connection and signature change together, or neither."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web

from certs.files import write
from certs.issue import Leaf, OpenAdrPki, openadr
from certs.profiles import Validity
from gateway.app.ids import SystemIds
from gateway.app.line import Line
from gateway.app.pushing import Shown
from gateway.app.watched import Watched
from gateway.client.clock import SystemClock
from gateway.config.load import Loaded
from gateway.config.settings import GatewaySection, UtilitySection
from gateway.domain.errors import ConfigError
from gateway.domain.protocol import ProtocolName
from gateway.protocols.actions import Reply, Send
from gateway.protocols.oadr2b.identity import fingerprint
from gateway.protocols.oadr2b.options import VenOptions
from gateway.protocols.oadr2b.signature.envelope import Trust, opened
from gateway.transport.client import PeerClient
from gateway.transport.server import listen
from gateway.transport.tls import (
    TlsFiles,
    openadr_client,
    openadr_listener,
    openadr_server,
    peer_certificate,
)
from tests.signing import CODEC, POLL

pytestmark = pytest.mark.spec("OpenADR 2.0b section 9.2")
NOW = datetime(2026, 5, 1, tzinfo=UTC)


@dataclass
class Vtn:
    """Tells who connected and who signed, request by request."""

    url: str = ""
    seen: list[tuple[str, str]] = field(default_factory=list)
    allowed: set[str] = field(default_factory=set)

    async def answer(self, request: web.Request) -> web.Response:
        peer = fingerprint(peer_certificate(request.transport) or b"")
        trust = Trust(signers=self.allowed, required=False)
        found = opened(CODEC, await request.read(), trust, SystemClock().now())
        self.seen.append((peer, found.signer))
        return web.Response(body=b"<ok/>", content_type="application/xml")


@dataclass
class Place:
    """A folder with a VEN's files, a VTN that it talks to."""

    folder: Path
    pki: OpenAdrPki = field(default_factory=lambda: openadr("ecc", NOW))
    vtn: Vtn = field(default_factory=Vtn)

    def issue(self, name: str, validity: Validity | None = None) -> Leaf:
        leaf = self.pki.ven(name, validity=validity) if validity else self.pki.ven(name)
        self.vtn.allowed.add(leaf.fingerprint)
        return leaf

    def put(self, leaf: Leaf) -> None:
        (self.folder / "ven.pem").write_bytes(leaf.chain_pem)
        (self.folder / "ven.key").write_bytes(leaf.key_pem)

    def line(self, **options: object) -> Line:
        section = UtilitySection(
            name="aps",
            protocol=ProtocolName.OADR20B,
            url=self.vtn.url,
            certificate=self.folder / "ven.pem",
            key=self.folder / "ven.key",
            ca=self.folder / "anchor.pem",
        )
        return Line(
            _loaded(self.folder),
            section,
            VenOptions.model_validate({"xml_signature": True, **options}),
            SystemClock(),
            SystemIds(),
        )


class _Settings:
    gateway = GatewaySection(test_mode=True)


def _loaded(folder: Path) -> Loaded:
    return Loaded(folder=folder, settings=_Settings())  # type: ignore[arg-type]  # all that is read


SEND = Send(request_id="r", service="OadrPoll", body=POLL)


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    made = Place(tmp_path)
    write(made.pki.vtn(), tmp_path, "vtn")
    (tmp_path / "anchor.pem").write_bytes(made.pki.anchor_pem)
    app = web.Application()
    app.router.add_post("/x/OadrPoll", made.vtn.answer)
    files = TlsFiles(
        certificate=tmp_path / "vtn.pem", key=tmp_path / "vtn.key", ca=tmp_path / "anchor.pem"
    )
    listener = await listen(app, "127.0.0.1", 0, openadr_server(files))
    made.vtn.url = f"https://localhost:{listener.port}/x"
    yield made
    await listener.stop()


@asynccontextmanager
async def running(place: Place, **options: object) -> AsyncIterator[Line]:
    line = place.line(**options)
    try:
        yield line
    finally:
        await line.close()


async def test_connection_and_signature_change_together(place: Place) -> None:
    old, new = place.issue("old"), place.issue("new")
    place.put(old)
    async with running(place) as line:
        await line(SEND)
        await line(SEND)
        place.put(new)
        await line(SEND)
        await line(SEND)

    pairs = [(old.fingerprint,) * 2] * 2 + [(new.fingerprint,) * 2] * 2
    assert place.vtn.seen == pairs


async def test_without_high_security_the_connection_changes_alone(place: Place) -> None:
    old, new = place.issue("old"), place.issue("new")
    place.put(old)
    async with running(place, xml_signature=False) as line:
        await line(SEND)
        place.put(new)
        await line(SEND)

    assert place.vtn.seen == [(old.fingerprint, ""), (new.fingerprint, "")]


async def test_files_that_are_exchanged_one_by_one_are_taken_when_they_fit(place: Place) -> None:
    old, new = place.issue("old"), place.issue("new")
    place.put(old)
    async with running(place) as line:
        (place.folder / "ven.pem").write_bytes(new.chain_pem)
        await line(SEND)
        (place.folder / "ven.key").write_bytes(new.key_pem)
        await line(SEND)

    assert place.vtn.seen == [(old.fingerprint,) * 2, (new.fingerprint,) * 2]


@pytest.mark.parametrize("fault", ["empty", "missing", "expired", "not_yet"])
async def test_files_that_cannot_be_used_leave_the_old_ones_in_use(
    place: Place, fault: str
) -> None:
    old = place.issue("old")
    place.put(old)
    async with running(place) as line:
        if fault == "empty":
            (place.folder / "ven.pem").write_bytes(b"")
        elif fault == "missing":
            (place.folder / "ven.key").unlink()
        else:
            year = 2021 if fault == "expired" else 2045
            days = Validity(
                start=datetime(year, 1, 1, tzinfo=UTC), end=datetime(year, 2, 1, tzinfo=UTC)
            )
            place.put(place.issue("other", days))
        for _ in range(2):
            await line(SEND)

    assert place.vtn.seen == [(old.fingerprint,) * 2] * 2


async def test_a_message_under_way_ends_on_the_connection_it_began_on(place: Place) -> None:
    old, new = place.issue("old"), place.issue("new")
    place.put(old)
    async with running(place) as line:
        unit = line._units[-1]
        unit.users += 1
        place.put(new)
        await line(SEND)
        assert len(line._units) == 2
        await unit.client.post("OadrPoll", POLL, "application/xml")
        unit.users -= 1
        await line(SEND)
        assert len(line._units) == 1

    assert [peer for peer, _ in place.vtn.seen] == [
        new.fingerprint,
        old.fingerprint,
        new.fingerprint,
    ]


async def test_a_listener_shows_the_new_certificate_to_whoever_connects_next(place: Place) -> None:
    old, new = place.issue("old"), place.issue("new")
    place.put(old)
    folder = place.folder
    files = TlsFiles(
        certificate=folder / "ven.pem", key=folder / "ven.key", ca=folder / "anchor.pem"
    )
    app = web.Application()
    app.router.add_post("/x/OadrPoll", place.vtn.answer)
    context = openadr_listener(files)
    pair = (files.certificate, files.key)
    clock = SystemClock()
    shown = Shown(context, *pair, clock, Watched(pair, clock), test_mode=True)
    listener = await listen(app, "127.0.0.1", 0, context)
    vtn = TlsFiles(certificate=folder / "vtn.pem", key=folder / "vtn.key", ca=folder / "anchor.pem")
    seen: list[str] = []

    async def call() -> PeerClient:
        client = PeerClient(
            f"https://127.0.0.1:{listener.port}/x",
            openadr_client(vtn, host_names=False),
            clock,
            test_mode=True,
        )
        answer = await client.post("OadrPoll", POLL, "application/xml")
        seen.append(fingerprint(answer.peer_der or b""))
        return client

    kept = await call()
    (folder / "ven.pem").write_bytes(new.chain_pem)
    shown.look()  # half of the pair: nothing changes
    others = [await call()]
    (folder / "ven.key").write_bytes(new.key_pem)
    shown.look()
    others.append(await call())
    (folder / "ven.pem").write_bytes(b"")
    shown.look()
    shown.watched.again()
    shown.look()
    others.append(await call())
    assert (await kept.post("OadrPoll", POLL, "application/xml")).status == 200
    for client in (kept, *others):
        await client.close()
    await listener.stop()

    assert seen == [old.fingerprint, old.fingerprint, new.fingerprint, new.fingerprint]


async def test_replies_are_signed_with_the_present_key(place: Place) -> None:
    old, new = place.issue("old"), place.issue("new")
    place.put(old)
    async with running(place) as line:
        place.put(new)
        reply = await line.reply(Reply(body=POLL))
        empty = await line.reply(Reply(body=b""))

    trust = Trust(signers=(new.fingerprint,))
    assert opened(CODEC, reply.body, trust, SystemClock().now()).message == CODEC.decode(POLL)
    assert empty == Reply(body=b"")


async def test_files_that_cannot_sign_are_told_at_the_start(place: Place) -> None:
    with pytest.raises(ConfigError):
        place.line()


async def test_every_attempt_has_its_own_time(place: Place) -> None:
    place.put(place.issue("old"))
    async with running(place) as line:
        before = SystemClock().now()
        one = await line.reply(Reply(body=POLL))
        other = await line.reply(replace(one, body=POLL))

    trust = Trust(signers=place.vtn.allowed)
    stamps = [opened(CODEC, each.body, trust, before).stamp for each in (one, other)]
    assert stamps[0] is not None
    assert stamps[0] != stamps[1]
    assert abs(stamps[0].at - before) < timedelta(seconds=30)
