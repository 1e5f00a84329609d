"""IXIT: the values without which a device cannot be reached or driven."""

import re
from typing import Final, Literal

from conformance.engine.data import Model
from conformance.kit.oadr20b.event import CONTEXT

_USER: Final = re.compile("://([^/@]*)@")
SECRET: Final = ("_secret", "_pin", "_token", "_password")
"""Ends of names of IXIT values that never stand in the evidence."""


class DriverChoice(Model):
    """How the device is made to do what no message can."""

    kind: Literal["none", "manual", "command", "http", "python"] = "none"
    entry: str = ""
    """``python``: ``module:function`` that makes the device from a ``Place``."""
    commands: dict[str, tuple[str, ...]] = {}
    """``command``: method -> argv; ``{event_id}`` and the like stand for values, those of ``values`` too. No shell."""
    url: str = ""
    """``http``: values are posted as JSON to ``<url>/<method>``."""
    methods: tuple[str, ...] = ()
    """``manual`` and ``http``: what can be done."""
    timeout_s: float = 60


class Tls(Model):
    """The suite's identity towards the device."""

    certificate: str
    key: str
    ca: str
    """Trust anchor of the device's certificate; PEM files, relative to the IXIT file."""
    profile: Literal["certification", "modern", "sep2", "csip", "csip_aus_cloud"] = "certification"


class Ixit(Model):
    """What a run must know about one device and where it stands."""

    listen_host: str = "127.0.0.1"
    listen_port: int = 0
    """0: any free one, which only a device in this process can learn."""
    host_name: str = "localhost"
    """By which the device reaches the suite."""
    tls: Tls | Literal["plain", "made"] = "made"
    """``made``: a test PKI made for the run (devices in this process); ``plain``: HTTP, on loopback only."""
    transport_address: str = ""
    """Push: where the device listens; empty: what it registers."""
    vtn_url: str = ""
    """VTN under test: its address, with the path prefix; a device in this process tells it itself."""
    server_url: str = ""
    """2030.5 server under test: address of its DeviceCapability; a device in this process tells it itself."""
    vtn_id: str = "Gridgate-Suite"
    """Of the suite; of mixed case, so that a device which changes the case of ids, or minds one, is found out."""
    poll_s: float = 0
    """Poll period offered where a case does not ask for one of its own; 0: ten seconds."""
    start_up_s: float = 90
    """Longest time from start until it is registered and at rest."""
    market_context: str = CONTEXT
    """One in which the device takes part."""
    resource_id: str = "reference-site"
    ven_name: str = "reference-ven"
    operator: str = ""
    """Name of whoever answers the prompts; stands in the evidence."""
    driver: DriverChoice = DriverChoice()
    values: dict[str, str] = {}
    """Anything else that cases ask for by name."""

    def shown(self) -> "Ixit":
        """Return it as it may stand in the evidence: secret values are not in it."""
        hidden = {
            name: "***" if name.endswith(SECRET) else text for name, text in self.values.items()
        }
        url = _USER.sub("://***@", self.driver.url)
        driver = self.driver.model_copy(update={"url": url})
        return self.model_copy(update={"values": hidden, "driver": driver})

    @property
    def secrets(self) -> tuple[str, ...]:
        """Return the values that must not stand in the evidence."""
        named = [text for name, text in self.values.items() if name.endswith(SECRET)]
        user = _USER.search(self.driver.url)
        return (*named, *((user[1],) if user else ()))

    def for_cases(self) -> dict[str, str]:
        """Return what scripts may ask for."""
        return {
            "market_context": self.market_context,
            "resource_id": self.resource_id,
            "ven_name": self.ven_name,
            "start_up_s": f"{self.start_up_s:g}",
            "vtn_id": self.vtn_id,
            "transport_address": self.transport_address,
            "vtn_url": self.vtn_url,
            "server_url": self.server_url,
            **self.values,
        }
