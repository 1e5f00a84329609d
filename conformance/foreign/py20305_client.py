"""Child program: a device made with py20305, driven by one JSON object per line of standard input.

It runs in an environment of its own, by its path, so it knows nothing of this project. Argument: a folder with
``setting.json`` (``url``, ``lfdi``, ``pin``: 0 for none, ``post_rate``), ``cert.pem``, ``key.pem`` and ``ca.pem``. Each
order ``{"do": METHOD}`` is answered by a line ``{"done": METHOD, ...}`` or ``{"failed": METHOD, "why": ...}``. The end
of standard input ends the program.
"""

import asyncio
import json
import logging
import sys
from pathlib import Path
from typing import Any

from py20305.client import CsipClient
from py20305.client.tls import TlsConfig
from py20305.connectors.base import BaseConnector
from py20305.connectors.config import CustomDeviceConfig
from py20305.connectors.dispatcher import ConnectorDispatcher
from py20305.connectors.registry import ConnectorConfigRegistry
from py20305.telemetry import TelemetryCoordinator

KW = 4200
"""What the site draws."""


class Site(BaseConnector):  # type: ignore[misc] # of a package that is in no environment of ours
    """A site that draws a constant load and notes what it is told to do."""

    connector_name = "Site"

    def __init__(self) -> None:
        self.told: list[list[Any]] = []

    async def fetch_monitoring(self) -> dict[str, Any]:
        """Measure."""
        return {"W": KW * 1000, "Var": 0, "V": 480, "Hz": 60}

    async def fetch_nameplate(self) -> dict[str, Any]:
        """Tell the ratings."""
        return {"WMaxRtg": 5_000_000, "WChaRteMaxRtg": 5_000_000, "VNomRtg": 480}

    async def fetch_configuration(self) -> dict[str, Any]:
        """Tell the settings."""
        return {"WMax": 5_000_000, "WChaRteMax": 5_000_000, "VNom": 480}

    async def fetch_status(self) -> dict[str, Any]:
        """Tell how it is."""
        return {"inverterStatus": None, "alarmStatus": 1}

    async def update_imp_lim(self, params: dict[str, Any]) -> None:
        """Take a cap on import."""
        self.told.append(["import", params])

    async def update_fixed_w(self, params: dict[str, Any]) -> None:
        """Take a fixed power."""
        self.told.append(["fixed", params])

    async def update_p_lim(self, params: dict[str, Any]) -> None:
        """Take a cap on generation."""
        self.told.append(["generation", params])


class Device:
    """An operator's whole application around py20305.

    Args:
        folder: With setting and certificates.
    """

    def __init__(self, folder: Path) -> None:
        self._setting = json.loads((folder / "setting.json").read_text())
        self._lfdi: str = self._setting["lfdi"]
        device = CustomDeviceConfig(lfdi=self._lfdi, class_path="__main__.Site")
        registry = ConnectorConfigRegistry([device])
        self._dispatcher = ConnectorDispatcher(registry, lfdi_resolver=lambda _: self._lfdi.lower())
        pin = self._setting["pin"]
        self._client = CsipClient(
            self._setting["url"],
            tls=TlsConfig(folder / "cert.pem", folder / "key.pem", folder / "ca.pem"),
            dispatcher=self._dispatcher,
            server_2018_compat=True,
            registration_pins={self._lfdi.lower(): pin} if pin else None,
        )
        self._telemetry: TelemetryCoordinator | None = None
        self._running: asyncio.Task[None] | None = None

    async def connect(self) -> dict[str, Any]:
        """Walk what is there, and register where the device is not known."""
        await self._client.connect()
        # It sees in the first answer whether the server speaks CSIP-AUS; to write so too is left to the application.
        self._client.http.csip_aus_mode = self._client.state.csip_aus_mode
        found = self._listed()
        if not found:
            await self._client.register_end_device(lfdi=self._lfdi, device_category=0x4200)
            await self._client.trigger_rediscovery()
        return {"known": found, "listed": self._listed()}

    def _listed(self) -> bool:
        devices = self._client.state.end_devices.values()
        return self._lfdi.lower() in {device.lfdi.hex().lower() for device in devices}

    async def poll(self) -> dict[str, Any]:
        """Walk again."""
        await self._client.trigger_rediscovery()
        return {"programs": await self._client.poll_now()}

    async def run(self) -> dict[str, Any]:
        """Measure, post and carry out from now on."""
        self._telemetry = TelemetryCoordinator(
            self._client,
            lfdis=[self._lfdi],
            connector_resolver=self._site,
            post_rate_seconds=self._setting["post_rate"],
        )
        self._telemetry.setup()
        self._telemetry.start_device_telemetry()
        self._running = asyncio.create_task(self._client.run())
        return {}

    def _site(self, lfdi: str) -> Any:
        proxy = self._dispatcher.registry.get_connector(lfdi)
        if proxy is None:
            raise KeyError(lfdi)
        return proxy.aresolve()

    async def tell(self) -> dict[str, Any]:
        """Tell what the site was told to do."""
        site = await self._site(self._lfdi.lower())
        return {"told": site.told}

    async def close(self) -> None:
        """End."""
        if self._telemetry is not None:
            await self._telemetry.shutdown()
        if self._running is not None:
            self._running.cancel()
        await self._client.shutdown()


METHODS = {name: getattr(Device, name) for name in ("connect", "poll", "run", "tell")}


async def _obey(device: Device, line: bytes) -> dict[str, Any]:
    method = json.loads(line)["do"]
    doing = asyncio.create_task(METHODS[method](device))
    await asyncio.wait({doing})
    error = doing.exception()  # whatever goes wrong in a foreign library is told
    if error is not None:
        return {"failed": method, "why": f"{type(error).__name__}: {error}"}
    return {"done": method, **doing.result()}


async def main(folder: Path) -> None:
    """Be the device and obey until standard input ends."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr)
    device = Device(folder)
    orders = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    while line := await orders.readline():
        sys.stdout.write(json.dumps(await _obey(device, line), default=str) + "\n")
        sys.stdout.flush()
    await device.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
