"""The suite's VTN (meets ``kit.stage.Utility``): well-behaved, and wrong wherever a case says so."""

import asyncio
import copy
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Final

from conformance.kit.oadr20b import build
from conformance.kit.oadr20b import registration as party
from conformance.kit.oadr20b.event import Event
from conformance.kit.oadr20b.names import BASE, EVENT, REGISTER, REPORT, SERVICE_OF
from conformance.kit.oadr20b.report import ReportRequest
from conformance.kit.oadr20b.signing import RIGHT, Seal, Signer, signed
from conformance.kit.stage import Reply, UnobservedError
from conformance.kit.transcript import Message
from conformance.kit.xml import Element, local_name
from conformance.peers.script2b.caller import Caller
from conformance.peers.script2b.door import Address, Door
from conformance.peers.script2b.ports import Answer, Contexts, Recorder
from conformance.peers.script2b.state import Account, Item, Names, Settings, State
from conformance.peers.script2b.usual import Usual
from gateway.domain.ports import Clock, Mailbox

_XML: Final = ("Content-Type", "application/xml")
_NOT_FOUND: Final = Answer(status="404 Not Found", headers=(), body=b"")
_WRONG_METHOD: Final = Answer(status="501 Not Implemented", headers=(), body=b"")


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """How the suite meets the device."""

    clock: Clock
    tape: Recorder
    contexts: Contexts | None
    """Of the server; None: plain HTTP."""
    client: ssl.SSLContext | None
    """Of pushes."""
    address: Address
    signer: Signer | None = None
    """Of messages, at high security."""
    stranger: Signer | None = None
    """Somebody whose certificate is on no file."""
    masks: Callable[[str], ssl.SSLContext] | None = None
    """Wrong identities for pushes, by name."""


class ScriptedUtility:
    """One VTN for one device.

    Args:
        settings: Of the case.
        network: Clock, recorder, sockets.
        names: Fresh ids.
        account: A registration from before, for a device that cannot be reset.
    """

    def __init__(
        self,
        settings: Settings,
        network: Network,
        names: Names,
        account: Account | None = None,
    ) -> None:
        self._settings = settings
        self._net = network
        self._names = names
        self.state = State(account=account)
        self._usual = Usual(settings, self.state, names)
        self._door = Door(
            self._serve,
            network.tape,
            network.clock,
            network.contexts,
            network.address,
            self._answered,
        )
        self._caller = Caller(network.tape, network.clock, network.client)
        self._pushing: asyncio.Task[None] | None = None
        self._due: Mailbox[bool] = network.clock.mailbox()
        self._resting = False

    # --- for the runner

    @property
    def url(self) -> str:
        """Return the address to give to the device, with the path prefix of 2.0b."""
        return self._door.url + BASE

    async def open(self) -> None:
        """Listen, and in push mode begin to deliver."""
        await self._door.up()
        if self._settings.mode == "push":
            self._pushing = asyncio.create_task(self._push(), name="utility pushes")

    async def close(self) -> None:
        """Close everything."""
        if self._pushing is not None:
            self._pushing.cancel()
            await asyncio.wait({self._pushing})
        while len(self._due):
            await self._due.get()
        await self._caller.close()
        await self._door.down()

    @property
    def idle(self) -> bool:
        """Say whether nothing waits to be said."""
        return not self.state.queue

    # --- what a script may ask

    @property
    def vtn_id(self) -> str:
        """Return its id."""
        return self._settings.vtn_id

    @property
    def ven_id(self) -> str:
        """Return the id that the device was given."""
        return self.state.account.ven_id if self.state.account else ""

    @property
    def registration_id(self) -> str:
        """Return the id of the registration."""
        return self.state.account.registration_id if self.state.account else ""

    def publish(self, *events: Event) -> None:
        """Add events and distribute."""
        self.hold(*events)
        self.distribute()

    def hold(self, *events: Event) -> None:
        """Add events without distributing."""
        for event in events:
            self.state.events[event.id] = event

    def modify(self, event: Event) -> None:
        """Replace an event and distribute."""
        self.publish(event)

    def cancel(self, event_id: str) -> None:
        """Cancel an event and distribute."""
        self.publish(self.state.events[event_id].cancelled())

    def withdraw(self, event_id: str) -> None:
        """Drop an event and distribute the rest."""
        del self.state.events[event_id]
        self.distribute()

    def distribute(self) -> None:
        """Distribute all events."""
        self._queue(Item(build=self._usual.listing, service=EVENT, listing=True))

    def request_report(self, *requests: ReportRequest) -> None:
        """Send an oadrCreateReport."""
        self._later(
            REPORT, lambda: build.create_report(self._names.next("q"), requests, self.ven_id)
        )

    def request_with_metadata(self, *requests: ReportRequest) -> None:
        """Ask inside the next oadrRegisteredReport."""
        self.state.with_metadata = requests

    def cancel_report(self, *request_ids: str, to_follow: bool = False) -> None:
        """Send an oadrCancelReport."""
        self._later(
            REPORT,
            lambda: build.cancel_report(
                self._names.next("c"), request_ids, self.ven_id, to_follow=to_follow
            ),
        )

    def cancel_in_update(self, *request_ids: str) -> None:
        """Cancel inside the next oadrUpdatedReport."""
        self.state.in_update = request_ids

    def cancel_registration(self, registration_id: str = "", ven_id: str = "") -> None:
        """Send an oadrCancelPartyRegistration."""
        wrong = "an id that is not the device's" if registration_id or ven_id else ""
        registration, ven = registration_id or self.registration_id, ven_id or self.ven_id
        self._later(
            REGISTER,
            lambda: party.cancel_registration(self._names.next("x"), registration, ven),
            wrong,
        )

    def request_reregistration(self) -> None:
        """Send an oadrRequestReregistration."""
        self._later(REGISTER, lambda: party.request_reregistration(self.ven_id))

    def send(self, element: Element, *, wrong: str = "") -> None:
        """Queue or push a message."""
        service = SERVICE_OF.get(local_name(element), REGISTER)
        self._later(service, lambda: element, wrong)

    def send_raw(
        self,
        body: bytes,
        *,
        service: str,
        wrong: str,
        headers: tuple[tuple[str, str], ...] = (),
        method: str = "POST",
        mask: str = "",
    ) -> None:
        """Queue or push bytes."""
        if mask and self._net.masks is None:
            raise UnobservedError("show a wrong identity, for which it needs a PKI of its own")
        self._queue(
            Item(
                build=lambda _, __: body,
                service=service,
                wrong=wrong,
                headers=headers,
                method=method,
                mask=mask,
            )
        )

    def answer_next(self, name: str, *replies: Reply) -> None:
        """Answer the next requests of a name so."""
        self.state.replies.setdefault(name, type(self.state.queue)()).extend(replies)  # type: ignore[arg-type]  # a deque of another kind

    def answer_always(self, name: str, reply: Reply | None) -> None:
        """Answer every request of a name so."""
        if reply is None:
            self.state.always.pop(name, None)
        else:
            self.state.always[name] = reply

    def unregister(self) -> None:
        """Forget the registration."""
        self._usual.forget()

    def expect_ven_id(self, ven_id: str) -> None:
        """Give this id at the next registration."""
        self.state.next_ven_id = ven_id

    async def down(self) -> None:
        """Close the port."""
        self._net.tape.mark("suite.down")
        await self._door.down()

    async def up(self) -> None:
        """Listen again."""
        await self._door.up()
        self._net.tape.mark("suite.up")

    def schedule(self, text: str) -> None:
        """Strike by a fault schedule."""
        self._door.strike(text)

    def signed(self, body: bytes, seal: Seal = RIGHT) -> bytes:
        """Sign a document now."""
        signer = self._net.stranger if seal.stranger else self._net.signer
        if signer is None:
            raise UnobservedError("have an identity of the suite that can sign")
        return signed(body, signer, self._net.clock.now(), self._names.next("nonce"), seal)

    def _document(self, element: Element) -> bytes:
        body = build.payload(element)
        return self.signed(body) if self._settings.signs else body

    # --- queue and push

    def _later(self, service: str, make: Callable[[], Element], wrong: str = "") -> None:
        self._queue(Item(build=lambda _, __: make(), service=service, wrong=wrong))

    def _queue(self, item: Item) -> None:
        self.state.push(item)
        if self._settings.mode == "push":
            self._ring()

    def _ring(self) -> None:
        """Wake the deliverer if it rests; busy, it will see the queue, and a device may let it wait long."""
        if self._resting:
            self._resting = False
            self._due.put(True)

    async def _push(self) -> None:
        with self._net.clock.held():
            while True:
                while self.state.queue and self.state.account is not None:
                    await self._deliver(self.state.queue.popleft())
                self._resting = True
                await self._due.get()

    async def _deliver(self, item: Item) -> None:
        account = self.state.account
        url = self._settings.address or (account.address if account else "")
        wrong = self.state.wrong_of(item, self._net.clock.now())
        made = item.build(self._net.clock.now(), None)
        body = made if isinstance(made, bytes) else self._document(made)
        root = url.rstrip("/").removesuffix(BASE)
        caller = self._caller_of(item)
        answer = await caller.post(
            f"{root}{BASE}/{item.service}",
            body,
            wrong=wrong,
            headers=item.headers,
            method=item.method,
        )
        if caller is not self._caller:
            await caller.close()
        if answer is not None and answer.name == "oadrCanceledPartyRegistration":
            self._usual.canceled(answer, self._net.clock.now())
        if answer is not None and answer.has(
            "self::oadr:oadrRegisteredReport/oadr:oadrReportRequest"
        ):
            made = self._usual.created_report(answer, self._net.clock.now())
            self.state.queue.appendleft(Item(build=lambda _, __: made, service=REPORT))

    def _caller_of(self, item: Item) -> Caller:
        """Return who pushes an item: a stranger has a connection of its own."""
        if not item.mask or self._net.masks is None:
            return self._caller
        return Caller(self._net.tape, self._net.clock, self._net.masks(item.mask))

    # --- answers

    async def _serve(self, request: Message) -> Answer:
        return self._answer(request)

    def _answered(self, _: Message) -> None:
        """Deliver what an answer has made possible, e.g. after a registration."""
        if self._settings.mode == "push" and self.state.queue and self.state.account is not None:
            self._ring()

    def _answer(self, request: Message) -> Answer:
        if not request.path.startswith(f"{BASE}/"):
            return _NOT_FOUND
        if request.method != "POST":
            return _WRONG_METHOD
        reply = self.state.reply_to(request.name)
        if reply is not None and (reply.body is not None or reply.element is not None):
            return self._instead(reply)
        wrong = self._wrong(request)
        said = self._usual.answer(request, self._net.clock.now())
        if reply is not None and reply.edit is not None and not isinstance(said, bytes):
            said = copy.deepcopy(said)
            reply.edit(said)
        return self._said(said, reply, wrong)

    def _wrong(self, request: Message) -> str:
        """Return in what the usual answer will be wrong on purpose."""
        now = self._net.clock.now()
        if request.name == "oadrPoll" and self.state.queue:
            return self.state.wrong_of(self.state.queue[0], now)
        return self.state.wrong_events(now) if request.name == "oadrRequestEvent" else ""

    def _instead(self, reply: Reply) -> Answer:
        body = reply.body if reply.element is None else self._document(reply.element)
        return self._shape(body or b"", reply, reply.wrong)

    def _said(self, said: Element | bytes, reply: Reply | None, wrong: str) -> Answer:
        body = said if isinstance(said, bytes) else self._document(said)
        if reply is None:
            return Answer(status="200 OK", headers=self._headers(), body=body, wrong=wrong)
        return self._shape(body, reply, reply.wrong or wrong)

    def _shape(self, body: bytes, reply: Reply, wrong: str) -> Answer:
        named = {name.lower() for name, _ in reply.headers}
        kept = tuple(pair for pair in self._headers() if pair[0].lower() not in named)
        phrase = next((s.phrase for s in HTTPStatus if s.value == reply.status), "Unknown")
        return Answer(
            status=f"{reply.status} {phrase}",
            headers=(*kept, *reply.headers),
            body=body,
            wrong=wrong,
            fault=reply.fault,
        )

    def _headers(self) -> tuple[tuple[str, str], ...]:
        return (_XML, ("Date", http_date(self._net.clock.now())))


def http_date(at: datetime) -> str:
    """Write an instant as HTTP does (RFC 9110 section 5.6.7)."""
    days = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
    months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    return (
        f"{days[at.weekday()]}, {at.day:02} {months[at.month - 1]} {at.year:04} "
        f"{at.hour:02}:{at.minute:02}:{at.second:02} GMT"
    )


Shown = Mapping[str, str]
