"""What happens between the gateway and utilities, counted; the registry is handed in, nothing is global."""

from collections.abc import Awaitable, Callable
from itertools import product

from prometheus_client import CollectorRegistry, Counter, Gauge

from gateway.domain.errors import TransportError
from gateway.domain.guard import Outside, Rule
from gateway.observability.tls_causes import CAUSES, tls_cause
from gateway.pipeline.inbound import Effect
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

        self._retries = Counter(
            "gateway_retries",
            "Requests to a utility that followed a failed one of the same service",
            ["utility"],
            registry=registry,
        )
        self._tls = Counter(
            "gateway_tls_failures",
            "Handshakes with utilities that failed, by cause",
            ["utility", "cause"],
            registry=registry,
        )
        self._effects = Counter(
            "gateway_events",
            "Versions of events that came in, by what they led to",
            ["effect"],
            registry=registry,
        )
        self._guard = Counter(
            "gateway_guard_findings",
            "Requests that an operator's envelope clipped or held, by rule and action",
            ["rule", "action"],
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
        self._begin()

    def _begin(self) -> None:
        """Make what has no room above, and let series begin: one that begins with its first count shows no increase."""
        self._unproven = Counter(
            "gateway_messages_unproven",
            "Messages of utilities that were ignored since their signature or its time is not right, by reason",
            ["utility", "reason"],
            registry=self.registry,
        )
        for effect in Effect:
            self._effects.labels(effect.value)
        for rule, action in product(Rule, Outside):
            self._guard.labels(rule.value, action.value)

    def watch(self, utility: str, failures: Callable[[], int], probing: Callable[[], bool]) -> None:
        """Show how a utility stands, read whenever somebody asks."""
        self._failures.labels(utility).set_function(failures)
        self._probing.labels(utility).set_function(probing)

    def unproven(self, utility: str) -> Callable[[str], None]:
        """Return what counts messages of a utility that are ignored, by reason."""
        return lambda reason: self._unproven.labels(utility, reason).inc()

    def count(self, what: str, *labels: str) -> None:
        """Count one thing that the pipeline tells of: ``event`` by effect, ``guard`` by rule and action."""
        {"event": self._effects, "guard": self._guard}[what].labels(*labels).inc()

    def counted(
        self, utility: str, exchange: Exchange, tap: Callable[[Message], None] | None = None
    ) -> Exchange:
        """Wrap an exchange so that each outcome counts: ``ok`` or the reason of the failure.

        Args:
            utility: Label.
            exchange: What is wrapped.
            tap: Sees every answer.
        """
        failed: set[str] = set()
        self._retries.labels(utility)
        for cause in CAUSES:
            self._tls.labels(utility, cause)

        async def counted(send: Send) -> Message:
            if send.service in failed:
                self._retries.labels(utility).inc()
            try:
                message = await exchange(send)
            except TransportError as error:
                failed.add(send.service)
                cause = tls_cause(error)
                if cause is not None:
                    self._tls.labels(utility, cause).inc()
                self._exchanges.labels(utility, send.service, error.reason).inc()
                raise
            failed.discard(send.service)
            if tap is not None:
                tap(message)
            self._exchanges.labels(utility, send.service, "ok").inc()
            return message

        return counted
