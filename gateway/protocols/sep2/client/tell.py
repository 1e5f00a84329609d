"""What a client tells the server: written once, sent until it is taken, in order per kind of thing.

A response is told exactly once per (event, status, device): its key is taken before it goes out, and a server that does
not answer is asked again, later each time. What the server refuses in words is dropped and reported.

Spec: IEEE 2030.5-2018 8.8.3 (responses), 5.5.2 (statuses).
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from pydantic import TypeAdapter

from gateway.protocols.actions import Message, Send
from gateway.protocols.sep2.client.state import Outgoing, Parts, plain, value_of

PREFIX: Final = "out "
"""Of the names under which they are stored."""
MEDIA_TYPE: Final = "application/sep+xml"
FIRST_PAUSE: Final = timedelta(seconds=1)
LONGEST_PAUSE: Final = timedelta(minutes=5)
MOST_AT_ONCE: Final = 4
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
    waiting: dict[str, Outgoing] = field(default_factory=dict)
    """Key -> document, oldest first."""
    _places: dict[str, int] = field(default_factory=dict)
    """Key -> how many were put before it, ever."""
    _put: int = 0
    in_flight: set[str] = field(default_factory=set)
    _failures: dict[str, int] = field(default_factory=dict)
    _not_before: dict[str, datetime] = field(default_factory=dict)

    def recall(self) -> None:
        """Take what is stored."""
        found = [(self.parts.found(name), name) for name in self.parts.names(PREFIX)]
        for stored, _ in sorted(found, key=lambda one: one[0]["place"]):
            self._put = stored["place"]
            self._keep(value_of(_OUTGOING, stored["document"]))

    def _keep(self, outgoing: Outgoing) -> None:
        key = outgoing.key
        if key not in self._places:
            self._places[key] = self._put
            self._put += 1
            self.parts.keep(PREFIX + key, partial(self._document, key))
        self.waiting[key] = outgoing
        self.parts.touch(PREFIX + key)

    def _document(self, key: str) -> object:
        return {"place": self._places[key], "document": plain(_OUTGOING, self.waiting[key])}

    def put(self, outgoing: Outgoing) -> bool:
        """Add a document; False: there is one of its key already."""
        if outgoing.key in self.waiting:
            return False
        self._keep(outgoing)
        return True

    def replace(self, outgoing: Outgoing) -> None:
        """Add a document in the place of one that waits: only the newest state of a thing is of interest.

        It is not stored: what is said of ourselves is said anew after a restart.
        """
        if outgoing.key not in self.in_flight:
            self.waiting[outgoing.key] = outgoing

    def take(self, now: datetime) -> list[Send]:
        """Return what is to be sent now; of one address one at a time, oldest first."""
        busy = {self.waiting[key].href for key in self.in_flight}
        found: list[Send] = []
        for key, one in self.waiting.items():
            if len(self.in_flight) >= MOST_AT_ONCE:
                break
            if key in self.in_flight or one.href in busy:
                continue
            busy.add(one.href)
            if self._not_before.get(key, now) > now:
                continue
            self.in_flight.add(key)
            found.append(
                Send(
                    request_id=f"out {key}",
                    service=one.purpose.value,
                    body=one.body.encode(),
                    media_type=MEDIA_TYPE,
                    method=one.method,
                    href=one.href,
                )
            )
        return found

    def next_due(self) -> datetime | None:
        """Return when a document that was put off may be sent again; None: none was."""
        waits = [at for key, at in self._not_before.items() if key not in self.in_flight]
        return min(waits, default=None)

    def answered(self, key: str, message: Message) -> Settled | None:
        """Take the server's answer to a document, which is settled by it; None: it is not known."""
        one = self._drop(key)
        if one is None:
            return None
        return Settled(
            outgoing=one,
            taken=message.status in _TAKEN,
            status=message.status,
            location=message.location,
        )

    def failed(self, key: str, now: datetime, retry_after: timedelta | None) -> None:
        """Take the news that there was no answer: it is sent again later."""
        self.in_flight.discard(key)
        if key not in self.waiting:
            return
        failures = self._failures[key] = self._failures.get(key, 0) + 1
        pause = min(FIRST_PAUSE * 2 ** min(failures - 1, 16), LONGEST_PAUSE)
        self._not_before[key] = now + max(pause, retry_after or timedelta(0))

    def _drop(self, key: str) -> Outgoing | None:
        self.in_flight.discard(key)
        self._failures.pop(key, None)
        self._not_before.pop(key, None)
        if self._places.pop(key, None) is not None:
            self.parts.drop(PREFIX + key)
        return self.waiting.pop(key, None)
