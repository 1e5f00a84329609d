"""The OpenAPI 3.1 document, made from the route table and the models: JSON Schema 2020-12 goes in unchanged."""

from collections.abc import Mapping
from functools import cache
from typing import Any, Final, Literal

import orjson
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from gateway.southbound.documents import ANSWERS, IntentEvent, PlanEvent, ResetEvent
from gateway.southbound.examples import EXAMPLES
from gateway.southbound.outgoing import SENT, webhooks
from gateway.southbound.problems import MEDIA_TYPE, Problem
from gateway.southbound.routes import JSON, ROUTES, Parameter, Route

VERSION: Final = "1.0.0"
_ON_STREAM: Final = (IntentEvent, PlanEvent, ResetEvent)
_MEANING: Final = {
    200: "Done.",
    304: "Unchanged.",
    400: "No usable JSON.",
    401: "No token, or one that is not accepted.",
    403: "Outside the token's scope.",
    404: "Not there, or not yours.",
    408: "The body came too slowly.",
    409: "Not the newest revision, other content under the same key, or too late.",
    410: "The cursor is older than what is kept.",
    413: "Too large.",
    415: "Not JSON, or compressed.",
    422: "The document or the query is not what belongs here.",
    429: "Too many requests or streams.",
    500: "A fault of the gateway.",
    503: "The gateway cannot do this now.",
}
_ALWAYS: Final = (500,)
_WITH_TOKEN: Final = (401, 403, 429, 503)
_WITH_BODY: Final = (400, 408, 413, 415, 422)

Document = dict[str, Any]


def openapi_document() -> Document:
    """Build the document."""
    paths: dict[str, Document] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.1",
        "info": {
            "title": "gridgate southbound",
            "version": VERSION,
            "summary": "Intents and plans to a site; answers and telemetry back.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "webhooks": webhooks(),
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


@cache
def openapi_bytes() -> bytes:
    """Return the document as it is served: the same bytes every time."""
    return orjson.dumps(openapi_document(), option=orjson.OPT_INDENT_2)


def _schemas() -> Document:
    """Return every model once: requests as they are validated, answers as they are written."""
    written: set[type[BaseModel]] = {Problem, *_ON_STREAM, *SENT}
    written |= {route.answer for route in ROUTES if route.answer}
    modes: list[tuple[type[BaseModel], Literal["validation", "serialization"]]] = []
    bodies = {**ANSWERS, **{route.operation: route.body for route in ROUTES if route.body}}
    modes += [(model, "validation") for model in dict.fromkeys(bodies.values())]
    modes += [(model, "serialization") for model in sorted(written, key=lambda each: each.__name__)]
    _, whole = models_json_schema(modes, ref_template="#/components/schemas/{model}")
    found: Document = whole["$defs"]
    return found


def _operation(route: Route) -> Document:
    found: Document = {
        "operationId": route.operation,
        "summary": route.summary,
        "parameters": [_parameter(each) for each in route.parameters],
        "responses": _responses(route),
    }
    if route.scope is not None:
        found["security"] = [{"token": [route.scope]}]
    if route.body is not None:
        media = {"schema": _reference(route.body), **_example(route.body)}
        found["requestBody"] = {"required": True, "content": {JSON: media}}
    return found


def _parameter(parameter: Parameter) -> Document:
    return {
        "name": parameter.name,
        "in": parameter.place,
        "required": parameter.place == "path",
        "description": parameter.meaning,
        "schema": {"type": parameter.type},
    }


def _responses(route: Route) -> Document:
    statuses = {*_ALWAYS, *route.refusals}
    statuses |= set(_WITH_TOKEN) if route.scope is not None else set()
    statuses |= set(_WITH_BODY) if route.body is not None else set()
    found: Document = {"200": _success(route)}
    for status in sorted(statuses):
        found[str(status)] = _refusal(route, status)
    return found


def _success(route: Route) -> Document:
    media: Document = {}
    if route.answer is not None:
        media = {"schema": _reference(route.answer), **_example(route.answer)}
    elif route.operation == "stream":
        kinds = ", ".join(f"`{model.__name__}`" for model in _ON_STREAM)
        meaning = f"The `data` of every event is a CloudEvent: {kinds}."
        return {"description": meaning, "content": {route.media_type: {}}}
    return {"description": _MEANING[200], "content": {route.media_type: media}}


def _refusal(route: Route, status: int) -> Document:
    if status < 400:
        return {"description": _MEANING[status]}
    if route.operation == "health_ready" and status == 503:
        return {**_success(route), "description": _MEANING[status]}
    return {
        "description": _MEANING[status],
        "content": {MEDIA_TYPE: {"schema": _reference(Problem)}},
    }


def _reference(model: type[BaseModel]) -> Mapping[str, str]:
    return {"$ref": f"#/components/schemas/{model.__name__}"}


def _example(model: type[BaseModel]) -> Document:
    example = EXAMPLES.get(model)
    return {"example": example} if example is not None else {}
