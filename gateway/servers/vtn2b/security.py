"""High security at the VTN: who must sign, what is believed, and the answers that are signed.

A VEN must sign what it announced at registration (oadrXmlSignature), or everybody where the operator says so. What is
not signed right has no effect and is answered 463, or with HTTP 403 by setting. An answer is signed when its request
was, or should have been.

Spec: OpenADR 2.0b section 10.6, rules 514 and 517.
"""

import asyncio
import functools
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

from gateway.domain.errors import IdentityError
from gateway.domain.ports import Clock
from gateway.protocols.oadr2b.codec import Codec
from gateway.protocols.oadr2b.messages import Message, OadrCreatePartyRegistration
from gateway.protocols.oadr2b.server import Vtn
from gateway.protocols.oadr2b.signature.envelope import Opened, Seal, Trust, opened
from gateway.protocols.oadr2b.signature.replay import Limits, ReplayWindow
from gateway.protocols.oadr2b.signature.verify import STRICT, Policy
from gateway.protocols.oadr2b.vtn_registration import known
from gateway.protocols.xml import MAX_BYTES, OFF_LOOP_BYTES
from gateway.servers.vtn2b.replay_journal import Forgetful, Journal

SEALED_OFF_LOOP: Final = 64 << 10


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityOptions:
    """How a VTN does high security."""

    seal: Seal
    """Signs with the VTN's key."""
    wanted: Literal["registered", "always"] = "registered"
    """From whom signatures are wanted: VENs that announced them at registration, or everybody."""
    policy: Policy = STRICT
    limits: Limits = field(default_factory=Limits)
    refusal: Literal["463", "403"] = "463"
    """What an unsigned or wrong message is told: an oadrResponse with this code, or this HTTP status."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A message of a VEN, and whether its answer is to be signed."""

    message: Message
    sealed: bool


class Security:
    """Opens what VENs send and seals what they are answered.

    Args:
        options: What the operator chose.
        codec: Reads messages.
        clock: Time.
        journal: Keeps stamps beyond the process.
    """

    def __init__(
        self, options: SecurityOptions, codec: Codec, clock: Clock, journal: Journal | None = None
    ) -> None:
        self.options = options
        self._codec = codec
        self._clock = clock
        self._journal = journal if journal is not None else Forgetful()
        self._window = ReplayWindow(options.limits)

    async def start(self) -> None:
        """Read what was kept.

        Raises:
            StoreError: it cannot be read.
        """
        self._window = ReplayWindow(self.options.limits, await self._journal.load())

    def wants(self, vtn: Vtn, peer: str, now: datetime) -> bool:
        """Say whether messages over a connection must be signed.

        Args:
            vtn: Knows its VENs.
            peer: Fingerprint of the client's certificate.
            now: Current instant.
        """
        if self.options.wanted == "always":
            return True
        ven = known(vtn.page(now), peer, None)
        return ven is not None and ven.xml_signature

    async def receive(self, body: bytes, peer: str, vtn: Vtn, largest: int) -> Received:
        """Return a message that may take effect; its stamp is durable.

        Raises:
            WireError: it is no message.
            IdentityError: ``SIGNATURE_…`` or ``REPLAY_…``.
            StoreError: its stamp cannot be kept.
        """
        now = self._clock.now()
        wanted = self.wants(vtn, peer, now)
        signers = (peer,) if peer else ()
        trust = Trust(signers=signers, policy=self.options.policy, required=wanted)
        found = await self._opened(body, trust, now, largest)
        if found.stamp is None:
            if _announces(found.message):
                detail = "a registration with oadrXmlSignature must be signed itself"
                raise IdentityError("SIGNATURE_MISSING", detail)
            return Received(message=found.message, sealed=False)
        await self._admit(found, now)
        return Received(message=found.message, sealed=True)

    async def read_reply(self, body: bytes, signers: Collection[str]) -> Message:
        """Return what a VEN replied to a push; its stamp is durable.

        Args:
            body: As received.
            signers: Fingerprints of the VEN's certificates.

        Raises:
            WireError: it is no message.
            IdentityError: ``SIGNATURE_…`` or ``REPLAY_…``.
            StoreError: its stamp cannot be kept.
        """
        now = self._clock.now()
        trust = Trust(signers=signers, policy=self.options.policy)
        found = await self._opened(body, trust, now, MAX_BYTES)
        await self._admit(found, now)
        return found.message

    async def _admit(self, found: Opened, now: datetime) -> None:
        if found.stamp is not None:
            seen = self._window.admit(found.signer, found.stamp, now)
            await self._journal.keep(seen, self._window.floor)

    async def _opened(self, body: bytes, trust: Trust, now: datetime, largest: int) -> Opened:
        work = functools.partial(opened, self._codec, body, trust, now, largest=largest)
        if len(body) <= OFF_LOOP_BYTES:
            return work()
        return await asyncio.get_running_loop().run_in_executor(None, work)

    async def seal(self, body: bytes) -> bytes:
        """Return an answer as it goes out."""
        now = self._clock.now()
        if len(body) <= SEALED_OFF_LOOP:
            return self.options.seal.seal(body, now)
        work = functools.partial(self.options.seal.seal, body, now)
        return await asyncio.get_running_loop().run_in_executor(None, work)


def _announces(message: Message) -> bool:
    return isinstance(message, OadrCreatePartyRegistration) and message.oadr_xml_signature
