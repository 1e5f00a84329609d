"""Devices in this process, made by a Python entry point on the suite's clock: the only kind for virtual time."""

import asyncio
import importlib
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from conformance.engine.drivers.hands import Values
from conformance.engine.errors import DriverMissingError, SuiteError
from gateway.domain.chance import Chance
from gateway.domain.ports import Clock

Method = Callable[..., Awaitable[Values]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pem:
    """A TLS identity in PEM."""

    certificate: bytes
    """With its chain."""
    key: bytes = field(repr=False)
    ca: bytes
    """What the other side's certificate must end in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a device in this process lives."""

    url: str
    """Of the suite's VTN, with the path prefix."""
    mode: str
    """``pull`` or ``push``."""
    clock: Clock
    chance: Chance
    client_tls: ssl.SSLContext | None
    server_tls: ssl.SSLContext | None
    """Identity of the device as a client and, in push mode, as a server; None: plain HTTP."""
    values: Mapping[str, str]
    """IXIT values."""
    pem: Pem | None = None
    """The identity once more, for a device that is a program of its own; None: plain HTTP."""
    peer: bytes = b""
    """The suite's certificate, PEM: by which its messages are signed at high security; empty: plain HTTP."""
    memory: dict[str, object] = field(default_factory=dict)
    """Its disk: what it puts here outlives ``kill`` and ``start``, not ``reset``."""


class Device(Protocol):
    """A device in this process.

    Its other methods (``opt_out``, ``state``, …) are those of the driver: coroutine functions that take keyword texts
    and return a mapping of texts.
    """

    async def run(self) -> None:
        """Live until cancelled, holding a token of the clock while at work."""
        ...


class ListeningDevice(Device, Protocol):
    """A VTN in this process."""

    @property
    def url(self) -> str:
        """Return where it listens, with the path prefix; empty until it does."""
        ...


Factory = Callable[[Place], Device]
_PATIENCE_S: Final = 3.0
"""Time that a device has to end; of the wall's clock, as the run's may stand still meanwhile."""
REAL_TIME: Final = "real_time"
"""Name of the attribute, True, of a factory whose devices live on the wall's clock: foreign programs."""


def load_factory(text: str) -> Factory:
    """Return what an entry point ``module:function`` names.

    Raises:
        SuiteError: there is no such thing.
    """
    module, _, name = text.partition(":")
    try:
        found: Factory = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise SuiteError(f"device {text!r}: {error}") from None
    return found


READY: Final = "ready"
"""Name of a coroutine method of a device that is a program of its own: returns once it can be reached."""


class EntryHands:
    """Drives a device in this process.

    Args:
        factory: Makes it.
        place: Where it lives.
    """

    def __init__(self, factory: Factory, place: Place) -> None:
        self._factory = factory
        self._place = place
        self._device: Device | None = None
        self._task: asyncio.Task[None] | None = None
        self._own: Mapping[str, Callable[[], Awaitable[None]]] = {
            "start": self._start,
            "stop": self._end,
            "kill": self._end,
            "reset": self._reset,
        }

    def can(self, method: str) -> bool:
        """Say whether there is such a method."""
        return method in self._own or self._device is None or hasattr(self._device, method)

    async def do(self, method: str, values: Values) -> Values:
        """Do it."""
        own = self._own.get(method)
        if own is not None:
            await own()
            return {}
        found: Method | None = getattr(self._device, method, None)
        if found is None:
            raise DriverMissingError(f"the device has no method {method}")
        return await found(**values)

    @property
    def url(self) -> str:
        """Return where a VTN in this process listens, empty while it does not."""
        return str(getattr(self._device, "url", ""))

    async def close(self) -> str:
        """End the device; return why it had ended by itself, or by what it failed to end; empty for neither.

        Raises:
            TimeoutError: it does not end.
        """
        task = self._task
        if task is None:
            return ""
        await self._end()
        error = None if task.cancelled() else task.exception()
        return f"{type(error).__name__}: {error}" if error else ""

    async def _start(self) -> None:
        self._device = self._factory(self._place)
        self._task = asyncio.create_task(self._device.run(), name="device")
        self._task.add_done_callback(_read)
        ready: Callable[[], Awaitable[None]] | None = getattr(self._device, READY, None)
        if ready is not None:
            waiting = asyncio.ensure_future(ready())
            await asyncio.wait({self._task, waiting}, return_when=asyncio.FIRST_COMPLETED)
            waiting.cancel()

    async def _end(self) -> None:
        task, self._task, self._device = self._task, None, None
        if task is None:
            return
        task.cancel()
        done, _ = await asyncio.wait({task}, timeout=_PATIENCE_S)
        if not done:
            raise TimeoutError(f"the device did not end within {_PATIENCE_S:g} s")

    async def _reset(self) -> None:
        running = self._task is not None
        await self._end()
        self._place.memory.clear()
        if running:
            await self._start()


def _read(task: "asyncio.Task[None]") -> None:
    """Take note of how a device ended: nobody else may be there any more to do it."""
    if not task.cancelled():
        task.exception()
