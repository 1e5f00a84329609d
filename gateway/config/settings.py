"""The tree of settings, section by section. Unknown keys are faults; defaults are safe."""

from datetime import timedelta
from decimal import Decimal
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from gateway.domain.intent import Firmness
from gateway.domain.protocol import ProtocolName
from gateway.domain.timespan import duration


class Section(BaseModel):
    """Base of every section: frozen, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("no such IANA time zone, e.g. America/Phoenix") from None
    return name


def _decimal(value: object) -> object:
    # TOML numbers arrive as Decimal (parse_float); booleans are ints in Python and never a quantity.
    if isinstance(value, bool):
        raise ValueError("must be a number")
    return value


def _span(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError('must be an ISO 8601 duration in quotes, e.g. "PT15M"')
    return duration(value)


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


Zone = Annotated[str, AfterValidator(_zone)]
Kw = Annotated[Decimal, BeforeValidator(_decimal), Field(ge=0, le=10**7, max_digits=18)]
RampKw = Annotated[Decimal, BeforeValidator(_decimal), Field(gt=0, le=10**7)]
Money = Annotated[Decimal, BeforeValidator(_decimal), Field(ge=0, le=10**6)]
Share = Annotated[Decimal, BeforeValidator(_decimal), Field(ge=0, le=10)]
Length = Annotated[timedelta, BeforeValidator(_span), Field(gt=timedelta(0))]
Port = Annotated[int, Field(ge=0, le=65535)]
Label = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]


class GatewaySection(Section):
    """`[gateway]`."""

    data_dir: Path = Path("var")
    """Keys, store and reports; made at first start, readable by its owner only."""
    test_mode: bool = False
    """Accept test certificates, and say TEST on everything."""
    timezone: Zone = "UTC"
    """For display; everything stored is UTC."""


class StoreSection(Section):
    """`[store]`."""

    url: Annotated[str, Field(pattern=r"^sqlite://")] = "sqlite:///gridgate.db"
    """A relative path lies under ``data_dir``."""


class SouthboundSection(Section):
    """`[southbound]`."""

    host: str = "127.0.0.1"
    port: Port = 8443
    certificate: Path | None = None
    """PEM chain of the listener; none: plain HTTP, allowed on loopback only."""
    key: Path | None = None
    heartbeat_s: Annotated[int, Field(ge=1, le=3600)] = 15
    lease_s: Annotated[int, Field(ge=3, le=86400)] = 60
    """A site that hears nothing for so long falls back to its fail-safe."""

    @property
    def loopback(self) -> bool:
        """Say whether only this machine can reach the listener."""
        return _loopback(self.host)


class MeterSection(Section):
    """`[[site.meter]]`."""

    id: Label
    interval: Length = timedelta(minutes=1)
    max_kw: RampKw
    """More is no plausible reading."""
    bidirectional: bool = False


class SiteSection(Section):
    """`[[site]]`."""

    id: Label
    timezone: Zone
    contracted_import_kw: Kw
    fail_safe_import_kw: Kw | None = None
    """Cap that the site falls back to by itself; none: it holds the last plan."""
    ramp_down_kw_per_min: RampKw
    ramp_up_kw_per_min: RampKw
    contract_meter: Label
    """The meter that limits, reports and statements are about."""
    meter: Annotated[list[MeterSection], Field(min_length=1)]
    simulated: bool = False
    """Everything published about this site says so."""


class UtilitySection(Section):
    """`[[utility]]`: what every protocol shares; the rest is the protocol's own options."""

    model_config = ConfigDict(frozen=True, extra="allow")

    name: Label
    protocol: ProtocolName
    url: Annotated[str, Field(pattern=r"^https?://")]
    """Root of the service paths, e.g. https://host:port/OpenADR2/Simple/2.0b."""
    certificate: Path | None = None
    key: Path | None = None
    ca: Path | None = None
    tls_profile: Literal["modern", "certification"] = "modern"
    server_fingerprint: str = ""
    """Pins the server's certificate."""
    check_host_name: bool = True
    """False only together with ``server_fingerprint``."""
    request_timeout_s: Annotated[float, Field(ge=5, le=120)] = 30.0

    @property
    def options(self) -> dict[str, Any]:
        """The keys that only the protocol knows."""
        return dict(self.model_extra or {})


class WindowSection(Section):
    """`[[program.baseline_window]]`."""

    anchor: Literal["start", "end"] = "start"
    from_min: Annotated[int, Field(ge=-2880, le=2880)]
    to_min: Annotated[int, Field(ge=-2880, le=2880)]


class ProgramSection(Section):
    """`[[program]]`."""

    utility: Label
    name: Annotated[str, Field(min_length=1, max_length=1024)]
    """Market context of the utility, verbatim."""
    sites: Annotated[list[Label], Field(min_length=1)]
    firmness: Firmness = Firmness.COMMITTED
    opt_by: Length = timedelta(seconds=30)
    opt_default: Literal["in", "out"] = "out"
    partial_policy: Literal["opt_out", "opt_in"] = "opt_out"
    delta_sign: Literal["signed", "unsigned"] = "signed"
    """``unsigned``: every LOAD_DISPATCH delta is a reduction."""
    delta_basis: Literal["current", "baseline"] = "current"
    capacity_is_cap: bool = False
    """x-loadControlCapacity is a cap instead of an operating point."""
    levels: dict[str, Share] = {}
    """Level -> share of the present consumption that may be drawn."""
    actuate_tests: bool = False
    baseline_method: Literal["same_day", "fsl"] = "same_day"
    baseline_window: list[WindowSection] = [WindowSection(from_min=-90, to_min=-30)]
    settlement_interval: Length = timedelta(minutes=5)
    settle_after: Length = timedelta(minutes=45)
    price_per_kwh: Money
    penalty_per_kwh: Money
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "USD"


class Settings(Section):
    """The whole file."""

    gateway: GatewaySection = GatewaySection()
    store: StoreSection = StoreSection()
    southbound: SouthboundSection = SouthboundSection()
    site: Annotated[list[SiteSection], Field(min_length=1)]
    utility: Annotated[list[UtilitySection], Field(min_length=1)]
    program: Annotated[list[ProgramSection], Field(min_length=1)]
