"""What clients write: each body read strictly, each address checked for who may write there.

Spec: IEEE 2030.5-2018 clause 5.5.2 (201 with Location, 204), 6.8 (access), 8.5-8.11, 10.10, 10.11.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final, TypeAlias

from gateway.domain.errors import WireError
from gateway.domain.ports import Ids
from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.codec import decode
from gateway.protocols.sep2.identity import lfdi, mrid, same_hex, sfdi_of
from gateway.protocols.sep2.server.book import Book
from gateway.protocols.sep2.server.devices import NewDevice, add_device, drop_device
from gateway.protocols.sep2.server.kinds import CLOSED, DELETES, LISTS, allowed
from gateway.protocols.sep2.server.mirrors import post_mirror, post_readings
from gateway.protocols.sep2.server.options import ServerOptions
from gateway.protocols.sep2.server.records import Answer, Kept, RefusedError, Turn
from gateway.protocols.sep2.server.reserving import post_request, withdraw
from gateway.protocols.sep2.server.responses import forget_oldest, post_response
from gateway.protocols.sep2.server.subscribing import Subscribers
from gateway.protocols.sep2.server.tongues import Tongues

_FORMAT: Final = 0
_VALUES: Final = 1
_TOO_LARGE: Final = frozenset({"TOO_LARGE", "TOO_DEEP", "TOO_MANY_ELEMENTS"})
_BAD_VALUE: Final = frozenset({"INVALID_NUMBER", "INVALID_TEXT"})
_CANCELLED: Final = 1
Door: TypeAlias = Callable[["Clients", Turn, str, Kept, Any], None]


class Clients:
    """Takes what clients write.

    Args:
        book: What is kept.
        options: Of the utility.
        ids: For addresses.
        subscribers: Takes subscriptions.
    """

    def __init__(
        self,
        book: Book,
        options: ServerOptions,
        ids: Ids,
        subscribers: Subscribers,
        tongues: Tongues,
    ) -> None:
        self.book = book
        self.options = options
        self.ids = ids
        self.subscribers = subscribers
        self.tongues = tongues

    def write(self, turn: Turn, method: str, peer: str, one: Kept, body: bytes) -> None:
        """Carry out a POST, PUT or DELETE.

        Raises:
            RefusedError: it is not carried out.
            WireError: the body cannot be read.
        """
        if method not in allowed(one.kind):
            raise RefusedError(405, None, allowed(one.kind))
        if one.kind.__name__ in self.book.placed(CLOSED):
            raise RefusedError(403, _VALUES)
        if method == "DELETE":
            self._delete(turn, peer, one)
        elif method == "PUT" or one.kind is sep.ConnectionPoint:
            self._put(turn, peer, one, self._read(peer, body, one.kind))
        else:
            posts = LISTS[one.kind].posts if one.kind in LISTS else None
            wanted: type[Any] = posts or object
            _POSTS[one.kind](self, turn, peer, one, self._read(peer, body, wanted))

    def _read(self, peer: str, body: bytes, kind: type[Any]) -> Any:
        """Read a document.

        ``Any``: of the kind, which the caller knows.
        """
        found = decode(
            body,
            kind,
            strict=True,
            old_namespace=self.options.old_namespace,
            required_by=self.options.flavour,
        )
        self.tongues.heard(peer, old=found.old_namespace)
        return found.value

    def _may_speak(self, peer: str, name: str) -> str:
        """Return an LFDI in canonical form.

        Raises:
            RefusedError: 403 when the peer may not speak for it.
        """
        found = lfdi(name)
        if found not in self.book.acts_for(peer):
            raise RefusedError(403, _VALUES)
        return found

    # --- PUT and DELETE

    def _put(self, turn: Turn, peer: str, one: Kept, told: sep.Resource) -> None:
        match told:
            case sep.EndDevice():
                value = self._changed(turn, one, told)
            case sep.MirrorUsagePoint():
                self._same_mirror(peer, one, told)
                post_mirror(turn, told, "", self.book, self.options)
                turn.answer = Answer(status=204)
                return
            case sep.Subscription():
                self._may_speak(peer, one.scope)
                self.subscribers.put(turn, one, told)
                return
            case sep.DeviceInformation() if not same_hex(told.lfdi, one.scope):
                raise RefusedError(400, _VALUES)
            case sep.FlowReservationRequest():
                value = _cancelled_request(one, told)
                if self.options.grants_reservations:
                    withdraw(turn, one, self.book)
            case _:
                value = replace(told, href=one.href)
        turn.keep(replace(one, value=value))
        turn.answer = Answer(status=204)

    def _changed(self, turn: Turn, one: Kept, told: sep.EndDevice) -> sep.Resource:
        """Let a device change what is its own to say; who it is, and its links, are not (S-ALL-52)."""
        old = one.value
        if not isinstance(old, sep.EndDevice):
            raise RefusedError(404)
        if told.sfdi != old.sfdi or (told.lfdi is not None and not same_hex(told.lfdi, one.scope)):
            raise RefusedError(403, _VALUES)
        return replace(
            old, device_category=told.device_category, changed_time=int(turn.at.timestamp())
        )

    def _same_mirror(self, peer: str, one: Kept, told: sep.MirrorUsagePoint) -> None:
        name = self._may_speak(peer, told.device_lfdi)
        old = one.value
        same = isinstance(old, sep.MirrorUsagePoint) and same_hex(old.mrid, told.mrid)
        if not same or name != one.scope:
            raise RefusedError(400, _VALUES)

    def _delete(self, turn: Turn, peer: str, one: Kept) -> None:
        if one.kind not in DELETES or one.scope not in self.book.acts_for(peer):
            raise RefusedError(403)
        if one.kind is sep.EndDevice:
            if not self.options.in_band:
                raise RefusedError(403)
            drop_device(turn, one, self.book)
        turn.kept[one.href] = None
        if one.kind is sep.Subscription:
            turn.deliveries[one.href] = None
        turn.answer = Answer(status=204)

    # --- POST

    def subscribe(self, turn: Turn, peer: str, one: Kept, told: sep.Subscription) -> None:
        """Take a subscription, where the utility takes any."""
        self._may_speak(peer, one.scope)
        if not self.options.subscriptions:
            raise RefusedError(403)
        self.subscribers.post(turn, one, told)

    def register(self, turn: Turn, peer: str, _: Kept, told: sep.EndDevice) -> None:
        """Register a device that comes by itself: a direct client itself, an aggregator what it manages (S-ALL-52)."""
        if not self.options.in_band:
            raise RefusedError(403)
        name = self._claimed(told)
        own = name == peer
        # Whose certificate it is says who it is; an aggregator may bring others and becomes their manager.
        if not own and not self.book.is_aggregator(peer):
            raise RefusedError(403, _VALUES)
        old = self.book.device(name)
        if old is not None:
            if not (self.options.merge_duplicates and name in self.book.acts_for(peer)):
                raise RefusedError(409, _VALUES)
            turn.answer = Answer(status=200, location=old.href)
            return
        new = NewDevice(lfdi=name, manager="" if own else peer, category=told.device_category)
        made = add_device(turn, new, self.ids.token(), self.options)
        turn.answer = Answer(status=201, location=made.href)

    def _claimed(self, told: sep.EndDevice) -> str:
        """Return the LFDI that a device gives itself; its SFDI must follow from it (S-ALL-56)."""
        name = lfdi(told.lfdi or "")
        if told.sfdi != sfdi_of(name) or len(told.lfdi or "") != len(name):
            raise RefusedError(400, _VALUES)
        return name

    def mirror(self, turn: Turn, peer: str, _: Kept, told: sep.MirrorUsagePoint) -> None:
        """Make or update a mirror."""
        name = self._may_speak(peer, told.device_lfdi)
        named = replace(told, device_lfdi=name)
        post_mirror(turn, named, self.ids.token(), self.book, self.options)

    def readings(self, turn: Turn, peer: str, one: Kept, told: object) -> None:
        """Take readings of a mirror."""
        self._may_speak(peer, one.scope)
        match told:
            case sep.MirrorMeterReading():
                post_readings(turn, one, (told,))
            case sep.MirrorMeterReadingList():
                post_readings(turn, one, told.mirror_meter_reading)
            case _:
                raise RefusedError(400, _FORMAT)

    def response(self, turn: Turn, peer: str, one: Kept, told: sep.Response) -> None:
        """Take a response."""
        name = self._may_speak(peer, told.end_device_lfdi)
        named = replace(told, end_device_lfdi=name)
        post_response(turn, one, named, self.ids.token(), self.book, self.options)

    def log_event(self, turn: Turn, peer: str, one: Kept, told: sep.LogEvent) -> None:
        """Take a log event of a device."""
        self._add(turn, peer, one, told)
        forget_oldest(turn, self.book.children(one.href), self.options.most_posts)

    def post(self, turn: Turn, peer: str, one: Kept, told: sep.Resource) -> None:
        """Take what needs no more than its place: the availability of load."""
        if len(self.book.children(one.href)) >= self.options.most_posts:
            raise RefusedError(413, 2)
        self._add(turn, peer, one, told)

    def request(self, turn: Turn, peer: str, one: Kept, told: sep.FlowReservationRequest) -> None:
        """Take a request for flow."""
        self._may_speak(peer, one.scope)
        named = replace(told, mrid=mrid(told.mrid))
        post_request(turn, one, named, self.book, self.options, self.ids)

    def _add(self, turn: Turn, peer: str, one: Kept, told: sep.Resource) -> None:
        self._may_speak(peer, one.scope)
        href = f"{one.href}/{self.ids.token()}"
        turn.keep(
            Kept(
                href=href,
                kind=type(told),
                place=one.href,
                scope=one.scope,
                value=replace(told, href=href),
                at=turn.at,
            )
        )
        turn.answer = Answer(status=201, location=href)


def _cancelled_request(one: Kept, told: sep.FlowReservationRequest) -> sep.Resource:
    """Let a request for flow be withdrawn; nothing else in it may change."""
    old = one.value
    if not isinstance(old, sep.FlowReservationRequest):
        raise RefusedError(404)
    found = replace(old, request_status=told.request_status)
    same = replace(told, href=old.href, mrid=mrid(told.mrid)) == found
    if not same or told.request_status.request_status != _CANCELLED:
        raise RefusedError(400, _VALUES)
    return found


_POSTS: Final[Mapping[type[sep.Resource], Door]] = {
    sep.EndDeviceList: Clients.register,
    sep.MirrorUsagePointList: Clients.mirror,
    sep.MirrorUsagePoint: Clients.readings,
    sep.ResponseList: Clients.response,
    sep.LogEventList: Clients.log_event,
    sep.SubscriptionList: Clients.subscribe,
    sep.LoadShedAvailabilityList: Clients.post,
    sep.FlowReservationRequestList: Clients.request,
}
"""Kind of place -> what a POST there does."""


def refusal_of(error: WireError) -> RefusedError:
    """Return the answer to a body that cannot be read."""
    if error.reason in _TOO_LARGE:
        return RefusedError(413, 2)
    return RefusedError(400, _VALUES if error.reason in _BAD_VALUE else _FORMAT)
