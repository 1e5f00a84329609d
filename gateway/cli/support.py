"""``gridgate support-bundle``: says what is inside, then writes it, readable by its owner alone."""

import json
import os
from datetime import datetime
from pathlib import Path

import typer

from gateway.app.doctor.examine import Doctor
from gateway.app.support import Member, gather, packed
from gateway.cli.doctor import document, lines
from gateway.cli.ending import Exit
from gateway.cli.finish import finish
from gateway.cli.table import table
from gateway.client.clock import SystemClock
from gateway.config.load import Loaded, load
from gateway.domain.errors import ConfigError, SessionError


def bundle(config: Path, out: Path | None, as_json: bool, dry_run: bool) -> int:  # noqa: FBT001 - the CLI passes them by name
    """Write a support bundle; an existing file is never overwritten.

    Raises:
        ConfigError: the file has faults, or the bundle cannot be written there.
        SessionError: ``EXISTS``.
        MisuseError: ``SECRET_IN_BUNDLE``: nothing was written.
    """
    loaded = load(config)
    now = SystemClock().now().replace(microsecond=0)
    folder = f"gridgate-support-{now:%Y%m%dT%H%M%SZ}"
    target = out or Path(f"{folder}.tar.gz")
    members = finish(_gathered(config, loaded, now))
    if as_json:
        files = [{"name": m.name, "bytes": len(m.content), "about": m.about} for m in members]
        listed = {"file": None if dry_run else str(target), "files": files}
        typer.echo(json.dumps(listed, indent=2))
    else:
        typer.echo("\n".join(_inside(members)))
    if dry_run:
        return Exit.OK
    _write(target, packed(members, folder, now))
    typer.echo(f"{target}: {target.stat().st_size} bytes, mode 0600", err=as_json)
    return Exit.OK


async def _gathered(config: Path, loaded: Loaded, now: datetime) -> list[Member]:
    findings = await Doctor().examine(config)
    return await gather(loaded, now, document(findings), "\n".join(lines(findings)) + "\n")


def _inside(members: list[Member]) -> list[str]:
    rows = [(member.name, str(len(member.content)), member.about) for member in members]
    return [
        *table(("FILE", "BYTES", "HOLDS"), rows, right="BYTES"),
        "",
        "no keys, tokens, secrets, certificates, identities or readings",
    ]


def _write(target: Path, content: bytes) -> None:
    try:
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        detail = f"{target} is there already; choose another name, nothing is overwritten"
        raise SessionError("EXISTS", detail) from None
    except OSError as error:
        fix = "choose a folder that this user may write"
        raise ConfigError((f"--out {target}: {error.strerror}; {fix}",), "ARGUMENT") from None
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        target.unlink(missing_ok=True)
        what = f"--out {target}: {error.strerror}; nothing was written"
        raise ConfigError((what,), "ARGUMENT") from None
