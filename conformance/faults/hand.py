"""What a site does to a gateway, without a network: each answer given once, and again while the gateway is busy."""

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, TypeVar

from gateway.domain.answers import (
    Ack,
    Commitment,
    Completion,
    Heartbeat,
    Progress,
    Rejection,
    Sample,
    TelemetryBatch,
)
from gateway.domain.canonical import canonical
from gateway.domain.errors import SessionError, StoreError
from gateway.domain.intent import State
from gateway.domain.names import IntentId
from gateway.domain.participation import Opt
from gateway.domain.ports import Clock, Mailbox
from gateway.domain.site import Site
from gateway.intents.envelope import document_of
from gateway.pipeline.feedback import Feedback
from gateway.pipeline.ports import IntentRecord, Store, Work

T = TypeVar("T")
Told = Callable[[Sequence[str]], Awaitable[None]]
"""Called with the facts that an answer of the gateway promises."""

MINUTE: Final = timedelta(minutes=1)
AGAIN: Final = timedelta(seconds=1)
RECHECK: Final = timedelta(minutes=1)
"""A site that heard nothing looks all the same, as an event stream does."""
_LATE: Final = frozenset({"TOO_LATE", "STALE_REVISION", "REFUSED"})


@dataclass
class Hand:
    """One site.

    Args:
        site: Declared site.
        desk: Where its answers go.
        store: Read as its event stream would.
        clock: Time.
        told: What is promised to it.
        opt: What it says to an event: ``in``, ``out`` or ``reject``.
        every: Length of one batch of telemetry, and of a heartbeat's period.
    """

    site: Site
    desk: Feedback
    store: Store
    clock: Clock
    told: Told
    opt: Callable[[IntentRecord], str]
    every: timedelta = MINUTE
    thinks: timedelta = timedelta(0)
    """Before it answers; sites that answer at one instant would do so in any order."""
    repeats: int = 0
    """Requests that had to be sent again."""
    _bell: Mailbox[bool] = field(init=False)
    _rung: bool = False
    _acked: set[tuple[str, int]] = field(default_factory=set)
    _answered: set[tuple[str, int]] = field(default_factory=set)
    _said: set[tuple[str, str]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._bell = self.clock.mailbox()

    def ring(self) -> None:
        """Wake the site: something new waits."""
        if len(self._bell) == 0:
            self._bell.put(True)

    async def live(self) -> None:
        """Meter, send, look and answer until cancelled."""
        with self.clock.held():
            begin = self.clock.now().replace(second=0, microsecond=0)
            await self.meter(begin - timedelta(hours=1), 60)
            due = begin + self.every
            while True:
                await self._look()
                if self.clock.now() >= due:
                    minutes = self.every // MINUTE
                    await self.meter(due - self.every, minutes)
                    await self._beat(due)
                    due += self.every
                await self._rest(min(due, self.clock.now() + RECHECK), early=True)

    async def _rest(self, until: datetime, *, early: bool = False) -> None:
        """Wait; a bell that rings meanwhile is remembered, and ends the wait when that may end early."""
        while self.clock.now() < until and not (early and self._rung):
            self._rung = bool(await self._bell.get(until=until)) or self._rung
        if early:
            self._rung = False

    async def meter(self, start: datetime, minutes: int) -> None:
        """Send one batch of one-minute samples."""
        samples = tuple(
            Sample(
                meter=self.site.contract_meter,
                start=start + k * MINUTE,
                duration=MINUTE,
                energy_kwh=Decimal(self._draw(start + k * MINUTE)),
            )
            for k in range(minutes)
        )
        batch = TelemetryBatch(batch_id=f"{start:%d%H%M%S}", samples=samples)
        await self._insist(lambda: self.desk.telemetry(self.site.site, batch))
        await self.told([f"batch {self.site.site} {batch.batch_id}"])

    def _draw(self, at: datetime) -> str:
        return str((Decimal(100 + at.minute % 7) / 60).quantize(Decimal("1e-6")))

    async def _beat(self, at: datetime) -> None:
        heartbeat = Heartbeat(at=at, software="hand 1")
        await self._insist(lambda: self.desk.heartbeat(self.site.site, heartbeat))
        await self.told([f"beat {self.site.site} {at.timestamp():.0f}"])

    async def _look(self) -> None:
        mine = self.site.site

        def job(work: Work) -> tuple[IntentRecord, ...]:
            return work.intents.of_site(mine, live=False)

        for record in await self._insist(lambda: self.store.read(job)) or ():
            if not record.intent.hold_reason:
                await self._take(record)

    async def _take(self, record: IntentRecord) -> None:
        intent, name = record.intent, IntentId(record.intent.id)
        version = (intent.id, intent.revision)
        if version not in self._acked:
            self._acked.add(version)
            ack = Ack(
                revision=intent.revision,
                sequence=intent.sequence,
                receiver="hand",
                received_at=self.clock.now(),
                digest=hashlib.sha256(canonical(document_of(intent))).hexdigest(),
            )
            await self._insist(lambda: self.desk.acknowledge(self.site.site, name, ack))
            await self.told([f"ack {self.site.site} {intent.id} {intent.revision}"])
        asked = intent.ask is not None and intent.cancelled_at is None
        if asked and version not in self._answered:
            self._answered.add(version)
            await self._answer(record)
        await self._report(record)

    async def _answer(self, record: IntentRecord) -> None:
        intent, name = record.intent, IntentId(record.intent.id)
        await self._rest(self.clock.now() + self.thinks)
        word = self.opt(record)
        if word == "reject":
            refusal = Rejection(revision=intent.revision, reason="infeasible")
            done = await self._insist(lambda: self.desk.reject(self.site.site, name, refusal))
        else:
            answer = Commitment(revision=intent.revision, opt=Opt(word))
            done = await self._insist(lambda: self.desk.commit(self.site.site, name, answer))
        if done is not None:
            await self.told([f"opt {intent.id} {intent.revision}"])

    async def _report(self, record: IntentRecord) -> None:
        """Tell once when it holds, and once when it is over."""
        intent, name = record.intent, IntentId(record.intent.id)
        at = self.clock.now()
        if intent.status is State.HOLDING and (intent.id, "holding") not in self._said:
            self._said.add((intent.id, "holding"))
            progress = Progress(
                revision=intent.revision, state="holding", measured_kw=None, target_kw=None, at=at
            )
            await self._insist(lambda: self.desk.progress(self.site.site, name, progress))
            await self.told([f"progress {intent.id}"])
        if intent.status is State.COMPLETED and (intent.id, "done") not in self._said:
            self._said.add((intent.id, "done"))
            done = Completion(revision=intent.revision, delivered_kwh=None, recovered_at=at)
            await self._insist(lambda: self.desk.complete(self.site.site, name, done))
            await self.told([f"completion {intent.id}"])

    async def _insist(self, ask: Callable[[], Awaitable[T]]) -> T | None:
        """Repeat the same request until it is answered, as a client does after 503; None: it came too late."""
        while True:
            try:
                return await ask()
            except SessionError as error:
                if error.reason not in _LATE:
                    raise
                return None
            except StoreError as error:
                if not error.passing:
                    raise
                self.repeats += 1
                await self._rest(self.clock.now() + AGAIN)
