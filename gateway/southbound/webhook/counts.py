"""Figures of all endpoints together; no site has a name in a label."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram


class Counts:
    """What the couriers count.

    Args:
        registry: Where the figures are read.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self.attempts = Counter(
            "gateway_webhook_attempts",
            "Attempts to reach endpoints, by outcome",
            ["outcome"],
            registry=registry,
        )
        self.dead = Counter(
            "gateway_webhook_dead_letters", "Documents that became dead letters", registry=registry
        )
        self.gone = Counter(
            "gateway_webhook_gone",
            "Answers 410 of endpoints that say they are gone",
            registry=registry,
        )
        self.disabled = Gauge(
            "gateway_webhook_endpoints_disabled", "Endpoints that are not tried", registry=registry
        )
        self.took = Histogram(
            "gateway_webhook_delivery_seconds",
            "From a document's making to its delivery",
            buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300, 3600),
            registry=registry,
        )
