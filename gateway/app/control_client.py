"""Asks a running gateway through its control socket."""

import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

import aiohttp
from pydantic import BaseModel, ValidationError

from gateway.app.control import ERRORS, SOCKET, Refusal, Secret, TokenListing, TokenName
from gateway.app.token_desk import NewToken, TokenDocument
from gateway.domain.errors import MisuseError, TransportError

PATIENCE_S: Final = 10.0
"""A running gateway answers in milliseconds; one that hangs or was halted never does."""

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class RunningGateway:
    """See ``gateway.app.token_desk.TokenDesk``; every method raises ``TransportError`` when no answer comes."""

    http: aiohttp.ClientSession

    async def create(self, wanted: NewToken) -> str:
        """Make a token."""
        return (await self.ask("POST", "/tokens", Secret, wanted)).token

    async def all(self) -> tuple[TokenDocument, ...]:
        """List every token."""
        return (await self.ask("GET", "/tokens", TokenListing)).tokens

    async def revoke(self, name: str) -> None:
        """Revoke a token."""
        await self.ask("POST", "/tokens/revoke", TokenName, TokenName(name=name))

    async def ask(
        self,
        method: str,
        path: str,
        answer: type[M],
        body: BaseModel | None = None,
        *,
        patience_s: float = PATIENCE_S,
    ) -> M:
        """Ask for one document.

        Raises:
            GatewayError: what the gateway refused with.
        """
        text = body.model_dump_json() if body else None
        try:
            limit = aiohttp.ClientTimeout(total=patience_s)
            async with self.http.request(
                method, f"http://gateway{path}", data=text, timeout=limit
            ) as response:
                status, found = response.status, await response.read()
        except TimeoutError:
            detail = f"the gateway did not answer within {patience_s:g} s; does it hang?"
            raise TransportError("NO_ANSWER", detail) from None
        except aiohttp.ClientError as error:
            detail = f"the gateway broke off ({type(error).__name__}); is it stopping? try again"
            raise TransportError("BROKEN_OFF", detail) from None
        try:
            if status < 400:
                return answer.model_validate_json(found)
            refusal = Refusal.model_validate_json(found)
        except ValidationError:
            detail = f"the gateway answered {status} in words of another version; use its gridgate"
            raise TransportError("OTHER_VERSION", detail) from None
        raise ERRORS.get(status, MisuseError)(refusal.reason, refusal.detail)


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[RunningGateway | None]:
    """Reach the gateway that runs on a ``data_dir``; None when none does.

    Raises:
        TransportError: ``NOT_ALLOWED`` when one may run, but for another user.
    """
    path = folder / SOCKET
    connector = aiohttp.UnixConnector(str(path))
    timeout = aiohttp.ClientTimeout(total=PATIENCE_S)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as http:
        yield RunningGateway(http) if await _listens(path, http) else None


async def _listens(path: Path, http: aiohttp.ClientSession) -> bool:
    if not _is_socket(path):
        return False
    try:
        async with http.get("http://gateway/") as response:
            await response.read()
    except aiohttp.ClientConnectorError as error:
        if isinstance(error.os_error, PermissionError):
            raise _not_allowed(path) from None
        return False  # a killed gateway leaves its socket behind
    except (TimeoutError, aiohttp.ClientError):
        return True  # something listens; what is wrong is told by the request itself
    return True


def _is_socket(path: Path) -> bool:
    try:
        return stat.S_ISSOCK(path.stat().st_mode)
    except PermissionError:
        raise _not_allowed(path) from None
    except OSError:
        return False


def _not_allowed(path: Path) -> TransportError:
    return TransportError("NOT_ALLOWED", f"{path} belongs to another user; run this as that user")
