"""What is to be done when: each thing once, at its newest time."""

import heapq
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

Errand: TypeAlias = tuple[str, str]
"""What is to be done, and with which address."""


@dataclass(slots=True)
class Errands:
    """An agenda."""

    _due: dict[Errand, datetime] = field(default_factory=dict)
    _agenda: list[tuple[datetime, Errand]] = field(default_factory=list)

    def put(self, errand: Errand, at: datetime) -> None:
        """Have something done at an instant, whenever it was to be done before."""
        if self._due.get(errand) != at:
            self._due[errand] = at
            heapq.heappush(self._agenda, (at, errand))

    def drop(self, errand: Errand) -> None:
        """Have something not done."""
        self._due.pop(errand, None)

    def __contains__(self, errand: Errand) -> bool:
        """Say whether something is to be done."""
        return errand in self._due

    def due(self, errand: Errand) -> datetime | None:
        """Return when something is to be done; None: it is not."""
        return self._due.get(errand)

    def first(self) -> tuple[datetime, Errand] | None:
        """Return what is to be done next."""
        while self._agenda and self._due.get(self._agenda[0][1]) != self._agenda[0][0]:
            heapq.heappop(self._agenda)
        return self._agenda[0] if self._agenda else None
