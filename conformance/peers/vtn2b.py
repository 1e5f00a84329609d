"""A utility that speaks OpenADR 2.0b, in process: publishes, asks for reports, and knows what every VEN answered."""

import asyncio
import ssl
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from itertools import islice
from typing import Final, Generic, TypeVar

from conformance.peers.event_spec import EventSpec
from conformance.peers.push2b import PushPeer
from gateway.domain.errors import MisuseError
from gateway.domain.ports import Clock, Ids, Mailbox
from gateway.protocols.oadr2b.codec import Codec
from gateway.protocols.oadr2b.messages import OadrEvent, OadrReport
from gateway.protocols.oadr2b.server import Vtn
from gateway.protocols.oadr2b.vtn_book import Page, Turn, VtnOptions
from gateway.protocols.oadr2b.vtn_facts import Answered, Fact, Reported
from gateway.protocols.oadr2b.vtn_records import AllocationRecord, VenRecord, WantRecord
from gateway.servers.vtn2b.app import BASE_PATH, HttpOptions, vtn_app
from gateway.servers.vtn2b.desk import VtnDesk
from gateway.servers.vtn2b.security import Security
from gateway.servers.vtn2b.store import History, MemoryStore, VtnStore
from gateway.servers.vtn2b.transcript import Exchange, Transcript
from gateway.transport.server import Listener, listen

F = TypeVar("F", bound=Fact)
_KEPT: Final = 100_000
Watch = Callable[["Told[Fact]"], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told(Generic[F]):
    """A fact and when it became one."""

    fact: F
    at: datetime


class UtilityPeer:
    """One utility; nothing happens before ``start``.

    Args:
        options: The VTN's id, its poll period, who may register.
        clock: Its time, shared with everybody in the process.
        ids: Source of its ids.
        codec: Reads and writes the messages.
        tls: Context of the listener; None for plain HTTP on loopback.
        host: Address to listen on.
        port: 0 for any free one.
        store: Keeps its memory; without one it forgets at the end.
        http: What may differ from the norm in transport.
        security: Verifies and makes signatures; without it they are not looked at.
        watch: Called with every fact as it happens; must not wait.
        push: How it reaches VENs in push mode; without it every VEN has to poll.
        transcript: How many exchanges are kept, as they went over the wire; 0: none.
    """

    def __init__(  # noqa: PLR0913 - one argument per thing that a demo, a test or the command line chooses
        self,
        options: VtnOptions,
        *,
        clock: Clock,
        ids: Ids,
        codec: Codec,
        tls: ssl.SSLContext | None,
        host: str = "127.0.0.1",
        port: int = 0,
        store: VtnStore | None = None,
        http: HttpOptions | None = None,
        security: Security | None = None,
        watch: Watch | None = None,
        push: PushPeer | None = None,
        transcript: int = 0,
    ) -> None:
        self._options = replace(options, push=push is not None)
        self._clock = clock
        self._ids = ids
        self._codec = codec
        self._tls = tls
        self._address = (host, port)
        self._store = store if store is not None else MemoryStore()
        self._http = http or HttpOptions()
        self._security = security
        self._watch = watch
        self._push = push
        self._pushing: asyncio.Task[None] | None = None
        self.history: History = self._store if isinstance(self._store, History) else MemoryStore()
        """Answers and values, of earlier runs too where the store keeps them."""
        self._transcript = Transcript(self.history, clock, transcript) if transcript else None
        self._desk: VtnDesk | None = None
        self._listener: Listener | None = None
        self._waiting: list[Mailbox[Told[Fact]]] = []
        self.facts: deque[Told[Fact]] = deque(maxlen=_KEPT)
        """The latest since ``start``, oldest first; everything in a run of ordinary length."""
        self._facts_told = 0

    async def start(self) -> None:
        """Read the store and listen.

        Raises:
            StoreError: the store cannot be read.
            OSError: the address is taken.
        """
        book = await self._store.load()
        if self._security is not None:
            await self._security.start()
        vtn = Vtn(self._options, self._ids, book)
        self._desk = VtnDesk(vtn, self._store, self._clock, self._note)
        app = vtn_app(
            self._desk, self._codec, self._clock, self._http, self._security, self._transcript
        )
        host, port = self._address
        self._listener = await listen(app, host, port, self._tls)
        if self._push is not None:
            self._pushing = self._push.begin(
                self._desk, self._codec, self._clock, self._options, self._security
            )

    async def stop(self) -> None:
        """Close every connection, then the store."""
        if self._pushing is not None and self._push is not None:
            await self._push.end(self._pushing)
        if self._listener is not None:
            await self._listener.stop()
        if self._transcript is not None:
            await self._transcript.flush()
        await self._store.close()

    @property
    def url(self) -> str:
        """Return what VENs are given: scheme, host, port and path up to the service name."""
        if self._listener is None:
            raise MisuseError("NOT_STARTED", "start the utility first")
        return self._listener.url + self._http.prefix + BASE_PATH.rstrip("/")

    @property
    def port(self) -> int:
        """Return the port that is listened on."""
        if self._listener is None:
            raise MisuseError("NOT_STARTED", "start the utility first")
        return self._listener.port

    @property
    def vtn(self) -> Vtn:
        """Return the core, to read from."""
        return self._opened().vtn

    def page(self) -> Page:
        """Open a page of the VTN's memory, to read."""
        return self.vtn.page(self._clock.now())

    @property
    def vens(self) -> tuple[VenRecord, ...]:
        """Return who is registered now."""
        return tuple(self.page().vens())

    @property
    def answers(self) -> tuple[Told[Answered], ...]:
        """Return every answer to an event, oldest first."""
        return self.told(Answered)

    @property
    def reports(self) -> tuple[Told[Reported], ...]:
        """Return every value reported, oldest first."""
        return self.told(Reported)

    def facts_after(self, number: int, limit: int) -> list[tuple[int, Told[Fact]]]:
        """Return facts of this run with their numbers, which begin with 1, oldest first."""
        first = self._facts_told - len(self.facts) + 1
        start = max(0, number + 1 - first)
        return list(enumerate(islice(self.facts, start, start + limit), start=first + start))

    async def exchanges(self, after: int = 0, limit: int = 1000) -> list[Exchange]:
        """Return the transcript, oldest first.

        Args:
            after: Number of the last exchange that is known already.
            limit: Most that are returned.
        """
        return [] if self._transcript is None else await self._transcript.after(after, limit)

    def told(self, kind: type[F]) -> tuple[Told[F], ...]:
        """Return the facts of one kind, oldest first."""
        return tuple(
            Told(fact=told.fact, at=told.at) for told in self.facts if isinstance(told.fact, kind)
        )

    async def publish(self, event: EventSpec) -> None:
        """Announce an event.

        Raises:
            MisuseError: as ``EventSpec.message`` and ``Vtn.publish``.
        """
        await self.publish_message(event.message(), event.vens)

    async def publish_message(self, event: OadrEvent, audience: tuple[str, ...] = ()) -> None:
        """Announce an event as it stands, also one that breaks a rule of the standard.

        Args:
            event: At version 0 or, to try a VEN, any other.
            audience: venIDs that get it; empty: every VEN.

        Raises:
            MisuseError: as ``Vtn.publish``.
        """
        await self._open(lambda now: self.vtn.publish(event, audience, now))

    async def modify(self, event: EventSpec) -> None:
        """Replace an event by its next version, under the same id.

        Raises:
            MisuseError: as ``EventSpec.message`` and ``Vtn.modify``.
        """
        await self.modify_message(event.message())

    async def modify_message(self, event: OadrEvent) -> None:
        """Replace an event by its next version as it stands; the version is counted up here.

        Raises:
            MisuseError: as ``Vtn.modify``.
        """
        await self._open(lambda now: self.vtn.modify(event, now))

    async def cancel(self, event_id: str) -> None:
        """Cancel an event.

        Raises:
            MisuseError: as ``Vtn.cancel``.
        """
        await self._open(lambda now: self.vtn.cancel(event_id, now))

    async def request_report(self, wish: WantRecord) -> None:
        """Ask for reports, now and whenever a VEN registers what the wish is about.

        Raises:
            MisuseError: ``WANT_EXISTS``.
        """
        await self.request_reports(wish)

    async def request_reports(self, *wishes: WantRecord) -> None:
        """Ask for several reports in one message per VEN.

        Raises:
            MisuseError: ``WANT_EXISTS``.
        """
        await self._open(lambda now: self.vtn.want_all(wishes, now))

    async def cancel_report(
        self, want_id: str, *, to_follow: bool = False, piggyback: bool = False
    ) -> None:
        """Ask for no more reports of a wish.

        Args:
            want_id: Of the wish.
            to_follow: Ask for one last report.
            piggyback: Tell it in the oadrUpdatedReport that answers the next report.

        Raises:
            MisuseError: ``UNKNOWN_WANT``.
        """
        await self._open(
            lambda now: self.vtn.unwant(want_id, now, to_follow=to_follow, piggyback=piggyback)
        )

    async def offer(self, *reports: OadrReport) -> None:
        """Offer reports of the utility's own, as metadata, in place of all offered before."""
        await self._open(lambda now: self.vtn.offer(reports, now))

    async def record_value(
        self, report_specifier_id: str, r_id: str, value: Decimal, at: datetime | None = None
    ) -> None:
        """Note a value of a report of the utility's own; now unless told.

        Raises:
            MisuseError: ``UNKNOWN_OFFER``.
        """
        await self._open(
            lambda now: self.vtn.record_value(report_specifier_id, r_id, at or now, value, now)
        )

    async def allocate(
        self,
        ven_id: str,
        fingerprints: tuple[str, ...] = (),
        name: str = "",
        overlap_until: datetime | None = None,
    ) -> None:
        """Give a venID out beforehand, or change whose certificates may use it.

        Args:
            ven_id: The venID.
            fingerprints: The new one first while one is rolled over.
            name: For people.
            overlap_until: From then on only the first one counts.

        Raises:
            MisuseError: ``FINGERPRINT_TAKEN``.
        """
        allocation = AllocationRecord(
            ven_id=ven_id, fingerprints=fingerprints, name=name, overlap_until=overlap_until
        )
        await self._open(lambda now: self.vtn.allocate(allocation, now))

    async def remove(self, ven_id: str) -> None:
        """Forget a VEN and its allocation without asking it.

        Raises:
            MisuseError: ``UNKNOWN_VEN``.
        """
        await self._open(lambda now: self.vtn.remove(ven_id, now))

    async def cancel_registration(self, ven_id: str) -> None:
        """Ask a VEN to end its registration.

        Raises:
            MisuseError: ``UNKNOWN_VEN``.
        """
        await self._open(lambda now: self.vtn.cancel_registration(ven_id, now))

    async def ask_reregistration(self, ven_id: str) -> None:
        """Ask a VEN to register anew, with its present ids.

        Raises:
            MisuseError: ``UNKNOWN_VEN``.
        """
        await self._open(lambda now: self.vtn.request_reregistration(ven_id, now))

    async def request_reregistration(self, ven_id: str) -> None:
        """Do as ``ask_reregistration``: the name it had first."""
        await self.ask_reregistration(ven_id)

    async def wait_for(
        self, kind: type[F], match: Callable[[F], bool] | None = None, *, until: datetime
    ) -> Told[F] | None:
        """Wait for a fact, one that is there already included. The caller holds a token of the clock.

        Args:
            kind: Class of the fact.
            match: Says whether it is the one; any of the kind without.
            until: Instant to give up at.

        Returns:
            The first such fact, None when the instant came first.
        """
        for told in self.told(kind):
            if match is None or match(told.fact):
                return told
        mailbox: Mailbox[Told[Fact]] = self._clock.mailbox()
        self._waiting.append(mailbox)
        try:
            while (told_now := await mailbox.get(until)) is not None:
                fact = told_now.fact
                if isinstance(fact, kind) and (match is None or match(fact)):
                    return Told(fact=fact, at=told_now.at)
            return None
        finally:
            self._waiting.remove(mailbox)
            while len(mailbox):
                # An item left behind would keep its token, and the clock from moving.
                await mailbox.get()

    def _opened(self) -> VtnDesk:
        if self._desk is None:
            raise MisuseError("NOT_STARTED", "start the utility first")
        return self._desk

    async def _open(self, door: Callable[[datetime], Turn]) -> None:
        await self._opened().open(door)

    def _note(self, fact: Fact, at: datetime) -> None:
        told = Told(fact=fact, at=at)
        self.facts.append(told)
        self._facts_told += 1
        if self._watch is not None:
            self._watch(told)
        for mailbox in self._waiting:
            mailbox.put(told)
