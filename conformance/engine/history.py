"""Reads a recorded run back: the last whole attempt at each case, as transcripts."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from conformance.engine.errors import SuiteError
from conformance.engine.profiles import message_of
from conformance.engine.record import BEGIN, BODIES, END, HISTORY
from conformance.kit.head import split_head
from conformance.kit.transcript import Connection, Mark, Message, Part, Side, Transcript

Record = Mapping[str, object]


@dataclass
class Attempt:
    """One attempt at a case."""

    transcript: Transcript
    ended: bool = False
    took_s: float = 0.0
    """By the suite's clock."""


def records(folder: Path, since: int = 0) -> Iterator[Record]:
    """Yield the records of a run; a torn last line is left out.

    Args:
        folder: Of the run.
        since: First byte of the history to be read; a line must begin there.

    Raises:
        SuiteError: there is no history, or a line before the last is broken.
    """
    path = folder / HISTORY
    if not path.is_file():
        raise SuiteError(f"{folder}: there is no {HISTORY}")
    with path.open("rb") as file:
        file.seek(since)
        lines = file.read().split(b"\n")
    for place, line in enumerate(lines):
        if not line:
            continue
        try:
            yield json.loads(line)
        except ValueError:
            if place < len(lines) - 1:
                after = f" after byte {since}" if since else ""
                raise SuiteError(f"{path}: line {place + 1}{after} is broken") from None


class Bodies:
    """The bodies of a run, each read once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / BODIES
        self._read: dict[str, bytes] = {}

    def __getitem__(self, name: str) -> bytes:
        if name not in self._read:
            try:
                self._read[name] = (self._folder / name).read_bytes()
            except OSError:
                raise SuiteError(f"{self._folder}: body {name} is missing") from None
        return self._read[name]


def attempts(
    folder: Path, mode: str, facts: Mapping[str, Mapping[str, str]], since: int = 0
) -> dict[str, Attempt]:
    """Return the last ended attempt at each case, else the last begun.

    Args:
        folder: Of the run.
        mode: Of the plan.
        facts: Case -> what its transcript must know beside the messages; other cases are left out.
        since: First byte of the history to be read.
    """
    bodies = Bodies(folder)
    ended: dict[str, Attempt] = {}
    open_: dict[str, Attempt] = {}
    for record in records(folder, since):
        case = str(record["case"])
        if case not in facts:
            continue
        if record["kind"] == "mark" and record["name"] == BEGIN:
            open_[case] = Attempt(Transcript(case=case, mode=mode, facts=facts[case]))
        attempt = open_.get(case)
        if attempt is None:
            continue
        take(attempt.transcript, record, bodies)
        if record["kind"] == "mark" and record["name"] == END:
            first = attempt.transcript.marks[0]
            attempt.took_s = round(float(str(record["t"])) - first.elapsed_s, 6)
            attempt.ended = True
            ended[case] = attempt
    return {**open_, **ended}


def take(transcript: Transcript, record: Record, bodies: Bodies) -> None:
    """Add one record to a transcript."""
    match record["kind"]:
        case "message":
            transcript.add(_message(record, bodies, message_of(transcript.case)))
        case "mark":
            transcript.add(
                Mark(
                    number=_int(record["n"]),
                    name=str(record["name"]),
                    at=_instant(record["at"]),
                    elapsed_s=float(str(record["t"])),
                    values=_texts(record["values"]),
                )
            )
        case "connection":
            transcript.add(
                Connection(
                    number=_int(record["connection"]),
                    at=_instant(record["at"]),
                    opened_by=Side(str(record["opened_by"])),
                )
            )
        case "tls":
            _handshake(transcript, _int(record["connection"]), _texts(record["tls"]))
        case kind:
            raise SuiteError(f"record {record['n']}: unknown kind {kind}")


def _handshake(transcript: Transcript, number: int, facts: Mapping[str, str]) -> None:
    for place, one in enumerate(transcript.connections):
        if one.number == number:
            transcript.connections[place] = Connection(
                number=number, at=one.at, opened_by=one.opened_by, tls=facts
            )


def _message(record: Record, bodies: Bodies, kind: type[Message]) -> Message:
    number = _int(record["n"])
    head = str(record["head"])
    start, headers = split_head(head.encode("latin-1")) if head else ("", ())
    exchange = record["exchange"]
    return kind(
        number=number,
        sender=Side(str(record["sender"])),
        part=Part(str(record["part"])),
        connection=_int(record["connection"]),
        exchange=number if exchange is None else _int(exchange),
        at=_instant(record["at"]),
        elapsed_s=float(str(record["t"])),
        start=start,
        headers=headers,
        body=bodies[str(record["body"])],
        sha256=str(record["body"]),
        fault=str(record.get("fault", "")),
        wrong=str(record.get("wrong", "")),
        broken=str(record.get("broken", "")),
    )


def _int(found: object) -> int:
    return int(str(found))


def _texts(found: object) -> dict[str, str]:
    if not isinstance(found, dict):
        raise SuiteError("a record's values are no mapping")
    return {str(key): str(value) for key, value in found.items()}


def _instant(found: object) -> datetime:
    return datetime.fromisoformat(str(found))
