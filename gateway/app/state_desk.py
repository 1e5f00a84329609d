"""How a running gateway stands, told through the control socket: health of each utility, and its metrics."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest
from pydantic import BaseModel, ConfigDict

from gateway.app.control import answered
from gateway.app.sessions import Sessions
from gateway.domain.names import UtilityName
from gateway.domain.ports import Clock
from gateway.domain.text import Text
from gateway.domain.timespan import Instant
from gateway.northbound.health import Health


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class UtilityState(_Document):
    """How one utility's session stands."""

    name: Text
    last_good_at: Instant | None
    last_failure: Text
    failures_in_a_row: int
    clock_offset_s: float | None
    closed: Text


class StateDocument(_Document):
    """How the gateway stands."""

    software: Text
    now: Instant
    utilities: tuple[UtilityState, ...]
    metrics: str
    """Prometheus text; names of utilities are its only labels that come from the configuration."""


@dataclass(frozen=True, slots=True)
class StateDesk:
    """Tells.

    Args:
        software: Name and version.
        clock: Stamps.
        sessions: Tells how each utility stands; None before they run.
        registry: Gives the metrics.
    """

    software: str
    clock: Clock
    sessions: Callable[[], Sessions | None]
    registry: CollectorRegistry

    def routes(self) -> Sequence[web.RouteDef]:
        """Return what the control socket offers of this."""
        return [web.get("/state", self._tell)]

    async def _tell(self, _: web.Request) -> web.Response:
        sessions = self.sessions()
        found = sessions.health().items() if sessions else ()
        utilities = tuple(_utility(name, health) for name, health in found)
        metrics = generate_latest(self.registry).decode()
        return answered(
            StateDocument(
                software=self.software,
                now=self.clock.now(),
                utilities=utilities,
                metrics=metrics,
            )
        )


def _utility(name: UtilityName, health: Health) -> UtilityState:
    return UtilityState(
        name=name,
        last_good_at=health.last_good_at,
        last_failure=health.last_failure,
        failures_in_a_row=health.failures_in_a_row,
        clock_offset_s=health.clock_offset_s,
        closed=health.closed,
    )
