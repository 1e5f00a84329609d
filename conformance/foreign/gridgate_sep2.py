"""Our own gateway as a 2030.5 client under test: in this process, on the suite's clock, by its public faces alone."""

import socket
from typing import Final

from conformance.engine.drivers.entry import Place
from conformance.engine.drivers.hands import Values
from conformance.foreign.gateway_setting import SITE, Disk
from conformance.foreign.gridgate import InsideVen

CONFIG: Final = """
[gateway]
data_dir = "var"
test_mode = true
[southbound]
host = "127.0.0.1"
port = {port}
lease_s = 3600
[[site]]
id = "{site}"
timezone = "America/Phoenix"
contracted_import_kw = 1000
fail_safe_import_kw = 50
ramp_down_kw_per_min = 1000
ramp_up_kw_per_min = 1000
contract_meter = "poc"
[[site.meter]]
id = "poc"
interval = "PT10S"
max_kw = 2000
[[utility]]
name = "suite"
protocol = "{protocol}"
url = "{url}"
{identity}
pin = {pin}
notify_url = "https://127.0.0.1:{notify_port}/suite"
notify_port = {notify_port}
[[program]]
utility = "suite"
name = "program"
sites = ["{site}"]
opt_by = "PT10S"
opt_default = "in"
price_per_kwh = 1
penalty_per_kwh = 2
"""


class Sep2Disk(Disk):
    """A gateway's folder with a utility that speaks 2030.5."""

    def settle(self, place: Place) -> None:
        """Write the configuration for a place."""
        port, notify_port = _free_ports()
        text = CONFIG.format(
            port=port,
            site=SITE,
            protocol="csip_aus" if place.mode == "csipaus" else "csip",
            url=place.url,
            identity=self._identity(place).replace('tls_profile = "certification"', ""),
            pin=place.values.get("pin", "111115"),
            notify_port=notify_port,
        )
        self.config.write_text(text)
        (self.path / "port").write_text(str(port))


class InsideClient(InsideVen):
    """The gateway with such a utility."""

    disk_of = Sep2Disk

    async def state(self) -> Values:
        """Return nothing: what a scheduler follows is told in other words than those of a control's modes."""
        return {}


def inside(place: Place) -> InsideClient:
    """Make the gateway (entry point ``conformance.foreign.gridgate_sep2:inside``)."""
    return InsideClient(place)


def _free_ports() -> tuple[int, int]:
    """Return two ports that nobody listens on."""
    with (
        socket.create_server(("127.0.0.1", 0)) as one,
        socket.create_server(("127.0.0.1", 0)) as other,
    ):
        return one.getsockname()[1], other.getsockname()[1]
