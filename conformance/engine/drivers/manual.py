"""Drives a device by a person: what to do is asked on the terminal, answer and time go into the history."""

import asyncio
import sys
from collections.abc import Callable, Mapping
from typing import Final

from conformance.engine.drivers.hands import Values
from conformance.engine.errors import DriverMissingError

_ASKED: Final[Mapping[str, str]] = {
    "start": "Start the device.",
    "stop": "Stop the device in an orderly way.",
    "kill": "Cut the power of the device, or end its process without warning.",
    "reset": "Make the device forget registration, events and reports (factory reset).",
    "opt_out": "Have the device leave event {event_id}.",
    "opt_in": "Have the device join event {event_id} again.",
    "set_load": "Set the load of the device to {kw} kW.",
}
_WORDS: Final = "Type what you saw and Enter when done; 'cannot' if it cannot be done: "


class ManualHands:
    """Asks an operator.

    Args:
        methods: That the operator can do.
        operator: Name, for the evidence.
        ask: Shows a question and returns the answer; None: on the terminal.
    """

    def __init__(
        self, methods: tuple[str, ...], operator: str, ask: Callable[[str], str] | None = None
    ) -> None:
        self._methods = methods
        self._operator = operator
        self._ask = ask or _terminal

    def can(self, method: str) -> bool:
        """Say whether the operator can do it."""
        return method in self._methods

    async def do(self, method: str, values: Values) -> Values:
        """Ask, and note who answered what."""
        told = ", ".join(f"{name} = {value}" for name, value in values.items())
        text = _ASKED.get(method, f"Have the device do: {method} ({told}).")
        for name, value in values.items():
            text = text.replace(f"{{{name}}}", value)
        answer = (await asyncio.to_thread(self._ask, f"\n{text}\n{_WORDS}")).strip()
        if answer.lower() == "cannot":
            raise DriverMissingError(f"{self._operator or 'the operator'} cannot do {method}")
        return {"operator": self._operator, "answer": answer}


def _terminal(question: str) -> str:
    sys.stderr.write(question)
    sys.stderr.flush()
    line = sys.stdin.readline()
    return line if line else "cannot"
