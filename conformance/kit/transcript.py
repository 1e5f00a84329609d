"""The recorded history of one case, as a check reads it: messages, marks, connections, times at the socket."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property, lru_cache
from typing import Final

from conformance.kit.coding import undone
from conformance.kit.oadr20b.names import NAMES
from conformance.kit.schemas import body_faults
from conformance.kit.xml import Element, Parsed, parse, xpath

_OK: Final = 200
_FAILED: Final = ("suite.unreachable", "suite.unanswered")
"""Marks of pushes that did not come through."""


@lru_cache(maxsize=8192)
def _texts_in(body: bytes) -> dict[str, tuple[str, ...]]:
    """Return what was found by path in a body so far: it never changes, and many checks ask the same of equal ones."""
    return {}


class Side(StrEnum):
    """Who sent a message."""

    DEVICE = "device"
    SUITE = "suite"


class Part(StrEnum):
    """Which half of an exchange a message is."""

    REQUEST = "request"
    RESPONSE = "response"


Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class Message:
    """One HTTP message, exactly as it stood at the socket."""

    number: int
    """Place in the history of the whole run; reports cite it."""
    sender: Side
    part: Part
    connection: int
    exchange: int
    """Number of the request that this belongs to; a request belongs to itself."""
    at: datetime
    """When its last byte passed the socket; aware UTC, of the suite's clock."""
    elapsed_s: float
    """The same on a clock that nobody sets; for durations."""
    start: str
    """Request line or status line."""
    headers: Headers
    """In order and case."""
    body: bytes = field(repr=False)
    sha256: str = ""
    fault: str = ""
    """What was done to it on the way, empty: nothing."""
    wrong: str = ""
    """Sent by the suite: in what it is wrong on purpose, empty: it is right."""
    broken: str = ""
    """Why the message is no HTTP, or ended early; empty: it is whole."""

    @cached_property
    def plain(self) -> bytes:
        """Return the body without its content coding."""
        return undone(self.body, self.header("Content-Encoding"))

    @cached_property
    def parsed(self) -> Parsed:
        """Return the body as XML, or why it is none."""
        return parse(self.plain)

    @property
    def root(self) -> Element | None:
        """Return the document's root element."""
        return self.parsed.root

    @cached_property
    def payload(self) -> Element | None:
        """Return the one message inside ``oadrSignedObject``; None without."""
        if self.root is None:
            return None
        found = xpath(self.root, "oadr:oadrSignedObject/*", NAMES)
        return found[0] if found and not isinstance(found[0], str) else None

    @cached_property
    def name(self) -> str:
        """Return e.g. ``oadrPoll``; empty for an empty body or one that is no 2.0b document."""
        return self.text("local-name()")

    @cached_property
    def schema_faults(self) -> tuple[str, ...]:
        """Return what the standard's schemas object to."""
        return body_faults(self.plain)

    def all(self, path: str) -> list[str]:
        """Return the texts that an XPath finds below the message; prefixes as in ``NAMES``.

        Args:
            path: Relative to the message, e.g. ``ei:eiResponse/ei:responseCode``.
        """
        return list(self._found(path))

    def text(self, path: str) -> str:
        """Return the first text that an XPath finds, empty without one."""
        found = self._found(path)
        return found[0] if found else ""

    def has(self, path: str) -> bool:
        """Say whether an XPath finds anything."""
        return bool(self._found(path))

    def _found(self, path: str) -> tuple[str, ...]:
        known = self._texts
        found = known.get(path)
        if found is None:
            rows = [] if self.payload is None else xpath(self.payload, path, NAMES)
            found = tuple(x if isinstance(x, str) else (x.text or "").strip() for x in rows)
            known[path] = found
        return found

    @cached_property
    def _texts(self) -> dict[str, tuple[str, ...]]:
        """Return what was found so far in this body, or in an equal one."""
        return _texts_in(self.body)

    def elements(self, path: str) -> list[Element]:
        """Return the elements that an XPath finds below the message."""
        if self.payload is None:
            return []
        return [x for x in xpath(self.payload, path, NAMES) if not isinstance(x, str)]

    def header(self, name: str) -> str:
        """Return the first header of a name, empty without one."""
        return self._by_name.get(name.lower(), "")

    @cached_property
    def _by_name(self) -> dict[str, str]:
        """Return the first header of every name, in small letters."""
        return {key.lower(): value for key, value in reversed(self.headers)}

    @property
    def method(self) -> str:
        """Return the method of a request."""
        return self.start.partition(" ")[0]

    @property
    def path(self) -> str:
        """Return the path of a request, empty for a response."""
        parts = self.start.split(" ")
        return parts[1] if self.part is Part.REQUEST and len(parts) > 1 else ""

    @property
    def service(self) -> str:
        """Return the last segment of the path, e.g. ``EiEvent``."""
        return self.path.rpartition("/")[2]

    @property
    def status(self) -> int:
        """Return the status of a response; 0 for a request or one that is no HTTP."""
        parts = self.start.split(" ")
        given = parts[1] if self.part is Part.RESPONSE and len(parts) > 1 else ""
        return int(given) if given.isdigit() else 0

    @property
    def code(self) -> str:
        """Return the application's response code of the message, empty without one."""
        return self.text(".//ei:eiResponse/ei:responseCode")


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A request and what came back."""

    request: Message
    response: Message | None
    """None: none came."""

    @property
    def delivered(self) -> bool:
        """Say whether the request was answered by 200, whole and unharmed: the transport was healthy."""
        found = self.response
        return found is not None and found.status == _OK and not (found.fault or found.broken)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Something that the suite or an operator did or saw."""

    number: int
    name: str
    at: datetime
    elapsed_s: float
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """What is known of one connection."""

    number: int
    at: datetime
    opened_by: Side
    tls: Mapping[str, str] = field(default_factory=dict)
    """``version``, ``cipher``, ``resumed``, ``sni``, ``curve``, ``peer_sha256``, ``peer_chain_sha256``, ``alerts``.

    Empty: plain; ``error``: the handshake failed, perhaps with ``verify``.
    """


@dataclass
class Transcript:
    """What happened in one case; grows while it is played, and is read again when it is judged."""

    case: str = ""
    mode: str = "pull"
    facts: Mapping[str, str] = field(default_factory=dict)
    """What the judge must know and no message says, e.g. ``poll_s``."""
    messages: list[Message] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    connections: list[Connection] = field(default_factory=list)
    _answers: dict[int, Message] = field(default_factory=dict)

    def add(self, record: Message | Mark | Connection) -> None:
        """Take the next record; for the recorder alone."""
        if isinstance(record, Message):
            self.messages.append(record)
            if record.part is Part.RESPONSE:
                self._answers[record.exchange] = record
        elif isinstance(record, Mark):
            self.marks.append(record)
        else:
            self.connections.append(record)

    def since(self, number: int) -> "Transcript":
        """Return what came after a place in the history."""
        found = Transcript(case=self.case, mode=self.mode, facts=self.facts)
        kept: Iterable[Message | Mark | Connection] = (
            *self.connections,
            *(m for m in self.messages if m.number > number),
            *(m for m in self.marks if m.number > number),
        )
        for record in kept:
            found.add(record)
        return found

    def of(self, name: str, sender: Side | None = None) -> list[Message]:
        """Return the messages of a name, e.g. ``oadrCreatedEvent``, oldest first."""
        return [
            m for m in self.messages if (sender is None or m.sender is sender) and m.name == name
        ]

    def from_device(self, name: str = "") -> list[Message]:
        """Return what the device sent, of one name or at all, answers included."""
        return [
            m for m in self.messages if m.sender is Side.DEVICE and (not name or m.name == name)
        ]

    def from_suite(self, name: str = "") -> list[Message]:
        """Return what the suite sent, of one name or at all."""
        return [m for m in self.messages if m.sender is Side.SUITE and (not name or m.name == name)]

    def answer(self, request: Message) -> Message | None:
        """Return the answer to a request, None without one."""
        return self._answers.get(request.number)

    def request(self, response: Message) -> Message | None:
        """Return what a response answers."""
        return next((m for m in self.messages if m.number == response.exchange), None)

    def exchanges(self, sender: Side | None = None) -> Iterator[Exchange]:
        """Yield requests with their answers, oldest first.

        Args:
            sender: Of the request; None: both.
        """
        for found in self.messages:
            if found.part is Part.REQUEST and sender in (None, found.sender):
                yield Exchange(request=found, response=self._answers.get(found.number))

    def mark(self, name: str) -> Mark | None:
        """Return the first mark of a name."""
        return next((m for m in self.marks if m.name == name), None)

    def all_marks(self, name: str) -> list[Mark]:
        """Return the marks of a name, oldest first."""
        return [m for m in self.marks if m.name == name]

    def delivered(self, name: str, path: str = "", value: str = "") -> list[Message]:
        """Return the suite's messages of a name that reached the device whole.

        A push counts when the device answered 200; an answer when nothing was done to it on the way.

        Args:
            name: E.g. ``oadrDistributeEvent``.
            path: XPath that must hold ``value`` somewhere; empty: any message of the name.
            value: Text to be found.
        """
        found = []
        for message in self.from_suite(name):
            if message.fault or message.broken or (path and value not in message.all(path)):
                continue
            if message.part is Part.REQUEST:
                reply = self._answers.get(message.number)
                if reply is None or reply.status != _OK:
                    continue
            found.append(message)
        return found

    def healthy(self, after: datetime, until: datetime) -> bool:
        """Say whether any exchange succeeded in a span: the device lived and the line carried."""
        return any(
            found.delivered and found.response is not None and after <= found.response.at <= until
            for found in self.exchanges()
        )

    def carried(self, brought: Message, until: datetime) -> bool:
        """Say whether the line carried after a message had been delivered, so that silence is the device's own.

        Of a device that polls, the answer that brought it shows nothing of what came after it. In push mode, and where
        the device is the server, nothing else may be due: there the delivery counts as long as nothing failed later.

        Args:
            brought: What was delivered.
            until: End of the time that the device had.
        """
        if self.since(brought.number).healthy(brought.at, until):
            return True
        alone = self.mode == "push" or brought.part is Part.REQUEST
        return alone and self.healthy(brought.at, until) and not self._failed_after(brought)

    def _failed_after(self, message: Message) -> bool:
        """Say whether anything on the line failed after a message: a push, a handshake, a message on its way."""
        return (
            any(m.name in _FAILED and m.number > message.number for m in self.marks)
            or any("error" in one.tls and one.at >= message.at for one in self.connections)
            or any(m.broken and m.number > message.number for m in self.messages)
        )

    def record(self, number: int | None) -> Message | Mark | None:
        """Return what stands at a place in the history, None for nothing."""
        rows: Iterable[Message | Mark] = (*self.messages, *self.marks)
        return next((row for row in rows if row.number == number), None)

    @property
    def began_at(self) -> datetime | None:
        """Return the instant of the first record."""
        times = [m.at for m in self.messages[:1]] + [m.at for m in self.marks[:1]]
        return min(times, default=None)

    @property
    def ended_at(self) -> datetime | None:
        """Return the instant of the last record."""
        times = [m.at for m in self.messages[-1:]] + [m.at for m in self.marks[-1:]]
        return max(times, default=None)


def between(earlier: Message | Mark, later: Message | Mark) -> timedelta:
    """Return the time that passed, by the clock that nobody sets."""
    return timedelta(seconds=round(later.elapsed_s - earlier.elapsed_s, 6))


Texts = Sequence[str]
