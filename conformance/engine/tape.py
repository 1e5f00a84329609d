"""The recorder: every record goes to the history file, to the bodies' folder and to the running case's transcript.

One line of ``history.jsonl`` is one record. Bodies lie beside it by their SHA-256, so equal ones are kept once.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Final, Protocol

from conformance.engine.profiles import message_of
from conformance.engine.record import BODIES, HISTORY, TLS
from conformance.engine.secrets import Secrets
from conformance.kit.head import split_head
from conformance.kit.transcript import Connection, Mark, Message, Side, Transcript
from conformance.kit.verdict import EVIDENCE, OVERLOAD
from conformance.peers.script2b.ports import Seen
from gateway.app.ids import SystemIds
from gateway.domain.ports import Clock

FLOOD: Final = 2_000
"""Messages at one instant of the clock; only a device that never waits reaches it."""
MOST: Final = 50_000
"""Records of one case; more, and its evidence would fill the machine."""
MOST_BYTES: Final = 256 << 20
"""Of the bodies of one case, likewise."""


_LINE: Final = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode
_TORN: Final = ".torn"
Ended = Callable[[str, str], None]


class Archiving(Protocol):
    """Where records go."""

    connections: int

    def next(self) -> int:
        """Return the number of the next record."""
        ...

    def line(self, record: Mapping[str, object]) -> None:
        """Append a record."""
        ...

    def body(self, body: bytes) -> str:
        """Keep a body and return its SHA-256."""
        ...

    def handshake(self, number: int, facts: Mapping[str, object]) -> None:
        """Keep what is known of a connection's TLS."""
        ...

    @property
    def secrets(self) -> Secrets:
        """Return what hides secrets before anything is kept or judged."""
        ...

    def flush(self) -> None:
        """Hand everything to the system."""
        ...


class Archive:
    """The files of one run that grow while it runs.

    Args:
        folder: Of the run; must exist. What is already there is gone on with; a torn last line is cut off.
        secrets: Values that must not be in it.
        durable: True: what belongs to a case that has ended outlives a power cut.
    """

    def __init__(self, folder: Path, secrets: Iterable[str] = (), *, durable: bool = False) -> None:
        self._folder = folder
        self._durable = durable
        self._bodies = str(folder / BODIES)
        self._fresh: list[str] = []
        for name in (BODIES, TLS):
            (folder / name).mkdir(exist_ok=True)
        self._number, self.connections = _resumed(folder / HISTORY)
        self._file: IO[bytes] = (folder / HISTORY).open("ab")
        self.secrets = Secrets(SystemIds().token().encode(), secrets)
        self._known = _whole_bodies(folder / BODIES)

    def next(self) -> int:
        """Return the number of the next record."""
        self._number += 1
        return self._number

    @property
    def size(self) -> int:
        """Return how many bytes the history has: where the next record begins."""
        return self._file.tell()

    def line(self, record: Mapping[str, object]) -> None:
        """Append a record."""
        self._file.write(_LINE(record).encode() + b"\n")

    def body(self, body: bytes) -> str:
        """Keep a body and return its SHA-256."""
        name = hashlib.sha256(body).hexdigest()
        if name not in self._known:
            self._keep(f"{self._bodies}/{name}", body)
            self._known.add(name)
        return name

    def _keep(self, path: str, body: bytes) -> None:
        """Write a file, whole or under another name; where nothing is durable, a torn one is found by its name.

        There are thousands, and a ``Path`` costs as much as the rest.
        """
        first = path + _TORN if self._durable else path
        with open(first, "wb") as file:
            file.write(body)
        if self._durable:
            os.replace(first, path)
            self._fresh.append(path)

    def handshake(self, number: int, facts: Mapping[str, object]) -> None:
        """Keep what is known of a connection's TLS."""
        path = self._folder / TLS / f"{number}.json"
        path.write_text(json.dumps(facts, indent=1, sort_keys=True) + "\n")

    def flush(self) -> None:
        """Hand everything to the system; done at the end of each case."""
        self._file.flush()
        if not self._durable:
            return
        for path in self._fresh:
            with open(path, "rb") as body:
                os.fsync(body.fileno())
        self._fresh.clear()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the history."""
        self._file.close()


def _whole_bodies(folder: Path) -> set[str]:
    """Return the bodies that are whole; what was torn by an interruption is removed."""
    found = set()
    for path in folder.iterdir():
        if hashlib.sha256(path.read_bytes()).hexdigest() == path.name:
            found.add(path.name)
        else:
            path.unlink()
    return found


def _resumed(path: Path) -> tuple[int, int]:
    """Return the last record's number and the count of connections; cut off a torn last line."""
    if not path.exists():
        return 0, 0
    whole, _, torn = path.read_bytes().rpartition(b"\n")
    if torn:
        with path.open("r+b") as file:
            file.truncate(len(whole) + bool(whole))
    rows = [json.loads(line) for line in whole.split(b"\n") if line]
    connections = [row["connection"] for row in rows if row["kind"] == "connection"]
    return max((row["n"] for row in rows), default=0), max(connections, default=0)


class Tape:
    """Records one case (meets ``peers.script2b.ports.Recorder``).

    Args:
        archive: Where to.
        transcript: Of the case; grows with every record.
        clock: Of the suite.
        heard: Called after each record; must not wait.
        ended: Called once, with the mark to set and what happened, when the device sends without end.
    """

    def __init__(
        self,
        archive: Archiving,
        transcript: Transcript,
        clock: Clock,
        heard: Callable[[], None] = lambda: None,
        ended: Ended = lambda _, __: None,
    ) -> None:
        self._archive = archive
        self.transcript = transcript
        self._clock = clock
        self.heard = heard
        self._ended = ended
        self._kind = message_of(transcript.case)
        self._records = self._bytes = 0
        self._instant: datetime | None = None
        self._at_instant = 0

    def connection(self, opened_by: Side) -> int:
        """Count a connection."""
        self._archive.connections += 1
        number = self._archive.connections
        self._write("connection", {"connection": number, "opened_by": opened_by})
        self.transcript.add(
            Connection(number=number, at=self._clock.now(), opened_by=opened_by, tls={})
        )
        self._count(self._clock.now())
        return number

    def handshake(
        self, connection: int, facts: Mapping[str, str], ders: Mapping[str, Sequence[bytes]]
    ) -> None:
        """Note what TLS agreed on; certificates become bodies, and a chain the list of their SHA-256."""
        known = dict(facts)
        for name, chain in ders.items():
            known[name] = " ".join(self._archive.body(der) for der in chain)
        self._archive.handshake(connection, known)
        self._write("tls", {"connection": connection, "tls": known})
        found = self.transcript.connections
        for place, one in enumerate(found):
            if one.number == connection:
                found[place] = Connection(
                    number=connection, at=one.at, opened_by=one.opened_by, tls=known
                )
        self.heard()

    def message(self, seen: Seen) -> Message:
        """Note a message."""
        secrets = self._archive.secrets
        head, body = secrets.head(seen.head), secrets.anywhere(seen.body)
        start, headers = split_head(head) if head else ("", ())
        sha256 = self._archive.body(body)
        record: dict[str, object] = {
            "sender": seen.sender,
            "part": seen.part,
            "connection": seen.connection,
            "exchange": seen.exchange,
            "head": head.decode("latin-1"),
            "body": sha256,
            "size": len(seen.body),
        }
        if body != seen.body:
            record["hidden"] = "secrets of the IXIT"
        if seen.coded is not None:
            record["coded"] = self._archive.body(secrets.anywhere(seen.coded))
        for name in ("fault", "wrong", "broken"):
            if getattr(seen, name):
                record[name] = getattr(seen, name)
        number, at, elapsed = self._write("message", record)
        found = self._kind(
            number=number,
            sender=seen.sender,
            part=seen.part,
            connection=seen.connection,
            exchange=number if seen.exchange is None else seen.exchange,
            at=at,
            elapsed_s=elapsed,
            start=start,
            headers=headers,
            body=body,
            sha256=sha256,
            fault=seen.fault,
            wrong=seen.wrong,
            broken=seen.broken,
        )
        self.transcript.add(found)
        self._bytes += len(body) + len(seen.coded or b"")
        self._count(at)
        self.heard()
        return found

    def _count(self, at: datetime) -> None:
        if at != self._instant:
            self._instant, self._at_instant = at, 0
        self._at_instant += 1
        if self._at_instant == FLOOD:
            self._end(OVERLOAD, "the device floods the suite")
        self._measure()

    def _measure(self) -> None:
        """End a case whose evidence grows without end, whoever makes it grow."""
        if self._records > MOST or self._bytes > MOST_BYTES:
            self._end(EVIDENCE, f"more than {MOST} records or {MOST_BYTES >> 20} MiB in one case")

    def _end(self, mark: str, what: str) -> None:
        """End the case, once."""
        ended, self._ended = self._ended, _nothing
        ended(mark, what)

    def mark(self, name: str, **values: object) -> None:
        """Note anything else."""
        hide = self._archive.secrets.text
        shown = {key: hide(_text(value)) for key, value in values.items()}
        number, at, elapsed = self._write("mark", {"name": name, "values": shown})
        self.transcript.add(Mark(number=number, name=name, at=at, elapsed_s=elapsed, values=shown))
        self._measure()
        self.heard()

    def _write(self, kind: str, rest: Mapping[str, object]) -> tuple[int, datetime, float]:
        self._records += 1
        number, at = self._archive.next(), self._clock.now()
        elapsed = round(self._clock.elapsed_s(), 6)
        stamp = {
            "n": number,
            "case": self.transcript.case,
            "kind": kind,
            "at": instant_text(at),
            "t": elapsed,
        }
        self._archive.line({**stamp, **rest})
        return number, at, elapsed


def _nothing(_: str, __: str) -> None:
    """Do nothing: the case is being ended already."""


def _text(value: object) -> str:
    return instant_text(value) if isinstance(value, datetime) else str(value)


def instant_text(at: datetime) -> str:
    """Write an instant with microseconds, UTC."""
    return f"{at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='microseconds')}Z"
