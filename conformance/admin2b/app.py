"""The operator's interface over HTTP: loopback only, a token on every operation."""

from typing import Final

from aiohttp import web
from pydantic import BaseModel, ValidationError

from conformance.admin2b.bodies import Nothing
from conformance.admin2b.openapi import openapi_bytes
from conformance.admin2b.operator import Asked, Operator
from conformance.admin2b.problems import InvalidBodyError, faults_of, no_route, refuse
from conformance.admin2b.routes import ROUTES, Route
from gateway.domain.errors import WireError
from gateway.domain.ports import Clock
from gateway.servers.operator_door import JSON, LARGEST, OperatorDoor, path_of, query_of
from gateway.transport.server import Handler, dated, guarded

LINES: Final = "application/x-ndjson"


class _Door:
    """Handles the requests of one app."""

    def __init__(self, operator: Operator, clock: Clock, token: str) -> None:
        self._operator = operator
        self._door = OperatorDoor(clock, token)

    def served(self, route: Route) -> Handler:
        """Return the handler of a route."""

        async def handle(request: web.Request) -> web.StreamResponse:
            self._door.admit(request)
            asked = Asked(
                path=path_of(request),
                query=_query(request, route),
                body=await self._body(request, route.body),
            )
            found = await route.work(self._operator, asked)
            return _written(route, found)

        return handle

    async def _body(self, request: web.Request, model: type[BaseModel] | None) -> BaseModel:
        if model is None:
            return Nothing()
        try:
            return await self._door.document(request, model)
        except ValidationError as error:
            raise InvalidBodyError(faults_of(error)) from None


def _query(request: web.Request, route: Route) -> dict[str, str]:
    found = query_of(request)
    for name in found:
        if name not in route.query:
            known = ", ".join(route.query) or "none"
            raise WireError("INVALID_BODY", f"no query parameter {name[:40]!r}; known: {known}")
    return found


def _written(route: Route, found: BaseModel | list[BaseModel]) -> web.Response:
    if isinstance(found, list):
        body = b"".join(one.model_dump_json().encode() + b"\n" for one in found)
        return web.Response(body=body, content_type=LINES)
    return web.Response(
        status=route.success, body=found.model_dump_json().encode(), content_type=JSON
    )


@web.middleware
async def _unrouted(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except web.HTTPException as refusal:
        return no_route(request, refusal)


async def _openapi(_: web.Request) -> web.Response:
    return web.Response(body=openapi_bytes(), content_type=JSON)


def admin_app(operator: Operator, clock: Clock, token: str) -> web.Application:
    """Build the app; serve it with ``gateway.transport.server.listen``, on loopback.

    Args:
        operator: Does what is asked.
        clock: Time of deadlines and of the ``Date`` header.
        token: What every request but that for the description must bear.
    """
    door = _Door(operator, clock, token)
    app = web.Application(middlewares=[_unrouted, guarded(refuse)], client_max_size=LARGEST)
    app.router.add_get("/openapi.json", _openapi)
    for route in ROUTES:
        app.router.add_route(route.method, route.path, door.served(route))
    dated(app, clock)
    return app
