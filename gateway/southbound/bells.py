"""One bell per site between the pipeline, which rings after its commit, and the streams that wait."""

from datetime import datetime

from gateway.domain.doorbell import Doorbell
from gateway.domain.names import SiteId
from gateway.domain.ports import Clock


class Bells:
    """Wakes whoever waits for a site (``Bell``); streams read the store then, nothing is queued for them.

    Args:
        clock: Makes the waiters' mailboxes.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._bells: dict[SiteId, Doorbell] = {}
        self.closed = False
        """True from ``close`` on: streams shall end."""

    def ring(self, site: SiteId) -> None:
        """Wake whoever waits for this site."""
        self._bell(site).ring()

    def rings(self, site: SiteId) -> int:
        """Return the count to wait with; read it before the store."""
        return self._bell(site).rings

    async def wait(self, site: SiteId, seen: int, until: datetime) -> int:
        """Return once the site's bell rang more often than ``seen``, at ``until`` at the latest."""
        return await self._bell(site).wait(seen, until)

    def close(self) -> None:
        """Tell every stream and long poll to end now."""
        self.closed = True
        for bell in self._bells.values():
            bell.close()

    def _bell(self, site: SiteId) -> Doorbell:
        return self._bells.setdefault(site, Doorbell(self._clock))
