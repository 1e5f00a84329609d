"""What goes inward: one grid event per control and site, however many devices of that site the control is for.

A control that an aggregator's program has for thousands of devices is one thing that a site is asked, not thousands. A
group gathers the devices of one site that have a control; what it asks of the site holds while it holds for any of
them, so that devices that hear of it late, or leave it early, change nothing. Our own device is a group of its own.
The site is asked once for what each of its devices is asked: a cap holds for the site as a whole.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, NamedTuple

from pydantic import TypeAdapter

from gateway.domain.errors import MisuseError, WireError
from gateway.domain.event import GridEvent
from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.client.convert import Listed
from gateway.protocols.sep2.client.device import Device
from gateway.protocols.sep2.client.event import Around, grid_event
from gateway.protocols.sep2.client.listings import View
from gateway.protocols.sep2.client.pricing import NOTHING
from gateway.protocols.sep2.client.state import Parts, Told, plain, value_of
from gateway.protocols.sep2.codec import decode, encode_all
from gateway.protocols.sep2.events.record import Record
from gateway.protocols.sep2.events.table import TERMINAL, State
from gateway.protocols.sep2.events.values import Key, Stretch

PREFIX: Final = "inward "
"""Of the parts that hold what went inward."""
_NEVER: Final = frozenset({State.EXPIRED, State.REFUSED, State.MISSED})
"""Of such an event nothing ever went inward."""
_TOLD: Final = TypeAdapter(Told)
_OBLIGING: Final = sep.DERControl | sep.EndDeviceControl

Pieces = tuple[tuple[str, int, int], ...]
"""(mode, start, end), sorted."""


class Stand(NamedTuple):
    """How one device stands to an event."""

    state: State
    pieces: Pieces


Surround = Callable[[Device, Record, "Group"], Around | None]
"""Makes what surrounds an event; None: no program of ours has anything to do with it."""


@dataclass(slots=True, kw_only=True, eq=False)
class Group:
    """The devices of one site that have one control."""

    event_id: str
    key: Key
    stands: dict[str, Stand] = field(default_factory=dict)
    """LFDI -> how it stands."""
    counts: Counter[Stand] = field(default_factory=Counter)
    ramps: dict[str, tuple[str, int]] = field(default_factory=dict)
    """Mode -> kW that its ramp starts from, and its length in seconds; settled when it is first told."""
    new: bool = True
    """It was not told yet, or was taken back."""
    lead: str = ""
    """LFDI of the device that read the control last."""

    def put(self, lfdi: str, stand: Stand) -> None:
        """Take how a device stands now."""
        self.drop(lfdi)
        self.stands[lfdi] = stand
        self.counts[stand] += 1

    def drop(self, lfdi: str) -> None:
        """Take that a device has nothing to do with it any more."""
        before = self.stands.pop(lfdi, None)
        if before is not None:
            self.counts[before] -= 1
            if not self.counts[before]:
                del self.counts[before]

    @property
    def states(self) -> set[State]:
        """Return every state that some device is in."""
        return {stand.state for stand in self.counts}

    @property
    def over(self) -> bool:
        """Say whether nothing more can happen to it."""
        return self.states <= TERMINAL

    @property
    def quiet(self) -> bool:
        """Say whether there is nothing to take back: it ran its time, or nothing ever went inward."""
        counted = self.states - _NEVER - {State.OPTED_OUT}
        return not counted or State.COMPLETED in counted

    def stretches(self) -> list[Stretch]:
        """Return when it holds for any of its devices."""
        by_mode: dict[str, list[tuple[int, int]]] = {}
        for stand in self.counts:
            if stand.state is not State.OPTED_OUT:
                for mode, start, end in stand.pieces:
                    by_mode.setdefault(mode, []).append((start, end))
        return [
            Stretch(key=self.key, mode=mode, start=start, end=end)
            for mode, spans in sorted(by_mode.items())
            for start, end in _united(spans)
        ]


@dataclass(slots=True, kw_only=True)
class Inward:
    """What went inward from one session.

    Args:
        parts: Where it is kept.
        devices: By LFDI.
        around: Makes what surrounds an event.
    """

    parts: Parts
    devices: Mapping[str, Device]
    around: Surround
    groups: dict[str, Group] = field(default_factory=dict)
    """By event id."""
    told: dict[str, Told] = field(default_factory=dict)
    """By event id."""
    _of: dict[str, frozenset[str]] = field(default_factory=dict)
    """LFDI -> ids of its events."""

    def recall(self) -> None:
        """Take what is stored, and how every device stood."""
        for name in self.parts.names(PREFIX):
            told = value_of(_TOLD, self.parts.found(name))
            self.told[told.event_id] = told
            self._keep(told.event_id)
        for lfdi in self.devices:
            self._gather(lfdi)
        for event_id in self.told.keys() - self.groups.keys():
            self._forget(event_id)

    def received(self, device: Device, view: View) -> Iterator[tuple[Key, Listed]]:
        """Yield the events of a list as their values hold: of one changed under its mRID, what came first (rule c).

        Args:
            device: Whose engine has taken the list in.
            view: As it was read.
        """
        for control in view.controls:
            key, found = control.key, view.listed[control.key]
            record = device.engine.record(key)
            if record is not None and record.control.content not in {"", control.content}:
                first = device.listed.get(key) or self._as_told(device.event_id(control.mrid))
                found = found if first is None else replace(first, event_status=found.event_status)
            yield key, found

    def _as_told(self, event_id: str) -> Listed | None:
        told = self.told.get(event_id)
        if told is None or not told.document:
            return None
        try:
            found = decode(told.document.encode(), object).value
        except WireError:
            return None
        return found if isinstance(found, Listed) else None

    def members(self, event_id: str) -> list[tuple[Device, Key]]:
        """Return the devices that an event is for, and what it is to them."""
        group = self.groups.get(event_id)
        return [] if group is None else [(self.devices[one], group.key) for one in group.stands]

    def news(self, changed: Iterable[str], now: datetime) -> Iterator[tuple[GridEvent, Device]]:
        """Yield what has changed inward, each with a device that read it.

        Args:
            changed: LFDIs of devices whose events may have moved.
            now: Current instant.
        """
        touched: dict[str, None] = {}
        for lfdi in changed:
            touched.update(dict.fromkeys(self._gather(lfdi)))
        for event_id in touched:
            group = self.groups.get(event_id)
            if group is None:
                continue
            if not group.stands:
                self._forget(event_id)
                continue
            event = self._news(group, now)
            if event is not None:
                yield event, self.devices[group.lead]

    def _gather(self, lfdi: str) -> Iterable[str]:
        """Let a device's groups follow how it stands; return their ids, those that it left among them."""
        device = self.devices[lfdi]
        pieces: dict[Key, list[tuple[str, int, int]]] = {}
        for one in device.engine.stretches():
            pieces.setdefault(one.key, []).append((one.mode, one.start, one.end))
        found: set[str] = set()
        for record in device.engine.records():
            event_id = device.event_id(record.control.mrid)
            group = self.groups.get(event_id)
            if group is None:
                told = self.told.get(event_id)
                group = self.groups[event_id] = Group(event_id=event_id, key=record.key)
                group.ramps.update(told.ramps if told is not None else {})
            stand = Stand(record.state, tuple(sorted(pieces.get(record.key, ()))))
            if group.stands.get(lfdi) != stand:
                group.put(lfdi, stand)
            if not group.lead and record.key in device.listed:
                group.lead = lfdi
            found.add(event_id)
        before = self._of.get(lfdi, frozenset())
        for event_id in before - found:
            self.groups[event_id].drop(lfdi)
        if found != before:
            self._of[lfdi] = frozenset(found)
        return sorted(before | found)

    def _news(self, group: Group, now: datetime) -> GridEvent | None:
        self._lead(group)
        device = self.devices.get(group.lead)
        record = device.engine.record(group.key) if device is not None else None
        if device is None or record is None or group.states == {State.OPTED_OUT}:
            return None
        told = self.told.get(group.event_id)
        if (told is not None and told.over) or (told is None and group.states <= _NEVER):
            return None
        group.new = told is None or not told.digest
        around = self.around(device, record, group)
        found = device.listed.get(group.key)
        if around is None or found is None:
            return None
        version = 0 if told is None else told.version + 1
        event = grid_event(found, record, group.stretches(), around, version)
        if event is not None:
            return self._fresh(group, event, told, found)
        if told is None or not told.digest or group.quiet:
            if told is not None and group.over:
                self._tell(replace(told, over=True))
            return None
        self._tell(replace(told, version=version, digest="", over=group.over))
        if not (around.quote and around.quote.followed()):
            around = replace(around, quote=NOTHING)
        whole = grid_event(found, record, _whole(record), around, version)
        return None if whole is None else replace(whole, cancelled_at=now)

    def _lead(self, group: Group) -> None:
        """Let a device speak for the group that read the control, rather one that still has its program."""
        if group.lead in group.stands and self._has_program(group.lead, group.key):
            return
        read = [one for one in group.stands if group.key in self.devices[one].listed]
        having = (one for one in read if self._has_program(one, group.key))
        group.lead = next(having, group.lead if group.lead in read else next(iter(read), ""))

    def _has_program(self, lfdi: str, key: Key) -> bool:
        device = self.devices[lfdi]
        record = device.engine.record(key)
        return record is not None and record.control.program in device.known.primacies

    def _fresh(
        self, group: Group, event: GridEvent, told: Told | None, found: Listed
    ) -> GridEvent | None:
        digest = _digest(event)
        if told is not None and told.digest == digest:
            return None
        self._tell(
            Told(
                event_id=group.event_id,
                mrid=group.key[1],
                version=event.version,
                digest=digest,
                ramps=dict(group.ramps),
                document=_document(found),
            )
        )
        return event

    def _tell(self, told: Told) -> None:
        if told.event_id not in self.told:
            self._keep(told.event_id)
        self.told[told.event_id] = told
        self.parts.touch(PREFIX + told.event_id)

    def _keep(self, event_id: str) -> None:
        self.parts.keep(PREFIX + event_id, lambda: plain(_TOLD, self.told[event_id]))

    def _forget(self, event_id: str) -> None:
        self.groups.pop(event_id, None)
        if self.told.pop(event_id, None) is not None:
            self.parts.drop(PREFIX + event_id)


def _united(spans: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield spans with those that meet made one."""
    spans.sort()
    start, end = spans[0]
    for begin, last in spans[1:]:
        if begin > end:
            yield start, end
            start, end = begin, last
        else:
            end = max(end, last)
    yield start, end


def _whole(record: Record) -> list[Stretch]:
    """Return the time that an event was asked for: what its cancellation is about."""
    start = record.control.start + record.start_offset
    end = start + max(record.length, 1)
    return [Stretch(key=record.key, mode=m, start=start, end=end) for m in record.claims]


def _document(found: Listed) -> str:
    """Write what obliges, so that it is still known after a restart should the server have changed it meanwhile."""
    if not isinstance(found, _OBLIGING):
        return ""
    try:
        return encode_all(found).decode()
    except MisuseError:
        return ""  # a lenient reader took what nobody may write


def _digest(event: GridEvent) -> str:
    parts = (event.start, event.duration, event.signals, event.ramp_in, event.priority)
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]
