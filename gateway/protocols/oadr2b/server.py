"""The VTN: a message and the sender's certificate in, an answer and what must be remembered out.

No sockets, no clock, no store. Each door writes on a page of its own and returns it as a ``Turn``; the caller stores
the turn's changes, hands the turn to ``take``, then sends the reply: nothing is acknowledged that is not remembered.
No other door may be opened between a call and its ``take``.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Final, TypeAlias

from gateway.domain.errors import MisuseError, SessionError
from gateway.domain.ports import Ids
from gateway.protocols.oadr2b import (
    vtn_answers,
    vtn_events,
    vtn_opts,
    vtn_poll,
    vtn_registration,
    vtn_reports,
    vtn_supply,
    vtn_updates,
)
from gateway.protocols.oadr2b.messages import (
    Message,
    OadrCanceledPartyRegistration,
    OadrCanceledReport,
    OadrCancelOpt,
    OadrCancelPartyRegistration,
    OadrCancelReport,
    OadrCreatedEvent,
    OadrCreatedReport,
    OadrCreateOpt,
    OadrCreatePartyRegistration,
    OadrCreateReport,
    OadrEvent,
    OadrQueryRegistration,
    OadrRegisteredReport,
    OadrRegisterReport,
    OadrReport,
    OadrRequestEvent,
    OadrResponse,
    OadrUpdatedReport,
    OadrUpdateReport,
)
from gateway.protocols.oadr2b.vtn_book import Book, Page, RefusalError, Turn, VtnOptions
from gateway.protocols.oadr2b.vtn_queue import answered, enqueue
from gateway.protocols.oadr2b.vtn_records import (
    AllocationRecord,
    QueueRecord,
    VenRecord,
    Waiting,
    WantRecord,
)
from gateway.protocols.oadr2b.vtn_refusals import misplaced, refusal, request_id_of

Service: TypeAlias = Callable[[Page, VenRecord, Message], Message | None]
MISSED_POLLS: Final = 3
"""A VEN that missed this many polls counts as offline."""


class Vtn:
    """One VTN in pull mode, with all its VENs.

    Args:
        options: Its id, the poll period and who may register.
        ids: Source of registrationIDs, venIDs, requestIDs and reportRequestIDs.
        book: What was remembered; empty for a new VTN.
    """

    def __init__(self, options: VtnOptions, ids: Ids, book: Book | None = None) -> None:
        self._options = options
        self._ids = ids
        self._book = book if book is not None else Book()
        self._seen: dict[str, datetime] = {}

    def take(self, turn: Turn) -> None:
        """Make a turn count, once its changes are stored."""
        self._book.take(turn.changes)

    def page(self, now: datetime) -> Page:
        """Open a page, to read or to write on."""
        return Page(book=self._book, now=now, ids=self._ids, options=self._options)

    def on_message(self, service: str, message: Message, peer: str, now: datetime) -> Turn:
        """Answer a message.

        Args:
            service: Last segment of the path it was sent to.
            message: As decoded.
            peer: Fingerprint of the client's certificate; empty over plain HTTP.
            now: Current instant.

        Returns:
            The reply, an application error included; without one for HTTP 200 with an empty body.
        """
        page = self.page(now)
        ven_id = ""
        reply: Message | None
        try:
            if isinstance(message, _BY_STRANGERS):
                reply = _register(page, service, peer, message)
            else:
                ven = vtn_registration.identify(page, peer, getattr(message, "ven_id", None))
                ven_id = ven.ven_id
                self._seen[ven_id] = now
                reply = _SERVICES[service](page, ven, message)
        except SessionError as error:
            # What a refused door wrote is dropped with its page.
            page = self.page(now)
            fault = RefusalError(error.reason, error.detail)
            page.refuse(ven_id, message, fault)
            reply = refusal(page, message, fault, stranger=not ven_id)
        return page.turn(reply)

    def publish(self, event: OadrEvent, audience: tuple[str, ...], now: datetime) -> Turn:
        """Announce an event to some VENs, or to all.

        Raises:
            MisuseError: ``EVENT_EXISTS``, ``TOO_MANY_VENS``.
        """
        page = self.page(now)
        vtn_events.publish(page, event, audience)
        return page.turn()

    def modify(self, event: OadrEvent, now: datetime) -> Turn:
        """Replace an event by a new version.

        Raises:
            MisuseError: ``UNKNOWN_EVENT``, ``EVENT_ENDED``, ``CHANGES_PAST``, ``TOO_MANY_VENS``.
        """
        page = self.page(now)
        vtn_events.modify(page, event)
        return page.turn()

    def cancel(self, event_id: str, now: datetime) -> Turn:
        """Cancel an event.

        Raises:
            MisuseError: ``UNKNOWN_EVENT``, ``EVENT_ENDED``.
        """
        page = self.page(now)
        vtn_events.cancel(page, event_id)
        return page.turn()

    def want(self, wish: WantRecord, now: datetime) -> Turn:
        """Ask for reports, now and whenever a VEN registers what the wish is about.

        Raises:
            MisuseError: ``WANT_EXISTS``.
        """
        return self.want_all((wish,), now)

    def want_all(self, wishes: tuple[WantRecord, ...], now: datetime) -> Turn:
        """Ask for several reports in one message per VEN.

        Raises:
            MisuseError: ``WANT_EXISTS``.
        """
        page = self.page(now)
        vtn_reports.want(page, *wishes)
        return page.turn()

    def unwant(
        self, want_id: str, now: datetime, *, to_follow: bool = False, piggyback: bool = False
    ) -> Turn:
        """Drop a wish and cancel what was asked for it; ``piggyback``: in the answer to the next report.

        Raises:
            MisuseError: ``UNKNOWN_WANT``.
        """
        page = self.page(now)
        vtn_reports.unwant(page, want_id, to_follow=to_follow, piggyback=piggyback)
        return page.turn()

    def offer(self, reports: tuple[OadrReport, ...], now: datetime) -> Turn:
        """Offer reports of our own in place of all offered before, and register them with every VEN."""
        page = self.page(now)
        vtn_supply.offer(page, *reports)
        return page.turn()

    def record_value(
        self, report_specifier_id: str, r_id: str, at: datetime, value: Decimal, now: datetime
    ) -> Turn:
        """Note a value of a report of ours.

        Raises:
            MisuseError: ``UNKNOWN_OFFER``.
        """
        page = self.page(now)
        vtn_supply.record_value(page, report_specifier_id, r_id, at, value)
        return page.turn()

    def produce(self, ven_id: str, now: datetime) -> Turn:
        """Put what a VEN is owed of our reports into its queue; a poll does so by itself."""
        page = self.page(now)
        vtn_supply.produce(page, ven_id)
        return page.turn()

    def allocate(self, allocation: AllocationRecord, now: datetime) -> Turn:
        """Give a venID out beforehand, or change whose certificates may use it.

        Raises:
            MisuseError: ``FINGERPRINT_TAKEN``.
        """
        page = self.page(now)
        vtn_registration.allocate(page, allocation)
        return page.turn()

    def remove(self, ven_id: str, now: datetime) -> Turn:
        """Forget a VEN and its allocation without asking it.

        Raises:
            MisuseError: ``UNKNOWN_VEN``.
        """
        page = self.page(now)
        vtn_registration.remove(page, ven_id)
        self._seen.pop(ven_id, None)
        return page.turn()

    def cancel_registration(self, ven_id: str, now: datetime) -> Turn:
        """Ask a VEN to end its registration, at its next poll.

        Raises:
            MisuseError: ``UNKNOWN_VEN``.
        """
        return self._tell_ven(ven_id, Waiting.CANCEL_REGISTRATION, now)

    def request_reregistration(self, ven_id: str, now: datetime) -> Turn:
        """Ask a VEN to register anew with its present ids, at its next poll.

        Raises:
            MisuseError: ``UNKNOWN_VEN``.
        """
        return self._tell_ven(ven_id, Waiting.REREGISTRATION, now)

    def _tell_ven(self, ven_id: str, waiting: Waiting, now: datetime) -> Turn:
        page = self.page(now)
        if page.find(VenRecord, ven_id) is None:
            raise MisuseError("UNKNOWN_VEN", f"no VEN {ven_id!r} is registered")
        enqueue(page, ven_id, waiting)
        return page.turn()

    def take_reply(
        self, page: Page, ven: VenRecord, service: str, message: Message
    ) -> OadrCreatedReport | None:
        """Take a VEN's reply to what was pushed to a service of its own, as if it had sent it to ours.

        Returns:
            What is to be said to that in a message of its own: the answer to requests inside the reply (rule 344).

        Raises:
            SessionError: the reply is refused; what stands on the page is not to count.
        """
        self._seen[ven.ven_id] = page.now
        said = _SERVICES[service](page, ven, message)
        return said if isinstance(said, OadrCreatedReport) else None

    def is_online(self, ven_id: str, now: datetime) -> bool:
        """Say whether a VEN was heard of within the last polls."""
        seen = self._seen.get(ven_id)
        return seen is not None and now - seen <= MISSED_POLLS * self._options.poll_every


_BY_STRANGERS: Final = (OadrQueryRegistration, OadrCreatePartyRegistration)


def _register(
    page: Page,
    service: str,
    peer: str,
    message: OadrQueryRegistration | OadrCreatePartyRegistration,
) -> Message:
    if service != "EiRegisterParty":
        raise misplaced(message)
    if isinstance(message, OadrQueryRegistration):
        return vtn_registration.query(page, peer, message)
    return vtn_registration.create(page, peer, message)


def _party(page: Page, ven: VenRecord, message: Message) -> Message | None:
    match message:
        case OadrCancelPartyRegistration():
            return vtn_registration.cancel(page, ven, message)
        case OadrCanceledPartyRegistration():
            return vtn_registration.canceled(page, ven, message)
        case OadrResponse():
            answered(page, ven.ven_id, Waiting.REREGISTRATION, "")
            return None
        case _:
            raise misplaced(message)


def _event(page: Page, ven: VenRecord, message: Message) -> Message:
    match message:
        case OadrRequestEvent():
            return _requested_events(page, ven, message)
        case OadrCreatedEvent():
            return vtn_answers.created_event(page, ven, message)
        case _:
            raise misplaced(message)


def _requested_events(page: Page, ven: VenRecord, message: OadrRequestEvent) -> Message:
    reply = vtn_events.distribute(
        page, ven, page.ids.uuid(), message.request_id, message.reply_limit
    )
    cut_off = len(reply.oadr_events) < len(vtn_events.listed(page, ven.ven_id))
    for item in page.all(QueueRecord, ven.ven_id):
        if item.waiting is Waiting.EVENTS and not cut_off:
            vtn_poll.send(page, ven, item)
    return reply


def _report(page: Page, ven: VenRecord, message: Message) -> Message:
    match message:
        case OadrRegisterReport():
            return vtn_reports.register_report(page, ven, message)
        case OadrUpdateReport():
            return vtn_updates.update_report(page, ven, message)
        case OadrCreateReport():
            return vtn_supply.create_report(page, ven, message)
        case OadrCancelReport():
            return vtn_supply.cancel_report(page, ven, message)
        case _:
            return _report_answer(page, ven, message)


def _report_answer(page: Page, ven: VenRecord, message: Message) -> Message:
    match message:
        case OadrRegisteredReport():
            return vtn_supply.registered_report(page, ven, message)
        case OadrCreatedReport():
            return vtn_reports.created_report(page, ven, message)
        case OadrCanceledReport():
            return vtn_reports.canceled_report(page, ven, message)
        case OadrUpdatedReport():
            return vtn_supply.updated_report(page, ven, message)
        case _:
            raise misplaced(message)


def _opt(page: Page, ven: VenRecord, message: Message) -> Message:
    match message:
        case OadrCreateOpt():
            return vtn_opts.create_opt(page, ven, message)
        case OadrCancelOpt():
            return vtn_opts.cancel_opt(page, ven, message)
        case _:
            raise misplaced(message)


_SERVICES: Final[Mapping[str, Service]] = {
    "EiRegisterParty": _party,
    "EiEvent": _event,
    "EiReport": _report,
    "EiOpt": _opt,
    "OadrPoll": vtn_poll.poll,
}
SERVICES: Final = frozenset(_SERVICES)
"""Last segments of the paths that a VTN serves, case-sensitive."""

__all__ = ["SERVICES", "Vtn", "request_id_of"]
