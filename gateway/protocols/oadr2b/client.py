"""The VEN: one relationship with one VTN over simple HTTP, pull or push, without sockets, threads or clock.

A door works on a ``Turn``; what it wrote counts only when the door has succeeded. Each door ends by pursuing what the
registration needs, letting reports fall due, sending the next message, and saying when it wants to be woken.

Spec: OpenADR 2.0b profile specification, sections 8 and 9.1 (simple HTTP).
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from gateway.domain.errors import IdentityError, MisuseError, WireError
from gateway.domain.opting import Decision, OptSchedule
from gateway.domain.registering import Order, Standing
from gateway.protocols import actions
from gateway.protocols.actions import Action, Close, Failure, Message, Readings, Wake
from gateway.protocols.entry import Scope, Tools
from gateway.protocols.oadr2b import (
    ven_answers,
    ven_delivery,
    ven_events,
    ven_link,
    ven_opts,
    ven_push,
    ven_registration,
    ven_reports,
    ven_requester,
    ven_security,
)
from gateway.protocols.oadr2b.codec import Codec, OtherVersionError
from gateway.protocols.oadr2b.metadata import Offers
from gateway.protocols.oadr2b.options import VenOptions
from gateway.protocols.oadr2b.registration import VALID, State
from gateway.protocols.oadr2b.ven_event_book import believed, sweep
from gateway.protocols.oadr2b.ven_inbox import REGISTERING, refuse_other, take_answer
from gateway.protocols.oadr2b.ven_snapshot import StateWriter, read_state
from gateway.protocols.oadr2b.ven_state import Link, Outgoing, Purpose, VenState
from gateway.protocols.oadr2b.ven_turn import Setting, Turn, raw_message

HTTP_OK: Final = 200
UNREADABLE: Final = "STATUS_UNREADABLE"
"""Reason of an answer whose body is no message: the VTN is there, but this message did not get through."""


class VenSession:
    """A VEN's session (meets ``protocols.session.Session``).

    Args:
        options: Settings of this utility.
        scope: Programs, sites and meters that it concerns.
        tools: Chance, ids and the compiled schema.
        state: What ``snapshot`` returned last; None at the very first start.

    Raises:
        MisuseError: ``NO_SCHEMA``, or ``STATE_FORMAT`` for a state that cannot be read.
    """

    def __init__(
        self, options: VenOptions, scope: Scope, tools: Tools, state: bytes | None = None
    ) -> None:
        if tools.schema is None:
            raise MisuseError("NO_SCHEMA", "OpenADR 2.0b needs its compiled schema set")
        self._state = read_state(state) if state else VenState()
        self._setting: Final = Setting(
            options=options,
            scope=scope,
            tools=tools,
            codec=Codec(tools.schema),
            offers=Offers.of(scope, options),
            window=ven_security.window(options, self._state.replay),
        )
        self._link = Link()
        self._writer: Final = StateWriter()
        self._written: tuple[VenState, bytes] | None = None
        self._began = False

    def snapshot(self) -> bytes:
        """Return everything that must survive a restart as canonical JSON."""
        known, self._written = self._written, None
        if known is None or known[0] is not self._state:
            known = None  # gone before the next one is made: they may be large
            known = (self._state, self._writer.write(self._state))
        self._written = known
        return known[1]

    @property
    def certificate(self) -> str:
        """Return the fingerprint of the certificate that the VTN was last known by; empty: none, or no push mode."""
        return self._state.registration.certificate

    # --- doors

    def on_time(self, now: datetime) -> Sequence[Action]:
        """Do what is due."""
        turn = self._turn(now)
        self._begin(turn)
        sweep(turn)
        return self._finish(turn)

    def on_message(self, message: Message, now: datetime) -> Sequence[Action]:
        """Take the answer to what is in flight, or a request of the VTN; anything else is noted and passed over."""
        turn = self._turn(now)
        if self._setting.options.pushes and not message.request_id:
            self._begin(turn)
            sweep(turn)
            ven_push.take(turn, message)
            return self._finish(turn)
        outgoing = self._landed(turn, message.request_id)
        if outgoing is None:
            turn.note("unexpected_message", service=message.service)
            return self._finish(turn)
        ven_link.measure_clock(turn, message.date)
        ven_push.note_certificate(turn, message.peer)
        if message.status != HTTP_OK:
            self._fail(turn, outgoing, f"STATUS_{message.status}", None)
            return self._finish(turn)
        try:
            reply = ven_security.read(turn, message) if message.body.strip() else None
        except (WireError, IdentityError) as error:
            turn.note(actions.UNREADABLE, service=outgoing.service, reason=error.reason)
            if not isinstance(error, OtherVersionError) or not refuse_other(turn, outgoing, error):
                self._fail(turn, outgoing, UNREADABLE, None)
            return self._finish(turn)
        if reply is None and outgoing.purpose in REGISTERING:
            self._fail(turn, outgoing, UNREADABLE, None)
            return self._finish(turn)
        ven_link.succeeded(turn, outgoing)
        raw = raw_message(message, now)
        take_answer(turn, outgoing, reply, raw)
        turn.emit(believed(turn), raw)
        return self._finish(turn)

    def on_failure(self, failure: Failure, now: datetime) -> Sequence[Action]:
        """Take the news that what is in flight got no answer."""
        turn = self._turn(now)
        outgoing = self._landed(turn, failure.request_id)
        if outgoing is not None:
            self._fail(turn, outgoing, failure.reason, failure.retry_after)
        return self._finish(turn)

    def on_decisions(self, decisions: Sequence[Decision], now: datetime) -> Sequence[Action]:
        """Take answers to events, and opt schedules; what answers one delivery goes out as one message."""
        turn = self._turn(now)
        answers = [each for each in decisions if not isinstance(each, OptSchedule)]
        ven_answers.decided(turn, [each for each in answers if not each.sites])
        for answer in answers:
            if answer.sites:
                ven_opts.qualified(turn, answer)
        for schedule in decisions:
            if isinstance(schedule, OptSchedule):
                ven_opts.scheduled(turn, schedule)
        if (turn.state.outbox, turn.state.opts) != (self._state.outbox, self._state.opts):
            ven_link.hurry(turn)
        return self._finish(turn)

    def on_readings(self, readings: Readings, now: datetime) -> Sequence[Action]:
        """Take the metered values that a report needs."""
        turn = self._turn(now)
        ven_delivery.collected(turn, readings)
        return self._finish(turn)

    # --- what an operator may ask for

    def standing(self) -> Standing:
        """Return how the registration stands."""
        return ven_registration.standing(self._state.registration)

    def on_order(self, order: Order, now: datetime) -> Sequence[Action]:
        """Do what an operator orders about the registration; a session that has closed by its end goes on with it.

        Raises:
            SessionError: ``OUT_OF_SEQUENCE`` where the registration stands otherwise.
        """
        turn = self._turn(now)
        self._begin(turn)
        ven_registration.ordered(turn, order)
        return self._finish(turn)

    # --- one turn

    def _turn(self, now: datetime) -> Turn:
        turn = Turn(setting=self._setting, state=self._state, link=self._link, now=now)
        ven_link.note_time(turn)
        return turn

    def _begin(self, turn: Turn) -> None:
        if not self._began:
            ven_registration.begin(turn)
            ven_push.readdressed(turn)

    def _finish(self, turn: Turn) -> Sequence[Action]:
        """Do what follows from the new state, and make it count."""
        self._begin(turn)
        ven_push.stay_in_step(turn)
        ven_registration.pursue(turn)
        ven_delivery.fall_due(turn)
        if turn.registration.state in VALID:
            ven_opts.pursue(turn)
            ven_requester.pursue(turn)
            ven_delivery.collect(turn)
        ven_link.send_next(turn)
        self._plan(turn)
        self._state, self._link, self._began = turn.state, turn.link, True
        return turn.actions

    def _plan(self, turn: Turn) -> None:
        known = turn.registration
        idle = turn.link.in_flight is None and not turn.state.outbox
        if known.state is State.CANCELLED and known.retry_at is None and idle:
            turn.actions.append(Close(reason="the registration was cancelled"))
            return
        wishes = [ven_link.next_wake(turn), ven_delivery.next_wake(turn)]
        if known.state not in VALID and idle:
            wishes.append(known.retry_at)
        at = min((wish for wish in wishes if wish is not None), default=None)
        if at is not None:
            turn.actions.append(Wake(at=max(at, turn.now)))

    @staticmethod
    def _landed(turn: Turn, key: str) -> Outgoing | None:
        outgoing = turn.link.in_flight
        if outgoing is None or outgoing.key != key:
            return None
        turn.connect(in_flight=None)
        return outgoing

    def _fail(
        self, turn: Turn, outgoing: Outgoing, reason: str, retry_after: timedelta | None
    ) -> None:
        given_up = ven_link.failed(turn, outgoing, reason, retry_after)
        if not given_up:
            return
        match outgoing.purpose:
            case Purpose.REQUEST_EVENT:
                ven_events.polled_from_now(turn)
            case Purpose.METADATA:
                ven_reports.offered(turn, outgoing, None)
            case Purpose.ASK_REPORT:
                ven_requester.answered(turn, outgoing, None, reason)
            case Purpose.CANCEL_ASKED:
                ven_requester.canceled(turn, outgoing, None, reason)
            case Purpose.CREATE_OPT | Purpose.CANCEL_OPT:
                ven_opts.given_up(turn, outgoing, reason)
            case Purpose.QUERY:
                ven_registration.queried(turn, None)
            case _:
                pass
