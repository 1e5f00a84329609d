"""The events of the reference client: taken once, started and ended at their times, beaten by better ones.

Spec: IEEE 2030.5-2018 clause 10.2.3.3; SunSpec CSIP conformance procedures BASIC-017 to BASIC-026.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from lxml.etree import _Element as Element

from conformance.reference.sep2client.memory import Event, Memory, Notice, Phase, Program
from conformance.reference.sep2client.plant import STORAGE_TARGET
from conformance.reference.sep2client.settings import Settings
from conformance.reference.sep2client.wire import local, number, text, value_of
from gateway.domain.chance import Chance

RECEIVED, STARTED, COMPLETED, OPTED_OUT, OPTED_IN, CANCELLED, SUPERSEDED = 1, 2, 3, 4, 5, 6, 7
PARTLY_OUT, ABORTED, INAPPLICABLE, EXPIRED = 8, 14, 252, 254
STATUS_CANCELLED, STATUS_CANCELLED_RANDOMLY, STATUS_SUPERSEDED = 2, 3, 4
_SPECIFIC: Final = 0b010
_RECEIPT: Final = 0b001
_USER: Final = 0b100
_AUS_MODES: Final = tuple(f"aus:opMod{which}LimW" for which in ("Imp", "Exp", "Gen", "Load"))
PRICE: Final = "price:"
"""Before the mRID of a rate component: what an interval of a tariff sets."""
LONG_OVER: Final = timedelta(days=1)
"""After which an event that ended is forgotten."""


class Events:
    """Knows what is in force.

    Args:
        memory: What was known before.
        settings: What this device can do.
        chance: Its dice, for randomisation.
    """

    def __init__(self, memory: Memory, settings: Settings, chance: Chance) -> None:
        self._memory = memory
        self._chance = chance
        self._category = settings.category
        self._modes = {*settings.modes, *(_AUS_MODES if settings.csip_aus else ()), "rampTms"}
        self._modes |= {STORAGE_TARGET} if settings.storage_wh else set()

    # --- what the server says

    def take(
        self,
        lfdi: str,
        program: Program,
        control: Element,
        now: datetime,
        prices: Mapping[str, str] | None = None,
    ) -> None:
        """Take an event as it was read; known ones for their EventStatus alone (rule c).

        Args:
            lfdi: EndDevice that it is for.
            program: It belongs to.
            control: As read.
            now: On the server's clock.
            prices: What an interval of a tariff sets; None: it is a DERControl.
        """
        known = self._memory.events.get((lfdi, text(control, "mRID")))
        status = number(control, "EventStatus/currentStatus")
        if known is None:
            known = self._new(lfdi, program, control, now, prices)
            if known is None:
                return
        known.primacy = program.primacy
        if known.phase is not Phase.OVER and status in (
            STATUS_CANCELLED,
            STATUS_CANCELLED_RANDOMLY,
        ):
            self._cancel(known, now, randomly=status == STATUS_CANCELLED_RANDOMLY)
        elif known.phase is not Phase.OVER and status == STATUS_SUPERSEDED:
            self._end(known, now, SUPERSEDED)

    def _new(
        self,
        lfdi: str,
        program: Program,
        control: Element,
        now: datetime,
        prices: Mapping[str, str] | None,
    ) -> Event | None:
        category = text(control, "deviceCategory")
        if category and not int(category, 16) & self._category:
            return None
        event = self._read(lfdi, program, control)
        event.base.update(prices or {})
        self._memory.events[lfdi, event.mrid] = event
        specified = _instant(
            number(control, "interval/start") + number(control, "interval/duration")
        )
        if specified <= now:
            self._end(event, now, EXPIRED)
        elif prices is None and not event.modes & self._modes:
            self._end(event, now, INAPPLICABLE)
        else:
            self._say(event, RECEIVED, now)
        return event

    def _read(self, lfdi: str, program: Program, control: Element) -> Event:
        late, longer = (number(control, name) for name in ("randomizeStart", "randomizeDuration"))
        start = _instant(number(control, "interval/start") + self._draw(late))
        lasts = number(control, "interval/duration") + self._draw(longer)
        base = control.find("{*}DERControlBase")
        return Event(
            mrid=text(control, "mRID"),
            lfdi=lfdi,
            program=program.mrid,
            primacy=program.primacy,
            created=number(control, "creationTime"),
            start=start,
            end=start + timedelta(seconds=max(lasts, 0)),
            base={} if base is None else {local(mode): value_of(mode) for mode in base},
            href=control.get("href", ""),
            reply_to=control.get("replyTo", ""),
            required=int(control.get("responseRequired", "00"), 16),
            spread=max(abs(late), abs(longer)),
        )

    def _draw(self, spread: int) -> int:
        """Draw once between 0 and the given number of seconds, whose sign is kept."""
        return self._chance.randint(min(spread, 0), max(spread, 0))

    def _cancel(self, event: Event, now: datetime, *, randomly: bool) -> None:
        """Stop at once, or, cancelled with randomisation while it runs, within its window."""
        if randomly and event.phase is Phase.RUNNING and event.spread:
            if event.ends_by != CANCELLED:
                event.end = min(event.end, now + timedelta(seconds=self._draw(event.spread)))
                event.ends_by = CANCELLED
            return
        self._end(event, now, CANCELLED)

    def drop(self, lfdi: str) -> None:
        """Forget an EndDevice that is there no more."""
        for key in [key for key in self._memory.events if key[0] == lfdi]:
            del self._memory.events[key]

    # --- what time does

    def pass_time(self, now: datetime) -> None:
        """End and start what is due, what was beaten first."""
        for event in self._open():
            if event.phase is Phase.RUNNING and event.end <= now:
                self._end(event, event.end, PARTLY_OUT if event.opted_out else event.ends_by)
            elif event.phase is Phase.WAITING and event.end <= now and self._beaten(event):
                self._end(event, now, SUPERSEDED)
        for event in sorted(self._open(), key=lambda e: e.start):
            if event.phase is Phase.WAITING and event.end <= now and self._beaten(event):
                self._end(event, now, SUPERSEDED)
            if event.phase is Phase.WAITING and event.start <= now and not self._beaten(event):
                self._supersede(event, now)
                event.phase = Phase.RUNNING
                self._say(event, STARTED, now)
        for key in [k for k, e in self._memory.events.items() if e.end + LONG_OVER <= now]:
            del self._memory.events[key]
            self._memory.said -= {row for row in self._memory.said if row[:2] == key}

    def _open(self) -> list[Event]:
        return [e for e in self._memory.events.values() if e.phase is not Phase.OVER]

    def _beaten(self, event: Event) -> bool:
        """Say whether better events that overlap it take all that it controls: then it is not begun at all."""
        better = [b for b in self._rivals(event) if b.rank > event.rank and self._holds(b)]
        taken = {mode for b in better for mode in b.modes}
        return bool(better) and event.modes <= taken

    def _holds(self, event: Event) -> bool:
        """Say whether an event runs, or will: one that is beaten itself takes nothing from others."""
        return event.phase is Phase.RUNNING or not self._beaten(event)

    def _rivals(self, event: Event) -> Iterator[Event]:
        """Yield the open events of the same device that overlap it in time and in what they control."""
        for other in self._open():
            if other is event or other.lfdi != event.lfdi or not other.modes & event.modes:
                continue
            if other.start < event.end and event.start < other.end:
                yield other

    def _supersede(self, winner: Event, now: datetime) -> None:
        """End what an event that begins now leaves nothing to control."""
        for loser in list(self._rivals(winner)):
            if loser.rank < winner.rank and self._beaten(loser):
                running = loser.phase is Phase.RUNNING
                same = running or loser.program == winner.program
                self._end(loser, now, SUPERSEDED if same else ABORTED)

    def _end(self, event: Event, at: datetime, status: int) -> None:
        event.phase = Phase.OVER
        self._say(event, status, at)

    def opt_out(self, mrid: str, now: datetime) -> None:
        """Leave an event; it ends by saying that it was carried out in part."""
        for event in self._open():
            if event.mrid == mrid:
                event.opted_out = True
                self._say(event, OPTED_OUT, now)

    # --- what follows from it

    def next_due(self) -> datetime | None:
        """Return when time changes something next, on the server's clock."""
        times = [
            e.end if e.phase is Phase.RUNNING or self._beaten(e) else e.start for e in self._open()
        ]
        return min(times, default=None)

    def to_look_at(self, now: datetime, ahead: timedelta) -> list[Event]:
        """Return the events that start so soon that they must be read once more."""
        return [
            e
            for e in self._open()
            if e.phase is Phase.WAITING and not e.looked and e.start - ahead <= now
        ]

    def next_look(self, ahead: timedelta) -> datetime | None:
        """Return when the next event must be read once more."""
        times = [e.start - ahead for e in self._open() if e.phase is Phase.WAITING and not e.looked]
        return min(times, default=None)

    def in_force(self, lfdi: str, programs: Iterable[Program]) -> dict[str, str]:
        """Return what controls an EndDevice now: of each mode the best event's value, or the best program's default."""
        found: dict[str, str] = {}
        for program in sorted(programs, key=lambda p: p.primacy, reverse=True):
            found |= program.default
        for event in sorted(self._open(), key=lambda e: e.rank):
            if event.lfdi == lfdi and event.phase is Phase.RUNNING and not event.opted_out:
                found |= event.base
        return {mode: value for mode, value in found.items() if mode in self._modes}

    def prices(self, lfdi: str) -> dict[str, str]:
        """Return the prices now, by the mRID of their component."""
        running = [e for e in self._open() if e.lfdi == lfdi and e.phase is Phase.RUNNING]
        rows = (row for e in running for row in e.base.items() if row[0].startswith(PRICE))
        return {name.removeprefix(PRICE): value for name, value in rows}

    def running(self, lfdi: str) -> list[str]:
        """Return the mRIDs of the events that run."""
        return [e.mrid for e in self._open() if e.lfdi == lfdi and e.phase is Phase.RUNNING]

    def _say(self, event: Event, status: int, at: datetime) -> None:
        """Decide on a Response, once, if the event asks for it."""
        key = (event.lfdi, event.mrid, status)
        if key in self._memory.said or not event.required & _bits(status):
            return
        self._memory.said.add(key)
        if event.reply_to:
            self._memory.notices.append(
                Notice(
                    reply_to=event.reply_to,
                    lfdi=event.lfdi,
                    mrid=event.mrid,
                    status=status,
                    at=at,
                    priced=any(mode.startswith(PRICE) for mode in event.base),
                )
            )


def _bits(status: int) -> int:
    """Return the bits of responseRequired of which one must be set for a Response."""
    if status == RECEIVED:
        return _RECEIPT
    return _SPECIFIC | _USER if status in (OPTED_OUT, OPTED_IN, PARTLY_OUT) else _SPECIFIC


def _instant(at: int) -> datetime:
    return datetime.fromtimestamp(at, UTC)
