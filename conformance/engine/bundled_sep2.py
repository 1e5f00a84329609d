"""The bundled reference client of 2030.5 as a device that the suite can drive."""

import hashlib
import importlib
import ssl
from datetime import timedelta
from typing import Final

from conformance.engine.drivers.entry import Place
from conformance.engine.drivers.hands import Values
from conformance.engine.leaping import LeapingClock
from conformance.reference.sep2client.subscribed import SubscribedClient

CLIENT: Final = "conformance.reference.sep2client"
_NOTHING: Final[Values] = {}
_MEMORY: Final = "memory"
_STORAGE_WH: Final = 300_000
_END: Final = "-----END CERTIFICATE-----\n"


class BundledClient:
    """The reference client with the methods of a driver.

    Args:
        place: Where it lives.
        package: Which client; a wrong one in a trial of mutants.
    """

    def __init__(self, place: Place, package: str = CLIENT) -> None:
        device, settings, memory = (
            importlib.import_module(f"{package}.{name}")
            for name in ("subscribed", "settings", "memory")
        )
        given = place.values
        told = settings.Settings(
            url=place.url,
            tls=place.client_tls,
            listen_tls=place.server_tls,
            subscribes=given.get("subscribes", "yes") == "yes",
            lfdi=lfdi_of(place.pem.certificate if place.pem else b""),
            pin=int(given.get("pin", "111115")),
            aggregator=place.mode == "aggregator",
            csip_aus=place.mode == "csipaus",
            storage_wh=_STORAGE_WH if place.mode == "csipaus" else 0,
        )
        kept = place.memory.setdefault(_MEMORY, memory.Memory())
        self._clock = LeapingClock(place.clock)
        self._client: SubscribedClient = device.SubscribedClient(
            told, self._clock, place.chance, kept
        )

    async def run(self) -> None:
        """Live until cancelled."""
        await self._client.run()

    async def state(self) -> Values:
        """Return what controls each EndDevice: ``control.<LFDI>.<mode>`` = value, ``running.<LFDI>`` = mRIDs."""
        found = {}
        for lfdi, events in self._client.running().items():
            found[f"running.{lfdi}"] = " ".join(sorted(events))
            for mode, value in self._client.in_force(lfdi).items():
                found[f"control.{lfdi}.{mode}"] = value
            for component, price in self._client.prices(lfdi).items():
                found[f"price.{component}"] = price
        return found

    async def opt_out(self, event_id: str) -> Values:
        """Leave an event, named by its mRID."""
        self._client.opt_out(event_id)
        return _NOTHING

    async def alarm(self, bit: str, on: str) -> Values:
        """Have an alarm of DERStatus begin (``yes``) or end."""
        self._client.alarm(int(bit), on=on == "yes")
        return _NOTHING

    async def set_clock(self, fast: str) -> Values:
        """Set the device's clock: so many seconds fast; below zero: slow."""
        self._clock.offset = timedelta(seconds=int(fast))
        return _NOTHING

    async def unsubscribe(self) -> Values:
        """End every subscription; poll from now on."""
        self._client.unsubscribe()
        return _NOTHING

    async def set_load(self, kw: str) -> Values:
        """Have the load behind its meter that nobody controls draw so much."""
        self._client.plant.set_load(1000 * float(kw), self._client.server_now)
        return _NOTHING

    async def set_der(self, kw: str) -> Values:
        """Have its DER deliver so much, or draw it, below zero, where nothing limits it."""
        self._client.plant.set_wish(1000 * float(kw), self._client.server_now)
        return _NOTHING

    async def switch(self, closed: str) -> Values:
        """Open (``no``) or close the switch between the DER and the site, by hand."""
        self._client.switch(closed=closed == "yes")
        return _NOTHING


def lfdi_of(chain: bytes) -> str:
    """Return the LFDI of a certificate (PEM, its chain may follow): 160 bits of its SHA-256 (6.3.4)."""
    text = chain.decode()
    if _END not in text:
        return "0" * 40
    der = ssl.PEM_cert_to_DER_cert(text[: text.index(_END) + len(_END)])
    return hashlib.sha256(der).hexdigest()[:40].upper()


def client(place: Place) -> BundledClient:
    """Make the reference client (entry point ``conformance.engine.bundled_sep2:client``)."""
    return BundledClient(place)
