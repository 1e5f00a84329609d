"""What every desk of the operator has: everything there is, new names, the time."""

from datetime import datetime

from conformance.reference.sep2server.minting import Mint
from conformance.reference.sep2server.state import Device, Memory
from conformance.reference.sep2server.times import whole
from gateway.domain.errors import MisuseError
from gateway.domain.ports import Clock


class Acts:
    """What the operator does.

    Args:
        memory: Everything.
        mint: New names.
        clock: For when things happen.
    """

    def __init__(self, memory: Memory, mint: Mint, clock: Clock) -> None:
        self.memory = memory
        self._mint = mint
        self._clock = clock

    def changed(self) -> None:
        """Say that subscribers may have to be told."""

    def device(self, lfdi: str) -> Device:
        """Return a device.

        Raises:
            MisuseError: ``UNKNOWN_RESOURCE``.
        """
        found = self.memory.devices.get(lfdi.upper())
        if found is None:
            raise MisuseError("UNKNOWN_RESOURCE", f"{lfdi} is not registered")
        return found

    def now(self) -> datetime:
        """Return the time as documents tell it: in whole seconds."""
        return whole(self._clock.now())
