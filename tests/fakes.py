"""Fakes shared by many tests: chance, ids, signer, and a peer that answers from a script."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gateway.domain.errors import TransportError
from gateway.domain.ports import Clock
from gateway.protocols.actions import Message, Send


@dataclass
class FixedChance:
    """Draws what it is told, then always the lowest."""

    draws: list[int] = field(default_factory=list)

    def randint(self, low: int, high: int) -> int:
        drawn = self.draws.pop(0) if self.draws else low
        assert low <= drawn <= high
        return drawn

    def random(self) -> float:
        return 0.0


@dataclass
class CountedIds:
    """Identifiers 1, 2, 3 …"""

    drawn: int = 0

    def uuid(self) -> str:
        self.drawn += 1
        return f"00000000-0000-4000-8000-{self.drawn:012d}"

    def token(self) -> str:
        self.drawn += 1
        return f"token-{self.drawn}"


@dataclass
class PlainSigner:
    """Signs with a word, so that published bytes can be compared."""

    kid: str = "test-key"

    def detached(self, payload: bytes) -> str:
        return f"signed..{len(payload)}"

    def key_set(self) -> Mapping[str, object]:
        return {"keys": []}


@dataclass
class ScriptedPeer:
    """An exchange that answers by service name; a missing script is a peer that is down."""

    clock: Clock
    answers: dict[str, list[bytes | str]] = field(default_factory=dict)
    """Body to answer with, or the reason of the failure."""
    delay_s: dict[str, float] = field(default_factory=dict)
    seen: list[tuple[str, bytes]] = field(default_factory=list)

    async def __call__(self, send: Send) -> Message:
        self.seen.append((send.service, send.body))
        if delay := self.delay_s.get(send.service):
            await self.clock.sleep_until(_after(self.clock, delay))
        script = self.answers.get(send.service, [])
        answer = script.pop(0) if script else "CONNECT"
        if isinstance(answer, str):
            raise TransportError(answer, "scripted")
        return Message(request_id=send.request_id, service=send.service, body=answer)


def _after(clock: Clock, seconds: float) -> datetime:
    return clock.now() + timedelta(seconds=seconds)
