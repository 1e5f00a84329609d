"""Minimum observations: what a PASS must rest on."""

from typing import Final

from conformance.kit.case import Observation
from conformance.kit.oadr20b.conditions import event_answers
from conformance.kit.transcript import Transcript

PREPARED: Final = "case.prepared"
"""Set by the runner when a device that starts registered has come to rest."""


def _after(transcript: Transcript, mark: str) -> Transcript:
    found = transcript.mark(mark)
    return transcript if found is None else transcript.since(found.number)


def reached(
    name: str,
    at_least: int = 1,
    *,
    path: str = "",
    value: str = "",
    what: str = "",
    after_mark: str = PREPARED,
) -> Observation:
    """Demand that messages of the suite reached the device.

    Args:
        name: E.g. ``oadrDistributeEvent``.
        at_least: How many.
        path: XPath that must hold ``value``; empty: any.
        value: See there.
        what: For people; empty: made from the rest.
        after_mark: Count from this mark on; without such a mark, from the beginning.
    """

    def count(transcript: Transcript) -> int:
        return len(_after(transcript, after_mark).delivered(name, path, value))

    return Observation(what or f"{name} {value} delivered".replace("  ", " "), at_least, count)


def shown(name: str, at_least: int = 1) -> Observation:
    """Demand that messages of the suite stood before the device whole, whatever it made of them."""

    def count(transcript: Transcript) -> int:
        found = _after(transcript, PREPARED).from_suite(name)
        return sum(1 for m in found if not (m.fault or m.broken))

    return Observation(f"{name} shown", at_least, count)


def event_reached(event_id: str, at_least: int = 1) -> Observation:
    """Demand that an event reached the device in distributions."""
    return reached(
        "oadrDistributeEvent",
        at_least,
        path=".//ei:eventDescriptor/ei:eventID",
        value=event_id,
        what=f"event {event_id} delivered",
    )


def sent(
    name: str,
    at_least: int = 1,
    *,
    path: str = "",
    value: str = "",
    what: str = "",
    after_mark: str = PREPARED,
) -> Observation:
    """Demand that the device sent messages of a name; arguments as of ``reached``."""

    def count(transcript: Transcript) -> int:
        found = _after(transcript, after_mark).from_device(name)
        return sum(1 for m in found if not path or value in m.all(path))

    return Observation(
        what or f"{name} {value} from the device".replace("  ", " "), at_least, count
    )


def event_answered(event_id: str, at_least: int = 1) -> Observation:
    """Demand that the device answered an event."""

    def count(transcript: Transcript) -> int:
        return len(event_answers(transcript, event_id))

    return Observation(f"answer to event {event_id}", at_least, count)


def exchanges(at_least: int = 1, *, after_mark: str = "") -> Observation:
    """Demand that the device went on asking and was answered well, perhaps after a mark of the script."""

    def count(transcript: Transcript) -> int:
        start = 0
        if after_mark:
            mark = transcript.mark(after_mark)
            if mark is None:
                return 0
            start = mark.number
        return sum(1 for e in transcript.exchanges() if e.delivered and e.request.number > start)

    what = "healthy exchange" + (f" after {after_mark}" if after_mark else "")
    return Observation(what, at_least, count)


def mark_set(name: str, at_least: int = 1) -> Observation:
    """Demand that the script got as far as a mark."""

    def count(transcript: Transcript) -> int:
        return len(transcript.all_marks(name))

    return Observation(f"mark {name}", at_least, count)
