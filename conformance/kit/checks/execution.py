"""Is an event acted upon when it should be? Seen through the driver's method ``state``, judged by marks."""

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Final

from conformance.kit.case import Observation
from conformance.kit.checks.events import deliveries
from conformance.kit.finding import Check, Finding
from conformance.kit.stage import VenStage
from conformance.kit.transcript import Mark, Transcript

EXPECTED: Final = "execution.expected"
_DONE: Final = "driver.done"
_DURATION: Final = re.compile(r"PT(\d+)S")
_ZERO: Final = timedelta(0)
_EDGE_S: Final = 5.0
"""Scripts look so far from the instant at which something must change, at the least."""


async def look(stage: VenStage, event_id: str, *, acts: bool, cites: str, value: str = "") -> None:
    """Say whether the device should act on an event now, and look.

    Args:
        stage: Of the case.
        event_id: Of the event.
        acts: True: it should.
        cites: Requirement that is violated otherwise; the case must declare it.
        value: What should be in force; empty: anything.
    """
    stage.mark(EXPECTED, event=event_id, acts="yes" if acts else "no", cites=cites, value=value)
    await stage.driver.state()


async def see(
    stage: VenStage, event_id: str, at: datetime, *, acts: bool, cites: str, value: str = ""
) -> None:
    """Look at an instant; arguments as of ``look``."""
    await stage.sleep_until(at)
    await look(stage, event_id, acts=acts, cites=cites, value=value)


async def watch(stage: VenStage, until: datetime, every: timedelta) -> None:
    """Look again and again, expecting nothing in particular."""
    while stage.now < until:
        await stage.driver.state()
        await stage.sleep(every)
    await stage.driver.state()


def _looks(transcript: Transcript) -> Iterator[Mark]:
    return (m for m in transcript.all_marks(_DONE) if m.values.get("method") == "state")


def acts_as_expected(event_id: str) -> Check:
    """Demand that each look showed what the script expected then."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        for wish in transcript.all_marks(EXPECTED):
            seen = next((m for m in _looks(transcript) if m.number > wish.number), None)
            if wish.values["event"] == event_id and seen is not None:
                yield from _compared(transcript, wish, seen, event_id)

    return Check(f"acts on {event_id} as expected", judge)


def _compared(transcript: Transcript, wish: Mark, seen: Mark, event_id: str) -> Iterator[Finding]:
    path = f"event.{event_id}"
    found = seen.values.get(path)
    acts = wish.values["acts"] == "yes"
    value = wish.values.get("value", "")
    brought = [m for m in deliveries(transcript, event_id) if m.number < wish.number]
    if (found is not None) == acts and (not value or _equal(found or "", value)):
        return
    yield Finding(
        requirement=wish.values["cites"],
        message=brought[-1].number if brought else None,
        path=path,
        expected=(f"acted upon {value}".strip() if acts else "not acted upon")
        + f" at {seen.at.isoformat()}",
        observed="not acted upon" if found is None else f"acted upon {found}",
        tolerance_s=_EDGE_S,
    )


def _equal(found: str, wanted: str) -> bool:
    try:
        return Decimal(found) == Decimal(wanted)
    except InvalidOperation:
        return found == wanted


def looked(event_id: str, at_least: int = 1) -> Observation:
    """Demand that the device's state was looked at so often with an expectation about an event."""

    def count(transcript: Transcript) -> int:
        last = max((m.number for m in _looks(transcript)), default=0)
        wishes = [m for m in transcript.all_marks(EXPECTED) if m.number < last]
        return sum(1 for m in wishes if m.values["event"] == event_id)

    return Observation(f"looks at event {event_id}", at_least, count)


def watched(at_least: int) -> Observation:
    """Demand that the device's state was looked at so often."""
    return Observation("looks at the state", at_least, lambda t: sum(1 for _ in _looks(t)))


# --- randomised events


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """An active period as it was delivered."""

    start: datetime
    lasts: timedelta
    start_after: timedelta


def period(transcript: Transcript, event_id: str, version: int | None = None) -> Period | None:
    """Return the active period that the newest delivery of an event, or of a version, stated."""
    found = deliveries(transcript, event_id, version)
    if not found:
        return None
    base = f".//ei:eiEvent[ei:eventDescriptor/ei:eventID='{event_id}']/ei:eiActivePeriod/xcal:properties"
    start = found[-1].text(f"{base}/xcal:dtstart/xcal:date-time").removesuffix("Z")
    return Period(
        start=datetime.fromisoformat(start).replace(tzinfo=UTC),
        lasts=_length(found[-1].text(f"{base}/xcal:duration/xcal:duration")),
        start_after=_length(found[-1].text(f"{base}/xcal:tolerance/xcal:tolerate/xcal:startafter")),
    )


def _length(text: str) -> timedelta:
    """Read a duration as the suite writes it."""
    found = _DURATION.fullmatch(text)
    return timedelta(seconds=int(found.group(1))) if found else _ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """When an event was seen to be acted upon."""

    begun: tuple[datetime, datetime]
    """Not yet, and first seen."""
    ended: tuple[datetime, datetime] | None
    """Last seen, and no more; None: it went on."""


def run_of(transcript: Transcript, event_id: str) -> Run | None:
    """Return when an event was acted upon, between looks; None: never, or from before the first look."""
    looks = [(m.at, f"event.{event_id}" in m.values) for m in _looks(transcript)]
    begun = [(a, b) for (a, was), (b, now) in itertools.pairwise(looks) if now and not was]
    if not begun:
        return None
    pairs = itertools.pairwise(looks)
    ended = [(a, b) for (a, was), (b, now) in pairs if was and not now and a >= begun[0][1]]
    return Run(begun=begun[0], ended=ended[0] if ended else None)


def starts_at_random(*event_ids: str, cites: str) -> Check:
    """Demand that each event starts within ``startafter`` of its start, and that not all start at the same offset."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        offsets, coarse = [], _ZERO
        for event_id in event_ids:
            given, seen = period(transcript, event_id), run_of(transcript, event_id)
            if given is None:
                return
            latest = given.start + given.start_after
            if seen is None:
                yield _at(cites, transcript, event_id, f"a start before {latest}", "none")
            elif seen.begun[1] <= given.start or seen.begun[0] > latest:
                text = f"a start from {given.start} to {latest}"
                yield _at(cites, transcript, event_id, text, str(seen.begun[1]))
            else:
                offsets.append(seen.begun[1] - given.start)
                coarse = max(coarse, seen.begun[1] - seen.begun[0])
        if len(offsets) > 1 and max(offsets) - min(offsets) <= coarse:
            text = "offsets that differ from event to event"
            yield _at(cites, transcript, event_ids[0], text, f"all about {offsets[0]}")

    return Check(f"starts {' '.join(event_ids)} at random", judge)


def keeps_length(event_id: str, *, cites: str) -> Check:
    """Demand that an event runs as long as its duration says, wherever it starts (rule 30)."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        given, seen = period(transcript, event_id), run_of(transcript, event_id)
        if given is None or seen is None:
            return
        if seen.ended is None:
            yield _at(cites, transcript, event_id, f"an end after {given.lasts}", "none")
            return
        least = seen.ended[0] - seen.begun[1]
        most = seen.ended[1] - seen.begun[0]
        if not least <= given.lasts <= most:
            found = f"between {least} and {most}"
            yield _at(cites, transcript, event_id, f"a run of {given.lasts}", found)

    return Check(f"keeps the length of {event_id}", judge)


def begins_never_after(event_id: str, *, cites: str, after_mark: str) -> Check:
    """Demand that an event that was not acted upon at a mark is not acted upon later."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        mark = transcript.mark(after_mark)
        if mark is None:
            return
        looks = list(_looks(transcript))
        path = f"event.{event_id}"
        before = [m for m in looks if m.number < mark.number]
        later = [m for m in looks if m.number > mark.number and path in m.values]
        if later and not (before and path in before[-1].values):
            found = f"acted upon at {later[0].at}"
            yield _at(cites, transcript, event_id, "not acted upon any more", found)

    return Check(f"never begins {event_id} after {after_mark}", judge)


def ends_within(event_id: str, most: timedelta, *, cites: str, after_mark: str) -> Check:
    """Demand that an event that ran at a mark has ended after so long at the most."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        mark = transcript.mark(after_mark)
        if mark is None:
            return
        shown = [m for m in _looks(transcript) if m.at > mark.at + most]
        still = [m for m in shown if f"event.{event_id}" in m.values]
        if still:
            text = f"an end before {mark.at + most}"
            yield _at(cites, transcript, event_id, text, f"acted upon at {still[0].at}")

    return Check(f"ends {event_id} within {most}", judge)


def ends_at_random(*event_ids: str, cites: str, after_mark: str) -> Check:
    """Demand that events cancelled together do not all end at once (rule 65)."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        mark = transcript.mark(after_mark)
        if mark is None:
            return
        first = next((m for m in _looks(transcript) if m.at > mark.at), None)
        if first is not None and not any(f"event.{x}" in first.values for x in event_ids):
            text = "ends that are spread over startafter"
            yield _at(cites, transcript, event_ids[0], text, "all ended at once")

    return Check(f"ends {' '.join(event_ids)} at random", judge)


def _at(cites: str, transcript: Transcript, event_id: str, expected: str, found: str) -> Finding:
    brought = deliveries(transcript, event_id)
    return Finding(
        requirement=cites,
        message=brought[-1].number if brought else None,
        path=f"event.{event_id}",
        expected=expected,
        observed=found,
        tolerance_s=_EDGE_S,
    )
