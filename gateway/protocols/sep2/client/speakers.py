"""Who speaks for a site about the defaults of programs: one device of those that stand for it.

A default stands at a site once, however many of its devices have it. The speaker stays the same, also over a restart,
until it may not take part any more; then another device of the site takes over what it told.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from gateway.domain.names import SiteId
from gateway.protocols.actions import Emit, Note
from gateway.protocols.sep2.client.defaults import Defaults
from gateway.protocols.sep2.client.device import Device


@dataclass(slots=True, kw_only=True)
class Speakers:
    """The speakers of one session.

    Args:
        devices: By LFDI.
        defaults: What stands at the sites.
    """

    devices: Mapping[str, Device]
    defaults: Defaults
    _of: dict[tuple[SiteId, ...], str] = field(default_factory=dict)
    """Sites -> LFDI of the one that speaks for them."""
    _orphaned: bool = True
    """Something may stand for a device that is configured no longer."""

    def __post_init__(self) -> None:
        for lfdi in self.defaults.told:
            device = self.devices.get(lfdi)
            if device is not None and device.managed:
                self._of[device.sites] = lfdi

    def emits(self, changed: Iterable[str], now: datetime) -> Iterator[Emit]:
        """Yield what has changed of the defaults that stand at the sites of some devices."""
        if self._orphaned:
            self._orphaned = False
            yield from self.defaults.orphans(self.devices.keys(), now)
        of = {self._voice(self.devices[lfdi]): self.devices[lfdi] for lfdi in changed}
        for lfdi in sorted(map(self._speaker, of.values())):
            yield from self.defaults.news(self.devices[lfdi], now)

    def _voice(self, device: Device) -> tuple[str, ...]:
        """Return what devices have in common of which one speaks."""
        return device.sites if device.managed else (device.lfdi,)

    def _speaker(self, device: Device) -> str:
        """Return who speaks for a device's sites."""
        if not device.managed:
            return device.lfdi
        present = self._of.get(device.sites)
        if present is not None and self.devices[present].ready is not False:
            return present
        others = (
            lfdi for lfdi, one in self.devices.items() if one.ready and one.sites == device.sites
        )
        fresh = device.lfdi if device.ready else next(others, present or device.lfdi)
        if present is not None and fresh != present:
            self.defaults.hand_over(present, fresh)
        self._of[device.sites] = fresh
        return fresh

    def notes(self) -> list[Note]:
        """Return the notes that came up since the last time."""
        found, self.defaults.notes = self.defaults.notes, []
        return found
