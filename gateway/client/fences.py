"""Which gateway speaks: of two on copies of one store a site follows the one with the higher fencing number."""

from collections.abc import Mapping
from typing import Final

from gateway.domain.fence import HEADER, MOST, read_fence

STALE: Final = "an older gateway on a copy of the same store answered; it is not followed"


class Fences:
    """The highest number heard of each store; repeated with every request, so that the lower gateway stops.

    Args:
        known: Texts of before a restart of this program.
    """

    def __init__(self, known: tuple[str, ...] = ()) -> None:
        self._texts: dict[str, str] = {}
        for text in known:
            self.take(text)

    def take(self, text: str) -> bool:
        """Take the number of an answer; False when a higher one of the same store is known."""
        fence = read_fence(text)
        if fence is None:
            return True  # a gateway without numbers; nothing can be said against it
        before = self._texts.get(fence.store_id)
        known = read_fence(before) if before is not None else None
        if known is not None and known.above(fence):
            return False
        self._texts.pop(fence.store_id, None)
        self._texts[fence.store_id] = text
        while len(self._texts) > MOST:
            del self._texts[next(iter(self._texts))]
        return True

    def overtaken(self, text: str) -> bool:
        """Say whether a higher number than this one was heard since."""
        fence = read_fence(text)
        before = self._texts.get(fence.store_id) if fence is not None else None
        known = read_fence(before) if before is not None else None
        return known is not None and fence is not None and known.above(fence)

    @property
    def texts(self) -> tuple[str, ...]:
        """Return the highest number of each store, as received."""
        return tuple(self._texts.values())

    @property
    def header(self) -> Mapping[str, str]:
        """Return what goes with every request."""
        return {HEADER: ", ".join(self._texts.values())} if self._texts else {}
