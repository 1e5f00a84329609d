"""The southbound interface as one aiohttp app."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from prometheus_client import CollectorRegistry, Counter

from gateway.domain.errors import StoreError
from gateway.southbound.access import Access, Caller
from gateway.southbound.answers import Answers
from gateway.southbound.fencing import fenced, look
from gateway.southbound.parts import Parts
from gateway.southbound.problems import answer_error, problems
from gateway.southbound.queries import Queries
from gateway.southbound.routes import ROUTES, Route
from gateway.southbound.service import Service
from gateway.southbound.stream import Streams
from gateway.southbound.trace import traced
from gateway.southbound.webhook.handlers import Webhooks
from gateway.transport.server import dated, guarded

Scoped = Callable[[web.Request, Caller], Awaitable[web.StreamResponse]]
Open = Callable[[web.Request], Awaitable[web.StreamResponse]]
_STATE: Final = frozenset({"list_intents", "read_intent", "read_plan"})
"""Operations that tell a site what holds."""
_DESCRIBED: Final = '</openapi.json>; rel="service-desc"'


def make_app(parts: Parts) -> web.Application:
    """Build the app; serve it with ``gateway.transport.server.listen``.

    Its shutdown ends every stream and long poll in good order.
    """
    access = Access(parts)
    app = web.Application(
        middlewares=[
            traced(parts.ids),
            _counted(parts.registry),
            problems,
            guarded(answer_error),
            *([look(parts.fence)] if parts.fence is not None else ()),
        ]
    )
    dated(app, parts.clock)
    if parts.fence is not None:
        fenced(app, parts.fence)
    scoped = _scoped_handlers(parts, access)
    public = _public_handlers(parts)
    for route in ROUTES:
        handler = (
            public[route.operation]
            if route.scope is None
            else _guarded_route(route, route.scope, scoped[route.operation], access, parts)
        )
        app.router.add_route(route.method, route.path, handler, name=route.operation)

    async def end_streams(_: web.Application) -> None:
        parts.bells.close()

    app.on_shutdown.append(end_streams)
    return app


def _scoped_handlers(parts: Parts, access: Access) -> Mapping[str, Scoped]:
    queries, answers, streams = Queries(parts, access), Answers(parts), Streams(parts, access)
    endpoints = Webhooks(parts)
    return {
        "list_intents": queries.list_intents,
        "read_intent": queries.read_intent,
        "stream": streams.stream,
        "read_plan": queries.read_plan,
        "post_ack": answers.ack,
        "post_commitment": answers.commitment,
        "post_rejection": answers.rejection,
        "post_progress": answers.progress,
        "post_completion": answers.completion,
        "post_telemetry": answers.telemetry,
        "post_heartbeat": answers.heartbeat,
        "list_webhooks": endpoints.list_webhooks,
        "list_attempts": endpoints.list_attempts,
        "test_webhook": endpoints.test_webhook,
        "resend_webhook": endpoints.resend_webhook,
        "list_statements": queries.list_statements,
        "read_statement": queries.read_statement,
    }


def _public_handlers(parts: Parts) -> Mapping[str, Open]:
    service = Service(parts)
    return {
        "read_keys": service.read_keys,
        "read_openapi": service.read_openapi,
        "health_live": service.health_live,
        "health_ready": service.health_ready,
        "read_metrics": service.read_metrics,
    }


def _guarded_route(route: Route, scope: str, handler: Scoped, access: Access, parts: Parts) -> Open:
    point = f"answer.{route.operation}.before"

    async def handle(request: web.Request) -> web.StreamResponse:
        caller = await access.caller(request, scope)
        if route.counted:
            access.count(caller)
        if route.operation in _STATE and not parts.open(caller.site):
            raise StoreError("RECOVERING", "the store was restored and is not complete again yet")
        answer = await handler(request, caller)
        if not answer.prepared:
            parts.watch(point)
        return answer

    return handle


def _counted(registry: CollectorRegistry) -> Middleware:
    """Make the middleware that counts answers by operation and status, and links to the interface's description."""
    answered = Counter(
        "gateway_southbound_requests",
        "Requests answered, by operation and status",
        ["operation", "status"],
        registry=registry,
    )

    @web.middleware
    async def count(request: web.Request, handler: Handler) -> web.StreamResponse:
        answer = await handler(request)
        operation = request.match_info.route.name or "none"
        answered.labels(operation, answer.status).inc()
        if not answer.prepared:
            answer.headers.setdefault("Link", _DESCRIBED)
        return answer

    return count
