"""What this VEN does with a message of the VTN, whether it came with a poll or was pushed."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from lxml.etree import _Element as Element

from conformance.reference.ven2b import producer, registration
from conformance.reference.ven2b.events import Events
from conformance.reference.ven2b.reports import Reports
from conformance.reference.ven2b.state import Memory
from conformance.reference.wire2b import local, make, message, response, text

EVENT: Final = "EiEvent"
REPORT: Final = "EiReport"
REGISTER: Final = "EiRegisterParty"


@dataclass(frozen=True, slots=True)
class Answer:
    """What is owed for a message."""

    service: str = ""
    content: Element | None = None
    """None: nothing."""
    again: bool = False
    """True: the VTN wants this VEN to register again."""


class Inbox:
    """Takes every message that a VTN may send."""

    def __init__(self, memory: Memory, events: Events, reports: Reports) -> None:
        self._memory = memory
        self._events = events
        self._reports = reports
        self._doors: dict[str, Callable[[Element, str, datetime], Answer]] = {
            "oadrDistributeEvent": self._listing,
            "oadrCreateReport": self._create_report,
            "oadrCancelReport": self._cancel_report,
            "oadrRegisterReport": self._register_report,
            "oadrUpdateReport": self._update_report,
            "oadrCancelPartyRegistration": self._cancel_registration,
            "oadrRequestReregistration": self._register_again,
        }

    def take(self, content: Element, now: datetime, *, limited: bool = False) -> Answer:
        """Take one message; nothing is done while this VEN is not registered (rule 405).

        Args:
            content: The message.
            now: The present.
            limited: It lists events up to a replyLimit.
        """
        door = self._doors.get(local(content))
        current = self._memory.registration
        if door is None or current is None:
            return Answer()
        if limited:
            return Answer(EVENT, self._events.take(content, now, limited=True))
        return door(content, current.ven_id, now)

    def _listing(self, content: Element, ven_id: str, now: datetime) -> Answer:
        return Answer(EVENT, self._events.take(content, now))

    def _create_report(self, content: Element, ven_id: str, now: datetime) -> Answer:
        code = self._reports.take(content, now)
        request_id = text(content, "pyld:requestID")
        return Answer(REPORT, self._reports.created(ven_id, request_id, code))

    def _cancel_report(self, content: Element, ven_id: str, now: datetime) -> Answer:
        return Answer(REPORT, self._reports.cancelled(content, ven_id, now))

    def _register_report(self, content: Element, ven_id: str, now: datetime) -> Answer:
        return Answer(REPORT, producer.registered(self._memory, content, ven_id))

    def _update_report(self, content: Element, ven_id: str, now: datetime) -> Answer:
        return Answer(REPORT, producer.updated(self._memory, content, ven_id))

    def _cancel_registration(self, content: Element, ven_id: str, now: datetime) -> Answer:
        return Answer(REGISTER, registration.cancelled(self._memory, content))

    def _register_again(self, content: Element, ven_id: str, now: datetime) -> Answer:
        ok = text(content, "ei:venID") == ven_id
        answer = message(
            "oadr:oadrResponse",
            response("200" if ok else "452"),
            make("ei:venID", ven_id),
        )
        return Answer(REGISTER, answer, again=ok)
