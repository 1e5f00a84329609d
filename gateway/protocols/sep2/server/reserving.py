"""Flow reservations: requests of devices, answered by an operator or at once, and withdrawn.

Spec: IEEE 2030.5-2018 FlowReservationRequest, FlowReservationResponse.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from gateway.domain.errors import MisuseError
from gateway.domain.ports import Ids
from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.enums import EventState
from gateway.protocols.sep2.enums_device import RequestState
from gateway.protocols.sep2.identity import mrid_of
from gateway.protocols.sep2.server.book import Book
from gateway.protocols.sep2.server.checks import following, valid
from gateway.protocols.sep2.server.options import ServerOptions
from gateway.protocols.sep2.server.records import Answer, Kept, RefusedError, Turn
from gateway.protocols.sep2.server.responses import RESPONSE_SETS
from gateway.protocols.sep2.server.standing import cancelled

_VALUES: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantTerms:
    """What an operator grants; what is None is as it was asked for."""

    start: datetime | None = None
    duration: timedelta | None = None
    energy: sep.SignedRealEnergy | None = None
    power: sep.ActivePower | None = None
    response_required: int | None = None


def answer(
    turn: Turn, one: Kept, terms: GrantTerms, book: Book, options: ServerOptions, ids: Ids
) -> None:
    """Put the answer to a request into a turn.

    Raises:
        MisuseError: ``BAD_RESOURCE``, ``UNKNOWN_RESOURCE``.
    """
    asked = one.value
    place = _answers_of(one, book)
    if not isinstance(asked, sep.FlowReservationRequest) or not place:
        raise MisuseError("UNKNOWN_RESOURCE", "the device has no list of answers")
    wanted = asked.interval_requested
    seconds = int(turn.at.timestamp())
    start = wanted.start if terms.start is None else int(terms.start.timestamp())
    length = wanted.duration
    if terms.duration is not None:
        length = int(terms.duration.total_seconds())
    elif terms.start is not None:
        length = wanted.start + wanted.duration - start
    if length <= 0 or start + length <= seconds:
        raise MisuseError("BAD_RESOURCE", "an answer has a length, and does not end in the past")
    withdraw(turn, one, book)
    required = (
        options.response_required if terms.response_required is None else terms.response_required
    )
    name = mrid_of(ids.token().encode(), options.pen, options.pen_encoding)
    href = f"{place}/{ids.token()}"
    made = sep.FlowReservationResponse(
        href=href,
        mrid=name,
        creation_time=seconds,
        event_status=sep.EventStatus(
            current_status=EventState.SCHEDULED, date_time=seconds, potentially_superseded=False
        ),
        interval=sep.DateTimeInterval(start=start, duration=length),
        energy_available=terms.energy or asked.energy_requested,
        power_available=terms.power or asked.power_requested,
        subject=asked.mrid,
        response_required=required,
        reply_to=_responses(book) if required else None,
    )
    kept = Kept(href=href, kind=type(made), place=place, scope=one.scope, value=made, at=turn.at)
    turn.keep(valid(options.flavour, kept))
    turn.told = name


def withdraw(turn: Turn, one: Kept, book: Book) -> None:
    """Cancel what was granted to a request and is not over."""
    seconds = int(turn.at.timestamp())
    subject = getattr(one.value, "mrid", "")
    for kept in book.children(_answers_of(one, book)):
        value = kept.value
        if not isinstance(value, sep.FlowReservationResponse) or value.subject != subject:
            continue
        standing = book.standing(kept, seconds)
        over = not isinstance(standing, sep.Event) or cancelled(standing)
        if over or standing.event_status.current_status == EventState.COMPLETED:  # type: ignore[union-attr] # seen above
            continue
        status = replace(
            value.event_status, current_status=int(EventState.CANCELLED), date_time=seconds
        )
        version = following(standing.version)  # type: ignore[union-attr] # seen above
        turn.keep(replace(kept, value=replace(value, version=version, event_status=status)))


def post_request(
    turn: Turn,
    place: Kept,
    told: sep.FlowReservationRequest,
    book: Book,
    options: ServerOptions,
    ids: Ids,
) -> None:
    """Take a request; the same again is the same request: its sender did not hear of the first answer.

    Raises:
        RefusedError: 400 for another one under the same mRID, or one that is withdrawn already; 413 for too many.
    """
    mine = book.children(place.href)
    for one in mine:
        if getattr(one.value, "mrid", "") == told.mrid:
            if replace(told, href=one.href) != one.value:
                raise RefusedError(400, _VALUES)
            turn.answer = Answer(status=201, location=one.href)
            return
    if len(mine) >= options.most_posts:
        _make_room(turn, mine)
    if told.request_status.request_status != RequestState.REQUESTED:
        raise RefusedError(400, _VALUES)
    href = f"{place.href}/{ids.token()}"
    value = replace(told, href=href)
    made = Kept(
        href=href, kind=type(told), place=place.href, scope=place.scope, value=value, at=turn.at
    )
    turn.keep(made)
    turn.answer = Answer(status=201, location=href)
    if options.grants_reservations:
        try:
            answer(turn, made, GrantTerms(), book, options, ids)
        except MisuseError:
            return  # what cannot be granted stays unanswered, for the operator


def _make_room(turn: Turn, mine: list[Kept]) -> None:
    """Let the oldest request go whose window is over.

    Raises:
        RefusedError: 413 when there is none.
    """
    for one in sorted(mine, key=lambda kept: kept.at):
        if isinstance(one.value, sep.FlowReservationRequest):
            window = one.value.interval_requested
            if window.start + window.duration <= turn.at.timestamp():
                turn.kept[one.href] = None
                return
    raise RefusedError(413, 2)


def _answers_of(one: Kept, book: Book) -> str:
    device = book.device(one.scope)
    link = getattr(device.value, "flow_reservation_response_list_link", None) if device else None
    return link.href if link is not None else ""


def _responses(book: Book) -> str:
    sets = (one.value for one in book.children(RESPONSE_SETS))
    links = (s.response_list_link for s in sets if isinstance(s, sep.ResponseSet))
    return next(link.href for link in links if link is not None)
