"""Where the intake bench runs: certificates and the configuration of a gateway with many utilities and sites."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from certs.files import LeafFiles, write
from certs.issue import openadr

UTILITIES: Final = 32
"""One session and one site each; so many events are in flight at most."""
PROGRAM: Final = "http://bench.example/fast-dr"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A folder with test certificates for everybody."""

    folder: Path
    vtn: LeafFiles
    ven: LeafFiles
    server: LeafFiles

    @property
    def anchor(self) -> Path:
        """The root that everybody trusts."""
        return self.folder / "root.pem"

    @property
    def config(self) -> Path:
        """The gateway's configuration."""
        return self.folder / "gateway.toml"


def utility(number: int) -> str:
    """Name a utility; also the prefix of its path."""
    return f"u{number:02}"


def site(number: int) -> str:
    """Name the site of a utility."""
    return f"s{number:02}"


def prepare(folder: Path) -> Place:
    """Make fresh test certificates."""
    pki = openadr("ecc", datetime(2025, 5, 3, tzinfo=UTC))
    place = Place(
        folder=folder,
        vtn=write(pki.vtn("localhost"), folder, "vtn"),
        ven=write(pki.ven("bench"), folder, "ven"),
        server=write(pki.server("localhost"), folder, "server"),
    )
    place.anchor.write_bytes(pki.anchor_pem)
    return place


def write_config(place: Place, vtn_url: str, data: Path) -> None:
    """Write the gateway's configuration.

    Args:
        place: Where its files lie.
        vtn_url: Scheme, host and port of the utilities.
        data: Folder of its store and keys.
    """
    certificate, key = place.server.certificate, place.server.key
    head = _HEAD.format(data=data, certificate=certificate, key=key)
    each = [_section(place, vtn_url, number) for number in range(UTILITIES)]
    place.config.write_text("".join([head, *each]))


def _section(place: Place, vtn_url: str, number: int) -> str:
    return _EACH.format(
        site=site(number),
        utility=utility(number),
        url=f"{vtn_url}/{utility(number)}/OpenADR2/Simple/2.0b",
        certificate=place.ven.certificate,
        key=place.ven.key,
        ca=place.anchor,
        program=PROGRAM,
    )


_HEAD: Final = """\
[gateway]
data_dir = "{data}"
test_mode = true

[southbound]
port = 0
certificate = "{certificate}"
key = "{key}"
"""
_EACH: Final = """
[[site]]
id = "{site}"
timezone = "UTC"
contracted_import_kw = 120
ramp_down_kw_per_min = 10
ramp_up_kw_per_min = 6
contract_meter = "poc"
simulated = true

[[site.meter]]
id = "poc"
max_kw = 200

[[utility]]
name = "{utility}"
protocol = "oadr20b"
url = "{url}"
ven_name = "bench"
certificate = "{certificate}"
key = "{key}"
ca = "{ca}"

[[program]]
utility = "{utility}"
name = "{program}"
sites = ["{site}"]
opt_by = "PT10M"
price_per_kwh = 1.00
penalty_per_kwh = 2.00
"""
