"""Whole messages of each kind, as the reference devices write them; damage starts from these."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from lxml.etree import _Element as Element

from conformance.reference.ven2b import metadata, opts, producer, registration
from conformance.reference.ven2b.events import Said, created
from conformance.reference.ven2b.settings import Settings as VenSettings
from conformance.reference.ven2b.state import Known, Registration
from conformance.reference.vtn2b.listing import Head, listing
from conformance.reference.vtn2b.production import Production
from conformance.reference.vtn2b.reports import Reports, request
from conformance.reference.vtn2b.settings import Settings as VtnSettings
from conformance.reference.vtn2b.state import Event, Memory, Signal, Ven
from conformance.reference.wire2b import make, message, response, sealed
from gateway.domain.timespan import Span

NOW: Final = datetime(2026, 5, 3, 16, 0, tzinfo=UTC)
CONTEXT: Final = "http://sim.example/dr"
MINUTE: Final = timedelta(minutes=1)


def from_vtn(vtn_id: str, ven_id: str, registration_id: str) -> tuple[bytes, ...]:
    """Return what a VTN may send to a VEN of these ids."""
    ven = Ven(ven_id=ven_id, registration_id=registration_id, peer="", pull=True)
    reports = Reports(lambda word: f"{word}-1")
    production = Production(VtnSettings(vtn_id=vtn_id), lambda word: f"{word}-1")
    wanted = request("r1", "usage", ("power",), granularity=MINUTE, back=MINUTE, period=_period())
    once = request("r2", "METADATA", ("0",))
    contents = (
        _events(vtn_id, ven),
        reports.asking(ven, wanted, once),
        reports.ending(ven, "r1", follow=True),
        production.offering(ven, NOW),
        message("oadr:oadrResponse", response(), make("ei:venID", ven_id)),
        registration.cancelling("c1", _registration(vtn_id, ven_id, registration_id)),
        message("oadr:oadrRequestReregistration", make("ei:venID", ven_id)),
    )
    return tuple(map(sealed, contents))


def from_ven(vtn_id: str, ven_id: str, registration_id: str) -> dict[str, tuple[bytes, ...]]:
    """Return what a VEN of these ids may send, by service."""
    settings = VenSettings(url="", ven_id=ven_id, contexts=(CONTEXT,))
    current = _registration(vtn_id, ven_id, registration_id)
    contents: dict[str, tuple[Element, ...]] = {
        "OadrPoll": (message("oadr:oadrPoll", make("ei:venID", ven_id)),),
        "EiRegisterParty": (
            registration.asking("q1"),
            registration.creating(settings, "c1", "", current),
            registration.creating(settings, "c2", "", None),
            registration.cancelling("x1", current),
        ),
        "EiEvent": (created(ven_id, [_said()]), _request_event(ven_id)),
        "EiReport": (
            metadata.registering(settings, "m1", ven_id, NOW),
            producer.asking("a1", ven_id, producer.metadata_request("w1")),
            producer.ending("a2", ven_id, "w1"),
        ),
        "EiOpt": (_schedule(ven_id), _event_opt(ven_id), opts.cancelling("o1", "o3", ven_id)),
    }
    return {service: tuple(map(sealed, bodies)) for service, bodies in contents.items()}


def _events(vtn_id: str, ven: Ven) -> Element:
    dispatch = Signal(
        name="LOAD_DISPATCH",
        type="setpoint",
        unit="kW",
        steps=((5 * MINUTE, Decimal(90)), (5 * MINUTE, Decimal(60))),
    )
    events = (
        Event(event_id="e1", start=NOW + 10 * MINUTE, context=CONTEXT, ramp_up=MINUTE),
        Event(event_id="e2", start=NOW, context=CONTEXT, signals=(dispatch,), startafter=MINUTE),
        Event(event_id="e3", start=NOW, context=CONTEXT, cancelled=True, version=1),
    )
    memory = Memory(events={event.event_id: event for event in events})
    return listing(memory, ven, Head(vtn_id=vtn_id, request_id="d1", answers=""), NOW)


def _registration(vtn_id: str, ven_id: str, registration_id: str) -> Registration:
    return Registration(registration_id=registration_id, ven_id=ven_id, vtn_id=vtn_id, poll=MINUTE)


def _said() -> Said:
    return Said(event_id="e1", version=0, code="200", opt="optIn", request_id="d1")


def _request_event(ven_id: str) -> Element:
    asked = make("pyld:eiRequestEvent", make("pyld:requestID", "q2"), make("ei:venID", ven_id))
    return message("oadr:oadrRequestEvent", asked)


def _schedule(ven_id: str) -> Element:
    return opts.schedule(
        "optOut", [_period()], opt_id="o1", request_id="o2", ven_id=ven_id, resource="s", now=NOW
    )


def _event_opt(ven_id: str) -> Element:
    known = Known(
        event_id="e1",
        version=0,
        start=NOW,
        length=MINUTE,
        startafter=timedelta(0),
        offset=timedelta(0),
        opt="optIn",
        code="200",
        always=True,
        levels=(),
    )
    return opts.of_event(
        "optOut", known, opt_id="o1", request_id="o2", ven_id=ven_id, resource="s", now=NOW
    )


def _period() -> Span:
    return Span.lasting(NOW, 10 * MINUTE)
