"""What a script usually waits for; each makes a condition for ``Stage.until``."""

from collections.abc import Callable
from typing import Final

from conformance.kit.sep2.reading import RESPONSES, posts, puts, reads, responses, served
from conformance.kit.transcript import Message, Transcript

_ERRORS: Final = 400
Found = Callable[[Transcript], Message | None]


def responded(control: str, status: int, *, lfdi: str = "", times: int = 1) -> Found:
    """Wait for a Response to a control."""
    looked = 0

    def condition(transcript: Transcript) -> Message | None:
        nonlocal looked
        fresh, looked = transcript.messages[looked:], len(transcript.messages)
        if not any(m.name in RESPONSES for m in fresh):  # nothing that could change the answer
            return None
        rows = [r for r in responses(transcript, control, lfdi) if r.status == status]
        return rows[times - 1].message if len(rows) >= times else None

    return condition


def seen(control: str, status: int | None = None) -> Found:
    """Wait until a control reached the client, perhaps with this currentStatus."""

    def condition(transcript: Transcript) -> Message | None:
        for message, one in served(transcript, control):
            if status is None or one.findtext("{*}EventStatus/{*}currentStatus") == str(status):
                return message
        return None

    return condition


def read(name: str, *, times: int = 1, after: int = 0) -> Found:
    """Wait until the client has read a resource; ``after``: number of a message or mark."""

    def condition(transcript: Transcript) -> Message | None:
        rows = [m for m in reads(transcript, name) if m.number > after]
        return rows[times - 1] if len(rows) >= times else None

    return condition


def put(name: str, *, times: int = 1, after: int = 0) -> Found:
    """Wait until the client has put a document."""

    def condition(transcript: Transcript) -> Message | None:
        rows = [m for m in puts(transcript, name) if m.number > after]
        return rows[times - 1] if len(rows) >= times else None

    return condition


def posted(*names: str, times: int = 1, after: int = 0) -> Found:
    """Wait until the client has posted a document of one of these names."""

    def condition(transcript: Transcript) -> Message | None:
        rows = [m for m in posts(transcript, *names) if m.number > after]
        return rows[times - 1] if len(rows) >= times else None

    return condition


def refused(transcript: Transcript, name: str) -> Message | None:
    """Return the first document of a name that the client sent and that was not taken."""
    for message in transcript.from_device(name):
        answer = transcript.answer(message)
        if answer is not None and answer.status >= _ERRORS:
            return message
    return None
