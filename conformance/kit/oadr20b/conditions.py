"""What a script usually waits for. Each makes a condition for ``Stage.until``: the message that meets it, or None."""

from collections.abc import Callable
from dataclasses import dataclass

from conformance.kit.transcript import Mark, Message, Transcript

EVENT_RESPONSES = ".//ei:eventResponses/ei:eventResponse"


@dataclass(frozen=True, slots=True, kw_only=True)
class EventAnswer:
    """One ``eventResponse`` of the device."""

    message: Message
    place: int
    """Among the eventResponses of its message, from 1, as XPath counts."""
    event_id: str
    version: int
    code: str
    opt: str
    request_id: str

    @property
    def path(self) -> str:
        """Return the XPath of it below its message."""
        return f"({EVENT_RESPONSES})[{self.place}]"


def event_answers(
    transcript: Transcript, event_id: str = "", version: int | None = None
) -> list[EventAnswer]:
    """Return what the device answered to events, oldest first; one event's, or one version's."""
    found = []
    for message in transcript.from_device("oadrCreatedEvent"):
        for place in range(1, len(message.elements(EVENT_RESPONSES)) + 1):
            one = _answer(message, place)
            if (not event_id or one.event_id == event_id) and version in (None, one.version):
                found.append(one)
    return found


def _answer(message: Message, place: int) -> EventAnswer:
    base = f"({EVENT_RESPONSES})[{place}]"
    version = message.text(f"{base}/ei:qualifiedEventID/ei:modificationNumber")
    return EventAnswer(
        message=message,
        place=place,
        event_id=message.text(f"{base}/ei:qualifiedEventID/ei:eventID"),
        version=int(version) if version.isdigit() else -1,
        code=message.text(f"{base}/ei:responseCode"),
        opt=message.text(f"{base}/ei:optType"),
        request_id=message.text(f"{base}/pyld:requestID"),
    )


def answered(
    event_id: str, version: int | None = None, *, times: int = 1, after: int = 0, opt: str = ""
) -> Callable[[Transcript], EventAnswer | None]:
    """Wait for the device's answer to an event or to one version of it, behind a message, with a certain opt."""

    def look(transcript: Transcript) -> EventAnswer | None:
        every = event_answers(transcript, event_id, version)
        found = [a for a in every if a.message.number > after and opt in ("", a.opt)]
        return found[times - 1] if len(found) >= times else None

    return look


def received(
    name: str, *, times: int = 1, after: int = 0, path: str = "", value: str = ""
) -> Callable[[Transcript], Message | None]:
    """Wait for a message of the device.

    Args:
        name: E.g. ``oadrUpdateReport``.
        times: The how-manyth.
        after: Number of the message or mark that it must come after.
        path: XPath that must hold ``value`` somewhere; empty: any.
        value: See there.
    """

    def look(transcript: Transcript) -> Message | None:
        found = [
            m
            for m in transcript.from_device(name)
            if m.number > after and (not path or value in m.all(path))
        ]
        return found[times - 1] if len(found) >= times else None

    return look


def delivered(
    name: str, *, times: int = 1, after: int = 0, path: str = "", value: str = ""
) -> Callable[[Transcript], Message | None]:
    """Wait until a message of the suite has reached the device; arguments as of ``received``."""

    def look(transcript: Transcript) -> Message | None:
        found = [m for m in transcript.delivered(name, path, value) if m.number > after]
        return found[times - 1] if len(found) >= times else None

    return look


def exchanged(times: int = 1, after: int = 0) -> Callable[[Transcript], Message | None]:
    """Wait until the device has asked anything so often, and was answered well."""

    def look(transcript: Transcript) -> Message | None:
        found = [
            e.request for e in transcript.exchanges() if e.delivered and e.request.number > after
        ]
        return found[times - 1] if len(found) >= times else None

    return look


def marked(name: str, *, times: int = 1) -> Callable[[Transcript], Mark | None]:
    """Wait for a mark, e.g. of something the scripted peer did in the background."""

    def look(transcript: Transcript) -> Mark | None:
        found = transcript.all_marks(name)
        return found[times - 1] if len(found) >= times else None

    return look
