r"""What sites need, asked of the server as flow reservations: once each, over restarts, and withdrawn in the end.

    wanted -> asked -> listed -> withdrawing -> withdrawn
       |        |  \-> refused        \-> listed, when the server does not have it
       |        \-> revoked -> withdrawing
       \-> withdrawn

A request keeps the bytes that it went out with: what withdraws it may differ in its status alone.

Spec: IEEE 2030.5-2018 FlowReservationRequest (durationRequested, RequestStatus), FlowReservationResponse.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final
from urllib.parse import urljoin

from pydantic import TypeAdapter

from gateway.domain.errors import MisuseError, SessionError
from gateway.domain.quantity import plain as written
from gateway.domain.reserving import Need, Reservation, ReservationState, Withdrawal
from gateway.protocols.actions import Method, Note
from gateway.protocols.entry import ProgramTerms
from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.client.assigned import Assigned
from gateway.protocols.sep2.client.device import Device
from gateway.protocols.sep2.client.granted import granted
from gateway.protocols.sep2.client.links import FunctionSet
from gateway.protocols.sep2.client.mirror import Mirror, Node
from gateway.protocols.sep2.client.roll import Roll
from gateway.protocols.sep2.client.setting import Setting
from gateway.protocols.sep2.client.state import Outgoing, Purpose, plain, value_of
from gateway.protocols.sep2.client.tell import Settled
from gateway.protocols.sep2.codec import decode, encode
from gateway.protocols.sep2.enums_device import RequestState
from gateway.protocols.sep2.events.codes import FunctionSet as EventSet
from gateway.protocols.sep2.events.values import Control
from gateway.protocols.sep2.identity import mrid_of
from gateway.protocols.sep2.quantities import Toward, scaled_kw

PART: Final = "reservations"
MOST: Final = 50
"""Requests whose window is not over."""
KEPT_FOR: Final = timedelta(days=1)
"""How long one is shown after its window."""
MOST_SECONDS: Final = 0xFFFF
"""Of durationRequested."""
_LONGEST: Final = timedelta(days=400)
_HOUR: Final = 3600


class Input(StrEnum):
    """What happens to a request."""

    SENT = "sent"
    TAKEN = "taken"
    REFUSED = "refused"
    WITHDRAW = "withdraw"


_S, _I = ReservationState, Input
TRANSITIONS: Final[dict[tuple[ReservationState, Input], ReservationState]] = {
    (_S.WANTED, _I.SENT): _S.ASKED,
    (_S.WANTED, _I.WITHDRAW): _S.WITHDRAWN,
    (_S.ASKED, _I.TAKEN): _S.LISTED,
    (_S.ASKED, _I.REFUSED): _S.REFUSED,
    (_S.ASKED, _I.WITHDRAW): _S.REVOKED,
    (_S.REVOKED, _I.TAKEN): _S.WITHDRAWING,
    (_S.REVOKED, _I.REFUSED): _S.WITHDRAWN,
    (_S.LISTED, _I.WITHDRAW): _S.WITHDRAWING,
    (_S.WITHDRAWING, _I.TAKEN): _S.WITHDRAWN,
    (_S.WITHDRAWING, _I.REFUSED): _S.LISTED,
}
"""(state, input) -> next state. A pair that is absent is an error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One need on its way."""

    need: Need
    lfdi: str
    """Of the device that asks."""
    mrid: str
    state: ReservationState
    body: str = ""
    """As it went out."""
    href: str = ""
    """Where the server put it."""


_STORED: Final = TypeAdapter(tuple[Request, ...])


class Requests:
    """The requests of one session.

    Args:
        setting: The utility.
        roll: Knows which device speaks for a site, and where it stands.
    """

    def __init__(self, setting: Setting, roll: Roll) -> None:
        self._setting = setting
        self._roll = roll
        found = setting.parts.found(PART)
        self.known: dict[str, Request] = {}
        if found is not None:
            self.known = {one.mrid: one for one in value_of(_STORED, found)}
        self.notes: list[Note] = []
        setting.parts.keep(PART, self._document)

    def _document(self) -> object:
        return plain(_STORED, tuple(self.known.values())) if self.known else None

    def take(self, wish: Need | Withdrawal, now: datetime) -> None:
        """Take what a site needs, or needs no more.

        Raises:
            SessionError: ``NOT_FOUND`` site, program or reservation; ``REFUSED``, ``TOO_LATE``, ``OUT_OF_SEQUENCE``.
        """
        if isinstance(wish, Withdrawal):
            self.withdraw(wish.need_id, now)
            return
        lfdi = self._roll.speaker(wish.site)
        if self._setting.terms("", wish.program) is None:
            detail = f"no program {wish.program[:80]!r} of this utility is configured"
            raise SessionError("NOT_FOUND", detail)
        self.ask(wish, lfdi, now)

    def shown(self) -> tuple[Reservation, ...]:
        """Return what was asked for, and what was granted."""
        devices, clock = self._roll.devices, self._setting.clock
        return tuple(
            Reservation(
                need=one.need,
                state=one.state,
                grants=tuple(devices[one.lfdi].grants(one.mrid, clock)),
            )
            for one in self.known.values()
            if one.lfdi in devices
        )

    def ask(self, need: Need, lfdi: str, now: datetime) -> None:
        """Take a need; one that is known already changes nothing.

        Raises:
            SessionError: ``REFUSED`` for what cannot be asked, ``TOO_LATE`` for a window that is over.
        """
        self._forget(now)
        mrid = self._mrid(need, lfdi)
        if mrid in self.known:
            return
        if FunctionSet.FLOW_RESERVATION not in self._setting.options.function_sets:
            detail = "function_sets of this utility lacks flow_reservation; add it, if the utility offers it"
            raise SessionError("REFUSED", detail)
        check(need, now)
        if len(self.known) >= MOST:
            raise SessionError("REFUSED", f"{MOST} reservations are kept already; withdraw some")
        request = Request(need=need, lfdi=lfdi, mrid=mrid, state=ReservationState.WANTED)
        self._put(replace(request, body=self._written(request, now)))

    def withdraw(self, need_id: str, now: datetime) -> None:
        """Take a need back; twice changes nothing.

        Raises:
            SessionError: ``NOT_FOUND``, or ``OUT_OF_SEQUENCE`` for one that the utility has refused.
        """
        self._forget(now)
        for request in self.known.values():
            if request.need.need_id == need_id:
                gone = {_S.WITHDRAWN, _S.WITHDRAWING, _S.REVOKED}
                if request.state not in gone:
                    self._put(self._stepped(request, Input.WITHDRAW))
                return
        raise SessionError("NOT_FOUND", f"there is no reservation {need_id[:40]!r}")

    def outgoing(self, mirror: Mirror, now: datetime) -> Iterator[Outgoing]:
        """Yield what is to be sent; what waits to be taken already is yielded again, under the same key."""
        for request in list(self.known.values()):
            if request.state is _S.WANTED:
                href = _list_of(self._roll.places.get(request.lfdi), mirror)
                if href:
                    self._put(self._stepped(request, Input.SENT))
                    yield _outgoing(request, "POST", href, request.body)
            elif request.state is _S.WITHDRAWING and request.href:
                body = self._withdrawn(request, now)
                yield _outgoing(request, "PUT", request.href, body)

    def said(self) -> list[Note]:
        """Return the notes that came up since the last time."""
        found, self.notes = self.notes, []
        return found

    def settled(self, settled: Settled, mirror: Mirror, now: datetime) -> None:
        """Take what became of a document; the server's answers are looked for at once."""
        request = self.known.get(settled.outgoing.subject)
        if request is None or settled.outgoing.purpose is not Purpose.RESERVATION:
            return
        for node in mirror.of_kind(sep.FlowReservationResponseList):
            mirror.ask_soon(node.href, now)
        was = request.state
        href = request.href
        if settled.taken and settled.outgoing.method == "POST":
            href = urljoin(settled.outgoing.href, settled.location) if settled.location else ""
        over = was is _S.WITHDRAWING and settled.gone
        event = Input.TAKEN if settled.taken or over else Input.REFUSED
        after = replace(self._stepped(request, event), href=href)
        if after.state is _S.WITHDRAWING and not href:
            after = replace(after, state=_S.LISTED)  # it cannot be reached to be withdrawn
        self._put(after)
        fields = {"reservation": request.need.need_id, "state": after.state.value}
        self.notes.append(Note(word="reservation", fields=fields))

    def terms(self, control: Control, name: str) -> ProgramTerms | None:
        """Return the terms under which an event is handed on; an answer to a request has those that it was asked by.

        Args:
            control: The event.
            name: Description of its program.
        """
        request = self.known.get(control.component)
        answers = control.function_set is EventSet.FLOW and request is not None
        program = request.need.program if answers and request is not None else name
        return self._setting.terms(control.program, program)

    def granted(self, device: Device, mirror: Mirror) -> tuple[Assigned, ...]:
        """Return the list in which a device is answered; none where we take no part in that."""
        sets, place = self._setting.options.function_sets, self._roll.places.get(device.lfdi)
        if FunctionSet.FLOW_RESERVATION not in sets or not device.ready or place is None:
            return ()
        return granted(mirror, *place, self._setting.reader.server)

    # --- inside

    def _mrid(self, need: Need, lfdi: str) -> str:
        options = self._setting.options
        seed = f"reservation {lfdi} {need.need_id}".encode()
        return mrid_of(seed, options.pen, options.pen_encoding)

    def _stepped(self, request: Request, event: Input) -> Request:
        try:
            return replace(request, state=TRANSITIONS[request.state, event])
        except KeyError:
            detail = f"{event} is not possible while the reservation is {request.state}"
            raise SessionError("OUT_OF_SEQUENCE", detail) from None

    def _put(self, request: Request) -> None:
        self.known[request.mrid] = request
        self._setting.parts.touch(PART)

    def _forget(self, now: datetime) -> None:
        for request in list(self.known.values()):
            gone = request.state in {_S.WITHDRAWN, _S.REFUSED} and request.need.end <= now
            if gone or request.need.end + KEPT_FOR <= now:
                del self.known[request.mrid]
                self._setting.parts.touch(PART)

    def _written(self, request: Request, now: datetime) -> str:
        need, clock = request.need, self._setting.clock
        start, end = clock.seconds(need.start), clock.seconds(need.end)
        least = need.least
        document = sep.FlowReservationRequest(
            mrid=request.mrid,
            creation_time=clock.seconds(now),
            duration_requested=None if least is None else int(least.total_seconds()),
            energy_requested=scaled_kw(sep.SignedRealEnergy, need.energy_kwh, Toward.UP),
            interval_requested=sep.DateTimeInterval(start=start, duration=end - start),
            power_requested=scaled_kw(sep.ActivePower, need.power_kw, Toward.UP),
            request_status=sep.RequestStatus(
                date_time=clock.seconds(now), request_status=RequestState.REQUESTED
            ),
        )
        return encode(document, self._setting.flavour).decode()

    def _withdrawn(self, request: Request, now: datetime) -> str:
        found = decode(request.body.encode(), sep.FlowReservationRequest).value
        status = sep.RequestStatus(
            date_time=self._setting.clock.seconds(now), request_status=RequestState.CANCELLED
        )
        return encode(replace(found, request_status=status), self._setting.flavour).decode()


def check(need: Need, now: datetime) -> None:
    """Check that a need can be asked for.

    Raises:
        SessionError: ``REFUSED``, ``TOO_LATE``.
    """
    if need.end <= now:
        raise SessionError("TOO_LATE", "the window is over")
    window = need.end - need.start
    hours = Decimal(int(window.total_seconds())) / _HOUR
    least = need.least or timedelta(0)
    faults = {
        "the window has to end after it starts": window <= timedelta(0) or window > _LONGEST,
        "energy and power have to be more than none": need.energy_kwh <= 0 or need.power_kw <= 0,
        f"{written(need.power_kw)} kW throughout the window come to less than the energy": (
            window > timedelta(0) and need.power_kw * hours < need.energy_kwh
        ),
        "the shortest duration is longer than the window": least > window,
        "the shortest duration is 18 hours at most": not 0 <= least.total_seconds() <= MOST_SECONDS,
    }
    for told, holds in faults.items():
        if holds:
            raise SessionError("REFUSED", told)
    try:
        scaled_kw(sep.ActivePower, need.power_kw, Toward.UP)
        scaled_kw(sep.SignedRealEnergy, need.energy_kwh, Toward.UP)
    except MisuseError as error:
        raise SessionError("REFUSED", error.detail) from None


def _list_of(place: tuple[Node, sep.EndDevice] | None, mirror: Mirror) -> str:
    if place is None:
        return ""
    node, device = place
    link = device.flow_reservation_request_list_link
    return "" if link is None else mirror.resolved(node, device, link)


def _outgoing(request: Request, method: Method, href: str, body: str) -> Outgoing:
    return Outgoing(
        key=f"{Purpose.RESERVATION} {method} {request.mrid}",
        purpose=Purpose.RESERVATION,
        method=method,
        href=href,
        body=body,
        subject=request.mrid,
    )
