"""A gateway's store for the command line: to look at beside a running gateway, or to write while none runs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from gateway.app.book import make_book
from gateway.app.bootstrap import SOFTWARE, data_dir, store_url
from gateway.app.ids import SystemIds
from gateway.app.secrets import installation_key, log_key
from gateway.config.load import Loaded
from gateway.domain.errors import ConfigError
from gateway.domain.names import SiteId
from gateway.domain.participation import Participation
from gateway.domain.ports import Clock
from gateway.pipeline.book import Office
from gateway.southbound.signer import open_signer
from gateway.store.open import open_store
from gateway.store.reading import ReadingStore, open_for_reading
from gateway.store.sqlite_store import SqliteStore


class _Nobody:
    """Nobody waits for anything here."""

    def ring(self, site: SiteId) -> None:
        """Do nothing."""


def _nothing(*_: Participation) -> None:
    """Do nothing."""


def _no_key() -> bytes:
    raise ConfigError(("the gateway has no keys yet; start it once",), "PRIVATE_FILE")


@asynccontextmanager
async def looking(loaded: Loaded) -> AsyncIterator[ReadingStore]:
    """Open a gateway's store to look at; needs no keys, changes nothing, works beside a running gateway.

    Raises:
        StoreError: ``CANNOT_OPEN`` and the like.
    """
    async with await open_for_reading(store_url(loaded)) as store:
        yield store


@asynccontextmanager
async def reading(loaded: Loaded, clock: Clock) -> AsyncIterator[Office]:
    """Open a gateway's store for reading; works beside a running gateway.

    Raises:
        StoreError: ``CANNOT_OPEN`` and the like.
        ConfigError: the keys are not there or can be read by others.
    """
    keys = data_dir(loaded) / "keys"
    async with await open_for_reading(store_url(loaded)) as store:
        signer = open_signer(data_dir(loaded))
        book = make_book(
            loaded,
            installation_key=installation_key(keys, _no_key),
            source=f"urn:gridgate:{signer.kid}",
            software=SOFTWARE,
        )
        yield Office(
            book=book,
            store=store,
            clock=clock,
            signer=signer,
            log_key=log_key(keys),
            bell=_Nobody(),
            decided=_nothing,
            timers_changed=_nothing,
        )


@asynccontextmanager
async def writing(loaded: Loaded) -> AsyncIterator[SqliteStore]:
    """Open a gateway's store for writing; only while no gateway has it.

    Raises:
        StoreError: ``LOCKED`` while a gateway runs.
    """
    async with await open_store(store_url(loaded), ids=SystemIds()) as store:
        yield store
