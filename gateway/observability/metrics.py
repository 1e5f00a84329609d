"""Metrics of the northbound side; the registry is handed in, nothing is global."""

from collections.abc import Awaitable, Callable

from prometheus_client import CollectorRegistry, Counter, Gauge

from gateway.domain.errors import TransportError
from gateway.protocols.actions import Message, Send

Exchange = Callable[[Send], Awaitable[Message]]


class Metrics:
    """Counts what the gateway does towards utilities.

    Args:
        registry: Where the metrics are registered and read from.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        self._exchanges = Counter(
            "gateway_exchanges",
            "Exchanges with utilities, by utility, service and outcome",
            ["utility", "service", "outcome"],
            registry=registry,
        )

        self._failures = Gauge(
            "gateway_utility_failures_in_a_row",
            "Exchanges with a utility that failed since the last good one",
            ["utility"],
            registry=registry,
        )
        self._probing = Gauge(
            "gateway_utility_probing",
            "1 while a utility is taken for down and only probed",
            ["utility"],
            registry=registry,
        )

    def watch(self, utility: str, failures: Callable[[], int], probing: Callable[[], bool]) -> None:
        """Show how a utility stands, read whenever somebody asks."""
        self._failures.labels(utility).set_function(failures)
        self._probing.labels(utility).set_function(probing)

    def counted(
        self, utility: str, exchange: Exchange, tap: Callable[[Message], None] | None = None
    ) -> Exchange:
        """Wrap an exchange so that each outcome counts: ``ok`` or the reason of the failure.

        Args:
            utility: Label.
            exchange: What is wrapped.
            tap: Sees every answer.
        """

        async def counted(send: Send) -> Message:
            try:
                message = await exchange(send)
            except TransportError as error:
                self._exchanges.labels(utility, send.service, error.reason).inc()
                raise
            if tap is not None:
                tap(message)
            self._exchanges.labels(utility, send.service, "ok").inc()
            return message

        return counted
