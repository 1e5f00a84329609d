"""A backup of the store that a running gateway writes: only its own process may read it that way (R-DUR-8)."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import structlog
from aiohttp import web
from pydantic import BaseModel, ConfigDict

from gateway.app.control import LARGEST, answered, read_document
from gateway.app.control_client import RunningGateway
from gateway.domain.errors import WireError
from gateway.domain.ports import Clock
from gateway.domain.text import Text
from gateway.store.backup import Backup, back_up
from gateway.store.sqlite_store import SqliteStore
from gateway.transport.server import read_body

PATIENCE_S: Final = 3600.0
"""A large store is copied and proven for minutes."""

log = structlog.get_logger()


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class BackupOrder(_Document):
    """Where the backup goes: a new file, by its absolute path."""

    path: Text


class BackupDocument(_Document):
    """A proven backup."""

    path: Text
    sha256: str
    store_id: str
    epoch: int
    schema_version: str
    bytes: int
    keys: dict[str, str]
    """Digests of the keys that belong to it."""

    @classmethod
    def of(cls, made: Backup) -> Self:
        """Write down what was made."""
        return cls(
            path=str(made.path),
            sha256=made.sha256,
            store_id=made.identity.store_id,
            epoch=made.identity.epoch,
            schema_version=made.version,
            bytes=made.path.stat().st_size,
            keys=dict(made.keys),
        )


@dataclass(frozen=True, slots=True)
class BackupDesk:
    """Makes backups of an open store.

    Args:
        store: Open for writing.
        clock: Bounds slow requests.
    """

    store: SqliteStore
    clock: Clock

    def routes(self) -> Sequence[web.RouteDef]:
        """Return what the control socket offers of this."""
        return [web.post("/store/backup", self._back_up)]

    async def _back_up(self, request: web.Request) -> web.Response:
        wanted = read_document(BackupOrder, await read_body(request, self.clock, LARGEST))
        target = Path(wanted.path)
        if not target.is_absolute():
            raise WireError("INVALID_BODY", "path: must be absolute")
        made = BackupDocument.of(await back_up(self.store, target))
        log.info("backup_made", path=made.path, sha256=made.sha256, bytes=made.bytes)
        return answered(made)


async def ask_backup(gateway: RunningGateway, target: Path) -> BackupDocument:
    """Ask a running gateway for a backup.

    Raises:
        GatewayError: what it refused with.
    """
    order = BackupOrder(path=str(target))
    return await gateway.ask("POST", "/store/backup", BackupDocument, order, patience_s=PATIENCE_S)
