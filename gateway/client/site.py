"""One site's connection to its gateway: what a scheduler uses."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from pathlib import Path
from ssl import SSLContext
from types import TracebackType
from typing import Final, Self

from gateway.client.acks import Acks
from gateway.client.answering import ANSWER_S, Answering
from gateway.client.beats import Beats
from gateway.client.buffer import FolderBatches, MemoryBatches, samples_of
from gateway.client.clock import SystemClock
from gateway.client.exchange import BackOff, Exchange
from gateway.client.inbox import Inbox
from gateway.client.intents import Intent, Intents
from gateway.client.keys import Keys, Verify
from gateway.client.lease import LeaseWatch, OnLost, OnRegained
from gateway.client.notebook import PLAN, Notebook
from gateway.client.notice import OnNotice, write_notice
from gateway.client.plans import Plan, Plans
from gateway.client.reader import Reader
from gateway.client.telemetry import Telemetry
from gateway.domain.answers import Sample, TelemetryBatch
from gateway.domain.doorbell import Doorbell
from gateway.domain.errors import MisuseError
from gateway.domain.plan import EffectivePlan
from gateway.domain.ports import Clock
from gateway.domain.reading import Reading

SEND_S: Final = 30.0
_CLOSE_S: Final = 5.0
_TURNS: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteOptions:
    """How a site's connection behaves; seconds are of its clock."""

    heartbeat_s: float = 15.0
    lease_s: float | None = None
    """None: as the gateway says."""
    stream_idle_s: float = 45.0
    """Silence after which the stream is opened anew; three pings."""
    back_off_s: float = 0.5
    back_off_cap_s: float = 30.0
    """Wait after the first failure, doubling up to the cap."""
    answer_s: float = ANSWER_S
    """Deadline of ``commit`` and its like, repetitions included."""
    collect_s: float = 1.0
    """How long samples are collected into one batch; 0: a batch per call."""
    buffer: bool = True
    """False: samples that cannot be sent at once are dropped and counted."""
    buffer_samples: int = 100_000
    """Room; the oldest go first."""
    receiver: str = ""
    """Name under which intents are acknowledged; empty: the site's."""
    software: str = "gridgate-client/1"


class Site:
    """Plans and intents in, answers and telemetry out; reconnects, acknowledges and beats by itself.

    Args:
        url: Base address with version, e.g. ``https://gw.example:8443/v1``.
        site: Name of the site.
        token: Bearer token.
        token_file: File with the token, read anew at every call; instead of ``token``.
        cursor_file: Keeps the place in the stream over restarts of this program.
        buffer_dir: Keeps telemetry that was not taken over restarts of this program.
        ssl: TLS context; None: the system's trust.
        verify: Checks signatures; None: they are not checked.
        on_lease_lost: Called once when the gateway has been silent too long, with the plan's fail-safe.
        on_lease_regained: Called once when it is back.
        on_notice: Told of what was dealt with silently; else it is logged.
        clock: Time; None: the system's.
        options: Everything else.
    """

    def __init__(  # noqa: PLR0913 - the one public constructor: every setting by name, all but two optional
        self,
        url: str,
        *,
        site: str,
        token: str = "",
        token_file: str | Path | None = None,
        cursor_file: str | Path | None = None,
        buffer_dir: str | Path | None = None,
        ssl: SSLContext | None = None,
        verify: Verify | None = None,
        on_lease_lost: OnLost | None = None,
        on_lease_regained: OnRegained | None = None,
        on_notice: OnNotice = write_notice,
        clock: Clock | None = None,
        options: SiteOptions | None = None,
    ) -> None:
        if bool(token) == (token_file is not None):
            raise MisuseError("TOKEN", "give the site either token or token_file")
        self.clock: Clock = clock or SystemClock()
        self._url = url
        self._site = site
        self._token_file = None if token_file is None else Path(token_file)
        self._given = _kept(token)
        self._folder = None if buffer_dir is None else Path(buffer_dir)
        self._ssl = ssl
        self._verify = verify
        self._on_notice = on_notice
        self._options = options or SiteOptions()
        self._notebook = Notebook(None if cursor_file is None else Path(cursor_file))
        self._lease = LeaseWatch(
            self.clock, self._options.lease_s, on_lease_lost, on_lease_regained
        )
        self._tasks: set[asyncio.Task[None]] = set()
        self._failure: BaseException | None = None
        self._reads_intents = False

    async def __aenter__(self) -> Self:
        """Start the background work; the gateway need not be there yet."""
        options, clock = self._options, self.clock
        self._lease.heard()  # the lease begins now
        self._back_off = BackOff(
            base_s=options.back_off_s, cap_s=options.back_off_cap_s, spread=self._site
        )
        self._exchange = Exchange(
            self._url, self._secret, clock, self._ssl, self._lease.heard, self._notebook.fences
        )
        self.answering = Answering(
            self._exchange, self._back_off, options.answer_s, self._notebook.answered
        )
        self._acks = Acks(self._exchange, clock, self._back_off, self._on_notice)
        self._inbox = Inbox(
            site=self._site,
            receiver=options.receiver or self._site,
            notebook=self._notebook,
            clock=clock,
            on_ack=self._acks.put,
            on_notice=self._on_notice,
        )
        self._telemetry = self._make_telemetry()
        self._start_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Send what telemetry there is, for a few seconds at most, then close in good order."""
        try:
            if kind is None:
                await self._telemetry.drain(_CLOSE_S)
            # Under a virtual clock this returns when nothing is in flight any more; a block that was written for a
            # reader who is gone would take its token with it.
            await self.clock.sleep_until(self.clock.now())
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await self._exchange.close()
            await _turns()

    def plans(self, *, at_steps: bool = True) -> Plans:
        """Loop over what holds: the newest plan, again at each of its steps, and each newer one.

        Args:
            at_steps: False: only new plans.
        """
        return Plans(self, at_steps=at_steps)

    def intents(self) -> Intents:
        """Loop over intents, each at its newest revision; they are acknowledged already."""
        self._reads_intents = True
        return Intents(self)

    async def telemetry(self, given: Sample | Reading | Iterable[Sample | Reading]) -> None:
        """Take samples; they are sent in the background, in order, and again until the gateway has taken them."""
        self._telemetry.add(samples_of(given))
        self.raise_failure()

    @property
    def dropped_samples(self) -> int:
        """Return how many samples were given up: no room, refused, or not kept."""
        return self._telemetry.dropped_samples

    @property
    def waiting_batches(self) -> int:
        """Return how many batches the gateway has not taken yet."""
        return self._telemetry.waiting

    @property
    def lease_lost(self) -> bool:
        """Say whether the gateway has been silent for longer than the lease."""
        return self._lease.lost

    @property
    def newest_plan(self) -> EffectivePlan | None:
        """Return the newest plan received, None before the first."""
        return self._inbox.plan

    @property
    def bell(self) -> Doorbell:
        """Rings when something arrived or the background work ended."""
        return self._inbox.bell

    def plan(self, document: EffectivePlan) -> Plan:
        """Wrap a plan so that it can be answered."""
        return Plan(document, self)

    def took_plan(self, revision: int) -> None:
        """Note that the loop over plans is done with a revision; what came before it will not be repeated."""
        self._notebook.take(PLAN, revision, covers=not self._reads_intents)

    def next_intent(self) -> Intent | None:
        """Hand the next intent to the loop over intents."""
        document = self._inbox.next_intent()
        return None if document is None else Intent(document, self.answering, self.clock)

    def took_intent(self, intent_id: str, revision: int) -> None:
        """Note that the loop over intents is done with a revision."""
        self._notebook.take(intent_id, revision)

    def raise_failure(self) -> None:
        """Raise what ended the background work, if anything did."""
        if self._failure is not None:
            raise self._failure

    def _secret(self) -> str:
        return self._given() if self._token_file is None else self._token_file.read_text().strip()

    def _make_telemetry(self) -> Telemetry:
        options, room = self._options, self._options.buffer_samples
        path = f"/sites/{self._site}/telemetry"

        async def send(batch: TelemetryBatch) -> None:
            body = batch.model_dump_json().encode()
            await self._exchange.ask("POST", path, body, deadline_s=SEND_S)

        return Telemetry(
            send=send,
            batches=MemoryBatches(room)
            if self._folder is None
            else FolderBatches(self._folder, room),
            keep=options.buffer,
            clock=self.clock,
            collect_s=options.collect_s,
            back_off=self._back_off,
            on_notice=self._on_notice,
        )

    def _start_all(self) -> None:
        options, clock = self._options, self.clock
        reader = Reader(
            site=self._site,
            exchange=self._exchange,
            inbox=self._inbox,
            notebook=self._notebook,
            lease=self._lease,
            keys=None if self._verify is None else Keys(self._exchange, clock, self._verify),
            on_notice=self._on_notice,
        )
        beats = Beats(
            path=f"/sites/{self._site}/heartbeat",
            software=options.software,
            exchange=self._exchange,
            notebook=self._notebook,
            lease=self._lease,
            reader=reader,
            on_notice=self._on_notice,
        )
        self._start(
            reader.run(clock, self._back_off, options.stream_idle_s, self._opened), "reader"
        )
        self._start(beats.run(clock, options.heartbeat_s), "beats")
        self._start(self._acks.run(), "acks")
        self._start(self._telemetry.run(), "telemetry")
        self._start(self._lease.run(), "lease")

    def _opened(self) -> None:
        self._acks.retry()
        self._telemetry.retry()

    def _start(self, work: Coroutine[None, None, None], name: str) -> None:
        async def held() -> None:
            with self.clock.held():
                await work

        task = asyncio.create_task(held(), name=f"site {self._site} {name}")
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        if not task.cancelled() and task.exception() is not None and self._failure is None:
            self._failure = task.exception()
            self._inbox.bell.ring()


async def _turns() -> None:
    """Let the loop turn, so that the other end sees a closed connection before anything else happens.

    A TLS connection takes several turns to close, and what is written meanwhile is dropped without an error, its token
    with it.
    """
    loop = asyncio.get_running_loop()
    for _ in range(_TURNS):
        turn: asyncio.Future[None] = loop.create_future()
        loop.call_soon(turn.set_result, None)
        await turn


def _kept(token: str) -> Callable[[], str]:
    """Keep a token out of every attribute: whoever reports errors prints those."""

    def told() -> str:
        return token

    return told
