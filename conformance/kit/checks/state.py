"""Checks of what a device says that it does, through the driver's ``state``."""

from collections.abc import Iterator

from conformance.kit.case import Observation
from conformance.kit.checks.flow import since
from conformance.kit.finding import Check, Finding
from conformance.kit.transcript import Mark, Transcript

DONE = "driver.done"


def states(transcript: Transcript, after: str = "") -> list[Mark]:
    """Return what the driver said of the device's state, oldest first."""
    start = since(transcript, after)
    if start is None:
        return []
    found = transcript.all_marks(DONE)
    return [m for m in found if m.values.get("method") == "state" and m.number > start]


def acts_on(event_id: str, value: str, *, after: str, requirement: str) -> Check:
    """Demand that the device acts on an event whenever it is asked after a mark.

    Args:
        event_id: Of the event.
        value: In force; empty: the device must not act on it.
        after: Mark from which on.
        requirement: Cited.
    """

    def judge(transcript: Transcript) -> Iterator[Finding]:
        for mark in states(transcript, after):
            found = mark.values.get(f"event.{event_id}", "")
            same = found.startswith(value) if value else not found
            if not same:
                yield Finding(
                    requirement=requirement,
                    path=f"state event.{event_id}",
                    message=mark.number,
                    expected=value or "not acted on",
                    observed=found or "not acted on",
                )
                return

    return Check(f"acts on {event_id}" if value else f"does not act on {event_id}", judge)


def state_seen(after: str, at_least: int = 1) -> Observation:
    """Demand that the state was looked at after a mark."""
    return Observation(
        f"state after {after}", at_least, lambda transcript: len(states(transcript, after))
    )
