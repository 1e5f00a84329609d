"""``python -m conformance.bench.delayed PORT MS``: a line of some length to a server on this machine.

Every byte arrives so many milliseconds later, either way, in order; nothing is read of what passes. The port to connect
to is printed first.
"""

import asyncio
import sys
from typing import Final

_HOST: Final = "127.0.0.1"


class End(asyncio.Protocol):
    """One end of a line.

    Args:
        delay_s: From one end to the other.
    """

    def __init__(self, delay_s: float) -> None:
        self._delay = delay_s
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self.other: End | None = None
        self._early: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection."""
        if isinstance(transport, asyncio.Transport):
            self._transport = transport
            for data in self._early:
                transport.write(data)

    def data_received(self, data: bytes) -> None:
        """Let bytes set out."""
        self._loop.call_later(self._delay, self._arrive, data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Let the news set out that there will be no more."""
        self._loop.call_later(self._delay, self._part)

    def _arrive(self, data: bytes) -> None:
        if self.other is not None:
            self.other.deliver(data)

    def _part(self) -> None:
        if self.other is not None:
            self.other.end()

    def deliver(self, data: bytes) -> None:
        """Hand bytes over to who stands at this end."""
        if self._transport is None:
            self._early.append(data)
        else:
            self._transport.write(data)

    def end(self) -> None:
        """Close this end."""
        if self._transport is not None:
            self._transport.close()


async def relay(port: int, delay_s: float) -> asyncio.Server:
    """Listen for lines to a port of this machine, on any free one."""
    loop = asyncio.get_running_loop()
    opening: set[asyncio.Task[None]] = set()

    def accept() -> End:
        near, far = End(delay_s), End(delay_s)
        near.other, far.other = far, near

        async def connect() -> None:
            try:
                await loop.create_connection(lambda: far, _HOST, port)
            except OSError:
                near.end()

        task = loop.create_task(connect())
        opening.add(task)
        task.add_done_callback(opening.discard)
        return near

    return await loop.create_server(accept, _HOST, 0)


async def main(port: int, delay_ms: float) -> None:
    """Run until killed."""
    server = await relay(port, delay_ms / 1000)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), float(sys.argv[2])))
