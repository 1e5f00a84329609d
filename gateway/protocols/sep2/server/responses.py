"""Responses to events: each is checked against what was asked, and stays readable for a while.

Spec: IEEE 2030.5-2018 clause 8.8 and Table 27 (2023 Table 31); CSIP-AUS S-ALL-42, S-ALL-57.
"""

from dataclasses import replace
from typing import Final

from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.events.codes import ALLOWED, Code, FunctionSet
from gateway.protocols.sep2.identity import mrid
from gateway.protocols.sep2.server.book import Book
from gateway.protocols.sep2.server.options import ServerOptions
from gateway.protocols.sep2.server.records import Answer, Kept, RefusedError, Turn

RESPONSE_SETS: Final = "/rsps"
_SETS: Final[dict[type[sep.Resource], FunctionSet]] = {
    sep.DERControl: FunctionSet.DER,
    sep.EndDeviceControl: FunctionSet.DRLC,
    sep.TimeTariffInterval: FunctionSet.PRICING,
    sep.TextMessage: FunctionSet.MESSAGING,
    sep.FlowReservationResponse: FunctionSet.FLOW,
}


def post_response(
    turn: Turn, place: Kept, told: sep.Response, token: str, book: Book, options: ServerOptions
) -> None:
    """Take a response of a device that its peer may speak for; whether it may, the caller has checked.

    The same document again, its time included, is the same response: its sender did not hear of the first answer.

    Raises:
        RefusedError: 400 for an event that the device was never given, or a status that its kind does not know.
    """
    subject = mrid(told.subject)
    mine = book.children(place.href, told.end_device_lfdi)
    _check(told, subject, mine, book)
    value = replace(told, subject=subject, href=None)
    for one in mine:
        if one.value is not None and replace(one.value, href=None) == value:
            turn.answer = Answer(status=201, location=one.href)
            return
    href = f"{place.href}/{token}"
    turn.keep(
        Kept(
            href=href,
            kind=type(told),
            place=place.href,
            scope=told.end_device_lfdi,
            value=replace(value, href=href),
            at=turn.at,
        )
    )
    forget_oldest(turn, mine, options.most_posts)
    turn.answer = Answer(status=201, location=href)


def _check(told: sep.Response, subject: str, mine: list[Kept], book: Book) -> None:
    event = book.named(subject)
    functions = _SETS.get(event.kind) if event is not None else None
    # A late response is taken even when the device was moved to another group meanwhile, or the event removed.
    begun = any(getattr(one.value, "subject", "") == subject for one in mine)
    if event is None and begun and told.status in set(Code):
        return
    if event is None or functions is None:
        raise RefusedError(400, 1)
    if not begun and not book.sees(told.end_device_lfdi, event):
        raise RefusedError(400, 1)
    if told.status not in set(Code) or Code(told.status) not in ALLOWED[functions]:
        raise RefusedError(400, 1)


def forget_oldest(turn: Turn, mine: list[Kept], most: int) -> None:
    """Let the oldest posts of a device go when it has more than it may."""
    for one in sorted(mine, key=lambda kept: kept.at)[: max(0, len(mine) + 1 - most)]:
        turn.kept[one.href] = None
