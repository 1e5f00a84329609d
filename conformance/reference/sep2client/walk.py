"""The walk from DeviceCapability down to the controls, resource by resource, by links alone.

Spec: IEEE 2030.5-2018 clauses 4.6, 8.5 to 8.7, 10.10; CSIP Implementation Guide clause 6.1.
"""

from datetime import datetime, timedelta
from typing import Final

from lxml.etree import _Element as Element

from conformance.reference.sep2client.link import Link, RefusedError
from conformance.reference.sep2client.memory import Device, Memory, Program
from conformance.reference.sep2client.settings import Settings
from conformance.reference.sep2client.wire import every, href, local, number, rate, text, value_of

_RAMPS: Final = ("setGradW", "setSoftGradW")
_LONGEST: Final = 900


class Walk:
    """Reads one resource at a time and keeps what it says.

    Args:
        settings: Of this client.
        link: To the server.
        memory: Keeps the difference of the clocks.
    """

    def __init__(self, settings: Settings, link: Link, memory: Memory) -> None:
        self._memory = memory
        self._settings = settings
        self._link = link
        self.entry: dict[str, str] = {}
        """Links of DeviceCapability."""
        self.time = ""
        """Where the clock lies: that of an assignment, else that of DeviceCapability."""
        self.own: Device | None = None
        """The EndDevice of our certificate."""
        self.devices: dict[str, Device] = {}
        """Those that we act for, by LFDI."""

    async def capability(self) -> int:
        """Read DeviceCapability; return its pollRate."""
        root = await self._link.read(self._settings.url)
        self.entry = _links(root)
        self.time = self.time or self.entry.get("TimeLink", "")
        return rate(root)

    async def clock(self, ours: datetime) -> int:
        """Read the server's clock."""
        root = await self._link.read(self.time)
        self._memory.offset = timedelta(seconds=number(root, "currentTime") - int(ours.timestamp()))
        return rate(root)

    async def end_devices(self) -> int:
        """Find the EndDevices that we act for; drop those that are gone or not enabled."""
        first, found = await self._link.members(self.entry["EndDeviceListLink"], "EndDevice")
        rows = {text(one, "lFDI").upper(): one for one in found}
        own = rows.pop(self._settings.lfdi, None)
        self.own = None if own is None else self._device(own)
        if own is None:
            rows = {}
        elif not self._settings.aggregator:
            rows = {self._settings.lfdi: own}
        acting = {lfdi: one for lfdi, one in rows.items() if text(one, "enabled") != "false"}
        self.devices = {lfdi: self._device(one) for lfdi, one in acting.items()}
        return rate(first)

    def _device(self, found: Element) -> Device:
        lfdi = text(found, "lFDI").upper()
        known = self.devices.get(lfdi) or Device(lfdi=lfdi, href="")
        known.href = found.get("href", "")
        known.links = _links(found)
        known.post_s = number(found, "postRate") or 900
        return known

    async def registration(self, device: Device) -> int:
        """Compare the PIN; without a registration CSIP-AUS goes on, CSIP does not."""
        where = device.links.get("RegistrationLink", "")
        if not where:
            device.accepted = self._settings.csip_aus
            return 900
        root = await self._link.read(where)
        device.accepted = number(root, "pIN") == self._settings.pin
        return rate(root)

    async def assignments(self, device: Device) -> int:
        """Find the lists of programs and the clock; return the pollRate."""
        where = device.links["FunctionSetAssignmentsListLink"]
        first, found = await self._link.members(where, "FunctionSetAssignments")
        lists = (href(one, "DERProgramListLink") for one in found)
        device.lists = list(dict.fromkeys(where for where in lists if where))
        tariffs = (href(one, "TariffProfileListLink") for one in found)
        device.tariffs = list(dict.fromkeys(where for where in tariffs if where))
        clocks = [href(one, "TimeLink") for one in found if href(one, "TimeLink")]
        self.time = clocks[0] if clocks else self.entry.get("TimeLink", "")
        return rate(first)

    async def programs(self, device: Device) -> tuple[int, list[tuple[Program, list[Element]]]]:
        """Read every program with its default and its controls; return the shortest pollRate, and what was read."""
        rates, rows = [_LONGEST], []
        for where in device.lists:
            first, found = await self._link.members(where, "DERProgram")
            rates.append(rate(first))
            rows += [await self._program(one) for one in found]
        device.programs = {program.mrid: program for program, _ in rows}
        return min(rates), rows

    async def _program(self, found: Element) -> tuple[Program, list[Element]]:
        """Read a program's default, its curves and its controls."""
        one = Program(mrid=text(found, "mRID"), primacy=number(found, "primacy"))
        where = href(found, "DefaultDERControlLink")
        if where:
            self._default(one, await self._link.read(where))
        curves = href(found, "DERCurveListLink")
        if curves:
            await self._link.members(curves, "DERCurve")
        controls = href(found, "DERControlListLink")
        if not controls:
            return one, []
        _, rows = await self._link.members(controls, "DERControl")
        return one, rows

    def _default(self, program: Program, root: Element) -> None:
        for base in every(root, "DERControlBase"):
            program.default = {local(mode): value_of(mode) for mode in base}
        program.settings = {name: number(root, name) for name in _RAMPS if text(root, name)}

    async def ders(self, device: Device) -> None:
        """Find the DERs of an EndDevice."""
        where = device.links.get("DERListLink", "")
        if where:
            _, found = await self._link.members(where, "DER")
            device.ders = [_links(one) for one in found]

    async def again(self, where: str) -> Element | None:
        """Read a control once more; None when it is not there."""
        try:
            return await self._link.read(where)
        except RefusedError:
            return None


def _links(element: Element) -> dict[str, str]:
    return {local(one): one.get("href", "") for one in element if one.get("href")}
