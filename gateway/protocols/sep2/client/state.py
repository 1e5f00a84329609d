"""What of a 2030.5 client must survive a restart; everything else is read from the server again."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from gateway.domain.canonical import canonical, read_json
from gateway.domain.errors import MisuseError, WireError
from gateway.protocols.actions import Method

FORMAT: Final = 1
LARGEST: Final = 256 * 1024 * 1024


class Purpose(StrEnum):
    """What an outgoing document is for."""

    RESPONSE = "response"
    REGISTER = "register"
    MIRROR = "mirror"
    READING = "reading"
    CAPABILITY = "capability"
    SETTINGS = "settings"
    STATUS = "status"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A document that waits to be taken by the server."""

    key: str
    """What it stands for: the same thing twice has one key, and only the first is kept."""
    purpose: Purpose
    method: Method
    href: str
    body: str
    subject: str = ""
    """Of a response, the mRID; of a mirror or reading, the mRID of the mirror."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What went inward of one event of one device."""

    event_id: str
    lfdi: str
    mrid: str
    version: int
    digest: str
    """Of its effect; empty: it was taken back, and may come again."""
    over: bool = False
    """It was cancelled inward, or has run its time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterMirror:
    """A MirrorUsagePoint of ours at the server."""

    mrid: str
    href: str
    """Where the server put it."""
    covered_until: datetime | None = None
    """End of the last reading handed to the outbox."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sep2State:
    """The stored state, lists of plain values."""

    format: int = FORMAT
    outbox: tuple[Outgoing, ...] = ()
    told: tuple[Told, ...] = ()
    mirrors: tuple[MeterMirror, ...] = ()
    replies: Mapping[str, str] = field(default_factory=dict)
    """``lfdi/mRID`` -> replyTo of an event that may still be answered."""
    engines: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """LFDI -> what its event engine remembers."""
    offset_s: int = 0
    """The server's clock minus ours."""


_ADAPTER: Final = TypeAdapter(Sep2State)


def write(state: Sep2State) -> bytes:
    """Return a state as canonical JSON."""
    return canonical(_ADAPTER.dump_python(state, mode="json"))


def read(stored: bytes) -> Sep2State:
    """Read what ``write`` wrote.

    Raises:
        MisuseError: ``STATE_FORMAT`` for anything else.
    """
    try:
        found = _ADAPTER.validate_python(read_json(stored, largest=LARGEST))
    except (ValidationError, WireError) as error:
        raise MisuseError("STATE_FORMAT", f"the stored session cannot be read: {error}") from None
    if found.format != FORMAT:
        raise MisuseError("STATE_FORMAT", "the stored session is of another format; start afresh")
    return found
