"""The bundled reference VTN as a device that the suite can drive."""

import importlib
import json
from datetime import timedelta
from decimal import Decimal
from types import ModuleType
from typing import Final

from conformance.engine.drivers.entry import Place
from conformance.engine.drivers.hands import Values
from conformance.kit.oadr20b.build import report_request
from conformance.kit.oadr20b.report import ReportRequest
from conformance.reference.vtn2b.device import Vtn
from conformance.reference.vtn2b.state import Event
from gateway.domain.timespan import instant

VTN: Final = "conformance.reference.vtn2b"
_NOTHING: Final[Values] = {}
_FIRST: Final = "memory"
_FOREVER: Final = timedelta(days=3650)
_UNITS: Final = {"power:powerReal": "kW", "oadr:currencyPerKWh": "USD/kWh"}


class BundledVtn:
    """The reference VTN with the methods of an operator.

    Args:
        place: Where it lives.
        package: Which VTN; a wrong one in a trial of mutants.
    """

    def __init__(self, place: Place, package: str = VTN) -> None:
        device, settings, self._state = (
            importlib.import_module(f"{package}.{name}") for name in ("device", "settings", "state")
        )
        memory = place.memory.setdefault(_FIRST, self._state.Memory())
        given = place.values
        told = settings.Settings(
            server_tls=place.server_tls,
            client_tls=place.client_tls,
            poll=timedelta(seconds=float(given.get("poll_s", "10"))),
            pre_allocated=tuple(x for x in given.get("pre_allocated", "").split(",") if x),
        )
        self._clock = place.clock
        self._vtn: Vtn = device.Vtn(told, place.clock, place.chance, memory)
        self._listening = False

    @property
    def url(self) -> str:
        """Return where it listens; empty until it does."""
        return self._vtn.url if self._listening else ""

    async def run(self) -> None:
        """Live until cancelled."""
        with self._clock.held():
            await self._vtn.start()
            self._listening = True
            try:
                await self._clock.sleep_until(self._clock.now() + _FOREVER)
            finally:
                self._listening = False
                await self._vtn.stop()

    async def create_event(self, event: str, ven_id: str = "") -> Values:
        """Announce an event (the JSON of ``event_json``); to whom, its target says."""
        self._vtn.publish(_event(self._state, event))
        return _NOTHING

    async def modify_event(self, event: str, ven_id: str = "") -> Values:
        """Change an event; the VTN counts its version."""
        self._vtn.modify(_event(self._state, event))
        return _NOTHING

    async def cancel_event(self, event_id: str) -> Values:
        """Cancel an event."""
        self._vtn.cancel(event_id)
        return _NOTHING

    async def request_report(self, request: str, ven_id: str) -> Values:
        """Ask a VEN for a report."""
        self._vtn.request_reports(ven_id, report_request(_request(request)))
        return _NOTHING

    async def request_with_registration(self, request: str) -> Values:
        """Ask for a report in the next oadrRegisteredReport."""
        self._vtn.request_with_registration(report_request(_request(request)))
        return _NOTHING

    async def cancel_report(self, request_id: str, ven_id: str, to_follow: str = "no") -> Values:
        """End a report of a VEN."""
        self._vtn.cancel_report(ven_id, request_id, follow=to_follow == "yes")
        return _NOTHING

    async def cancel_with_update(self, request_id: str, ven_id: str) -> Values:
        """End a report with the next oadrUpdatedReport."""
        self._vtn.cancel_with_update(ven_id, request_id)
        return _NOTHING

    async def cancel_registration(self, ven_id: str) -> Values:
        """Ask a VEN to end its registration."""
        self._vtn.cancel_registration(ven_id)
        return _NOTHING

    async def request_reregistration(self, ven_id: str) -> Values:
        """Ask a VEN to register again."""
        self._vtn.request_reregistration(ven_id)
        return _NOTHING

    async def state(self) -> Values:
        """Return the VTN's view of answers: ``answer.<ven>.<event>.<version>`` = opt and code."""
        rows = self._vtn.memory.answers
        return {f"answer.{ven}.{e}.{v}": f"{opt} {code}" for ven, e, v, opt, code in rows}


def _seconds(text: str) -> timedelta:
    sign = -1 if text.startswith("-") else 1
    return sign * timedelta(seconds=int(text.strip("-PTS")))


def _event(state: ModuleType, text: str) -> Event:
    told = json.loads(text)
    signals = tuple(
        state.Signal(
            name=one["name"],
            type=one["type"],
            unit=_UNITS.get(one["unit"]["name"], "") if one["unit"] else "",
            steps=tuple((_seconds(s["lasts"]), Decimal(s["value"])) for s in one["steps"]),
        )
        for one in told["signals"]
    )
    given = {"context": told["context"]} if told["context"] else {}
    found: Event = state.Event(
        event_id=told["id"],
        start=instant(told["start"]),
        signals=signals,
        priority=told["priority"] or 0,
        startafter=_seconds(told["start_after"] or "PT0S"),
        notification=_seconds(told["notification"] or "PT0S"),
        ramp_up=_seconds(told["ramp_up"] or "PT0S"),
        recovery=_seconds(told["recovery"] or "PT0S"),
        always=told["required"],
        test=told["test"] not in (None, "false"),
        vens=tuple(told["target"]["ven_ids"]),
        groups=tuple(told["target"]["group_ids"]),
        **given,
    )
    return found


def _request(text: str) -> ReportRequest:
    told = json.loads(text)
    return ReportRequest(
        id=told["id"],
        specifier=told["specifier"],
        points=tuple(told["points"]),
        granularity=_seconds(told["granularity"]),
        back=_seconds(told["back"]),
        start=instant(told["start"]) if told["start"] else None,
        lasts=_seconds(told["lasts"]),
        reading_type=told["reading_type"],
    )


def vtn(place: Place) -> BundledVtn:
    """Make the reference VTN (entry point ``conformance.engine.bundled_vtn:vtn``)."""
    return BundledVtn(place)
