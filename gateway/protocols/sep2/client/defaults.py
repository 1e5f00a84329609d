"""Defaults of programs, handed to the sites as limits that stand whenever no event has their mode.

One standing limit per device, program and mode, under an id of its own and without an end. Around planned events that
ask for more it leaves room; below one that asks for less it stays, since caps intersect. It is told anew when
what it says from now on has changed, and taken back when the default, its program or the device is gone; a server that
says nothing changes nothing.

Spec: IEEE 2030.5-2018 DefaultDERControl, 10.2.3.3; CSIP BASIC-016..020; CSIP-AUS LOA-03, LOA-04, ALL-23.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Final

from pydantic import TypeAdapter

from gateway.domain.errors import WireError
from gateway.domain.event import Basis, Direction, GridEvent, Interval, Kind, Signal, Targets
from gateway.domain.names import EventId, SiteId
from gateway.domain.timespan import Span
from gateway.protocols.actions import Emit, Note
from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.client.device import Device
from gateway.protocols.sep2.client.event import LOWEST
from gateway.protocols.sep2.client.levels import gradients, level_before
from gateway.protocols.sep2.client.modes import Asked, asked_of
from gateway.protocols.sep2.client.ramps import ramp, stairs
from gateway.protocols.sep2.client.setting import NOTHING, Setting
from gateway.protocols.sep2.client.state import plain, value_of
from gateway.protocols.sep2.events.values import Program, Stretch

MOST_GAPS: Final = 200
"""Events around which a standing limit leaves room at a time; later ones follow when these are over."""
_BOUNDS: Final = frozenset({Kind.LIMIT_IMPORT, Kind.SETPOINT})
"""What a site that only draws can be bound to for an indefinite time."""


Step = tuple[datetime, datetime | None, Decimal]
"""From when to when how many kilowatts; the last one is open."""
Spans = tuple[tuple[datetime, datetime | None], ...]
"""Half-open stretches of our time, in order; the last one is open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A default's limit for one mode of one device, as it went inward."""

    event_id: str
    lfdi: str
    version: int
    mrid: str
    """Of the DefaultDERControl."""
    program: str
    """mRID of its program."""
    terms: str
    """Program as configured."""
    sites: tuple[str, ...]
    primacy: int
    href: str
    """Where it stands."""
    mode: str
    asked: Asked
    spans: Spans
    """When it holds: not where an event has the mode."""


_STANDING: Final = TypeAdapter(tuple[Standing, ...])
_PREFIX: Final = "default "


@dataclass(slots=True, kw_only=True)
class Defaults:
    """The standing limits of every device of one session.

    Args:
        setting: The utility.
        told: LFDI -> event id -> what went inward last.
    """

    setting: Setting
    told: dict[str, dict[str, Standing]] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)
    _noted: set[tuple[str, str, str]] = field(default_factory=set)

    def __post_init__(self) -> None:
        parts = self.setting.parts
        for name in list(parts.names(_PREFIX)):
            lfdi = name.removeprefix(_PREFIX)
            found = value_of(_STANDING, parts.found(name))
            self.told[lfdi] = {one.event_id: one for one in found}
            parts.keep(name, partial(self._document, lfdi))

    def _keep(self, lfdi: str, found: dict[str, Standing]) -> None:
        parts, name = self.setting.parts, _PREFIX + lfdi
        if not found:
            if self.told.pop(lfdi, None) is not None:
                parts.drop(name)
            return
        if lfdi not in self.told:
            parts.keep(name, partial(self._document, lfdi))
        if self.told.get(lfdi) != found:
            parts.touch(name)
        self.told[lfdi] = found

    def _document(self, lfdi: str) -> object:
        return plain(_STANDING, tuple(self.told[lfdi].values()))

    def news(self, device: Device, now: datetime) -> Iterator[Emit]:
        """Yield what has changed for one device since the last time: what takes hold, then what is taken back."""
        before = self.told.get(device.lfdi, {})
        found = {one.event_id: one for one in self._standing(device, before, now)}
        for key, one in found.items():
            old = before.get(key)
            if old is not None and _says_the_same(old, one, now):
                found[key] = old
                continue
            found[key] = one
            self.notes.append(_note("default_stands", one))
            steps = tuple(self._steps(device, one, old))
            yield self._emit(one, self._event(one, steps, now))
        yield from self._taken_back([old for key, old in before.items() if key not in found], now)
        self._keep(device.lfdi, found)

    def hand_over(self, lfdi: str, to: str) -> None:
        """Let another device of the same sites speak for what stands: nothing changes by that alone."""
        found = self.told.get(lfdi, {})
        self._keep(to, {key: replace(one, lfdi=to) for key, one in found.items()})
        self._keep(lfdi, {})

    def orphans(self, devices: Collection[str], now: datetime) -> Iterator[Emit]:
        """Take back what stands for devices that are configured no longer."""
        for lfdi in self.told.keys() - devices:
            yield from self._taken_back(self.told[lfdi].values(), now)
            self._keep(lfdi, {})

    def _taken_back(self, found: Iterable[Standing], now: datetime) -> Iterator[Emit]:
        for old in found:
            gone = replace(old, version=_version(old, self._seconds(now)))
            self.notes.append(_note("default_withdrawn", old))
            steps = tuple((start, end, gone.asked.value) for start, end in gone.spans)
            event = replace(self._event(gone, steps, now), cancelled_at=now)
            yield self._emit(gone, event)

    def _standing(
        self, device: Device, before: Mapping[str, Standing], now: datetime
    ) -> Iterator[Standing]:
        defaults = device.engine.defaults()
        if not defaults:
            return
        planned: dict[str, list[Stretch]] = {}
        for one in device.engine.stretches():
            planned.setdefault(one.mode, []).append(one)
        for mode, program in sorted(defaults.items()):
            event_id = _event_id(device, program, mode)
            made = self._made(device, program, mode, before.get(event_id))
            if made is not None:
                old = before.get(event_id)
                room = [
                    one
                    for one in planned.get(mode, ())
                    if self._gives_way(device, made.asked, one, old)
                ]
                spans = self._spans(room, now)
                version = self._seconds(now) if old is None else _version(old, self._seconds(now))
                yield replace(made, event_id=event_id, spans=spans, version=version)

    def _made(
        self, device: Device, program: Program, mode: str, old: Standing | None
    ) -> Standing | None:
        """Return a mode's limit without its time; None: there is none for this site.

        After a restart, until the program was read again, what stands goes on as it stood.
        """
        if program.mrid not in device.known.defaults:
            return None if old is None else replace(old, primacy=program.primacy)
        found, href = device.known.defaults[program.mrid]
        terms = self.setting.terms(program.mrid, device.known.names.get(program.mrid, ""))
        asked = None if found is None else self._asked(found, mode, device.sites)
        if found is None or asked is None or terms is None:
            self._left_out(device, program, mode)
            return None
        return Standing(
            event_id="",
            lfdi=device.lfdi,
            version=0,
            mrid=found.mrid,
            program=program.mrid,
            terms=terms.name,
            sites=tuple(device.sites or terms.sites),
            primacy=program.primacy,
            href=href,
            mode=mode,
            asked=asked,
            spans=(),
        )

    def _asked(
        self, found: sep.DefaultDERControl, mode: str, sites: tuple[SiteId, ...]
    ) -> Asked | None:
        try:
            asked = asked_of(found.der_control_base, mode, self.setting.rating_of(sites))
        except WireError:
            return None
        if asked is None or asked.kind not in _BOUNDS or asked.basis is not Basis.ABSOLUTE:
            return None
        return asked if asked.direction is not Direction.NONE and asked.value >= 0 else None

    def _left_out(self, device: Device, program: Program, mode: str) -> None:
        content = program.default.content if program.default is not None else ""
        key = (device.lfdi, mode, content)
        if key not in self._noted:
            self._noted.add(key)
            fields = {"lfdi": device.lfdi, "program": program.mrid, "mode": mode}
            self.notes.append(Note(word="default_not_followed", fields=fields))

    def _gives_way(self, device: Device, asked: Asked, one: Stretch, old: Standing | None) -> bool:
        """Say whether the default leaves room for an event.

        Caps intersect: one that is no higher needs no room, and the default need not take hold anew after it. Where
        ramps are asked for, it does, by its stairs. Of an event that was not read since the start, what was told holds.
        """
        found = device.listed.get(one.key)
        if not isinstance(found, sep.DERControl):
            at = self.setting.clock.ours(max(one.start, 1))
            return old is None or not any(
                start <= at and (end is None or at < end) for start, end in old.spans
            )
        if asked.kind is not Kind.LIMIT_IMPORT or gradients(device).grad:
            return True
        rating = self.setting.rating_of(device.sites)
        try:
            theirs = asked_of(found.der_control_base, one.mode, rating)
        except WireError:
            return True
        capped = theirs is not None and theirs.kind is Kind.LIMIT_IMPORT
        return not capped or theirs is None or theirs.value > asked.value

    def _spans(self, planned: Iterable[Stretch], now: datetime) -> Spans:
        """Return when the default holds, from now on: always, but for the stretches of events."""
        clock, at = self.setting.clock, self._seconds(now)
        spans: list[tuple[datetime, datetime | None]] = []
        for one in sorted(planned, key=lambda one: one.start):
            if len(spans) >= MOST_GAPS:
                break
            if one.start > at:
                spans.append((clock.ours(at), clock.ours(one.start)))
            at = max(at, one.end)
        return (*spans, (clock.ours(at), None))

    def _steps(self, device: Device, one: Standing, old: Standing | None) -> Iterator[Step]:
        """Yield when the default asks what: after what held before it is reached by its ramp."""
        found = device.known.defaults.get(one.program, (None, ""))[0]
        rating, clock = self.setting.rating_of(device.sites), self.setting.clock
        planned = [each for each in device.engine.stretches() if each.mode == one.mode]
        ended = {each.end for each in planned}
        grad = gradients(device).grad
        for start, end in one.spans:
            at = clock.seconds(start)
            if at in ended:
                before = level_before(device, one.mode, at, planned, rating)
            else:
                before = rating.charge_kw if old is None else old.asked.value
            base = found.der_control_base if found is not None else sep.DERControlBase()
            reached = ramp(base, one.asked, before, grad, rating.charge_kw)
            last = at + reached.seconds + 1 if end is None else clock.seconds(end)
            *ramped, held = stairs(at, last, reached, one.asked.value)
            yield from ((clock.ours(s), clock.ours(e), value) for s, e, value in ramped)
            yield clock.ours(held[0]), end, held[2]

    def _event(self, one: Standing, steps: tuple[Step, ...], now: datetime) -> GridEvent:
        setting, asked = self.setting, one.asked
        raw = setting.raws.get(one.href, NOTHING)
        source = {"mRID": one.mrid, "program": one.program, "mode": one.mode, "href": one.href}
        signal = Signal(
            signal_id=asked.mode,
            name=asked.mode,
            type="DefaultDERControl",
            kind=asked.kind,
            direction=asked.direction,
            commodity=asked.commodity,
            basis=asked.basis,
            unit=asked.unit,
            intervals=tuple(
                Interval(span=Span(start=start, end=end or start), value=value)
                for start, end, value in steps
            ),
        )
        return GridEvent(
            utility=setting.scope.utility,
            protocol=setting.protocol,
            event_id=EventId(one.event_id),
            version=one.version,
            program=one.terms,
            created_at=now,
            received_at=now,
            start=one.spans[0][0],
            duration=None,
            signals=(signal,),
            targets=Targets(sites=one.sites, end_devices=(one.lfdi,)),
            priority=min(one.primacy, LOWEST),
            priority_raw=str(one.primacy),
            standing=True,
            response_required=False,
            source=source,
            raw_sha256=raw.sha256,
        )

    def _emit(self, one: Standing, event: GridEvent) -> Emit:
        return Emit(events=(event,), raw=self.setting.raws.get(one.href, NOTHING))

    def _seconds(self, now: datetime) -> int:
        return self.setting.clock.seconds(now)


def _event_id(device: Device, program: Program, mode: str) -> str:
    return device.event_id(f"default/{program.mrid}/{mode}")


def _version(old: Standing, now: int) -> int:
    """Return the next version: it follows time, so that nothing has to be remembered of a default that is gone."""
    return max(old.version + 1, now)


def _says_the_same(old: Standing, one: Standing, now: datetime) -> bool:
    """Say whether two limits say the same from now on."""
    return replace(old, version=0, spans=_ahead(old.spans, now)) == replace(
        one, version=0, spans=_ahead(one.spans, now)
    )


def _ahead(spans: Spans, now: datetime) -> Spans:
    return tuple((max(start, now), end) for start, end in spans if end is None or end > now)


def _note(word: str, one: Standing) -> Note:
    fields = {"event": one.event_id, "lfdi": one.lfdi, "kw": str(one.asked.value)}
    return Note(word=word, fields=fields)
