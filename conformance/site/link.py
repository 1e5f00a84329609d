"""The link to the gateway: the public client, as the program needs it."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from ssl import SSLContext
from typing import Final, TypeVar

from conformance.site.episodes import Ended, Went
from gateway.client import Intent, Plan, Refused, Site, SiteOptions
from gateway.domain.answers import RejectionReason, Sample
from gateway.domain.errors import SessionError, TransportError
from gateway.domain.intent import FailSafe
from gateway.domain.plan import EffectivePlan
from gateway.domain.ports import Clock

T = TypeVar("T")

log = logging.getLogger(__name__)

SOFTWARE: Final = "gridgate-reference-site/1"
_PATIENCE_S: Final = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkOptions:
    """Where the gateway is and how it is reached; seconds are of the program's clock."""

    url: str
    """Ending in ``/v1``."""
    site: str
    token: str = ""
    token_file: Path | None = None
    """Instead of ``token``."""
    tls: SSLContext | None = None
    buffer_dir: Path | None = None
    """Keeps samples over a restart of this program; None: in memory."""
    client: SiteOptions = field(default_factory=SiteOptions)


def client_options(
    factor: float = 1.0, *, heartbeat_s: float = 15.0, buffered: bool = True
) -> SiteOptions:
    """Return how the client behaves on a timeline that runs ``factor`` times as fast as the wall's.

    Waits are stretched so that a gateway on the same machine still gets 0.2 s between attempts and 5 s for an answer,
    however fast the timeline runs. A minute's samples go out at once, in a batch of their own.
    """
    return SiteOptions(
        heartbeat_s=heartbeat_s,
        stream_idle_s=max(45.0, 10 * factor),
        back_off_s=max(0.5, 0.2 * factor),
        back_off_cap_s=max(30.0, 2 * factor),
        answer_s=max(30.0, 5 * factor),
        collect_s=0.0,
        buffer=buffered,
        software=SOFTWARE,
    )


@dataclass(frozen=True, slots=True)
class PlanOffer:
    """A plan of the client."""

    plan: Plan

    @property
    def document(self) -> EffectivePlan:
        """The plan as published."""
        return self.plan.document

    async def commit(self, kw: Decimal, actions: tuple[str, ...]) -> None:
        """Take part in every open question."""
        await _told(self.plan.commit(kw=kw, actions=actions))

    async def decline(self, reason: RejectionReason, detail: str) -> None:
        """Refuse every open question."""
        await _told(self.plan.decline(reason, detail))


class SiteLink:
    """One connection of the client.

    Args:
        site: Entered already.
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        self._intents: dict[str, Intent] = {}

    async def plans(self) -> AsyncIterator[PlanOffer]:
        """Yield the newest plan, and again whenever it changes."""
        async for plan in self._site.plans(at_steps=False):
            yield PlanOffer(plan)

    async def meter(self, samples: tuple[Sample, ...]) -> None:
        """Take the samples of one minute."""
        await self._site.telemetry(samples)

    @property
    def waiting(self) -> int:
        """Return how many batches of samples the gateway does not have yet."""
        return self._site.waiting_batches

    @property
    def dropped(self) -> int:
        """Return how many samples were given up."""
        return self._site.dropped_samples

    async def progress(self, went: Went) -> None:
        """Say how an event goes."""
        await self._about(
            went.intent,
            lambda intent: intent.progress(
                went.state,
                measured_kw=went.measured_kw,
                target_kw=went.target_kw,
                jobs_paused=went.jobs_paused,
                jobs_capped=went.jobs_capped,
            ),
        )

    async def completion(self, ended: Ended, actions: tuple[str, ...]) -> None:
        """Close an event from the site's side."""
        await self._about(
            ended.intent,
            lambda intent: intent.complete(
                delivered_kwh=ended.delivered_kwh,
                recovered_at=ended.recovered_at,
                lost_work=ended.lost_work,
                actions=actions,
            ),
        )

    async def read_intents(self) -> None:
        """Keep the newest revision of every intent, for ever: what is said about an event names one."""
        with self._site.clock.held():
            async for intent in self._site.intents():
                self._intents[intent.id] = intent

    async def _about(self, intent_id: str, say: Callable[[Intent], Awaitable[None]]) -> None:
        intent = self._intents.get(intent_id)
        if intent is None:
            raise TransportError("UNREAD", f"intent {intent_id} has not arrived yet")
        try:
            await _told(say(intent))
        except SessionError as error:
            if error.reason != "STALE_REVISION":
                raise
            clock = self._site.clock
            await clock.sleep_until(clock.now() + timedelta(seconds=_PATIENCE_S))
            if self._intents[intent_id].revision == intent.revision:
                raise
            raise TransportError(
                "OVERTAKEN", "a newer revision has arrived: say it again"
            ) from None


async def _told(call: Awaitable[T]) -> T:
    """Await a call of the client and say of a refusal whether it may pass."""
    try:
        return await call
    except Refused as refused:
        if refused.reason == "UNREACHABLE":
            raise TransportError(refused.reason, refused.detail) from refused
        raise SessionError(refused.reason, refused.detail) from refused


@asynccontextmanager
async def connected(
    options: LinkOptions, clock: Clock, on_lease_lost: Callable[[], None]
) -> AsyncIterator[SiteLink]:
    """Connect a program to its gateway, which need not be there yet; the caller holds the clock.

    Args:
        options: Where it is.
        clock: Of the program.
        on_lease_lost: Called once whenever the gateway has been silent for a lease.
    """

    async def lost(failsafe: FailSafe | None) -> None:
        on_lease_lost()

    site = Site(
        options.url,
        site=options.site,
        token=options.token,
        token_file=options.token_file,
        buffer_dir=options.buffer_dir,
        ssl=options.tls,
        on_lease_lost=lost,
        clock=clock,
        options=options.client,
    )
    async with site:
        link = SiteLink(site)
        reader = asyncio.create_task(link.read_intents(), name=f"site {options.site} intents")
        try:
            yield link
        finally:
            reader.cancel()
            await asyncio.gather(reader, return_exceptions=True)
