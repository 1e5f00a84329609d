"""What the scripted VTN knows: one VEN's account, its events, its queue, and what it was told to say instead."""

import hashlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from conformance.kit.oadr20b.event import Event
from conformance.kit.oadr20b.report import ReportRequest
from conformance.kit.stage import Reply
from conformance.kit.xml import Element


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How the scripted VTN behaves in one case."""

    poll: timedelta
    mode: str
    context: str
    vtn_id: str = "Gridgate-Suite"
    vtn_metadata: bool = True
    """Register its own (empty) reports after a registration (2.0b section 8.3.2.1)."""
    address: str = ""
    """Push: where the device listens; empty: what it registers."""
    signs: bool = False
    """High security: every message is signed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A registration of the device."""

    ven_id: str
    registration_id: str
    name: str = ""
    pull: bool = True
    address: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """Something to be said at the next opportunity; FIFO (public case G1_4015)."""

    build: Callable[[datetime, str | None], Element | bytes]
    """Makes it when it goes: the instant, and the requestID that it replies to (None: pushed)."""
    service: str
    listing: bool = False
    """True: all events; two in a row are one."""
    wrong: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    """Push: replace or follow the usual ones."""
    method: str = "POST"
    """Push: of the request."""
    mask: str = ""
    """Push: wrong identity that is shown; empty: the right one."""


class Names:
    """Ids that no device can know beforehand, the same in every run of a seed.

    Args:
        seed: Of the run.
        case: Id of the case.
    """

    def __init__(self, seed: int, case: str) -> None:
        self._root = f"{seed}/{case}"
        self._drawn = 0

    def next(self, prefix: str) -> str:
        """Return a fresh id."""
        self._drawn += 1
        text = f"{self._root}/{prefix}/{self._drawn}".encode()
        return f"{prefix}-{hashlib.sha256(text).hexdigest()[:12]}"


@dataclass
class State:
    """Everything that changes."""

    account: Account | None = None
    next_ven_id: str = ""
    events: dict[str, Event] = field(default_factory=dict)
    queue: deque[Item] = field(default_factory=deque)
    replies: dict[str, deque[Reply]] = field(default_factory=dict)
    always: dict[str, Reply] = field(default_factory=dict)
    with_metadata: tuple[ReportRequest, ...] = ()
    in_update: tuple[str, ...] = ()
    opts: set[str] = field(default_factory=set)

    def reply_to(self, name: str) -> Reply | None:
        """Return what was ordered in the place of the usual answer, and use it up."""
        for key in (name, "*"):
            waiting = self.replies.get(key)
            if waiting:
                return waiting.popleft()
        return self.always.get(name) or self.always.get("*")

    def push(self, item: Item) -> None:
        """Queue an item; all events twice in a row are once."""
        if item.listing and self.queue and self.queue[-1].listing:
            return
        self.queue.append(item)

    def wrong_of(self, item: Item, now: datetime) -> str:
        """Return in what an item is wrong on purpose, its events included."""
        if not item.listing:
            return item.wrong
        return self.wrong_events(now)

    def wrong_events(self, now: datetime) -> str:
        """Return in what the listed events are wrong on purpose."""
        return "; ".join(e.wrong for e in self.listed(now) if e.wrong)

    def listed(self, now: datetime) -> list[Event]:
        """Return the events of a distribution in the order of rule 15: active, by priority and start, then pending."""
        return sorted(
            (e for e in self.events.values() if _is_listed(e, now)), key=lambda e: _order(e, now)
        )


def _is_listed(event: Event, now: datetime) -> bool:
    if event.status or not event.lasts:
        return True
    return now < event.end + (event.start_after or timedelta(0))


def _order(event: Event, now: datetime) -> tuple[bool, int, datetime, str]:
    active = event.start <= now
    # 0 is no priority, which is the lowest (rule 3); it ranks active events alone (rule 15).
    priority = (event.priority or 1 << 32) if active else 0
    return (not active, priority, event.start, event.id)
