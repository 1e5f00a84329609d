"""The one place where doors of the server are opened: in order, everything stored before its answer goes out."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Final, TypeAlias

from gateway.domain.errors import StoreError
from gateway.domain.ports import Clock
from gateway.protocols.sep2.server.records import Answer, Turn
from gateway.protocols.sep2.server.server import Sep2Server
from gateway.protocols.sep2.server.usage import MOST_SERVED
from gateway.servers.sep2.store import Sep2Store

Door: TypeAlias = Callable[[datetime], Turn]
After: TypeAlias = Callable[[Turn], None]
"""Called with each turn once it is stored; must not wait."""
AT_ONCE: Final = 256
"""Turns of one transaction."""


class Sep2Desk:
    """A server with its store and its clock.

    Turns that wait for the store at the same time share one transaction. A read may meet one that is not durable yet;
    whoever wrote it has had no answer then.

    Args:
        server: The core, with what the store had kept.
        store: Where turns are kept.
        clock: Time of every door.
    """

    def __init__(self, server: Sep2Server, store: Sep2Store, clock: Clock) -> None:
        self.server = server
        self.store = store
        self._clock = clock
        self._waiting: list[_Waiting] = []
        self._writing: asyncio.Future[None] | None = None
        self._failed = False
        self.after: After = lambda _: None
        self.look: After = lambda _: None
        """As ``after``, for whoever sends notifications."""

    def read(self, path: str, query: str, peer: str) -> Answer:
        """Answer a GET.

        Raises:
            StoreError: ``SEP2_STORE`` after the store has failed once.
        """
        self._check()
        return self.server.read(path, query, peer, self._clock.now())

    async def look_up(self, path: str, query: str, peer: str) -> Answer:
        """Answer a GET, with values of the store where they are asked for.

        Raises:
            StoreError: ``SEP2_STORE``.
        """
        meter = self.server.meter(path)
        if meter is None or meter.lfdi not in self.server.book.acts_for(peer):
            return self.read(path, query, peer)
        self._check()
        values = await self.store.newest(meter, MOST_SERVED)
        return self.server.read(path, query, peer, self._clock.now(), values)

    async def write(self, method: str, path: str, body: bytes, peer: str) -> Answer:
        """Answer a POST, PUT or DELETE; returns once everything that follows from it is stored.

        Raises:
            StoreError: nothing was promised.
        """
        turn = await self.open(lambda now: self.server.write(method, path, body, peer, now))
        return turn.answer

    async def open(self, door: Door) -> Turn:
        """Go through one door of the core, e.g. ``lambda now: issuer.cancel(mrid, now)``.

        Raises:
            StoreError: ``SEP2_STORE`` after the store has failed once: what is durable is unknown, so no door opens
                until a restart has looked (R-DUR-9).
            MisuseError: as the door says.
        """
        self._check()
        # Before anything waits: what goes wrong in one door is no other's affair.
        turn = door(self._clock.now())
        self.server.take(turn)
        future: asyncio.Future[Turn] = asyncio.get_running_loop().create_future()
        self._waiting.append((turn, future))
        if self._writing is None:
            # At once and not by a task: its first step would come after every device that waits for an answer.
            self._write()
        return await future

    def _check(self) -> None:
        if self._failed:
            raise StoreError("SEP2_STORE", "the store has failed: restart to recover")

    def _write(self) -> None:
        batch, self._waiting = self._waiting[:AT_ONCE], self._waiting[AT_ONCE:]
        # Nobody's task waits for it: whoever gives up must not take the others' answers along.
        turns = [turn for turn, _ in batch]
        self._writing = asyncio.ensure_future(self.store.save(turns))
        self._writing.add_done_callback(partial(self._written, batch))

    def _written(self, batch: "list[_Waiting]", saved: asyncio.Future[None]) -> None:
        self._writing = None
        error = _STOPPED if saved.cancelled() else saved.exception()
        if error is not None:
            self._failed = True
            batch, self._waiting = batch + self._waiting, []
        for turn, future in batch:
            if not future.done():
                if error is None:
                    future.set_result(turn)
                else:
                    future.set_exception(error)
        if self._waiting:
            self._write()
        if error is None:
            for turn, _ in batch:
                self.look(turn)
                self.after(turn)


_Waiting: TypeAlias = tuple[Turn, asyncio.Future[Turn]]
_STOPPED: Final = StoreError("SEP2_STORE", "the store was stopped while it wrote")
