"""What the server keeps and what a door leads to: values, and the turn that carries them to the store as a whole."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from gateway.protocols.sep2._generated import model as sep


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One address and what stands there."""

    href: str
    """Path, unpredictable where it concerns somebody."""
    kind: type[sep.Resource]
    place: str = ""
    """Address of the list of which it is a member; empty: of none."""
    scope: str = ""
    """Who may see it: an LFDI (that device and its manager), the address of an assignment or program (whoever is
    assigned to it), or empty (every peer that the server knows)."""
    value: sep.Resource | None
    """None: the address may be written to and was not yet; reading it finds nothing."""
    at: datetime
    """When it came."""
    manager: str = ""
    """Of an EndDevice: LFDI of the aggregator that acts for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """One value of a meter as a device posted it; a later one of the same key takes its place."""

    mirror: str
    """mRID of the MirrorUsagePoint."""
    meter_reading: str
    """mRID of the MirrorMeterReading."""
    lfdi: str
    start: int
    """Seconds since 1970."""
    duration: int
    """Seconds; 0: an instant."""
    local_id: int
    """-1: none."""
    value: int | None
    multiplier: int
    uom: int | None
    quality: int | None
    at: datetime
    """When it was posted."""

    @property
    def key(self) -> tuple[str, str, str, int, int, int]:
        """Return what it is the value of; mRIDs are the device's own choice, so that another may use the same."""
        period = self.start, self.duration
        return self.lfdi, self.mirror, self.meter_reading, *period, self.local_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """How far one subscriber has been told: what it was told last is compared with what it would find now."""

    subscription: str
    """Address of the subscription."""
    owner: str
    """LFDI of the subscriber, through whose eyes the resource is looked at."""
    resource: str
    """What is subscribed to, as the subscriber wrote it."""
    uri: str
    """Where notifications go."""
    told: str
    """Digest of what it was told last, or found when it subscribed."""
    renewed_at: datetime
    """When it subscribed, or said that it still wants to."""
    failing_since: datetime | None = None
    """Since when nothing could be delivered; None: the last attempt succeeded."""
    ending: int = 0
    """Status of the last notification, which still waits while the subscription is gone; 0: it goes on."""
    moved_to: str = ""
    """Where the resource stands now, of an ending that tells it moved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a client is told."""

    status: int
    body: bytes = b""
    location: str = ""
    allow: str = ""
    retry_after: int = 0
    """Seconds; 0: nothing is said."""


Pair: TypeAlias = tuple[str, str]
"""A list and a member that stands in it beside its own place."""


@dataclass(slots=True, kw_only=True)
class Turn:
    """What one door led to: stored as a whole, then taken into the book, then answered."""

    at: datetime
    answer: Answer = field(default_factory=lambda: Answer(status=204))
    kept: dict[str, Kept | None] = field(default_factory=dict)
    """Address -> what stands there now; None: nothing any more."""
    members: dict[Pair, bool] = field(default_factory=dict)
    """Whether it stands there now."""
    readings: list[Posted] = field(default_factory=list)
    moves: dict[str, str] = field(default_factory=dict)
    """Former address -> present one."""
    deliveries: dict[str, Delivery | None] = field(default_factory=dict)
    """Address of a subscription -> how far it was told; None: nothing is owed any more."""
    told: str = ""
    """What an operator's door made, by its mRID or LFDI."""

    @property
    def changes(self) -> bool:
        """Say whether there is anything to store."""
        return bool(self.kept or self.members or self.readings or self.deliveries or self.moves)

    def keep(self, one: Kept) -> Kept:
        """Add or change one."""
        self.kept[one.href] = one
        return one


class RefusedError(Exception):
    """A request that is not carried out; never leaves this package, but becomes an ``Answer``.

    Args:
        status: Of HTTP.
        code: ``reasonCode`` of the body; None: without one.
        allow: Methods that the resource takes, of a 405.
        location: Where it stands now, of a 301.
    """

    def __init__(
        self, status: int, code: int | None = None, allow: str = "", location: str = ""
    ) -> None:
        super().__init__(status)
        self.location = location
        self.status = status
        self.code = code
        self.allow = allow
