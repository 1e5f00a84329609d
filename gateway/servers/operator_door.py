"""What the operators' interfaces of the played utilities share: a token on every request, and strict JSON bodies."""

import hmac
from typing import Final, TypeVar

from aiohttp import web
from pydantic import BaseModel

from gateway.domain.canonical import read_json
from gateway.domain.errors import IdentityError, WireError
from gateway.domain.ports import Clock
from gateway.domain.text import clean
from gateway.transport.server import read_body

T = TypeVar("T", bound=BaseModel)
LARGEST: Final = 1 << 20
"""Bytes of a body."""
JSON: Final = "application/json"


class OperatorDoor:
    """Admits requests and reads them.

    Args:
        clock: Time of deadlines.
        token: What every request must bear.
    """

    def __init__(self, clock: Clock, token: str) -> None:
        self._clock = clock
        self._token = token.encode()

    def admit(self, request: web.Request) -> None:
        """Let an operator in.

        Raises:
            IdentityError: ``BAD_TOKEN``.
        """
        kind, _, told = request.headers.get("Authorization", "").partition(" ")
        given = told.encode(errors="surrogateescape")
        if kind.lower() != "bearer" or not hmac.compare_digest(given, self._token):
            raise IdentityError(
                "BAD_TOKEN", "send `Authorization: Bearer TOKEN` with the token printed at start"
            )

    async def document(self, request: web.Request, model: type[T]) -> T:
        """Read a body.

        Raises:
            WireError: it is no JSON, too large, or too slow.
            ValidationError: it is not as the model says.
        """
        if request.content_type != JSON:
            raise WireError("MEDIA_TYPE", f"the body must be {JSON}")
        body = await read_body(request, self._clock, LARGEST)
        read_json(body, largest=LARGEST)  # what pydantic would let pass: double keys, depth, NaN
        return model.model_validate_json(body, strict=True)


def path_of(request: web.Request) -> dict[str, str]:
    """Return the names in an address."""
    return {name: clean(part, 256) for name, part in request.match_info.items()}


def query_of(request: web.Request) -> dict[str, str]:
    """Return the parameters of a request."""
    return {name: clean(value, 1024) for name, value in request.query.items()}
