"""What is whose: an EndDevice belongs to itself and to its manager, and everything else follows from that.

Spec: CSIP Implementation Guide v2.1 section 6.1; CSIP-AUS S-ALL-05.
"""

from conformance.reference.sep2server.state import Device, Memory


class Reach:
    """What one caller may know of.

    Args:
        memory: Everything.
        lfdi: Of its certificate; empty: it showed none.
    """

    def __init__(self, memory: Memory, lfdi: str) -> None:
        self._memory = memory
        self.lfdi = lfdi

    @property
    def own(self) -> Device | None:
        """Return the caller's own EndDevice; None: it is not registered."""
        return self._memory.devices.get(self.lfdi)

    def devices(self) -> list[Device]:
        """Return its EndDevice and those that it manages."""
        if self.own is None:
            return []
        return [d for d in self._memory.devices.values() if self.lfdi in (d.lfdi, d.manager)]

    def device(self, number: str) -> Device | None:
        """Return one of them by its number."""
        return next((d for d in self.devices() if d.number == number), None)

    def acts_for(self, lfdi: str) -> bool:
        """Say whether it may speak for a device."""
        return lfdi in {d.lfdi for d in self.devices()}

    def programs(self) -> set[str]:
        """Return the numbers of the programs that are assigned to these devices."""
        names = {p for a in self._assigned() for p in self._memory.assignments[a].programs}
        return {self._memory.programs[name].number for name in names & self._memory.programs.keys()}

    def tariffs(self) -> set[str]:
        """Return the numbers of the tariffs that are assigned to these devices."""
        names = {t for a in self._assigned() for t in self._memory.assignments[a].tariffs}
        return {self._memory.tariffs[name].number for name in names}

    def _assigned(self) -> set[str]:
        return {name for d in self.devices() for name in d.assignments}
