"""``gridgate store``: migrate, back up, restore and look over the store."""

import asyncio
import json
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import typer

from gateway.app.backup_desk import BackupDocument, ask_backup
from gateway.app.bootstrap import data_dir, store_url
from gateway.app.control_client import running
from gateway.app.ids import SystemIds
from gateway.app.key_archive import keys_fit, pack_keys, unpack_keys
from gateway.cli.ending import Exit
from gateway.cli.finish import finish
from gateway.cli.table import COLUMNS, shown
from gateway.client.clock import SystemClock
from gateway.config.load import Loaded, load
from gateway.domain.errors import StoreError
from gateway.store.backup import Backup, Restored, back_up_closed, check_backup, restore
from gateway.store.inspection import Finding, Verdict, inspect
from gateway.store.open import SCHEMA, open_store

_MARK: Final = {Verdict.OK: "ok", Verdict.WARNING: "warning", Verdict.PROBLEM: "PROBLEM"}


# --- backup


def backup(config: Path, out: Path, with_keys: bool, as_json: bool) -> int:  # noqa: FBT001 - the CLI passes it by name
    """Copy the store and prove the copy: through the gateway that runs, or directly while none does.

    Raises:
        StoreError: ``CANNOT_OPEN`` when the file exists, ``LOCKED``, ``FULL``, ``CORRUPT``.
        TransportError: the gateway does not answer.
    """
    loaded = load(config)
    target = out.resolve()
    keys = target.with_name(target.name + ".keys")
    if with_keys and keys.exists():
        raise StoreError("CANNOT_OPEN", f"{keys} exists; name a new file")
    made = finish(_backup(loaded, target))
    packed = pack_keys(data_dir(loaded) / "keys", keys) if with_keys else ()
    also = [str(path) for path in _beside(config, loaded, keys=not packed)]
    document = made.model_dump() | {
        "keys_file": str(keys) if packed else None,
        "keep_also": also,
    }
    lines = [
        f"backup   {made.path}  ({made.bytes} bytes, verified)",
        f"sha256   {made.sha256}",
        f"store    {made.store_id[:8]}, epoch {made.epoch}, schema {made.schema_version}",
        *([f"keys     {keys}  (secret; keep it apart from the backup)"] if packed else []),
        "",
        "a full recovery needs these too, kept where only you can read them:",
        *(f"  {path}" for path in also),
    ]
    return _say(document, lines, as_json=as_json)


async def _backup(loaded: Loaded, target: Path) -> BackupDocument:
    async with running(data_dir(loaded)) as gateway:
        if gateway is not None:
            return await ask_backup(gateway, target)
    return BackupDocument.of(await asyncio.to_thread(back_up_closed, store_url(loaded), target))


def _beside(config: Path, loaded: Loaded, *, keys: bool) -> Sequence[Path]:
    """Name what a recovery needs beside the store."""
    settings = loaded.settings
    given = [path for u in settings.utility for path in (u.certificate, u.key, u.ca)]
    given += [settings.southbound.certificate, settings.southbound.key]
    named = [loaded.path(path).resolve() for path in given if path]
    folder = [(data_dir(loaded) / "keys").resolve()] if keys else []
    return list(dict.fromkeys([config.resolve(), *folder, *named]))


# --- restore


def restored(
    config: Path,
    file: Path,
    keys: Path | None,
    above: int,
    as_json: bool,  # noqa: FBT001 - the CLI passes it by name
) -> int:
    """Put a backup in the store's place, under a new epoch.

    Raises:
        StoreError: ``LOCKED`` while a gateway runs, ``BACKUP_UNPROVEN``, ``CORRUPT``, ``CANNOT_OPEN``.
    """
    loaded = load(config)
    proven = check_backup(file)
    folder = data_dir(loaded) / "keys"
    if keys is not None:
        unpack_keys(keys, folder)
    faults = keys_fit(folder, proven.keys)
    done = restore(file, store_url(loaded), above=above)
    lines = _restored_lines(config, proven, done, faults)
    document: dict[str, object] = {
        "store_id": done.identity.store_id,
        "epoch": done.identity.epoch,
        "replaced": str(done.replaced) if done.replaced else None,
        "key_faults": list(faults),
    }
    code = _say(document, lines, as_json=as_json)
    return Exit.PROBLEM if faults else code


def _restored_lines(
    config: Path, proven: Backup, done: Restored, faults: Sequence[str]
) -> list[str]:
    known = done.identity
    lines = [
        f"restored  {proven.path}  (store {known.store_id[:8]}, epoch {known.epoch})",
        f"replaced  {done.replaced or 'nothing was there'}",
        f"keys      {'they belong to this store' if not faults else 'NOT COMPLETE'}",
        *(f"          {fault}" for fault in faults),
        "",
        "what comes next:",
    ]
    if faults:
        lines.append("  put the keys of this store back; without them the gateway does not start")
    return [
        *lines,
        f"  gridgate store check -c {config}",
        f"  gridgate run -c {config}",
        "  it asks sites and utilities first what happened since the backup, one to three minutes,",
        "  and tells nobody anything before; no other gateway may go on with this store.",
    ]


# --- check


def check(config: Path, as_json: bool) -> int:  # noqa: FBT001 - the CLI passes it by name
    """Look the store over, beside a running gateway or without one; exit code 1 when something is wrong.

    Raises:
        StoreError: there is no store, or it cannot be read.
    """
    loaded = load(config)
    found = inspect(store_url(loaded), SystemClock().now())
    wrong = any(one.verdict is Verdict.PROBLEM for one in found)
    document = {
        "ok": not wrong,
        "findings": [
            {"name": one.name, "verdict": one.verdict.value, "said": one.said} for one in found
        ],
    }
    _say(document, _check_lines(found), as_json=as_json)
    return Exit.PROBLEM if wrong else Exit.OK


def _check_lines(found: Sequence[Finding]) -> list[str]:
    lines = []
    for one in found:
        first, *more = textwrap.wrap(shown(one.said), COLUMNS - 22) or [""]
        lines.append(f"{one.name:<13}{_MARK[one.verdict]:<9}{first}")
        lines += [f"{'':<22}{line}" for line in more]
    return lines


# --- upgrade


def upgrade(config: Path, as_json: bool) -> int:  # noqa: FBT001 - the CLI passes it by name
    """Bring a stopped store to this version's schema, after a backup beside it.

    Raises:
        StoreError: ``LOCKED`` while a gateway runs, ``SCHEMA_NEWER``, ``CANNOT_OPEN``, ``FULL``.
    """
    loaded = load(config)
    url = store_url(loaded)
    made = finish(_upgrade(url, _free_name(url)))
    before = made.version if made is not None else SCHEMA.head
    document: dict[str, object] = {
        "before": before,
        "after": SCHEMA.head,
        "backup": str(made.path) if made is not None else None,
    }
    lines = [f"schema   {SCHEMA.head}; nothing to do"]
    if made is not None:
        lines = [f"schema   {before} -> {SCHEMA.head}", f"backup   {made.path}  (of before)"]
    return _say(document, lines, as_json=as_json)


def _free_name(url: str) -> Path:
    path = Path(url.removeprefix("sqlite:///")).resolve()
    number = 1
    while (target := path.with_name(f"{path.name}.before-{SCHEMA.head}-{number}")).exists():
        number += 1
    return target


async def _upgrade(url: str, target: Path) -> Backup | None:
    made = await asyncio.to_thread(back_up_closed, url, target)
    if made.version == SCHEMA.head:
        await asyncio.to_thread(_remove, target)
        return None
    async with await open_store(url, ids=SystemIds()):
        return made


def _remove(target: Path) -> None:
    target.unlink()
    target.with_name(target.name + ".sha256").unlink()


def _say(document: dict[str, object], lines: Sequence[str], *, as_json: bool) -> int:
    typer.echo(json.dumps(document, indent=2) if as_json else "\n".join(lines))
    return Exit.OK
