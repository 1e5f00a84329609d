"""The OpenAPI 3.1 document of the operator's interface, made from the route table and the models."""

import json
import re
from functools import cache
from typing import Any, Final, Literal

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from conformance.admin2b.documents import Problem
from conformance.admin2b.routes import ROUTES, Route

Document = dict[str, Any]
_PATH: Final = re.compile(r"\{(\w+)\}")
_REFUSALS: Final = {
    "400": "No usable JSON.",
    "401": "No token, or a wrong one.",
    "404": "Not there.",
    "409": "What is there does not allow it.",
    "422": "The body or the query is not what belongs here.",
    "503": "The store has failed; restart.",
}


def openapi_document() -> Document:
    """Build the document."""
    paths: dict[str, Document] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.1",
        "info": {
            "title": "gridgate-conformance: a played OpenADR 2.0b utility",
            "version": "1.0.0",
            "summary": "Events, reports, registrations and what VENs answered. A pre-test, no certification.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"token": []}],
    }


@cache
def openapi_bytes() -> bytes:
    """Return the document as it is served."""
    return json.dumps(openapi_document(), indent=2).encode()


def _schemas() -> Document:
    bodies = {route.body for route in ROUTES if route.body is not None}
    answers = {route.answer for route in ROUTES} | {Problem}
    modes: list[tuple[type[BaseModel], Literal["validation", "serialization"]]] = [
        (model, "validation") for model in sorted(bodies, key=lambda one: one.__name__)
    ]
    modes += [(model, "serialization") for model in sorted(answers, key=lambda one: one.__name__)]
    _, whole = models_json_schema(modes, ref_template="#/components/schemas/{model}")
    found: Document = whole["$defs"]
    return found


def _operation(route: Route) -> Document:
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _PATH.findall(route.path)
    ]
    parameters += [
        {
            "name": name,
            "in": "query",
            "required": False,
            "description": meaning,
            "schema": {"type": "string"},
        }
        for name, meaning in route.query.items()
    ]
    media = "application/x-ndjson" if route.lines else "application/json"
    problem = {"application/problem+json": {"schema": _reference(Problem)}}
    found: Document = {
        "operationId": route.operation,
        "summary": route.summary,
        "parameters": parameters,
        "responses": {
            str(route.success): {
                "description": "Done.",
                "content": {media: {"schema": _reference(route.answer)}},
            },
            **{
                status: {"description": meaning, "content": problem}
                for status, meaning in _REFUSALS.items()
            },
        },
    }
    if route.body is not None:
        body = {"schema": _reference(route.body)}
        found["requestBody"] = {"required": True, "content": {"application/json": body}}
    return found


def _reference(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{model.__name__}"}
