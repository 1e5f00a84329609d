"""What the program needs of the gateway, as protocols; ``link.py`` fills them with the public client."""

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Protocol

from conformance.site.episodes import Ended, Went
from gateway.domain.answers import RejectionReason, Sample
from gateway.domain.plan import EffectivePlan


class Offer(Protocol):
    """A plan that arrived, and the way to answer the questions in it; raises as ``Link``."""

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

    Answers raise ``TransportError`` when there was no answer in time (try again) and ``SessionError`` when the gateway
    refused (do not).
    """

    def plans(self) -> AsyncIterator[Offer]:
        """Yield the newest plan, and again whenever it changes; reconnect as needed."""
        ...

    async def meter(self, samples: tuple[Sample, ...]) -> None:
        """Take the samples of one minute; they are sent in the background until the gateway has them."""
        ...

    @property
    def waiting(self) -> int:
        """Return how many batches of samples the gateway does not have yet."""
        ...

    @property
    def dropped(self) -> int:
        """Return how many samples were given up: refused, or not kept while the gateway was away."""
        ...

    async def progress(self, went: Went) -> None:
        """Say how an event goes."""
        ...

    async def completion(self, ended: Ended, actions: tuple[str, ...]) -> None:
        """Close an event from the site's side."""
        ...
