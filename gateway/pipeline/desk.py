"""What the southbound side asks of the rest: a desk for a site's answers, a bell for its streams, a fencing number."""

from typing import Protocol

from gateway.domain.answers import (
    Ack,
    Commitment,
    Completion,
    Heartbeat,
    Progress,
    Rejection,
    TelemetryBatch,
)
from gateway.domain.names import IntentId, SiteId
from gateway.pipeline.records import Lease, Seen


class SiteDesk(Protocol):
    """Where a site's answers arrive; every call is safe to repeat.

    All raise ``SessionError``: NOT_FOUND (no such intent *at this site*), STALE_REVISION (an answer to an older
    revision), CONFLICT (same key, other content), TOO_LATE (the event is over or cancelled), REFUSED (held for the
    operator); and ``StoreError``.
    """

    async def acknowledge(self, site: SiteId, intent: IntentId, ack: Ack) -> Seen:
        """Note that the site has seen a revision; ack is not opt."""
        ...

    async def commit(self, site: SiteId, intent: IntentId, commitment: Commitment) -> Seen:
        """Take the site's in, out or partial, and send the answer on to the utility."""
        ...

    async def reject(self, site: SiteId, intent: IntentId, rejection: Rejection) -> Seen:
        """Take the site's refusal with its reason."""
        ...

    async def progress(self, site: SiteId, intent: IntentId, progress: Progress) -> Seen:
        """Take a report on how it goes."""
        ...

    async def complete(self, site: SiteId, intent: IntentId, completion: Completion) -> Seen:
        """Take the site's own account of a finished event."""
        ...

    async def telemetry(self, site: SiteId, batch: TelemetryBatch) -> Seen:
        """Store a batch once by its id."""
        ...

    async def heartbeat(self, site: SiteId, heartbeat: Heartbeat) -> Lease:
        """Renew the site's lease; after a restore, learn what the site knows."""
        ...


class Fence(Protocol):
    """This gateway's fencing number, told to every site (``gateway.domain.fence``)."""

    @property
    def text(self) -> str:
        """Return it as it goes on every answer."""
        ...

    @property
    def stopped(self) -> bool:
        """Say whether another gateway goes on instead of this one."""
        ...

    def heard(self, header: str) -> None:
        """Take what a site repeats; a higher number stops this gateway."""
        ...


class Bell(Protocol):
    """Tells streams that something new waits for a site; called after the commit."""

    def ring(self, site: SiteId) -> None:
        """Wake whoever waits for this site."""
        ...
