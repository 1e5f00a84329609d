"""What a site may ask about its own endpoints."""

import re
from typing import Final

from aiohttp import web
from pydantic import BaseModel

from gateway.domain.errors import SessionError
from gateway.pipeline.deliveries import Attempt, Endpoint
from gateway.southbound.access import Caller, named
from gateway.southbound.bodies import read_answer
from gateway.southbound.parts import Parts
from gateway.southbound.positions import number
from gateway.southbound.webhook.documents import (
    AttemptDocument,
    AttemptPage,
    Queued,
    Resend,
    WebhookDocument,
    WebhookList,
    WebhookTest,
    WebhookTested,
)
from gateway.southbound.webhook.schedule import Outcome

LARGEST_PAGE: Final = 1000
_LARGEST: Final = 2**53 - 1
_ODD: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


class Webhooks:
    """Handlers about the caller's endpoints.

    Args:
        parts: What the app stands on.
    """

    def __init__(self, parts: Parts) -> None:
        self._desk = parts.webhooks
        self._clock = parts.clock

    async def list_webhooks(self, _: web.Request, caller: Caller) -> web.Response:
        """Return the site's endpoints."""
        found = await self._desk.endpoints(caller.site)
        return _json(WebhookList(items=tuple(map(_endpoint, found))))

    async def list_attempts(self, request: web.Request, caller: Caller) -> web.Response:
        """Return attempts at one endpoint, newest first."""
        before = number(request, "before", 0, _LARGEST)
        limit = max(1, number(request, "limit", 100, LARGEST_PAGE))
        found = await self._desk.attempts(
            caller.site, named(request, "webhook"), before=before or None, limit=limit
        )
        more = str(found[-1].number) if len(found) == limit else None
        return _json(AttemptPage(items=tuple(map(_attempt, found)), next=more))

    async def test_webhook(self, request: web.Request, caller: Caller) -> web.Response:
        """Send a test event now."""
        await read_answer(request, self._clock, WebhookTest)
        result = await self._desk.test(caller.site, named(request, "webhook"))
        return _json(
            WebhookTested(
                reached=result.outcome is Outcome.DELIVERED,
                reason=result.reason,
                status=result.status,
                answer=printable(result.answer),
                detail=result.detail,
            )
        )

    async def resend_webhook(self, request: web.Request, caller: Caller) -> web.Response:
        """Send one document, or all delivered ones after a place, once more.

        Raises:
            SessionError: ``NOT_FOUND``.
        """
        wanted = await read_answer(request, self._clock, Resend)
        name = named(request, "webhook")
        if wanted.sequence is not None:
            queued = await self._desk.resend(caller.site, name, wanted.sequence)
        elif wanted.after is not None:
            queued = await self._desk.resend_since(caller.site, name, wanted.after)
        else:
            raise SessionError("NOT_FOUND", "nothing was named")
        return _json(Queued(queued=queued))


def _endpoint(found: Endpoint) -> WebhookDocument:
    return WebhookDocument(
        name=found.name,
        url=found.url,
        standing=found.standing.value,
        proof=found.proof,
        cursor=str(found.cursor),
        per_min=found.per_min,
        why=found.why,
        changed_at=found.changed_at,
    )


def _attempt(found: Attempt) -> AttemptDocument:
    return AttemptDocument(
        number=found.number,
        sequence=str(found.sequence),
        webhook_id=found.webhook_id,
        at=found.at,
        outcome=found.outcome,
        status=found.status,
        duration_ms=None if found.duration is None else round(found.duration.total_seconds() * 1e3),
        answer=printable(found.answer),
        detail=printable(found.detail.encode("utf-8", "replace")),
    )


def printable(answer: bytes) -> str:
    """Return an answer as text that every reader can take; what is no text is replaced."""
    return _ODD.sub("\ufffd", answer.decode("utf-8", "replace"))


def _json(document: BaseModel) -> web.Response:
    return web.Response(
        body=document.model_dump_json().encode(),
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )
