"""The readings of a CSIP-AUS client: averages of site and device, on the boundaries of the post rate."""

from datetime import datetime, timedelta
from typing import Final

from conformance.reference.sep2client import aus
from conformance.reference.sep2client.link import Link
from conformance.reference.sep2client.memory import Device
from conformance.reference.sep2client.plant import Plant
from conformance.reference.sep2client.wire import number, rate, text

_VOLTS: Final = 240
_VARS: Final = 1_200


class Telemetry:
    """Tells what the meter shows.

    Args:
        link: To the server.
        plant: What is measured.
    """

    def __init__(self, link: Link, plant: Plant) -> None:
        self._link = link
        self._plant = plant
        self._places: dict[str, str] = {}
        """mRID of a mirror -> where it lies."""
        self._stores = bool(plant.storage_wh)
        self._post_s = 0
        self._told: datetime | None = None
        """Until when."""

    async def announce(self, device: Device, where: str) -> None:
        """Create the mirrors."""
        for kind in (aus.SITE, aus.DEVICE):
            found = await self._link.send(
                "POST", where, aus.mirror(device.lfdi, kind, stored=self._stores)
            )
            self._places[aus.mrid(device.lfdi, kind)] = found
        self._post_s = self._post_s or device.post_s

    async def look(self, device: Device, where: str) -> tuple[int, bool]:
        """Read the mirrors; return the pollRate, and whether the post rate has changed."""
        first, found = await self._link.members(where, "MirrorUsagePoint")
        rows = {text(one, "mRID").upper(): one for one in found}
        self._places |= {mrid: one.get("href", "") for mrid, one in rows.items()}
        own = rows.get(aus.mrid(device.lfdi, aus.SITE))
        if own is None:
            await self.announce(device, where)
            return rate(first), False
        before, self._post_s = self._post_s, number(own, "postRate") or device.post_s
        return rate(first), before != self._post_s

    async def post(self, device: Device, now: datetime) -> int:
        """Post the averages of the period that ended last; return the seconds until the next one ends."""
        every = self._post_s
        end = datetime.fromtimestamp(now.timestamp() // every * every, now.tzinfo)
        start = end - timedelta(seconds=every)
        if self._told is None or start >= self._told:
            await self._post(device, start, end)
            self._told = end
        return round((end - now).total_seconds()) + every

    async def _post(self, device: Device, start: datetime, end: datetime) -> None:
        lasts = round((end - start).total_seconds())
        powers = {
            aus.SITE: self._plant.site_mean(start, end),
            aus.DEVICE: self._plant.der.mean(start, end),
        }
        for where, watts in powers.items():
            place = self._places[aus.mrid(device.lfdi, where)]
            values = {"W": watts, "var": _VARS, "V": _VOLTS}
            if self._stores and where == aus.DEVICE:
                values["Wh"] = self._plant.stored(end)
            told = aus.readings(device.lfdi, where, values, start, lasts)
            await self._link.send("POST", place, told)
