"""Which of very many addresses is to be asked for next: urgent ones first, then in the order in which they fell due.

An address that let its last question run into the time limit is doubtful: those never take more than half of the
questions that may be on their way, so that a slow resource of one device holds up no other's.
"""

import heapq
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(slots=True, kw_only=True)
class Slot:
    """When one address is due."""

    due_at: datetime
    busy: bool = False
    """A question is on its way."""
    doubtful: bool = False
    """The last question got no answer in time."""
    urgent: bool = False
    entry: int = 0
    """Number of what stands for it in a heap; older ones count no more."""


_Entry = tuple[datetime, int, str]


@dataclass(slots=True, kw_only=True)
class Timetable:
    """The slots of all addresses.

    Args:
        most: Questions that may be on their way at a time.
    """

    most: int = 4
    slots: dict[str, Slot] = field(default_factory=dict)
    _urgent: list[_Entry] = field(default_factory=list)
    _due: list[_Entry] = field(default_factory=list)
    _doubtful: list[_Entry] = field(default_factory=list)
    _busy_doubtful: set[str] = field(default_factory=set)
    _count: int = 0

    def set(self, href: str, at: datetime, *, urgent: bool = False) -> None:
        """Let an address fall due at an instant, and no longer at the one before."""
        slot = self.slots.setdefault(href, Slot(due_at=at))
        slot.due_at, slot.urgent = at, urgent
        self._count += 1
        slot.entry = self._count
        heap = self._doubtful if slot.doubtful else self._urgent if urgent else self._due
        heapq.heappush(heap, (at, self._count, href))

    def hurry(self, href: str, now: datetime) -> None:
        """Let an address fall due now, before all that is not urgent; one that is being asked for stays as it is."""
        slot = self.slots.get(href)
        if slot is not None and not slot.busy and (slot.due_at > now or not slot.urgent):
            self.set(href, min(now, slot.due_at), urgent=True)

    def ended(self, href: str, *, in_time: bool = True) -> None:
        """Take that a question was answered, or that there will be no answer."""
        self._busy_doubtful.discard(href)
        slot = self.slots.get(href)
        if slot is not None:
            slot.busy, slot.doubtful = False, not in_time

    def drop(self, href: str) -> None:
        """Forget an address."""
        self.slots.pop(href, None)
        self._busy_doubtful.discard(href)

    def take(self, now: datetime, room: int) -> list[str]:
        """Return what is to be asked for now, ``room`` at most; it is busy until ``ended``."""
        found: list[str] = []
        for heap in (self._urgent, self._due):
            while len(found) < room and (href := self._next(heap, now)) is not None:
                found.append(href)
        while (
            len(found) < room
            and len(self._busy_doubtful) < max(1, self.most // 2)
            and (href := self._next(self._doubtful, now)) is not None
        ):
            self._busy_doubtful.add(href)
            found.append(href)
        return found

    def next_due(self) -> datetime | None:
        """Return when something falls due; None: nothing does, until an answer comes."""
        heaps = [self._urgent, self._due]
        if len(self._busy_doubtful) < max(1, self.most // 2):
            heaps.append(self._doubtful)
        return min((heap[0][0] for heap in heaps if self._valid(heap)), default=None)

    def _next(self, heap: list[_Entry], now: datetime) -> str | None:
        if not self._valid(heap) or heap[0][0] > now:
            return None
        href = heapq.heappop(heap)[2]
        self.slots[href].busy = True
        return href

    def _valid(self, heap: list[_Entry]) -> bool:
        """Let go of entries that were put off or are gone; say whether one is left."""
        while heap:
            _, entry, href = heap[0]
            slot = self.slots.get(href)
            if slot is not None and not slot.busy and slot.entry == entry:
                return True
            heapq.heappop(heap)
        return False
