"""What the program needs of the gateway, as protocols; ``link.py`` fills them with the public client."""

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Protocol

from conformance.site.episodes import Ended, Went
from gateway.domain.answers import RejectionReason, TelemetryBatch
from gateway.domain.plan import EffectivePlan


class Offer(Protocol):
    """A plan that arrived, and the way to answer the questions in it."""

    @property
    def document(self) -> EffectivePlan:
        """The plan as published."""
        ...

    async def commit(self, kw: Decimal, actions: tuple[str, ...]) -> None:
        """Take part in every open question and promise to draw no more than ``kw``."""
        ...

    async def decline(self, reason: RejectionReason, detail: str) -> None:
        """Refuse every open question."""
        ...


class Link(Protocol):
    """The connection to the gateway.

    Sending raises ``TransportError`` when there was no answer in time (try again) and ``SessionError`` when the gateway
    refused (do not).
    """

    def plans(self) -> AsyncIterator[Offer]:
        """Yield the newest plan, and again whenever it changes; reconnect as needed."""
        ...

    async def telemetry(self, batch: TelemetryBatch) -> None:
        """Send metered samples; the same batch id twice counts once."""
        ...

    async def progress(self, went: Went) -> None:
        """Say how an event goes."""
        ...

    async def completion(self, ended: Ended, actions: tuple[str, ...]) -> None:
        """Close an event from the site's side."""
        ...
