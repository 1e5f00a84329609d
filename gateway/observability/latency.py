"""From the utility's bytes to the intent on a site's stream."""

from datetime import datetime, timedelta
from typing import Final

import orjson
from prometheus_client import CollectorRegistry, Histogram

from gateway.domain.errors import WireError
from gateway.domain.timespan import instant
from gateway.pipeline.records import OutboxItem

FRESH: Final = timedelta(seconds=60)
"""An intent that is issued so soon after its event came in was made by it; else by an operator, a cancellation …"""


class EventToSite:
    """Measures each intent once, when it is first written to its site.

    Args:
        registry: Where the figures are read.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._took = Histogram(
            "gateway_event_to_site_seconds",
            "From the event's bytes to the intent written at its site",
            buckets=(0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300),
            registry=registry,
        )
        self._newest: dict[str, int] = {}

    def written(self, item: OutboxItem, now: datetime) -> None:
        """Take note of a document that was just written; what a site has seen before does not count."""
        newest = self._newest.get(item.site, 0)
        self._newest[item.site] = max(newest, item.sequence)
        if item.kind != "intent" or item.acked_at is not None or item.sequence <= newest:
            return
        received = _received(item)
        if received is not None:
            self._took.observe(max((now - received).total_seconds(), 0.0))


def _received(item: OutboxItem) -> datetime | None:
    """Return when the event came in; None for a document that does not say so: a figure may never stop a stream."""
    try:
        data = orjson.loads(item.body)["data"]
        issued, received = instant(data["issued_at"]), instant(data["received_at"])
    except (ValueError, LookupError, TypeError, WireError):
        return None
    return received if timedelta(0) <= issued - received <= FRESH else issued
