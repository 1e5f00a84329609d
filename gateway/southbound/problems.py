"""Refusals as problem documents (RFC 9457)."""

from collections.abc import Mapping
from typing import Final

from aiohttp import web
from pydantic import BaseModel, ConfigDict, ValidationError

from gateway.domain.errors import GatewayError, WireError
from gateway.southbound.problem_table import TABLE, listed_reason, told_detail
from gateway.southbound.trace import trace_id
from gateway.transport.server import Handler

MEDIA_TYPE: Final = "application/problem+json"
MOST_FAULTS: Final = 20
_BY_STATUS: Final = {404: "NO_ROUTE", 405: "METHOD", 413: "TOO_LARGE", 500: "INTERNAL"}


class FieldFault(BaseModel):
    """One thing wrong with a body."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pointer: str
    """JSON Pointer (RFC 6901) into the body."""
    detail: str


class Problem(BaseModel):
    """Why a request was refused, and what to do about it.

    Spec: RFC 9457, section 3.
    """

    model_config = ConfigDict(
        frozen=True, extra="ignore", json_schema_serialization_defaults_required=True
    )

    type: str
    """``urn:gridgate:problem:<slug>``."""
    title: str
    status: int
    detail: str
    instance: str
    """Path of the request."""
    code: str
    """``GG-nnnn``; never changes its meaning."""
    reason: str
    """Upper-case word."""
    fix: str
    """What to do next."""
    trace_id: str
    """Quote it when asking the operator."""
    errors: tuple[FieldFault, ...] = ()


class InvalidBodyError(WireError):
    """JSON that is not the document that belongs here.

    Args:
        faults: What is wrong, the first ``MOST_FAULTS``.
    """

    def __init__(self, faults: tuple[FieldFault, ...]) -> None:
        super().__init__("INVALID_BODY", "the body is not the document that belongs here")
        self.faults = faults


def faults_of(error: ValidationError) -> tuple[FieldFault, ...]:
    """Return what pydantic found wrong, as pointers; never the values."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return tuple(
        FieldFault(pointer=pointer(each["loc"]), detail=each["msg"][:200])
        for each in found[:MOST_FAULTS]
    )


def pointer(place: tuple[int | str, ...]) -> str:
    """Write a place in a document as a JSON Pointer (RFC 6901)."""
    return "".join("/" + str(part)[:100].replace("~", "~0").replace("/", "~1") for part in place)


def answer_error(request: web.Request, error: GatewayError) -> web.StreamResponse:
    """Answer a request with the problem that an error of the tree makes."""
    reason = listed_reason(error)
    told = error.reason if reason in ("REFUSED", "METER_DATA") else reason
    faults = error.faults if isinstance(error, InvalidBodyError) else ()
    return _answer(request, reason, told=told, detail=told_detail(error), faults=faults)


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn aiohttp's own refusals, and a 500 without a body, into problem documents."""
    try:
        answer = await handler(request)
    except web.HTTPException as refusal:
        allow = {"Allow": refusal.headers["Allow"]} if "Allow" in refusal.headers else {}
        reason = _BY_STATUS.get(refusal.status, "HTTP")
        return _answer(request, reason, detail=TABLE[reason].title, headers=allow)
    if answer.status == 500 and answer.content_type != MEDIA_TYPE:
        return _answer(request, "INTERNAL", detail=TABLE["INTERNAL"].title)
    return answer


def _answer(
    request: web.Request,
    reason: str,
    *,
    detail: str,
    told: str = "",
    faults: tuple[FieldFault, ...] = (),
    headers: Mapping[str, str] | None = None,
) -> web.Response:
    row = TABLE[reason]
    problem = Problem(
        type=f"urn:gridgate:problem:{row.slug}",
        title=row.title,
        status=row.status,
        detail=detail,
        instance=request.rel_url.raw_path[:200],
        code=row.code,
        reason=told or reason,
        fix=row.fix,
        trace_id=trace_id(request),
        errors=faults,
    )
    return web.Response(
        status=row.status,
        body=problem.model_dump_json().encode(),
        content_type=MEDIA_TYPE,
        headers={**(headers or {}), **_headers(row.status, reason)},
    )


def _headers(status: int, reason: str) -> dict[str, str]:
    found = {"Cache-Control": "no-store"}
    if status in (401, 403):
        fault = {"BAD_TOKEN": ', error="invalid_token"', "SCOPE": ', error="insufficient_scope"'}
        found["WWW-Authenticate"] = f'Bearer realm="gridgate"{fault.get(reason, "")}'
    if status in (429, 503):
        found["Retry-After"] = "1"
    return found
