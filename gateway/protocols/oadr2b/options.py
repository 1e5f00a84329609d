"""Settings of a utility that speaks OpenADR 2.0b: the keys of ``[[utility]]`` that only this protocol knows."""

import re
from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from gateway.domain.timespan import Duration
from gateway.protocols.oadr2b.identity import same_fingerprint

Positive = Annotated[Duration, Field(gt=timedelta(0))]
Label = Annotated[str, Field(min_length=1, max_length=256)]

BASE_PATH: Final = "/OpenADR2/Simple/2.0b"
"""Path of every service, behind whatever prefix (section 9.1)."""


def _root(url: str) -> str:
    """Cut the services' own path off, so that it is never there twice."""
    root = url.rstrip("/").removesuffix(BASE_PATH).rstrip("/")
    if url and not _ROOT.fullmatch(root):
        raise ValueError(
            "must look like https://gateway.example:8444/prefix, without query or user"
        )
    return root


def _known_form(text: str) -> str:
    if not same_fingerprint(text, text):
        like = "59:4D:D8:CD:35:8E:E7:F7:86:94, the last 20 hex digits of its SHA-256"
        raise ValueError(f"is no fingerprint; it looks like {like}")
    return text


_ROOT: Final = re.compile(
    r"https?://(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?(?:/[A-Za-z0-9._~-]+)*"
)
PushUrl = Annotated[str, AfterValidator(_root), Field(max_length=1024)]
Fingerprint = Annotated[str, AfterValidator(_known_form)]

DATA_CENTER: Literal["Managed_Commercial_and_Industrial_Loads"] = (
    "Managed_Commercial_and_Industrial_Loads"
)
ENERGY_MANAGEMENT: Literal["Energy_Management_System"] = "Energy_Management_System"


class VtnReport(BaseModel):
    """A report that we want of the VTN, once it offers one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    specifier: Label
    """reportSpecifierID as the VTN offers it."""
    r_ids: tuple[Label, ...] = ()
    """Empty: every data point of it."""
    granularity: Annotated[Duration, Field(ge=timedelta(0))] = timedelta(0)
    """Length of one value; zero: on change, or once."""
    every: Annotated[Duration, Field(ge=timedelta(0))] = timedelta(0)
    """reportBackDuration; zero: once."""
    lasts: Annotated[Duration, Field(ge=timedelta(0))] = timedelta(0)
    """Of a periodic report; zero: until it is taken out of the settings."""


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

    xml_signature: bool = False
    """High security: sign every message, and ignore what the VTN does not sign (oadrXmlSignature)."""
    signature_fingerprints: tuple[Fingerprint, ...] = ()
    """Certificates that the VTN signs with; none: the one that it shows at the connection."""
    signature_window: Annotated[Positive, Field(le=timedelta(hours=1))] = timedelta(seconds=60)
    """How far the time of a signature may be from ours, past and future."""
    signature_sha1: bool = False
    """Take signatures with SHA-1 too."""
    signature_last: bool = False
    """Take a signature behind the signed object, where the schema has none."""

    mode: Literal["pull", "push"] = "pull"
    """``push``: the VTN opens connections to us too, and we never poll (section 8.6, rule 37)."""
    push_url: PushUrl = ""
    """Where the VTN reaches our listener, e.g. https://gateway.example:8444/aps; push only."""
    push_address: Literal["root", "service"] = "root"
    """What is announced as oadrTransportAddress: the root, or with /OpenADR2/Simple/2.0b behind it."""
    push_reply: Literal["empty", "oadr_response"] = "empty"
    """Body of our 200 to a pushed oadrDistributeEvent; either way oadrCreatedEvent follows by itself."""
    push_fingerprints: tuple[Fingerprint, ...] = ()
    """Certificates that the VTN pushes with; none: the one that it shows as a server."""
    push_port: Annotated[int, Field(strict=True, ge=0, le=65535)] | None = None
    """A listener of this utility's own, with its own certificate; none: the one of ``[push]``."""
    resync_every: Positive = timedelta(minutes=4)
    """How often a push VEN asks for all events, so that a lost connection is noticed and a lost push is made good."""

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
    event_rules: Literal["fielded", "strict"] = "fielded"
    """``strict``: refuse by 459 what VTNs in the field write all the same and what leaves no doubt about the event:
    no x-eiNotification (rule 105), a right dtstart inside an interval (rule 102)."""
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
    """Wait after the end of a report's last value, before its readings are asked for."""
    report_patience: Annotated[Duration, Field(ge=timedelta(0))] = timedelta(seconds=60)
    """How much longer a report waits for a meter that told until then; half the report's period at most."""
    report_buffer: Positive = timedelta(days=1)
    """How far back reports reach: offered as metadata duration, and kept through an outage of the VTN."""
    one_value_per_interval: bool = False
    """Write each reported value in an interval of its own, for VTNs that read one payload per interval."""
    sampling_longest: Positive = timedelta(days=1)
    """oadrMaxPeriod of telemetry."""
    history: bool = True
    """Offer HISTORY_USAGE too."""
    ask_vtn_metadata: bool = False
    """Ask the VTN for the reports that it offers, once per registration; one that offers unasked needs no asking."""
    vtn_reports: tuple[VtnReport, ...] = ()
    """Reports that we want of the VTN; taken out again, they are cancelled."""
    requests_with_metadata: bool = False
    """True: ask for them in the acknowledgement of the VTN's offer instead of by oadrCreateReport (rule 344)."""
    power_hertz: Decimal = Decimal(60)
    """Supply that power values refer to (power:powerAttributes), hertz."""
    power_voltage: Decimal = Decimal(480)
    """The same, volts."""

    @property
    def pushes(self) -> bool:
        """Say whether the VTN opens connections to us."""
        return self.mode == "push"

    @property
    def address(self) -> str:
        """Return the oadrTransportAddress that is announced; empty in pull mode."""
        if not self.pushes:
            return ""
        return self.push_url + (BASE_PATH if self.push_address == "service" else "")

    @property
    def push_prefix(self) -> str:
        """Return the path before ``/OpenADR2`` under which our listener knows this utility."""
        return urlsplit(self.push_url).path
