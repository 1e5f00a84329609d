"""Request bodies, read with suspicion: what a later layer would stumble over ends here."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final, TypeVar

import orjson
from aiohttp import web
from pydantic import ValidationError

from gateway.domain.answers import Answer, Heartbeat
from gateway.domain.canonical import MAX_SAFE_INTEGER, read_json
from gateway.domain.errors import WireError
from gateway.domain.ports import Clock
from gateway.domain.text import clean
from gateway.southbound.problems import FieldFault, InvalidBodyError, faults_of
from gateway.transport.server import read_body

LARGEST: Final = 1 << 20
ON_THE_LOOP: Final = 32 << 10
"""Larger bodies are read in a thread, so that no input occupies the loop (R-IN-6)."""
_READER: Final = ThreadPoolExecutor(1, "southbound body")
"""One thread for all of them: several would take turns at the interpreter before the loop gets one."""
MOST_VALUES: Final = 64_000
"""In one document, however deep: each costs a hundred times its bytes in memory, and a fault as much again."""
MOST_MEMBERS: Final = 2000
"""Of one object."""
MOST_KNOWN: Final = 1000
"""Intents that a heartbeat may name."""
_LONGEST_KEY: Final = 256

A = TypeVar("A", bound=Answer)


async def read_answer(request: web.Request, clock: Clock, model: type[A]) -> A:
    """Read one document.

    Raises:
        WireError: ``MEDIA_TYPE``, ``ENCODING``, ``TOO_LARGE``, ``SLOW_BODY``, ``MALFORMED_JSON``, ``DUPLICATE_KEY``,
            ``INVALID_NUMBER``, ``INVALID_TEXT`` or ``INVALID_BODY``.
    """
    if request.content_type != "application/json":
        raise WireError("MEDIA_TYPE", "the body must be application/json")
    body = await read_body(request, clock, LARGEST)
    if len(body) > ON_THE_LOOP:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(_READER, partial(parse, body, model))
    return parse(body, model)


def parse(body: bytes, model: type[A]) -> A:
    """Turn bytes into a document; raises as ``read_answer``."""
    # Counted before it is read: separators inside of texts count too, and no honest document has so many.
    if body.count(b",") + body.count(b":") > 2 * MOST_VALUES:
        raise WireError("INVALID_BODY", f"a document may have {MOST_VALUES} values")
    found = _storable(read_json(body, largest=LARGEST))
    try:
        # Strict over JSON, so that neither "3" nor true is a number; plain ``model_validate`` cannot tell them apart.
        answer = model.model_validate_json(orjson.dumps(found), strict=True)
    except ValidationError as error:
        raise InvalidBodyError(faults_of(error)) from None
    if isinstance(answer, Heartbeat) and max(len(answer.known), len(answer.answers)) > MOST_KNOWN:
        detail = f"at most {MOST_KNOWN} intents can be named"
        raise InvalidBodyError((FieldFault(pointer="/known", detail=detail),))
    return answer


def _storable(value: object) -> object:
    """Return JSON values that every store and the canonical form can hold; 3606.0 becomes 3606."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, float):
        return _number(int(value)) if value.is_integer() else value
    if isinstance(value, int):
        return _number(value)
    if isinstance(value, list):
        return [_storable(item) for item in value]
    if isinstance(value, dict):
        if len(value) > MOST_MEMBERS:
            raise WireError("INVALID_BODY", f"an object may have {MOST_MEMBERS} members")
        return {_key(key): _storable(item) for key, item in value.items()}
    return value


def _number(value: int) -> int:
    if abs(value) > MAX_SAFE_INTEGER:
        raise WireError("INVALID_NUMBER", "an integer must stay below 2^53")
    return value


def _key(key: str) -> str:
    if not key.isascii():
        raise WireError("INVALID_TEXT", "keys must be ASCII")
    return clean(key, _LONGEST_KEY)
