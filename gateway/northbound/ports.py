"""What a driver asks of its surroundings."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from gateway.domain.names import UtilityName
from gateway.domain.opting import Decision
from gateway.protocols.actions import Emit, Kept, Message, Send
from gateway.protocols.parts import State


class Sink(Protocol):
    """Where events go; met by ``pipeline.inbound``."""

    async def accept(
        self,
        utility: UtilityName,
        emits: Sequence[Emit],
        state: State,
        taken: Sequence[Decision],
        kept: Sequence[Kept] = (),
    ) -> None:
        """Commit events, the session's state, what it has taken and what is kept for people, in one transaction."""
        ...

    async def pending(self, utility: UtilityName) -> Sequence[Decision]:
        """Return what no session has taken yet."""
        ...


Exchange = Callable[[Send], Awaitable[Message]]
"""One request and its answer over the network; raises ``TransportError`` when there is no answer."""
