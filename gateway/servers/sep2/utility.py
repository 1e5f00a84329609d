"""A whole utility of IEEE 2030.5 in one object: core, store, listener, and the operator's doors as coroutines."""

import asyncio
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from gateway.domain.errors import MisuseError
from gateway.domain.ports import Clock, Ids
from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.identity import mrid
from gateway.protocols.sep2.server.granting import Reserver
from gateway.protocols.sep2.server.issuing import Issuer
from gateway.protocols.sep2.server.operator import Operator
from gateway.protocols.sep2.server.options import ServerOptions
from gateway.protocols.sep2.server.records import Kept, Posted, Turn
from gateway.protocols.sep2.server.reserving import GrantTerms
from gateway.protocols.sep2.server.server import ENTRY, Sep2Server
from gateway.protocols.sep2.server.tariffs import Tariffs
from gateway.servers.sep2.app import HttpOptions, sep2_app
from gateway.servers.sep2.desk import Sep2Desk
from gateway.servers.sep2.notifier import Notifier, NotifierOptions
from gateway.servers.sep2.store import MemoryStore, Sep2Store
from gateway.servers.sep2.transcript import Transcript
from gateway.transport.sep2_tls import Sep2Profile, judge_chain
from gateway.transport.server import Listener, listen
from gateway.transport.tls import admit_peers


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a utility listens."""

    tls: ssl.SSLContext
    """Of ``sep2_server``; it is this utility's alone."""
    profile: Sep2Profile = Sep2Profile.SEP2
    """What is asked of a client's chain."""
    host: str = "127.0.0.1"
    port: int = 0
    """0: any free one."""
    origin: str = ""
    """``https://host:port`` as clients know it, for addresses that notifications tell whole; empty: localhost."""
    notify: NotifierOptions | None = None
    """How notifications leave; None: nothing can be subscribed to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Responded:
    """A response as a device gave it."""

    at: datetime
    """When it came."""
    lfdi: str
    subject: str
    """mRID of the event."""
    status: int
    created: datetime | None
    """As the device says."""
    document: sep.Response


class Sep2Utility:
    """One utility; nothing happens before ``start``.

    Args:
        options: What may differ between utilities.
        place: Where it listens.
        clock: Its time, shared with everybody in the process.
        ids: Source of its addresses and mRIDs.
        store: Keeps its memory; without one it forgets at the end.
        http: What may differ in transport.
        transcript: How many exchanges are kept, as they went over the wire.
    """

    def __init__(
        self,
        options: ServerOptions,
        place: Place,
        *,
        clock: Clock,
        ids: Ids,
        store: Sep2Store | None = None,
        http: HttpOptions | None = None,
        transcript: int = 0,
    ) -> None:
        self._options = replace(
            options, subscriptions=options.subscriptions and place.notify is not None
        )
        self._place = place
        self._clock = clock
        self._ids = ids
        self._http = http
        self.transcript: Final = Transcript(transcript)
        self.store: Sep2Store = store if store is not None else MemoryStore()
        self._desk: Sep2Desk | None = None
        self._listener: Listener | None = None
        self._notifying: asyncio.Task[None] | None = None
        self.notifier: Notifier | None = None

    async def start(self) -> None:
        """Read the store and listen.

        Raises:
            StoreError: the store cannot be read.
            OSError: the address is taken.
        """
        found = await self.store.load()
        server = Sep2Server(
            self._options,
            self._ids,
            found.kept,
            found.members,
            found.deliveries,
            found.moves,
            found.packed,
        )
        self._desk = Sep2Desk(server, self.store, self._clock)
        await self._desk.open(server.open)
        profile = self._place.profile
        admit_peers(self._place.tls, lambda chain: judge_chain(chain, profile))
        app = sep2_app(self._desk, self._clock, self._http, self.transcript)
        self._listener = await listen(app, self._place.host, self._place.port, self._place.tls)
        if self._place.notify is not None:
            self._notify(self._place.notify)

    def _notify(self, options: NotifierOptions) -> None:
        profile = self._place.profile
        admit_peers(options.context, lambda chain: judge_chain(chain, profile))
        origin = self._place.origin or self.url.removesuffix(ENTRY)
        self.notifier = Notifier(self.desk, self._clock, options, self.transcript, lambda: origin)
        self._notifying = asyncio.ensure_future(self.notifier.run())

    async def stop(self) -> None:
        """Close every connection, then the store."""
        if self._notifying is not None:
            self._notifying.cancel()
            await asyncio.gather(self._notifying, return_exceptions=True)
        if self._listener is not None:
            await self._listener.stop()
        await self.store.close()

    @property
    def desk(self) -> Sep2Desk:
        """Return what opens its doors.

        Raises:
            MisuseError: ``NOT_STARTED``.
        """
        if self._desk is None:
            raise MisuseError("NOT_STARTED", "start the utility first")
        return self._desk

    @property
    def port(self) -> int:
        """Return the port that is listened on.

        Raises:
            MisuseError: ``NOT_STARTED``.
        """
        if self._listener is None:
            raise MisuseError("NOT_STARTED", "start the utility first")
        return self._listener.port

    @property
    def url(self) -> str:
        """Return what clients are given: the address of the DeviceCapability."""
        return f"https://localhost:{self.port}{ENTRY}"

    def now(self) -> datetime:
        """Return the instant of its clock."""
        return self._clock.now()

    # --- the operator

    async def operate(self, door: Callable[[Operator, datetime], Turn]) -> str:
        """Go through one of the operator's doors, e.g. ``lambda o, now: o.register(new, now)``.

        Returns:
            What it made, or concerns: an mRID or an LFDI.

        Raises:
            MisuseError: as the door says.
            StoreError: it cannot be kept.
        """
        operator = Operator(self.desk.server)
        turn = await self.desk.open(lambda now: door(operator, now))
        return turn.told

    async def issue(self, door: Callable[[Issuer, datetime], Turn]) -> str:
        """Issue or cancel events, e.g. ``lambda i, now: i.cancel(mrid, now)``; returns the event's mRID.

        Raises:
            MisuseError: as the door says.
            StoreError: it cannot be kept.
        """
        issuer = Issuer(self.desk.server)
        turn = await self.desk.open(lambda now: door(issuer, now))
        return turn.told

    async def price(self, door: Callable[[Tariffs, datetime], Turn]) -> str:
        """Make tariffs and issue prices, e.g. ``lambda t, now: t.create_tariff(terms, (fsa,), now)``.

        Returns:
            The mRID of what it made.

        Raises:
            MisuseError: as the door says.
            StoreError: it cannot be kept.
        """
        tariffs = Tariffs(self.desk.server)
        turn = await self.desk.open(lambda now: door(tariffs, now))
        return turn.told

    async def grant(self, request: str, terms: GrantTerms) -> str:
        """Answer a flow reservation request, by its address; returns the mRID of the answer.

        Raises:
            MisuseError: as ``Reserver.grant`` says.
            StoreError: it cannot be kept.
        """
        reserver = Reserver(self.desk.server)
        turn = await self.desk.open(lambda now: reserver.grant(request, terms, now))
        return turn.told

    # --- what devices told

    def responses(self, event: str = "") -> list[Responded]:
        """Return what devices responded, in the order in which it came; to one event, by its mRID, or to all."""
        subject = mrid(event) if event else ""
        return [
            _responded(one, one.value)
            for one in self._of(sep.Response)
            if isinstance(one.value, sep.Response) and subject in {"", one.value.subject}
        ]

    def told(self, kind: type[sep.Resource], lfdi: str = "") -> list[Kept]:
        """Return what devices told of themselves, e.g. ``DERStatus`` or ``LogEvent``, in the order in which it came."""
        return [one for one in self._of(kind) if lfdi in {"", one.scope} and one.value is not None]

    async def readings(self, lfdi: str = "", after: int = 0, limit: int = 1000) -> list[Posted]:
        """Return values that devices posted, in the order in which they first came."""
        return [one for _, one in await self.store.readings(lfdi, after, limit)]

    def _of(self, kind: type[sep.Resource]) -> list[Kept]:
        kinds = [kind, *_below(kind)]
        found = self.desk.server.book.entries.of_kinds(kinds)
        return sorted(found, key=lambda one: one.at)


def _below(kind: type[sep.Resource]) -> Iterator[type[sep.Resource]]:
    """Yield every kind that is one of a kind."""
    for each in kind.__subclasses__():
        yield each
        yield from _below(each)


def _responded(one: Kept, value: sep.Response) -> Responded:
    created = value.created_date_time
    return Responded(
        at=one.at,
        lfdi=one.scope,
        subject=value.subject,
        status=value.status or 0,
        created=None if created is None else datetime.fromtimestamp(created, tz=one.at.tzinfo),
        document=value,
    )
