"""Randomness as an argument."""

from typing import Protocol


class Chance(Protocol):
    """A source of chance; seeded in tests, the system's otherwise."""

    def randint(self, low: int, high: int) -> int:
        """Draw a whole number in ``[low, high]``, both ends included."""
        ...

    def random(self) -> float:
        """Draw a number in ``[0, 1)``."""
        ...
