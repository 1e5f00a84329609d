"""Delivers what waits for VENs in push mode: one request at a time to each, so that they get everything in order.

Every VEN with something in its queue has a line: a task that writes the next message, sends it, takes the reply through
the desk, and waits while there is nothing due. Lines are as many as there are VENs with something to get; requests
under way at the same time are bounded, and those to VENs that do not answer have a bound of their own, so that a
thousand dead addresses do not hold up the living.

Spec: OpenADR 2.0b sections 8.1, 8.6, 9.1.4, 9.1.5 and 9.1.7.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

import structlog

from gateway.domain.chance import Chance
from gateway.domain.errors import (
    IdentityError,
    SessionError,
    StoreError,
    TransportError,
    WireError,
)
from gateway.domain.ports import Clock, Mailbox
from gateway.protocols.oadr2b import vtn_push
from gateway.protocols.oadr2b.codec import Codec
from gateway.protocols.oadr2b.messages import (
    EiResponse,
    Message,
    OadrCreatedReport,
    OadrDistributeEvent,
)
from gateway.protocols.oadr2b.vtn_book import Page, RefusalError, Turn
from gateway.protocols.oadr2b.vtn_facts import Registered
from gateway.protocols.oadr2b.vtn_push import Push
from gateway.protocols.oadr2b.vtn_records import QueueRecord, SupplyRecord, VenRecord
from gateway.servers.gate import Gate
from gateway.servers.vtn2b.courier_calls import Calls
from gateway.servers.vtn2b.desk import VtnDesk
from gateway.servers.vtn2b.security import Security
from gateway.transport.client import Answer

FIRST_WAIT: Final = timedelta(seconds=1)
LEAST_CAP: Final = timedelta(seconds=60)
MOST_CAP: Final = timedelta(minutes=15)
_SPREAD: Final = 0.1
_OK: Final = 200
_FINAL: Final = frozenset({404, 406, 501})
"""The same message would fail again (section 9.1.5)."""
_NOT_REGISTERED: Final = "463"
_MOST_REFUSED: Final = 20
"""Times in a row that a VEN may say that it is not registered before a message is given up."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class CourierOptions:
    """How a courier behaves."""

    at_once: int = 64
    """Requests under way at the same time, to VENs that answer."""
    in_doubt: int = 16
    """The same, to VENs whose last request failed."""
    again_after: timedelta = vtn_push.AGAIN_AFTER
    """A message that was delivered and stays unanswered is pushed again."""
    cap: timedelta = LEAST_CAP
    """Longest wait between attempts; between one minute and fifteen."""


@dataclass(slots=True, kw_only=True)
class Standing:
    """How the deliveries to one VEN go."""

    failures: int = 0
    """In a row."""
    refused: int = 0
    """In a row, because the VEN says that it is not registered."""
    last_failure: str = ""
    last_good_at: datetime | None = None


@dataclass(slots=True, kw_only=True)
class _Line:
    bell: Mailbox[None]
    waiting: bool = False
    """The task waits for the bell or for time to pass; at all other times it will look again by itself."""
    until: datetime | None = None
    """In vain before this instant, however much comes in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outcome:
    answered: bool
    reply: Message | None = None
    final: bool = False
    reason: str = ""
    retry_after: timedelta = timedelta(0)


@dataclass
class Courier:
    """Pushes until it is cancelled; a restart resumes from what the store holds.

    Args:
        desk: Opens the doors of the VTN.
        codec: Writes and reads the messages.
        clock: Time.
        chance: Spreads waits.
        calls: Connections to the VENs.
        options: Bounds and waits.
        security: Signs what goes to VENs that announced signatures, and verifies their replies.
    """

    desk: VtnDesk
    codec: Codec
    clock: Clock
    chance: Chance
    calls: Calls
    options: CourierOptions = field(default_factory=CourierOptions)
    security: Security | None = None
    _lines: dict[str, _Line] = field(default_factory=dict, init=False)
    _standing: dict[str, Standing] = field(default_factory=dict, init=False)
    _tasks: asyncio.TaskGroup | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self._free = Gate(self.options.at_once, self.clock)
        self._doubtful = Gate(self.options.in_doubt, self.clock)
        self.desk.after = self.look_at

    @property
    def standing(self) -> Mapping[str, Standing]:
        """Return how it goes with each VEN that something was pushed to since the start."""
        return self._standing

    async def run(self) -> None:
        """Deliver until cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                self._tasks = tasks
                page = self.desk.vtn.page(self.clock.now())
                for ven in page.vens():
                    self._begin(ven)
                await asyncio.Event().wait()
        finally:
            self._tasks = None
            self.desk.after = lambda _: None

    def look_at(self, turn: Turn) -> None:
        """See whether a turn left something to deliver; called with each one once it is stored."""
        if self._tasks is None:
            return
        fresh = {fact.ven_id for fact in turn.facts if isinstance(fact, Registered)}
        queued = {
            owner
            for (kind, owner, _), record in turn.changes.items()
            if kind in {QueueRecord, SupplyRecord} and record is not None
        }
        page = self.desk.vtn.page(turn.at)
        for ven_id in sorted(fresh | queued):
            ven = page.find(VenRecord, ven_id)
            if ven_id in fresh:
                self._standing.pop(ven_id, None)  # a new address deserves a new attempt at once
            if ven is not None:
                self._begin(ven, fresh=ven_id in fresh)

    def _begin(self, ven: VenRecord, *, fresh: bool = False) -> None:
        line = self._lines.get(ven.ven_id)
        if line is None:
            if ven.transport_address and self._tasks is not None:
                line = self._lines[ven.ven_id] = _Line(bell=self.clock.mailbox())
                self._tasks.create_task(self._keep(ven.ven_id, line), name=f"push {ven.ven_id}")
            return
        if line.waiting and (fresh or line.until is None):
            line.waiting = False
            line.bell.put(None)

    # --- one VEN

    async def _keep(self, ven_id: str, line: _Line) -> None:
        with self.clock.held():
            try:
                await self._deliver(ven_id, line)
            except StoreError as error:
                # What is durable is unknown: no door opens any more until a restart has looked.
                log.error("push_stopped", ven_id=ven_id, reason=error.reason)
            finally:
                self._lines.pop(ven_id, None)
                while len(line.bell):  # it holds a token
                    await line.bell.get()

    async def _deliver(self, ven_id: str, line: _Line) -> None:
        while True:
            push = await self._next(ven_id)
            if push is not None:
                await self._attempt(push, line)
                continue
            page = self.desk.vtn.page(self.clock.now())
            at = vtn_push.next_push_at(page, ven_id, self.options.again_after)
            ven = page.find(VenRecord, ven_id)
            if at is None or ven is None or not ven.transport_address:
                return
            await self._wait(line, at)

    async def _wait(self, line: _Line, at: datetime) -> None:
        line.waiting = True
        try:
            await line.bell.get(until=at)
        finally:
            line.waiting = False

    async def _next(self, ven_id: str) -> Push | None:
        found: list[Push | None] = []

        def door(now: datetime) -> Turn:
            page = self.desk.vtn.page(now)
            found.append(vtn_push.next_push(page, ven_id, self.options.again_after))
            return page.turn()

        await self.desk.open(door)
        return found[0]

    async def _attempt(self, push: Push, line: _Line) -> None:
        standing = self._standing.setdefault(push.ven_id, Standing())
        gate = self._doubtful if standing.failures else self._free
        async with gate.passed():
            outcome = await self._exchange(push)
        if outcome.answered:
            self._standing[push.ven_id] = Standing(last_good_at=self.clock.now())
            await self._taken(push, outcome.reply)
            return
        standing.failures += 1
        standing.refused = standing.refused + 1 if outcome.reason == _NOT_REGISTERED else 0
        standing.last_failure = outcome.reason
        log.warning("push_failed", ven_id=push.ven_id, reason=outcome.reason)
        if outcome.final or standing.refused > _MOST_REFUSED:
            standing.failures = standing.refused = 0
            await self.desk.open(lambda now: self._give_up(push, now))
            return
        wait = max(self.backoff(standing.failures), outcome.retry_after)
        line.until = self.clock.now() + wait
        await self._wait(line, line.until)
        line.until = None

    async def _taken(self, push: Push, reply: Message | None) -> None:
        """Note the delivery and take the reply; requests inside it are answered at once, in a message of its own.

        That answer is tried once, as one on the VEN's own connection would be: what was asked for comes in any case.
        """
        said: list[OadrCreatedReport] = []
        await self.desk.open(lambda now: self._take(push, reply, said, now))
        for message in said:
            outcome = await self._exchange(replace(push, message=message))
            if not outcome.answered:
                log.warning("push_answer_failed", ven_id=push.ven_id, reason=outcome.reason)

    def backoff(self, failures: int) -> timedelta:
        """Return the wait after so many failures in a row: 1 s, doubled each time, ±10 %, capped.

        Spec: OpenADR 2.0b sections 9.1.4 and 9.1.7.
        """
        cap = min(max(self.options.cap, LEAST_CAP), MOST_CAP)
        plain = min(FIRST_WAIT * (1 << min(failures - 1, 20)), cap)
        spread: float = 1 - _SPREAD + 2 * _SPREAD * self.chance.random()
        return plain * spread

    # --- the exchange

    async def _exchange(self, push: Push) -> _Outcome:
        security = self._secured(push)
        try:
            body = self.codec.encode(push.message)
            if security is not None:
                body = await security.seal(body)
            answer = await self.calls.post(push, body)
        except TransportError as error:
            return _Outcome(
                answered=False,
                reason=error.reason,
                retry_after=error.retry_after or timedelta(0),
            )
        if answer.status != _OK:
            return _Outcome(
                answered=False,
                final=answer.status in _FINAL,
                reason=f"STATUS_{answer.status}",
                retry_after=answer.retry_after or timedelta(0),
            )
        try:
            reply = await self._read(push, answer, security)
        except IdentityError as error:
            # It may be anybody's: what was pushed has not arrived for sure, and is pushed again (rule 514).
            return _Outcome(answered=False, reason=error.reason)
        if _code(reply) == _NOT_REGISTERED:
            return _Outcome(answered=False, reason=_NOT_REGISTERED)
        return _Outcome(answered=True, reply=reply)

    def _secured(self, push: Push) -> Security | None:
        """Return what signs and verifies; None for a VEN that did not announce signatures."""
        ven = self.desk.vtn.page(self.clock.now()).find(VenRecord, push.ven_id)
        return self.security if ven is not None and ven.xml_signature else None

    async def _read(self, push: Push, answer: Answer, security: Security | None) -> Message | None:
        """Return the reply; one that is no message counts as none: the 200 alone says that ours has arrived.

        Raises:
            IdentityError: it is not signed right.
            StoreError: its stamp cannot be kept.
        """
        if not answer.body.strip():
            return None
        try:
            if security is not None:
                return await security.read_reply(answer.body, push.fingerprints)
            return self.codec.decode(answer.body)
        except WireError as error:
            log.warning("push_reply_unreadable", ven_id=push.ven_id, reason=error.reason)
            return None

    # --- doors

    def _take(
        self, push: Push, reply: Message | None, said: list[OadrCreatedReport], now: datetime
    ) -> Turn:
        """Note the delivery and take the reply; one that is refused leaves the delivery as it is."""
        vtn = self.desk.vtn
        page = vtn.page(now)
        ven = vtn_push.delivered(page, push)
        if reply is None or ven is None or isinstance(push.message, OadrDistributeEvent):
            _tell(page, push, reply)
            return page.turn()
        try:
            found = vtn.take_reply(page, ven, push.service, reply)
            said += [found] if found is not None else []
        except SessionError as error:
            page = vtn.page(now)
            vtn_push.delivered(page, push)
            page.refuse(push.ven_id, reply, RefusalError(error.reason, error.detail))
        return page.turn()

    def _give_up(self, push: Push, now: datetime) -> Turn:
        page = self.desk.vtn.page(now)
        vtn_push.given_up(page, push)
        return page.turn()


def _tell(page: Page, push: Push, reply: Message | None) -> None:
    """Tell of an application error in the reply to events; their answers come as oadrCreatedEvent."""
    code = _code(reply)
    if code and not code.startswith("2"):
        fault = RefusalError("COMPLIANCE", f"the VEN answered the push with {code}")
        page.refuse(push.ven_id, reply, fault)


def _code(reply: Message | None) -> str:
    answer: EiResponse | None = getattr(reply, "ei_response", None)
    return "" if answer is None else answer.response_code
