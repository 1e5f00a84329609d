"""Speaks to an OpenADR 2.0b utility without changing anything: one query, one list of events.

Never oadrPoll: it takes a message off the utility's queue, and an event that only the doctor saw would be lost.
oadrQueryRegistration registers nothing. oadrRequestEvent lists everything, which a gateway asks for anew whenever it
starts (OpenADR 2.0b section 8.4, rule 405); but a utility may count what it lists as delivered, so it is asked only
while the store's lock keeps any gateway from running.
"""

import ssl
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from gateway.app.doctor.finding import Finding, Scribe
from gateway.app.doctor.signing import Secured
from gateway.database.lock import FileLock
from gateway.domain.errors import IdentityError, StoreError, TransportError, WireError
from gateway.domain.ports import Clock, Ids
from gateway.northbound.exchange import pinned
from gateway.protocols.oadr2b.codec import Codec
from gateway.protocols.oadr2b.messages import (
    EiResponse,
    Message,
    OadrCreatedPartyRegistration,
    OadrDistributeEvent,
    OadrQueryRegistration,
    OadrRequestEvent,
    OadrResponse,
)
from gateway.transport.client import Answer, PeerClient

XML: Final = "application/xml"
WARN_S: Final = 30.0
FAIL_S: Final = 300.0
_OK: Final = 200
_PAGE: Final = (b"<!doctype html", b"<html")


@dataclass(frozen=True, slots=True, kw_only=True)
class Talk:
    """What is needed to speak.

    Args:
        write: Writes findings.
        codec: Reads and writes messages.
        clock: Time.
        ids: For request ids.
        url: Root of the services.
        context: TLS; None for plain HTTP.
        test_mode: Whether test certificates are accepted.
        fingerprint: Of the pinned server; empty: not pinned.
        secured: Signs and verifies; None without high security.
    """

    write: Scribe
    codec: Codec
    clock: Clock
    ids: Ids
    url: str
    context: ssl.SSLContext | None
    test_mode: bool
    fingerprint: str = ""
    secured: Secured | None = None

    async def speak(self, store: Path | None) -> list[Finding]:
        """Query the registration, compare clocks, and list events unless a gateway uses the store.

        Args:
            store: The gateway's; None before its first start.
        """
        client = PeerClient(
            self.url,
            self.context,
            self.clock,
            total_s=15.0,
            test_mode=self.test_mode,
            admit=pinned(self.fingerprint) if self.fingerprint else None,
        )
        try:
            return await self._speak(client, store)
        finally:
            await client.close()

    async def _speak(self, client: PeerClient, store: Path | None) -> list[Finding]:
        query = OadrQueryRegistration(request_id=self.ids.uuid())
        sent = self.clock.now()
        said = await self._ask(client, "register", "EiRegisterParty", query)
        if isinstance(said, Finding):
            return [said]
        answer, reply = said
        lines = [self._offset(answer, sent)]
        if not isinstance(reply, OadrCreatedPartyRegistration) or not reply.ei_response.is_success:
            return [*lines, self._not_registered(reply)]
        lines.append(self._registered(reply))
        if not reply.ven_id or store is None:
            text = "not asked before the gateway has registered; `gridgate run` does so"
            return [*lines, self.write.skip("events", text)]
        lock = FileLock(store.with_name(store.name + ".lock"))
        try:
            lock.acquire()
        except StoreError:
            text = "left to the gateway that has the store: an event must reach it alone"
            return [*lines, self.write.skip("events", text)]
        try:
            return [*lines, await self._events(client, reply.ven_id)]
        finally:
            lock.release()

    async def _ask(
        self, client: PeerClient, check: str, service: str, message: Message
    ) -> tuple[Answer, Message] | Finding:
        try:
            body = self.codec.encode(message)
            sealed = self.secured.seal(body) if self.secured else body
            answer = await client.post(service, sealed, XML)
        except TransportError as error:
            return self.write.error(check, error)
        if answer.status != _OK:
            return self._status(check, service, answer)
        try:
            if self.secured:
                return answer, self.secured.read(answer)
            return answer, self.codec.decode(answer.body)
        except IdentityError as error:
            return self.write.error(check, error)
        except WireError as error:
            start = answer.body.lstrip()[:20].lower()
            kind = "a web page" if start.startswith(_PAGE) else f"no OpenADR ({error.reason})"
            text = f"{service} answers with {kind}, {answer.media_type}, {len(answer.body)} bytes"
            return self.write.fail(check, "NOT_OPENADR", text)

    def _status(self, check: str, service: str, answer: Answer) -> Finding:
        status = answer.status
        text = f"{self.url}/{service} answers {status}"
        if status in (401, 403):
            return self.write.fail(check, "CERTIFICATE_REFUSED", text, status=status)
        if status in (404, 405, 410):
            return self.write.fail(check, "NO_SERVICE", text, status=status)
        if 300 <= status < 400:
            return self.write.fail(check, "REDIRECTED", text, status=status)
        reason = "SERVER_ERROR" if status >= 500 else "STATUS"
        return self.write.fail(check, reason, text, status=status)

    def _offset(self, answer: Answer, sent: datetime) -> Finding:
        if answer.date is None:
            return self.write.skip("clock", "the server tells no Date")
        middle = sent + (self.clock.now() - sent) / 2
        # A Date has whole seconds: half a second is the best guess for the rest.
        offset = (answer.date - middle).total_seconds() + 0.5
        text = f"the server's clock is {_ahead(offset)}"
        facts = {"offset_s": round(offset, 1)}
        if abs(offset) > FAIL_S:
            return self.write.fail("clock", "CLOCK_OFF", text, **facts)
        if abs(offset) > WARN_S:
            return self.write.warn("clock", "CLOCK_OFF", text, **facts)
        return self.write.ok("clock", text, **facts)

    def _not_registered(self, reply: Message) -> Finding:
        told: EiResponse | None = None
        if isinstance(reply, OadrResponse | OadrCreatedPartyRegistration):
            told = reply.ei_response
        if told is None:
            text = f"the query is answered with {type(reply).__name__}"
            return self.write.fail("register", "NOT_OPENADR", text)
        words = (told.response_description or "")[:200].replace("; ", ", ")
        text = f"the utility answers {told.response_code} {words}".rstrip()
        return self.write.fail("register", "REGISTRATION", text, code=told.response_code)

    def _registered(self, reply: OadrCreatedPartyRegistration) -> Finding:
        profiles = ", ".join(profile.oadr_profile_name for profile in reply.oadr_profiles)
        who = f"known as venID {reply.ven_id}" if reply.ven_id else "this VEN is not registered yet"
        text = f"vtnID {reply.vtn_id}, profiles {profiles}, {who}"
        return self.write.ok(
            "register", text, vtn_id=reply.vtn_id, ven_id=reply.ven_id, profiles=profiles
        )

    async def _events(self, client: PeerClient, ven_id: str) -> Finding:
        message = OadrRequestEvent(request_id=self.ids.uuid(), ven_id=ven_id)
        said = await self._ask(client, "events", "EiEvent", message)
        if isinstance(said, Finding):
            return said
        _, reply = said
        if not isinstance(reply, OadrDistributeEvent):
            return self._not_registered(reply)
        if reply.ei_response is not None and not reply.ei_response.is_success:
            code = reply.ei_response.response_code
            return self.write.fail("events", "REGISTRATION", f"events are refused with {code}")
        number = len(reply.oadr_events) + len(reply.unreadable)
        text = f"{number} listed, none answered; the gateway asks for them anew when it starts"
        return self.write.ok("events", text, listed=number, unreadable=len(reply.unreadable))


def _ahead(offset: float) -> str:
    if abs(offset) < 2:
        return "ours, to the second"
    size = abs(offset)
    told = f"{size:.0f} s" if size < 120 else f"{size / 60:.0f} min"
    return f"{told} {'ahead of' if offset > 0 else 'behind'} ours"
