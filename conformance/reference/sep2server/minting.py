"""New names: numbers for paths, mRIDs that end with the number of the enterprise (CSIP-AUS: in decimal digits)."""

from typing import Final

from conformance.reference.sep2server.state import Memory
from gateway.domain.chance import Chance

PEN: Final = "00040732"


class Mint:
    """Makes names that were never given before.

    Args:
        memory: Counts them.
        chance: Dice.
    """

    def __init__(self, memory: Memory, chance: Chance) -> None:
        self._memory = memory
        self._chance = chance

    def number(self) -> str:
        """Return a number for a path."""
        self._memory.numbers += 1
        return str(self._memory.numbers)

    def mrid(self) -> str:
        """Return an mRID: 96 bits of chance and the number of the enterprise."""
        drawn = "".join(f"{self._chance.randint(0, 2**32 - 1):08X}" for _ in range(3))
        return drawn + PEN
