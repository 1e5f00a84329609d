"""The operator's door of a running gateway: JSON over HTTP on a UNIX socket that only its owner can open.

Who may open the socket (mode 0600 under ``data_dir``) may do everything here: the file system is the access control.
"""

import contextlib
import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar

import structlog
from aiohttp import web
from pydantic import BaseModel, ConfigDict, ValidationError

from gateway.app.token_desk import NewToken, TokenDesk, TokenDocument
from gateway.domain.errors import (
    ConfigError,
    GatewayError,
    SessionError,
    StoreError,
    WireError,
)
from gateway.domain.ports import Clock
from gateway.domain.text import Name
from gateway.transport.server import guarded, read_body

SOCKET: Final = "control.sock"
LARGEST: Final = 64 << 10
_LONGEST_PATH: Final = 100
"""The address of a UNIX socket has 108 bytes on Linux, 104 elsewhere."""

log = structlog.get_logger()


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Secret(_Document):
    """A fresh token, shown once."""

    token: str


class TokenName(_Document):
    """Which token."""

    name: Name


class TokenListing(_Document):
    """Every token."""

    tokens: tuple[TokenDocument, ...]


class Refusal(_Document):
    """Why something was not done."""

    reason: str
    detail: str


_STATUS: Final[tuple[tuple[type[GatewayError], int], ...]] = (
    (SessionError, 409),
    (WireError, 400),
    (StoreError, 503),
    (GatewayError, 500),
)
ERRORS: Final[dict[int, type[GatewayError]]] = {
    status: kind for kind, status in _STATUS if kind is not GatewayError
}
"""Status -> the error that it stands for, for whoever asked."""

M = TypeVar("M", bound=BaseModel)


@dataclass
class Control:
    """Listens for the operator.

    Args:
        folder: ``data_dir``.
        desk: Does the work.
        clock: Bounds slow requests.
        more: Routes of other desks.
    """

    folder: Path
    desk: TokenDesk
    clock: Clock
    more: Sequence[web.RouteDef] = ()
    _runner: web.AppRunner | None = field(default=None, init=False)
    _inode: int = field(default=0, init=False)

    @property
    def path(self) -> Path:
        """Where the socket lies."""
        return self.folder / SOCKET

    async def start(self) -> None:
        """Listen; a folder too deep for a socket's address leaves the gateway without this door, and says so.

        Raises:
            ConfigError: another gateway listens there, or the socket cannot be made.
        """
        if len(os.fsencode(self.path)) > _LONGEST_PATH:
            log.warning("control_off", why="the path is too long for a socket", path=str(self.path))
            return
        try:
            listening = _bound(self.path)
            self._inode = self.path.stat().st_ino
        except OSError as error:
            fix = "[gateway] data_dir must lie on a local file system that this user may write"
            raise ConfigError((f"{self.path}: {error.strerror}; {fix}",), "DATA_DIR") from None
        app = web.Application(middlewares=[guarded(_refused)], client_max_size=LARGEST)
        app.add_routes(
            [
                web.get("/tokens", self._list),
                web.post("/tokens", self._create),
                web.post("/tokens/revoke", self._revoke),
                *self.more,
            ]
        )
        self._runner = web.AppRunner(
            app, handle_signals=False, access_log=None, shutdown_timeout=2.0
        )
        await self._runner.setup()
        await web.SockSite(self._runner, listening).start()

    async def stop(self) -> None:
        """Take the socket away, finish what was begun; safe to repeat."""
        runner, self._runner = self._runner, None
        if runner is None:
            return
        with contextlib.suppress(FileNotFoundError):
            if self.path.stat().st_ino == self._inode:
                self.path.unlink()
        await runner.cleanup()

    async def _list(self, _: web.Request) -> web.Response:
        return answered(TokenListing(tokens=await self.desk.all()))

    async def _create(self, request: web.Request) -> web.Response:
        wanted = read_document(NewToken, await read_body(request, self.clock, LARGEST))
        secret = await self.desk.create(wanted)
        log.info("token_created", name=wanted.name, site=wanted.site, scopes=wanted.scopes)
        return answered(Secret(token=secret), 201)

    async def _revoke(self, request: web.Request) -> web.Response:
        named = read_document(TokenName, await read_body(request, self.clock, LARGEST))
        await self.desk.revoke(named.name)
        log.info("token_revoked", name=named.name)
        return answered(named)


def _bound(path: Path) -> socket.socket:
    """Bind the socket, in the place of one that a killed gateway left behind."""
    if path.is_socket():
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(str(path))
            except ConnectionRefusedError:
                path.unlink()
            else:
                fix = "stop it, or give this one a data_dir of its own"
                raise ConfigError((f"{path}: another gateway listens there; {fix}",), "DATA_DIR")
    listening = socket.socket(socket.AF_UNIX)
    mask = os.umask(0o177)  # before it exists: there must be no moment in which others can connect
    try:
        listening.bind(str(path))
    except OSError:
        listening.close()
        raise
    finally:
        os.umask(mask)
    return listening


def read_document(model: type[M], body: bytes) -> M:
    """Read what the operator's command sent.

    Raises:
        WireError: ``INVALID_BODY``.
    """
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(map(str, fault["loc"])) or "the body"
        raise WireError("INVALID_BODY", f"{where}: {fault['msg']}") from None


def answered(document: BaseModel, status: int = 200) -> web.Response:
    """Answer with a document."""
    return web.Response(
        text=document.model_dump_json(), content_type="application/json", status=status
    )


def _refused(request: web.Request, error: GatewayError) -> web.StreamResponse:
    status = next(status for kind, status in _STATUS if isinstance(error, kind))
    log.info("control_refused", route=request.path, reason=error.reason)
    return answered(Refusal(reason=error.reason, detail=error.detail), status)
