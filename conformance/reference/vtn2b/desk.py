"""Which door a VEN's message goes through, and who may pass.

Spec: OpenADR 2.0b sections 4 and 9.2.1.1, rules 500, 512 and 517.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from lxml.etree import _Element as Element

from conformance.reference.vtn2b.answers import Answers
from conformance.reference.vtn2b.listing import Head, listing
from conformance.reference.vtn2b.production import Production
from conformance.reference.vtn2b.registration import Registrations
from conformance.reference.vtn2b.reports import Reports
from conformance.reference.vtn2b.settings import Settings
from conformance.reference.vtn2b.state import Memory, Ven
from conformance.reference.wire2b import (
    VERSION,
    every,
    local,
    make,
    message,
    qualified,
    response,
    text,
)

NOT_REGISTERED: Final = "463"
WRONG_ID: Final = "452"
UNKNOWN: Final = "453"
COMPLIANCE: Final = "459"
REFUSED_WITH: Final = {
    "oadrRegisterReport": "oadr:oadrRegisteredReport",
    "oadrUpdateReport": "oadr:oadrUpdatedReport",
    "oadrCreateReport": "oadr:oadrCreatedReport",
    "oadrCancelReport": "oadr:oadrCanceledReport",
    "oadrCreateOpt": "oadr:oadrCreatedOpt",
    "oadrCancelOpt": "oadr:oadrCanceledOpt",
    "oadrRequestEvent": "oadr:oadrDistributeEvent",
    "oadrCancelPartyRegistration": "oadr:oadrCanceledPartyRegistration",
}
"""The payload type in which a refusal goes back (rule 517); oadrResponse for all others."""
REGISTERING: Final = ("oadrQueryRegistration", "oadrCreatePartyRegistration")
PENDING: Final = ("oadrCreateReport", "oadrCancelReport")
SERVED: Final = {
    "EiRegisterParty": (
        "oadrQueryRegistration",
        "oadrCreatePartyRegistration",
        "oadrCancelPartyRegistration",
        "oadrCanceledPartyRegistration",
        "oadrResponse",
    ),
    "EiEvent": ("oadrRequestEvent", "oadrCreatedEvent", "oadrResponse"),
    "EiReport": (
        *("oadrRegisterReport", "oadrUpdateReport", "oadrCreateReport", "oadrCancelReport"),
        *("oadrRegisteredReport", "oadrUpdatedReport", "oadrCreatedReport", "oadrCanceledReport"),
        "oadrResponse",
    ),
    "EiOpt": ("oadrCreateOpt", "oadrCancelOpt"),
    "OadrPoll": ("oadrPoll",),
}
"""What each service takes (section 9.1)."""
Door = Callable[[Element, Ven, datetime], Element | None]


class Desk:
    """Takes every message of a VEN and returns the answer; None is an empty body."""

    def __init__(self, memory: Memory, settings: Settings, number: Callable[[str], str]) -> None:
        self._memory = memory
        self._settings = settings
        self._number = number
        self._registrations = Registrations(memory, settings, number)
        self._answers = Answers(memory)
        self.reports: Final = Reports(number)
        self.production: Final = Production(settings, number)
        self._doors: dict[str, Door] = {
            "oadrPoll": self._poll,
            "oadrRequestEvent": self._request_event,
            "oadrCreatedEvent": self._answers.created,
            "oadrRegisterReport": lambda asked, ven, now: self.reports.register(asked, ven),
            "oadrUpdateReport": lambda asked, ven, now: self.reports.update(asked, ven),
            "oadrCreateReport": self.production.create,
            "oadrCancelReport": self.production.cancel,
            "oadrRegisteredReport": self._registered,
            "oadrCreatedReport": self._acknowledged,
            "oadrCanceledReport": self._canceled,
            "oadrUpdatedReport": self._updated,
            "oadrCreateOpt": self._answers.create_opt,
            "oadrCancelOpt": lambda asked, ven, now: self._answers.cancel_opt(asked, ven),
            "oadrCanceledPartyRegistration": self._ended,
            "oadrResponse": lambda asked, ven, now: None,
        }

    def take(self, asked: Element, peer: str, now: datetime) -> Element | None:
        """Take one message from whoever shows this certificate."""
        if asked.get(qualified("ei:schemaVersion"), VERSION) != VERSION:
            return self.refusal(asked, COMPLIANCE)
        name = local(asked)
        if name == "oadrQueryRegistration":
            return self._registrations.query(asked, peer)
        if name == "oadrCreatePartyRegistration":
            return self._register(asked, peer, now)
        if name == "oadrCancelPartyRegistration":
            return self._registrations.cancel(asked, peer)
        ven, code = self._sender(asked, peer)
        if ven is None:
            return self.refusal(asked, code)
        door = self._doors.get(name)
        return self.refusal(asked, UNKNOWN) if door is None else door(asked, ven, now)

    def next(self, ven: Ven, now: datetime) -> Element | None:
        """Take the next message out of a VEN's queue; None when there is none (FIFO)."""
        ven.queue.extend(self.production.due(ven, now))
        if not ven.queue:
            return None
        waiting = ven.queue.popleft()
        return self._listing(ven, now) if waiting is None else waiting

    def _register(self, asked: Element, peer: str, now: datetime) -> Element:
        answer, fresh = self._registrations.create(asked, peer)
        if fresh is not None:
            fresh.queue.append(self.production.offering(fresh, now))
        return answer

    def _sender(self, asked: Element, peer: str) -> tuple[Ven | None, str]:
        """Return the VEN that speaks, or the code of the refusal (rule 517)."""
        name = text(asked, "ei:venID") or text(asked, "pyld:eiCreatedEvent/ei:venID")
        name = name or text(asked, "pyld:eiRequestEvent/ei:venID")
        mine = [ven for ven in self._memory.vens.values() if ven.peer == peer]
        ven = self._memory.vens.get(name)
        if ven is not None and ven.peer == peer:
            return ven, ""
        return None, WRONG_ID if mine and ven is None else NOT_REGISTERED

    def _poll(self, asked: Element, ven: Ven, now: datetime) -> Element:
        waiting = self.next(ven, now)
        if waiting is not None:
            return waiting
        return message("oadr:oadrResponse", response(), make("ei:venID", ven.ven_id))

    def _request_event(self, asked: Element, ven: Ven, now: datetime) -> Element:
        limit = text(asked, "pyld:eiRequestEvent/pyld:replyLimit")
        request_id = text(asked, "pyld:eiRequestEvent/pyld:requestID")
        most = int(limit) if limit else len(self._memory.events)
        head = Head(vtn_id=self._settings.vtn_id, request_id=request_id, answers=request_id)
        return listing(self._memory, ven, head, now, most)

    def _listing(self, ven: Ven, now: datetime) -> Element:
        head = Head(
            vtn_id=self._settings.vtn_id,
            request_id=self._number("events"),
            answers="" if ven.pull else None,
        )
        content = listing(self._memory, ven, head, now)
        self._answers.delivered(ven, now)
        return content

    def _registered(self, asked: Element, ven: Ven, now: datetime) -> Element:
        """Take an answer to this VTN's metadata, and the requests inside it (rule 344)."""
        if every(asked, "oadr:oadrReportRequest"):
            return self.production.create(asked, ven, now)
        return self._acknowledged(asked, ven, now)

    def _canceled(self, asked: Element, ven: Ven, now: datetime) -> Element:
        self.reports.canceled(ven)
        return self._acknowledged(asked, ven, now)

    def _updated(self, asked: Element, ven: Ven, now: datetime) -> Element:
        self.production.updated(asked, ven)
        return self._acknowledged(asked, ven, now)

    def _ended(self, asked: Element, ven: Ven, now: datetime) -> Element:
        self._registrations.canceled(asked)
        return message("oadr:oadrResponse", response())

    def _acknowledged(self, asked: Element, ven: Ven, now: datetime) -> Element:
        return message("oadr:oadrResponse", response(), make("ei:venID", ven.ven_id))

    def refusal(self, asked: Element, code: str) -> Element:
        """Make the message that refuses another one."""
        name = local(asked)
        if name in REGISTERING:
            return self._registrations.refused(asked, code)
        request_id = text(asked, "pyld:requestID")
        request_id = request_id or text(asked, "pyld:eiRequestEvent/pyld:requestID")
        kind = REFUSED_WITH.get(name, "oadr:oadrResponse")
        content: list[Element] = [response(code, request_id)]
        if name in PENDING:
            content.append(make("oadr:oadrPendingReports"))
        if name == "oadrCreateOpt":
            content.append(make("ei:optID", text(asked, "ei:optID")))
        if name == "oadrRequestEvent":
            content.append(make("pyld:requestID", request_id))
            content.append(make("ei:vtnID", self._settings.vtn_id))
        return message(kind, *content)
