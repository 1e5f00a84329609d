"""The operator's interface over HTTP: loopback only, a token on every operation."""

import hmac
from typing import Final

from aiohttp import web
from pydantic import BaseModel, ValidationError

from conformance.admin2b.bodies import Nothing
from conformance.admin2b.openapi import openapi_bytes
from conformance.admin2b.operator import Asked, Operator
from conformance.admin2b.problems import InvalidBodyError, faults_of, no_route, refuse
from conformance.admin2b.routes import ROUTES, Route
from gateway.domain.canonical import read_json
from gateway.domain.errors import IdentityError, WireError
from gateway.domain.ports import Clock
from gateway.domain.text import clean
from gateway.transport.server import Handler, dated, guarded, read_body

LARGEST: Final = 1 << 20
JSON: Final = "application/json"
LINES: Final = "application/x-ndjson"


class _Door:
    """Handles the requests of one app."""

    def __init__(self, operator: Operator, clock: Clock, token: str) -> None:
        self._operator = operator
        self._clock = clock
        self._token = token.encode()

    def served(self, route: Route) -> Handler:
        """Return the handler of a route."""

        async def handle(request: web.Request) -> web.StreamResponse:
            self._admit(request)
            asked = Asked(
                path={name: clean(part, 256) for name, part in request.match_info.items()},
                query=_query(request, route),
                body=await self._body(request, route.body),
            )
            found = await route.work(self._operator, asked)
            return _written(route, found)

        return handle

    def _admit(self, request: web.Request) -> None:
        kind, _, given = request.headers.get("Authorization", "").partition(" ")
        if kind.lower() != "bearer" or not hmac.compare_digest(given.encode(), self._token):
            raise IdentityError(
                "BAD_TOKEN", "send `Authorization: Bearer TOKEN` with the token printed at start"
            )

    async def _body(self, request: web.Request, model: type[BaseModel] | None) -> BaseModel:
        if model is None:
            return Nothing()
        if request.content_type != JSON:
            raise WireError("MEDIA_TYPE", f"the body must be {JSON}")
        body = await read_body(request, self._clock, LARGEST)
        read_json(body, largest=LARGEST)  # what pydantic would let pass: double keys, depth, NaN
        try:
            return model.model_validate_json(body, strict=True)
        except ValidationError as error:
            raise InvalidBodyError(faults_of(error)) from None


def _query(request: web.Request, route: Route) -> dict[str, str]:
    found = {name: clean(value, 1024) for name, value in request.query.items()}
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
