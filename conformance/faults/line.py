"""The client's side of one proxied connection: bytes out, and every way to stop sending them.

Time: the client's token pays for the whole exchange. A fault that lets time pass gives the token back while it does;
one that withholds the answer gives it back for good, and the client's own limit wakes the client with another.
"""

import asyncio
import socket
import struct
from datetime import timedelta
from typing import Final

from conformance.faults.renegotiation import demand
from gateway.domain.ports import Clock

_PAUSE_S: Final = 0.02
_NO_LINGER: Final = struct.pack("ii", 1, 0)


class GoneError(Exception):
    """The client closed the connection; nothing more can be done to it."""


class ClientLine(asyncio.StreamReaderProtocol):
    """One accepted connection.

    Args:
        accepted: The socket; the event loop owns it afterwards.
        clock: Time of waits.
    """

    def __init__(self, accepted: socket.socket, clock: Clock) -> None:
        loop = asyncio.get_running_loop()
        self.reader = asyncio.StreamReader(limit=16 << 20, loop=loop)
        super().__init__(self.reader, loop=loop)
        # A second handle to the same connection: asyncio gives the bare one back to nobody.
        self._raw = accepted.dup()
        self._clock = clock
        self._lost = asyncio.Event()
        self._resting: asyncio.Task[object] | None = None
        self._stopped = False
        self.renegotiates = False
        """True: ask for a new handshake in the middle of what is sent next."""
        self.transport: asyncio.Transport | None = None
        self._writer: asyncio.StreamWriter | None = None

    # --- as the event loop sees it

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection, after the handshake if there is one."""
        super().connection_made(transport)
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - as connect_accepted_socket makes it
        self.transport = transport
        # Not 0: under TLS, asyncio would take an empty buffer for a full one.
        transport.set_write_buffer_limits(high=1, low=0)
        self._writer = asyncio.StreamWriter(
            transport, self, self.reader, asyncio.get_running_loop()
        )

    def eof_received(self) -> bool:
        """Take a client that sends no more for one that has gone."""
        super().eof_received()
        self._leave()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Note that the client has gone."""
        super().connection_lost(exc)
        self._leave()

    def _leave(self) -> None:
        self._lost.set()
        if self._resting is not None:
            self._resting.cancel()

    # --- as faults see it

    @property
    def gone(self) -> bool:
        """Say whether the client has left."""
        return self._lost.is_set()

    async def write(self, data: bytes) -> None:
        """Send bytes; returns once the system has taken them.

        Raises:
            GoneError: the client has left.
        """
        if self.gone or self._writer is None or self._writer.is_closing():
            raise GoneError
        if self.renegotiates:
            self.renegotiates = False
            half = len(data) // 2
            await self.write(data[:half])
            demand(self._writer.get_extra_info("ssl_object"))
            data = data[half:]
        try:
            self._writer.write(data)
            await self._writer.drain()
            await asyncio.sleep(0)  # noqa: TID251 - a turn of the loop, in which a loss is noticed
        except (ConnectionError, OSError):
            raise GoneError from None

    async def write_raw(self, data: bytes) -> None:
        """Send bytes beside TLS, in plain."""
        try:
            self._raw.send(data)
        except OSError:
            raise GoneError from None

    async def sleep(self, seconds: float) -> None:
        """Let time pass before the next byte.

        Raises:
            GoneError: the client left meanwhile.
        """
        if self.gone:
            raise GoneError
        task = self._resting = asyncio.current_task()
        try:
            await self._clock.sleep_until(self._clock.now() + timedelta(seconds=seconds))
        except asyncio.CancelledError:
            if self._stopped or not self._lost.is_set():
                raise  # the proxy stops, and the client's token is ours to leave behind
            # The client was woken by a limit of its own, with a token of its own: this one is nobody's.
            self._clock.release()
            if task is not None:
                task.uncancel()
            raise GoneError from None
        finally:
            self._resting = None

    async def pause(self) -> None:
        """Let the client take what was sent: 20 ms of the wall's time, and none of the run's.

        The client's next request is due at an instant of the run's clock: it cannot cross what is sent right after.
        """
        over = asyncio.Event()
        asyncio.get_running_loop().call_later(_PAUSE_S, over.set)
        self._clock.hold()
        try:
            await over.wait()
        finally:
            self._clock.release()

    async def withhold(self) -> None:
        """Say nothing more until the client leaves; its token is given back.

        Raises:
            GoneError: always.
        """
        self._clock.release()
        try:
            await self._lost.wait()
        except asyncio.CancelledError:
            self._clock.hold()  # the client learns of the end from its connection, and goes on
            raise
        raise GoneError

    def reset(self) -> None:
        """End the connection by RST; what the client has not read may be lost to it."""
        self._raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        self._raw.close()
        if self.transport is not None:
            self.transport.abort()

    def close_sending(self) -> None:
        """End our direction alone, without a farewell of TLS."""
        self._raw.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """End the connection properly."""
        self._raw.close()
        if self.transport is not None:
            self.transport.close()

    def stop(self) -> None:
        """Note that the proxy itself ends."""
        self._stopped = True
