"""How much one peer, and all of them together, may ask for."""

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from gateway.domain.errors import WireError

_PEERS: Final = 16_384


@dataclass(slots=True)
class _Bucket:
    """What one peer may still ask for at an instant."""

    left: float
    at: datetime


class Limits:
    """Counts requests.

    Args:
        per_s: Requests per second and peer in the long run; 0 for no limit.
        burst: Requests that a peer may make at once.
        in_work: Requests that may be in work at the same time, of all peers.
    """

    def __init__(self, per_s: float, burst: int, in_work: int) -> None:
        self._per_s = per_s
        self._burst = burst
        self._in_work = in_work
        self._working = 0
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    @contextmanager
    def admitted(self, peer: str, now: datetime) -> Iterator[None]:
        """Count one request for as long as it is in work.

        Raises:
            WireError: ``OVERLOADED``: the peer shall come back later.
        """
        if self._working >= self._in_work:
            raise WireError("OVERLOADED", f"{self._in_work} requests are in work already")
        if self._per_s:
            self._draw(peer, now)
        self._working += 1
        try:
            yield
        finally:
            self._working -= 1

    def _draw(self, peer: str, now: datetime) -> None:
        bucket = self._buckets.pop(peer, None) or _Bucket(float(self._burst), now)
        gained = max(0.0, (now - bucket.at).total_seconds()) * self._per_s
        bucket.left = min(float(self._burst), bucket.left + gained)
        bucket.at = now
        self._buckets[peer] = bucket
        if len(self._buckets) > _PEERS:
            self._buckets.popitem(last=False)
        if bucket.left < 1:
            raise WireError("OVERLOADED", f"at most {self._per_s:g} requests per second")
        bucket.left -= 1
