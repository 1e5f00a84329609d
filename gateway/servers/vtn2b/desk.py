"""The one place where doors of the VTN are opened: one at a time, each stored before its answer goes out."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import TypeAlias

from gateway.domain.errors import StoreError
from gateway.domain.ports import Clock
from gateway.protocols.oadr2b.messages import Message
from gateway.protocols.oadr2b.server import Vtn
from gateway.protocols.oadr2b.vtn_book import Turn
from gateway.protocols.oadr2b.vtn_facts import Fact
from gateway.servers.vtn2b.store import VtnStore

Listener: TypeAlias = Callable[[Fact, datetime], None]
After: TypeAlias = Callable[[Turn], None]
"""Called with each turn once it is stored; must not wait."""


class VtnDesk:
    """A VTN with its store and its clock.

    Args:
        vtn: The core, with what the store had kept.
        store: Where turns are kept.
        clock: Time of every door.
        listen: Called with each fact once it is stored; must not wait.
    """

    def __init__(self, vtn: Vtn, store: VtnStore, clock: Clock, listen: Listener) -> None:
        self.vtn = vtn
        self._store = store
        self._clock = clock
        self._listen = listen
        self._one_at_a_time = asyncio.Lock()
        self._failed = False
        self.after: After = lambda _: None

    def tell(self, fact: Fact) -> None:
        """Note something that happened before a door was opened."""
        self._listen(fact, self._clock.now())

    async def answer(self, service: str, message: Message, peer: str) -> Message | None:
        """Answer a message; returns once everything that follows from it is stored.

        Raises:
            StoreError: nothing was promised.
        """
        turn = await self.open(lambda now: self.vtn.on_message(service, message, peer, now))
        return turn.reply

    async def open(self, door: Callable[[datetime], Turn]) -> Turn:
        """Go through one door of the core, e.g. ``lambda now: vtn.cancel("e1", now)``.

        Raises:
            StoreError: ``VTN_STORE`` after the store has failed once: what is durable is unknown, so no door opens
                until a restart has looked (R-DUR-9).
            MisuseError: as the door says.
        """
        async with self._one_at_a_time:
            if self._failed:
                raise StoreError("VTN_STORE", "the store has failed: restart to recover")
            turn = door(self._clock.now())
            self.vtn.take(turn)
            try:
                await self._store.save(turn)
            except StoreError:
                self._failed = True
                raise
            for fact in turn.facts:
                self._listen(fact, turn.at)
            self.after(turn)
            return turn
