"""The operator's events: issued, cancelled, never edited.

Spec: IEEE 2030.5-2018 clause 10.2 (events), 10.2.3.3 c (an event is never edited: cancel it and issue another).
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final

from gateway.domain.errors import MisuseError
from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.enums import EventState
from gateway.protocols.sep2.identity import mrid
from gateway.protocols.sep2.server.checks import checked, following, valid
from gateway.protocols.sep2.server.curves import check_curves
from gateway.protocols.sep2.server.kinds import EVENTS
from gateway.protocols.sep2.server.programs import PROGRAMS
from gateway.protocols.sep2.server.records import Kept, Turn
from gateway.protocols.sep2.server.server import Sep2Server
from gateway.protocols.sep2.server.standing import cancelled
from gateway.protocols.sep2.server.terms import EventTerms

SITE: Final = 0x4200
"""Categories of a data centre: managed commercial load, energy management system."""
_MOST_RANDOM: Final = 3600
_MOST_SECONDS: Final = (1 << 32) - 1


class Issuer:
    """Issues the events of a utility; each door returns a turn, which is to be stored and taken.

    Args:
        server: The utility.
    """

    def __init__(self, server: Sep2Server) -> None:
        self.server = server
        self.book = server.book

    def create_control(
        self, program: str, base: sep.DERControlBase, terms: EventTerms, now: datetime
    ) -> Turn:
        """Issue a DERControl.

        Raises:
            MisuseError: ``UNKNOWN_RESOURCE``, ``BAD_RESOURCE``, also for a curve that there is not,
                ``RESOURCE_EXISTS`` for an mRID in use.
        """
        found = self.book.expect(program, sep.DERProgram)
        check_curves(self.book, found, base)
        told = self.randomizable(terms, now)
        made = sep.DERControl(
            **told,  # type: ignore[arg-type] # by name
            der_control_base=base,
            device_category=terms.category,
        )
        return self._issue(found, made, now)

    def create_load_control(
        self, program: str, control: Mapping[str, object], terms: EventTerms, now: datetime
    ) -> Turn:
        """Issue an EndDeviceControl.

        Args:
            program: mRID of a DemandResponseProgram.
            control: Fields of the EndDeviceControl that are its own, e.g. ``target_reduction``.
            terms: When, and for whom.
            now: Current instant.

        Raises:
            MisuseError: ``UNKNOWN_RESOURCE``, ``BAD_RESOURCE``, ``RESOURCE_EXISTS``.
        """
        told = self.randomizable(terms, now)
        told |= {"dr_program_mandatory": False, "load_shift_forward": False, **control}
        told["device_category"] = SITE if terms.category is None else terms.category
        made = sep.EndDeviceControl(**told)  # type: ignore[arg-type] # by name
        return self._issue(self.book.expect(program, sep.DemandResponseProgram), made, now)

    def create_message(
        self,
        program: str,
        text: str,
        priority: int,
        terms: EventTerms,
        now: datetime,
        *,
        originator: str | None = None,
    ) -> Turn:
        """Issue a TextMessage; it is not randomised, and several may be active at once.

        Args:
            program: mRID of a MessagingProgram.
            text: What is to be shown.
            priority: 0 low to 3 critical.
            terms: When, and which responses are wanted.
            now: Current instant.
            originator: Who says it.

        Raises:
            MisuseError: ``UNKNOWN_RESOURCE``, ``BAD_RESOURCE``, ``RESOURCE_EXISTS``.

        Spec: IEEE 2030.5-2018 Table 27 (what a message may be answered).
        """
        if terms.randomize_start or terms.randomize_duration:
            raise MisuseError("BAD_RESOURCE", "a message is not randomised")
        told = self._event(terms, now)
        made = sep.TextMessage(
            **told,  # type: ignore[arg-type] # by name
            originator=originator,
            priority=priority,
            text_message=text,
        )
        return self._issue(self.book.expect(program, sep.MessagingProgram), made, now)

    def cancel(self, event: str, now: datetime, *, randomly: bool = False) -> Turn:
        """Cancel an event by its status; it stays listed.

        Args:
            event: Its mRID.
            now: Current instant.
            randomly: Devices leave it within its randomisation.

        Raises:
            MisuseError: ``UNKNOWN_RESOURCE``, ``EVENT_ENDED`` when it has ended or is cancelled.
        """
        found = self.book.expect(event, *EVENTS)
        value = self.book.standing(found, int(now.timestamp()))
        over = not isinstance(value, sep.Event) or cancelled(value)
        if over or value.event_status.current_status == EventState.COMPLETED:  # type: ignore[union-attr] # seen above
            raise MisuseError("EVENT_ENDED", "the event has ended or is cancelled")
        turn = Turn(at=now, told=event)
        ended = _cancelled(found.value, value, now, randomly=randomly)
        turn.keep(valid(self.server.options.flavour, replace(found, value=ended)))
        return turn

    def clear(self, now: datetime, program: str | None = None) -> Turn:
        """Cancel every event that is not over, of one program or of all.

        Raises:
            MisuseError: ``UNKNOWN_RESOURCE``.
        """
        scope = self.book.expect(program, *PROGRAMS).href if program is not None else None
        turn = Turn(at=now, told=program or "")
        seconds = int(now.timestamp())
        for one in self.book.entries.of_kinds(EVENTS):
            if isinstance(one.value, EVENTS) and scope in {None, one.scope}:
                value = self.book.standing(one, seconds)
                if value is not None and not cancelled(one.value):
                    turn.keep(replace(one, value=_cancelled(one.value, value, now, randomly=False)))
        return turn

    # --- for kinds of events of their own

    def randomizable(self, terms: EventTerms, now: datetime) -> dict[str, object]:
        """Return what every event that may be randomised says.

        Raises:
            MisuseError: ``BAD_RESOURCE``.
        """
        randoms = (terms.randomize_start, terms.randomize_duration)
        if any(abs(each) > _MOST_RANDOM for each in randoms):
            raise MisuseError("BAD_RESOURCE", "a randomisation lies between -3600 and 3600 seconds")
        if abs(terms.randomize_duration) >= terms.duration.total_seconds():
            raise MisuseError("BAD_RESOURCE", "the randomisation must be less than the duration")
        told = self._event(terms, now)
        told["randomize_start"] = terms.randomize_start or None
        told["randomize_duration"] = terms.randomize_duration or None
        return told

    def _event(self, terms: EventTerms, now: datetime) -> dict[str, object]:
        start, length = int(terms.start.timestamp()), int(terms.duration.total_seconds())
        if not 0 < length <= _MOST_SECONDS or start + length <= now.timestamp():
            raise MisuseError("BAD_RESOURCE", "an event has a length, and does not end in the past")
        wanted = terms.response_required
        required = self.server.options.response_required if wanted is None else wanted
        name = terms.mrid
        return {
            "mrid": self.server.new_mrid() if name is None else checked(lambda: mrid(name)),
            "description": terms.description,
            "creation_time": int(now.timestamp()),
            "event_status": sep.EventStatus(
                current_status=EventState.SCHEDULED,
                date_time=int(now.timestamp()),
                potentially_superseded=False,
            ),
            "interval": sep.DateTimeInterval(start=start, duration=length),
            "response_required": required,
            "reply_to": (terms.reply_to or self.server.responses()) if required else None,
        }

    def _issue(self, program: Kept, made: sep.Event, now: datetime) -> Turn:
        return self.issue(f"{program.href}/events", program.href, made, now)

    def issue(self, place: str, scope: str, made: sep.Event, now: datetime) -> Turn:
        """List an event.

        Args:
            place: The list.
            scope: Who may see it, as ``Kept`` has it.
            made: Without an address.
            now: Current instant.

        Raises:
            MisuseError: ``BAD_RESOURCE``, ``RESOURCE_EXISTS``.
        """
        if self.book.named(made.mrid) is not None:
            raise MisuseError("RESOURCE_EXISTS", f"the mRID {made.mrid} is in use")
        href = f"{place}/{self.server.ids.token()}"
        turn = Turn(at=now, told=made.mrid)
        value = replace(made, href=href)
        turn.keep(
            valid(
                self.server.options.flavour,
                Kept(
                    href=href,
                    kind=type(made),
                    place=place,
                    scope=scope,
                    value=value,
                    at=now,
                ),
            )
        )
        return turn


def _cancelled(
    kept: sep.Resource | None, standing: sep.Resource | None, now: datetime, *, randomly: bool
) -> sep.Resource:
    if not isinstance(kept, sep.Event) or not isinstance(standing, sep.Event):
        raise MisuseError("UNKNOWN_RESOURCE", "no event")
    status = EventState.CANCELLED_WITH_RANDOMIZATION if randomly else EventState.CANCELLED
    if randomly and not isinstance(kept, sep.RandomizableEvent):
        raise MisuseError("BAD_RESOURCE", "such an event is not cancelled with randomisation")
    return replace(
        kept,
        version=following(standing.version),
        event_status=replace(
            kept.event_status, current_status=status, date_time=int(now.timestamp())
        ),
    )
