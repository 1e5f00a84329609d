"""The keys of ``[[utility]]`` that only IEEE 2030.5 knows: who we are, what we take part in, how the utility reads."""

from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Final, Literal, get_args
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from gateway.domain.errors import WireError
from gateway.domain.timespan import duration
from gateway.protocols.sep2.client.links import FunctionSet
from gateway.protocols.sep2.events.codes import Code
from gateway.protocols.sep2.events.settings import CancelRandom, Settings, Supersede
from gateway.protocols.sep2.identity import PenEncoding, lfdi, pin_doubt
from gateway.protocols.sep2.pinning import is_pin

MANAGED_LOAD: Final = 1 << 9
"""deviceCategory: managed commercial and industrial load."""
ENERGY_MANAGEMENT: Final = 1 << 14
"""deviceCategory: energy management system."""
DATA_CENTER: Final = MANAGED_LOAD | ENERGY_MANAGEMENT


_CSIP: Final = frozenset(
    {FunctionSet.TIME, FunctionSet.END_DEVICE, FunctionSet.MIRROR, FunctionSet.DER}
)
_WHOLE: Final = _CSIP | {FunctionSet.DRLC, FunctionSet.MESSAGING, FunctionSet.PRICING}


def _lfdi(text: str) -> str:
    try:
        return lfdi(text)
    except WireError as error:
        raise ValueError(error.detail) from None


def _pin(value: int) -> int:
    try:
        pin_doubt(value)
    except WireError as error:
        raise ValueError(error.detail) from None
    return value


def _duration(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return duration(value)
    except WireError:
        raise ValueError("must be an ISO 8601 duration, e.g. PT5M") from None


def _notify_url(text: str) -> str:
    try:
        parts = urlsplit(text)
        odd = parts.scheme != "https" or not parts.hostname or parts.port == 0
        odd = odd or bool(parts.query or parts.fragment) or "@" in parts.netloc
    except ValueError:
        odd = True
    if text and odd:
        raise ValueError("must look like https://gateway.example:8445/apex")
    return text


def _device(text: str) -> str:
    if not is_pin(text):
        raise ValueError("must be an LFDI of 40 hex digits, or an SFDI")
    return text


Subscribed = Literal[
    "EndDeviceList",
    "FunctionSetAssignmentsList",
    "DERProgramList",
    "DERControlList",
    "DefaultDERControl",
    "DemandResponseProgramList",
    "EndDeviceControlList",
    "MessagingProgramList",
    "TextMessageList",
    "TariffProfileList",
    "TimeTariffIntervalList",
    "FlowReservationResponseList",
]
"""What may be subscribed to."""
_SUBSCRIBED: Final[frozenset[Subscribed]] = frozenset(get_args(Subscribed))
Lfdi = Annotated[str, AfterValidator(_lfdi)]
Pin = Annotated[int, Field(strict=True), AfterValidator(_pin)]
Category = Annotated[int, Field(strict=True, ge=0, lt=2**32)]
ConnectionPoint = Annotated[str, Field(max_length=32)]
Length = Annotated[timedelta, BeforeValidator(_duration), Field(gt=timedelta(0))]


class DeviceOptions(BaseModel):
    """`[[utility.device]]`: a device that we manage, beside or instead of ourselves."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    lfdi: Lfdi
    """As the utility has it."""
    site: str
    """Whose events its events are."""
    pin: Pin | None = Field(default=None, exclude=True)
    """As the utility handed it over, told nobody; none: not compared."""
    connection_point: ConnectionPoint = ""
    """Where it is connected, as the utility calls that place (NMI); told in CSIP-AUS."""


class Sep2Options(BaseModel):
    """What every 2030.5 utility may be told; the defaults are those of the edition of 2018."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    edition: Literal["2018", "2023"] = "2018"
    """What we write, and whose rules for events hold."""
    csip_aus: bool = False
    """Write the elements of CSIP-AUS too."""
    function_sets: frozenset[FunctionSet] = _WHOLE
    """What we take part in, and whose links we follow."""
    lfdi: Lfdi | None = None
    """Ours; none: that of the certificate."""
    pin: Pin | None = Field(default=None, exclude=True)
    """As the utility handed it over, told nobody; none: not compared."""
    connection_point: ConnectionPoint = ""
    """Where we are connected, as the utility calls that place (NMI); told in CSIP-AUS."""
    registration: Literal["out_of_band", "in_band"] = "out_of_band"
    """``in_band``: we POST our EndDevice where the server lists none."""
    device: tuple[DeviceOptions, ...] = ()
    """Devices that we manage as an aggregator."""
    device_category: Category = DATA_CENTER
    """Bits of deviceCategory: which DRLC events mean us."""
    target_reduction: Literal["cap", "amount"] | None = None
    """What TargetReduction means at this utility; none: such events are refused (252), since the standard's own text
    says both."""
    fixed_w_is_cap: bool = False
    """opModFixedW is an upper limit instead of an operating point."""
    charge_kw: Annotated[Decimal, Field(gt=0)] | None = None
    """setMaxChargeRateW, what opModFixedW is a percentage of; none: the contracted import of the site."""
    supersede_code: Supersede = Supersede.SUNSPEC
    """Which code tells that an event of another program displaced one: ``spec`` by relation (7, 14, 13), ``sunspec``
    14 before the start and 7 while it runs, ``sunspec_printed`` 7, ``always7``."""
    resume: bool | None = None
    """Take up what is left of a displaced event; none: as the edition says (2018 no, 2023 yes)."""
    vanished_cancels: bool | None = None
    """An event missing from a complete list is cancelled; none: as the edition says (2018 no, 2023 yes)."""
    cancel_random: CancelRandom = CancelRandom.UNIFORM
    """How long an event runs on that was cancelled with randomization: drawn (``uniform``) or the whole (``full``)."""
    allow_edits: bool = False
    """Follow a server that changes an event under its mRID; otherwise what came first holds, and is reported."""
    keep_withdrawn: bool = False
    """Run an event to its end although its program is no longer assigned; otherwise it stops at once."""
    response_codes: frozenset[Code] | None = None
    """The only codes that the utility takes; none: all."""
    pen: Annotated[int, Field(strict=True, ge=0, lt=2**32)] = 40732
    """Our private enterprise number, for the mRIDs of our readings; 40732 stands for test devices."""
    pen_encoding: PenEncoding = PenEncoding.HEX
    """How our enterprise number stands in an mRID: as a binary number, or in decimal digits (CSIP-AUS)."""
    post_rate: Length = timedelta(minutes=5)
    """Of readings, where the server names no postRate."""
    list_limit: Annotated[int, Field(strict=True, ge=1, le=500)] = 100
    """``l`` of our questions for lists."""
    notify_url: Annotated[str, Field(max_length=1024), AfterValidator(_notify_url)] = ""
    """Where the utility reaches our listener for notifications, e.g. https://gateway.example:8445/apex; none: nothing
    is subscribed to, and everything is polled."""
    notify_host: Annotated[str, Field(min_length=1, max_length=253)] = "127.0.0.1"
    """Address that this listener listens at."""
    notify_port: Annotated[int, Field(strict=True, ge=0, le=65535)] = 8445
    """Its port; utilities with the same certificate and root may share one, under paths of their own."""
    notify_peers: tuple[Annotated[str, AfterValidator(_device)], ...] = ()
    """LFDIs or SFDIs of the certificates that the utility notifies with; none: the one that it shows as a server."""
    notification_answer: Literal[201, 204] = 201
    """What a notification is answered; CSIP's procedures want 201, others take either."""
    subscribe: frozenset[Subscribed] = _SUBSCRIBED
    """What is subscribed to where the server allows it."""
    subscribed_poll_rate: Length = timedelta(minutes=15)
    """How often what is subscribed to is polled nevertheless, should the server not ask for less."""
    connections: Annotated[int, Field(strict=True, ge=1, le=32)] = 4
    """Kept open to the utility, and so many questions and as many answers of ours may be on their way at a time."""
    old_namespace: bool = False
    """Also read documents in the namespace of 2013, and write them to a server that does."""

    def settings(self, supported: frozenset[str]) -> Settings:
        """Return how the event engine is to read this utility.

        Args:
            supported: Modes that the site can follow.
        """
        return Settings(
            edition=2018 if self.edition == "2018" else 2023,
            categories=self.device_category,
            supported=supported,
            supersede_code=self.supersede_code,
            resume=self.resume,
            vanished_cancels=self.vanished_cancels,
            cancel_random=self.cancel_random,
            allow_edits=self.allow_edits,
            keep_withdrawn=self.keep_withdrawn,
            response_codes=self.response_codes,
        )


class CsipOptions(Sep2Options):
    """CSIP: DER alone, the codes of the SunSpec procedures."""

    function_sets: frozenset[FunctionSet] = _CSIP
    """What we take part in, and whose links we follow."""


class CsipAusOptions(CsipOptions):
    """CSIP-AUS: with its own elements, and enterprise numbers in decimal digits."""

    csip_aus: bool = True
    """Write the elements of CSIP-AUS too."""
    pen_encoding: PenEncoding = PenEncoding.DECIMAL
    """How our enterprise number stands in an mRID: as a binary number, or in decimal digits (CSIP-AUS)."""
