"""A folder with everything that a demonstration needs: test certificates, configurations, and where things lie."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from certs.files import LeafFiles, write
from certs.issue import openadr
from conformance.demo.scenario import (
    CONTRACT_METER,
    CONTRACTED_KW,
    HOST_METER,
    MARKET_CONTEXT,
    PENALTY_PER_KWH,
    PRICE_PER_KWH,
    RAMP_DOWN_KW_PER_MIN,
    RAMP_UP_KW_PER_MIN,
    SITE,
    UTILITY,
    VEN_NAME,
    ZONE,
)
from gateway.transport.tls import TlsFiles

SHORTEST_REAL_S: Final = 2.0
"""Heartbeats and waits of a scaled demonstration are never shorter than this in real time."""
SHORTEST_LEASE_REAL_S: Final = 10.0
SHORTEST_POLL_REAL_S: Final = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast the timeline runs, and what follows for everything that must not get too short."""

    factor: float

    @property
    def heartbeat_s(self) -> int:
        """Seconds of the timeline between heartbeats."""
        return max(15, round(SHORTEST_REAL_S * self.factor))

    @property
    def lease_s(self) -> int:
        """Seconds of the timeline that a lease lasts."""
        return max(60, round(SHORTEST_LEASE_REAL_S * self.factor))

    @property
    def poll_s(self) -> int:
        """Seconds of the timeline between polls."""
        return max(30, round(SHORTEST_POLL_REAL_S * self.factor))

    @property
    def opt_by(self) -> str:
        """Answer deadline, ISO 8601; half the notice bounds it."""
        return f"PT{max(30, round(SHORTEST_REAL_S * self.factor))}S"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """Where everything lies."""

    folder: Path
    pace: Pace
    vtn: LeafFiles
    ven: LeafFiles
    server: LeafFiles

    @property
    def anchor(self) -> Path:
        """Root that everybody trusts."""
        return self.folder / "certs" / "root.pem"

    @property
    def config(self) -> Path:
        """The gateway's configuration."""
        return self.folder / "gateway.toml"

    @property
    def token_file(self) -> Path:
        """The site's credential."""
        return self.folder / "site.token"

    @property
    def vtn_tls(self) -> TlsFiles:
        """The utility's identity."""
        return TlsFiles(certificate=self.vtn.certificate, key=self.vtn.key, ca=self.anchor)


def prepare(folder: Path, pace: Pace) -> Setting:
    """Make the folder and fresh test certificates.

    Raises:
        OSError: the folder cannot be written.
    """
    certificates = folder / "certs"
    certificates.mkdir(parents=True, mode=0o700)
    pki = openadr("ecc", datetime(2025, 5, 3, tzinfo=UTC))
    setting = Setting(
        folder=folder,
        pace=pace,
        vtn=write(pki.vtn("localhost"), certificates, "vtn"),
        ven=write(pki.ven(VEN_NAME), certificates, "ven"),
        server=write(pki.server("localhost"), certificates, "server"),
    )
    setting.anchor.write_bytes(pki.anchor_pem)
    return setting


def write_config(setting: Setting, *, utility: str, port: int) -> Path:
    """Write the gateway's configuration.

    Args:
        setting: Where everything lies.
        utility: The sections about the utility and its program.
        port: Of the southbound listener; 0 for any free one.
    """
    text = _CONFIG.format(**_values(setting, port)) + utility
    setting.config.write_text(text, encoding="utf-8")
    return setting.config


def oadr2b_section(setting: Setting, url: str) -> str:
    """Return the sections about the demonstration's VTN.

    Args:
        setting: Where everything lies.
        url: Root of the VTN's services.
    """
    identity = {
        "utility": UTILITY,
        "vtn_url": url,
        "ven_name": VEN_NAME,
        "ven_certificate": setting.ven.certificate.resolve(),
        "ven_key": setting.ven.key.resolve(),
        "anchor": setting.anchor.resolve(),
    }
    return _OADR2B.format(**identity) + program_section(setting, MARKET_CONTEXT)


def program_section(setting: Setting, name: str) -> str:
    """Return the section about the program, by the name that the utility gives it."""
    return _PROGRAM.format(
        utility=UTILITY,
        name=name,
        site=SITE,
        opt_by=setting.pace.opt_by,
        price=PRICE_PER_KWH,
        penalty=PENALTY_PER_KWH,
    )


def _values(setting: Setting, port: int) -> dict[str, object]:
    pace = setting.pace
    return {
        "zone": ZONE,
        "port": port,
        "server_certificate": setting.server.certificate.resolve(),
        "server_key": setting.server.key.resolve(),
        "heartbeat_s": pace.heartbeat_s,
        "lease_s": pace.lease_s,
        "site": SITE,
        "contracted_kw": CONTRACTED_KW,
        "ramp_down": RAMP_DOWN_KW_PER_MIN,
        "ramp_up": RAMP_UP_KW_PER_MIN,
        "contract_meter": CONTRACT_METER,
        "host_meter": HOST_METER,
    }


_CONFIG: Final = """\
# Made by the Phoenix demonstration: test certificates, a simulated site, demo prices.

[gateway]
data_dir = "data"
test_mode = true
timezone = "{zone}"

[southbound]
port = {port}
certificate = "{server_certificate}"
key = "{server_key}"
heartbeat_s = {heartbeat_s}
lease_s = {lease_s}

[[site]]
id = "{site}"
timezone = "{zone}"
contracted_import_kw = {contracted_kw}
ramp_down_kw_per_min = {ramp_down}
ramp_up_kw_per_min = {ramp_up}
contract_meter = "{contract_meter}"
simulated = true

[[site.meter]]
id = "{contract_meter}"
max_kw = 200

[[site.meter]]
id = "{host_meter}"
max_kw = 300

"""

_OADR2B: Final = """\
[[utility]]
name = "{utility}"
protocol = "oadr20b"
url = "{vtn_url}"
ven_name = "{ven_name}"
certificate = "{ven_certificate}"
key = "{ven_key}"
ca = "{anchor}"

"""

_PROGRAM: Final = """\
[[program]]
utility = "{utility}"
name = "{name}"
sites = ["{site}"]
opt_by = "{opt_by}"
price_per_kwh = {price}       # demo value
penalty_per_kwh = {penalty}   # demo value
"""
