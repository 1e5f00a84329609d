"""The tree of settings, section by section. Unknown keys are faults; defaults are safe."""

import re
from datetime import timedelta
from decimal import Decimal
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)

from gateway.domain.errors import WireError
from gateway.domain.intent import Firmness
from gateway.domain.protocol import ProtocolName
from gateway.domain.quantity import exact, plain
from gateway.domain.text import clean
from gateway.domain.timespan import duration
from gateway.protocols.entry import ClockPolicy
from gateway.transport.profiles import PROFILES_OF, ProfileName
from gateway.transport.targets import PORTS, read_network

_PRINTED: Final = re.compile(r"[!-~]+")


class Section(BaseModel):
    """Base of every section: frozen, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("no such IANA time zone, e.g. America/Phoenix") from None
    return name


def _decimal(value: object) -> Decimal:
    # TOML numbers arrive as int or Decimal (parse_float); booleans are ints in Python and never a quantity.
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueError("must be a number without quotes")
    if isinstance(value, Decimal) and not value.is_finite():
        raise ValueError("must be a finite number")
    try:
        return Decimal(plain(exact(str(value))))
    except (WireError, ValueError):  # Python refuses to write out an integer of thousands of digits
        raise ValueError("must be a number of 18 digits at most, e.g. 12.5") from None


def _span(value: object) -> timedelta:
    if isinstance(value, timedelta):
        return value
    if not isinstance(value, str):
        raise ValueError('must be an ISO 8601 duration in quotes, e.g. "PT15M"')
    try:
        length = duration(value)
    except WireError:
        raise ValueError('must be an ISO 8601 duration of 400 days at most, e.g. "PT15M"') from None
    if length <= timedelta(0):
        raise ValueError("must be longer than nothing, whole seconds")
    return length


def _store_url(url: str) -> str:
    path = url.removeprefix("sqlite:///")
    if path == url or not path or "?" in path or path == ":memory:":
        raise ValueError("must look like sqlite:///gridgate.db, with three slashes")
    return url


def _service_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ValueError("is no URL; host or port cannot be read") from None
    if parts.scheme not in {"http", "https"} or not host or not _PRINTED.fullmatch(url):
        raise ValueError("must look like https://host:port/OpenADR2/Simple/2.0b")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not hold a user or password; the certificate says who we are")
    if parts.query or parts.fragment:
        raise ValueError("must end with the path; remove what follows ? or #")
    return url


def _storable(text: str) -> str:
    try:
        return clean(text)
    except WireError as error:
        raise ValueError(error.detail) from None


def _own_network(text: str) -> str:
    read_network(text)
    return text


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


Zone = Annotated[str, AfterValidator(_zone)]
Kw = Annotated[Decimal, BeforeValidator(_decimal), Field(ge=0, le=10**7)]
RampKw = Annotated[Decimal, BeforeValidator(_decimal), Field(gt=0, le=10**7)]
Money = Annotated[Decimal, BeforeValidator(_decimal), Field(ge=0, le=10**6)]
Share = Annotated[Decimal, BeforeValidator(_decimal), Field(ge=0, le=10)]
Length = Annotated[timedelta, BeforeValidator(_span)]
Count = Annotated[int, Field(strict=True, ge=0, le=10**6)]
Switch = Annotated[bool, Field(strict=True)]
GuardRule = Literal[
    "lowest_import_kw",
    "highest_import_kw",
    "ramp_kw_per_min",
    "events_per_hour",
    "events_per_day",
    "reversals_per_hour",
    "reversals_per_day",
    "min_hold",
    "longest_event",
    "re_arm",
]
Port = Annotated[int, Field(strict=True, ge=0, le=65535)]
Label = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]


class GatewaySection(Section):
    """`[gateway]`."""

    data_dir: Path = Path("var")
    """Keys, store and reports; made at first start, readable by its owner only."""
    test_mode: Switch = False
    """Accept test certificates, and say TEST on everything."""
    timezone: Zone = "UTC"
    """For display; everything stored is UTC."""
    fleet_kw_per_min: RampKw | None = None
    """How fast all sites together may be driven, either way; starts that find no room are staggered."""


class StoreSection(Section):
    """`[store]`."""

    url: Annotated[str, AfterValidator(_store_url)] = "sqlite:///gridgate.db"
    """A relative path lies under ``data_dir``."""
    ballast_mib: Annotated[int, Field(strict=True, ge=0, le=4096)] | None = None
    """Space held beside the store for the moment in which the disk is full, MiB; none: 32, in test mode 0."""


class SouthboundSection(Section):
    """`[southbound]`."""

    host: Annotated[str, Field(min_length=1, max_length=253)] = "127.0.0.1"
    port: Port = 8443
    certificate: Path | None = None
    """PEM chain of the listener; none: plain HTTP, allowed on loopback only."""
    key: Path | None = None
    heartbeat_s: Annotated[int, Field(strict=True, ge=1, le=3600)] = 15
    lease_s: Annotated[int, Field(strict=True, ge=3, le=86400)] = 60
    """A site that hears nothing for so long falls back to its fail-safe."""
    webhook_ports: Annotated[list[Port], Field(min_length=1)] = [*PORTS]
    """Where endpoints of sites may listen."""
    webhook_origin: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9.-]{0,252}$")] = "gridgate"
    """What this gateway calls itself when it asks an endpoint whether it wants deliveries; a host name."""

    @property
    def loopback(self) -> bool:
        """Say whether only this machine can reach the listener."""
        return _loopback(self.host)


class PushSection(Section):
    """`[push]`: where utilities in push mode reach us."""

    host: Annotated[str, Field(min_length=1, max_length=253)] = "127.0.0.1"
    port: Port = 8444
    certificate: Path | None = None
    """PEM chain of the listener; none: the client certificate of the utilities that push."""
    key: Path | None = None

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
    bidirectional: Switch = False


class GuardSection(Section):
    """`[site.guard]`: what no utility may exceed at a site, however well it proves who it is."""

    lowest_import_kw: Kw = Decimal(0)
    """No cap goes below it."""
    highest_import_kw: Kw | None = None
    """No utility makes the site draw more; none: ``contracted_import_kw``."""
    ramp_kw_per_min: RampKw | None = None
    events_per_hour: Count | None = None
    """In any 60 minutes."""
    events_per_day: Count | None = None
    """In a day of the site's calendar."""
    reversals_per_hour: Count | None = None
    """How often load may be driven away again after it was eased; the start of each event is one."""
    reversals_per_day: Count | None = None
    min_hold: Length | None = None
    """Nothing is asked for less, and load is left alone for so long after it was eased."""
    longest_event: Length | None = None
    """Without a pause, by however many overlapping events."""
    re_arm: Length | None = None
    """Pause between two events."""
    action: Literal["clip", "hold"] = "clip"
    """What is done with a request outside: follow what lies inside, or wait for the operator."""
    actions: dict[GuardRule, Literal["clip", "hold"]] = {}
    """The same for single rules, by their names here."""


class WebhookSection(Section):
    """`[[site.webhook]]`: an endpoint of the site's own, which its stream is pushed to."""

    name: Label
    url: Annotated[str, Field(min_length=1, max_length=2048, repr=False)]
    """https; plain http only to a loopback address out of ``allow``."""
    secret_file: Path | None = None
    """One line, ``whsec_…`` (HMAC) or ``whsk_…`` (Ed25519); readable by its owner only."""
    secret_files: list[Path] = []
    """Instead, while the secret is exchanged: the new one, then the old one."""
    allow: list[Annotated[str, AfterValidator(_own_network)]] = []
    """The site's own networks that the endpoint may lie in; without them only the Internet at large."""
    ca: Path | None = None
    """Anchors of the site's own authority; none: the system's."""

    @property
    def secrets(self) -> list[Path]:
        """Every file with a secret, the newest first."""
        return [*([self.secret_file] if self.secret_file else []), *self.secret_files]


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
    webhook: list[WebhookSection] = []
    simulated: Switch = False
    """Everything published about this site says so."""
    guard: GuardSection | None = None
    """What no utility may exceed; none: whatever a utility asks is put to the site."""


class UtilitySection(Section):
    """`[[utility]]`: what every protocol shares; the rest is the protocol's own options."""

    model_config = ConfigDict(frozen=True, extra="allow")

    name: Label
    protocol: ProtocolName
    url: Annotated[str, AfterValidator(_service_url)]
    """Root of the service paths, e.g. https://host:port/OpenADR2/Simple/2.0b."""
    certificate: Path | None = None
    key: Path | None = None
    ca: Path | None = None
    tls_profile: ProfileName = "modern"
    """Without it, the first of its protocol in ``PROFILES_OF``."""
    server_fingerprint: str = ""
    """Pins the server's certificate: its OpenADR fingerprint, or in IEEE 2030.5 its LFDI or SFDI."""
    check_host_name: Switch = True
    """False only together with ``server_fingerprint``."""
    clock_policy: ClockPolicy = "hold"
    """New events while the utility's clock is more than five minutes off: hold them for the operator, take their dates
    as they stand (``trust_ours``), or move them by the offset (``trust_theirs``)."""
    request_timeout_s: Annotated[float, BeforeValidator(_decimal), Field(ge=5, le=120)] = 30.0

    @model_validator(mode="before")
    @classmethod
    def _profile_of_the_protocol(cls, raw: object) -> object:
        """Fill in the profile that the protocol uses unless another is named."""
        if not isinstance(raw, dict) or "tls_profile" in raw:
            return raw
        first = next((PROFILES_OF[p][0] for p in ProtocolName if p == raw.get("protocol")), None)
        return raw if first is None else {**raw, "tls_profile": first}

    @property
    def options(self) -> dict[str, Any]:
        """The keys that only the protocol knows."""
        return dict(self.model_extra or {})


class WindowSection(Section):
    """`[[program.baseline_window]]`."""

    anchor: Literal["start", "end"] = "start"
    from_min: Annotated[int, Field(strict=True)]
    to_min: Annotated[int, Field(strict=True)]


class ProgramSection(Section):
    """`[[program]]`."""

    utility: Label
    name: Annotated[str, Field(min_length=1, max_length=1024), AfterValidator(_storable)]
    """Market context of the utility, verbatim."""
    sites: Annotated[list[Label], Field(min_length=1)]
    firmness: Firmness = Firmness.COMMITTED
    opt_by: Length = timedelta(seconds=30)
    opt_default: Literal["in", "out"] = "out"
    partial_policy: Literal["opt_out", "opt_in"] = "opt_out"
    delta_sign: Literal["signed", "unsigned"] = "signed"
    """``unsigned``: every LOAD_DISPATCH delta is a reduction."""
    delta_basis: Literal["current", "baseline"] = "current"
    capacity_is_cap: Switch = False
    """x-loadControlCapacity is a cap instead of an operating point."""
    levels: dict[str, Share] = {}
    """Level -> share of the present consumption that may be drawn."""
    actuate_tests: Switch = False
    baseline_method: Literal["same_day", "fsl"] = "same_day"
    baseline_window: list[WindowSection] = [WindowSection(from_min=-90, to_min=-30)]
    settlement_interval: Length = timedelta(minutes=5)
    settle_after: Length = timedelta(minutes=45)
    correct_within: Length = timedelta(days=60)
    price_per_kwh: Money
    penalty_per_kwh: Money
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "USD"


class Settings(Section):
    """The whole file."""

    gateway: GatewaySection = GatewaySection()
    store: StoreSection = StoreSection()
    southbound: SouthboundSection = SouthboundSection()
    push: PushSection = PushSection()
    site: Annotated[list[SiteSection], Field(min_length=1)]
    utility: Annotated[list[UtilitySection], Field(min_length=1)]
    program: Annotated[list[ProgramSection], Field(min_length=1)]

    @property
    def ballast_bytes(self) -> int:
        """Space to hold beside the store."""
        mib = self.store.ballast_mib
        return (mib if mib is not None else 0 if self.gateway.test_mode else 32) << 20
