"""What the notifier knows of one subscriber at one host and port: what it has to be told, and how it is reached."""

import ssl
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from functools import partial
from typing import Final, TypeAlias

from gateway.domain.errors import TransportError
from gateway.domain.ports import Clock, Mailbox
from gateway.protocols.sep2.identity import lfdi_of
from gateway.transport.special_addresses import Network
from gateway.transport.standing import Standing
from gateway.transport.targets import TargetRules, system_resolve

LANES: Final = 8
"""Connections to one subscriber, each with one notification at a time."""
TOTAL_S: Final = 30.0
"""Of one notification, from the name to the answer."""
GOOD: Final = range(200, 300)
_FINAL: Final = range(400, 500)
UNKNOWN: Final = frozenset({404, 410})
"""The subscriber does not know the subscription any more."""
_LATER: Final = frozenset({401, 403, 408, 425, 429})
"""Of the client's errors those that another attempt may mend."""
Key: TypeAlias = tuple[str, str]
"""LFDI of the subscriber, host and port."""


class NotifyPin(StrEnum):
    """Whose certificate a listener must show before it is told anything."""

    LFDI = "lfdi"
    """That of the subscriber."""
    CHAIN = "chain"
    """Any of the hierarchy."""


@dataclass(slots=True, kw_only=True)
class Line:
    """One subscriber at one host and port."""

    bell: Mailbox[None]
    out: Standing
    queue: dict[str, None] = field(default_factory=dict)
    flying: set[str] = field(default_factory=set)
    """Subscriptions that are being told."""
    waiting: bool = False
    """After a failure."""
    lingering: bool = False
    """There is nothing to tell, and the connections stay for a while."""
    failures: int = 0
    """Rounds in a row in which something failed."""
    pause: timedelta | None = None
    """Something failed in this round: how long the subscriber asked us to wait at least."""

    def begin(self) -> None:
        """Begin another round."""
        self.pause = None

    def next(self) -> str | None:
        """Take the next subscription that is not being told already."""
        found = next((href for href in self.queue if href not in self.flying), None)
        if found is not None:
            del self.queue[found]
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one attempt."""

    status: int = 0
    reason: str = ""
    retry_after: timedelta = timedelta(0)
    body: bytes = b""

    @property
    def word(self) -> str:
        """Return its status, or why there was none."""
        return self.reason or str(self.status)

    @property
    def again(self) -> bool:
        """Say whether another attempt may do better."""
        if self.status in GOOD:
            return False
        return self.status not in _FINAL or self.status in _LATER


def line_out(
    key: Key, clock: Clock, context: ssl.SSLContext, networks: tuple[Network, ...], pin: NotifyPin
) -> Standing:
    """Return what connects to one port of a subscriber, wherever it listens: only addresses are judged.

    Args:
        key: The subscriber.
        clock: Time of limits.
        context: With the server's own certificate.
        networks: Own networks that may be reached.
        pin: Whose certificate its listener must show.
    """
    owner, place = key
    return Standing(
        clock,
        TargetRules(ports=(int(place.rpartition(":")[2]),), own=networks),
        context,
        system_resolve,
        admit=partial(_admit, owner) if pin is NotifyPin.LFDI else _admit_all,
        most=LANES,
        total_s=TOTAL_S,
    )


def _admit(owner: str, certificate: bytes | None) -> None:
    """Let the subscriber alone be told.

    Raises:
        TransportError: ``NOT_THE_SUBSCRIBER``.
    """
    if certificate is None or lfdi_of(certificate) != owner:
        detail = "the listener shows another certificate than that of the device that subscribed"
        raise TransportError("NOT_THE_SUBSCRIBER", detail)


def _admit_all(_: bytes | None) -> None:
    """Let everybody be told whose chain was good enough to be connected to."""
