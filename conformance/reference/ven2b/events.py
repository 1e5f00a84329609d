"""Events: what a listing makes known, what is answered, and when this VEN acts.

Spec: OpenADR 2.0b section 8.1 and the rules named at each step.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from lxml.etree import _Element as Element

from conformance.reference.ven2b.judging import (
    ACTIVE_PERIOD,
    INTERVALS,
    VALUE,
    followed,
    length,
    moment,
    refusal,
)
from conformance.reference.ven2b.settings import Settings
from conformance.reference.ven2b.state import Known, Memory
from conformance.reference.wire2b import VERSION, every, make, message, qualified, response, text
from gateway.domain.chance import Chance
from gateway.domain.errors import WireError
from gateway.domain.timespan import LATEST

OK: Final = "200"
WRONG_ID: Final = "452"
OLD_VERSION: Final = "450"
COMPLIANCE: Final = "459"
STATUS: Final = "ei:eiResponse/ei:responseCode"
_CANCELLED: Final = "cancelled"
_NO_TIME: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One eventResponse."""

    event_id: str
    version: int
    code: str
    opt: str
    request_id: str

    def element(self) -> Element:
        """Write it; its requestID is the one of the listing (rule 42)."""
        return make(
            "ei:eventResponse",
            make("ei:responseCode", self.code),
            make("pyld:requestID", self.request_id),
            make(
                "ei:qualifiedEventID",
                make("ei:eventID", self.event_id),
                make("ei:modificationNumber", str(self.version)),
            ),
            make("ei:optType", self.opt),
        )


def created(ven_id: str, answers: list[Said], code: str = OK) -> Element:
    """Make an oadrCreatedEvent; its own requestID is empty (rule 42)."""
    said = make("ei:eventResponses", *(answer.element() for answer in answers))
    content = make(
        "pyld:eiCreatedEvent",
        response(code),
        said if answers else None,
        make("ei:venID", ven_id),
    )
    return message("oadr:oadrCreatedEvent", content)


class Events:
    """The events of one VTN."""

    def __init__(self, memory: Memory, settings: Settings, chance: Chance) -> None:
        self._memory = memory
        self._settings = settings
        self._chance = chance

    def take(self, listing: Element, now: datetime, *, limited: bool = False) -> Element | None:
        """Take an oadrDistributeEvent; return the oadrCreatedEvent that it needs, if any.

        Args:
            listing: The message.
            now: The present.
            limited: It was asked for with a replyLimit, so what is missing in it says nothing (rule 61).
        """
        registration = self._memory.registration
        if registration is None or not text(listing, STATUS, OK).startswith("2"):
            return None
        if listing.get(qualified("ei:schemaVersion"), VERSION) != VERSION:
            return created(registration.ven_id, [], COMPLIANCE)
        if text(listing, "ei:vtnID") != registration.vtn_id:
            return created(registration.ven_id, [], WRONG_ID)
        request_id = text(listing, "pyld:requestID")
        answers = []
        for listed in every(listing, "oadr:oadrEvent"):
            said = self._one(listed, request_id, now)
            if text(listed, "oadr:oadrResponseRequired") == "always":
                answers.append(said)
        if not limited:
            self._missing(listing, now)
        return created(registration.ven_id, answers) if answers else None

    def change(self, event_id: str, opt: str) -> Element | None:
        """Change this VEN's mind about an event; return the message that says so.

        What an oadrCreateOpt decided stays (rule 206), and nothing is said of an event that wants no answer.
        """
        known = self._memory.events.get(event_id)
        registration = self._memory.registration
        if known is None or registration is None or known.by_opt:
            return None
        known.opt = opt
        if not known.always:
            return None
        said = Said(
            event_id=event_id,
            version=known.version,
            code=OK,
            opt=opt,
            request_id=known.request_id,
        )
        return created(registration.ven_id, [said])

    def running(self, now: datetime) -> dict[str, str]:
        """Return the events that this VEN acts on now, each with the value in force."""
        return {
            known.event_id: _value(known, now)
            for known in self._memory.events.values()
            if known.runs(now)
        }

    def _one(self, listed: Element, request_id: str, now: datetime) -> Said:
        event = every(listed, "ei:eiEvent")[0]
        event_id = text(event, "ei:eventDescriptor/ei:eventID")
        version = int(text(event, "ei:eventDescriptor/ei:modificationNumber"))
        known = self._memory.events.get(event_id)
        if known is not None and version < known.version:
            return self._said(known, request_id, version, OLD_VERSION)
        if known is None or version > known.version:
            known = self._newer(event, known, now)
            self._memory.events[event_id] = known
        known.always = text(listed, "oadr:oadrResponseRequired") == "always"
        known.request_id = request_id
        return self._said(known, request_id, version, known.code)

    def _said(self, known: Known, request_id: str, version: int, code: str) -> Said:
        return Said(
            event_id=known.event_id,
            version=version,
            code=code,
            opt=known.opt if code == OK else "optOut",
            request_id=request_id,
        )

    def _newer(self, event: Element, before: Known | None, now: datetime) -> Known:
        if text(event, "ei:eventDescriptor/ei:eventStatus") == _CANCELLED:
            return self._cancelled(event, before, now)
        registration = self._memory.registration
        ven_id = registration.ven_id if registration is not None else ""
        code = refusal(event, self._settings, ven_id)
        known = _read(event, code)
        known.offset = self._offset(known, before)
        if before is not None:
            known.by_opt = before.by_opt
            if code == OK == before.code:
                known.opt = before.opt
        return known

    def _cancelled(self, event: Element, before: Known | None, now: datetime) -> Known:
        """Take a cancellation, of an event that was never known too (rule 60); ``optIn`` confirms it."""
        known = _read(event, OK)
        if before is not None:
            known = replace(before, version=known.version, code=OK)
        stopped = self._stopped(known, now)
        stopped.opt = "optIn"
        return stopped

    def _offset(self, known: Known, before: Known | None) -> timedelta:
        """Draw the delay of a randomised start; a modification keeps it (rule 30)."""
        if before is not None and before.startafter == known.startafter:
            return before.offset
        return self._drawn(known.startafter)

    def _drawn(self, most: timedelta) -> timedelta:
        return timedelta(seconds=self._chance.randint(0, int(most.total_seconds())))

    def _stopped(self, known: Known, now: datetime) -> Known:
        """End the effect: at once, or within ``startafter`` for a randomised event that runs (rule 65)."""
        wait = self._drawn(known.startafter) if known.runs(now) else timedelta(0)
        known.cancelled = True
        known.stops = now + wait
        return known

    def _missing(self, listing: Element, now: datetime) -> None:
        """Take every event that is no longer listed for cancelled (rule 61)."""
        listed = {
            text(event, "ei:eventDescriptor/ei:eventID")
            for event in every(listing, "oadr:oadrEvent/ei:eiEvent")
        }
        for known in self._memory.events.values():
            end = known.end()
            over = known.cancelled or (end is not None and end <= now)
            if known.event_id not in listed and not over:
                self._stopped(known, now)


def _read(event: Element, code: str) -> Known:
    test = text(event, "ei:eventDescriptor/ei:testEvent", "false")
    start, lasts, startafter, levels = _times(event)
    return Known(
        event_id=text(event, "ei:eventDescriptor/ei:eventID"),
        version=int(text(event, "ei:eventDescriptor/ei:modificationNumber")),
        start=start,
        length=lasts,
        startafter=startafter,
        offset=timedelta(0),
        opt="optIn" if code == OK else "optOut",
        code=code,
        always=True,
        test=test != "false",
        levels=levels,
    )


Levels = tuple[tuple[timedelta, str], ...]


def _times(event: Element) -> tuple[datetime, timedelta, timedelta, Levels]:
    """Return start, length, startafter and levels; of an event that is refused as unreadable, none that matters."""
    startafter = text(event, f"{ACTIVE_PERIOD}/xcal:tolerance/xcal:tolerate/xcal:startafter")
    try:
        levels = tuple(
            (length(text(step, "xcal:duration/xcal:duration")), text(step, VALUE))
            for step in every(followed(event), INTERVALS)
        )
        return (
            moment(text(event, f"{ACTIVE_PERIOD}/xcal:dtstart/xcal:date-time")),
            length(text(event, f"{ACTIVE_PERIOD}/xcal:duration/xcal:duration")),
            length(startafter) if startafter else timedelta(0),
            levels,
        )
    except WireError:
        return LATEST, _NO_TIME, timedelta(0), ()


def _value(known: Known, now: datetime) -> str:
    at = known.start + known.offset
    for lasts, value in known.levels:
        if not lasts or now < at + lasts:
            return value
        at += lasts
    return ""
