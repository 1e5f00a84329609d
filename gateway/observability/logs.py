"""Log set-up: one JSON line per event word on stderr, or aligned text on a terminal; control characters escaped."""

import logging
import sys
from collections.abc import Callable, MutableMapping
from datetime import datetime
from typing import Any, Final, TextIO

import structlog

from gateway.domain.timespan import instant_text

_SECRET: Final = ("token", "key", "secret", "password", "pin", "authorization")
_LONGEST: Final = 2048

Event = MutableMapping[str, Any]


def set_up(
    now: Callable[[], datetime], *, as_json: bool, level: str = "info", test_mode: bool = False
) -> None:
    """Send every log line to stderr.

    Args:
        now: Source of the time stamp, so that a demonstration's log shows its own timeline.
        as_json: One JSON object a line; otherwise text for people.
        level: Lowest level shown.
        test_mode: True: every line says TEST.
    """

    def stamp(_: Any, __: str, event: Event) -> Event:
        event["at"] = instant_text(now().replace(microsecond=0))
        if test_mode:
            event["mode"] = "TEST"
        return event

    shown = structlog.processors.JSONRenderer() if as_json else _plain
    lines = LossyLog(sys.stderr)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            stamp,
            _redact,
            structlog.processors.format_exc_info,
            shown,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelNamesMapping()[level.upper()]
        ),
        logger_factory=lambda *_: lines,
        cache_logger_on_first_use=False,
    )


class LossyLog:
    """Writes lines to a stream, and lets a line go when the stream cannot take it.

    A log on a full disk or behind a closed pipe must not stop an event from being taken in. The first line that gets
    through again is preceded by the number of those that did not.

    Args:
        stream: Where lines go.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lost = 0

    def msg(self, line: str) -> None:
        """Write one line."""
        lost = f"log_lines_lost count={self._lost}\n" if self._lost else ""
        try:
            self._stream.write(f"{lost}{line}\n")
            self._stream.flush()
        except (OSError, ValueError):  # ValueError: the stream was closed
            self._lost += 1
        else:
            self._lost = 0

    debug = info = warning = error = critical = exception = log = msg


def _redact(_: Any, __: str, event: Event) -> Event:
    for name, value in event.items():
        if any(word in name.lower() for word in _SECRET):
            event[name] = "***"
        elif isinstance(value, str):
            event[name] = _escaped(value[:_LONGEST])
    return event


def _escaped(text: str) -> str:
    """Escape control characters, so that a peer's text cannot forge a line or move a terminal's cursor."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _plain(_: Any, __: str, event: Event) -> str:
    at, level, word = event.pop("at", ""), event.pop("level", ""), event.pop("event", "")
    fields = " ".join(f"{name}={value}" for name, value in sorted(event.items()))
    return f"{at} {level:<7} {word} {fields}".rstrip()
