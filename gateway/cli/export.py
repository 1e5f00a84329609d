"""``gridgate evidence export``: the bundle of one statement as one file, whole or not at all."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer

from gateway.app.access import reading
from gateway.cli.ending import Exit
from gateway.cli.finish import finish
from gateway.cli.show import TEST_LINE
from gateway.cli.table import shown
from gateway.client.clock import SystemClock
from gateway.config.load import Loaded, load
from gateway.domain.errors import ConfigError, SessionError
from gateway.pipeline.prove import Prover
from gateway.settlement.archive import to_zip


def export(config: Path, statement: str, out: Path, version: int | None = None) -> int:
    """Write the evidence bundle of one version of a statement; an existing file is never overwritten.

    Args:
        config: Configuration file.
        statement: Id.
        out: File to write.
        version: None: the newest.

    Raises:
        SessionError: ``NOT_FOUND`` for an unknown statement or version, ``EXISTS`` when there is such a file.
        ConfigError: the file has faults, there are no keys, or the bundle cannot be written there.
        StoreError: there is no store, or it cannot be read.
    """
    loaded = load(config)
    with claimed(out) as target:
        bundle, log_id = finish(_bundle(loaded, statement, version))
        write_whole(target, bundle)
    if loaded.settings.gateway.test_mode:
        typer.echo(TEST_LINE, err=True)
    typer.echo(f"{out}: {len(bundle)} bytes")
    typer.echo(f"check it:  gridgate evidence verify {out} --log-id {log_id}")
    return Exit.OK


async def _bundle(loaded: Loaded, statement: str, version: int | None) -> tuple[bytes, str]:
    async with reading(loaded, SystemClock()) as office:
        known = await office.store.read(lambda work: work.statements.of_site(None))
        if statement not in {one.id for one in known}:
            listed = ", ".join(one.id for one in known[-5:]) or "none yet"
            detail = f"there is no statement {shown(statement)}; the latest are: {listed}"
            raise SessionError("NOT_FOUND", detail)
        return to_zip(await Prover(office).bundle(statement, version)), office.log_key.log_id


@contextmanager
def claimed(out: Path) -> Iterator[Path]:
    """Claim a file name before the work is done, and give it back when the work fails."""
    try:
        os.close(os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644))
    except FileExistsError:
        detail = f"{out} is there already; choose another name, nothing is overwritten"
        raise SessionError("EXISTS", detail) from None
    except OSError as error:
        fix = "choose a folder that this user may write"
        raise ConfigError((f"--out {out}: {error.strerror}; {fix}",), "ARGUMENT") from None
    done = False
    try:
        yield out
        done = True
    finally:
        if not done:
            out.unlink(missing_ok=True)


def write_whole(target: Path, content: bytes) -> None:
    """Replace the claimed, empty file by the whole bundle in one step."""
    fresh = target
    try:
        descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=".gridgate-")
        fresh = Path(name)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        fresh.chmod(target.stat().st_mode & 0o777)
        fresh.replace(target)
    except OSError as error:
        detail = f"--out {target}: {error.strerror}; nothing was written"
        raise ConfigError((detail,), "ARGUMENT") from None
    finally:
        if fresh != target:
            fresh.unlink(missing_ok=True)
