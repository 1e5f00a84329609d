"""Where events stand: their status follows from time and from each other, so that reading never writes.

An event that the operator left alone is scheduled, then active from its start, superseded from the start of a newer one
of the same list that covers all its controls and categories, and gone after its end (2023: completed for a while).
Every step counts as a version. What was superseded stays so; a cancelled one stays listed for its original time.

Spec: IEEE 2030.5-2018 clause 10.2.3.3 c, f, i, r; 2023 clause 10.2.2.3 p; CSIP-AUS S-ALL-41.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.enums import EventState

VERSIONS: Final = 65536
"""A version is 16 bits wide, and begins anew after the last."""
_EVERY: Final = (1 << 32) - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """The steps of one event."""

    event: sep.Event
    """As kept."""
    steps: tuple[tuple[int, int], ...]
    """(second, status from then on), in order; the first is its beginning."""
    until: int
    """Second from which it is not listed."""
    partly: int | None
    """Second since which newer ones cover some of its controls, and not all; None: none do."""
    always_partly: bool = False
    """Of 2023: the mark means nothing any more, and is set always."""

    def at(self, now: int) -> sep.Event | None:
        """Return the event as it stands; None: it is not listed any more."""
        if now >= self.until:
            return None
        past = [step for step in self.steps if step[0] <= now] or [self.steps[0]]
        changed, status = past[-1]
        partly = self.partly is not None and self.partly <= now
        return replace(
            self.event,
            version=((self.event.version or 0) + len(past) - 1) % VERSIONS,
            event_status=replace(
                self.event.event_status,
                current_status=status,
                date_time=changed,
                potentially_superseded=partly or self.always_partly,
                potentially_superseded_time=self.partly if partly else None,
            ),
        )

    def next_change(self, now: int) -> int | None:
        """Return the next second in which it stands differently; None: it is gone for good."""
        later = [at for at, _ in self.steps if at > now]
        later += [at for at in (self.until, self.partly) if at is not None and at > now]
        return min(later, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How long what has ended stays listed."""

    keep: int
    """Seconds that a cancelled event stays at least: twice the poll rate."""
    completed: bool
    """2023: what has ended is completed for that time, nothing is ever shown as superseded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shadow:
    """What newer events do to one."""

    superseded: int | None = None
    partly: int | None = None


def courses(events: Iterable[sep.Event], terms: Terms) -> Mapping[str, Course]:
    """Work out the course of every event of one list, by mRID."""
    ordered = sorted(events, key=lambda event: event.interval.start)
    shadows: dict[str, _Shadow] = {}
    for place, one in enumerate(ordered):
        for other in ordered[place + 1 :]:
            if other.interval.start >= ends(one):
                break
            older, newer = sorted((one, other), key=_rank)
            shadow = _cast(newer, older, shadows.get(older.mrid, _Shadow()))
            if shadow is not None:
                shadows[older.mrid] = shadow
    return {one.mrid: _course(one, shadows.get(one.mrid, _Shadow()), terms) for one in ordered}


def ends(event: sep.Event) -> int:
    """Return the second in which an event ends by its interval."""
    return event.interval.start + event.interval.duration


def latest_end(event: sep.Event) -> int:
    """Return the second in which the last client has ended it, randomisation included."""
    if not isinstance(event, sep.RandomizableEvent):
        return ends(event)
    return ends(event) + max(0, event.randomize_start or 0) + max(0, event.randomize_duration or 0)


def cancelled(event: sep.Event) -> bool:
    """Say whether the operator has cancelled it."""
    return event.event_status.current_status in {
        EventState.CANCELLED,
        EventState.CANCELLED_WITH_RANDOMIZATION,
    }


def _rank(event: sep.Event) -> tuple[int, int]:
    return event.creation_time, int(event.mrid, 16)


def _cast(newer: sep.Event, older: sep.Event, shadow: _Shadow) -> _Shadow | None:
    """Return what a newer event does to an older one that it overlaps; None: nothing."""
    early = 0
    if isinstance(newer, sep.RandomizableEvent):
        early = min(0, newer.randomize_start or 0)
    at = max(newer.interval.start + early, newer.creation_time)
    gone = cancelled(newer) and newer.event_status.date_time <= at
    if gone or at >= latest_end(older):
        return None
    shared = controls(newer) & controls(older)
    both = _categories(newer) & _categories(older)
    if not shared or not both:
        return None
    if shared == controls(older) and both == _categories(older):
        return replace(shadow, superseded=_first(shadow.superseded, at))
    return replace(shadow, partly=_first(shadow.partly, newer.creation_time))


def _first(one: int | None, other: int) -> int:
    return other if one is None else min(one, other)


def controls(event: sep.Event) -> frozenset[str]:
    """Return what an event governs: the modes of a DERControl; a load control or a price stands for all there is."""
    if isinstance(event, sep.DERControl):
        base = event.der_control_base
        names = (name for name in base.__dataclass_fields__ if name.startswith("op_mod_"))
        return frozenset(name for name in names if getattr(base, name) is not None)
    if isinstance(event, sep.TextMessage | sep.FlowReservationResponse):
        return frozenset()
    return frozenset({"all"})


def _categories(event: sep.Event) -> int:
    if isinstance(event, sep.DERControl | sep.EndDeviceControl):
        return event.device_category or _EVERY
    return _EVERY


def _course(event: sep.Event, shadow: _Shadow, terms: Terms) -> Course:
    status = event.event_status
    if cancelled(event):
        return Course(
            event=event,
            steps=((status.date_time, status.current_status),),
            until=max(latest_end(event), status.date_time + terms.keep),
            partly=None,
            always_partly=terms.completed,
        )
    end = latest_end(event)
    steps = [(event.creation_time, int(EventState.SCHEDULED))]
    if event.interval.start <= event.creation_time:
        steps = [(event.creation_time, int(EventState.ACTIVE))]
    superseded = None if terms.completed else shadow.superseded
    if event.interval.start > event.creation_time and (
        superseded is None or superseded > event.interval.start
    ):
        steps.append((event.interval.start, int(EventState.ACTIVE)))
    if superseded is not None:
        steps.append((superseded, int(EventState.SUPERSEDED)))
    if terms.completed:
        steps.append((end, int(EventState.COMPLETED)))
    return Course(
        event=event,
        steps=tuple(steps),
        until=end + (terms.keep if terms.completed else 0),
        partly=shadow.partly,
        always_partly=terms.completed,
    )
