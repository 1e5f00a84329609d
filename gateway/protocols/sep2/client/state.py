"""What of a 2030.5 client must survive a restart; everything else is read from the server again.

The state consists of parts, each a small JSON document under a name, stored as a row of its own and only when it has
changed, in the transaction that precedes any send:

    session               format and clock offset
    device <LFDI>         its event engine, where answers to its events go
    inward <event id>     what went inward of one event of one site
    shed <LFDI>           what its programs were told that it could shed
    log <LFDI>            its alarms, and log events that wait for a list
    default <LFDI>        what stands at its sites of the defaults of its programs
    meter <mRID>          one mirror of ours at the server
    reservations          what sites have asked for ahead
    out <key>             one document that waits to be taken by the server

Whoever has something to remember gets the ``Parts`` of the session (``Setting.parts``) and says

    parts.found("prices")                   at the start: the document as it is stored, None at a first start
    parts.keep("prices", self._document)    once: who writes it, whenever it is asked for; None: nothing to keep
    parts.touch("prices")                   whenever something in it may have changed; cheap, and twice does no harm

A part is as small as what changes together. A document holds what ``canonical`` takes: str, int, bool, None, lists and
dicts with ASCII keys. What is stored and nobody keeps any more (a device that is no longer configured) is dropped.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

from pydantic import TypeAdapter, ValidationError

from gateway.domain.canonical import canonical, read_json
from gateway.domain.errors import MisuseError, WireError
from gateway.protocols.actions import Method
from gateway.protocols.sep2.client.gaps import Run

FORMAT: Final = 2
LARGEST: Final = 256 * 1024 * 1024
SESSION: Final = "session"
_WHOLE: Final = "parts"
"""Member that holds the parts of a state which was not stored in parts, e.g. after a restore."""
T = TypeVar("T")
Document = Callable[[], object]
"""Writes a part; None: there is nothing to keep."""


class Purpose(StrEnum):
    """What an outgoing document is for."""

    RESPONSE = "response"
    REGISTER = "register"
    MIRROR = "mirror"
    READING = "reading"
    CAPABILITY = "capability"
    SETTINGS = "settings"
    STATUS = "status"
    AVAILABILITY = "availability"
    INFORMATION = "information"
    POWER = "power"
    CONNECTION = "connection"
    SHED = "shed"
    LOG = "log"
    RESERVATION = "reservation"


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
    """What went inward of one event of one site."""

    event_id: str
    mrid: str
    version: int
    digest: str
    """Of its effect; empty: it was taken back, and may come again."""
    over: bool = False
    """It was cancelled inward, or has run its time."""
    ramps: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    """Mode -> kW that its ramp starts from, and its length in seconds."""
    document: str = ""
    """What was told, as received; empty: it obliges to nothing, or was told by an older version."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterMirror:
    """A MirrorUsagePoint of ours at the server."""

    mrid: str
    href: str
    """Where the server put it."""
    covered_until: datetime | None = None
    """End of the last interval that was asked of the meter."""
    gaps: tuple[Run, ...] = ()
    """Those before it that the meter had not told yet, oldest first."""


class Parts:
    """The state of one session.

    Args:
        stored: As the store returned it, or ``whole``; None: a first start.

    Raises:
        MisuseError: ``STATE_FORMAT`` when it is no state of ours.
    """

    def __init__(self, stored: bytes | None = None) -> None:
        self._found, whole = read(stored) if stored else ({}, False)
        self._writers: dict[str, Document] = {}
        self._touched: set[str] = set(self._found) if whole else set()
        self._fresh: dict[str, bytes | None] = {}
        self._digests: dict[str, bytes] = {}
        """Of parts written since the start, as they are stored."""

    def found(self, name: str) -> Any:
        """Return a part as it was stored; None: it was not."""
        return self._found.get(name)

    def names(self, prefix: str) -> Iterator[str]:
        """Yield the names of the stored parts that begin so."""
        return (name for name in self._found if name.startswith(prefix))

    def rehomed(self, before: str, now: str) -> None:
        """Take that the utility's server may stand elsewhere since: addresses below its old origin follow it.

        Otherwise what waits to be told would be sent to a server that is no more, for ever.

        Args:
            before: Where its DeviceCapability stood; empty: not known.
            now: Where it stands.
        """
        old, new = (f"{url.scheme}://{url.netloc}/" for url in map(urlsplit, (before, now)))
        if before and old != new:
            self._found = {name: _moved(found, old, new) for name, found in self._found.items()}
            self._touched |= self._found.keys()

    def keep(self, name: str, write: Document) -> None:
        """Say who writes a part from now on."""
        self._writers[name] = write

    def touch(self, name: str) -> None:
        """Say that a part may have changed."""
        self._touched.add(name)

    def drop(self, name: str) -> None:
        """Say that a part is gone, and nobody writes it any more."""
        self._writers.pop(name, None)
        self._touched.add(name)

    def begin(self) -> None:
        """End the start: what nobody keeps is dropped, and what was found is let go of."""
        self._touched |= self._found.keys() - self._writers.keys()
        self._found = {}

    def changes(self) -> Mapping[str, bytes | None]:
        """Return the parts that differ from what is stored."""
        touched, self._touched = self._touched, set()
        for name in touched:
            body = self._written(name)
            if body is not None and self._digests.get(name) == _digest(body):
                self._fresh.pop(name, None)
            else:
                self._fresh[name] = body
        return dict(self._fresh)

    def kept(self) -> None:
        """Take that the changes as last returned are stored."""
        for name, body in self._fresh.items():
            if body is None:
                self._digests.pop(name, None)
            else:
                self._digests[name] = _digest(body)
        self._fresh = {}

    def whole(self) -> bytes:
        """Return everything as one document."""
        documents = {name: write() for name, write in self._writers.items()}
        return _whole({name: found for name, found in documents.items() if found is not None})

    def _written(self, name: str) -> bytes | None:
        write = self._writers.get(name)
        document = None if write is None else write()
        return None if document is None else canonical(document)


def _moved(document: Any, old: str, new: str) -> Any:
    match document:
        case str() if document.startswith(old):
            return new + document.removeprefix(old)
        case list():
            return [_moved(one, old, new) for one in document]
        case dict():
            return {name: _moved(one, old, new) for name, one in document.items()}
        case _:
            return document


def read(stored: bytes) -> tuple[dict[str, Any], bool]:
    """Read a state, and say whether it was stored as a whole.

    Raises:
        MisuseError: ``STATE_FORMAT`` for anything that is no state of this format.
    """
    try:
        found = read_json(stored, largest=LARGEST)
    except WireError as error:
        raise MisuseError("STATE_FORMAT", f"the stored session cannot be read: {error}") from None
    whole = isinstance(found, dict) and _WHOLE in found
    parts = _by_name(found[_WHOLE]) if whole else found
    session = parts.get(SESSION) if isinstance(parts, dict) else None
    if isinstance(session, dict) and session.get("format") == FORMAT:
        return parts, whole
    raise MisuseError("STATE_FORMAT", "the stored session is of another format; start afresh")


def recovered(stored: bytes) -> bytes:
    """Return a state out of a backup without what it was about to say."""
    parts, _ = read(stored)
    return _whole({name: found for name, found in parts.items() if not name.startswith("out ")})


def plain(adapter: TypeAdapter[T], value: T) -> object:
    """Return a value as a part holds it."""
    return adapter.dump_python(value, mode="json")


def value_of(adapter: TypeAdapter[T], document: object) -> T:
    """Read what ``plain`` returned.

    Raises:
        MisuseError: ``STATE_FORMAT``.
    """
    try:
        return adapter.validate_python(document)
    except ValidationError as error:
        raise MisuseError("STATE_FORMAT", f"the stored session cannot be read: {error}") from None


def _whole(parts: Mapping[str, object]) -> bytes:
    # Pairs: a name may hold an address of the server's, with letters that no key of canonical JSON may have.
    return canonical({_WHOLE: [[name, parts[name]] for name in sorted(parts)]})


def _by_name(pairs: Any) -> Any:
    try:
        return dict(pairs)
    except (TypeError, ValueError):
        return None


def _digest(body: bytes) -> bytes:
    return hashlib.blake2b(body, digest_size=16).digest()
