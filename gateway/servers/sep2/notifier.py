"""Sends notifications: to each subscriber over a few connections, until it has them or is given up.

What waits follows from the book alone, so a restart finds it again and what changes while a subscriber is away is told
once, as it stands then. A notification is remembered as told after its answer: a crash between repeats it, which
subscribers take. Addresses come from clients, so every one is judged before it is connected to.

Spec: IEEE 2030.5-2018 clause 8.9; CSIP CORE-018, ERR-002 (201 or 204); CSIP-AUS S-ALL-46.
"""

import asyncio
import ssl
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

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
from gateway.servers.sep2.lines import GOOD, LANES, UNKNOWN, Key, Line, NotifyPin, Outcome, line_out
from gateway.servers.sep2.transcript import Exchange, Transcript
from gateway.transport.outward import Call
from gateway.transport.special_addresses import Network
from gateway.transport.standing import Standing

FIRST_WAIT: Final = timedelta(seconds=1)
LONGEST_WAIT: Final = timedelta(minutes=5)
LINGER: Final = timedelta(seconds=20)
"""How long they stay when there is nothing to tell."""
MOST_LINGERING: Final = 64
"""Subscribers whose connections stay."""
_SPREAD: Final = 0.1
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
    pin: NotifyPin = NotifyPin.LFDI
    """Whose certificate a listener must show."""


@dataclass(slots=True, kw_only=True)
class Result:
    """What became of the last attempt to tell one subscriber."""

    at: datetime
    word: str
    """A status, e.g. ``201``, or why there was none, e.g. ``CONNECT``."""
    failures: int = 0
    """In a row."""


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
        self._lines: dict[Key, Line] = {}
        self._lingering = 0
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
                line = self._lines.get((one.owner, endpoint(one.uri)))
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
                line = self._lines[key] = Line(bell=self._clock.mailbox(), out=self._out(key))
                line.queue[href] = None
                tasks.create_task(self._keep(key, line), name=f"notify {key[1]}")
                continue
            line.queue.setdefault(href)
            if line.lingering:
                line.lingering = False
                line.bell.put(None)

    async def _settle(self) -> None:
        subscribers = self._desk.server.subscribers
        subscribers.look(self._clock.now())
        if subscribers.watch.ended:
            await self._desk.open(subscribers.settle)
            subscribers.look(self._clock.now())

    # --- one subscriber

    async def _keep(self, key: Key, line: Line) -> None:
        with self._clock.held():
            try:
                while line.queue or await self._lingered(line):
                    await self._round(line)
                    if line.pause is not None:
                        await self._wait(line, line.pause)
            except GatewayError as error:
                log.error("notifier_stopped", reason=error.reason, detail=error.detail)
            finally:
                # First of all: what comes up from now on makes a line of its own.
                del self._lines[key]
                await line.out.close()
                while len(line.bell):  # it holds a token
                    await line.bell.get()

    async def _lingered(self, line: Line) -> bool:
        """Keep the connections for a while; say whether there is something to tell again."""
        if not line.out.made or self._lingering >= MOST_LINGERING:
            return False
        self._lingering += 1
        line.lingering = True
        try:
            await line.bell.get(until=self._clock.now() + LINGER)
        finally:
            self._lingering -= 1
            line.lingering = False
        return bool(line.queue)

    async def _round(self, line: Line) -> None:
        """Tell what waits, over several lanes, until nothing does or something fails; after a failure one tries."""
        line.begin()
        before = line.failures
        if before or len(line.queue) == 1:
            await self._lane(line, once=bool(before))
        else:
            await self._lanes_of(line, min(LANES, len(line.queue)))
        if line.pause is not None:
            line.failures += 1

    async def _lanes_of(self, line: Line, count: int) -> None:
        ended: Mailbox[GatewayError | None] = self._clock.mailbox()

        async def lane() -> None:
            with self._clock.held():
                error: GatewayError | None = None
                try:
                    await self._lane(line)
                except GatewayError as found:
                    error = found
                finally:
                    ended.put(error)

        try:
            async with asyncio.TaskGroup() as tasks:
                for _ in range(count):
                    tasks.create_task(lane())
                # Each has a token of its own, so that ours is given back while we wait.
                errors = [await ended.get() for _ in range(count)]
        finally:
            while len(ended):  # it holds a token
                await ended.get()
        for error in errors:
            if error is not None:
                raise error

    async def _lane(self, line: Line, *, once: bool = False) -> None:
        while line.pause is None and (href := line.next()) is not None:
            line.flying.add(href)
            try:
                await self._tell(line, href)
            finally:
                line.flying.discard(href)
            if once:
                return

    async def _tell(self, line: Line, href: str) -> None:
        """Tell one subscriber how something stands; what changes meanwhile is put into the queue anew."""
        subscribers = self._desk.server.subscribers
        notice = subscribers.notice(href, self._clock.now(), self._origin())
        if notice is None:
            return
        gate = self._doubtful if line.failures else self._free
        async with gate.passed():
            outcome = await self._send(line, notice)
        self._note(notice, outcome)
        if outcome.again:
            await self._desk.open(lambda now: subscribers.failed(notice, now))
            # It goes to the end: one subscription that cannot be told does not hold up its neighbours for good.
            if href in self._desk.server.book.deliveries:
                line.queue.pop(href, None)
                line.queue[href] = None
                line.pause = max(line.pause or timedelta(0), outcome.retry_after)
            return
        line.failures = 0
        if outcome.status in UNKNOWN:
            await self._desk.open(lambda now: subscribers.drop(href, now))
        else:
            await self._desk.open(lambda now: subscribers.delivered(notice, now))

    def _note(self, notice: Notice, outcome: Outcome) -> None:
        before = self.results.get(notice.subscription)
        failures = (before.failures if before else 0) + 1 if outcome.again else 0
        self.results[notice.subscription] = Result(
            at=self._clock.now(), word=outcome.word, failures=failures
        )
        good = outcome.status in GOOD
        unknown = "dropped" if outcome.status in UNKNOWN else "refused"
        word = "delivered" if good else "failed" if outcome.again else unknown
        self.counts[word] += 1
        if not good:
            log.warning("notification_failed", lfdi=notice.owner, reason=outcome.word)

    async def _wait(self, line: Line, least: timedelta) -> None:
        plain = min(FIRST_WAIT * (1 << min(line.failures - 1, 20)), LONGEST_WAIT)
        spread = 1 - _SPREAD + 2 * _SPREAD * self._options.chance.random()
        line.waiting = True
        try:
            await line.bell.get(until=self._clock.now() + max(plain * spread, least))
        finally:
            line.waiting = False

    async def _send(self, line: Line, notice: Notice) -> Outcome:
        headers = {"Content-Type": MEDIA_TYPE, "Accept": MEDIA_TYPE}
        call = Call(method="POST", url=notice.uri, headers=headers, body=notice.body)
        try:
            heard = await line.out.call(call)
        except TransportError as error:
            self._write_down(notice, 0, "", error.reason.encode())
            return Outcome(reason=error.reason, retry_after=error.retry_after or timedelta(0))
        location = heard.headers.get("location", "")[:2048]
        self._write_down(notice, heard.status, location, heard.body)
        return Outcome(
            status=heard.status, retry_after=heard.retry_after or timedelta(0), body=heard.body
        )

    def _out(self, key: Key) -> Standing:
        options = self._options
        return line_out(key, self._clock, options.context, options.networks, options.pin)

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
