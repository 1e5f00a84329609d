"""What goes into a support bundle: how this installation is set up and stands, nobody's secrets, nobody's readings."""

import gzip
import hashlib
import io
import json
import platform
import sqlite3
import ssl
import sys
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import distributions
from typing import Final

from gateway.app.bootstrap import SOFTWARE, data_dir, store_url
from gateway.app.control_client import running
from gateway.app.redaction import known_secrets, leaked, redacted, redacted_tree, secret_files
from gateway.app.state_desk import StateDocument
from gateway.config.load import Loaded
from gateway.domain.errors import GatewayError, MisuseError, StoreError, WireError
from gateway.domain.timespan import instant_text
from gateway.pipeline.ports import Work
from gateway.pipeline.records import LogEntry
from gateway.protocols.registry import PROTOCOLS
from gateway.settlement.records import logged
from gateway.store.reading import open_for_reading

RECORDS: Final = 500
"""Newest log records that are told of."""
_LOOKED_AT: Final = 20 * RECORDS
"""Places of the log that are looked at for them: most of a log is telemetry."""
_TOLD: Final = frozenset({"event", "intent", "opt", "audit", "config", "key"})
"""Kinds of records that hold no reading."""
_FIELDS: Final = (
    *("k", "t", "src", "cause", "word", "status", "revision", "opt", "reason", "by"),
    *("utility", "event_id", "version", "program", "cancelled", "seen", "site"),
)
"""All that is told of a record: a list of what may go out forgets no reading that a later version adds."""
_OURS: Final = frozenset(
    {
        *("gridgate", "aiohttp", "cryptography", "lxml", "pydantic", "sqlalchemy", "sqlmodel"),
        *("alembic", "structlog", "typer", "prometheus-client", "openleadr", "rfc8785"),
    }
)


@dataclass(frozen=True, slots=True)
class Member:
    """One file of a bundle."""

    name: str
    about: str
    content: bytes


async def gather(
    loaded: Loaded, now: datetime, doctor: Mapping[str, object], told: str
) -> list[Member]:
    """Put a bundle's files together.

    Args:
        loaded: The configuration.
        now: Stamp.
        doctor: The doctor's findings as plain JSON values.
        told: The same for people.

    Raises:
        MisuseError: ``SECRET_IN_BUNDLE``: a file would have held a secret; nothing is handed out.
    """
    state = await _state(loaded)
    store, records = await _store(loaded)
    members = [
        _json("config.json", "effective settings, paths of secrets only", _settings(loaded)),
        _json("versions.json", "software, Python, libraries, system", versions(now)),
        _json("doctor.json", "what the doctor found", doctor),
        _text("doctor.txt", "the same for people", told),
        _json("store.json", "size, version and tables of the store", store),
        _json("records.json", f"newest of {RECORDS} log records, without any reading", records),
        _json("health.json", "how each utility's session stands", _health(state)),
        _text("metrics.txt", "counters of the running gateway", state.metrics if state else ""),
    ]
    listed = [
        {"name": m.name, "about": m.about, "sha256": hashlib.sha256(m.content).hexdigest()}
        for m in members
    ]
    contents = {"software": SOFTWARE, "made_at": instant_text(now), "files": listed}
    members.insert(0, _json("contents.json", "this list, with digests", contents))
    secrets = known_secrets(secret_files(loaded))
    for member in members:
        if leaked(secrets, member.content):
            detail = (
                f"{member.name} would have held a secret of this installation; nothing was written"
            )
            raise MisuseError("SECRET_IN_BUNDLE", detail)
    return members


def _settings(loaded: Loaded) -> object:
    settings = loaded.settings
    document = settings.model_dump(mode="json")
    for shown, utility in zip(document["utility"], settings.utility, strict=True):
        own = PROTOCOLS[utility.protocol].read_options(utility.options)
        shown.update(own.model_dump(mode="json"))
    return document


def versions(now: datetime) -> dict[str, object]:
    """Return what runs here."""
    found = {one.metadata["Name"].lower(): one.version for one in distributions()}
    return {
        "software": SOFTWARE,
        "made_at": instant_text(now),
        "python": platform.python_version(),
        "openssl": ssl.OPENSSL_VERSION,
        "sqlite": sqlite3.sqlite_version,
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "bits": sys.maxsize.bit_length() + 1,
        "packages": {name: found[name] for name in sorted(_OURS & set(found))},
    }


async def _state(loaded: Loaded) -> StateDocument | None:
    try:
        async with running(data_dir(loaded)) as gateway:
            if gateway is None:
                return None
            return await gateway.ask("GET", "/state", StateDocument)
    except GatewayError:
        return None  # one that hangs is told of by the doctor


def _health(state: StateDocument | None) -> object:
    if state is None:
        return {"running": False}
    return {"running": True, **state.model_dump(mode="json", exclude={"metrics"})}


async def _store(loaded: Loaded) -> tuple[object, object]:
    try:
        async with await open_for_reading(store_url(loaded)) as store:
            records = await store.read(_newest)
            size = await store.read(lambda work: work.log.size())
            identity = store.identity
    except StoreError as error:
        return {"reason": error.reason, "detail": error.detail}, []
    facts = {
        "store_id": identity.store_id[:8],
        "epoch": identity.epoch,
        "log_records": size,
        "files": _sizes(loaded),
    }
    return facts, [told for entry in records for told in _record(entry)]


def _sizes(loaded: Loaded) -> dict[str, int]:
    folder = data_dir(loaded)
    return {path.name: path.stat().st_size for path in sorted(folder.iterdir()) if path.is_file()}


def _newest(work: Work) -> Sequence[LogEntry]:
    size = work.log.size()
    return work.log.at(range(max(0, size - _LOOKED_AT), size))


def _record(entry: LogEntry) -> list[dict[str, object]]:
    try:
        document = logged(entry.index, entry.record).document
    except WireError as error:
        return [{"index": entry.index, "reason": error.reason}]
    if document.get("k") not in _TOLD:
        return []
    told = {name: document[name] for name in _FIELDS if name in document}
    return [{"index": entry.index, **told}]


def _json(name: str, about: str, document: object) -> Member:
    if name == "records.json" and isinstance(document, list):
        document = document[-RECORDS:]
    text = json.dumps(redacted_tree(document), indent=2, sort_keys=True)
    return Member(name, about, f"{text}\n".encode())


def _text(name: str, about: str, text: str) -> Member:
    return Member(name, about, redacted(text).encode())


def packed(members: Sequence[Member], folder: str, now: datetime) -> bytes:
    """Return a tar.gz of files that only their owner can read; the same input gives the same bytes."""
    stamp = int(now.timestamp())
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for member in members:
            entry = tarfile.TarInfo(f"{folder}/{member.name}")
            entry.size, entry.mode, entry.mtime = len(member.content), 0o600, stamp
            archive.addfile(entry, io.BytesIO(member.content))
    return gzip.compress(raw.getvalue(), mtime=stamp)
