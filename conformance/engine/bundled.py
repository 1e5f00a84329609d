"""The bundled reference VEN as a device that the suite can drive."""

import importlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Final

from conformance.engine.bundled_sep2 import BundledClient
from conformance.engine.bundled_sep2_server import BundledServer
from conformance.engine.bundled_vtn import BundledVtn
from conformance.engine.drivers.entry import Factory, Place
from conformance.engine.drivers.hands import Values
from conformance.engine.leaping import LeapingClock
from conformance.reference.ven2b.device import Ven
from conformance.reference.ven2b.several import Several
from gateway.domain.timespan import Span, instant

VEN: Final = "conformance.reference.ven2b"
_NOTHING: Final[Values] = {}
_MEMORIES: Final = "memories"


class BundledVen:
    """The reference VEN with the methods of a driver.

    Args:
        place: Where it lives.
        package: Which VEN; a wrong one in a trial of mutants.
    """

    def __init__(self, place: Place, package: str = VEN) -> None:
        several, settings = (
            importlib.import_module(f"{package}.{name}") for name in ("several", "settings")
        )
        memories = place.memory.setdefault(_MEMORIES, {})
        given: Mapping[str, str] = place.values
        signs = given.get("xml_signature") == "yes" and place.pem is not None
        told = settings.Settings(
            url=place.url,
            client_tls=place.client_tls,
            push=place.mode == "push",
            server_tls=place.server_tls,
            signing_key=place.pem.key if signs and place.pem else b"",
            certificate=place.pem.certificate if place.pem else b"",
            vtn_certificate=place.peer,
            ven_name=given.get("ven_name", "reference-ven"),
            ven_id=given.get("ven_id", ""),
            query_first=given.get("query_first", "yes") == "yes",
        )
        tellings = [told]
        if given.get("second_url"):
            name = f"{told.ven_name}-second"
            tellings.append(replace(told, url=given["second_url"], ven_name=name))
        self._clock = LeapingClock(place.clock)
        self._all: Several = several.Several(tellings, self._clock, place.chance, memories)
        self._ven: Ven = self._all.vens[0]

    async def run(self) -> None:
        """Live until cancelled."""
        await self._all.run()

    async def opt_out(self, event_id: str) -> Values:
        """Leave an event."""
        self._ven.opt(event_id, "optOut")
        return _NOTHING

    async def opt_in(self, event_id: str) -> Values:
        """Join an event again."""
        self._ven.opt(event_id, "optIn")
        return _NOTHING

    async def state(self) -> Values:
        """Return the events acted on now, as ``event.<id>`` = value in force."""
        return {f"event.{name}": value for name, value in self._all.running().items()}

    async def query(self) -> Values:
        """Send oadrQueryRegistration."""
        self._ven.query()
        return _NOTHING

    async def register(self, afresh: str = "no") -> Values:
        """Register again; ``afresh=yes`` without the present ids."""
        self._ven.register(afresh=afresh == "yes")
        return _NOTHING

    async def cancel_registration(self) -> Values:
        """End the registration."""
        self._ven.cancel_registration()
        return _NOTHING

    async def request_events(self, limit: str = "") -> Values:
        """Send oadrRequestEvent, perhaps with a replyLimit."""
        self._ven.request_events(limit)
        return _NOTHING

    async def create_opt(
        self,
        opt: str,
        opt_id: str,
        event_id: str = "",
        start: str = "",
        minutes: str = "60",
    ) -> Values:
        """Send oadrCreateOpt: for an event, or a schedule of one window from ``start`` (ISO); 0 minutes: open-ended."""
        if event_id:
            self._ven.opt_for_event(event_id, opt, opt_id)
        else:
            begin = instant(start)
            window = Span(start=begin, end=begin + timedelta(minutes=int(minutes)))
            self._ven.opt_schedule(opt, (window,), opt_id)
        return _NOTHING

    async def cancel_opt(self, opt_id: str) -> Values:
        """Send oadrCancelOpt."""
        self._ven.cancel_opt(opt_id)
        return _NOTHING

    async def ask_metadata(self, request_id: str) -> Values:
        """Ask the VTN which reports it offers."""
        self._ven.ask_metadata(request_id)
        return _NOTHING

    async def ask_report(
        self, request_id: str, specifier: str, point: str, seconds: str, start: str, minutes: str
    ) -> Values:
        """Ask the VTN for a periodic report."""
        begin = instant(start)
        period = Span(start=begin, end=begin + timedelta(minutes=int(minutes)))
        every = timedelta(seconds=int(seconds))
        self._ven.ask_report(request_id, specifier, (point,), every, period)
        return _NOTHING

    async def end_report(self, request_id: str) -> Values:
        """Cancel a report that the VTN delivers."""
        self._ven.end_report(request_id)
        return _NOTHING

    async def ask_metadata_inside(self, request_id: str) -> Values:
        """Ask for the VTN's metadata inside the next oadrRegisteredReport."""
        self._ven.ask_metadata_inside(request_id)
        return _NOTHING

    async def end_report_inside(self, request_id: str) -> Values:
        """Cancel a report of the VTN's inside the next oadrUpdatedReport to it."""
        self._ven.end_report_inside(request_id)
        return _NOTHING

    async def meter(self, works: str) -> Values:
        """Have the meter fail (``no``) or work again (``yes``)."""
        if works == "yes":
            self._ven.mend_meter()
        else:
            self._ven.fail_meter()
        return _NOTHING

    async def set_clock(self, fast: str) -> Values:
        """Set the device's clock: so many seconds fast; below zero: slow."""
        self._clock.offset = timedelta(seconds=int(fast))
        return _NOTHING

    async def override(self, on: str) -> Values:
        """Have somebody at the site take over (``yes``) or hand back (``no``)."""
        self._ven.override(on=on == "yes")
        return _NOTHING


def ven(place: Place) -> BundledVen:
    """Make the reference VEN (entry point ``conformance.engine.bundled:ven``)."""
    return BundledVen(place)


def factory_of(package: str, role: str) -> Factory:
    """Return what makes the device of a package, e.g. of an altered copy of the reference VEN."""
    if role == "cli":
        return lambda place: BundledClient(place, package)
    if role == "srv":
        return lambda place: BundledServer(place, package)
    if role == "vtn":
        return lambda place: BundledVtn(place, package)
    return lambda place: BundledVen(place, package)
