"""A site that plays by a script: answers, stays silent, answers late, refuses, loses the link, and comes back."""

import heapq
import itertools
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, Literal

from conformance.simulation.cast import METERED
from conformance.simulation.process import Process
from conformance.soak.marks import Acted, Handed, Mark, Opt, Said
from gateway.app.virtual import VirtualClock
from gateway.domain.answers import Ack, Commitment, Rejection, Sample, TelemetryBatch
from gateway.domain.chance import Chance
from gateway.domain.errors import GatewayError, MeterDataError, SessionError, StoreError
from gateway.domain.names import IntentId, SiteId
from gateway.domain.participation import Opt as DomainOpt
from gateway.domain.ports import Mailbox
from gateway.domain.timespan import floor_to, instant

Manner = Literal["in", "in_late", "out", "partial", "silent", "refuse", "change"]
MANNERS: Final[tuple[Manner, ...]] = (
    *("in",) * 20,
    *("in_late",) * 2,
    "out",
    "partial",
    "silent",
    "silent",
    "refuse",
    "change",
)
RECHECK: Final = timedelta(minutes=5)
"""A site looks into its stream at least so often."""
RETRY: Final = timedelta(seconds=20)
DIGEST: Final = "0" * 64
_AGAIN: Final = frozenset({"CLOCKS_DIFFER"})


@dataclass(frozen=True, slots=True)
class Seen:
    """One revision of an intent, as the site keeps it."""

    intent: str
    revision: int
    sequence: int
    event: str
    version: int
    ends: datetime | None
    cancelled: bool
    asks: bool


Act = Callable[[Process], Awaitable[object]]


@dataclass
class SimSite:
    """One site.

    Args:
        name: Its name.
        true: Time as it is; the site's own clock is right.
        chance: Decides everything it does.
        write: Takes what it did.
        process: The gateway's process that it reaches now, None while there is none.
        lossy: Says whether an answer of the gateway gets lost on its way.
    """

    name: str
    true: VirtualClock
    chance: Chance
    write: Callable[[Mark], None]
    process: Callable[[], Process | None]
    lossy: Callable[[], bool]
    up: bool = True
    cursor: int = 0
    known: dict[str, Seen] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    """What the gateway must never have said."""
    _plans: list[tuple[datetime, int, Act]] = field(default_factory=list)
    _count: "itertools.count[int]" = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        self.bell: Mailbox[None] = self.true.mailbox()

    def ring(self) -> None:
        """Wake it: something new waits."""
        if not len(self.bell):
            self.bell.put(None)

    async def run(self) -> None:
        """Live."""
        with self.true.held():
            self._later(timedelta(0), self._meter(floor_to(self.true.now(), METERED)))
            while True:
                at = self.true.now() + RECHECK
                if self._plans:
                    at = min(at, max(self._plans[0][0], self.true.now()))
                await self.bell.get(until=at)
                await self._turn()

    async def _turn(self) -> None:
        process = self.process()
        reaches = self.up and process is not None and not process.dead
        if reaches and process is not None:
            await self._read(process)
        while self._plans and self._plans[0][0] <= self.true.now():
            _, _, act = heapq.heappop(self._plans)
            process = self.process()
            if not self.up or process is None or process.dead:
                self._later(RETRY, act)
                continue
            await self._do(process, act)

    async def _do(self, process: Process, act: Act) -> None:
        try:
            await act(process)
        except (SessionError, MeterDataError) as error:
            if error.reason in _AGAIN:
                self._later(RETRY * 30, act)
        except StoreError:
            self._later(RETRY, act)
        except GatewayError:
            self._later(RETRY, act)

    def _later(self, wait: timedelta, act: Act) -> None:
        heapq.heappush(self._plans, (self.true.now() + wait, next(self._count), act))

    # --- what it is told

    async def _read(self, process: Process) -> None:
        for item in await process.published(self.name, self.cursor):
            self.cursor = max(self.cursor, item.sequence)
            if item.kind == "intent":
                self._take(_seen(item.body))

    def _take(self, seen: Seen) -> None:
        known = self.known.get(seen.intent)
        if known is not None and known.revision >= seen.revision:
            return
        now = self.true.now()
        self.known[seen.intent] = seen
        self._later(self._seconds(0, 3), self._acknowledge(seen))
        if known is not None and self._draws(10):
            self._later(self._seconds(1, 600), self._acknowledge(known))
        if seen.cancelled and known is None:
            return  # the end of what it never heard of moves nothing
        if not seen.asks and not seen.cancelled:
            return
        if seen.ends is not None and now >= seen.ends and not seen.cancelled:
            return
        self.write(
            Acted(
                at=now,
                site=self.name,
                event=seen.event,
                version=seen.version,
                command=f"{seen.intent}/{seen.revision}",
                cancels=seen.cancelled,
            )
        )
        if not seen.cancelled:
            self._answer(seen)

    def _answer(self, seen: Seen) -> None:
        manner = MANNERS[self.chance.randint(0, len(MANNERS) - 1)]
        match manner:
            case "silent":
                return
            case "in_late":
                self._later(self._seconds(60, 900), self._commit(seen, DomainOpt.IN))
            case "out":
                self._later(self._seconds(1, 30), self._commit(seen, DomainOpt.OUT))
            case "partial":
                self._later(self._seconds(1, 30), self._commit(seen, DomainOpt.PARTIAL))
            case "refuse":
                self._later(self._seconds(1, 30), self._reject(seen))
            case "change":
                self._later(self._seconds(1, 30), self._commit(seen, DomainOpt.IN))
                self._later(self._seconds(200, 900), self._commit(seen, DomainOpt.OUT))
            case "in":
                self._later(self._seconds(1, 30), self._commit(seen, DomainOpt.IN))

    # --- what it says

    def _acknowledge(self, seen: Seen) -> Act:
        async def act(process: Process) -> None:
            ack = Ack(
                revision=seen.revision,
                sequence=seen.sequence,
                receiver=self.name,
                received_at=self.true.now(),
                digest=DIGEST,
            )
            site, intent = SiteId(self.name), IntentId(seen.intent)
            await process.call(lambda: process.desk.acknowledge(site, intent, ack))

        return act

    def _commit(self, seen: Seen, opt: DomainOpt) -> Act:
        said: Opt = "in" if opt is DomainOpt.IN else "out"
        answer = Commitment(revision=seen.revision, opt=opt)

        async def act(process: Process) -> None:
            site, intent = SiteId(self.name), IntentId(seen.intent)
            await self._say(
                process, seen, said, lambda: process.desk.commit(site, intent, answer), act
            )

        return act

    def _reject(self, seen: Seen) -> Act:
        answer = Rejection(revision=seen.revision, reason="infeasible")

        async def act(process: Process) -> None:
            site, intent = SiteId(self.name), IntentId(seen.intent)
            await self._say(
                process, seen, "out", lambda: process.desk.reject(site, intent, answer), act
            )

        return act

    async def _say(
        self,
        process: Process,
        seen: Seen,
        opt: Opt,
        send: Callable[[], Awaitable[object]],
        again: Act,
    ) -> None:
        if self.known[seen.intent] is not seen:
            return  # it was asked something newer
        self._said(seen, opt, sure=False)
        await process.call(send)
        if self.lossy():
            self._later(RETRY, again)
            return
        self._said(seen, opt, sure=True)

    def _said(self, seen: Seen, opt: Opt, *, sure: bool) -> None:
        self.write(
            Said(
                at=self.true.now(),
                site=self.name,
                event=seen.event,
                version=seen.version,
                opt=opt,
                sure=sure,
            )
        )

    def _meter(self, start: datetime) -> Act:
        batch_id = f"{self.name}-{start:%Y%m%dT%H%M}"
        energy = Decimal(self.chance.randint(15, 25))
        sample = Sample(meter="poc", start=start, duration=METERED, energy_kwh=energy)
        batch = TelemetryBatch(batch_id=batch_id, samples=(sample,))
        planned = False

        async def act(process: Process) -> None:
            nonlocal planned
            if not planned:
                planned = True
                self._later(start + 2 * METERED - self.true.now(), self._meter(start + METERED))
            if self.true.now() < start + METERED:
                self._later(start + METERED - self.true.now(), act)
                return
            self.write(Handed(at=self.true.now(), key=batch_id, sure=False))
            await process.call(lambda: process.desk.telemetry(SiteId(self.name), batch))
            if self.lossy():
                self._later(RETRY, act)
                return
            self.write(Handed(at=self.true.now(), key=batch_id, sure=True))

        return act

    # --- chance

    def _draws(self, percent: int) -> bool:
        return self.chance.randint(1, 100) <= percent

    def _seconds(self, low: int, high: int) -> timedelta:
        return timedelta(seconds=self.chance.randint(low, high))


def _seen(body: bytes) -> Seen:
    """Read what a site needs of a published intent."""
    intent = json.loads(body)["data"]
    ids = intent["provenance"]["source_ids"]
    until = intent["deliver_by"]
    return Seen(
        intent=intent["id"],
        revision=intent["revision"],
        sequence=intent["sequence"],
        event=ids["eventID"],
        version=int(ids["modificationNumber"]),
        ends=instant(until) if until else None,
        cancelled=intent.get("cancelled_at") is not None,
        asks=not intent.get("hold_reason"),
    )
