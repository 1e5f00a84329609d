"""What a well-behaved VTN answers to each request of a VEN."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final

from conformance.kit.oadr20b import build
from conformance.kit.oadr20b import registration as party
from conformance.kit.oadr20b.conditions import EVENT_RESPONSES
from conformance.kit.oadr20b.names import REPORT
from conformance.kit.transcript import Message
from conformance.kit.xml import Element
from conformance.peers.script2b.state import Account, Item, Names, Settings, State

UNREGISTERED: Final = "463"
WRONG_ID: Final = "452"
_COMPLIANCE: Final = "459"


class Usual:
    """Answers by the rules.

    Args:
        settings: Of this case.
        state: What it knows; changed by the answers.
        names: Fresh ids.
    """

    def __init__(self, settings: Settings, state: State, names: Names) -> None:
        self.settings = settings
        self.state = state
        self.names = names

    def answer(self, request: Message, now: datetime) -> Element | bytes:
        """Return the answer to a request; empty bytes: 200 without a body."""
        found = _ANSWERS.get(request.name)
        if found is None:
            return build.oadr_response(self.request_id(request), _COMPLIANCE)
        if request.name not in _OPEN:
            code = self._objection(request)
            if code:
                return self._refuse(request, code)
        return found(self, request, now)

    def request_id(self, request: Message) -> str:
        """Return the requestID of a request, empty without one."""
        return request.text("pyld:requestID") or request.text(".//pyld:requestID")

    def _objection(self, request: Message) -> str:
        account = self.state.account
        if account is None:
            return UNREGISTERED
        ids = request.all("ei:venID") + request.all(
            "pyld:eiRequestEvent/ei:venID | pyld:eiCreatedEvent/ei:venID"
        )
        return WRONG_ID if any(x != account.ven_id for x in ids) else ""

    def _refuse(self, request: Message, code: str) -> Element:
        make = _REFUSALS.get(request.name)
        request_id = self.request_id(request)
        if make is None:
            return build.oadr_response(request_id, code)
        return make(self, request, request_id, code)

    @property
    def ven_id(self) -> str | None:
        """Return the device's id, None before registration."""
        return self.state.account.ven_id if self.state.account else None

    # --- EiRegisterParty

    def query(self, request: Message, _: datetime) -> Element:
        """Tell what this VTN is, and the ids of a VEN that it knows (public cases N1_0010, N1_0015)."""
        account = self.state.account
        return party.created_registration(
            self.request_id(request),
            self.settings.vtn_id,
            registration_id=account.registration_id if account else None,
            ven_id=account.ven_id if account else None,
            poll=self.settings.poll,
        )

    def register(self, request: Message, _: datetime) -> Element:
        """Register, or register again under the same ids (section 8.4.1)."""
        before, given = self.state.account, request.text("ei:registrationID")
        request_id = self.request_id(request)
        if given and (
            before is None
            or (given, request.text("ei:venID")) != (before.registration_id, before.ven_id)
        ):
            return party.created_registration(
                request_id,
                self.settings.vtn_id,
                registration_id=None,
                ven_id=None,
                poll=None,
                code=WRONG_ID,
            )
        fresh = Account(
            ven_id=self.state.next_ven_id or request.text("ei:venID") or self.names.next("ven"),
            registration_id=self.names.next("reg"),
        )
        account = replace(
            before if given and before else fresh,
            name=request.text("oadr:oadrVenName"),
            pull=request.text("oadr:oadrHttpPullModel") == "true",
            address=request.text("oadr:oadrTransportAddress"),
        )
        self.state.account = account
        self.state.next_ven_id = ""
        if not given:
            self.state.queue.clear()
            self._offer_nothing()
        return party.created_registration(
            request_id,
            self.settings.vtn_id,
            registration_id=account.registration_id,
            ven_id=account.ven_id,
            poll=self.settings.poll,
        )

    def _offer_nothing(self) -> None:
        if self.settings.vtn_metadata:
            self.offer(None)

    def offer(self, answers: str | None) -> None:
        """Queue the VTN's own registration of reports, perhaps as the answer to a request for metadata."""

        def made(_: datetime, __: str | None) -> Element:
            return build.register_report(self.names.next("rr"), (), self.ven_id, answers)

        self.state.push(Item(build=made, service=REPORT))

    def cancel(self, request: Message, _: datetime) -> Element:
        """End a registration if both ids fit (public case N1_0070)."""
        account = self.state.account
        given = (request.text("ei:registrationID"), request.text("ei:venID"))
        fits = account is not None and given in {
            (account.registration_id, account.ven_id),
            (account.registration_id, ""),
        }
        if fits:
            self.forget()
        code = "200" if fits else (WRONG_ID if account else UNREGISTERED)
        return party.canceled_registration(
            self.request_id(request), code, given[0] or None, given[1] or None
        )

    def forget(self) -> None:
        """Drop the registration and all that hung on it."""
        self.state.account = None
        self.state.queue.clear()
        self.state.opts.clear()

    def canceled(self, request: Message, _: datetime) -> Element:
        """Take the answer to a cancellation of ours."""
        if request.code.startswith("2"):
            self.forget()
        return build.oadr_response(self.request_id(request))

    def nothing(self, _: Message, __: datetime) -> bytes:
        """Answer 200 without a body (answer to a request for re-registration)."""
        return b""

    # --- EiEvent

    def events(self, request: Message, now: datetime) -> Element:
        """Return all events, or the first so many (rule 15 orders before replyLimit cuts)."""
        limit = request.text("pyld:eiRequestEvent/pyld:replyLimit")
        return self.listing(now, self.request_id(request), int(limit) if limit.isdigit() else None)

    def listing(self, now: datetime, replying_to: str | None, limit: int | None = None) -> Element:
        """Make a distribution of all events."""
        events = self.state.listed(now)[:limit]
        return build.distribute_event(
            [build.ei_event(e, now, self.settings.context) for e in events],
            vtn_id=self.settings.vtn_id,
            request_id=self.names.next("de"),
            replying_to=replying_to,
        )

    def created_event(self, request: Message, _: datetime) -> Element:
        """Take answers; a cancellation that was acknowledged is never sent again (rule 52)."""
        for place in range(1, len(request.elements(EVENT_RESPONSES)) + 1):
            base = f"({EVENT_RESPONSES})[{place}]/ei:qualifiedEventID"
            known = self.state.events.get(request.text(f"{base}/ei:eventID"))
            version = request.text(f"{base}/ei:modificationNumber")
            if known is not None and known.status == "cancelled" and str(known.version) == version:
                del self.state.events[known.id]
        request_id = request.text(".//ei:eiResponse/pyld:requestID")
        return build.oadr_response(request_id, ven_id=self.ven_id)

    # --- EiReport

    def registered_reports(self, request: Message, _: datetime) -> Element:
        """Acknowledge the device's metadata, perhaps with requests at once (rule 344)."""
        wanted, self.state.with_metadata = self.state.with_metadata, ()
        rows = [build.report_request(x) for x in wanted]
        return build.message(
            "oadr:oadrRegisteredReport",
            build.response(self.request_id(request)),
            rows,
            build.optional("ei:venID", self.ven_id),
        )

    def plain(self, request: Message, _: datetime) -> Element:
        """Acknowledge an answer that came as a request (pull)."""
        return build.oadr_response(self.request_id(request), ven_id=self.ven_id)

    def registered_report(self, request: Message, now: datetime) -> Element:
        """Take an acknowledgement of ours, which may carry requests (rule 344)."""
        inside = request.has("oadr:oadrReportRequest")
        return self.created_report(request, now) if inside else self.plain(request, now)

    def created_report(self, request: Message, _: datetime) -> Element:
        """Take a request of the device's; one for metadata is answered by a registration (section 8.3)."""
        ids = request.all(".//oadr:oadrReportRequest/ei:reportRequestID")
        if "METADATA" in request.all(".//ei:reportSpecifierID"):
            self.offer(ids[0] if ids else None)
        return self._pending("oadr:oadrCreatedReport", request, ids)

    def updated(self, request: Message, _: datetime) -> Element:
        """Acknowledge data, perhaps cancelling at once (rule 328)."""
        ids, self.state.in_update = self.state.in_update, ()
        cancel = build.cancel_report(self.names.next("cr"), ids, self.ven_id or "") if ids else None
        if cancel is not None:
            cancel.attrib.clear()
        return build.answer(
            "oadr:oadrUpdatedReport",
            self.request_id(request),
            "200",
            cancel,
            ven_id=self.ven_id,
        )

    def canceled_report(self, request: Message, _: datetime) -> Element:
        """Take a cancellation of a request of the device's."""
        return self._pending("oadr:oadrCanceledReport", request, [])

    def _pending(self, name: str, request: Message, ids: list[str]) -> Element:
        pending = build.make(
            "oadr:oadrPendingReports", [build.make("ei:reportRequestID", x) for x in ids]
        )
        return build.answer(name, self.request_id(request), "200", pending, ven_id=self.ven_id)

    # --- EiOpt

    def created_opt(self, request: Message, _: datetime) -> Element:
        """Take an opt schedule, or an opt of an event."""
        opt_id = request.text("ei:optID")
        self.state.opts.add(opt_id)
        return build.answer(
            "oadr:oadrCreatedOpt",
            self.request_id(request),
            "200",
            build.make("ei:optID", opt_id),
        )

    def canceled_opt(self, request: Message, _: datetime) -> Element:
        """Cancel schedules by their id; one that is not known is refused (public case P1_2050)."""
        opt_id = request.text("ei:optID")
        code = "200" if opt_id in self.state.opts else WRONG_ID
        self.state.opts.discard(opt_id)
        return build.answer(
            "oadr:oadrCanceledOpt", self.request_id(request), code, build.make("ei:optID", opt_id)
        )

    # --- OadrPoll

    def poll(self, _: Message, now: datetime) -> Element | bytes:
        """Hand out the oldest item, or say that there is none."""
        if not self.state.queue:
            return build.oadr_response("", ven_id=self.ven_id)
        return self.state.queue.popleft().build(now, "")


Answering = Callable[[Usual, Message, datetime], Element | bytes]
_ANSWERS: Final[Mapping[str, Answering]] = {
    "oadrQueryRegistration": Usual.query,
    "oadrCreatePartyRegistration": Usual.register,
    "oadrCancelPartyRegistration": Usual.cancel,
    "oadrCanceledPartyRegistration": Usual.canceled,
    "oadrResponse": Usual.nothing,
    "oadrRequestEvent": Usual.events,
    "oadrCreatedEvent": Usual.created_event,
    "oadrRegisterReport": Usual.registered_reports,
    "oadrRegisteredReport": Usual.registered_report,
    "oadrCreatedReport": Usual.plain,
    "oadrUpdatedReport": Usual.plain,
    "oadrCanceledReport": Usual.plain,
    "oadrCreateReport": Usual.created_report,
    "oadrUpdateReport": Usual.updated,
    "oadrCancelReport": Usual.canceled_report,
    "oadrCreateOpt": Usual.created_opt,
    "oadrCancelOpt": Usual.canceled_opt,
    "oadrPoll": Usual.poll,
}
_OPEN: Final = frozenset(
    {
        "oadrQueryRegistration",
        "oadrCreatePartyRegistration",
        "oadrCancelPartyRegistration",
        "oadrCanceledPartyRegistration",
        "oadrResponse",
    }
)
"""Messages that a VEN may send whose registration is not, or no longer, known."""


def _refused_events(usual: Usual, _: Message, request_id: str, code: str) -> Element:
    return build.message(
        "oadr:oadrDistributeEvent",
        build.response(request_id, code, "refused"),
        build.make("pyld:requestID", usual.names.next("de")),
        build.make("ei:vtnID", usual.settings.vtn_id),
    )


def _refused_report(name: str, *, pending: bool) -> "Refusing":
    def made(_: Usual, __: Message, request_id: str, code: str) -> Element:
        rest = build.make("oadr:oadrPendingReports") if pending else None
        return build.answer(name, request_id, code, rest)

    return made


def _refused_opt(name: str) -> "Refusing":
    def made(_: Usual, request: Message, request_id: str, code: str) -> Element:
        return build.answer(
            name, request_id, code, build.make("ei:optID", request.text("ei:optID"))
        )

    return made


Refusing = Callable[[Usual, Message, str, str], Element]
_REFUSALS: Final[Mapping[str, Refusing]] = {
    "oadrRequestEvent": _refused_events,
    "oadrRegisterReport": _refused_report("oadr:oadrRegisteredReport", pending=False),
    "oadrCreateReport": _refused_report("oadr:oadrCreatedReport", pending=True),
    "oadrUpdateReport": _refused_report("oadr:oadrUpdatedReport", pending=False),
    "oadrCancelReport": _refused_report("oadr:oadrCanceledReport", pending=True),
    "oadrCreateOpt": _refused_opt("oadr:oadrCreatedOpt"),
    "oadrCancelOpt": _refused_opt("oadr:oadrCanceledOpt"),
}
"""Refusals go into the payload type that fits the request (2.0b section 8.7, rules 500 and 517)."""
