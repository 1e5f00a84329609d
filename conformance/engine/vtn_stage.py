"""Where a VTN is judged (meets ``kit.stage.VtnStage``): scripted VENs, and the VTN's operator behind the driver."""

import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import timedelta
from typing import Final

from conformance.engine.drivers.hands import Driving
from conformance.engine.errors import DriverMissingError, PreconditionError
from conformance.engine.stage import PlayedStage
from conformance.kit.oadr20b.build import duration, instant
from conformance.kit.oadr20b.event import Event
from conformance.kit.oadr20b.report import ReportRequest
from conformance.kit.oadr20b.ven_build import event_json
from conformance.peers.script2b.ven import ScriptedVen

_WAIT_S: Final = "30"
_STEP: Final = timedelta(milliseconds=50)
Make = Callable[[str], ScriptedVen]


class PlayedVtnStage(PlayedStage):
    """One case's stage for a VTN."""

    ven: ScriptedVen
    _make: Make
    _vens: list[ScriptedVen]
    _operator: Driving

    async def begin(self, make: Make, driver: Driving, name: str) -> None:
        """Bring the first VEN."""
        self._make, self._vens, self._operator = make, [], driver
        self.ven = await self._bring(name)

    async def _bring(self, name: str) -> ScriptedVen:
        found = self._make(name)
        self._vens.append(found)
        await found.open()
        return found

    async def end(self) -> None:
        """Close every VEN."""
        for ven in getattr(self, "_vens", []):
            await ven.close()

    async def another_ven(self, name: str) -> ScriptedVen:
        """Return one more VEN."""
        return await self._bring(name)

    async def publish(self, event: Event) -> None:
        """Have an event created."""
        await self._operator.call("create_event", event=event_json(event), ven_id=self.ven.ven_id)

    async def takes(self, event: Event) -> bool:
        """Have an event created that the VTN may refuse; say whether it took it."""
        try:
            await self.publish(event)
        except DriverMissingError as error:
            self.mark("operator.refused", event=event.id, why=error)
            return False
        return True

    async def modify(self, event: Event) -> None:
        """Have it changed."""
        await self._operator.call("modify_event", event=event_json(event), ven_id=self.ven.ven_id)

    async def cancel(self, event_id: str) -> None:
        """Have it cancelled."""
        await self._operator.call("cancel_event", event_id=event_id)

    async def request_report(self, request: ReportRequest) -> None:
        """Have a report requested."""
        ven_id = self.ven.ven_id
        await self._operator.call("request_report", request=_written(request), ven_id=ven_id)

    async def request_with_registration(self, request: ReportRequest) -> None:
        """Have a report requested inside the next oadrRegisteredReport."""
        await self._operator.call("request_with_registration", request=_written(request))

    async def cancel_report(self, request_id: str, *, to_follow: bool = False) -> None:
        """Have a report cancelled."""
        await self._operator.call(
            "cancel_report",
            request_id=request_id,
            to_follow="yes" if to_follow else "no",
            ven_id=self.ven.ven_id,
        )

    async def cancel_registration(self) -> None:
        """Have the registration cancelled."""
        await self._operator.call("cancel_registration", ven_id=self.ven.ven_id)

    async def request_reregistration(self) -> None:
        """Have the VEN asked to register again."""
        await self._operator.call("request_reregistration", ven_id=self.ven.ven_id)

    async def find(self, url: Callable[[], str]) -> str:
        """Wait until the VTN listens.

        Raises:
            PreconditionError: it does not.
        """
        until = self.now + timedelta(seconds=float(self._values.get("start_up_s", _WAIT_S)))
        while not url():
            if self.now >= until:
                raise PreconditionError("the VTN does not listen")
            await self.sleep(_STEP)
        return url()


def _written(request: ReportRequest) -> str:
    """Write a request in JSON; times ISO, lengths in seconds."""
    fields = asdict(request)
    fields["granularity"] = duration(request.granularity)
    fields["back"] = duration(request.back)
    fields["lasts"] = duration(request.lasts)
    fields["start"] = instant(request.start) if request.start else None
    return json.dumps(fields, sort_keys=True)
