"""A VEN session in virtual time against a scripted VTN: values only, no sockets, no sleep."""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final, TypeVar, assert_never

from gateway.domain.chance import Chance
from gateway.domain.event import EventKey, GridEvent
from gateway.domain.names import EventId, MeterId, SiteId, UtilityName
from gateway.domain.opting import Decision, OptSchedule
from gateway.domain.participation import Opt, Participation
from gateway.domain.reading import Quality, Reading
from gateway.protocols.actions import (
    Action,
    Close,
    Collect,
    Emit,
    Fact,
    Failure,
    Message,
    Note,
    Readings,
    Received,
    Send,
    Wake,
)
from gateway.protocols.actions import Reply as Answered
from gateway.protocols.entry import MeterPoint, ProgramTerms, Scope, Tools
from gateway.protocols.oadr2b import messages as wire
from gateway.protocols.oadr2b.client import VenSession
from gateway.protocols.oadr2b.codec import Codec
from gateway.protocols.oadr2b.options import VenOptions
from gateway.transport.schemas import load_oadr20b_schema
from tests.fakes import CountedIds, FixedChance

SCHEMA: Final = load_oadr20b_schema()
CODEC: Final = Codec(SCHEMA)
NOW: Final = datetime(2026, 5, 3, 16, 0, tzinfo=UTC)
UTILITY: Final = UtilityName("aps")
CONTEXT: Final = "http://utility.example/fast-dr"
KILOWATT: Final = wire.ItemBase(
    name="powerReal",
    item_description="RealPower",
    item_units="W",
    si_scale_code="k",
    power_attributes=wire.PowerAttributes(hertz=Decimal(60), voltage=Decimal(480), ac=True),
)
EVERYBODY: Final = wire.EiTarget()
MINUTE: Final = timedelta(minutes=1)
HOUR: Final = timedelta(hours=1)
M = TypeVar("M")

SCOPE: Final = Scope(
    utility=UTILITY,
    programs=(
        ProgramTerms(name=CONTEXT, sites=(SiteId("phx-1"), SiteId("phx-2"))),
        ProgramTerms(name="http://utility.example/cbp", sites=(SiteId("phx-1"),)),
    ),
    points=(MeterPoint(site=SiteId("phx-1"), meter=MeterId("it_load"), interval=MINUTE),),
)


def ok(request_id: str = "", code: str = "200") -> wire.EiResponse:
    """Return an eiResponse."""
    return wire.EiResponse(response_code=code, response_description="", request_id=request_id)


def steps(*values: str, minutes: int = 60) -> tuple[wire.SignalInterval, ...]:
    """Return intervals of equal length."""
    return tuple(
        wire.SignalInterval(
            duration=timedelta(minutes=minutes), uid=str(place), signal_payload=Decimal(value)
        )
        for place, value in enumerate(values)
    )


def signal(
    name: str = "LOAD_DISPATCH",
    kind: wire.SignalType = wire.SignalType.SETPOINT,
    values: tuple[wire.SignalInterval, ...] = steps("225000"),
    item: wire.ItemBase | None = KILOWATT,
    signal_id: str = "s1",
) -> wire.EiEventSignal:
    """Return a signal: hold 225 MW for an hour."""
    return wire.EiEventSignal(
        intervals=values, signal_name=name, signal_type=kind, signal_id=signal_id, item_base=item
    )


def simple(*levels: str, signal_id: str = "s1") -> wire.EiEventSignal:
    """Return a SIMPLE signal of hours."""
    return signal("SIMPLE", wire.SignalType.LEVEL, steps(*levels), None, signal_id)


def event(
    event_id: str = "e1",
    version: int = 0,
    *,
    start: datetime = NOW + HOUR,
    hours: int = 1,
    signals: tuple[wire.EiEventSignal, ...] | None = None,
    status: wire.EventStatus = wire.EventStatus.FAR,
    required: bool = True,
    startafter: timedelta | None = None,
    context: str = CONTEXT,
    target: wire.EiTarget = EVERYBODY,
    test: str | None = None,
    priority: int | None = None,
    period: wire.EiActivePeriod | None = None,
    baseline: wire.EiEventBaseline | None = None,
) -> wire.OadrEvent:
    """Return an event as a VTN lists it."""
    default = signal(values=steps(*["225000"] * hours) if hours else OPEN_ENDED)
    return wire.OadrEvent(
        ei_event=wire.EiEvent(
            event_descriptor=wire.EventDescriptor(
                event_id=event_id,
                modification_number=version,
                priority=priority,
                ei_market_context=context,
                created_date_time=NOW,
                event_status=status,
                test_event=test,
            ),
            ei_active_period=period
            or wire.EiActivePeriod(
                dtstart=start,
                duration=timedelta(hours=hours),
                startafter=startafter,
                x_ei_notification=HOUR,
            ),
            ei_event_signals=(default,) if signals is None else signals,
            ei_event_baseline=baseline,
            ei_target=target,
        ),
        oadr_response_required=wire.ResponseRequired.ALWAYS
        if required
        else wire.ResponseRequired.NEVER,
    )


OPEN_ENDED: Final = (
    wire.SignalInterval(duration=timedelta(0), uid="0", signal_payload=Decimal(225000)),
)


def cancelled(before: wire.OadrEvent, version: int = 1) -> wire.OadrEvent:
    """Return the cancellation of an event."""
    descriptor = replace(
        before.ei_event.event_descriptor,
        modification_number=version,
        event_status=wire.EventStatus.CANCELLED,
    )
    return replace(before, ei_event=replace(before.ei_event, event_descriptor=descriptor))


def listing(
    *events: wire.OadrEvent, request_id: str = "d1", vtn_id: str = "vtn-1", code: str = "200"
) -> wire.OadrDistributeEvent:
    """Return an oadrDistributeEvent."""
    return wire.OadrDistributeEvent(
        ei_response=ok(code=code), request_id=request_id, vtn_id=vtn_id, oadr_events=events
    )


Reply = wire.Message | bytes | str | None
"""A message, raw bytes, the reason of a failure, or an empty body."""


_ACKNOWLEDGEMENTS: Final[dict[type, Callable[..., wire.Message]]] = {
    wire.OadrRegisterReport: wire.OadrRegisteredReport,
    wire.OadrUpdateReport: wire.OadrUpdatedReport,
    wire.OadrCancelPartyRegistration: wire.OadrCanceledPartyRegistration,
}


@dataclass
class ScriptedVtn:
    """Answers what it is told to, else what a well-behaved VTN answers."""

    ven_id: str = "ven-1"
    registration_id: str = "reg-1"
    vtn_id: str = "vtn-1"
    poll_every: timedelta = timedelta(seconds=10)
    queue: deque[wire.Message] = field(default_factory=deque)
    events: list[wire.OadrEvent] = field(default_factory=list)
    scripts: dict[type, deque[Reply]] = field(default_factory=dict)
    """Kind of request -> replies, used up one by one."""
    now: datetime = NOW
    """Of the request being answered."""

    def script(self, kind: type, *replies: Reply) -> None:
        """Answer the next requests of a kind so."""
        self.scripts.setdefault(kind, deque()).extend(replies)

    def answer(self, request: wire.Message) -> Reply:
        """Return the answer to a request."""
        script = self.scripts.get(type(request))
        return script.popleft() if script else self._usual(request)

    def _usual(self, request: wire.Message) -> Reply:
        match request:
            case wire.OadrPoll():
                return self.queue.popleft() if self.queue else wire.OadrResponse(ei_response=ok())
            case wire.OadrRequestEvent():
                return listing(*self.events, request_id="requested", vtn_id=self.vtn_id)
            case wire.OadrQueryRegistration() | wire.OadrCreatePartyRegistration():
                return self._created(request)
            case wire.OadrCreateOpt():
                return wire.OadrCreatedOpt(
                    ei_response=ok(request.request_id), opt_id=request.opt_id
                )
            case wire.OadrCancelOpt():
                return wire.OadrCanceledOpt(
                    ei_response=ok(request.request_id), opt_id=request.opt_id
                )
            case _:
                reply = _ACKNOWLEDGEMENTS.get(type(request), wire.OadrResponse)
                return reply(ei_response=ok(getattr(request, "request_id", "")))

    def _created(
        self, request: wire.OadrQueryRegistration | wire.OadrCreatePartyRegistration
    ) -> wire.OadrCreatedPartyRegistration:
        registers = isinstance(request, wire.OadrCreatePartyRegistration)
        return wire.OadrCreatedPartyRegistration(
            ei_response=ok(request.request_id),
            registration_id=self.registration_id if registers else None,
            ven_id=self.ven_id if registers else None,
            vtn_id=self.vtn_id,
            oadr_profiles=(
                wire.OadrProfile(oadr_profile_name="2.0b", oadr_transports=("simpleHttp",)),
            ),
            oadr_requested_oadr_poll_freq=self.poll_every,
        )


@dataclass
class Dice:
    """Chance that never falls the same way twice in a row."""

    thrown: int = 0

    def randint(self, low: int, high: int) -> int:
        self.thrown += 1
        return low + self.thrown * 37 % (high - low + 1)

    def random(self) -> float:
        return self.randint(0, 99) / 100


@dataclass
class Sent:
    """A message that left the VEN."""

    at: datetime
    service: str
    key: str
    body: bytes
    message: wire.Message


@dataclass
class World:
    """Performs what a session asks for, and remembers it."""

    options: VenOptions = field(default_factory=lambda: VenOptions(query_first=False))
    vtn: ScriptedVtn = field(default_factory=ScriptedVtn)
    now: datetime = NOW
    draws: list[int] = field(default_factory=list)
    dice: Chance | None = None
    """Instead of ``draws``."""
    scope: Scope = SCOPE
    decide: Callable[[GridEvent], Opt | None] = lambda _: Opt.IN
    """What the site answers at once; None: nothing yet."""
    meter: Callable[[datetime], Decimal | None] = lambda _: Decimal(5000)
    """kWh of one reading that starts at an instant; None: missing."""
    quality: Quality = Quality.ACTUAL
    crash: Callable[[], str] = lambda: ""
    """Asked before each list of actions: ``before`` sends, ``after`` them (answers lost), or not."""
    date_offset: timedelta | None = None
    """The VTN's clock as its Date header tells; None: no header."""
    sent: list[Sent] = field(default_factory=list)
    polled: list[wire.OadrDistributeEvent] = field(default_factory=list)
    """Listings of events that polls brought, in order."""
    emitted: list[GridEvent] = field(default_factory=list)
    emits: list[Emit] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    collects: list[Collect] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)
    closed: str = ""
    crashes: int = 0
    saved: bytes | None = None
    _inbox: deque[Message | Failure | Readings | Decision] = field(default_factory=deque)
    _wake_at: datetime | None = None

    def __post_init__(self) -> None:
        self.chance: Chance = self.dice or FixedChance(self.draws)
        self.ids = CountedIds()
        self.session = self._session()
        self._perform(self.session.on_time(self.now))

    def _session(self) -> VenSession:
        tools = Tools(chance=self.chance, ids=self.ids, schema=SCHEMA)
        return VenSession(self.options, self.scope, tools, self.saved)

    def restart(self) -> None:
        """Start a new session from what was saved last; whatever was on its way is lost."""
        self._inbox.clear()
        self._wake_at = None
        self.session = self._session()
        self._perform(self.session.on_time(self.now))

    # --- time

    def run(self, length: timedelta) -> None:
        """Let time pass."""
        until = self.now + length
        for _ in range(20_000):
            if self._inbox:
                self._knock(self._inbox.popleft())
            elif self._wake_at is not None and self._wake_at <= until and not self.closed:
                self.now = max(self.now, self._wake_at)
                self._wake_at = None
                self._perform(self.session.on_time(self.now))
            else:
                self.now = until
                return
        raise AssertionError("the session never rests")

    def settle(self) -> None:
        """Do what is to be done without time passing."""
        self.run(timedelta(0))

    def _knock(self, item: Message | Failure | Readings | Decision) -> None:
        match item:
            case Message():
                actions = self.session.on_message(item, self.now)
            case Failure():
                actions = self.session.on_failure(item, self.now)
            case Readings():
                actions = self.session.on_readings(item, self.now)
            case Participation() | OptSchedule():
                actions = self.session.on_decisions((item,), self.now)
            case unknown:
                assert_never(unknown)
        self._perform(actions)

    def _perform(self, actions: Iterable[Action]) -> None:
        listed = list(actions)
        self.saved = self.session.snapshot()
        self._remember(listed)
        crash = self.crash()
        if crash != "before":
            self._do(listed)
        if crash:
            self._crash()

    def _remember(self, listed: list[Action]) -> None:
        """Events and state are committed together, so the pipeline has them whatever happens next."""
        for action in listed:
            if isinstance(action, Emit):
                self.emits.append(action)
                self.emitted.extend(action.events)
                self._decide(action.events)
            elif isinstance(action, Fact):
                self.facts.append(action)
            elif isinstance(action, Received):
                self.received.append(action)

    def _do(self, listed: list[Action]) -> None:
        for action in listed:
            match action:
                case Send():
                    self._send(action)
                case Collect():
                    self._collect(action)
                case Wake(at=at):
                    self._wake_at = at if self._wake_at is None else min(self._wake_at, at)
                case Note():
                    self.notes.append(action)
                case Close(reason=reason):
                    self.closed = reason
                case _:
                    pass

    def _crash(self) -> None:
        self.crashes += 1
        pending = [item for item in self._inbox if isinstance(item, Decision)]
        self._inbox.clear()
        self._wake_at = None
        self.session = self._session()
        # The store hands out again every answer that the session has not taken.
        self._inbox.extend(pending)
        self._perform(self.session.on_time(self.now))

    # --- the outside

    def _send(self, send: Send) -> None:
        message = CODEC.decode(send.body)
        self.sent.append(Sent(self.now, send.service, send.request_id, send.body, message))
        self.vtn.now = self.now
        reply = self.vtn.answer(message)
        if isinstance(reply, str):
            reason, _, after = reply.partition(" ")
            retry_after = timedelta(seconds=int(after)) if after else None
            self._inbox.append(
                Failure(request_id=send.request_id, reason=reason, retry_after=retry_after)
            )
            return
        if isinstance(reply, wire.OadrDistributeEvent):
            self.polled.append(reply)
        body = b"" if reply is None else reply if isinstance(reply, bytes) else CODEC.encode(reply)
        date = None if self.date_offset is None else self.now + self.date_offset
        self._inbox.append(
            Message(request_id=send.request_id, service=send.service, body=body, date=date)
        )

    def push(self, service: str, message: wire.Message | bytes) -> Answered:
        """Let the VTN send a request of its own, and return the reply to it."""
        body = message if isinstance(message, bytes) else CODEC.encode(message)
        arrived = Message(request_id="", service=service, body=body)
        actions = self.session.on_message(arrived, self.now)
        self._perform(actions)
        (reply,) = [action for action in actions if isinstance(action, Answered)]
        return reply

    def _collect(self, wanted: Collect) -> None:
        self.collects.append(wanted)
        series = {
            meter: tuple(
                self._reading(meter[1], span.start, wanted.step)
                for span in wanted.span.steps(wanted.step)
            )
            for meter in wanted.meters
        }
        self._inbox.append(Readings(key=wanted.key, series=series))

    def _reading(self, meter: str, start: datetime, step: timedelta) -> Reading:
        parts = [self.meter(start + MINUTE * n) for n in range(step // MINUTE)]
        known = [part for part in parts if part is not None]
        complete = len(known) == len(parts)
        return Reading(
            meter=MeterId(meter),
            start=start,
            duration=step,
            energy_kwh=sum(known, Decimal(0)) if complete else None,
            quality=self.quality if complete else Quality.MISSING,
        )

    def _decide(self, events: tuple[GridEvent, ...]) -> None:
        for found in events:
            opt = None if found.cancelled_at else self.decide(found)
            if opt is not None:
                self._inbox.append(decision(found.event_id, found.version, opt, self.now))

    def hand(self, decision: Decision) -> None:
        """Hand the session what was decided here."""
        self._inbox.append(decision)

    def answer(self, event_id: str, opt: Opt, version: int = 0) -> None:
        """Let the site answer now."""
        self._inbox.append(decision(event_id, version, opt, self.now))
        self.settle()

    # --- looking

    def of(self, kind: type[M]) -> list[M]:
        """Return the messages of one kind that were sent, oldest first."""
        return [sent.message for sent in self.sent if isinstance(sent.message, kind)]

    def times_of(self, kind: type) -> list[datetime]:
        """Return when messages of one kind were sent."""
        return [sent.at for sent in self.sent if isinstance(sent.message, kind)]

    def responses(self) -> list[tuple[str, int, str, str, str]]:
        """Return every eventResponse sent: id, version, code, opt, requestID."""
        return [
            (
                each.qualified_event_id.event_id,
                each.qualified_event_id.modification_number,
                each.response_code,
                each.opt_type,
                each.request_id,
            )
            for message in self.of(wire.OadrCreatedEvent)
            for each in message.event_responses
        ]

    def words(self) -> list[str]:
        """Return the words of all notes."""
        return [note.word for note in self.notes]

    def poll(self, *messages: wire.Message) -> None:
        """Put messages into the VTN's queue and let the VEN fetch them."""
        self.vtn.queue.extend(messages)
        self.run(self.vtn.poll_every)


def decision(event_id: str, version: int, opt: Opt, at: datetime) -> Participation:
    """Return a site's answer."""
    return Participation(
        event=EventKey(utility=UTILITY, event_id=EventId(event_id)),
        version=version,
        opt=opt,
        reason="committed",
        decided_at=at,
        by="site:phx-1",
    )
