"""The reference VTN: listens, answers, pushes, and does what its operator asks.

``memory`` outlives it: a device made anew on the same memory is one that was restarted.
"""

import gzip
import hashlib
from dataclasses import replace
from functools import partial
from typing import Final

from aiohttp import web
from lxml import etree
from lxml.etree import _Element as Element

from conformance.reference.vtn2b.courier import Courier
from conformance.reference.vtn2b.desk import COMPLIANCE, SERVED, Desk
from conformance.reference.vtn2b.settings import BASE_PATH, Settings
from conformance.reference.vtn2b.state import Event, Memory, Ven
from conformance.reference.wire2b import local, make, message, opened, sealed
from gateway.domain.chance import Chance
from gateway.domain.errors import GatewayError, MisuseError
from gateway.domain.ports import Clock
from gateway.protocols.xml import parse
from gateway.transport.schemas import load_oadr20b_schema
from gateway.transport.server import Listener, dated, guarded, listen, read_body
from gateway.transport.tls import peer_certificate

LARGEST: Final = 8 << 20
MEDIA_TYPE: Final = "application/xml"
UTF8: Final = "utf-8"


class Vtn:
    """One device.

    Args:
        settings: What the lab told it.
        clock: Its time.
        chance: Its dice.
        memory: What it remembered before a restart.
    """

    def __init__(
        self, settings: Settings, clock: Clock, chance: Chance, memory: Memory | None = None
    ) -> None:
        self.memory = memory if memory is not None else Memory()
        self._settings = settings
        self._clock = clock
        self._desk = Desk(self.memory, settings, self._number)
        self._courier = Courier(settings, clock, chance, self.memory, self._desk)
        self._schema: etree.XMLSchema = load_oadr20b_schema()
        self._listener: Listener | None = None

    async def start(self) -> None:
        """Listen on loopback."""
        app = web.Application(client_max_size=LARGEST)
        # Not as a middleware: aiohttp remembers the handlers of those, and with them the device, for ever.
        app.router.add_route("*", "/{path:.*}", partial(guarded(_refuse), handler=self._handle))
        dated(app, self._clock)
        settings = self._settings
        self._listener = await listen(app, "127.0.0.1", settings.port, settings.server_tls)
        self._courier.start()

    async def stop(self) -> None:
        """Close every connection."""
        await self._courier.stop()
        if self._listener is not None:
            await self._listener.stop()

    @property
    def url(self) -> str:
        """Return what VENs are given: up to the service name."""
        if self._listener is None:
            raise MisuseError("NOT_STARTED", "start the reference VTN first")
        return self._listener.url + BASE_PATH

    # --- what an operator may ask

    def publish(self, event: Event) -> None:
        """Announce an event."""
        if self._settings.refuse_overlap:
            self._refuse_overlap(event)
        self.memory.events[event.event_id] = event
        self._announce(event)

    def modify(self, event: Event) -> None:
        """Replace an event by its next version (rule 5)."""
        version = self.memory.events[event.event_id].version + 1
        self.publish(replace(event, version=version))

    def cancel(self, event_id: str) -> None:
        """Cancel an event, which counts as a modification (rule 10)."""
        self.modify(replace(self.memory.events[event_id], cancelled=True))

    def request_reports(self, ven_id: str, *requests: Element) -> None:
        """Ask a VEN for reports."""
        ven = self.memory.vens[ven_id]
        self._queue(ven, self._desk.reports.asking(ven, *requests))

    def request_with_registration(self, *requests: Element) -> None:
        """Ask for reports in the next oadrRegisteredReport."""
        self._desk.reports.next_requests.extend(requests)

    def cancel_report(self, ven_id: str, name: str, *, follow: bool = False) -> None:
        """End a report of a VEN."""
        ven = self.memory.vens[ven_id]
        self._queue(ven, self._desk.reports.ending(ven, name, follow=follow))

    def cancel_with_update(self, ven_id: str, name: str) -> None:
        """End a report with the next oadrUpdatedReport."""
        self.memory.vens[ven_id].ending.add(name)

    def cancel_registration(self, ven_id: str) -> None:
        """Ask a VEN to end its registration."""
        ven = self.memory.vens[ven_id]
        content = message(
            "oadr:oadrCancelPartyRegistration",
            make("pyld:requestID", self._number("end")),
            make("ei:registrationID", ven.registration_id),
            make("ei:venID", ven_id),
        )
        self._queue(ven, content)

    def request_reregistration(self, ven_id: str) -> None:
        """Ask a VEN to register again."""
        content = message("oadr:oadrRequestReregistration", make("ei:venID", ven_id))
        self._queue(self.memory.vens[ven_id], content)

    # --- work

    def _refuse_overlap(self, event: Event) -> None:
        for other in self.memory.events.values():
            if not event.cancelled and event.overlaps(other):
                raise MisuseError("EVENTS_OVERLAP", f"it would overlap {other.event_id}")

    def _announce(self, event: Event) -> None:
        for ven in self.memory.vens.values():
            if event.concerns(ven.ven_id):
                self._queue(ven, None)

    def _queue(self, ven: Ven, content: Element | None) -> None:
        if content is None and None in ven.queue:
            return
        ven.queue.append(content)
        if not ven.pull:
            self._courier.wake()

    async def _handle(self, request: web.Request) -> web.Response:
        service = request.path.removeprefix(f"{BASE_PATH}/")
        status = _unserved(service, request)
        if status:
            return web.Response(status=status)
        body = await read_body(request, self._clock, LARGEST)
        if not self._schema.validate(parse(body)):
            return web.Response(status=406)
        answer = self._answer(service, opened(body), request)
        self._courier.wake()
        if answer is None:
            return web.Response(status=200)
        return _said(sealed(answer), request.headers.get("Accept-Encoding", ""))

    def _answer(self, service: str, asked: Element, request: web.Request) -> Element | None:
        if local(asked) not in SERVED[service]:
            return self._desk.refusal(asked, COMPLIANCE)
        der = peer_certificate(request.transport)
        peer = hashlib.sha256(der).hexdigest()[-20:] if der is not None else ""
        return self._desk.take(asked, peer, self._clock.now())

    def _number(self, word: str) -> str:
        self.memory.numbers += 1
        return f"{word}-{self.memory.numbers}"


def _unserved(service: str, request: web.Request) -> int:
    """Return the status of a request that is not even read; 0: read it (section 9.1.5)."""
    if service not in SERVED:
        return 404
    if request.method != "POST":
        return 501
    whole = "Transfer-Encoding" not in request.headers  # chunks are forbidden (section 9.1.9.4)
    fits = request.content_type == MEDIA_TYPE and (request.charset or UTF8).lower() == UTF8
    return 0 if whole and fits else 406


def _said(body: bytes, accepted: str) -> web.Response:
    """Answer, compressed for whom accepts that (section 9.1.9.2)."""
    if "gzip" not in accepted.lower():
        return web.Response(body=body, content_type=MEDIA_TYPE)
    packed, headers = gzip.compress(body, mtime=0), {"Content-Encoding": "gzip"}
    return web.Response(body=packed, content_type=MEDIA_TYPE, headers=headers)


def _refuse(request: web.Request, error: GatewayError) -> web.StreamResponse:
    return web.Response(status=406)
