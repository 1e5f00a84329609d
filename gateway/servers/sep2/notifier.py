"""Sends notifications: to each subscriber one at a time, in order, until it has them or is given up.

What waits follows from the book alone, so a restart finds it again and what changes while a subscriber is away is told
once, as it stands then. A notification is remembered as told after its answer: a crash between repeats it, which
subscribers take. Addresses come from clients, so every one is judged before it is connected to.

Spec: IEEE 2030.5-2018 clause 8.9; CSIP CORE-018, ERR-002 (201 or 204); CSIP-AUS S-ALL-46.
"""

import asyncio
import ssl
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias
from urllib.parse import urlsplit

import structlog

from gateway.domain.chance import Chance
from gateway.domain.errors import GatewayError, StoreError, TransportError
from gateway.domain.ports import Clock, Mailbox
from gateway.protocols.sep2.server.asking import MEDIA_TYPE
from gateway.protocols.sep2.server.deliveries import endpoint
from gateway.protocols.sep2.server.records import Turn
from gateway.protocols.sep2.server.subscribing import Notice
from gateway.servers.gate import Gate
from gateway.servers.sep2.desk import Sep2Desk
from gateway.servers.sep2.transcript import Exchange, Transcript
from gateway.transport.outward import Call, Outward
from gateway.transport.special_addresses import Network
from gateway.transport.targets import TargetRules

FIRST_WAIT: Final = timedelta(seconds=1)
LONGEST_WAIT: Final = timedelta(minutes=5)
TOTAL_S: Final = 30.0
"""Of one notification, from the name to the answer."""
_SPREAD: Final = 0.1
_GOOD: Final = range(200, 300)
_FINAL: Final = range(400, 500)
_UNKNOWN: Final = frozenset({404, 410})
"""The subscriber does not know the subscription any more."""
_LATER: Final = frozenset({401, 403, 408, 425, 429})
"""Of the client's errors those that another attempt may mend."""
_HTTPS: Final = 443
_Key: TypeAlias = tuple[str, str]

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifierOptions:
    """How notifications leave."""

    context: ssl.SSLContext
    """A client's, with the server's own certificate; subscribers are judged as clients are."""
    chance: Chance
    """Spreads waits."""
    networks: tuple[Network, ...] = ()
    """Own networks that may be notified, one by one; beside the Internet nothing else is ever reached."""
    at_once: int = 32
    """Requests under way at the same time, to subscribers that answer; a quarter of it to those that do not."""


@dataclass(slots=True, kw_only=True)
class Result:
    """What became of the last attempt to tell one subscriber."""

    at: datetime
    word: str
    """A status, e.g. ``201``, or why there was none, e.g. ``CONNECT``."""
    failures: int = 0
    """In a row."""


@dataclass(slots=True, kw_only=True)
class _Line:
    """One subscriber at one host and port."""

    bell: Mailbox[None]
    queue: dict[str, None] = field(default_factory=dict)
    waiting: bool = False
    failures: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outcome:
    status: int = 0
    reason: str = ""
    retry_after: timedelta = timedelta(0)
    body: bytes = b""

    @property
    def word(self) -> str:
        return self.reason or str(self.status)

    @property
    def again(self) -> bool:
        """Say whether another attempt may do better."""
        if self.status in _GOOD:
            return False
        return self.status not in _FINAL or self.status in _LATER


class Notifier:
    """Tells subscribers until it is cancelled.

    Args:
        desk: Opens the doors of the server.
        clock: Time.
        options: Bounds and identity.
        transcript: Takes every notification down.
        origin: Returns ``https://host:port`` of the server.
    """

    def __init__(
        self,
        desk: Sep2Desk,
        clock: Clock,
        options: NotifierOptions,
        transcript: Transcript,
        origin: Callable[[], str],
    ) -> None:
        self._desk = desk
        self._clock = clock
        self._options = options
        self._transcript = transcript
        self._origin = origin
        self._bell: Mailbox[None] = clock.mailbox()
        self._rung = False
        self._lines: dict[_Key, _Line] = {}
        self._outward: dict[int, Outward] = {}
        self._free = Gate(options.at_once, clock)
        self._doubtful = Gate(max(1, options.at_once // 4), clock)
        self.results: dict[str, Result] = {}
        """Subscription -> its last attempt since the start."""
        self.counts: Counter[str] = Counter()
        """``delivered``, ``failed``, ``refused`` and ``dropped`` since the start."""

    async def run(self) -> None:
        """Tell subscribers until cancelled."""
        self._desk.look = self._turned
        try:
            with self._clock.held():
                async with asyncio.TaskGroup() as tasks:
                    while True:
                        await self._look(tasks)
                        await self._bell.get(until=self._next_at())
                        self._rung = False
        finally:
            self._desk.look = lambda _: None
            while len(self._bell):  # it holds a token
                await self._bell.get()

    def _turned(self, turn: Turn) -> None:
        if not self._rung:
            self._rung = True
            self._bell.put(None)
        for href, one in turn.deliveries.items():
            if one is None:
                self.results.pop(href, None)
            # Whoever subscribes anew is there again: what waits for it goes out now.
            if one is not None and one.renewed_at == turn.at:
                self._hurry(self._lines.get((one.owner, endpoint(one.uri))))

    def _hurry(self, line: _Line | None) -> None:
        if line is not None and line.waiting:
            line.waiting = False
            line.bell.put(None)

    def _next_at(self) -> datetime | None:
        at = self._desk.server.subscribers.watch.next_at()
        return None if at is None else datetime.fromtimestamp(at, UTC)

    async def _look(self, tasks: asyncio.TaskGroup) -> None:
        try:
            await self._settle()
        except StoreError as error:
            # What is durable is unknown: no door opens any more until a restart has looked.
            log.error("notifier_stopped", reason=error.reason, detail=error.detail)
            return
        known, watch = self._desk.server.book.deliveries, self._desk.server.subscribers.watch
        fresh, watch.fresh = watch.fresh, {}
        for href in fresh:
            delivery = known.get(href)
            if delivery is None:
                continue
            key = (delivery.owner, endpoint(delivery.uri))
            line = self._lines.get(key)
            if line is None:
                line = self._lines[key] = _Line(bell=self._clock.mailbox())
                line.queue[href] = None
                tasks.create_task(self._keep(key, line), name=f"notify {key[1]}")
            else:
                line.queue.setdefault(href)

    async def _settle(self) -> None:
        subscribers = self._desk.server.subscribers
        subscribers.look(self._clock.now())
        if subscribers.watch.ended:
            await self._desk.open(subscribers.settle)
            subscribers.look(self._clock.now())

    # --- one subscriber

    async def _keep(self, key: _Key, line: _Line) -> None:
        with self._clock.held():
            try:
                while line.queue:
                    await self._tell(line, next(iter(line.queue)))
            except GatewayError as error:
                log.error("notifier_stopped", reason=error.reason, detail=error.detail)
            finally:
                del self._lines[key]
                while len(line.bell):  # it holds a token
                    await line.bell.get()

    async def _tell(self, line: _Line, href: str) -> None:
        subscribers = self._desk.server.subscribers
        notice = subscribers.notice(href, self._clock.now(), self._origin())
        if notice is None:
            line.queue.pop(href)
            return
        gate = self._doubtful if line.failures else self._free
        async with gate.passed():
            outcome = await self._send(notice)
        self._note(notice, outcome)
        if outcome.again:
            line.failures += 1
            await self._desk.open(lambda now: subscribers.failed(notice, now))
            # It goes to the end: one subscription that cannot be told does not hold up its neighbours for good.
            line.queue.pop(href)
            if href in self._desk.server.book.deliveries:
                line.queue[href] = None
                await self._wait(line, outcome.retry_after)
            return
        line.failures = 0
        # Before the door: what changed meanwhile is put back by the look that follows.
        line.queue.pop(href)
        if outcome.status in _UNKNOWN:
            await self._desk.open(lambda now: subscribers.drop(href, now))
        else:
            await self._desk.open(lambda now: subscribers.delivered(notice, now))

    def _note(self, notice: Notice, outcome: _Outcome) -> None:
        before = self.results.get(notice.subscription)
        failures = (before.failures if before else 0) + 1 if outcome.again else 0
        self.results[notice.subscription] = Result(
            at=self._clock.now(), word=outcome.word, failures=failures
        )
        good = outcome.status in _GOOD
        unknown = "dropped" if outcome.status in _UNKNOWN else "refused"
        word = "delivered" if good else "failed" if outcome.again else unknown
        self.counts[word] += 1
        if not good:
            log.warning("notification_failed", lfdi=notice.owner, reason=outcome.word)

    async def _wait(self, line: _Line, least: timedelta) -> None:
        plain = min(FIRST_WAIT * (1 << min(line.failures - 1, 20)), LONGEST_WAIT)
        spread = 1 - _SPREAD + 2 * _SPREAD * self._options.chance.random()
        line.waiting = True
        try:
            await line.bell.get(until=self._clock.now() + max(plain * spread, least))
        finally:
            line.waiting = False

    async def _send(self, notice: Notice) -> _Outcome:
        headers = {"Content-Type": MEDIA_TYPE, "Accept": MEDIA_TYPE}
        call = Call(method="POST", url=notice.uri, headers=headers, body=notice.body)
        try:
            heard = await self._line_out(notice.uri).call(call)
        except TransportError as error:
            self._write_down(notice, 0, "", error.reason.encode())
            return _Outcome(reason=error.reason, retry_after=error.retry_after or timedelta(0))
        location = heard.headers.get("location", "")[:2048]
        self._write_down(notice, heard.status, location, heard.body)
        return _Outcome(
            status=heard.status, retry_after=heard.retry_after or timedelta(0), body=heard.body
        )

    def _line_out(self, uri: str) -> Outward:
        """Return what connects to one port: clients listen where they like, so only addresses are judged."""
        port = urlsplit(uri).port or _HTTPS
        found = self._outward.get(port)
        if found is None:
            rules = TargetRules(ports=(port,), own=self._options.networks)
            found = Outward(self._clock, rules, tls=self._options.context, total_s=TOTAL_S)
            self._outward[port] = found
        return found

    def _write_down(self, notice: Notice, status: int, location: str, answer: bytes) -> None:
        self._transcript.note(
            Exchange(
                at=self._clock.now(),
                peer=notice.owner,
                method="POST",
                target=notice.uri,
                status=status,
                location=location,
                request=notice.body,
                answer=answer,
                outward=True,
            )
        )
