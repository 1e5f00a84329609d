"""One device of ours at one server: its events, what of them went inward, what of them is to be told.

Spec: IEEE 2030.5-2018 10.2.3.3 (events), 8.8 (responses).
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, TypeAlias

from pydantic import TypeAdapter

from gateway.domain.event import GridEvent
from gateway.domain.names import SiteId
from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.client.convert import Listed
from gateway.protocols.sep2.client.event import Around, grid_event
from gateway.protocols.sep2.client.pricing import NOTHING, Quote
from gateway.protocols.sep2.client.state import Parts, Told, plain, value_of
from gateway.protocols.sep2.events.codes import DIRECT, FunctionSet
from gateway.protocols.sep2.events.engine import EventEngine
from gateway.protocols.sep2.events.record import Record
from gateway.protocols.sep2.events.table import Input, State
from gateway.protocols.sep2.events.values import Key, Respond, Stretch
from gateway.protocols.sep2.identity import sfdi_of

_QUIET: Final = frozenset(
    {State.COMPLETED, State.OPTED_OUT, State.EXPIRED, State.REFUSED, State.MISSED}
)
"""States that take nothing back inward: it ran its time, the site said no itself, or nothing ever went inward."""
OPERATOR: Final = "operator:"
"""How the name of a person begins who decided something."""
SHOWN: Final = frozenset({FunctionSet.MESSAGING, FunctionSet.PRICING})
"""Function sets whose events are shown to people, who may acknowledge them."""
_LONGEST_OVERRIDE: Final = 2**16 - 1
_RESPONSES: Final[dict[type[sep.Resource], type[sep.Response]]] = {
    sep.DERControl: sep.DERControlResponse,
    sep.EndDeviceControl: sep.DrResponse,
    sep.TextMessage: sep.TextResponse,
    sep.TimeTariffInterval: sep.PriceResponse,
}


_TOLD: Final = TypeAdapter(tuple[Told, ...])
Surround: TypeAlias = Callable[["Device", Record], Around | None]
"""Makes what surrounds an event; None: no program of ours has anything to do with it."""


@dataclass(slots=True, kw_only=True)
class Device:
    """A device.

    Args:
        lfdi: Long form identifier.
        sites: Sites that its events are for; empty: those of the program.
        pin: As handed over; None: not compared.
        engine: Its events.
        managed: It is not ourselves.
    """

    lfdi: str
    sites: tuple[SiteId, ...]
    pin: int | None
    engine: EventEngine
    managed: bool = False
    ready: bool | None = None
    """The server knows it, and it is the one that was handed over; None: it was not looked at since the start."""
    listed: dict[Key, Listed] = field(default_factory=dict)
    """Events as they were read last."""
    quotes: dict[Key, Quote] = field(default_factory=dict)
    """Price event -> its prices as they were read last."""
    sources: dict[Key, str] = field(default_factory=dict)
    """Event -> href of the list that it was read in."""
    seen: dict[str, datetime] = field(default_factory=dict)
    """href of a list -> which reading of it the engine has."""
    primacies: dict[str, int] = field(default_factory=dict)
    """mRID of a program -> its primacy."""
    names: dict[str, str] = field(default_factory=dict)
    """mRID of a program -> its description."""
    defaults: dict[str, tuple[sep.DefaultDERControl | None, str]] = field(default_factory=dict)
    """mRID of a program -> its default as last read, and where; programs that were not read since the start are not in
    it."""
    told: dict[str, Told] = field(default_factory=dict)
    """mRID -> what went inward of it."""
    replies: dict[str, str] = field(default_factory=dict)
    """mRID -> replyTo of an event that may still be answered."""

    def recall(self, parts: Parts) -> None:
        """Take what is stored of it, but for its engine; from now on it is kept."""
        found = parts.found(self.part)
        if found is not None:
            self.told = {one.mrid: one for one in value_of(_TOLD, found["told"])}
            self.replies = dict(found["replies"])
        parts.keep(self.part, self._document)

    def _document(self) -> object:
        return {
            "engine": self.engine.document(),
            "told": plain(_TOLD, tuple(self.told.values())),
            "replies": dict(self.replies),
        }

    @property
    def part(self) -> str:
        """Return the name of its part of the stored state."""
        return part_of(self.lfdi)

    @property
    def sfdi(self) -> int:
        """Return its short form identifier."""
        return sfdi_of(self.lfdi)

    def event_id(self, mrid: str) -> str:
        """Return the id by which one of its events is known inward."""
        return f"{mrid}/{self.lfdi}" if self.managed else mrid

    def quoted(self, key: Key, quote: Quote | None) -> None:
        """Take the prices of an interval; one that is told none any more keeps those that it had."""
        if quote is not None and (quote.blocks or key not in self.quotes):
            self.quotes[key] = quote

    def choice(self, key: Key, choice: Input, by: str) -> Input | None:
        """Return what a decision about an event comes to; None: nothing that there is to tell.

        What only informs cannot be opted out of: a message is acknowledged by an operator who says yes to it, and
        nobody else.

        Args:
            key: The event.
            choice: In or out.
            by: Who decided.
        """
        record = self.engine.record(key)
        if record is None:
            return None
        if record.control.function_set not in DIRECT:
            seen = choice is Input.OPT_IN and by.startswith(OPERATOR)
            return Input.ACKNOWLEDGE if seen and record.control.function_set in SHOWN else None
        out = record.state in {State.OPTED_OUT, State.OVERRIDDEN}
        return choice if choice is not Input.OPT_IN or out else None

    def running(self, mode: str) -> Iterator[sep.DERControlBase]:
        """Yield the control that holds a mode now, when there is one and it was read since the start."""
        for force in self.engine.in_force():
            found = self.listed.get(force.source)
            if force.mode == mode and not force.default and isinstance(found, sep.DERControl):
                yield found.der_control_base

    def news(self, around: Surround, now: datetime) -> Iterator[GridEvent]:
        """Yield what has changed inward since the last time: new versions, and cancellations."""
        stretches: dict[Key, list[Stretch]] = {}
        for one in self.engine.stretches():
            stretches.setdefault(one.key, []).append(one)
        for record in list(self.engine.records()):
            found = self.listed.get(record.key)
            if found is None or record.state is State.OPTED_OUT:
                continue
            event = self._news_of(found, record, stretches.get(record.key, []), around, now)
            if event is not None:
                yield event

    def _news_of(
        self,
        found: Listed,
        record: Record,
        stretches: list[Stretch],
        around: Surround,
        now: datetime,
    ) -> GridEvent | None:
        mrid = record.control.mrid
        told = self.told.get(mrid)
        if told is not None and told.over:
            return None
        version = 0 if told is None else told.version + 1
        surroundings = around(self, record)
        if surroundings is None:
            return None
        event = grid_event(found, record, stretches, surroundings, version)
        if event is None:
            if told is None or not told.digest or record.state in _QUIET:
                self._settle(told, record)
                return None
            self.told[mrid] = replace(told, version=version, digest="", over=record.over)
            return self._taken_back(found, record, surroundings, version, now)
        digest = _digest(event)
        if told is not None and told.digest == digest:
            return None
        self.told[mrid] = Told(
            event_id=event.event_id,
            lfdi=self.lfdi,
            mrid=mrid,
            version=version,
            digest=digest,
        )
        return event

    def _settle(self, told: Told | None, record: Record) -> None:
        if told is not None and record.over:
            self.told[told.mrid] = replace(told, over=True)

    def _taken_back(
        self, found: Listed, record: Record, around: Around, version: int, now: datetime
    ) -> GridEvent | None:
        """Return the cancellation of what stands inward, over the time that it was asked for."""
        start = record.control.start + record.start_offset
        whole = [
            Stretch(key=record.key, mode=mode, start=start, end=start + max(record.length, 1))
            for mode in record.claims
        ]
        known = (
            around if around.quote and around.quote.followed() else replace(around, quote=NOTHING)
        )
        event = grid_event(found, record, whole, known, version)
        return None if event is None else replace(event, cancelled_at=now)

    def forget(self) -> None:
        """Forget what went inward of events that the engine has forgotten."""
        known = {record.control.mrid for record in self.engine.records()}
        self.told = {mrid: told for mrid, told in self.told.items() if mrid in known}
        self.listed = {key: one for key, one in self.listed.items() if key[1] in known}
        self.sources = {key: href for key, href in self.sources.items() if key in self.listed}
        self.replies = {mrid: href for mrid, href in self.replies.items() if mrid in known}
        self.quotes = {key: one for key, one in self.quotes.items() if key in self.listed}


def part_of(lfdi: str) -> str:
    """Return the name of a device's part of the stored state."""
    return f"device {lfdi}"


def response(respond: Respond, lfdi: str, found: type[sep.Resource]) -> sep.Response:
    """Write a response in the form that the kind of event asks for.

    Args:
        respond: What the engine wants told.
        lfdi: Of the device.
        found: Kind of event.
    """
    made = _RESPONSES.get(found, sep.Response)(
        created_date_time=respond.due,
        end_device_lfdi=lfdi,
        status=int(respond.status),
        subject=respond.key[1],
    )
    if isinstance(made, sep.DrResponse) and respond.override_s:
        return replace(made, override_duration=min(respond.override_s, _LONGEST_OVERRIDE))
    return made


def _digest(event: GridEvent) -> str:
    parts = (event.start, event.duration, event.signals, event.ramp_in, event.priority)
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]
