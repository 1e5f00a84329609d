"""What a site sends: read with suspicion, then laid on the pipeline's desk."""

from collections.abc import Awaitable, Callable

from aiohttp import web

from gateway.domain.answers import (
    Ack,
    Commitment,
    Completion,
    Heartbeat,
    Progress,
    Rejection,
    TelemetryBatch,
)
from gateway.domain.errors import SessionError
from gateway.domain.names import IntentId, SiteId
from gateway.pipeline.records import Seen
from gateway.southbound.access import Caller, named
from gateway.southbound.bodies import A, read_answer
from gateway.southbound.documents import LeaseDocument, Stored
from gateway.southbound.parts import Parts

STORED = Stored().model_dump_json().encode()


class Answers:
    """Handlers of everything that a site posts; each may be repeated without a second effect.

    Args:
        parts: What the app stands on.
    """

    def __init__(self, parts: Parts) -> None:
        self._desk = parts.desk
        self._clock = parts.clock

    async def ack(self, request: web.Request, caller: Caller) -> web.Response:
        """Take an acknowledgement."""
        return await self._of_intent(request, Ack, self._desk.acknowledge, caller)

    async def commitment(self, request: web.Request, caller: Caller) -> web.Response:
        """Take in, out or partial."""
        return await self._of_intent(request, Commitment, self._desk.commit, caller)

    async def rejection(self, request: web.Request, caller: Caller) -> web.Response:
        """Take a refusal."""
        return await self._of_intent(request, Rejection, self._desk.reject, caller)

    async def progress(self, request: web.Request, caller: Caller) -> web.Response:
        """Take a report on how it goes."""
        return await self._of_intent(request, Progress, self._desk.progress, caller)

    async def completion(self, request: web.Request, caller: Caller) -> web.Response:
        """Take the site's own account."""
        return await self._of_intent(request, Completion, self._desk.complete, caller)

    async def telemetry(self, request: web.Request, caller: Caller) -> web.Response:
        """Take a batch of samples."""
        batch = await read_answer(request, self._clock, TelemetryBatch)
        return _stored(await self._desk.telemetry(caller.site, batch))

    async def heartbeat(self, request: web.Request, caller: Caller) -> web.Response:
        """Renew the lease."""
        heartbeat = await read_answer(request, self._clock, Heartbeat)
        lease = await self._desk.heartbeat(caller.site, heartbeat)
        document = LeaseDocument(
            lease_s=lease.lease_s,
            plan_revision=lease.plan_revision,
            server_time=lease.server_time,
            wanted=lease.wanted,
            void=lease.void,
        )
        return _json(document.model_dump_json().encode())

    async def _of_intent(
        self,
        request: web.Request,
        model: type[A],
        take: Callable[[SiteId, IntentId, A], Awaitable[Seen]],
        caller: Caller,
    ) -> web.Response:
        # The body is read before the id is looked at: a bad body is told the same way for everybody's intents.
        answer = await read_answer(request, self._clock, model)
        return _stored(await take(caller.site, IntentId(named(request, "intent")), answer))


def _stored(seen: Seen) -> web.Response:
    if seen is Seen.CONFLICT:
        raise SessionError("CONFLICT", "this key is known with other content")
    return _json(STORED)


def _json(body: bytes) -> web.Response:
    return web.Response(
        body=body, content_type="application/json", headers={"Cache-Control": "no-store"}
    )
