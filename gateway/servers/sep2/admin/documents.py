"""The documents of the operator's interface."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue

Name = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[0-9A-Fa-f]+$")]
"""An LFDI or mRID, in hex."""
Text = Annotated[str, Field(max_length=32)]
Seconds = Annotated[int, Field(ge=1, le=86_400)]
Object = dict[str, JsonValue]
"""A resource, under its names on the wire."""


class Document(BaseModel):
    """Base of them all."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class DeviceBody(Document):
    """A device to register."""

    pin: int | None = None
    """None: it gets no Registration."""
    manager: Name | None = None
    """LFDI of the aggregator that acts for it."""
    category: int | None = None
    ders: Annotated[int, Field(ge=0, le=64)] = 1
    aggregator: bool = False
    """It may register devices itself, which it then manages."""


class CertificateBody(DeviceBody):
    """A device to register by what it shows."""

    certificate: Annotated[str, Field(min_length=1, max_length=32_768)]
    """PEM; of a chain the first one is the device's."""


class PinBody(Document):
    """A new PIN."""

    pin: int


class RateBody(Document):
    """A new rate."""

    seconds: Seconds


class PollRateBody(RateBody):
    """A new poll rate of one resource, or of all of a kind; one of both is given."""

    href: Annotated[str, Field(max_length=200)] | None = None
    kind: Annotated[str, Field(max_length=64)] | None = None
    """E.g. ``DERProgramList``; what is made later has the utility's own rate."""


class SwitchBody(Document):
    """What is switched on or off."""

    on: bool


class MoveBody(Document):
    """What is to be moved."""

    href: Annotated[str, Field(max_length=200)]


class FsaBody(Document):
    """An assignment to make."""

    description: Text | None = None


class TimeBody(Document):
    """What a Time tells beside the second that it is."""

    tz_offset_s: Annotated[int, Field(ge=-86_400, le=86_400)] = 0
    dst_offset_s: Annotated[int, Field(ge=-86_400, le=86_400)] = 0
    dst_start: int = 0
    """Seconds since 1970."""
    dst_end: int = 0
    quality: Annotated[int, Field(ge=0, le=255)] = 4
    ahead_s: Annotated[int, Field(ge=-86_400, le=86_400)] = 0
    """By which it runs ahead of the utility's clock; events stand as that clock says."""


class DevicesBody(Document):
    """Devices that are given an assignment, or lose it."""

    devices: tuple[Name, ...]
    assigned: bool = True


class FsasBody(Document):
    """Assignments of which a program is part, or is no more."""

    fsas: tuple[Name, ...]
    attached: bool = True


class ProgramBody(Document):
    """A program to make."""

    kind: Literal["der", "dr", "messaging"]
    primacy: Annotated[int, Field(ge=0, le=255)]
    fsas: tuple[Name, ...] = ()
    description: Text | None = None


class PrimacyBody(Document):
    """A new primacy."""

    primacy: Annotated[int, Field(ge=0, le=255)]


class DefaultBody(Document):
    """What holds between events."""

    modes: Object
    """DERControlBase."""
    others: Object = Field(default_factory=dict)
    """Of DefaultDERControl itself, e.g. ``setGradW``."""


class EventBody(Document):
    """An event to issue."""

    program: Name
    start: AwareDatetime
    duration_s: Annotated[int, Field(ge=1, lt=2**32)]
    modes: Object | None = None
    """DERControlBase; of a DER program."""
    load_control: Object | None = None
    """Fields of EndDeviceControl, e.g. ``TargetReduction``; of a demand-response program."""
    message: Annotated[str, Field(max_length=1000)] | None = None
    """What is to be shown; of a messaging program."""
    prices: Annotated[tuple[Object, ...], Field(min_length=1, max_length=17)] | None = None
    """ConsumptionTariffIntervals; ``program`` is then the mRID of a rate component."""
    tou_tier: Annotated[int, Field(ge=0, le=15)] = 0
    """Of prices."""
    priority: Annotated[int, Field(ge=0, le=3)] = 1
    """Of a message: 0 low to 3 critical."""
    originator: Annotated[str, Field(max_length=20)] | None = None
    """Of a message: who says it."""
    randomize_start_s: int = 0
    randomize_duration_s: int = 0
    description: Text | None = None
    category: int | None = None
    response_required: Annotated[int, Field(ge=0, le=7)] | None = None
    reply_to: Annotated[str, Field(max_length=200)] | None = None
    mrid: Name | None = None


class TariffBody(Document):
    """A tariff to make."""

    primacy: Annotated[int, Field(ge=0, le=255)]
    fsas: tuple[Name, ...] = ()
    description: Text | None = None
    rate_code: Annotated[str, Field(max_length=20)] | None = None
    currency: Annotated[int, Field(ge=0, le=999)] = 840
    """ISO 4217, by number."""
    power_of_ten: Annotated[int, Field(ge=-9, le=9)] = 0
    """Of prices."""


class ComponentBody(Document):
    """A rate component of a tariff to make."""

    reading_type: Object
    """What prices are per, e.g. ``{"uom": 72, "powerOfTenMultiplier": 3}``."""
    description: Text | None = None
    from_w: int | None = None
    """Rate of flow above which it counts; together with ``to_w``."""
    to_w: int | None = None


class CurveBody(Document):
    """A curve of a DER program."""

    curve: Object
    """DERCurve, without mRID and creationTime."""


class GrantBody(Document):
    """The answer to a flow reservation request; what is left out is as it was asked for."""

    request: Annotated[str, Field(max_length=200)]
    """Address of the request."""
    start: AwareDatetime | None = None
    duration_s: Annotated[int, Field(ge=1, lt=2**32)] | None = None
    energy: Object | None = None
    """``{"multiplier": 3, "value": 5000}``, in Wh."""
    power: Object | None = None
    """``{"multiplier": 3, "value": 5000}``, in W."""
    response_required: Annotated[int, Field(ge=0, le=7)] | None = None


class CancelBody(Document):
    """How an event is cancelled."""

    randomly: bool = False


class ClearBody(Document):
    """Of which program every event is cancelled; none: of all."""

    program: Name | None = None


class Done(Document):
    """What an operation made or concerned."""

    name: str
    """mRID or LFDI."""


class Registered(Done):
    """A device that was registered."""

    sfdi: int
    doubt: str | None = None
    """What is doubtful about its PIN."""


class DeviceShown(Document):
    """A device as the utility has it."""

    lfdi: str
    sfdi: int
    href: str
    enabled: bool
    registered: bool
    """It has a Registration with a PIN."""
    manages: tuple[str, ...]
    """LFDIs of the devices that it acts for beside itself."""


class DevicesShown(Document):
    """Every device."""

    items: tuple[DeviceShown, ...]


class Shown(Document):
    """A resource as it stands."""

    href: str
    kind: str
    lfdi: str
    """Of the device whose it is; empty: of none alone."""
    at: datetime
    """When it came."""
    resource: Object


class Page(Document):
    """Resources."""

    items: tuple[Shown, ...]


class ReadingDocument(Document):
    """One value of a meter as posted."""

    number: int
    mirror: str
    meter_reading: str
    lfdi: str
    start: int
    duration: int
    local_id: int
    value: int | None
    multiplier: int
    uom: int | None
    quality: int | None
    at: datetime


class Readings(Document):
    """Values, in the order in which they first came."""

    items: tuple[ReadingDocument, ...]
    next: int | None
    """Cursor of the page that follows; none: this is the last for now."""


class SubscriptionDocument(Document):
    """A subscription, and how far its subscriber was told."""

    href: str
    lfdi: str
    resource: str
    """What is subscribed to, as the subscriber wrote it."""
    notification_uri: str
    renewed_at: datetime
    pending: bool
    """A notification waits."""
    ending: int | None
    """Status of the last notification, which waits; none: the subscription goes on."""
    failing_since: datetime | None
    failures: int
    """In a row, since the start."""
    last_result: str | None
    """A status, e.g. ``201``, or why there was none, e.g. ``CONNECT``; none: no attempt since the start."""
    last_at: datetime | None


class SubscriptionsDocument(Document):
    """Subscriptions, and what became of notifications since the start."""

    items: tuple[SubscriptionDocument, ...]
    delivered: int
    failed: int
    refused: int
    """Answered with an error that no other attempt mends."""
    dropped: int
    """Answered by somebody who knows no such subscription, which was then forgotten."""


class EndBody(Document):
    """How a subscription is ended."""

    href: Annotated[str, Field(max_length=300)]
    status: Annotated[int, Field(ge=1, le=4)] = 1
    new_resource: Annotated[str, Field(max_length=1024)] | None = None
    """Where the resource stands now, whole; with status 2."""


class ExchangeDocument(Document):
    """One request and its answer, as they went over the wire; PINs are struck out."""

    number: int
    at: datetime
    peer: str
    """LFDI."""
    method: str
    target: str
    status: int
    location: str
    request: str
    answer: str
    outward: bool = False
    """It was the server that asked: a notification."""


class TranscriptDocument(Document):
    """Exchanges, oldest first."""

    items: tuple[ExchangeDocument, ...]
    next: int | None
    """Cursor of the page that follows; none: this is the last for now."""


class UtilityDocument(Document):
    """The utility itself."""

    url: str
    """Of its DeviceCapability."""
    edition: str
    csip_aus: bool
    now: datetime
    devices: int


class Problem(Document):
    """A refusal."""

    reason: str
    detail: str
