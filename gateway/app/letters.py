"""What an operator wants sent once more, through the control socket, and the documents that travel."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Self

import structlog
from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from gateway.app.control import LARGEST, answered, read_document
from gateway.app.control_client import RunningGateway
from gateway.domain.errors import SessionError
from gateway.domain.names import SiteId
from gateway.domain.ports import Clock
from gateway.domain.text import Name, Text
from gateway.southbound.webhook.desk import LETTERS, Replayed, WebhookDesk
from gateway.transport.server import read_body

log = structlog.get_logger()


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Letters(_Document):
    """Dead letters by name."""

    letters: Annotated[tuple[Name, ...], Field(min_length=1, max_length=LETTERS)]


class ReplayDocument(_Document):
    """What came of one of them."""

    letter: Name
    refused: Text
    """Reason, empty when it is on its way."""
    detail: Text


class ReplayListing(_Document):
    """What came of all of them."""

    letters: tuple[ReplayDocument, ...]

    @classmethod
    def of(cls, done: Sequence[Replayed]) -> Self:
        """Write down what the desk did."""
        return cls(
            letters=tuple(
                ReplayDocument(letter=one.letter, refused=one.refused, detail=one.detail)
                for one in done
            )
        )


class ResendOrder(_Document):
    """Which documents to send again: one, or all that were delivered after a place of the stream."""

    site: Name
    endpoint: Name
    sequence: int | None = None
    after: int | None = None


class Resent(_Document):
    """So many are sent again."""

    queued: int


@dataclass(frozen=True, slots=True)
class LetterDesk:
    """Handles what an operator wants sent once more.

    Args:
        webhooks: Whose couriers send.
        clock: Bounds slow requests.
    """

    webhooks: WebhookDesk
    clock: Clock

    def routes(self) -> Sequence[web.RouteDef]:
        """Return what the control socket offers of this."""
        return [
            web.post("/deadletters/replay", self._replay),
            web.post("/deliveries/resend", self._resend),
        ]

    async def _replay(self, request: web.Request) -> web.Response:
        wanted = read_document(Letters, await read_body(request, self.clock, LARGEST))
        done = await self.webhooks.replay(wanted.letters)
        sent = sum(not one.refused for one in done)
        log.info("dead_letters_replayed", sent=sent, refused=len(done) - sent)
        return answered(ReplayListing.of(done))

    async def _resend(self, request: web.Request) -> web.Response:
        wanted = read_document(ResendOrder, await read_body(request, self.clock, LARGEST))
        queued = await resend(self.webhooks, wanted)
        log.info("deliveries_resent", site=wanted.site, endpoint=wanted.endpoint, queued=queued)
        return answered(Resent(queued=queued))


async def replay_letters(
    gateway: RunningGateway, letters: Sequence[str]
) -> tuple[ReplayDocument, ...]:
    """Ask a running gateway to send dead letters after all, as far as that is allowed."""
    wanted = Letters(letters=tuple(letters))
    return (await gateway.ask("POST", "/deadletters/replay", ReplayListing, wanted)).letters


async def resend_documents(gateway: RunningGateway, wanted: ResendOrder) -> int:
    """Ask a running gateway to send delivered documents once more; return how many."""
    return (await gateway.ask("POST", "/deliveries/resend", Resent, wanted)).queued


async def resend(desk: WebhookDesk, wanted: ResendOrder) -> int:
    """Do it.

    Raises:
        SessionError: as ``WebhookDesk.resend``; ``NOT_FOUND`` when nothing is named.
    """
    site = SiteId(wanted.site)
    if wanted.sequence is not None:
        return await desk.resend(site, wanted.endpoint, wanted.sequence)
    if wanted.after is not None:
        return await desk.resend_since(site, wanted.endpoint, wanted.after)
    raise SessionError("NOT_FOUND", "name one document, or a place to begin after")
