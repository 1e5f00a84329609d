"""What VENs say of events: oadrCreatedEvent and EiOpt.

Spec: OpenADR 2.0b sections 8.1 and 8.5 and the rules named.
"""

from datetime import datetime
from typing import Final

from lxml.etree import _Element as Element

from conformance.reference.vtn2b.listing import chosen
from conformance.reference.vtn2b.state import Memory, Ven
from conformance.reference.wire2b import every, found, make, message, response, text, texts

OK: Final = "200"
OLD_VERSION: Final = "450"
WRONG_ID: Final = "452"
COMPLIANCE: Final = "459"
TARGET: Final = "462"
RESPONSE: Final = "pyld:eiCreatedEvent/ei:eventResponses/ei:eventResponse"
QUALIFIED: Final = "ei:qualifiedEventID"


class Answers:
    """The answers to the events of this VTN."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    def created(self, answer: Element, ven: Ven, now: datetime) -> Element:
        """Take an oadrCreatedEvent, all of it or nothing."""
        responses = every(answer, RESPONSE)
        code = next((code for said in responses if (code := self._judged(said, ven)) != OK), OK)
        if code == OK:
            for said in responses:
                self._note(said, ven)
        return message("oadr:oadrResponse", response(code), make("ei:venID", ven.ven_id))

    def create_opt(self, asked: Element, ven: Ven, now: datetime) -> Element:
        """Take an oadrCreateOpt: a schedule, or an opt for one event."""
        code, opt_id = self._opt_judged(asked, ven), text(asked, "ei:optID")
        event = found(asked, QUALIFIED)
        if code == OK and event is not None:
            self._remember(ven, event, text(asked, "ei:optType"), OK)
            ven.opted.add(text(event, "ei:eventID"))
        elif code == OK:
            ven.opts[opt_id] = asked
        answer = response(code, text(asked, "pyld:requestID"))
        return message("oadr:oadrCreatedOpt", answer, make("ei:optID", opt_id))

    def _opt_judged(self, asked: Element, ven: Ven) -> str:
        """Return the code of an opt: never both forms, and within the event's own target (rule 206)."""
        event, windows = found(asked, QUALIFIED), found(asked, "xcal:vavailability")
        if (event is None) == (windows is None):
            return COMPLIANCE
        if event is None:
            return OK
        if found(asked, "emix:marketContext") is not None:
            return COMPLIANCE
        code = self._judged(asked, ven)
        if code != OK:
            return code
        mine = set(self._memory.events[text(event, "ei:eventID")].resources)
        named = set(texts(asked, "ei:eiTarget/ei:resourceID"))
        return OK if not mine or named <= mine else TARGET

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

    def _judged(self, said: Element, ven: Ven) -> str:
        event = self._memory.events.get(text(said, f"{QUALIFIED}/ei:eventID"))
        if event is None or not event.concerns(ven.ven_id):
            return WRONG_ID
        version = text(said, f"{QUALIFIED}/ei:modificationNumber")
        return OK if version == str(event.version) else OLD_VERSION

    def _note(self, said: Element, ven: Ven) -> None:
        qualified = found(said, QUALIFIED)
        if qualified is not None and text(qualified, "ei:eventID") not in ven.opted:
            self._remember(ven, qualified, text(said, "ei:optType"), text(said, "ei:responseCode"))

    def _remember(self, ven: Ven, qualified: Element, opt: str, code: str) -> None:
        name = text(qualified, "ei:eventID")
        version = int(text(qualified, "ei:modificationNumber"))
        self._memory.answers.append((ven.ven_id, name, version, opt, code))
        if self._memory.events[name].cancelled:
            ven.acknowledged.add((name, version))
