"""Who plays the utility of a demonstration: one part for each protocol, all with the same lines to say."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from conformance.demo.cast_oadr2b import PEER as OADR20B_PEER
from conformance.demo.cast_oadr2b import VtnPlayer
from conformance.demo.cast_sep2 import PEER as SEP2_PEER
from conformance.demo.cast_sep2 import Sep2Player, csip, csip_aus, drlc
from conformance.demo.outcome import Happening
from conformance.demo.setting import Setting
from gateway.domain.ports import Clock
from gateway.domain.protocol import ProtocolName


class Player(Protocol):
    """A utility that publishes one event."""

    async def start(self) -> None:
        """Begin to listen."""
        ...

    async def stop(self) -> None:
        """End."""
        ...

    def section(self) -> str:
        """Return the gateway's ``[[utility]]`` and the first lines of its ``[[program]]``, once it listens."""
        ...

    async def play(self) -> None:
        """Do what the scenario asks of the utility, at its time."""
        ...

    @property
    def event_id(self) -> str:
        """Return the id of the event; empty before it is published."""
        ...

    @property
    def mark(self) -> bytes:
        """Return bytes that only a message with the event holds; empty before it is published."""
        ...

    def story(self) -> list[Happening]:
        """Return what the utility saw."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """One protocol's part."""

    peer: str
    """Who it is, for the report."""
    player: Callable[[Setting, int, Clock], Player]
    """Makes the utility: setting, seed, clock."""


CASTS: Final[Mapping[ProtocolName, Cast]] = {
    ProtocolName.OADR20B: Cast(peer=OADR20B_PEER, player=VtnPlayer),
    ProtocolName.SEP2: Cast(peer=SEP2_PEER, player=lambda *given: Sep2Player(*given, asks=drlc())),
    ProtocolName.CSIP: Cast(peer=SEP2_PEER, player=lambda *given: Sep2Player(*given, asks=csip())),
    ProtocolName.CSIP_AUS: Cast(
        peer=SEP2_PEER, player=lambda *given: Sep2Player(*given, asks=csip_aus())
    ),
}
"""Protocol -> who plays it."""
