"""The bundled reference VTN as a device that the suite can drive: its operator's acts are the driver's methods."""

import importlib
import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

from lxml.etree import _Element as Element

from conformance.engine.drivers.entry import Place
from conformance.engine.drivers.hands import Values
from conformance.engine.errors import DriverMissingError
from conformance.reference.vtn2b.device import Vtn
from conformance.reference.vtn2b.reports import request as report_request
from conformance.reference.vtn2b.state import Event, Signal
from gateway.domain.errors import MisuseError
from gateway.domain.ports import Mailbox
from gateway.domain.timespan import Span, duration, instant

VTN: Final = "conformance.reference.vtn2b"
_NOTHING: Final[Values] = {}
_MEMORY: Final = "memory"
_PORT: Final = "port"
_UNITS: Final = {"oadr:currencyPerKWh": "USD/kWh", "power:powerReal": "kW"}
Fields = Mapping[str, Any]
"""An event or a request as it stands in JSON."""


class BundledVtn:
    """The reference VTN with the methods of a driver.

    Args:
        place: Where it lives; its port is kept with its memory, so that a restart is found again.
        package: Which VTN; a wrong one in a trial of mutants.
    """

    def __init__(self, place: Place, package: str = VTN) -> None:
        parts = {
            name: importlib.import_module(f"{package}.{name}")
            for name in ("device", "settings", "state", "reports")
        }
        self._place = place
        self._event: Callable[..., Event] = parts["state"].Event
        self._signal: Callable[..., Signal] = parts["state"].Signal
        self._request = report_request if package == VTN else parts["reports"].request
        agreed = place.values.get("preallocated_ven_id", "")
        told = parts["settings"].Settings(
            port=place.memory.get(_PORT, 0),
            server_tls=place.server_tls,
            client_tls=place.client_tls,
            poll=timedelta(seconds=float(place.values.get("poll_s", "10"))),
            pre_allocated=(agreed,) if agreed else (),
            refuse_overlap=place.values.get("refuse_overlap", "no") == "yes",
        )
        memory = place.memory.setdefault(_MEMORY, parts["state"].Memory())
        self._vtn: Vtn = parts["device"].Vtn(told, place.clock, place.chance, memory)
        self._url = ""

    async def run(self) -> None:
        """Live until cancelled."""
        with self._place.clock.held():
            await self._vtn.start()
            self._url = self._vtn.url
            self._place.memory[_PORT] = int(self._url.split(":")[2].partition("/")[0])
            never: Mailbox[None] = self._place.clock.mailbox()
            try:
                await never.get()
            finally:
                self._url = ""
                await self._vtn.stop()

    @property
    def url(self) -> str:
        """Return where it listens, empty until it does."""
        return self._url

    async def create_event(self, event: str, ven_id: str = "") -> Values:
        """Announce an event to one VEN, or to all without ``ven_id``."""
        try:
            self._vtn.publish(self._read(json.loads(event), ven_id))
        except MisuseError as error:
            raise DriverMissingError(f"create_event: {error.reason}: {error.detail}") from None
        return _NOTHING

    async def modify_event(self, event: str, ven_id: str = "") -> Values:
        """Put an event in the place of its present version."""
        self._vtn.modify(self._read(json.loads(event), ven_id))
        return _NOTHING

    async def cancel_event(self, event_id: str) -> Values:
        """Cancel an event."""
        self._vtn.cancel(event_id)
        return _NOTHING

    async def request_report(self, request: str, ven_id: str) -> Values:
        """Ask a VEN for a report."""
        self._vtn.request_reports(ven_id, self._wanted(json.loads(request)))
        return _NOTHING

    async def request_with_registration(self, request: str) -> Values:
        """Ask for a report in the next oadrRegisteredReport."""
        self._vtn.request_with_registration(self._wanted(json.loads(request)))
        return _NOTHING

    async def cancel_report(self, request_id: str, to_follow: str, ven_id: str) -> Values:
        """End a report of a VEN."""
        self._vtn.cancel_report(ven_id, request_id, follow=to_follow == "yes")
        return _NOTHING

    async def cancel_in_update(self, request_id: str, ven_id: str) -> Values:
        """End a report of a VEN with the next oadrUpdatedReport."""
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
        """Return the newest answer to each event: ``opt.<event>`` = opt, ``code.<event>`` = code."""
        found = {}
        for _, name, _, opt, code in self._vtn.memory.answers:
            found[f"opt.{name}"], found[f"code.{name}"] = opt, code
        return found

    def _wanted(self, given: Fields) -> Element:
        period = None
        if given["start"]:
            begin = instant(given["start"])
            period = Span(start=begin, end=begin + duration(given["lasts"]))
        return self._request(
            given["id"],
            given["specifier"],
            tuple(given["points"]),
            granularity=duration(given["granularity"]),
            back=duration(given["back"]),
            period=period,
        )

    def _read(self, given: Fields, ven_id: str) -> Event:
        target = given["target"]
        baseline = given["baseline"]
        return self._event(
            event_id=given["id"],
            start=instant(given["start"]),
            signals=tuple(self._signal_of(signal) for signal in given["signals"]),
            context=given["context"] or self._place.values["market_context"],
            priority=given["priority"] or 0,
            startafter=_length(given["start_after"]),
            notification=_length(given["notification"]),
            ramp_up=_length(given["ramp_up"]),
            recovery=_length(given["recovery"]),
            always=given["required"],
            test=given["test"] not in (None, "false"),
            comment=given["comment"] or "",
            vens=tuple(target["ven_ids"]) or ((ven_id,) if ven_id else ()),
            groups=tuple(target["group_ids"]),
            resources=tuple(target["resource_ids"]),
            parties=tuple(target["party_ids"]),
            baseline=_steps(baseline["steps"]) if baseline else (),
        )

    def _signal_of(self, given: Fields) -> Signal:
        unit = given["unit"]
        return self._signal(
            name=given["name"],
            type=given["type"],
            unit=_UNITS[unit["name"]] if unit else "",
            steps=_steps(given["steps"]),
        )


def _steps(given: list[Fields]) -> tuple[tuple[timedelta, Decimal], ...]:
    return tuple((duration(step["lasts"]), Decimal(step["value"])) for step in given)


def _length(text: str | None) -> timedelta:
    return duration(text) if text else timedelta(0)


def vtn(place: Place) -> BundledVtn:
    """Make the reference VTN (entry point ``conformance.engine.bundled_vtn:vtn``)."""
    return BundledVtn(place)
