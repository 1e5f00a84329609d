"""Settings of a utility that speaks OpenADR 2.0b: the keys of ``[[utility]]`` that only this protocol knows."""

from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from gateway.domain.timespan import Duration

Positive = Annotated[Duration, Field(gt=timedelta(0))]
Label = Annotated[str, Field(min_length=1, max_length=256)]

DATA_CENTER: Literal["Managed_Commercial_and_Industrial_Loads"] = (
    "Managed_Commercial_and_Industrial_Loads"
)
ENERGY_MANAGEMENT: Literal["Energy_Management_System"] = "Energy_Management_System"


class VenOptions(BaseModel):
    """How this VEN behaves towards one VTN; every default follows the standard."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ven_name: Label = "gridgate"
    """oadrVenName, for people."""
    ven_id: str = ""
    """Pre-allocated venID; empty: the VTN gives one."""
    query_first: bool = True
    """Ask with oadrQueryRegistration before the first registration."""
    register_again: Positive | None = timedelta(minutes=15)
    """Time after a cancelled or refused registration before it is tried again (rule 401); none: never."""

    poll_period: Positive = timedelta(seconds=10)
    """Used when the VTN names no oadrRequestedOadrPollFreq."""
    poll_at_most_every: Positive = timedelta(seconds=1)
    """Never poll faster than this, whatever the VTN asks for."""
    jitter: Annotated[Decimal, Field(ge=0, le=1)] = Decimal(1)
    """Share of a period over which the first poll is spread, so that a fleet does not poll in step."""
    answer_before_poll: bool = False
    """True: hold polls back while an event waits for its answer, one period at most; it caps the time to answer."""
    reply_limit: Annotated[int, Field(ge=1)] | None = None
    """replyLimit of oadrRequestEvent; none: unlimited."""

    implied_cancel: bool = True
    """An event missing from a complete listing is cancelled (rule 61); false for VTNs that list only news."""
    partial_signals: Literal["refuse", "accept"] = "refuse"
    """``accept``: act on the signals that can be followed instead of refusing the event (rule 109)."""
    resources_narrow: bool = False
    """True: resourceIDs beside a venID name the only resources meant, instead of a union (rule 22)."""
    resources: dict[str, str] = {}
    """resourceID -> site, where they differ."""
    groups: tuple[str, ...] = ()
    """groupIDs and groupNames that mean this VEN."""
    parties: tuple[str, ...] = ()
    """partyIDs that mean this VEN."""
    places: tuple[str, ...] = ()
    """Nodes, meters and service delivery points that mean this VEN."""
    device_class: Label = DATA_CENTER
    """Device class of the sites in report metadata."""
    device_classes: tuple[str, ...] = (DATA_CENTER, ENERGY_MANAGEMENT)
    """Device classes that a target may name."""

    report_grace: Annotated[Duration, Field(ge=timedelta(0))] = timedelta(seconds=5)
    """Wait after the end of a report's last value for late readings."""
    report_buffer: Positive = timedelta(days=1)
    """How far back reports reach: offered as metadata duration, and kept through an outage of the VTN."""
    one_value_per_interval: bool = False
    """Write each reported value in an interval of its own, for VTNs that read one payload per interval."""
    sampling_longest: Positive = timedelta(hours=1)
    """oadrMaxPeriod of telemetry."""
    history: bool = True
    """Offer HISTORY_USAGE too."""
    power_hertz: Decimal = Decimal(60)
    """Supply that power values refer to (power:powerAttributes), hertz."""
    power_voltage: Decimal = Decimal(480)
    """The same, volts."""
