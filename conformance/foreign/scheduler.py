"""A scheduler beside our own gateway: takes part in every event, meters, and shows what it follows."""

import asyncio
import contextlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Final

from conformance.foreign.gateway_setting import METER, SITE
from gateway.client import Intent, Refused, Site, SiteOptions
from gateway.domain.answers import Sample
from gateway.domain.intent import ComputeFlexIntent, Segment
from gateway.domain.plan import EffectivePlan, PlanSegment
from gateway.domain.ports import Clock
from gateway.domain.quantity import plain

METERED: Final = timedelta(seconds=10)
BEFORE: Final = timedelta(hours=2)
"""So long the site has metered when the VEN is first started: shares refer to what it drew."""
_AT_ONCE: Final = 100
_OVER: Final = frozenset(
    {"rejected", "completed", "settled", "cancelled", "superseded", "expired", "failed"}
)


class Scheduler:
    """One site's scheduler, by the southbound API alone.

    Args:
        url: Where sites connect.
        token: File with its token.
        clock: Time.
    """

    def __init__(self, url: str, token: Path, clock: Clock) -> None:
        self._url = url
        self._token = token
        self._clock = clock
        self._intents: dict[str, Intent] = {}
        self._plan: EffectivePlan | None = None
        self._kw = Decimal(400)
        self._meter_works = True

    def set_load(self, kw: str) -> None:
        """Have the meter show so many kilowatts."""
        self._kw = Decimal(kw)

    def set_meter(self, *, works: bool) -> None:
        """Have the meter show something, or nothing."""
        self._meter_works = works

    async def commission(self) -> None:
        """Tell what was metered before."""
        now = self._clock.now().replace(second=0, microsecond=0)
        count = BEFORE // METERED
        samples = [self._sample(now - METERED * (n + 1)) for n in reversed(range(count))]
        async with self._site() as site:
            await site.telemetry(samples)
            while site.waiting_batches:
                await self._clock.sleep_until(self._clock.now() + METERED / 50)

    async def run(self) -> None:
        """Take part in everything, and meter."""
        with self._clock.held():
            async with self._site() as site, asyncio.TaskGroup() as group:
                group.create_task(self._meter(site))
                group.create_task(self._follow(site))
                async for intent in site.intents():
                    self._intents[intent.id] = intent
                    if intent.document.status not in _OVER:
                        with contextlib.suppress(Refused):
                            await intent.commit()

    async def _follow(self, site: Site) -> None:
        with self._clock.held():
            async for plan in site.plans(at_steps=False):
                self._plan = plan.document

    def _site(self) -> Site:
        at_once = SiteOptions(collect_s=0)  # reports are due a second after their last value
        return Site(
            self._url, site=SITE, token_file=self._token, clock=self._clock, options=at_once
        )

    async def _meter(self, site: Site) -> None:
        """Tell each ten seconds."""
        clock = self._clock
        with clock.held():
            start = clock.now().replace(second=0, microsecond=0)
            while True:
                known: list[Sample] = []
                while start + METERED <= clock.now():
                    known += [self._sample(start)] if self._meter_works else []
                    start += METERED
                await site.telemetry(known)
                await clock.sleep_until(start + METERED)

    def _sample(self, start: datetime) -> Sample:
        energy = (self._kw * METERED.seconds / 3600).quantize(Decimal("0.000001"))
        return Sample(meter=METER, start=start, duration=METERED, energy_kwh=energy)

    def state(self) -> Mapping[str, str]:
        """Return what is followed now, as ``event.<id>`` = value: what the plan obeys, and what only informs."""
        now = self._clock.now()
        step = self._plan.segment_at(now) if self._plan else None
        found = {}
        for intent in self._intents.values():
            document = intent.document
            segment = _in_force(document, now)
            if segment is not None and _followed(document, segment, step):
                name = document.provenance.source_ids["eventID"]
                found[f"event.{name}"] = _value(segment)
        return found


def _in_force(document: ComputeFlexIntent, now: datetime) -> Segment | None:
    """Return the step of the first ask that holds now; None where none does, or the event was taken back."""
    over = document.cancelled_at is not None and document.cancelled_at <= now
    for each in document.asks[0].segments if document.asks and not over else ():
        if each.start <= now and (each.duration is None or now < each.start + each.duration):
            return each
    return None


def _followed(document: ComputeFlexIntent, segment: Segment, step: PlanSegment | None) -> bool:
    """Say whether the plan obeys an ask: by name, or because something tighter holds."""
    if all(ask.advisory for ask in document.asks):
        return document.status not in _OVER
    if step is None:
        return False
    asked, cap = segment.resolved_import_max_kw, step.import_max_kw
    return document.id in step.because or (asked is not None and cap is not None and cap <= asked)


def _value(segment: Segment) -> str:
    price = segment.price.amount if segment.price else segment.value
    return plain(price) if segment.level is None else str(segment.level)
