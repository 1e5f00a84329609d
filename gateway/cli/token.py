"""``gridgate token``: through the gateway that runs, or on its store while none does."""

import contextlib
import json
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import typer
from pydantic import ValidationError

from gateway.app.access import looking, writing
from gateway.app.bootstrap import data_dir
from gateway.app.control_client import running
from gateway.app.ids import SystemIds
from gateway.app.token_desk import NewToken, StoreDesk, TokenDesk, TokenDocument
from gateway.cli.ending import Exit
from gateway.cli.finish import finish
from gateway.cli.show import require_site
from gateway.cli.table import short_local, shown, table
from gateway.client.clock import SystemClock
from gateway.config.load import Loaded, load
from gateway.domain.errors import ConfigError, SessionError, WireError
from gateway.domain.text import clean
from gateway.southbound.tokens import LONGEST_NAME, SCOPES


def create(config: Path, name: str, site: str, scopes: tuple[str, ...], out: Path | None) -> int:
    """Make a token and show it once: on stdout, or in a new file that only its owner may read.

    Raises:
        ConfigError: the file has faults, or the arguments have.
        SessionError: ``NOT_FOUND`` for an unknown site, ``CONFLICT`` when the name is taken.
        StoreError: the store cannot be used, or is held by a gateway without a control socket.
    """
    loaded = load(config)
    wanted = _wanted(name, site, scopes)
    require_site(loaded, site)
    with _shown_once(out) as show:
        show(finish(_create(loaded, wanted)))
    typer.echo(f"token {shown(name)} of site {site}; it is not shown again", err=True)
    return Exit.OK


def _wanted(name: str, site: str, scopes: tuple[str, ...]) -> NewToken:
    faults = []
    try:
        clean(name, LONGEST_NAME)
    except WireError as error:
        faults.append(f"NAME: {error.detail}")
    if not name.strip():
        faults.append("NAME: is empty; by it the token is listed and revoked")
    unknown = [shown(scope) for scope in scopes if scope not in SCOPES]
    if unknown:
        faults.append(
            f"--scopes: no such scope {', '.join(unknown)}; choose from {','.join(SCOPES)}"
        )
    if faults:
        raise ConfigError(tuple(faults), "ARGUMENT")
    try:
        return NewToken(name=name, site=site, scopes=scopes)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        raise ConfigError((f"--{fault['loc'][0]}: {fault['msg']}",), "ARGUMENT") from None


async def _create(loaded: Loaded, wanted: NewToken) -> str:
    async with _desk(loaded) as desk:
        return await desk.create(wanted)


class _Shown:
    """Shows a secret on stdout."""

    def __call__(self, secret: str) -> None:
        typer.echo(secret)


@contextlib.contextmanager
def _shown_once(out: Path | None) -> Iterator["_Shown | _Kept"]:
    """Make sure that the secret will have a place before it is made."""
    if out is None:
        yield _Shown()
        return
    try:
        descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        fix = "choose another file; nothing is overwritten"
        raise ConfigError((f"--out {out}: {error.strerror}; {fix}",), "ARGUMENT") from None
    kept = _Kept(descriptor)
    try:
        yield kept
    finally:
        os.close(descriptor)
        if not kept.written:
            out.unlink()


class _Kept:
    """Writes a secret into a file that is open already."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.written = False

    def __call__(self, secret: str) -> None:
        os.write(self._descriptor, secret.encode())
        os.fsync(self._descriptor)
        self.written = True


def listing(config: Path, as_json: bool) -> int:  # noqa: FBT001 - the CLI passes it by name
    """List tokens, revoked ones too.

    Raises:
        ConfigError: the file has faults.
        StoreError: there is no store, or it cannot be read.
    """
    loaded = load(config)
    tokens = finish(_all(loaded))
    if as_json:
        document = {"tokens": [token.model_dump(mode="json") for token in tokens]}
        typer.echo(json.dumps(document, indent=2))
    else:
        typer.echo("\n".join(_lines(loaded, tokens)))
    return Exit.OK


async def _all(loaded: Loaded) -> tuple[TokenDocument, ...]:
    async with running(data_dir(loaded)) as gateway:
        if gateway is not None:
            return await gateway.all()
    # Listing changes nothing, so it must not make a store where there is none, nor take a gateway's lock.
    async with looking(loaded) as store:
        return await StoreDesk(store, SystemIds(), SystemClock(), ()).all()


def _lines(loaded: Loaded, tokens: tuple[TokenDocument, ...]) -> list[str]:
    if not tokens:
        return ["no tokens yet; `gridgate token create NAME --site SITE` makes one"]
    zone = loaded.settings.gateway.timezone
    rows = [
        (
            token.name,
            token.site,
            short_local(token.created_at, zone),
            f"revoked {short_local(token.revoked_at, zone)}" if token.revoked_at else "in force",
            ",".join(token.scopes),
        )
        for token in tokens
    ]
    return table(("NAME", "SITE", "CREATED", "STATE", "SCOPES"), rows)


def revoke(config: Path, name: str) -> int:
    """Revoke a token.

    Raises:
        SessionError: ``NOT_FOUND`` when there is no such token in force.
        ConfigError: the file has faults.
        StoreError: the store cannot be used, or is held by a gateway without a control socket.
    """
    loaded = load(config)
    try:
        clean(name, LONGEST_NAME)
    except WireError:
        raise SessionError("NOT_FOUND", "there is no token of that name") from None
    finish(_revoke(loaded, name))
    typer.echo(f"token {shown(name)} is revoked")
    return Exit.OK


async def _revoke(loaded: Loaded, name: str) -> None:
    async with _desk(loaded, there=True) as desk:
        await desk.revoke(name)


@asynccontextmanager
async def _desk(loaded: Loaded, *, there: bool = False) -> AsyncIterator[TokenDesk]:
    """Open whoever handles tokens now; ``there``: do not make a store where there is none."""
    async with running(data_dir(loaded)) as gateway:
        if gateway is not None:
            yield gateway
            return
    if there:
        async with looking(loaded):
            pass
    async with writing(loaded) as store:
        sites = [section.id for section in loaded.settings.site]
        test_mode = loaded.settings.gateway.test_mode
        yield StoreDesk(store, SystemIds(), SystemClock(), sites, test_mode)
