"""Our own gateway as the suite sets it up: its folder, its configuration, its files."""

import shutil
import socket
import tempfile
import weakref
from pathlib import Path
from typing import Final

from conformance.engine.drivers.entry import Place

SITE: Final = "reference-site"
METER: Final = "poc"
CONFIG: Final = """
[gateway]
data_dir = "var"
test_mode = true
[southbound]
host = "127.0.0.1"
port = {port}
lease_s = 3600
{push}
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
protocol = "oadr20b"
url = "{url}"
{identity}
{mode}
event_rules = "strict"
answer_before_poll = true
ven_name = "{ven_name}"
ven_id = "{ven_id}"
query_first = {query_first}
xml_signature = {signs}
jitter = 0
report_grace = "PT1S"
groups = ["{group}"]
device_classes = ["{device_class}"]
[[program]]
utility = "suite"
name = "{context}"
sites = ["{site}"]
opt_by = "PT10S"
opt_default = "in"
price_per_kwh = 1
penalty_per_kwh = 2
[program.levels]
"1" = 0.9
"2" = 0.7
"3" = 0.5
"10" = 0.4
"-10" = 1
"-30" = 0.7
[[program]]
utility = "suite"
name = "{second}"
sites = ["{site}"]
opt_by = "PT10S"
opt_default = "in"
price_per_kwh = 1
penalty_per_kwh = 2
[program.levels]
"1" = 0.9
"2" = 0.7
"3" = 0.5
"10" = 0.4
"-10" = 1
"-30" = 0.7
"""

_PUSH: Final = """
[push]
host = "127.0.0.1"
port = {port}
"""


class Disk:
    """A folder that lives as long as somebody holds it: over ``kill`` and ``start`` of a device."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="gridgate-dut-"))
        self._end = weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)

    @property
    def config(self) -> Path:
        """Return the configuration."""
        return self.path / "gateway.toml"

    @property
    def token(self) -> Path:
        """Return the scheduler's token."""
        return self.path / "site.token"

    @property
    def url(self) -> str:
        """Return where sites connect."""
        return f"http://127.0.0.1:{(self.path / 'port').read_text()}/v1"

    def settle(self, place: Place) -> None:
        """Write the configuration for a place."""
        given = place.values
        port = _free_port()
        text = CONFIG.format(
            port=port,
            site=SITE,
            url=place.url,
            identity=self._identity(place),
            ven_name=given["ven_name"],
            ven_id=given.get("ven_id", ""),
            query_first="true" if given.get("query_first", "yes") == "yes" else "false",
            signs="true" if given.get("xml_signature") == "yes" else "false",
            group=given.get("group_id", "none"),
            device_class=given.get("device_class", "none"),
            context=given["market_context"],
            second=given.get("second_market_context", "http://gridgate.example/unused"),
            **_ways(place),
        )
        self.config.write_text(text)
        (self.path / "port").write_text(str(port))

    def _identity(self, place: Place) -> str:
        pem = place.pem
        if pem is None:
            return ""
        (self.path / "ven.pem").write_bytes(pem.certificate)
        key = self.path / "ven.key"
        key.touch(mode=0o600)
        key.write_bytes(pem.key)
        (self.path / "anchor.pem").write_bytes(pem.ca)
        files = 'certificate = "ven.pem"\nkey = "ven.key"\nca = "anchor.pem"'
        return f'{files}\ntls_profile = "certification"'


def _ways(place: Place) -> dict[str, str]:
    """Return what differs between pull and push."""
    if place.mode != "push":
        return {"push": "", "mode": 'mode = "pull"'}
    port = _free_port()
    scheme = "http" if place.pem is None else "https"
    mode = f'mode = "push"\npush_url = "{scheme}://localhost:{port}"'
    return {"push": _PUSH.format(port=port), "mode": mode}


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port
