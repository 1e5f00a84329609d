"""The records of the evidence log: the envelope they are written in, and how they are read back with suspicion.

    k     kind                                    t    when it was logged, UTC
    src   ``<kind>:<subject>``, whose story       seq  counts up by one per src, from 0
    sig   a device's signature over the record without ``sig``, base64url
    kid   SHA-256 of its certificate

A record is never changed; a later one says more. The log also carries kinds and fields that settlement does not read:
they are covered by the leaf hash and otherwise passed over.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Annotated, Any, Final, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    JsonValue,
    Tag,
    TypeAdapter,
    ValidationError,
)

from gateway.domain.answers import TelemetryBatch
from gateway.domain.canonical import canonical, read_json
from gateway.domain.errors import GatewayError, WireError
from gateway.domain.intent import ComputeFlexIntent, State
from gateway.domain.participation import Opt
from gateway.domain.settlement import BaselineResult, LogIndex, SettlementStatement
from gateway.domain.text import Name, Text
from gateway.domain.timespan import Instant, instant_text
from gateway.settlement.terms import StatementTerms

LARGEST_RECORD: Final = 16 << 20
ENVELOPE: Final = frozenset({"k", "t", "seq", "src", "sig", "kid"})


def src_of(kind: str, subject: str) -> str:
    """Name the source that counts ``seq``."""
    return f"{kind}:{subject}"


def envelope(
    kind: str, subject: str, document: Mapping[str, object], *, seq: int, at: datetime
) -> dict[str, object]:
    """Put a document into its envelope, ready for canonical form; the envelope's own keys win.

    Args:
        kind: One of ``KINDS``, or any other word.
        subject: Site for telemetry and keys, event id for events, intent id for everything about one intent.
        document: Plain JSON values without floats.
        seq: Records of this kind and subject logged before.
        at: Now.
    """
    return {
        **document,
        "k": kind,
        "seq": seq,
        "src": src_of(kind, subject),
        "t": instant_text(at),
    }


class Record(BaseModel):
    """Base of every record."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    k: Name
    t: Instant
    seq: LogIndex
    src: Text
    sig: Name | None = None
    kid: Name | None = None


class TelemetryRecord(Record):
    """One batch as received; subject: the site."""

    k: Literal["telemetry"]
    batch: TelemetryBatch


class ConfigRecord(Record):
    """What was agreed; logged at start and at every change, before the event it is to govern."""

    k: Literal["config"]
    terms: StatementTerms


class EventRecord(Record):
    """One version of the utility's request: what it was about, the raw message by digest."""

    k: Literal["event"]
    utility: Name
    event_id: Name
    version: Annotated[int, Field(ge=0, lt=2**53)]
    program: Text
    raw_sha256: Text = ""


class IntentRecord(Record):
    """One revision of the intent as published and signed, or only its new state."""

    k: Literal["intent"]
    intent: ComputeFlexIntent | None = None
    """Limits in it were frozen at intake. None: nothing but the state changed."""
    status: State | None = None


class OptRecord(Record):
    """One answer that was taken; without ``opt`` it is the message that led to it."""

    k: Literal["opt"]
    opt: Opt | None = None


class LateRecord(Record):
    """A batch came for an event that was settled before; subject: the intent."""

    k: Literal["late"]
    telemetry: LogIndex
    """Where the batch stands in the log."""


class VeeRecord(Record):
    """What validation found in the statement's period."""

    k: Literal["vee"]
    vee: dict[str, JsonValue]


class BaselineRecord(Record):
    """One baseline in full."""

    k: Literal["baseline"]
    baseline: BaselineResult


class SettlementRecord(Record):
    """The statement."""

    k: Literal["settlement"]
    statement: SettlementStatement


class KeyRecord(Record):
    """A device's certificate, registered before it signs anything; subject: the device."""

    k: Literal["key"]
    signs_for: Text
    """The ``src`` whose records it may sign."""
    certificate_sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    """Over the DER form; the ``kid`` of its signatures."""


def _kind(document: Any) -> str:
    kind = document.get("k") if isinstance(document, dict) else None
    # The log also says of an event that no program wanted it; that is no version of a request.
    if kind == "event" and "version" not in document:
        return "other"
    return kind if kind in KINDS else "other"


AnyRecord = Annotated[
    Annotated[TelemetryRecord, Tag("telemetry")]
    | Annotated[ConfigRecord, Tag("config")]
    | Annotated[EventRecord, Tag("event")]
    | Annotated[IntentRecord, Tag("intent")]
    | Annotated[OptRecord, Tag("opt")]
    | Annotated[LateRecord, Tag("late")]
    | Annotated[VeeRecord, Tag("vee")]
    | Annotated[BaselineRecord, Tag("baseline")]
    | Annotated[SettlementRecord, Tag("settlement")]
    | Annotated[KeyRecord, Tag("key")]
    | Annotated[Record, Tag("other")],
    Discriminator(_kind),
]
KINDS: Final = frozenset(
    {
        "telemetry",
        "config",
        "event",
        "intent",
        "opt",
        "late",
        "vee",
        "baseline",
        "settlement",
        "key",
    }
)
"""Kinds that settlement reads."""
_ANY: Final[TypeAdapter[Record]] = TypeAdapter(AnyRecord)


@dataclass(frozen=True, slots=True, kw_only=True)
class Logged:
    """A record with its place in the log."""

    index: int
    body: bytes
    """Canonical JSON: the leaf's data."""
    document: Mapping[str, object]
    """The same, as plain values."""
    record: Record
    """The same, typed."""


def statement_digest(found: Logged) -> str:
    """Return what a correction names an earlier version by: SHA-256 of the statement in a settlement record, in hex."""
    return sha256(canonical(found.document["statement"])).hexdigest()


def logged(index: int, body: bytes) -> Logged:
    """Read one record back.

    Raises:
        WireError: ``MALFORMED_RECORD`` when it is no record or not in canonical form.
    """
    try:
        document = read_json(body, largest=LARGEST_RECORD)
        if canonical(document) != body:
            raise WireError("MALFORMED_RECORD", f"record {index} is not in canonical form")
        record = _ANY.validate_python(document)
    except ValidationError as error:
        fault = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(map(str, fault["loc"]))
        raise WireError("MALFORMED_RECORD", f"record {index}: {where}: {fault['msg']}") from None
    except GatewayError as error:
        raise WireError("MALFORMED_RECORD", f"record {index}: {error.detail}") from None
    if not record.src.startswith(f"{record.k}:"):
        raise WireError("MALFORMED_RECORD", f"record {index}: src must begin with its kind")
    return Logged(index=index, body=body, document=document, record=record)
