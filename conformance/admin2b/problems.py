"""Refusals as problem documents: the field, what is wrong with it, and the fix."""

from typing import Final

from aiohttp import web
from pydantic import ValidationError

from conformance.admin2b.documents import FieldFault, Problem
from gateway.domain.codes.registry import row_of
from gateway.domain.errors import GatewayError, IdentityError, StoreError, WireError

MEDIA_TYPE: Final = "application/problem+json"
_FIXES: Final = {
    "missing": "add it",
    "extra_forbidden": "remove it or correct its spelling",
    "string_type": "write a text",
    "tuple_type": "write a list",
    "bool_type": "write true or false",
    "string_pattern_mismatch": "write it in the form that the detail shows",
    "greater_than_equal": "write a larger value",
    "less_than": "write a smaller value",
    "too_short": "add at least one",
    "too_long": "give fewer, or split the request",
}
_STATUS: Final = {
    "UNKNOWN_EVENT": 404,
    "UNKNOWN_VEN": 404,
    "UNKNOWN_WANT": 404,
    "UNKNOWN_OFFER": 404,
    "EVENT_EXISTS": 409,
    "EVENT_ENDED": 409,
    "EVENTS_OVERLAP": 409,
    "CHANGES_PAST": 409,
    "WANT_EXISTS": 409,
    "FINGERPRINT_TAKEN": 409,
    "MEDIA_TYPE": 415,
    "ENCODING": 415,
    "TOO_LARGE": 413,
    "SLOW_BODY": 408,
    "MALFORMED_JSON": 400,
    "DUPLICATE_KEY": 400,
}
_FIELDS: Final = {
    "EVENT_EXISTS": ("/id", "choose another id, or PUT the event to modify it"),
    "EVENTS_OVERLAP": ("/start", "choose another time or market_context"),
    "CHANGES_PAST": ("/start", "leave the start as it is, or cancel the event"),
    "WANT_EXISTS": ("/id", "choose another id, or cancel the report first"),
    "BAD_WISH": (
        "/wishes",
        "back above PT0S wants lasts (PT0S: until cancelled) and a granularity no longer than back",
    ),
    "FINGERPRINT_TAKEN": ("/fingerprints", "take it off the other VEN first"),
    "TOO_MANY_VENS": ("/target/ven", "name one VEN; use vens for the audience"),
    "UNKNOWN_OFFER": ("/values", "PUT the report to /v1/own-reports first"),
    "NOT_RECOGNIZED": ("/signals", "use a well-known name, or one that begins with x-"),
    "COMPLIANCE": ("/signals", "follow the rule that the detail names, or set unchecked"),
    "INVALID_DATA": ("/signals", "follow the rule that the detail names, or set unchecked"),
}

_WAYS: Final = {
    "BAD_TOKEN": "take the token from the line `listening`; without --admin-token-file each start draws one",
}


class InvalidBodyError(WireError):
    """JSON that is not the document that belongs here.

    Args:
        faults: What is wrong.
    """

    def __init__(self, faults: tuple[FieldFault, ...]) -> None:
        super().__init__("INVALID_BODY", "the body is not the document that belongs here")
        self.faults = faults


def faults_of(error: ValidationError) -> tuple[FieldFault, ...]:
    """Return what pydantic found wrong, as pointers with a fix each; never the values."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return tuple(
        FieldFault(
            pointer="".join("/" + str(part)[:100] for part in each["loc"]),
            detail=each["msg"].removeprefix("Value error, ")[:300],
            fix=_FIXES.get(each["type"], "write it as the detail says"),
        )
        for each in found[:20]
    )


def refuse(request: web.Request, error: GatewayError) -> web.StreamResponse:
    """Answer a request with the problem that an error makes."""
    faults = error.faults if isinstance(error, InvalidBodyError) else ()
    field = _FIELDS.get(error.reason)
    if field is not None and not faults:
        faults = (FieldFault(pointer=field[0], detail=error.detail, fix=field[1]),)
    row = row_of(error)
    problem = Problem(
        type=f"urn:gridgate:problem:{error.reason.lower().replace('_', '-')}",
        title=row.title,
        status=_status(error),
        detail=error.detail,
        instance=request.rel_url.raw_path[:200],
        code=row.code,
        reason=error.reason,
        fix=field[1] if field is not None else _WAYS.get(error.reason, row.fix),
        errors=faults,
    )
    return _answer(problem)


def _status(error: GatewayError) -> int:
    if isinstance(error, StoreError):
        return 503
    if isinstance(error, IdentityError):
        return 401
    return _STATUS.get(error.reason, 422)


def _answer(problem: Problem) -> web.Response:
    headers = {"Cache-Control": "no-store"}
    if problem.status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="gridgate-conformance"'
    return web.Response(
        status=problem.status,
        body=problem.model_dump_json().encode(),
        content_type=MEDIA_TYPE,
        headers=headers,
    )


def no_route(request: web.Request, refusal: web.HTTPException) -> web.Response:
    """Answer what no route takes."""
    return _answer(
        Problem(
            type="urn:gridgate:problem:no-route",
            title="No such operation",
            status=refusal.status,
            detail=f"{request.method[:16]} is not served at this path",
            instance=request.rel_url.raw_path[:200],
            code="GG-4043",
            reason="NO_ROUTE",
            fix="GET /openapi.json lists every path and method",
        )
    )
