"""One device that serves several VTNs: a VEN for each, which share nothing but the clock, the dice and the site.

Spec: OpenADR 2.0b section 8.4: registration, ids, events and reports belong to one VTN.
"""

import asyncio
from collections.abc import Mapping, Sequence

from conformance.reference.ven2b.device import Ven
from conformance.reference.ven2b.settings import Settings
from conformance.reference.ven2b.state import Memory
from gateway.domain.chance import Chance
from gateway.domain.ports import Clock


class Several:
    """The VENs of one device.

    Args:
        settings: One for each VTN.
        clock: Their time.
        chance: Their dice.
        memories: What they remembered before a restart, by the names of the VENs.
    """

    def __init__(
        self,
        settings: Sequence[Settings],
        clock: Clock,
        chance: Chance,
        memories: dict[str, Memory],
    ) -> None:
        self.vens: list[Ven] = []
        for told in settings:
            memory = memories.setdefault(told.ven_name, Memory())
            self.vens.append(Ven(told, clock, chance, memory))

    async def run(self) -> None:
        """Work until cancelled; when one fails, all end."""
        async with asyncio.TaskGroup() as group:
            for ven in self.vens:
                group.create_task(ven.run())

    def running(self) -> Mapping[str, str]:
        """Return the events acted on now, whoever announced them, with the value in force."""
        return {name: value for ven in self.vens for name, value in ven.running().items()}
