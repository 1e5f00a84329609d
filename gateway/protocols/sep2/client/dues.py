"""When something is due in the events of which device: found without looking at the others.

Instants are the server's whole seconds, so that a clock that moves moves none of them.
"""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field

_Entry = tuple[int, str]


@dataclass(slots=True)
class Dues:
    """One instant per device; the earliest is at hand."""

    _at: dict[str, int] = field(default_factory=dict)
    _heap: list[_Entry] = field(default_factory=list)

    def set(self, lfdi: str, at: int | None) -> None:
        """Let a device be due at an instant; None: never."""
        if at is None:
            self._at.pop(lfdi, None)
        elif self._at.get(lfdi) != at:
            self._at[lfdi] = at
            heapq.heappush(self._heap, (at, lfdi))

    def first(self) -> int | None:
        """Return the earliest instant; None: nobody is due."""
        while self._heap:
            at, lfdi = self._heap[0]
            if self._at.get(lfdi) == at:
                return at
            heapq.heappop(self._heap)
        return None

    def take(self, now: int, most: int) -> Iterator[str]:
        """Yield who is due, earliest first, ``most`` at most; each is then due no more until ``set`` anew."""
        for _ in range(most):
            at = self.first()
            if at is None or at > now:
                return
            _, lfdi = heapq.heappop(self._heap)
            del self._at[lfdi]
            yield lfdi
