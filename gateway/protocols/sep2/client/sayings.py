"""Everything that the devices of one session say of themselves: reporting, presence and alarms, asked in one place."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from gateway.protocols.actions import Note, Readings
from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.client.alarms import Alarms
from gateway.protocols.sep2.client.device import Device
from gateway.protocols.sep2.client.line import Line
from gateway.protocols.sep2.client.mirror import Mirror, Node
from gateway.protocols.sep2.client.presence import Presence
from gateway.protocols.sep2.client.reporting import Reporting
from gateway.protocols.sep2.client.setting import Setting
from gateway.protocols.sep2.client.state import Outgoing, Purpose
from gateway.protocols.sep2.client.tell import Settled


@dataclass(slots=True, kw_only=True)
class Sayings:
    """What devices say.

    Args:
        setting: The utility.
        devices: By LFDI.
    """

    setting: Setting
    devices: Mapping[str, Device]
    reporting: Reporting = field(init=False)
    _presence: Presence = field(init=False)
    _alarms: Alarms = field(init=False)
    _own: Device | None = field(init=False)
    _moved: set[str] = field(default_factory=set)
    """LFDIs of devices whose events have to be looked at for alarms."""
    _lasting: list[Outgoing] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._presence = Presence(setting=self.setting)
        self._alarms = Alarms(setting=self.setting)
        for device in self.devices.values():
            self._presence.recall(device)
            self._alarms.recall(device)
        self._own = next((one for one in self.devices.values() if not one.managed), None)
        self.reporting = Reporting(
            setting=self.setting, presence=self._presence, alarms=self._alarms
        )

    def moved(self, device: Device) -> None:
        """Take that events of a device have moved."""
        self._moved.add(device.lfdi)

    def alarmed(self, mirror: Mirror, now: datetime) -> Iterator[str]:
        """Look for what is wrong and what is right again; yield the LFDI of a device of which that is the server."""
        moved, self._moved = self._moved, set()
        for lfdi in moved:
            self._alarms.look(self.devices[lfdi], now)
        root, own = mirror.nodes.get(mirror.root), self._own
        if own is not None and root is not None and self._alarms.reached(own, root, now):
            yield own.lfdi

    def metered(self, line: Line, readings: Readings, now: datetime) -> None:
        """Take what a meter of a device drew, or that it said nothing."""
        point, device = line.point, line.device
        series = readings.series.get((point.site, point.meter), ())
        values = [one.mean_kw for one in series if one.mean_kw is not None]
        self._alarms.metered(device, point.meter, now, heard=bool(values))
        if values:
            self._presence.metered(device, f"{point.site}/{point.meter}", values[-1])

    def due(
        self, device: Device, place: Node, endpoint: sep.EndDevice, mirror: Mirror, now: datetime
    ) -> Iterator[Outgoing]:
        """Yield what is to be told of one device now; what must not be lost is kept for ``lasting``."""
        yield from self.reporting.due(device, place, endpoint, mirror, now)
        yield from self._presence.due(device, place, endpoint, mirror, now)
        self._lasting += self._presence.shed(device, place, endpoint, mirror, now)
        self._lasting += self._alarms.due(device, place, endpoint, mirror)

    def lasting(self) -> list[Outgoing]:
        """Return the documents that survive a restart and came up since the last time."""
        found, self._lasting = self._lasting, []
        return found

    def notes(self) -> list[Note]:
        """Return the notes that came up since the last time."""
        found, self._alarms.notes = self._alarms.notes, []
        return found

    def settled(self, settled: Settled, now: datetime) -> None:
        """Take what became of a document."""
        one = settled.outgoing
        match one.purpose:
            case Purpose.CAPABILITY | Purpose.SETTINGS if not settled.taken:
                self.reporting.refused(one.href, now)
            case Purpose.INFORMATION | Purpose.POWER | Purpose.CONNECTION | Purpose.SHED:
                self._presence.settled(settled, now)
            case _:
                pass
