"""What goes wrong and comes right again, as log events of a device: told once each, in the server's time.

| Condition | functionSet | PEN, profile | Code |
|---|---|---|---|
| the site leaves an event that it was following | DER (11) | 40732, 2 | 14, and 15 once it is back or that is over |
| a meter is silent for three post intervals | metering (6) | ours, 0 | 0 and 1 |
| the server does not answer for a quarter of an hour | network status (16) | ours, 0 | 0 and 1, once it answers again |

The first is the standard's emergency local (bit 7 of alarmStatus). Its other alarms are about voltage, frequency and
current, which the meters behind this gateway do not tell. A utility's own control is no alarm (CSIP-AUS DRA-02).

Spec: IEEE 2030.5-2018 LogEvent; CSIP BASIC-027.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import Final

from pydantic import TypeAdapter

from gateway.protocols.actions import Note
from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.client.device import Device
from gateway.protocols.sep2.client.mirror import Mirror, Node
from gateway.protocols.sep2.client.setting import Setting
from gateway.protocols.sep2.client.state import Outgoing, Parts, Purpose, plain, value_of
from gateway.protocols.sep2.codec import encode
from gateway.protocols.sep2.events.table import State

STANDARD_PEN: Final = 40732
DER_PROFILE: Final = 2
OWN_PROFILE: Final = 0
EMERGENCY_LOCAL_BIT: Final = 7
SILENT_INTERVALS: Final = 3
SILENT_SERVER: Final = timedelta(minutes=15)
MOST_WAITING: Final = 50
"""Log events of one device that wait for a list to be told to; beyond that the oldest are let go."""
_IDS: Final = 2**16
_LONGEST: Final = 32


class Alarm(StrEnum):
    """What may be wrong."""

    LEFT = "left"
    METER = "meter"
    SERVER = "server"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One log event, not told yet."""

    number: int
    """logEventID."""
    at: int
    """Server time."""
    alarm: Alarm
    over: bool
    details: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Logged:
    """What is remembered of one device."""

    next_number: int = 0
    on: tuple[str, ...] = ()
    """Conditions that hold: the alarm, and what it is about."""
    waiting: tuple[Entry, ...] = ()


_STORED: Final = TypeAdapter(Logged)
_FUNCTION_SETS: Final = {Alarm.LEFT: 11, Alarm.METER: 6, Alarm.SERVER: 16}
_PREFIX: Final = "log "


@dataclass(slots=True, kw_only=True)
class Alarms:
    """The log events of every device of one session.

    Args:
        setting: The utility.
    """

    setting: Setting
    notes: list[Note] = field(default_factory=list)
    _known: dict[str, Logged] = field(default_factory=dict)
    _silent: dict[str, int] = field(default_factory=dict)
    """LFDI and meter -> post intervals without a value, in a row."""

    def recall(self, device: Device) -> None:
        """Take what is stored of a device; from now on it is kept."""
        parts: Parts = self.setting.parts
        found = parts.found(_PREFIX + device.lfdi)
        if found is not None:
            self._known[device.lfdi] = value_of(_STORED, found)
        parts.keep(_PREFIX + device.lfdi, partial(self._document, device.lfdi))

    def _document(self, lfdi: str) -> object:
        known = self._known.get(lfdi)
        return None if known is None else plain(_STORED, known)

    def status(self, device: Device) -> int:
        """Return the bits of alarmStatus that hold."""
        known = self._known.get(device.lfdi)
        left = known is not None and Alarm.LEFT.value in known.on
        return 1 << EMERGENCY_LOCAL_BIT if left else 0

    # --- conditions

    def look(self, device: Device, now: datetime) -> None:
        """See whether the site has left an event that it was following."""
        left = any(
            record.state is State.OPTED_OUT and record.took_part
            for record in device.engine.records()
        )
        self._set(device, Alarm.LEFT, "", now, holds=left)

    def metered(self, device: Device, meter: str, now: datetime, *, heard: bool) -> None:
        """Take that a post interval brought a value of a meter, or none."""
        name = f"{device.lfdi} {meter}"
        count = 0 if heard else self._silent.get(name, 0) + 1
        self._silent[name] = count
        if heard or count >= SILENT_INTERVALS:
            self._set(device, Alarm.METER, meter, now, holds=not heard)

    def reached(self, device: Device, root: Node, now: datetime) -> bool:
        """See whether the server answers; return True where that has changed."""
        if root.read_at is None:
            return False
        if not root.failures:
            return self._set(device, Alarm.SERVER, "", now, holds=False)
        silent = now - root.read_at >= SILENT_SERVER + root.rate
        return silent and self._set(device, Alarm.SERVER, "", now, holds=True)

    def _set(self, device: Device, alarm: Alarm, about: str, now: datetime, *, holds: bool) -> bool:
        known = self._known.get(device.lfdi, Logged())
        key = f"{alarm} {about}".strip()
        if (key in known.on) is holds:
            return False
        entry = Entry(
            number=known.next_number,
            at=self.setting.clock.seconds(now),
            alarm=alarm,
            over=not holds,
            details=key[:_LONGEST],
        )
        on = (*known.on, key) if holds else tuple(one for one in known.on if one != key)
        self._keep(
            device,
            Logged(
                next_number=(known.next_number + 1) % _IDS,
                on=on,
                waiting=(*known.waiting, entry)[-MOST_WAITING:],
            ),
        )
        word = "alarm" if holds else "alarm_over"
        self.notes.append(Note(word=word, fields={"lfdi": device.lfdi, "what": key}))
        return True

    def _keep(self, device: Device, known: Logged) -> None:
        self._known[device.lfdi] = known
        self.setting.parts.touch(_PREFIX + device.lfdi)

    # --- telling

    def due(
        self, device: Device, place: Node, endpoint: sep.EndDevice, mirror: Mirror
    ) -> Iterator[Outgoing]:
        """Yield the log events that a device has to tell; what is yielded is the outbox's from then on.

        Args:
            device: Commissioned.
            place: The list that the device stands in.
            endpoint: As listed.
            mirror: What is known of the server.
        """
        known, link = self._known.get(device.lfdi), endpoint.log_event_list_link
        if known is None or not known.waiting or link is None or not device.ready:
            return
        href = mirror.resolved(place, endpoint, link)
        for entry in known.waiting:
            yield Outgoing(
                key=f"{Purpose.LOG} {device.lfdi} {entry.number} {entry.at}",
                purpose=Purpose.LOG,
                method="POST",
                href=href,
                body=encode(self._written(entry), self.setting.flavour).decode(),
            )
        self._keep(device, Logged(next_number=known.next_number, on=known.on, waiting=()))

    def _written(self, entry: Entry) -> sep.LogEvent:
        standard = entry.alarm is Alarm.LEFT
        bit = EMERGENCY_LOCAL_BIT if standard else 0
        return sep.LogEvent(
            created_date_time=entry.at,
            details=entry.details,
            function_set=_FUNCTION_SETS[entry.alarm],
            log_event_code=2 * bit + entry.over,
            log_event_id=entry.number,
            log_event_pen=STANDARD_PEN if standard else self.setting.options.pen,
            profile_id=DER_PROFILE if standard else OWN_PROFILE,
        )
