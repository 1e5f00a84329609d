"""Asks the local network for servers of IEEE 2030.5, by the library of the extra ``lan``.

The library is looked for when it is needed, so that everything else works without it.

Spec: IEEE 2030.5-2018 clause 7 (DNS-SD).
"""

import importlib
import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import structlog

from gateway.domain.errors import ConfigError
from gateway.domain.ports import Clock
from gateway.protocols.sep2.discovery import DOMAIN, SERVICE, Record, Server, choose, service_of
from gateway.protocols.sep2.pinning import sfdi_pinned

LISTEN: Final = timedelta(seconds=3)
"""How long answers are waited for."""
PAUSE: Final = timedelta(seconds=60)
"""Between two questions, while nobody fitting answers."""
MOST: Final = 64
"""Answers that are looked at."""
_REQUEST_MS: Final = 1500
_LIBRARY: Final = "zeroconf"
_TYPE: Final = f"{SERVICE}.{DOMAIN}."

log = structlog.get_logger()
Load = Callable[[], Any]
"""Returns the library's module for asyncio. ``Any``: it is not there to be checked against."""


def available() -> bool:
    """Say whether the library is installed."""
    return importlib.util.find_spec(_LIBRARY) is not None


def library() -> Any:
    """Return the library.

    ``Any``: it is not there to be checked against.

    Raises:
        ConfigError: ``NO_PACKAGE`` where it is not installed.
    """
    if not available():
        fault = "servers are found on the network by the extra lan; install gridgate[lan], or configure url"
        raise ConfigError((fault,), "NO_PACKAGE")
    return importlib.import_module(f"{_LIBRARY}.asyncio")


@dataclass(frozen=True, slots=True)
class Lan:
    """The local network.

    Args:
        clock: Time.
        load: Where the library comes from.
    """

    clock: Clock
    load: Load = field(default=library)

    async def records(self, asked: str) -> Sequence[Record]:
        """Return what answers within ``LISTEN``.

        Args:
            asked: Service type, as ``discovery.service_of`` returns it.

        Raises:
            ConfigError: ``NO_PACKAGE``.
        """
        module = self.load()
        names: dict[str, None] = {}

        def changed(*, name: str, **_: object) -> None:
            if len(names) < MOST:
                names[name] = None

        network = module.AsyncZeroconf()
        try:
            browser = module.AsyncServiceBrowser(network.zeroconf, asked, handlers=[changed])
            with self.clock.held():
                await self.clock.sleep_until(self.clock.now() + LISTEN)
            await browser.async_cancel()
            found = [await self._record(module, network, name) for name in names]
        finally:
            await network.async_close()
        return [one for one in found if one is not None]

    async def _record(self, module: Any, network: Any, name: str) -> Record | None:
        """Return what stands behind a name; None: nothing does any more.

        ``Any``: of the library.
        """
        info = module.AsyncServiceInfo(_TYPE, name)
        if not name.endswith(_TYPE) or not await info.async_request(network.zeroconf, _REQUEST_MS):
            return None
        return Record(
            instance=name.removesuffix(_TYPE).rstrip("."),
            addresses=tuple(map(str, info.parsed_addresses())),
            txt=bytes(info.text or b""),
        )

    async def found(self, url: str, pin: str, edition: str) -> Server:
        """Return the server that an address stands for; asks until there is one.

        Args:
            url: As configured.
            pin: LFDI or SFDI of the server.
            edition: That we speak.

        Raises:
            ConfigError: ``NO_PACKAGE``.
        """
        while True:
            server = choose(await self.records(service_of(url)), sfdi_pinned(pin), edition)
            if server is not None:
                log.info("server_found", instance=server.instance, url=server.url)
                return server
            log.warning("no_server_found", asked=url)
            with self.clock.held():
                await self.clock.sleep_until(self.clock.now() + PAUSE)
