"""What a client tells the server: written once, sent until it is taken, in order per kind of thing.

Documents wait in lanes, of which each has one on its way at a time: the responses of one device are one lane, anything
else that goes to one address another. A lane whose document got no answer waits by itself, the others go on; of the
lanes that may go, the one whose document waits longest goes first.

A response is told exactly once per (event, status, device): its key is taken before it goes out, and a server that does
not answer is asked again, later each time. What the server refuses in words is dropped and reported.

Spec: IEEE 2030.5-2018 8.8.3 (responses), 5.5.2 (statuses).
"""

import heapq
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from pydantic import TypeAdapter

from gateway.protocols.actions import Message, Send
from gateway.protocols.sep2.client.state import Outgoing, Parts, Purpose, plain, value_of

PREFIX: Final = "out "
"""Of the names under which they are stored."""
MEDIA_TYPE: Final = "application/sep+xml"
FIRST_PAUSE: Final = timedelta(seconds=1)
LONGEST_PAUSE: Final = timedelta(minutes=5)
MOST_AT_ONCE: Final = 4
"""On their way at a time, unless it is said otherwise."""
_OUTGOING: Final = TypeAdapter(Outgoing)
_TAKEN: Final = range(200, 300)
_GONE: Final = frozenset({404, 410})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What became of an outgoing document."""

    outgoing: Outgoing
    taken: bool
    status: int
    location: str = ""

    @property
    def gone(self) -> bool:
        """Say whether nothing stands where it was sent to."""
        return self.status in _GONE


@dataclass(slots=True, kw_only=True)
class Outbox:
    """Documents on their way."""

    parts: Parts
    """Where they are kept until they are taken."""
    most: int = MOST_AT_ONCE
    """On their way at a time."""
    waiting: dict[str, Outgoing] = field(default_factory=dict)
    """Key -> document, oldest first."""
    in_flight: set[str] = field(default_factory=set)
    _places: dict[str, int] = field(default_factory=dict)
    """Key -> how many were put before it, ever."""
    _put: int = 0
    _stored: set[str] = field(default_factory=set)
    _lanes: dict[str, deque[str]] = field(default_factory=dict)
    """Lane -> keys, oldest first."""
    _ready: list[tuple[int, str]] = field(default_factory=list)
    """(place, lane) of those that may send."""
    _later: list[tuple[datetime, str]] = field(default_factory=list)
    """(instant, lane) of those that wait after a failure."""
    _failures: dict[str, int] = field(default_factory=dict)
    """Lane -> failures in a row."""

    def recall(self) -> None:
        """Take what is stored."""
        found = [self.parts.found(name) for name in self.parts.names(PREFIX)]
        for stored in sorted(found, key=lambda one: int(one["place"])):
            self._put = stored["place"]
            self.put(value_of(_OUTGOING, stored["document"]))

    def put(self, outgoing: Outgoing) -> bool:
        """Add a document, and keep it until it is taken; False: there is one of its key already."""
        key = outgoing.key
        if key in self.waiting:
            return False
        self._enter(outgoing)
        self._stored.add(key)
        self.parts.keep(PREFIX + key, partial(self._document, key))
        self.parts.touch(PREFIX + key)
        return True

    def replace(self, outgoing: Outgoing) -> None:
        """Add a document in the place of one that waits: only the newest state of a thing is of interest.

        It is not stored: what is said of ourselves is said anew after a restart.
        """
        if outgoing.key not in self.waiting:
            self._enter(outgoing)
        elif outgoing.key not in self.in_flight:
            self.waiting[outgoing.key] = outgoing

    def _enter(self, outgoing: Outgoing) -> None:
        key, lane = outgoing.key, lane_of(outgoing)
        self.waiting[key] = outgoing
        self._places[key] = self._put
        self._put += 1
        keys = self._lanes.get(lane)
        if keys is None:
            self._lanes[lane] = deque((key,))
            heapq.heappush(self._ready, (self._places[key], lane))
        else:
            keys.append(key)

    def _document(self, key: str) -> object:
        return {"place": self._places[key], "document": plain(_OUTGOING, self.waiting[key])}

    def take(self, now: datetime) -> list[Send]:
        """Return what is to be sent now, oldest first."""
        while self._later and self._later[0][0] <= now:
            _, lane = heapq.heappop(self._later)
            heapq.heappush(self._ready, (self._places[self._lanes[lane][0]], lane))
        found: list[Send] = []
        while self._ready and len(self.in_flight) < self.most:
            _, lane = heapq.heappop(self._ready)
            key = self._lanes[lane][0]
            self.in_flight.add(key)
            found.append(_sent(self.waiting[key]))
        return found

    def next_due(self) -> datetime | None:
        """Return when a document that was put off may be sent again; None: none was, or there is no room for it."""
        room = len(self.in_flight) < self.most
        return self._later[0][0] if self._later and room else None

    def answered(self, key: str, message: Message) -> Settled | None:
        """Take the server's answer to a document, which is settled by it; None: it is not on its way."""
        if key not in self.in_flight:
            return None
        one = self._leave(key)
        return Settled(
            outgoing=one,
            taken=message.status in _TAKEN,
            status=message.status,
            location=message.location,
        )

    def failed(self, key: str, now: datetime, retry_after: timedelta | None) -> None:
        """Take the news that there was no answer: it is sent again later."""
        if key not in self.in_flight:
            return
        self.in_flight.discard(key)
        lane = lane_of(self.waiting[key])
        failures = self._failures[lane] = self._failures.get(lane, 0) + 1
        pause = min(FIRST_PAUSE * 2 ** min(failures - 1, 16), LONGEST_PAUSE)
        heapq.heappush(self._later, (now + max(pause, retry_after or timedelta(0)), lane))

    def _leave(self, key: str) -> Outgoing:
        one = self.waiting.pop(key)
        self.in_flight.discard(key)
        del self._places[key]
        lane = lane_of(one)
        self._failures.pop(lane, None)
        keys = self._lanes[lane]
        keys.popleft()
        if keys:
            heapq.heappush(self._ready, (self._places[keys[0]], lane))
        else:
            del self._lanes[lane]
        if key in self._stored:
            self._stored.discard(key)
            self.parts.drop(PREFIX + key)
        return one


def lane_of(outgoing: Outgoing) -> str:
    """Return what a document waits behind: of a device one response at a time, of any other address one document."""
    if outgoing.purpose is Purpose.RESPONSE:
        return outgoing.key.partition("/")[0]
    return outgoing.href


def _sent(one: Outgoing) -> Send:
    return Send(
        request_id=f"out {one.key}",
        service=one.purpose.value,
        body=one.body.encode(),
        media_type=MEDIA_TYPE,
        method=one.method,
        href=one.href,
    )
