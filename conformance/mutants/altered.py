"""Alters what the pipeline sees of its store, one group of one transaction at a time."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar, cast

from gateway.app.bootstrap import Gateway, Wiring
from gateway.config.load import Loaded
from gateway.domain.points import Step, Watch
from gateway.domain.ports import Ids
from gateway.pipeline.ports import Work
from gateway.store.open import Opening
from gateway.store.sqlite_store import SqliteStore

T = TypeVar("T")
Alter = Callable[[Work], object]
"""Returns what stands in the place of a transaction."""


class Group:
    """Stands in the place of one group of a transaction and passes on what it does not say itself.

    Args:
        work: The transaction.
        name: Of the group.
    """

    def __init__(self, work: Work, name: str) -> None:
        self.work = work
        self._group = getattr(work, name)

    def __getattr__(self, name: str) -> object:
        return getattr(self._group, name)


class Exchanged:
    """Stands in the place of a transaction, with some of its groups exchanged.

    Args:
        work: The transaction.
        groups: Name -> what stands in its place.
    """

    def __init__(self, work: Work, **groups: object) -> None:
        self._work = work
        self.__dict__.update(groups)

    def __getattr__(self, name: str) -> object:
        return getattr(self._work, name)


@dataclass(frozen=True)
class AlteredStore(SqliteStore):
    """A store whose transactions look otherwise to the pipeline."""

    alter: Alter = lambda work: work

    async def write(self, job: Callable[[Work], T], step: Step = Step.OTHER) -> T:
        """Run a job on what stands in the place of the transaction."""
        return await SqliteStore.write(self, lambda work: job(self._seen(work)), step)

    async def read(self, job: Callable[[Work], T]) -> T:
        """Run a job likewise."""
        return await SqliteStore.read(self, lambda work: job(self._seen(work)))

    def _seen(self, work: Work) -> Work:
        return cast("Work", self.alter(work))


def with_store(alter: Callable[[], Alter]) -> Callable[[Loaded, Wiring], Gateway]:
    """Make a gateway whose store is altered.

    Args:
        alter: Called once for each life of the gateway: what it remembers is gone with the process.
    """

    def make(loaded: Loaded, wiring: Wiring) -> Gateway:
        return Gateway(loaded, replace(wiring, store=_opening(wiring.store, alter())))

    return make


def _opening(opening: Opening, alter: Alter) -> Opening:
    async def opened(url: str, ids: Ids, watch: Watch) -> SqliteStore:
        store = await opening(url, ids, watch)
        return AlteredStore(store.database, [store.identity], alter)

    return opened
