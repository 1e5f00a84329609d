"""How things stand, as figures of the whole gateway: nothing here names a site."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, Gauge


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What waits to be seen or answered by somebody."""

    count: int = 0
    oldest_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreFigures:
    """What the store says."""

    unseen: Waiting = Waiting()
    """Intents that their sites have not acknowledged."""
    dead_letters: int = 0
    held: int = 0
    """Intents that wait for the operator."""
    quarantined: int = 0
    overdue_s: float = 0.0
    """How long the oldest due timer has been due."""
    heard_s: Mapping[str, float] = field(default_factory=dict)
    """Site -> seconds since its last heartbeat."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """All that is read when somebody asks for the metrics."""

    store: StoreFigures
    answers: Waiting
    """Answers to utilities that no session has taken."""
    silent: int
    """Sites whose lease ran out."""
    unheard: int
    """Sites that were never heard."""
    writable: bool
    free_bytes: int
    clock_sane: bool
    utilities_s: Mapping[str, float]
    """Utility -> seconds since its last good answer."""
    offsets_s: Mapping[str, float]
    """Utility -> how far its clock is ahead of ours."""
    certificate_days: Mapping[str, float]
    """Role of a certificate -> days until it ends."""


class StandingGauges:
    """Shows how things stand.

    Args:
        registry: Where the figures are read.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(f"gateway_{name}", text, labels, registry=registry)

        self._age = gauge("outbox_age_seconds", "Age of the oldest that waits, by kind", "kind")
        self._waiting = gauge("outbox_waiting", "How many wait, by kind", "kind")
        self._held = gauge("intents_held", "Intents that wait for the operator")
        self._dead = gauge("dead_letters", "Documents that no endpoint took in time")
        self._quarantined = gauge("quarantined_rows", "Rows that did not fit their digest")
        self._overdue = gauge("timer_overdue_seconds", "How long the oldest due timer is due")
        self._silent = gauge("sites_silent", "Sites whose lease ran out")
        self._unheard = gauge("sites_unheard", "Sites that were never heard")
        self._writable = gauge("store_writable", "1 while the store takes writes")
        self._free = gauge("store_free_bytes", "Free bytes on the store's disk")
        self._sane = gauge("clock_sane", "1 while the computer's clock can be believed")
        self._fresh = gauge(
            "utility_silent_seconds", "Seconds since a utility's last good answer", "utility"
        )
        self._offset = gauge(
            "utility_clock_offset_seconds", "How far a utility's clock is ahead of ours", "utility"
        )
        self._days = gauge("certificate_days_left", "Days until a certificate ends", "role")

    def show(self, found: Standing) -> None:
        """Set every gauge."""
        for kind, waiting in (("intent", found.store.unseen), ("answer", found.answers)):
            self._age.labels(kind).set(waiting.oldest_s)
            self._waiting.labels(kind).set(waiting.count)
        self._held.set(found.store.held)
        self._dead.set(found.store.dead_letters)
        self._quarantined.set(found.store.quarantined)
        self._overdue.set(found.store.overdue_s)
        self._silent.set(found.silent)
        self._unheard.set(found.unheard)
        self._writable.set(found.writable)
        self._free.set(found.free_bytes)
        self._sane.set(found.clock_sane)
        for gauge, values in (
            (self._fresh, found.utilities_s),
            (self._offset, found.offsets_s),
            (self._days, found.certificate_days),
        ):
            for label, value in values.items():
                gauge.labels(label).set(value)
