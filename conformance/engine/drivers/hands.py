"""What every driver is behind its methods, and the face that scripts see."""

from collections.abc import Mapping
from typing import Protocol

from conformance.engine.errors import DriverMissingError
from conformance.peers.script2b.ports import Recorder

Values = Mapping[str, str]


class Hands(Protocol):
    """Does things to the device."""

    def can(self, method: str) -> bool:
        """Say whether there is such a method."""
        ...

    async def do(self, method: str, values: Values) -> Values:
        """Do it and return what was learnt.

        Raises:
            DriverMissingError: there is no such method, or it did not work.
        """
        ...


class Nobody:
    """No driver at all."""

    def can(self, method: str) -> bool:
        """Say no."""
        return False

    async def do(self, method: str, values: Values) -> Values:
        """Refuse."""
        raise DriverMissingError(f"the driver has no method {method}")


class Driving:
    """The face of a driver (meets ``kit.stage.Driver``); everything done stands in the history.

    Args:
        hands: What does it.
        tape: Records.
    """

    def __init__(self, hands: Hands, tape: Recorder) -> None:
        self._hands = hands
        self._tape = tape

    def can(self, method: str) -> bool:
        """Say whether there is such a method."""
        return self._hands.can(method)

    async def call(self, method: str, **values: str) -> Values:
        """Have a method done."""
        if not self._hands.can(method):
            raise DriverMissingError(f"the driver has no method {method}")
        self._tape.mark("driver.asked", method=method, **values)
        found = await self._hands.do(method, values)
        self._tape.mark("driver.done", method=method, **found)
        return found

    async def start(self) -> None:
        """Start the device."""
        await self.call("start")

    async def stop(self) -> None:
        """Stop it in an orderly way."""
        await self.call("stop")

    async def kill(self) -> None:
        """End it as a power cut would."""
        await self.call("kill")

    async def reset(self) -> None:
        """Make it forget everything."""
        await self.call("reset")

    async def opt_out(self, event_id: str) -> None:
        """Have it leave an event."""
        await self.call("opt_out", event_id=event_id)

    async def opt_in(self, event_id: str) -> None:
        """Have it join an event again."""
        await self.call("opt_in", event_id=event_id)

    async def set_load(self, kw: str) -> None:
        """Have its load be so many kilowatts."""
        await self.call("set_load", kw=kw)

    async def state(self) -> Values:
        """Return what can be seen of its state."""
        return await self.call("state")
