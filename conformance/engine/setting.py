"""What all cases of a run share, and what passes from case to case."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from conformance.engine.drivers.entry import Factory
from conformance.engine.drivers.hands import Hands
from conformance.engine.identities import Identities
from conformance.engine.stage import Tell
from conformance.engine.tape import Archiving
from conformance.peers.script2b.door import Address
from conformance.peers.script2b.state import Account
from gateway.domain.ports import Clock

_ANYWHERE: Final = Address()


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What all cases of a run share."""

    archive: Archiving
    identities: Identities
    role: str
    """Of the device: ``ven`` or ``vtn``."""
    mode: str
    seed: int
    values: Mapping[str, str]
    """IXIT values."""
    clock: Callable[[Callable[[str], None]], Clock]
    """Makes a case's clock; told what to call when it is stuck."""
    factory: Factory | None
    """Makes the device, if it lives in this process."""
    hands: Hands
    """Otherwise, how it is reached."""
    address: Address = _ANYWHERE
    poll_s: float = 0
    """Poll period where a case does not ask for one of its own."""
    tell: Tell = lambda _, __: None
    watch_every: timedelta | None = None
    """How often the suite looks at its own delay; None: never."""


@dataclass
class Carried:
    """What a device that cannot be reset takes from case to case."""

    account: Account | None = None
