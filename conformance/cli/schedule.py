"""A schedule for a utility played by hand, section by section; unknown keys are faults, defaults are safe."""

from datetime import timedelta
from decimal import Decimal
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Final, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)

from conformance.peers.units import KNOWN, item_base
from gateway.domain.errors import MisuseError
from gateway.domain.quantity import ExactNumber
from gateway.domain.text import Name, Text
from gateway.domain.timespan import Duration, Instant
from gateway.protocols.oadr2b.messages import SignalType
from gateway.protocols.oadr2b.vtn_book import Strangers
from gateway.transport.tls import TlsProfile

T = TypeVar("T")
_ZERO: Final = timedelta(0)


def _number(value: object) -> object:
    return str(value) if isinstance(value, int | Decimal) and not isinstance(value, bool) else value


def _unit(text: str) -> str:
    try:
        item_base(text)
    except MisuseError as error:
        raise ValueError(f"must be one of {KNOWN}") from error
    return text


def _some(found: tuple[T, ...]) -> tuple[T, ...]:
    # Not min_length: pydantic counts the parts that failed as absent, and would tell a second fault about each.
    if not found:
        raise ValueError("must not be empty")
    return found


Number = Annotated[ExactNumber, BeforeValidator(_number)]
"""A number of the file, exact whether written ``500``, ``0.25`` or ``"0.25"``."""
Positive = Annotated[Duration, Field(gt=_ZERO)]
NotNegative = Annotated[Duration, Field(ge=_ZERO)]


class Section(BaseModel):
    """Base of every section: frozen, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ListenSection(Section):
    """Where the utility is found, and as whom."""

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 0
    """0: any free one; it is printed."""
    certificate: Path | None = None
    """Chain in PEM, leaf first; without one the utility speaks plain HTTP, on loopback only."""
    key: Path | None = None
    ca: Path | None = None
    """Whom the certificates of VENs must come from."""
    tls_profile: TlsProfile = TlsProfile.MODERN
    prefix: Annotated[str, Field(pattern=r"^(/[A-Za-z0-9._~-]+)*$")] = ""
    """Path before ``/OpenADR2``."""

    @model_validator(mode="after")
    def _complete(self) -> "ListenSection":
        given = [part is not None for part in (self.certificate, self.key, self.ca)]
        if any(given) and not all(given):
            raise ValueError("certificate, key and ca belong together; give all three")
        if not any(given) and not _is_loopback(self.host):
            raise ValueError("plain HTTP is for loopback only; give certificate, key and ca")
        return self


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class VtnSection(Section):
    """How the utility behaves."""

    id: Name
    poll_every: Positive = timedelta(seconds=10)
    resend_after: Positive | None = None
    store: Path | None = None
    """SQLite file that outlives the process; without one everything is forgotten."""
    schema_error_status: Literal[400, 403, 406] = 406
    requests_per_s: Annotated[float, Field(ge=0)] = 20.0
    """Per VEN; 0: without limit."""
    push: bool = True
    """Push to VENs that register with oadrHttpPullModel false; false: they are refused, and have to poll."""
    push_again_after: Positive = timedelta(minutes=1)
    """A message that was pushed and stays unanswered is pushed again."""
    xml_signature: Literal["never", "registered", "always"] = "registered"
    """From whom signatures are wanted: VENs that announced them at registration, everybody, or nobody. Over plain HTTP
    nobody can be told apart, so there are none."""
    signature_refusal: Literal["463", "403"] = "463"
    """What a message without a valid signature is told: an oadrResponse with this code, or this HTTP status."""
    signature_window: Positive = timedelta(seconds=60)
    """How far the time of a signature may be from ours, past and future."""
    signature_sha1: bool = False
    """Take signatures with SHA-1 too."""
    signature_last: bool = False
    """Take a signature behind the signed object, where the schema has none."""
    closed: bool = False
    """Only VENs of a ``[[ven]]`` section, or allocated by the operator, may register."""
    strangers: Strangers = Strangers.REFUSE
    """What a VEN that is not registered is told."""
    refuse_overlap: bool = False
    """Refuse to publish events of one market context that overlap for a VEN."""
    opt_default: bool = True
    """Whether a VEN takes part outside of its opt schedules."""
    opt_out_wins: bool = True
    """Where schedules of both kinds overlap."""
    transcript: Annotated[int, Field(ge=0, le=10_000_000)] = 100_000
    """Exchanges kept as they went over the wire; 0: none."""


class VenSection(Section):
    """A VEN that may register; without any section of this kind every certificate of ``ca`` may."""

    id: Text = ""
    """Its venID; empty: the utility gives one."""
    fingerprints: tuple[Annotated[str, Field(pattern=r"^([0-9A-F]{2}:){9}[0-9A-F]{2}$")], ...] = ()


class StepSection(Section):
    """One interval of a signal."""

    duration: NotNegative
    value: Number


class SignalSection(Section):
    """One signal."""

    name: Name = "SIMPLE"
    type: SignalType = SignalType.LEVEL
    unit: Annotated[str, AfterValidator(_unit)] = ""
    intervals: Annotated[tuple[StepSection, ...], AfterValidator(_some)]
    device_classes: tuple[Name, ...] = ()


class ModificationSection(Section):
    """What changes in an event, and when; what is not given stays."""

    at: Instant | None = None
    after: Duration | None = None
    start: Instant | None = None
    start_after: Duration | None = None
    ramp_up: Duration | None = None
    recovery: Duration | None = None
    notification: NotNegative | None = None
    randomise: NotNegative | None = None
    priority: Annotated[int, Field(ge=0)] | None = None
    test: bool | None = None
    comment: Text | None = None
    signal: Annotated[tuple[SignalSection, ...], AfterValidator(_some)] | None = None

    @model_validator(mode="after")
    def _timed(self) -> "ModificationSection":
        _one_of(self, "at", "after", required=True)
        _one_of(self, "start", "start_after")
        return self


class EventSection(Section):
    """One event."""

    id: Name
    market_context: Name
    start: Instant | None = None
    start_after: Duration | None = None
    """Counted from the start of the timeline; so are all ``…_after``."""
    signal: Annotated[tuple[SignalSection, ...], AfterValidator(_some)]
    ramp_up: Duration | None = None
    recovery: Duration | None = None
    notification: NotNegative = _ZERO
    randomise: NotNegative | None = None
    priority: Annotated[int, Field(ge=0)] | None = None
    test: bool = False
    response_required: Literal["always", "never"] = "always"
    vens: tuple[Name, ...] = ()
    resources: tuple[Name, ...] = ()
    groups: tuple[Name, ...] = ()
    comment: Text = ""
    publish_at: Instant | None = None
    publish_after: Duration | None = None
    """Without either: at once."""
    cancel_at: Instant | None = None
    cancel_after: Duration | None = None
    modification: tuple[ModificationSection, ...] = ()

    @model_validator(mode="after")
    def _timed(self) -> "EventSection":
        _one_of(self, "start", "start_after", required=True)
        _one_of(self, "publish_at", "publish_after")
        _one_of(self, "cancel_at", "cancel_after")
        return self


class ReportSection(Section):
    """One wish for reports."""

    id: Name
    ven: Text = ""
    """venID; empty: every VEN that offers the report."""
    name: Name = "TELEMETRY_USAGE"
    """Without ``METADATA_``; ``METADATA`` asks for the metadata itself."""
    data_points: tuple[Name, ...] = ()
    """rIDs; empty: all."""
    granularity: NotNegative = timedelta(minutes=1)
    back: NotNegative = timedelta(minutes=1)
    """How often a report comes; zero: once."""
    start: Instant | None = None
    start_after: Duration | None = None
    """Without either: when it is asked for."""
    lasts: NotNegative | None = _ZERO
    """Zero: until cancelled."""
    ask_at: Instant | None = None
    ask_after: Duration | None = None
    """Without either: at once."""
    cancel_at: Instant | None = None
    cancel_after: Duration | None = None
    to_follow: bool = False
    """Ask for one last report when cancelling."""
    piggyback: bool = False
    """Ask in the answer to the VEN's metadata, where possible."""

    @model_validator(mode="after")
    def _timed(self) -> "ReportSection":
        for name in ("start", "ask", "cancel"):
            instant = name if name == "start" else f"{name}_at"
            _one_of(self, instant, f"{name}_after")
        return self


def _one_of(section: Section, one: str, other: str, *, required: bool = False) -> None:
    given = [getattr(section, name) is not None for name in (one, other)]
    if all(given):
        raise ValueError(f"{one} and {other} exclude each other; remove one")
    if required and not any(given):
        raise ValueError(f"{one} or {other} is missing; add one")


class Schedule(Section):
    """The whole file."""

    listen: ListenSection = ListenSection()
    vtn: VtnSection
    ven: tuple[VenSection, ...] = ()
    event: tuple[EventSection, ...] = ()
    report: tuple[ReportSection, ...] = ()
