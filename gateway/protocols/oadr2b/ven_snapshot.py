"""The VEN's state as canonical JSON and back.

Records that did not change since the last snapshot are not written anew: their bytes are kept beside them, so that a
turn costs what it changed, not what is remembered.
"""

from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from gateway.domain.canonical import canonical, read_json
from gateway.domain.errors import MisuseError, WireError
from gateway.domain.timespan import instant_text
from gateway.protocols.oadr2b.signature.replay import NOTHING_SEEN, Remembered
from gateway.protocols.oadr2b.ven_state import (
    Asked,
    Due,
    EventRecord,
    OptRecord,
    Outgoing,
    Registration,
    Running,
    VenState,
    VtnOffer,
)

FORMAT: Final = 1
LARGEST: Final = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """The state as it is stored: lists, since ids by peers are no fit keys of canonical JSON."""

    events: tuple[EventRecord, ...]
    finished: tuple[str, ...]
    outbox: tuple[Outgoing, ...]
    owed: tuple[Due, ...]
    registration: Registration
    running: tuple[Running, ...]
    asked: tuple[Asked, ...] = ()
    opts: tuple[OptRecord, ...] = ()
    vtn_offers: tuple[VtnOffer, ...] = ()
    restored_at: datetime | None = None
    replay: Remembered = NOTHING_SEEN


_STORED: Final = TypeAdapter(Stored)
_ADAPTERS: Final[dict[type, TypeAdapter[Any]]] = {
    kind: TypeAdapter(kind)
    for kind in (
        EventRecord,
        Outgoing,
        Due,
        Registration,
        Running,
        OptRecord,
        Asked,
        VtnOffer,
        Remembered,
    )
}


class StateWriter:
    """Writes snapshots; one per session."""

    def __init__(self) -> None:
        self._written: dict[Hashable, tuple[object, bytes]] = {}
        self._fresh: dict[Hashable, tuple[object, bytes]] = {}

    def write(self, state: VenState) -> bytes:
        """Return a state as canonical JSON."""
        parts: dict[str, Iterable[bytes]] = {
            "events": self._list((("e", e.event_id), e) for e in state.events.values()),
            "finished": (canonical(list(state.finished)),),
            "outbox": self._list((("o", item.key), item) for item in state.outbox),
            "owed": self._list((("d", due.key), due) for due in state.owed),
            "registration": (self._bytes(("g", ""), state.registration),),
            "running": self._list((("r", r.report_request_id), r) for r in state.running.values()),
        }
        if state.asked:
            parts["asked"] = self._list(
                (("a", a.report_request_id), a) for a in state.asked.values()
            )
        if state.vtn_offers:
            offers = state.vtn_offers.values()
            parts["vtn_offers"] = self._list((("f", offer.specifier_id), offer) for offer in offers)
        if state.opts:
            parts["opts"] = self._list((("p", o.opt_id), o) for o in state.opts.values())
        if state.replay != NOTHING_SEEN:
            parts["replay"] = (self._bytes(("w", ""), state.replay),)
        if state.restored_at is not None:
            parts["restored_at"] = (canonical(instant_text(state.restored_at)),)
        # Joined once: the state of a utility with very many events has megabytes, and every copy would show.
        body = b"".join((b'{"format":%d,"state":{' % FORMAT, *_members(parts), b"}}"))
        self._written, self._fresh = self._fresh, {}
        return body

    def _list(self, items: Iterable[tuple[Hashable, object]]) -> Iterator[bytes]:
        yield b"["
        for place, (key, item) in enumerate(items):
            if place:
                yield b","
            yield self._bytes(key, item)
        yield b"]"

    def _bytes(self, key: Hashable, item: object) -> bytes:
        known = self._written.get(key)
        if known is None or known[0] is not item:
            known = (item, canonical(_ADAPTERS[type(item)].dump_python(item, mode="json")))
        self._fresh[key] = known
        return known[1]


def _members(parts: Mapping[str, Iterable[bytes]]) -> Iterator[bytes]:
    for place, (name, part) in enumerate(sorted(parts.items())):
        yield b'%s"%s":' % (b"," if place else b"", name.encode())
        yield from part


def write_state(state: VenState) -> bytes:
    """Return a state as canonical JSON."""
    return StateWriter().write(state)


def read_state(document: bytes) -> VenState:
    """Read what ``write_state`` wrote.

    Raises:
        MisuseError: ``STATE_FORMAT`` when it is another format, or broken.
    """
    try:
        found = read_json(document, largest=LARGEST)
        if not isinstance(found, dict) or found.get("format") != FORMAT:
            raise MisuseError("STATE_FORMAT", f"the stored session state must have format {FORMAT}")
        stored = _STORED.validate_python(found["state"])
    except (WireError, ValidationError, KeyError) as error:
        detail = f"the stored session state cannot be read: {type(error).__name__}"
        raise MisuseError("STATE_FORMAT", detail) from None
    return VenState(
        registration=stored.registration,
        outbox=stored.outbox,
        events={record.event_id: record for record in stored.events},
        running={running.report_request_id: running for running in stored.running},
        owed=stored.owed,
        finished=stored.finished,
        opts={record.opt_id: record for record in stored.opts},
        vtn_offers={offer.specifier_id: offer for offer in stored.vtn_offers},
        asked={asked.report_request_id: asked for asked in stored.asked},
        restored_at=stored.restored_at,
        replay=stored.replay,
    )
