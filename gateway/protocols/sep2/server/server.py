"""The server of IEEE 2030.5: one door for clients, whose answers follow from the book, and those of its operator.

Reading never writes: it asks ``read``. Writing makes a ``Turn``, which whoever drives the server stores before it has
it taken into the book and answers.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from gateway.domain.errors import WireError
from gateway.domain.ports import Ids
from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.codec import encode
from gateway.protocols.sep2.identity import mrid_of
from gateway.protocols.sep2.server.asking import page_of
from gateway.protocols.sep2.server.book import Book
from gateway.protocols.sep2.server.clients import Clients, refusal_of
from gateway.protocols.sep2.server.devices import (
    END_DEVICES,
    SUBSCRIPTIONS,
    give_subscriptions,
    listing,
)
from gateway.protocols.sep2.server.kinds import allowed
from gateway.protocols.sep2.server.mirrors import MIRRORS, USAGE
from gateway.protocols.sep2.server.options import ServerOptions
from gateway.protocols.sep2.server.records import (
    Answer,
    Delivery,
    Kept,
    Pair,
    Posted,
    RefusedError,
    Turn,
)
from gateway.protocols.sep2.server.responses import RESPONSE_SETS
from gateway.protocols.sep2.server.shelf import Packed
from gateway.protocols.sep2.server.standing import Terms
from gateway.protocols.sep2.server.subscribing import Subscribers
from gateway.protocols.sep2.server.telling import Teller
from gateway.protocols.sep2.server.usage import Meter, Usage
from gateway.protocols.sep2.tables import Edition

ENTRY: Final = "/dcap"
TIME: Final = "/tm"
READS: Final = frozenset({"GET", "HEAD"})
WRITES: Final = frozenset({"POST", "PUT", "DELETE"})
_FOR_ALL: Final = frozenset({ENTRY, TIME})
"""What a trusted certificate suffices for."""


class Sep2Server:
    """A utility.

    Args:
        options: What may differ between utilities.
        ids: For addresses and mRIDs that nobody can guess.
        kept: What the store had kept; nothing: a new utility, which ``open`` furnishes.
        members: Memberships that the store had kept.
        deliveries: How far subscribers were told, as the store had kept it.
        moves: What was moved, as the store had kept it.
        packed: As ``kept``, unread.
    """

    def __init__(
        self,
        options: ServerOptions,
        ids: Ids,
        kept: Iterable[Kept] = (),
        members: Iterable[Pair] = (),
        deliveries: Iterable[Delivery] = (),
        moves: Iterable[Pair] = (),
        packed: Iterable[Packed] = (),
    ) -> None:
        self.options = options
        self.ids = ids
        completed = options.flavour.edition is Edition.Y2023
        self.book = Book(terms=Terms(keep=2 * options.event_poll_rate, completed=completed))
        self.book.watched = options.subscriptions
        self.book.restore(packed)
        self.book.load(((one.href, one) for one in kept), ((pair, True) for pair in members))
        self.book.owe((one.subscription, one) for one in deliveries)
        self.book.moves.take(moves)
        self.teller = Teller(self.book, options)
        self.usage = Usage(self.book, options)
        self.subscribers = Subscribers(self.book, options, ids, self.teller)
        self._clients = Clients(self.book, options, ids, self.subscribers, self.teller.tongues)

    # --- at the start

    def open(self, now: datetime) -> Turn:
        """Furnish a new utility with its entry, its time and the lists that every peer meets.

        An old one is left as it is, but that its devices are given what they lack.
        """
        turn = Turn(at=now)
        if self.book.entry(ENTRY) is None:
            for one in self._furniture(now):
                turn.keep(one)
        entry = self.book.entry(ENTRY)
        if entry is not None and isinstance(entry.value, sep.DeviceCapability):
            linked = replace(entry.value, usage_point_list_link=sep.ListLink(href=USAGE))
            if linked != entry.value:  # of a file from before there were any
                turn.keep(replace(entry, value=linked))
        # Found by what is missing: nothing is read of the others.
        for href in self.book.lacking(SUBSCRIPTIONS):
            give_subscriptions(turn, self.book.entries[href], self.options)
        return turn

    def _furniture(self, now: datetime) -> Iterable[Kept]:
        rate, events = self.options.poll_rate, self.options.event_poll_rate
        responses = f"/rsp/{self.ids.token()}"
        entry = sep.DeviceCapability(
            href=ENTRY,
            poll_rate=rate,
            response_set_list_link=sep.ListLink(href=RESPONSE_SETS),
            time_link=sep.Link(href=TIME),
            end_device_list_link=sep.ListLink(href=END_DEVICES),
            mirror_usage_point_list_link=sep.ListLink(href=MIRRORS),
            usage_point_list_link=sep.ListLink(href=USAGE),
        )
        time = sep.Time(
            href=TIME,
            current_time=0,
            dst_end_time=0,
            dst_offset=0,
            dst_start_time=0,
            quality=self.options.quality,
            tz_offset=self.options.tz_offset,
            poll_rate=rate,
        )
        yield Kept(href=ENTRY, kind=sep.DeviceCapability, value=entry, at=now)
        yield Kept(href=TIME, kind=sep.Time, value=time, at=now)
        for kind, href, every in (
            (sep.EndDeviceList, END_DEVICES, rate),
            (sep.MirrorUsagePointList, MIRRORS, events),
            (sep.ResponseSetList, RESPONSE_SETS, rate),
            (sep.ResponseList, responses, None),
        ):
            yield Kept(href=href, kind=kind, value=listing(kind, href, every), at=now)
        href = f"{RESPONSE_SETS}/{self.ids.token()}"
        whole = sep.ResponseSet(
            href=href, mrid=self.new_mrid(), response_list_link=sep.ListLink(href=responses)
        )
        yield Kept(href=href, kind=sep.ResponseSet, place=RESPONSE_SETS, value=whole, at=now)

    def new_mrid(self) -> str:
        """Return an mRID that nobody can guess."""
        seed = self.ids.token().encode()
        return mrid_of(seed, self.options.pen, self.options.pen_encoding)

    def responses(self) -> str:
        """Return the address at which events are responded to."""
        sets = (one.value for one in self.book.children(RESPONSE_SETS))
        links = (s.response_list_link for s in sets if isinstance(s, sep.ResponseSet))
        return next(link.href for link in links if link is not None)

    # --- clients

    def meter(self, path: str) -> Meter | None:
        """Return the meter whose newest values ``read`` needs for an address; None: none, as nearly everywhere."""
        inner = self.book.moves.inner(path)
        return self.usage.meter(inner) if inner.startswith(USAGE) else None

    def read(
        self, path: str, query: str, peer: str, now: datetime, values: Sequence[Posted] = ()
    ) -> Answer:
        """Answer a GET; that of a HEAD differs by its missing body alone.

        Args:
            path: Of the address.
            query: What follows its question mark.
            peer: LFDI by the peer's certificate, canonical.
            now: Current instant.
            values: Of ``meter``, newest first.
        """
        try:
            one = self._found(path, peer, query)
            if one.href.startswith(USAGE):
                shown = self.usage.shown(one, peer, page_of(query), values)
                body = encode(shown, self.options.flavour)
            else:
                body = self.teller.tell(peer, one, query, now)
            return Answer(status=200, body=self.book.moves.outward(body))
        except RefusedError as error:
            return self._refused(error, peer)

    def write(self, method: str, path: str, body: bytes, peer: str, now: datetime) -> Turn:
        """Answer a POST, PUT or DELETE; the turn changes nothing when it is refused."""
        turn = Turn(at=now)
        moves = self.book.moves
        try:
            self._clients.write(turn, method, peer, self._found(path, peer), body)
        except WireError as error:
            return Turn(at=now, answer=self._refused(refusal_of(error), peer))
        except RefusedError as error:
            return Turn(at=now, answer=self._refused(error, peer))
        if turn.answer.location:
            turn.answer = replace(turn.answer, location=moves.outer(turn.answer.location))
        return turn

    def never(self, path: str, peer: str) -> Answer:
        """Answer a method that no resource takes."""
        try:
            return Answer(status=405, allow=allowed(self._found(path, peer).kind))
        except RefusedError as error:
            return self._refused(error, peer)

    def refuse(self, status: int, code: int | None = None) -> Answer:
        """Make an answer that refuses, with its body."""
        return self._refused(RefusedError(status, code))

    def _found(self, path: str, peer: str, query: str = "") -> Kept:
        """Return what stands at an address, for this peer.

        Raises:
            RefusedError: 404, also for what is another's: whether it exists is not told; 301 when it moved.
        """
        inner = self.book.moves.inner(path)
        one = self.book.entry(inner) or self.usage.place(inner)
        if one is None or not self._admitted(inner, peer) or not self.book.sees(peer, one):
            raise RefusedError(404)
        outer = self.book.moves.outer(inner)
        if outer != path:
            raise RefusedError(301, location=f"{outer}?{query}" if query else outer)
        return one

    def _admitted(self, path: str, peer: str) -> bool:
        if path in _FOR_ALL or self.book.acts_for(peer):
            return True
        return self.options.in_band and path == END_DEVICES

    def _refused(self, error: RefusedError, peer: str = "") -> Answer:
        body = b""
        if error.code is not None:
            body = encode(sep.Error(reason_code=error.code), self.teller.tongues.of(peer))
        return Answer(status=error.status, body=body, allow=error.allow, location=error.location)

    def take(self, turn: Turn) -> None:
        """Take over what a stored turn changed."""
        self.book.take(turn)
