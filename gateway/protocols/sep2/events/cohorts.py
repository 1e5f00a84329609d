"""Thousands of devices with one past are one: what their engine makes of the same input is worked out once.

An engine is a function of its state, its input and the instant; devices that were handed the same controls in the same
second share their state (``EventEngine.adopt``), and part again as soon as one of them is told something else. What is
drawn is drawn once for all devices that share a past *and* a site: the devices of a site act as one load.
"""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Final

from gateway.protocols.sep2.events.engine import EventEngine, Standing
from gateway.protocols.sep2.events.values import Outcome

MOST: Final = 4096
"""Steps that are remembered; they matter for seconds."""


@dataclass(slots=True)
class Cohorts:
    """Steps of engines that were worked out lately."""

    _known: dict[Hashable, tuple[Outcome, Standing]] = field(default_factory=dict)

    def step(
        self, engine: EventEngine, what: Hashable, door: Callable[[], Outcome]
    ) -> tuple[Outcome, bool]:
        """Let an engine take an input; say too whether another had the same before.

        Args:
            engine: Whose door it is.
            what: Names door, input and instant, and whose draws may be shared: equal names mean equal inputs.
            door: Opens it.
        """
        key = (engine.standing().derived, what)
        known = self._known.get(key)
        if known is not None:
            engine.adopt(known[1])
            return known[0], True
        outcome = door()
        if len(self._known) >= MOST:
            self._known.clear()
        self._known[key] = (outcome, engine.standing())
        return outcome, False
