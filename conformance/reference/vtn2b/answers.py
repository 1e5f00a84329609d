"""What VENs say of events: oadrCreatedEvent and EiOpt.

Spec: OpenADR 2.0b sections 8.1 and 8.5 and the rules named.
"""

from datetime import datetime
from typing import Final

from lxml.etree import _Element as Element

from conformance.reference.vtn2b.listing import chosen
from conformance.reference.vtn2b.state import Memory, Ven
from conformance.reference.wire2b import every, found, make, message, response, text

OK: Final = "200"
OLD_VERSION: Final = "450"
WRONG_ID: Final = "452"
COMPLIANCE: Final = "459"
RESPONSE: Final = "pyld:eiCreatedEvent/ei:eventResponses/ei:eventResponse"
QUALIFIED: Final = "ei:qualifiedEventID"


class Answers:
    """The answers to the events of this VTN."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    def created(self, answer: Element, ven: Ven, now: datetime) -> Element:
        """Take an oadrCreatedEvent, all of it or nothing."""
        responses = every(answer, RESPONSE)
        code = next((code for said in responses if (code := self._judged(said)) != OK), OK)
        if code == OK:
            for said in responses:
                self._note(said, ven)
        return message("oadr:oadrResponse", response(code), make("ei:venID", ven.ven_id))

    def create_opt(self, asked: Element, ven: Ven, now: datetime) -> Element:
        """Take an oadrCreateOpt: a schedule, or an opt for one event, never both (section 8.5)."""
        event, windows = found(asked, QUALIFIED), found(asked, "xcal:vavailability")
        code = OK
        if (event is None) == (windows is None):
            code = COMPLIANCE
        elif event is not None:
            code = self._judged(asked)
        opt_id = text(asked, "ei:optID")
        if code == OK and event is not None:
            self._remember(ven, event, text(asked, "ei:optType"), OK)
        elif code == OK:
            ven.opts[opt_id] = asked
        answer = response(code, text(asked, "pyld:requestID"))
        return message("oadr:oadrCreatedOpt", answer, make("ei:optID", opt_id))

    def cancel_opt(self, asked: Element, ven: Ven) -> Element:
        """Take an oadrCancelOpt."""
        opt_id = text(asked, "ei:optID")
        known = ven.opts.pop(opt_id, None) is not None
        answer = response(OK if known else WRONG_ID, text(asked, "pyld:requestID"))
        return message("oadr:oadrCanceledOpt", answer, make("ei:optID", opt_id))

    def delivered(self, ven: Ven, now: datetime) -> None:
        """Count cancellations that need no answer as known once they were listed (rule 52)."""
        for event in chosen(self._memory, ven, now):
            if event.cancelled and not event.always:
                ven.acknowledged.add((event.event_id, event.version))

    def _judged(self, said: Element) -> str:
        event = self._memory.events.get(text(said, f"{QUALIFIED}/ei:eventID"))
        if event is None:
            return WRONG_ID
        version = text(said, f"{QUALIFIED}/ei:modificationNumber")
        return OK if version == str(event.version) else OLD_VERSION

    def _note(self, said: Element, ven: Ven) -> None:
        qualified = found(said, QUALIFIED)
        if qualified is not None:
            self._remember(ven, qualified, text(said, "ei:optType"), text(said, "ei:responseCode"))

    def _remember(self, ven: Ven, qualified: Element, opt: str, code: str) -> None:
        name = text(qualified, "ei:eventID")
        version = int(text(qualified, "ei:modificationNumber"))
        self._memory.answers.append((ven.ven_id, name, version, opt, code))
        if self._memory.events[name].cancelled:
            ven.acknowledged.add((name, version))
