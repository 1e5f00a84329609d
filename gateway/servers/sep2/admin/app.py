"""The operator's interface over HTTP: loopback only, a token on every operation."""

from collections.abc import Mapping
from typing import Final

from aiohttp import web
from pydantic import BaseModel, ValidationError

from gateway.domain.errors import GatewayError, IdentityError, MisuseError, StoreError, WireError
from gateway.domain.ports import Clock
from gateway.servers.operator_door import JSON, LARGEST, OperatorDoor, path_of, query_of
from gateway.servers.sep2.admin.asked import Asked
from gateway.servers.sep2.admin.documents import Problem
from gateway.servers.sep2.admin.routes import ROUTES, Route, expected
from gateway.servers.sep2.utility import Sep2Utility
from gateway.transport.server import Handler, dated, guarded

PROBLEM: Final = "application/problem+json"
_WIRE: Final = {"MEDIA_TYPE": 415, "ENCODING": 415, "TOO_LARGE": 413, "SLOW_BODY": 408}


class _Door:
    """Handles the requests of one app."""

    def __init__(self, utility: Sep2Utility, clock: Clock, token: str) -> None:
        self._utility = utility
        self._door = OperatorDoor(clock, token)

    def served(self, route: Route) -> Handler:
        """Return the handler of a route."""

        async def handle(request: web.Request) -> web.StreamResponse:
            self._door.admit(request)
            asked = Asked(
                utility=self._utility,
                path=path_of(request),
                query=_query(request, route),
                body=await self._body(request, route.body),
            )
            found = await route.work(asked)
            body = found.model_dump_json().encode()
            return web.Response(status=route.success, body=body, content_type=JSON)

        return handle

    async def _body(self, request: web.Request, model: type[BaseModel] | None) -> BaseModel | None:
        if model is None:
            return None
        try:
            return await self._door.document(request, model)
        except ValidationError as error:
            first = error.errors(include_url=False, include_context=False, include_input=False)[0]
            place = "/".join(map(str, first["loc"]))
            raise WireError("INVALID_BODY", f"/{place}: {first['msg']}") from None


def _query(request: web.Request, route: Route) -> Mapping[str, str]:
    found = query_of(request)
    for name in found:
        if name not in route.query:
            known = ", ".join(route.query) or "none"
            raise WireError("INVALID_QUERY", f"no parameter {name[:40]!r}; known: {known}")
    return found


def refuse(_: web.Request, error: GatewayError) -> web.StreamResponse:
    """Turn an error into a problem document."""
    match error:
        case IdentityError():
            status = 401
        case StoreError():
            status = 503
        case MisuseError():
            status = expected(error)
        case _:
            status = _WIRE.get(error.reason, 400)
    body = Problem(reason=error.reason, detail=error.detail).model_dump_json().encode()
    return web.Response(status=status, body=body, content_type=PROBLEM)


def admin_app(utility: Sep2Utility, clock: Clock, token: str) -> web.Application:
    """Build the app; serve it with ``gateway.transport.server.listen``, on loopback.

    Args:
        utility: Does what is asked; started.
        clock: Time of deadlines and of the ``Date`` header.
        token: What every request must bear.
    """
    door = _Door(utility, clock, token)
    app = web.Application(middlewares=[guarded(refuse)], client_max_size=LARGEST)
    for route in ROUTES:
        app.router.add_route(route.method, route.path, door.served(route))
    dated(app, clock)
    return app
