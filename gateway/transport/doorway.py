"""The door of a listener: who may come in before anybody knows who it is (R-TLS-1).

A connection costs nothing to open, so limits hold before the handshake: on handshakes under way, of one address and
in total, and on connections. Addresses that finished one in the last day have a share that strangers cannot use up.
"""

import asyncio
import contextlib
import errno
import socket
import ssl
from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import structlog

_NO_ROOM: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_DAY_S: Final = 86_400.0
_REMEMBERED: Final = 4096
_BURST: Final = 64
"""Connections taken in a row before others get a turn of the loop."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorLimits:
    """How much may happen at the door at the same time."""

    handshake_s: float = 5.0
    """A silent TCP connection on a TLS port would live 60 s by default."""
    handshakes_each: int = 32
    """Unfinished, of one address."""
    handshakes: int = 256
    """Unfinished, in total."""
    reserved: int = 64
    """Of these, for addresses that came in within the last day."""
    connections: int = 4096
    breath_s: float = 1.0
    """Pause after the system has run out of descriptors; real seconds, as the system's own shortage is."""


class Doorway:
    """Takes connections from listening sockets until it is closed.

    Args:
        listening: Bound and listening, not blocking; at least one.
        make: Makes the protocol of one connection.
        connected: Returns how many connections there are.
        context: TLS context; None for plain.
        limits: What is taken at the same time.
    """

    def __init__(
        self,
        listening: Sequence[socket.socket],
        make: Callable[[], asyncio.BaseProtocol],
        connected: Callable[[], int],
        context: ssl.SSLContext | None,
        limits: DoorLimits,
    ) -> None:
        self._listening = tuple(listening)
        self._make = make
        self._connected = connected
        self._context = context
        self._limits = limits
        self._shaking: Counter[str] = Counter()
        self._known: OrderedDict[str, float] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()
        self._untouched: set[socket.socket] = set()
        self.refused: Counter[str] = Counter()
        """Connections that were not taken, by cause."""
        loop = asyncio.get_running_loop()
        name = f"door {self.address[1]}"
        for one in self._listening:
            self._tasks.add(loop.create_task(self._accept(one), name=name))

    @property
    def address(self) -> tuple[str, int]:
        """Return host and port that are really listened on."""
        host, port = self._listening[0].getsockname()[:2]
        return str(host), int(port)

    @property
    def shaking(self) -> int:
        """Return how many handshakes are under way."""
        return self._shaking.total()

    async def close(self) -> None:
        """Take no more, and drop those whose handshake is not finished."""
        tasks = set(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        for one in (*self._untouched, *self._listening):
            one.close()

    async def _accept(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        taken = 0
        while True:
            try:
                accepted, address = await loop.sock_accept(listening)
            except OSError as error:
                await self._falter(error)
                continue
            self._take(accepted, str(address[0]))
            taken += 1
            if taken % _BURST == 0:
                await asyncio.sleep(0)  # noqa: TID251 - a turn for others, no time

    async def _falter(self, error: OSError) -> None:
        """Go on after a connection that was lost again; breathe when the system has no room."""
        self.refused["system"] += 1
        if error.errno not in _NO_ROOM:
            await asyncio.sleep(0)  # noqa: TID251 - a turn for others, no time
            return
        log.error("door_short_of_descriptors", error=error.strerror)
        over = asyncio.Event()
        asyncio.get_running_loop().call_later(self._limits.breath_s, over.set)
        await over.wait()

    def _take(self, accepted: socket.socket, address: str) -> None:
        cause = self._objection(address)
        if cause:
            self.refused[cause] += 1
            accepted.close()
            return
        self._shaking[address] += 1
        self._untouched.add(accepted)
        task = asyncio.get_running_loop().create_task(self._enter(accepted, address))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _objection(self, address: str) -> str:
        limits = self._limits
        under_way = self._shaking.total()
        if under_way + self._connected() >= limits.connections:
            return "connections"
        if self._context is None:
            return ""
        if self._shaking[address] >= limits.handshakes_each:
            return "handshakes_of_address"
        open_to = limits.handshakes - (0 if self._trusted(address) else limits.reserved)
        return "handshakes" if under_way >= open_to else ""

    def _trusted(self, address: str) -> bool:
        at = self._known.get(address)
        return at is not None and asyncio.get_running_loop().time() - at < _DAY_S

    async def _enter(self, accepted: socket.socket, address: str) -> None:
        loop = asyncio.get_running_loop()
        limit = self._limits.handshake_s if self._context else None
        self._untouched.discard(accepted)
        try:
            with contextlib.suppress(OSError):  # an address of another family has no such option
                accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await loop.connect_accepted_socket(
                self._make, accepted, ssl=self._context, ssl_handshake_timeout=limit
            )
        except (OSError, ssl.SSLError) as error:
            self.refused["tls" if isinstance(error, ssl.SSLError) else "left"] += 1
        else:
            self._remember(address)
        finally:
            self._shaking[address] -= 1
            if not self._shaking[address]:
                del self._shaking[address]

    def _remember(self, address: str) -> None:
        if self._context is None:
            return  # whoever may speak has proved nothing
        self._known[address] = asyncio.get_running_loop().time()
        self._known.move_to_end(address)
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
