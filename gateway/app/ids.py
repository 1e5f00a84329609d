"""Chance and identifiers: the system's in earnest, seeded in test mode."""

import hashlib
import random  # noqa: TID251 - this module is the Chance
import secrets  # noqa: TID251 - this module is the Ids
import uuid
from dataclasses import dataclass, field


class SystemChance:
    """Randomness from the operating system."""

    def __init__(self) -> None:
        self._source = random.SystemRandom()

    def randint(self, low: int, high: int) -> int:
        """Draw a whole number in ``[low, high]``."""
        return self._source.randint(low, high)

    def random(self) -> float:
        """Draw a number in ``[0, 1)``."""
        return self._source.random()


class SystemIds:
    """Identifiers that nobody can guess."""

    def uuid(self) -> str:
        """Return a fresh UUID."""
        return str(uuid.uuid4())  # noqa: TID251 - this module is the Ids

    def token(self) -> str:
        """Return a fresh secret of 256 bits."""
        return secrets.token_urlsafe(32)


class SeededChance:
    """Randomness that a seed and a name decide; for test mode only."""

    def __init__(self, seed: int, name: str) -> None:
        self._source = random.Random(f"{name}:{seed}")  # noqa: S311 - reproducible on purpose

    def randint(self, low: int, high: int) -> int:
        """Draw a whole number in ``[low, high]``."""
        return self._source.randint(low, high)

    def random(self) -> float:
        """Draw a number in ``[0, 1)``."""
        return self._source.random()


@dataclass
class SeededIds:
    """Identifiers that a seed and a name decide; for test mode only."""

    seed: int
    name: str
    _drawn: int = field(default=0, init=False)

    def _next(self) -> bytes:
        self._drawn += 1
        return hashlib.sha256(f"{self.name}:{self.seed}:{self._drawn}".encode()).digest()

    def uuid(self) -> str:
        """Return the next UUID of this sequence."""
        return str(uuid.UUID(bytes=self._next()[:16], version=4))

    def token(self) -> str:
        """Return the next secret of this sequence."""
        return self._next().hex()


def seeded_key(seed: int, name: str) -> bytes:
    """Return 32 bytes that a seed and a name decide; for test mode only."""
    return hashlib.sha256(f"key:{name}:{seed}".encode()).digest()
