"""What the southbound app is built from, and how fast it goes."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry

from gateway.domain.names import SiteId
from gateway.domain.points import Watch, unwatched
from gateway.domain.ports import Clock, Ids, Signer
from gateway.pipeline.desk import Fence, SiteDesk
from gateway.pipeline.ports import Store
from gateway.pipeline.records import OutboxItem
from gateway.southbound.bells import Bells
from gateway.southbound.webhook.desk import WebhookDesk

Refresh = Callable[[], Awaitable[None]]


async def nothing_to_refresh() -> None:
    """Every figure is kept up to date by itself."""


def unnoted(_: OutboxItem, __: str) -> None:
    """Take no note."""


Check = Callable[[], Awaitable[str]]
"""Looks at one thing that must work; returns what is wrong in one sentence, empty when nothing is."""


def always(_: SiteId) -> bool:
    """Hold nobody back."""
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Limits in time and number; seconds of the clock."""

    ping_s: float = 15.0
    """A comment is sent on an idle stream."""
    recheck_s: float = 4.0
    """A stream's token is looked at again (a revoked one closes its streams within 5 s), and the store too."""
    write_s: float = 10.0
    """A reader that takes longer for one block is disconnected; it resumes by cursor."""
    retry_ms: int = 2000
    """What browsers wait before they reconnect."""
    page: int = 100
    """Documents read from the store at once."""
    streams: int = 8
    """Open streams and long polls per site."""
    per_s: float = 20.0
    """Queries and telemetry per second and site; answers are never refused for their number."""
    burst: int = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the app stands on; all are shared with the rest of the process."""

    store: Store
    desk: SiteDesk
    clock: Clock
    ids: Ids
    bells: Bells
    signer: Signer
    registry: CollectorRegistry
    source: str
    """URI reference of this gateway, as in every CloudEvent."""
    checks: Mapping[str, Check] = field(default_factory=dict)
    """Name -> readiness check."""
    test_mode: bool | None = None
    """Environment that tokens must name, if they name one; None: a rehearsal that takes either."""
    delivered: Callable[[OutboxItem, str], None] = unnoted
    """Is told each document that was written to its site, and on which channel."""
    refresh: Refresh = nothing_to_refresh
    """Looks up figures before they are shown."""
    pace: Pace = field(default_factory=Pace)
    fence: Fence | None = None
    """None: nobody can have a copy of this store."""
    webhooks: WebhookDesk = field(default_factory=WebhookDesk)
    """Knows the sites' own endpoints; none unless configured."""
    open: Callable[[SiteId], bool] = always
    """Says whether a site may be told what the store says; not before a restored store is complete again."""
    watch: Watch = unwatched
    """Is told the points that a request passes."""
