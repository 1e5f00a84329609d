"""The client session: one relationship with one 2030.5 server, without sockets, threads or clock.

A door takes what came, lets mirror, devices and outbox follow, and ends by pursuing what is due: questions to ask,
documents to send, events whose instant has come, and when to be woken. What is wrong with one document stays with that
document: what it stands for is asked for again, later.

Spec: IEEE 2030.5-2018; CSIP Implementation Guide v2.1 section 6.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urljoin, urlsplit

from gateway.domain.errors import SessionError, WireError
from gateway.domain.opting import Decision
from gateway.domain.participation import Opt, Participation
from gateway.domain.protocol import ProtocolName
from gateway.domain.reserving import Need, Reservation, Withdrawal
from gateway.protocols.actions import (
    SYNCHRONISED,
    UNREADABLE,
    Action,
    Failure,
    Message,
    Note,
    Readings,
    Reply,
    Send,
    Wake,
)
from gateway.protocols.entry import Scope, Tools
from gateway.protocols.parts import Changes
from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.client.broken import with_refusals
from gateway.protocols.sep2.client.fleet import Fleet
from gateway.protocols.sep2.client.mirror import Change, Mirror, Node
from gateway.protocols.sep2.client.notified import Notified
from gateway.protocols.sep2.client.options import Sep2Options
from gateway.protocols.sep2.client.remarks import remarks
from gateway.protocols.sep2.client.setting import Setting
from gateway.protocols.sep2.client.state import SESSION, Parts
from gateway.protocols.sep2.client.subscriptions import Subscriptions
from gateway.protocols.sep2.client.tell import MEDIA_TYPE, Outbox
from gateway.protocols.sep2.codec import decode
from gateway.protocols.sep2.events.table import Input
from gateway.protocols.sep2.lexical import sound

FIRST_LOOK: Final = timedelta(seconds=15)
"""After a start, for the server's lists to be read before anything that is due is done."""
OUTAGE: Final = timedelta(minutes=1)
"""Longer without any answer, and what is subscribed to is looked at once more (8.9.3.4 f)."""
_OK: Final = 200
_GONE: Final = frozenset({404, 410})
_GET: Final = "get"
_TIMEOUT: Final = "TIMEOUT"
"""Reason of a failure: the server took the question and did not answer."""
_OUT: Final = "out"
_SUB: Final = "sub"


class Sep2Session:
    """Speaks to one server, as ``gateway.protocols.session.Session`` has it.

    Args:
        options: The utility's own settings.
        scope: Its programs and meters.
        tools: Chance and ids.
        protocol: By which name it is configured.
        stored: What ``snapshot`` returned; None: a first start.

    Raises:
        MisuseError: ``STATE_FORMAT``.
    """

    def __init__(
        self,
        options: Sep2Options,
        scope: Scope,
        tools: Tools,
        protocol: ProtocolName,
        stored: bytes | None,
    ) -> None:
        self._parts = Parts(stored)
        self._setting = Setting(
            options=options, scope=scope, tools=tools, protocol=protocol, parts=self._parts
        )
        self._fleet = Fleet(self._setting)
        self._mirror = Mirror(
            root=scope.root,
            function_sets=options.function_sets,
            chance=tools.chance,
            ours=self._fleet.owns,
            follows=self._fleet.follows,
            page=options.list_limit,
            most=options.connections,
        )
        self._subscriptions = Subscriptions(
            options=options,
            root=scope.root,
            flavour=self._setting.flavour,
            chance=tools.chance,
        )
        self._notified = Notified(
            setting=self._setting, mirror=self._mirror, subscriptions=self._subscriptions
        )
        self._outbox = Outbox(parts=self._parts, most=options.connections)
        self._outbox.recall()
        self._asked_at: dict[str, datetime] = {}
        self._notes: list[Note] = []
        self._deviations: set[tuple[str, str]] = set()
        """(document, what a strict reader would refuse) that was said since the start."""
        self._synchronised = False
        self._look_until: datetime | None = None
        self._away_since: datetime | None = None
        """When the first question or document was sent in vain since the server answered last."""
        self._parts.begin()

    # --- doors

    def on_message(self, message: Message, now: datetime) -> Sequence[Action]:
        """Take the answer to a question or to a document, or a notification, which is answered."""
        kind, _, key = message.request_id.partition(" ")
        if not sound(message.location):
            message = replace(message, location="")
        if not kind:
            return [self._told(message, now), *self._pursue(now)]
        self._there_again(now)
        if kind == _GET:
            self._heard(key, message, now)
        elif kind == _OUT:
            self._taken(key, message, now)
        elif kind == _SUB:
            self._subscriptions.answered(key, message, self._mirror, now)
        return self._pursue(now)

    def on_failure(self, failure: Failure, now: datetime) -> Sequence[Action]:
        """Take the news that something got no answer; it is tried again later."""
        kind, _, key = failure.request_id.partition(" ")
        self._away_since = self._away_since or now
        if kind == _GET:
            self._asked_at.pop(key, None)
            in_time = failure.reason != _TIMEOUT
            self._failed(key, now, failure.retry_after, in_time=in_time)
        elif kind == _OUT:
            self._outbox.failed(key, now, failure.retry_after)
        elif kind == _SUB:
            self._subscriptions.failed(key, now, failure.retry_after)
        return self._pursue(now)

    def on_time(self, now: datetime) -> Sequence[Action]:
        """Do what is due."""
        return self._pursue(now)

    def on_decisions(self, decisions: Sequence[Decision], now: datetime) -> Sequence[Action]:
        """Take what sites and operators decided about events: out is told the server, in by what is then done."""
        for decision in decisions:
            if isinstance(decision, Participation):
                self._decided(decision, now)
        return self._pursue(now)

    def on_reservation(self, wish: Need | Withdrawal, now: datetime) -> Sequence[Action]:
        """Take what a site needs ahead, or needs no more; raises ``SessionError`` where it cannot be asked."""
        self._fleet.requests.take(wish, now)
        return self._pursue(now)

    def reservations(self) -> tuple[Reservation, ...]:
        """Return what was asked for, and what was granted."""
        return self._fleet.requests.shown()

    def on_readings(self, readings: Readings, now: datetime) -> Sequence[Action]:
        """Take metered values."""
        for outgoing in self._fleet.collected(readings, now):
            self._outbox.put(outgoing)
        return self._pursue(now)

    def snapshot(self) -> bytes:
        """Return everything that must survive a restart, as one document."""
        return self._parts.whole()

    def changes(self) -> Changes:
        """Return the parts of the state that differ from what is stored."""
        return self._parts.changes()

    def kept(self) -> None:
        """Take that the changes as last returned are stored."""
        self._parts.kept()

    # --- hearing

    def _there_again(self, now: datetime) -> None:
        """Take that the server answers, whatever it was asked or told."""
        if self._away_since is not None and now - self._away_since > OUTAGE:
            self._subscriptions.recovered(self._mirror, now)
        self._away_since = None

    def _heard(self, href: str, message: Message, now: datetime) -> None:
        node = self._mirror.nodes.get(href)
        asked_at = self._asked_at.pop(href, now)
        if node is None:
            return
        if message.status in _GONE:
            self._follow(self._mirror.missing(href, now), now)
            return
        if message.status != _OK:
            self._note("refused", href=href, status=str(message.status))
            self._failed(href, now)
            return
        digest, aside = hashlib.sha256(message.body).digest(), 0
        try:
            found = self._mirror.known(href, digest)
            if found is None:
                found, aside = self._read(node, message.body)
        except WireError as error:
            self._note(UNREADABLE, reason=error.reason, detail=error.detail, href=href)
            self._failed(href, now)
            return
        self._moved(href, message, now)
        if isinstance(found, sep.Time):
            self._time(found, asked_at, now)
        self._setting.remember(href, message, now)
        digest = b"" if aside else digest  # it is said again as long as it is so
        self._follow(self._mirror.answered(href, found, now, digest, aside), now)

    def _failed(
        self,
        href: str,
        now: datetime,
        retry_after: timedelta | None = None,
        *,
        in_time: bool = True,
    ) -> None:
        """Put a question off; prices that cannot be read are waited for by none of their neighbours any more."""
        self._mirror.failed(href, now, retry_after, in_time=in_time)
        node = self._mirror.nodes.get(href)
        if node is not None and node.kind is sep.ConsumptionTariffIntervalList:
            self._follow([Change(node=node)], now)

    def _read(self, node: Node, body: bytes) -> tuple[sep.Resource, int]:
        """Return a document and how many of its members were set aside."""
        found = decode(body, node.kind, old_namespace=self._setting.options.old_namespace)
        if node.href == self._mirror.root:
            self._setting.old = found.old_namespace
            self._subscriptions.flavour = self._setting.flavour
        for one in found.findings:
            if (node.kind.__name__, one.word) not in self._deviations:
                self._deviations.add((node.kind.__name__, one.word))
                self._note("against_schema", href=node.href, what=one.word, detail=one.detail)
        taken = with_refusals(found, node.href)
        self._notes += taken.notes
        return taken.value, taken.aside

    def _moved(self, href: str, message: Message, now: datetime) -> None:
        """Look for everything anew once the server has sent us elsewhere (clause 5.5.2.7)."""
        asked = urlsplit(urljoin(self._mirror.root, href))
        came = urlsplit(message.href)
        if message.href and asked.path != came.path and href != self._mirror.root:
            self._note("moved", href=href, to=came.path)
            self._mirror.ask_soon(self._mirror.root, now)

    def _time(self, found: sep.Time, asked_at: datetime, now: datetime) -> None:
        clock = self._setting.clock
        if not clock.plausible(found.current_time):
            self._note("implausible_time", told=str(found.current_time))
            return
        if clock.read(found.current_time, asked_at, now):
            self._parts.touch(SESSION)
            self._note("clock_offset", offset_s=str(clock.offset.total_seconds()))
            self._fleet.clock_moved(now)

    def _told(self, message: Message, now: datetime) -> Reply:
        """Take a notification."""
        taken = self._notified.take(message, now)
        self._notes += taken.notes
        self._follow(taken.changes, now, told=True)
        return Reply(body=b"", status=taken.status, media_type=MEDIA_TYPE)

    def _follow(self, changes: Iterable[Change], now: datetime, *, told: bool = False) -> None:
        for change in changes:
            self._fleet.follow(change, self._mirror, now)
            self._notes += remarks(change)
            self._subscriptions.follow(change, self._mirror, now, told=told)
            if change.node.kind is sep.EndDeviceList:
                self._subscriptions.found(self._fleet.subscription_list(self._mirror), now)

    def _taken(self, key: str, message: Message, now: datetime) -> None:
        settled = self._outbox.answered(key, message)
        if settled is None:
            return
        if not settled.taken:
            one = settled.outgoing
            self._note("not_taken", what=one.purpose, key=key, status=str(settled.status))
        self._fleet.settled(settled, self._mirror, now)
        self._fleet.requests.settled(settled, self._mirror, now)

    def _decided(self, decision: Participation, now: datetime) -> None:
        choice = Input.OPT_OUT if decision.opt is Opt.OUT else Input.OPT_IN
        try:
            self._fleet.decide(decision, choice, now)
        except SessionError as error:
            self._note("decision_too_late", event=decision.event.event_id, why=error.detail)

    # --- pursuing

    def _pursue(self, now: datetime) -> list[Action]:
        self._mirror.begin(now)
        self._fleet.acts = not self._waits_for_lists(now)
        self._fleet.work(self._mirror, now)
        self._follow(self._fleet.left(), now)
        if not self._synchronised and self._mirror.settled and self._fleet.idle:
            self._synchronised = True
            self._note(SYNCHRONISED)
        self._fleet.on_time(self._mirror, now)
        self._fleet.look_ahead(self._mirror, now)
        actions: list[Action] = list(self._fleet.emits(now))
        metering = self._fleet.metering
        requested = self._fleet.requests.outgoing(self._mirror, now)
        for outgoing in self._fleet.reports(self._mirror, now):
            self._outbox.replace(outgoing)
        for outgoing in (*self._fleet.outgoing(), *requested, *metering.to_create(now)):
            self._outbox.put(outgoing)
        actions += metering.due(now)
        actions += [*self._notes, *self._fleet.notes(), *self._subscriptions.notes]
        actions += self._fleet.requests.said()
        self._notes, self._subscriptions.notes = [], []
        actions += self._questions(now)
        actions += self._subscriptions.take(now)
        actions += self._outbox.take(now)
        wake = self._wake(now)
        return actions if wake is None else [*actions, Wake(at=wake)]

    def _waits_for_lists(self, now: datetime) -> bool:
        """Say whether what is due has to wait: what was cancelled while we were away must not be started first.

        A server that does not answer is waited for no longer than ``FIRST_LOOK``: what is scheduled goes on without it.
        """
        if self._look_until is None:
            self._look_until = now + FIRST_LOOK
        known = self._mirror.settled and self._fleet.idle
        return not known and now < self._look_until

    def _questions(self, now: datetime) -> list[Send]:
        room = self._setting.options.connections - len(self._asked_at)
        found = self._mirror.take(now, room) if room > 0 else []
        for fetch in found:
            self._asked_at[fetch.node] = now
        return [
            Send(
                request_id=f"{_GET} {fetch.node}",
                service=_GET,
                body=b"",
                media_type=MEDIA_TYPE,
                method="GET",
                href=fetch.href,
            )
            for fetch in found
        ]

    def _wake(self, now: datetime) -> datetime | None:
        room = len(self._asked_at) < self._setting.options.connections
        waits = self._waits_for_lists(now)
        wishes = [
            self._look_until if waits else self._fleet.next_at(),
            None if self._fleet.rests else now,
            self._mirror.next_due() if room else None,
            self._outbox.next_due(),
            self._subscriptions.next_at(),
            self._fleet.metering.next_at(),
            self._fleet.reporting.next_at(),
        ]
        found = [max(at, now + timedelta(milliseconds=1)) for at in wishes if at is not None]
        return min(found, default=None)

    def _note(self, word: str, **fields: str) -> None:
        self._notes.append(Note(word=word, fields=fields))
