"""What is attacked, and what must hold for every input: no crash, no endless work, no trace of a refused message."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from certs.issue import openadr
from certs.keys import Seeded
from conformance.fuzz import corpus, sep2
from conformance.simulation.cast import UTILITY, scope
from gateway.app.ids import SeededChance, SeededIds
from gateway.domain.errors import GatewayError, IdentityError, WireError
from gateway.protocols import xml
from gateway.protocols.actions import Emit, Message, Send
from gateway.protocols.entry import Tools
from gateway.protocols.oadr2b import messages as wire
from gateway.protocols.oadr2b.client import VenSession
from gateway.protocols.oadr2b.codec import Codec
from gateway.protocols.oadr2b.options import VenOptions
from gateway.protocols.oadr2b.server import Vtn
from gateway.protocols.oadr2b.signature.envelope import Trust, opened
from gateway.protocols.oadr2b.signature.keys import signing_key
from gateway.protocols.oadr2b.signature.sign import Sealer
from gateway.protocols.oadr2b.vtn_book import VtnOptions
from gateway.transport.schemas import load_oadr20b_schema

VTN_ID: Final = "vtn-fuzz"
FINGERPRINT: Final = "59:4D:D8:CD:35:8E:E7:F7:86:94"
POLL: Final = timedelta(seconds=10)
ASKED: Final = ("EiEvent", "OadrPoll")
"""Exchanges of the VEN whose answers are damaged."""
MOST_TURNS: Final = 20
CODEC: Final = Codec(load_oadr20b_schema())


class BrokenError(AssertionError):
    """A property does not hold for an input."""


@dataclass(frozen=True, slots=True)
class Target:
    """One reader under attack."""

    name: str
    holds: Callable[[bytes], None]
    """Raises ``BrokenError``, or whatever the crash raises, when an input does harm."""
    seeds: tuple[bytes, ...]
    what: str = field(default="", kw_only=True)


def parser(body: bytes) -> None:
    """Read a document: an element, or a ``WireError``."""
    try:
        xml.parse(body)
    except WireError:
        return


def decoder(body: bytes, codec: Codec = CODEC) -> None:
    """Read a message: what is read, written and read again is the same message."""
    try:
        message = codec.decode(body)
    except WireError:
        return
    try:
        again = codec.encode(message)
    except GatewayError:
        return  # e.g. an interval without a number: valid by the schema, never written by us
    if codec.decode(again) != message:
        raise BrokenError("a message changed on its way through the codec")


class VenTarget:
    """A registered VEN whose poll is answered with anything at all."""

    def __init__(self) -> None:
        self._tools: Final = Tools(
            chance=SeededChance(1, "fuzz"), ids=SeededIds(1, "fuzz"), schema=load_oadr20b_schema()
        )
        self._registered()

    @property
    def seeds(self) -> tuple[bytes, ...]:
        """Return what a VTN may rightly say to it."""
        return corpus.from_vtn(VTN_ID, self._ven_id, self._registration_id)

    def __call__(self, body: bytes) -> None:
        """Answer its poll; a refused answer leaves no trace but in the exchange itself.

        Raises:
            BrokenError: an unreadable answer made events, or changed what is remembered.
        """
        for service in ASKED:
            session, sent = self._waiting_for(service)
            before = session.snapshot()
            answer = Message(request_id=sent.request_id, service=service, body=body, date=self._now)
            actions = session.on_message(answer, self._now)
            if _unreadable(body):
                _left_alone(session, before, actions)
            self._session(session.snapshot())

    def _waiting_for(self, service: str) -> tuple[VenSession, Send]:
        """Return a session that has asked for its events, or has been told them and polls."""
        session = self._session(self._state)
        sent = _sends(session.on_time(self._now))[0]
        while sent.service != service:
            answer = Message(request_id=sent.request_id, service=sent.service, body=self._nothing)
            actions = session.on_message(answer, self._now)
            sent = _sends((*actions, *session.on_time(self._now + POLL)))[0]
        return session, sent

    def _session(self, state: bytes | None) -> VenSession:
        options = VenOptions(query_first=False, jitter=0)
        return VenSession(options, scope((str(UTILITY),)), self._tools, state)

    def _registered(self) -> None:
        """Let it register with a VTN of ours, up to its second poll."""
        vtn = Vtn(VtnOptions(vtn_id=VTN_ID, poll_every=POLL), SeededIds(2, "fuzz"))
        session = self._session(None)
        self._now = corpus.NOW
        waiting = [action for action in session.on_time(self._now) if isinstance(action, Send)]
        for _ in range(MOST_TURNS):
            if not waiting:
                break
            send = waiting.pop(0)
            turn = vtn.on_message(send.service, CODEC.decode(send.body), FINGERPRINT, self._now)
            vtn.take(turn)
            body = b"" if turn.reply is None else CODEC.encode(turn.reply)
            answer = Message(request_id=send.request_id, service=send.service, body=body)
            waiting += _sends(session.on_message(answer, self._now))
        (ven,) = vtn.page(self._now).vens()
        self._ven_id, self._registration_id = ven.ven_id, ven.registration_id
        self._state = session.snapshot()
        none = wire.OadrDistributeEvent(request_id="d", vtn_id=VTN_ID)
        self._nothing = CODEC.encode(none)
        self._now += POLL * 2


class VtnTarget:
    """A VTN with one registered VEN, to which somebody with that VEN's certificate says anything at all."""

    def __init__(self) -> None:
        self._now: Final = corpus.NOW
        self._vtn = Vtn(VtnOptions(vtn_id=VTN_ID, poll_every=POLL), SeededIds(2, "fuzz"))
        asked = wire.OadrCreatePartyRegistration(request_id="r", oadr_http_pull_model=True)
        turn = self._vtn.on_message("EiRegisterParty", asked, FINGERPRINT, self._now)
        self._vtn.take(turn)
        (ven,) = self._vtn.page(self._now).vens()
        self._bodies = corpus.from_ven(VTN_ID, ven.ven_id, ven.registration_id)

    @property
    def seeds(self) -> tuple[bytes, ...]:
        """Return what a VEN may rightly say to it."""
        return tuple(body for bodies in self._bodies.values() for body in bodies)

    def __call__(self, body: bytes) -> None:
        """Say it at every door; a refusal is a message, and changes nothing.

        Raises:
            BrokenError: a refused message changed a record, or the answer is no valid message.
        """
        try:
            message = CODEC.decode(body)
        except WireError:
            return
        for service in self._bodies:
            turn = self._vtn.on_message(service, message, FINGERPRINT, self._now)
            if turn.reply is None:
                continue
            CODEC.decode(CODEC.encode(turn.reply))
            code = _code(turn.reply)
            if code and not code.startswith("2") and turn.changes:
                raise BrokenError(
                    f"a message refused with {code} changed {len(turn.changes)} records"
                )


class SignedTarget:
    """The reader of signed messages: whatever is done to one, nothing but what was signed comes out.

    Signatures differ from run to run, in the same places and of the same length.

    Args:
        bodies: Messages to sign.
    """

    def __init__(self, bodies: Sequence[bytes]) -> None:
        leaf = openadr("ecc", corpus.NOW, source=Seeded(b"fuzz")).ven("ven-fuzz")
        sealer = Sealer(signing_key(leaf.chain_pem, leaf.key_pem), SeededIds(3, "fuzz"))
        self._trust: Final = Trust(signers=(leaf.fingerprint,))
        self.seeds: Final = tuple(sealer.seal(body, corpus.NOW) for body in bodies)
        found = [opened(CODEC, seed, self._trust, corpus.NOW) for seed in self.seeds]
        self._signed: Final = {each.stamp: each.message for each in found}

    def __call__(self, body: bytes) -> None:
        """Open it.

        Raises:
            BrokenError: something came out that nobody signed, or under another time or nonce.
        """
        try:
            found = opened(CODEC, body, self._trust, corpus.NOW)
        except (WireError, IdentityError):
            return
        if self._signed.get(found.stamp) != found.message:
            raise BrokenError("a message was believed that nobody had signed so")


def targets() -> Mapping[str, Target]:
    """Make every target, by name."""
    ven, vtn = VenTarget(), VtnTarget()
    signed = SignedTarget(ven.seeds[:3] + vtn.seeds[:3])
    everything = (*ven.seeds, *vtn.seeds)
    made = (
        Target("xml", parser, everything, what="the XML parser"),
        Target("decode2b", decoder, everything, what="the codec of OpenADR 2.0b"),
        Target("sep2", sep2.reader, sep2.seeds(), what="the codec of IEEE 2030.5"),
        Target("ven2b", ven, ven.seeds, what="a registered VEN and the answer to its poll"),
        Target("signed2b", signed, signed.seeds, what="the reader of signed messages"),
        Target("vtn2b", vtn, vtn.seeds, what="a VTN and the requests of a registered VEN"),
    )
    return {target.name: target for target in made}


def _left_alone(session: VenSession, before: bytes, actions: Sequence[object]) -> None:
    if any(isinstance(action, Emit) for action in actions):
        raise BrokenError("an unreadable answer made events")
    if session.snapshot() != before:
        raise BrokenError("an unreadable answer changed what is remembered")


def _sends(actions: Sequence[object]) -> list[Send]:
    return [action for action in actions if isinstance(action, Send)]


def _unreadable(body: bytes) -> bool:
    """Say whether a body is neither a message nor empty: an empty one is an answer of its own."""
    if not body.strip():
        return False
    try:
        CODEC.decode(body)
    except WireError:
        return True
    return False


def _code(reply: wire.Message) -> str:
    answer = getattr(reply, "ei_response", None)
    return answer.response_code if isinstance(answer, wire.EiResponse) else ""
