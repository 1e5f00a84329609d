"""One turn of a door: a scratch pad on which the next state is worked out before anything counts."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from gateway.domain.event import GridEvent, RawMessage
from gateway.protocols.actions import Action, Emit, Fact, FactKind, Message, Note
from gateway.protocols.entry import Scope, Tools
from gateway.protocols.oadr2b import messages as wire
from gateway.protocols.oadr2b.codec import Codec
from gateway.protocols.oadr2b.errors import INVALID_ID
from gateway.protocols.oadr2b.messages import OK, EiResponse
from gateway.protocols.oadr2b.metadata import Offers
from gateway.protocols.oadr2b.options import VenOptions
from gateway.protocols.oadr2b.signature.replay import ReplayWindow
from gateway.protocols.oadr2b.targets import Audience
from gateway.protocols.oadr2b.ven_state import (
    EventRecord,
    Link,
    Outgoing,
    Purpose,
    Registration,
    Running,
    VenState,
)

EI_EVENT: Final = "EiEvent"
EI_REPORT: Final = "EiReport"
EI_OPT: Final = "EiOpt"
EI_REGISTER_PARTY: Final = "EiRegisterParty"
OADR_POLL: Final = "OadrPoll"
FINISHED_KEPT: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What does not change while a session lives."""

    options: VenOptions
    scope: Scope
    tools: Tools
    codec: Codec
    offers: Offers
    window: ReplayWindow
    """Signed messages that came in lately; kept in ``VenState.replay`` too."""
    decoded: dict[str, wire.OadrEvent] = field(default_factory=dict)
    """Event id -> the version taken, decoded; a cache of ``EventRecord.xml`` that may be lost."""


@dataclass(slots=True, kw_only=True)
class Turn:
    """The pad; the session takes ``state`` and ``link`` over when the door has succeeded."""

    setting: Setting
    state: VenState
    link: Link
    now: datetime
    actions: list[Action] = field(default_factory=list)

    @property
    def options(self) -> VenOptions:
        """Return the settings of this utility."""
        return self.setting.options

    @property
    def registration(self) -> Registration:
        """Return the registration as it stands on the pad."""
        return self.state.registration

    @property
    def period(self) -> timedelta:
        """Return the time between polls, start to start: the VTN's wish, never below our own limit.

        In push mode, the time between our questions for events.
        """
        if self.options.pushes:
            return self.options.resync_every
        wanted = self.registration.poll_every or self.options.poll_period
        return max(wanted, self.options.poll_at_most_every)

    @property
    def audience(self) -> Audience:
        """Say who we are towards this VTN."""
        return Audience.of(self.registration.ven_id, self.options, self.setting.scope)

    def draw(self, highest: int) -> int:
        """Draw a whole number in ``[0, highest]``."""
        return self.setting.tools.chance.randint(0, highest)

    def note(self, word: str, **fields: str) -> None:
        """Tell the log a fact."""
        self.actions.append(Note(word=word, fields=fields))

    def tell(self, kind: FactKind, key: str, **fields: str) -> None:
        """Keep a fact for people, in the place of what was kept under its key."""
        self.actions.append(Fact(kind=kind, key=key, at=self.now, fields=fields))

    def emit(self, events: list[GridEvent], raw: RawMessage) -> None:
        """Hand events inward, ahead of everything that is sent."""
        if events:
            within = self.period if self.options.answer_before_poll else None
            self.actions.append(Emit(events=tuple(events), raw=raw, answer_within=within))

    def register(self, **changes: object) -> None:
        """Change the registration."""
        changed = replace(self.registration, **changes)  # type: ignore[arg-type] # names are checked by the tests
        self.state = replace(self.state, registration=changed)

    def connect(self, **changes: object) -> None:
        """Change the link."""
        self.link = replace(self.link, **changes)  # type: ignore[arg-type] # names are checked by the tests

    def put_event(self, record: EventRecord) -> None:
        """Remember an event."""
        if self.state.events.get(record.event_id) != record:
            self.state = replace(self.state, events={**self.state.events, record.event_id: record})

    def put_running(self, running: Running) -> None:
        """Remember a report request."""
        changed = {**self.state.running, running.report_request_id: running}
        self.state = replace(self.state, running=changed)

    def finish(self, report_request_id: str) -> None:
        """Forget a report request, save that it was there."""
        running = {k: v for k, v in self.state.running.items() if k != report_request_id}
        owed = tuple(due for due in self.state.owed if due.report_request_id != report_request_id)
        finished = (*self.state.finished, report_request_id)[-FINISHED_KEPT:]
        self.state = replace(self.state, running=running, owed=owed, finished=finished)

    def fresh_id(self) -> str:
        """Make a requestID."""
        return self.setting.tools.ids.uuid()

    def queue(
        self,
        purpose: Purpose,
        service: str,
        message: wire.Message,
        key: str = "",
        subject: str = "",
    ) -> None:
        """Put a message at the end of the outbox; it is written now, so that every repetition is the same."""
        body = self.setting.codec.encode(message).decode()
        outgoing = Outgoing(
            key=key or self.fresh_id(),
            purpose=purpose,
            service=service,
            body=body,
            subject=subject,
        )
        self.state = replace(self.state, outbox=(*self.state.outbox, outgoing))

    def drop(self, outgoing: Outgoing) -> None:
        """Take a message out of the outbox."""
        if any(item.key == outgoing.key for item in self.state.outbox):
            outbox = tuple(item for item in self.state.outbox if item.key != outgoing.key)
            self.state = replace(self.state, outbox=outbox)
        if outgoing.key in self.link.waits:
            self.connect(waits={k: v for k, v in self.link.waits.items() if k != outgoing.key})

    def queued(self, *purposes: Purpose) -> bool:
        """Say whether a message for one of these purposes waits."""
        return any(item.purpose in purposes for item in self.state.outbox)

    def ok(self, request_id: str) -> EiResponse:
        """Return the answer of success."""
        return EiResponse(response_code=OK, response_description="OK", request_id=request_id)

    def judged(self, request_id: str, ven_id: str | None) -> EiResponse:
        """Return success, or 452 when a message names a venID that is not ours (case counts, rule 512)."""
        if ven_id is None or ven_id == self.registration.ven_id:
            return self.ok(request_id)
        return refusal(INVALID_ID, "the venID is not this VEN's", request_id)


def refusal(code: int, text: str, request_id: str) -> EiResponse:
    """Return an answer of failure."""
    return EiResponse(response_code=str(code), response_description=text, request_id=request_id)


def raw_message(message: Message, now: datetime) -> RawMessage:
    """Keep bytes as received."""
    return RawMessage(
        body=message.body,
        media_type=message.media_type,
        sha256=hashlib.sha256(message.body).hexdigest(),
        peer=message.peer,
        received_at=now,
    )


def without(mapping: Mapping[str, EventRecord], gone: set[str]) -> dict[str, EventRecord]:
    """Return a mapping without some keys."""
    return {key: value for key, value in mapping.items() if key not in gone}
