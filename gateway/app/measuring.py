"""What is looked up when somebody asks for the metrics, and the checks of ``/health/ready`` that need a look."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import structlog
from cryptography import x509
from prometheus_client import CollectorRegistry

from gateway.config.load import Loaded
from gateway.domain.errors import StoreError
from gateway.domain.names import SiteId, UtilityName
from gateway.domain.points import Step
from gateway.northbound.health import Health
from gateway.observability.standing import Standing, StandingGauges, StoreFigures, Waiting
from gateway.pipeline.book import Office
from gateway.pipeline.ports import Work
from gateway.store.sqlite_store import SqliteStore

KEPT: Final = timedelta(seconds=5)
"""Whoever asks more often is shown the same figures: asking must cost nothing."""
PROBE_S: Final = 5.0
LEAST_FREE: Final = 64 << 20
"""Bytes; with less on its disk the store may be full any moment."""

log = structlog.get_logger()


@dataclass
class Measuring:
    """Looks things up, at most once in five seconds.

    Args:
        office: Clock, book and store.
        store: The same store, for what the pipeline never asks.
        gauges: Where the figures are shown.
        health: What each session says of itself.
        certificates: Role -> certificate file.
        disk: Folder on the store's disk.
    """

    office: Office
    store: SqliteStore
    gauges: StandingGauges
    health: Callable[[], Mapping[UtilityName, Health]]
    certificates: Mapping[str, Path]
    disk: Path
    _read_s: float | None = field(default=None, init=False)
    _probed_s: float | None = field(default=None, init=False)
    _refusal: str = field(default="", init=False)
    _started_s: float = field(init=False)

    def __post_init__(self) -> None:
        self._started_s = self.office.clock.elapsed_s()

    async def refresh(self) -> None:
        """Show how things stand; a store that cannot be read is shown as one that takes no writes."""
        if self._fresh(self._read_s):
            return
        self._read_s = self.office.clock.elapsed_s()
        now = self.office.clock.now()
        refusal = await self.writable()
        try:
            found = await self.store.figures(now)
            answers = await self.office.store.read(lambda work: self._answers(work, now))
        except StoreError as error:
            log.error("metrics_without_store", reason=error.reason)
            found, answers, refusal = StoreFigures(), Waiting(), error.reason
        self.gauges.show(self._standing(found, answers, writable=not refusal))

    def _fresh(self, at_s: float | None) -> bool:
        elapsed_s = self.office.clock.elapsed_s()
        return at_s is not None and elapsed_s - at_s < KEPT.total_seconds()

    def _standing(self, found: StoreFigures, answers: Waiting, *, writable: bool) -> Standing:
        book, clock, health = self.office.book, self.office.clock, self.health()
        heard = {SiteId(site): age for site, age in found.heard_s.items() if site in book.sites}
        silent = [site for site, age in heard.items() if age > book.terms[site].lease_s]
        now_s, now = clock.elapsed_s(), clock.now()
        good = {name: each.last_good_s for name, each in health.items()}
        offsets = {name: each.clock_offset_s for name, each in health.items()}
        return Standing(
            store=found,
            answers=answers,
            silent=len(silent),
            unheard=len(book.sites) - len(heard),
            writable=writable,
            free_bytes=self.free_bytes(),
            clock_sane=clock.sane,
            utilities_s={
                n: now_s - (self._started_s if at is None else at) for n, at in good.items()
            },
            offsets_s={name: at for name, at in offsets.items() if at is not None},
            certificate_days=days_left(self.certificates, now),
        )

    def _answers(self, work: Work, now: datetime) -> Waiting:
        utilities = {utility for utility, _ in self.office.book.programs}
        made = [
            answer.decided_at
            for utility in utilities
            for answer in work.participations.pending(utility)
        ]
        oldest = min(made, default=now)
        return Waiting(count=len(made), oldest_s=max((now - oldest).total_seconds(), 0.0))

    def free_bytes(self) -> int:
        """Return how much room the store's disk has."""
        try:
            found = os.statvfs(self.disk)
        except OSError:
            return 0
        return found.f_bavail * found.f_frsize

    async def writable(self) -> str:
        """Say why the store takes no writes; empty when it does. One empty transaction in five seconds tells."""
        if self._fresh(self._probed_s):
            return self._refusal
        self._probed_s = self.office.clock.elapsed_s()
        self._refusal = await self._probed()
        return self._refusal

    async def _probed(self) -> str:
        if self.free_bytes() < LEAST_FREE:
            return f"less than {LEAST_FREE >> 20} MiB are free on the store's disk; make room"
        try:
            async with self.office.clock.timeout(PROBE_S):
                await self.office.store.write(_nothing, Step.OTHER)
        except StoreError as error:
            return f"the store takes no writes: {error.reason}"
        except TimeoutError:
            return f"the store did not answer within {PROBE_S:g} s"
        return ""


def make_measuring(
    loaded: Loaded,
    office: Office,
    store: SqliteStore,
    registry: CollectorRegistry,
    health: Callable[[], Mapping[UtilityName, Health]],
) -> Measuring:
    """Make it for one installation.

    Args:
        loaded: Names the certificates.
        office: Clock, book and store.
        store: The same store.
        registry: Where the figures are shown.
        health: What each session says of itself.
    """
    settings = loaded.settings
    named = {f"utility:{u.name}": u.certificate for u in settings.utility}
    named |= {f"anchor:{u.name}": u.ca for u in settings.utility}
    named["southbound"] = settings.southbound.certificate
    return Measuring(
        office=office,
        store=store,
        gauges=StandingGauges(registry),
        health=health,
        certificates={role: loaded.path(path) for role, path in named.items() if path},
        disk=store.database.path.parent,
    )


def _nothing(_: Work) -> None:
    """Take part in a transaction and change nothing."""


def days_left(certificates: Mapping[str, Path], now: datetime) -> dict[str, float]:
    """Return how many days each certificate lasts, the first to end of each file; unreadable ones last no longer."""
    found: dict[str, float] = {}
    for role, path in certificates.items():
        try:
            chain = x509.load_pem_x509_certificates(path.read_bytes())
            ends = min(each.not_valid_after_utc for each in chain)
        except (OSError, ValueError):
            found[role] = 0.0
        else:
            found[role] = (ends - now) / timedelta(days=1)
    return found
