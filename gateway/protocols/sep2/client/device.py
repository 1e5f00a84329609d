"""One device of ours at one server: its events, and what of them is to be told.

Spec: IEEE 2030.5-2018 10.2.3.3 (events), 8.8 (responses).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from gateway.domain.names import SiteId
from gateway.domain.reserving import Grant
from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.client import flow
from gateway.protocols.sep2.client.clock import ServerClock
from gateway.protocols.sep2.client.convert import Listed
from gateway.protocols.sep2.client.listings import NOTHING_OFFERED, Offer, View
from gateway.protocols.sep2.client.pricing import Quote
from gateway.protocols.sep2.client.state import Parts
from gateway.protocols.sep2.events.codes import DIRECT, FunctionSet
from gateway.protocols.sep2.events.engine import EventEngine
from gateway.protocols.sep2.events.table import Input, State
from gateway.protocols.sep2.events.values import Key, Respond
from gateway.protocols.sep2.identity import sfdi_of

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
    sep.FlowReservationResponse: sep.FlowReservationResponseResponse,
}


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
    connection_point: str = ""
    """As the utility calls it; empty: not told."""
    ready: bool | None = None
    """The server knows it, and it is the one that was handed over; None: it was not looked at since the start."""
    listed: dict[Key, Listed] = field(default_factory=dict)
    """Events as they were read last."""
    quotes: dict[Key, Quote] = field(default_factory=dict)
    """Price event -> its prices as they were read last."""
    sources: dict[Key, str] = field(default_factory=dict)
    """Event -> href of the list that it was read in."""
    seen: dict[str, View] = field(default_factory=dict)
    """href of a list -> which reading of it the engine has."""
    offer: Offer | None = None
    """Its programs; None: they were not looked at since the start."""
    looked: int = 0
    """Start of the last event whose list was read once more before it."""
    replies: dict[str, str] = field(default_factory=dict)
    """mRID -> replyTo of an event that may still be answered."""

    def recall(self, parts: Parts) -> None:
        """Take what is stored of it, but for its engine; from now on it is kept."""
        found = parts.found(self.part)
        if found is not None:
            self.replies = dict(found["replies"])
        parts.keep(self.part, self._document)

    def _document(self) -> object:
        return {
            "engine": self.engine.document(),
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
        """Return the id by which one of its events is known inward: one for all devices of a site."""
        return f"{mrid}/{'/'.join(self.sites)}" if self.managed else mrid

    @property
    def known(self) -> Offer:
        """Return its programs as they were read last; none, while they were not."""
        return self.offer or NOTHING_OFFERED

    def quoted(self, key: Key, quote: Quote | None) -> None:
        """Take the prices of an interval; one that is told none any more keeps those that it had."""
        if quote is not None and (quote.blocks or key not in self.quotes):
            self.quotes[key] = quote

    def grants(self, request: str, clock: ServerClock) -> Iterator[Grant]:
        """Yield what was granted to a request, by its mRID."""
        for record in self.engine.records():
            found = self.listed.get(record.key)
            if record.control.component != request or record.state is State.REFUSED:
                continue
            if isinstance(found, sep.FlowReservationResponse):
                energy, power = flow.offered(found)
                start = record.control.start
                yield Grant(
                    event_id=self.event_id(record.control.mrid),
                    state=record.state.value,
                    start=clock.ours(start),
                    end=clock.ours(start + record.control.duration),
                    energy_kwh=energy,
                    power_kw=power,
                )

    def expects(self, key: Key) -> bool:
        """Say whether an event is neither over nor set aside."""
        record = self.engine.record(key)
        return record is not None and record.state in {State.SCHEDULED, State.ACTIVE}

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

    def forget(self) -> None:
        """Forget what went inward of events that the engine has forgotten."""
        known = {record.control.mrid for record in self.engine.records()}
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
