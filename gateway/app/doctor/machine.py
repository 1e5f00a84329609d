"""This machine's part: keys, disk, store, clock, listener, tokens; nothing is made or changed."""

import os
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from socket import SO_REUSEADDR, SOL_SOCKET, create_server
from typing import Final

from gateway.app.doctor.certificates import Certificate, certificates
from gateway.app.doctor.finding import Finding, Scribe
from gateway.app.doctor.link import NEAR_DAYS
from gateway.config.load import Loaded
from gateway.domain.errors import StoreError
from gateway.domain.names import SiteId
from gateway.pipeline.records import StoreIdentity, TokenRecord
from gateway.store.reading import open_for_reading

FLUSHES: Final = 20
SLOW_FLUSH: Final = timedelta(milliseconds=50)
"""A commit takes one flush: more makes every answer late."""
LOW_BYTES: Final = 1 << 30
LEAST_BYTES: Final = 64 << 20
SAFE_SQLITE: Final = (3, 51, 3)
EPOCH_OF_BUILD: Final = datetime(2026, 1, 1, tzinfo=UTC)
"""No clock that is right shows less."""
_SLACK: Final = timedelta(minutes=5)
_LOCKS: Final = Path("/proc/locks")


@dataclass(frozen=True, slots=True)
class Machine:
    """Looks at the machine.

    Args:
        loaded: The configuration.
        now: The wall's time.
        running: Whether a gateway answers on the control socket.
    """

    loaded: Loaded
    now: datetime
    running: bool
    write: Scribe = field(default_factory=lambda: Scribe("gateway"))

    @property
    def folder(self) -> Path:
        """Return ``data_dir``, which may not be there yet."""
        return self.loaded.path(self.loaded.settings.gateway.data_dir)

    @property
    def store(self) -> Path:
        """Return the store's file, which may not be there yet."""
        given = Path(self.loaded.settings.store.url.removeprefix("sqlite:///"))
        return given if given.is_absolute() else self.folder / given

    @property
    def there(self) -> Path | None:
        """Return the store's file; None before the first start."""
        return self.store if self.store.is_file() else None

    async def look(self) -> list[Finding]:
        """Return what was found."""
        found = [self._state(), *self._disk(), *self._keys()]
        found += await self._store()
        return [*found, *self._clock(), *self._listener()]

    def _state(self) -> Finding:
        holder = lock_holder(self.store.with_name(self.store.name + ".lock"))
        if self.running:
            return self.write.ok("process", "a gateway runs on this configuration", pid=holder)
        if holder is not None:
            text = f"process {holder} has the store, but no control socket answers"
            return self.write.fail("process", "LOCKED", text, pid=holder)
        return self.write.ok("process", "no gateway runs on this configuration", pid=None)

    def _disk(self) -> Iterator[Finding]:
        folder = next((p for p in (self.folder, *self.folder.parents) if p.exists()), Path("/"))
        if folder != self.folder:
            yield self.write.ok("disk", f"{self.folder} is made at the first start")
        try:
            times = flush_times(folder)
            free = os.statvfs(folder).f_bavail * os.statvfs(folder).f_frsize
        except OSError as error:
            yield self.write.fail("disk", "DATA_DIR", f"{folder}: {error.strerror}")
            return
        middle, worst = statistics.median(times), max(times)
        text = f"a flush takes {_ms(middle)}, at worst {_ms(worst)} of {len(times)}"
        facts = {"flush_ms": round(middle * 1000, 3), "flush_worst_ms": round(worst * 1000, 3)}
        if middle > SLOW_FLUSH.total_seconds():
            yield self.write.warn("disk", "SLOW_DISK", text, **facts)
        else:
            yield self.write.ok("disk", text, **facts)
        yield self._space(free)

    def _space(self, free: int) -> Finding:
        text = f"{free / (1 << 30):.1f} GiB free"
        if free < LEAST_BYTES:
            return self.write.fail("disk", "FULL", text, free_bytes=free)
        if free < LOW_BYTES:
            return self.write.warn("disk", "LOW_DISK", text, free_bytes=free)
        return self.write.ok("disk", text, free_bytes=free)

    def _keys(self) -> Iterator[Finding]:
        found = sorted((self.folder / "keys").glob("*")) if self.folder.is_dir() else []
        for path in found:
            if path.is_file() and path.stat().st_mode & 0o077:
                text = f"{path} can be read by others; run: chmod 600 {path}"
                yield self.write.fail("keys", "PRIVATE_FILE", text)
        if not found and self.store.is_file():
            text = f"{self.folder / 'keys'} is not there, but its store is; restore both together"
            yield self.write.fail("keys", "PRIVATE_FILE", text)

    async def _store(self) -> list[Finding]:
        version = sqlite3.sqlite_version
        lines = [self.write.ok("store", f"SQLite {version}", sqlite=version)]
        if sqlite3.sqlite_version_info < SAFE_SQLITE:
            text = f"SQLite {version}"
            lines = [self.write.warn("store", "OLD_SQLITE", text, sqlite=version)]
        if not self.store.is_file():
            return [*lines, self.write.ok("store", "no store yet; it is made at the first start")]
        try:
            async with await open_for_reading(f"sqlite:///{self.store}") as store:
                identity = store.identity
                tokens = await store.read(lambda work: work.tokens.all())
        except StoreError as error:
            return [*lines, self.write.error("store", error)]
        return [*lines, self._known(identity), *self._tokens(tokens)]

    def _known(self, identity: StoreIdentity) -> Finding:
        size = self.store.stat().st_size
        text = (
            f"{self.store}: {size / 1e6:.1f} MB, id {identity.store_id[:8]}, epoch {identity.epoch}"
        )
        return self.write.ok("store", text, bytes=size, epoch=identity.epoch)

    def _tokens(self, tokens: tuple[TokenRecord, ...]) -> Iterator[Finding]:
        for section in self.loaded.settings.site:
            good = [t.name for t in tokens if t.site == SiteId(section.id) and _valid(t, self.now)]
            if good:
                text = f"site {section.id} has {len(good)} in force"
                yield self.write.ok("tokens", text, site=section.id, in_force=len(good))
            else:
                fix = f"gridgate token create NAME --site {section.id} -c FILE"
                text = f"site {section.id} has no token in force; {fix}"
                yield self.write.warn("tokens", "SITE_WITHOUT_TOKEN", text, site=section.id)

    def _clock(self) -> Iterator[Finding]:
        newest = max(
            (path.stat().st_mtime for path in (self.store, _wal(self.store)) if path.is_file()),
            default=0.0,
        )
        written = datetime.fromtimestamp(newest, tz=UTC)
        text = f"it is {self.now:%Y-%m-%d %H:%M:%S} UTC here"
        if self.now < EPOCH_OF_BUILD:
            yield self.write.fail("clock", "CLOCK_WRONG", f"{text}, before this software was made")
        elif self.now + _SLACK < written:
            late = f"{text}, but the store was written at {written:%Y-%m-%d %H:%M:%S}"
            yield self.write.fail("clock", "CLOCK_WRONG", late)
        else:
            yield self.write.ok("clock", text)

    def _listener(self) -> Iterator[Finding]:
        section = self.loaded.settings.southbound
        at = f"{section.host}:{section.port}"
        if self.running:
            yield self.write.ok("listener", f"the running gateway listens at {at}")
        else:
            yield self._bindable(section.host, section.port)
        if section.certificate is None:
            yield self.write.ok("listener", "plain HTTP, reachable from this machine only")
            return
        path = self.loaded.path(section.certificate)
        try:
            chain = certificates(path.read_bytes())
        except (OSError, ValueError):
            return  # told among the faults of the configuration
        for one in chain:
            yield self._southbound(one)

    def _bindable(self, host: str, port: int) -> Finding:
        try:
            family = 10 if ":" in host else 2  # AF_INET6, AF_INET
            with create_server((host, port), family=family) as probe:
                probe.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
        except OSError as error:
            text = f"{host}:{port}: {error.strerror or error}"
            return self.write.fail("listener", "CANNOT_LISTEN", text)
        return self.write.ok("listener", f"{host}:{port} is free")

    def _southbound(self, one: Certificate) -> Finding:
        left = one.days_left(self.now)
        text = f"certificate {one.line(self.now)}"
        facts = one.document(self.now)
        if not one.start <= self.now < one.end:
            return self.write.fail("listener", "SITE_SIDE_EXPIRED", text, **facts)
        if left < NEAR_DAYS:
            return self.write.warn("listener", "SITE_SIDE_EXPIRY_NEAR", text, **facts)
        return self.write.ok("listener", text, **facts)


def _wal(store: Path) -> Path:
    return store.with_name(store.name + "-wal")


def _valid(token: TokenRecord, now: datetime) -> bool:
    in_force = token.revoked_at is None
    return in_force and (token.expires_at is None or token.expires_at > now)


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"


def flush_times(folder: Path) -> list[float]:
    """Measure how long this disk takes to keep 4 KiB, seconds each; the file is gone afterwards.

    Raises:
        OSError: the folder cannot be written.
    """
    times = []
    with tempfile.TemporaryFile(dir=folder) as file:
        for _ in range(FLUSHES):
            file.write(bytes(4096))
            file.flush()
            # a length of time on this machine and no date: a virtual clock knows nothing of its disk
            began = time.perf_counter()
            os.fsync(file.fileno())
            times.append(time.perf_counter() - began)
    return times


def lock_holder(lock: Path) -> int | None:
    """Return the process that holds a store's lock, without touching the lock; None: nobody, or it is not known."""
    try:
        inode = lock.stat().st_ino
        with closing(_LOCKS.open(encoding="ascii")) as table:
            lines = table.read().splitlines()
    except OSError:
        return None
    for line in lines:
        parts = line.split()
        if len(parts) > 5 and parts[1] == "FLOCK" and parts[5].rpartition(":")[2] == str(inode):
            return int(parts[4])
    return None
