"""Rules about a distribution as a whole: which events it lists, and in which order: 015 and 016."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from conformance.kit.checks.rules2b.vtn_events import (
    HEAD,
    LENGTH,
    PERIOD,
    START,
    distributed,
)
from conformance.kit.checks.rules2b.vtn_identity import given_ids
from conformance.kit.finding import Check, Finding, wrong
from conformance.kit.oadr20b.times import at, lasting
from conformance.kit.transcript import Message, Part, Transcript

_LAST: Final = 1 << 32
_ENDED: Final = ("cancelled", "completed")
_ID: Final = "oadr:oadrEvent/ei:eiEvent/ei:eventDescriptor/ei:eventID"


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One event as a distribution shows it."""

    event_id: str
    status: str
    priority: int
    start: datetime | None
    end: datetime | None
    """None: open."""


def _listed(message: Message, event: str) -> Listed:
    start = at(message.text(f"{event}/{PERIOD}/{START}"))
    lasts = lasting(message.text(f"{event}/{PERIOD}/{LENGTH}"))
    priority = message.text(f"{event}/{HEAD}/ei:priority")
    return Listed(
        event_id=message.text(f"{event}/{HEAD}/ei:eventID"),
        status=message.text(f"{event}/{HEAD}/ei:eventStatus"),
        priority=(int(priority) if priority.isdigit() else 0) or _LAST,
        start=start,
        end=start + lasts if start is not None and lasts else None,
    )


def _lists(transcript: Transcript) -> Iterator[tuple[Message, list[Listed]]]:
    """Yield every distribution of the device with its events."""
    rows: dict[int, list[Listed]] = {}
    for message, event in distributed(transcript):
        rows.setdefault(message.number, []).append(_listed(message, event))
    for message in transcript.from_device("oadrDistributeEvent"):
        yield message, rows.get(message.number, [])


def rule_015(transcript: Transcript) -> Iterator[Finding]:
    """List every event again until it is over or cancelled (rule 50); judged where there is one VEN."""
    if len(given_ids(transcript, _LAST)) > 1:
        return
    open_: dict[str, Listed] = {}
    for message, rows in _lists(transcript):
        limited = _limited(transcript, message)
        shown = {row.event_id for row in rows}
        for name, row in list(open_.items()):
            over = row.end is not None and message.at >= row.end
            if over:
                del open_[name]
            elif name not in shown and not limited:
                yield wrong("RULE-2B-015", message, _ID, name, " ".join(sorted(shown)) or "none")
        for row in rows:
            if row.status in _ENDED:
                open_.pop(row.event_id, None)
            else:
                open_[row.event_id] = row


def _limited(transcript: Transcript, message: Message) -> bool:
    """Say whether a distribution need not be whole: limited, or a refusal."""
    request = transcript.request(message) if message.part is Part.RESPONSE else None
    asked_less = request is not None and request.has("pyld:eiRequestEvent/pyld:replyLimit")
    return asked_less or (bool(message.code) and not message.code.startswith("2"))


def rule_016(transcript: Transcript) -> Iterator[Finding]:
    """List active events first, by priority and start, then the others by start (rule 15)."""
    for message, rows in _lists(transcript):
        kept = [row for row in rows if row.status not in _ENDED and row.start is not None]
        places = [_place(row) for row in kept]
        if places != sorted(places):
            wanted = " ".join(row.event_id for row in sorted(kept, key=_place))
            found = " ".join(row.event_id for row in kept)
            yield wrong("RULE-2B-016", message, _ID, wanted, found)


def _place(row: Listed) -> tuple[int, int, float]:
    start = row.start.timestamp() if row.start is not None else 0.0
    return (0, row.priority, start) if row.status == "active" else (1, 0, start)


RULES: Final = (
    Check("RULE-2B-015", rule_015),
    Check("RULE-2B-016", rule_016),
)
