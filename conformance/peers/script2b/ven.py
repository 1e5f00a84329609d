"""The suite's VEN (meets ``kit.stage.Ven``): sends what it is told, and answers as a good VEN where asked to."""

import asyncio
import contextlib
import ssl
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Final

from conformance.kit.oadr20b import build, ven_build
from conformance.kit.oadr20b import registration as party
from conformance.kit.oadr20b.names import BASE, SERVICE_OF
from conformance.kit.oadr20b.report import ReportRequest
from conformance.kit.stage import Reply, UnobservedError
from conformance.kit.transcript import Message
from conformance.kit.xml import Element, local_name
from conformance.peers.script2b.caller import Caller
from conformance.peers.script2b.door import Door
from conformance.peers.script2b.ports import Answer
from conformance.peers.script2b.state import Names
from conformance.peers.script2b.utility import Network
from gateway.domain.ports import Clock

_XML: Final = (("Content-Type", "application/xml"),)
_MOST_POLLS: Final = 50
_EVENTS: Final = ".//oadr:oadrEvent[oadr:oadrResponseRequired='always']"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who a scripted VEN is, and where its VTN stands."""

    name: str
    url: str
    """Of the VTN, with the path prefix."""
    mode: str
    tls: ssl.SSLContext | None
    resource: str


class ScriptedVen:
    """One VEN.

    Args:
        identity: Who it is.
        network: Clock, recorder; in push mode its own server.
        names: Fresh ids.
    """

    def __init__(self, identity: Identity, network: Network, names: Names) -> None:
        self._identity = identity
        self._net = network
        self._names = names
        self.ven_id = ""
        self.registration_id = ""
        self.vtn_id = ""
        self.opt = "optIn"
        """What it answers to events by itself; empty: nothing."""
        self.event_code = "200"
        """responseCode of these answers."""
        self.pending: list[str] = []
        """reportRequestIDs that the VTN has asked for."""
        self._caller = Caller(network.tape, network.clock, identity.tls)
        self._door: Door | None = None
        self._replies: deque[Reply] = deque()
        self._wanted: list[ReportRequest] = []
        self._unwanted: list[str] = []
        self._polling: asyncio.Task[None] | None = None
        self._owing: set[asyncio.Task[None]] = set()

    # --- for the runner

    async def open(self) -> None:
        """Listen, in push mode."""
        if self._identity.mode == "push":
            net = self._net
            self._door = Door(self._pushed, net.tape, net.clock, net.contexts, net.address)
            await self._door.up()

    async def close(self) -> None:
        """Stop polling and close everything."""
        tasks = {t for t in (self._polling, *self._owing) if t is not None}
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        await self._caller.close()
        if self._door is not None:
            await self._door.down()

    @property
    def address(self) -> str | None:
        """Return oadrTransportAddress; None in pull mode."""
        return self._door.url + BASE if self._door is not None else None

    # --- for scripts

    async def send(self, element: Element, *, wrong: str = "") -> Message:
        """Post a message and return the answer."""
        service = SERVICE_OF.get(local_name(element), "EiRegisterParty")
        return await self.send_raw(build.payload(element), service=service, wrong=wrong)

    async def send_raw(
        self,
        body: bytes,
        *,
        service: str,
        wrong: str,
        headers: tuple[tuple[str, str], ...] = (),
        method: str = "POST",
    ) -> Message:
        """Send exactly these bytes."""
        url = f"{self._identity.url.rstrip('/')}/{service}"
        found = await self._caller.post(url, body, wrong=wrong, headers=headers, method=method)
        if found is None:
            raise UnobservedError(f"answer a message to {service}")
        return found

    def request_id(self) -> str:
        """Return a fresh requestID."""
        return self._names.next("q")

    def answer_next(self, *replies: Reply) -> None:
        """Answer the next messages that are pushed so."""
        self._replies.extend(replies)

    def request_with_registered(self, *requests: ReportRequest) -> None:
        """Ask for reports inside the next oadrRegisteredReport."""
        self._wanted.extend(requests)

    def cancel_in_update(self, *request_ids: str) -> None:
        """Put an oadrCancelReport into the next oadrUpdatedReport."""
        self._unwanted.extend(request_ids)

    async def down(self) -> None:
        """Close the port, in push mode."""
        self._net.tape.mark("suite.down")
        if self._door is not None:
            await self._door.down()

    async def up(self) -> None:
        """Listen again on the same port."""
        if self._door is not None:
            await self._door.up()

    async def register(self) -> Message:
        """Register, offer reports, ask for events; return the answer to the registration."""
        found = await self.send(
            party.create_registration(
                self.request_id(),
                name=self._identity.name,
                pull=self._identity.mode == "pull",
                address=self.address,
                registration_id=self.registration_id or None,
                ven_id=self.ven_id or None,
            )
        )
        self.ven_id = found.text("ei:venID")
        self.registration_id = found.text("ei:registrationID")
        self.vtn_id = found.text("ei:vtnID")
        now, resource = self._net.clock.now(), self._identity.resource
        offers = (
            ven_build.usage_metadata(resource, now),
            ven_build.status_metadata(resource, now),
        )
        await self._asked(
            await self.send(build.register_report(self.request_id(), offers, self.ven_id))
        )
        await self.answer(await self.send(party.request_event(self.request_id(), self.ven_id)))
        return found

    async def poll(self) -> Message:
        """Send one oadrPoll."""
        return await self.send(party.poll(self.ven_id))

    async def drain(self) -> list[Message]:
        """Poll until the queue is empty, answering each message."""
        found = []
        for _ in range(_MOST_POLLS):
            answer = await self.poll()
            if answer.name in ("oadrResponse", ""):
                break
            found.append(answer)
            await self.answer(answer)
        return found

    def keep_polling(self, every: timedelta) -> None:
        """Poll in the background from now on."""
        if self._polling is None:
            self._polling = asyncio.create_task(self._poll_on(every), name="scripted ven")

    async def _poll_on(self, every: timedelta) -> None:
        clock: Clock = self._net.clock
        with clock.held():
            while True:
                due = clock.now() + every
                with contextlib.suppress(UnobservedError):
                    await self.drain()
                await clock.sleep_until(due)

    # --- as a good VEN

    async def answer(self, message: Message) -> None:
        """Answer what a poll, or an answer, has brought, by a message of its own (pull)."""
        made = self.reply_to(message)
        if made is not None:
            await self.send(made)
        if message.name == "oadrRequestReregistration":
            await self.register()

    async def _asked(self, message: Message) -> None:
        """Answer the requests that came inside an oadrRegisteredReport."""
        if message.has("oadr:oadrReportRequest"):
            await self.send(self._created_report(message, ""))

    def reply_to(self, message: Message) -> Element | None:
        """Make the logical answer to a message of the VTN."""
        make = _ANSWERS.get(message.name)
        return make(self, message, message.text("pyld:requestID")) if make else None

    def _created_event(self, message: Message, request_id: str) -> Element | None:
        rows = []
        for place in range(1, len(message.elements(_EVENTS)) + 1):
            base = f"({_EVENTS})[{place}]/ei:eiEvent/ei:eventDescriptor"
            version = message.text(f"{base}/ei:modificationNumber")
            rows.append(
                ven_build.EventResponse(
                    event_id=message.text(f"{base}/ei:eventID"),
                    version=int(version) if version.isdigit() else 0,
                    request_id=request_id,
                    opt=self.opt,
                    code=self.event_code,
                )
            )
        return ven_build.created_event(self.ven_id, rows) if rows and self.opt else None

    def _registered_report(self, _: Message, request_id: str) -> Element:
        rows, self._wanted = [build.report_request(x) for x in self._wanted], []
        name = "oadr:oadrRegisteredReport"
        return build.answer(name, request_id, "200", *rows, ven_id=self.ven_id)

    def _created_report(self, message: Message, request_id: str) -> Element:
        self.pending += message.all(".//oadr:oadrReportRequest/ei:reportRequestID")
        return ven_build.pending_answer(
            "oadr:oadrCreatedReport", request_id, "200", self.pending, self.ven_id
        )

    def _canceled_report(self, message: Message, request_id: str) -> Element:
        gone = message.all("ei:reportRequestID")
        self.pending = [x for x in self.pending if x not in gone]
        return ven_build.pending_answer(
            "oadr:oadrCanceledReport", request_id, "200", self.pending, self.ven_id
        )

    def _updated_report(self, _: Message, request_id: str) -> Element:
        gone, self._unwanted = self._unwanted, []
        cancel = build.cancel_report(self.request_id(), gone, self.ven_id) if gone else None
        if cancel is not None:
            cancel.attrib.clear()
        return build.answer("oadr:oadrUpdatedReport", request_id, "200", cancel, ven_id=self.ven_id)

    def _canceled_registration(self, message: Message, request_id: str) -> Element:
        given = (message.text("ei:registrationID"), message.text("ei:venID"))
        fits = given[0] == self.registration_id and given[1] in ("", self.ven_id)
        if fits:
            self.registration_id = ""
        code = "200" if fits else "452"
        return party.canceled_registration(request_id, code, given[0] or None, given[1] or None)

    def _reregistering(self, _: Message, request_id: str) -> Element:
        return build.oadr_response(request_id, ven_id=self.ven_id)

    # --- pushed to

    async def _pushed(self, message: Message) -> Answer:
        if self._replies:
            return _instead(self._replies.popleft())
        if message.name in ("oadrDistributeEvent", "oadrRequestReregistration"):
            again = message.name == "oadrRequestReregistration"
            now = self.reply_to(message) if again else None
            self._net.clock.hold()  # for the task that answers later; it gives this token back
            task = asyncio.create_task(self._later(message, again=again), name="scripted ven owes")
            self._owing.add(task)
            task.add_done_callback(self._owing.discard)
        else:
            now = self.reply_to(message)
        body = build.payload(now) if now is not None else b""
        return Answer(status="200 OK", headers=_XML, body=body)

    async def _later(self, message: Message, *, again: bool) -> None:
        try:
            with contextlib.suppress(UnobservedError):
                if again:
                    await self.register()
                else:
                    await self.answer(message)
        finally:
            self._net.clock.release()


def _instead(reply: Reply) -> Answer:
    body = build.payload(reply.element) if reply.element is not None else reply.body or b""
    phrase = next((s.phrase for s in HTTPStatus if s.value == reply.status), "Unknown")
    return Answer(
        status=f"{reply.status} {phrase}",
        headers=(*_XML, *reply.headers),
        body=body,
        wrong=reply.wrong,
        fault=reply.fault,
    )


Answering = Callable[[ScriptedVen, Message, str], Element | None]
_ANSWERS: Final[Mapping[str, Answering]] = {
    "oadrDistributeEvent": ScriptedVen._created_event,  # noqa: SLF001 - the table of this class's own answers
    "oadrRegisterReport": ScriptedVen._registered_report,  # noqa: SLF001 - likewise
    "oadrCreateReport": ScriptedVen._created_report,  # noqa: SLF001 - likewise
    "oadrCancelReport": ScriptedVen._canceled_report,  # noqa: SLF001 - likewise
    "oadrUpdateReport": ScriptedVen._updated_report,  # noqa: SLF001 - likewise
    "oadrCancelPartyRegistration": ScriptedVen._canceled_registration,  # noqa: SLF001 - likewise
    "oadrRequestReregistration": ScriptedVen._reregistering,  # noqa: SLF001 - likewise
}
