"""What a session tells its log, and who else wants to hear of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import structlog

from gateway.northbound.health import Health
from gateway.protocols.actions import SYNCHRONISED, UNPROVEN

log = structlog.get_logger()

_ALARMS: Final = frozenset(
    {
        *("clock_alarm", "clock_too_far_off", "clock_set_back", UNPROVEN),
        *("wrong_pin", "not_registered", "device_gone", "implausible_time", "unreadable_member"),
        *("content_changed", "mrid_listed_twice", "too_many_events", "not_taken"),
    }
)
"""Words of sessions that are more than news."""


@dataclass(frozen=True, slots=True)
class Notes:
    """Hears a session's notes.

    Args:
        on_synchronised: Called once the utility's present events are all stored.
        on_unproven: Called with the reason why a message is ignored that proves neither author nor time.
    """

    on_synchronised: Callable[[], None] = lambda: None
    on_unproven: Callable[[str], None] = lambda _: None

    def take(self, word: str, fields: Mapping[str, str], health: Health) -> None:
        """Write one down."""
        # The log's own name of the word is ``event``: a session that tells of one must not break on it.
        told = {"event_id" if name == "event" else name: text for name, text in fields.items()}
        if word in _ALARMS:
            log.warning(word, **told)
        else:
            log.info(word, **told)
        if word == SYNCHRONISED:
            self.on_synchronised()
        if word == UNPROVEN:
            self.on_unproven(fields["reason"])
        if "offset_s" in fields:
            health.clock_offset_s = float(fields["offset_s"])
