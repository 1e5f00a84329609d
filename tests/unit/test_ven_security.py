"""A VEN with high security: what the VTN does not sign, or signed before, has no effect, whatever happens between."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

import pytest

from gateway.domain.participation import Opt
from gateway.protocols.actions import UNPROVEN, Message, Reply, Send
from gateway.protocols.oadr2b import messages as wire
from gateway.protocols.oadr2b.options import VenOptions
from gateway.protocols.oadr2b.signature.replay import bucket_of
from gateway.protocols.oadr2b.ven_recovery import recovered
from gateway.protocols.oadr2b.ven_snapshot import read_state, write_state
from tests.oadr2b_world import CODEC, MINUTE, NOW, World, event, listing
from tests.signing import OTHER, VTN, Party, message_of

pytestmark = pytest.mark.spec("OpenADR 2.0b rule 514")
SECOND: Final = timedelta(seconds=1)
SIGNED: Final = VenOptions(query_first=False, xml_signature=True)
PUSHING: Final = VenOptions.model_validate(
    {
        "query_first": False,
        "xml_signature": True,
        "mode": "push",
        "push_url": "https://gateway.example/aps",
    }
)


@dataclass
class SealedWorld(World):
    """A world whose VTN signs; ``twist`` may do something to an answer on its way."""

    options: VenOptions = SIGNED
    party: Party = VTN
    peer: str = VTN.fingerprint
    twist: Callable[[bytes], bytes] = lambda body: body
    last: bytes = b""

    def _send(self, send: Send) -> None:
        super()._send(send)
        item = self._inbox[-1]
        if isinstance(item, Message) and item.body:
            sealed = self.party.sealed(item.body, self.now)
            self._inbox[-1] = replace(item, body=self.twist(sealed), peer=self.peer)
            self.last = sealed

    def refused(self) -> list[str]:
        """Return why answers were ignored."""
        return [note.fields["reason"] for note in self.notes if note.word == UNPROVEN]

    def ask(self, body: bytes, service: str = "EiEvent", peer: str = VTN.fingerprint) -> Reply:
        """Push something to the VEN and return its reply."""
        message = Message(request_id="", service=service, body=body, peer=peer)
        actions = self.session.on_message(message, self.now)
        self._perform(actions)
        (reply,) = [action for action in actions if isinstance(action, Reply)]
        return reply


def ready(**keys: object) -> SealedWorld:
    world = SealedWorld(**keys)  # type: ignore[arg-type] # names of fields
    world.settle()
    return world


def test_a_signed_conversation_brings_events_and_answers_them() -> None:
    world = ready()
    world.poll(listing(event("e1")))

    (registration,) = world.of(wire.OadrCreatePartyRegistration)
    assert registration.oadr_xml_signature is True
    assert [found.event_id for found in world.emitted] == ["e1"]
    assert [response[0] for response in world.responses()] == ["e1"]
    assert world.refused() == []


def test_without_high_security_nothing_is_announced() -> None:
    world = World()
    world.settle()

    (registration,) = world.of(wire.OadrCreatePartyRegistration)
    assert registration.oadr_xml_signature is False


def unsigned(_: bytes) -> bytes:
    return CODEC.encode(listing(event("e1")))


def tampered(body: bytes) -> bytes:
    return body.replace(b">e1<", b">e2<")


@pytest.mark.parametrize(
    ("twist", "reason"), [(unsigned, "SIGNATURE_MISSING"), (tampered, "SIGNATURE_DIGEST")]
)
def test_what_is_not_signed_right_has_no_effect_and_is_asked_for_again(
    twist: Callable[[bytes], bytes], reason: str
) -> None:
    world = ready()
    world.twist = twist
    world.poll(listing(event("e1")))

    assert world.emitted == []
    assert set(world.refused()) == {reason}
    world.twist = lambda body: body
    world.vtn.queue.append(listing(event("e1")))
    world.run(MINUTE)
    assert [found.event_id for found in world.emitted] == ["e1"]


def test_a_message_that_got_no_believed_answer_is_repeated_under_its_request_id() -> None:
    world = ready(twist=unsigned)
    world.run(MINUTE)

    attempts = world.of(wire.OadrCreatePartyRegistration)
    assert len(attempts) > 3
    assert {attempt.request_id for attempt in attempts} == {attempts[0].request_id}
    assert read_state(world.saved or b"").registration.registration_id == ""


@pytest.mark.parametrize("restart", [False, True])
def test_an_answer_that_came_before_is_refused_also_after_a_restart(restart: bool) -> None:
    world = ready()
    world.decide = lambda _: None
    world.vtn.queue.append(listing(event("e1")))
    world.run(10 * SECOND)
    (brought,) = world.emitted
    assert brought.event_id == "e1"
    copied: list[bytes] = []
    world.twist = lambda body: copied[0] if copied else body
    world.run(10 * SECOND)
    copied.append(world.last)
    if restart:
        world.restart()
    world.run(20 * SECOND)

    assert world.refused()
    assert set(world.refused()) == {"REPLAY_SEEN"}


@pytest.mark.parametrize("off_s", [-61, 61])
def test_an_answer_from_another_time_is_refused(off_s: int) -> None:
    world = ready()
    other = world.party.sealed(
        CODEC.encode(listing(event("e1"))), world.now + timedelta(seconds=off_s + 10)
    )
    world.twist = lambda _: other
    world.run(10 * SECOND)

    assert world.emitted == []
    assert world.refused()[0] == "REPLAY_TIME"


@pytest.mark.spec("OpenADR 2.0b section 10.6")
def test_the_key_must_be_that_of_the_connection() -> None:
    world = ready(party=OTHER)

    assert set(world.refused()) == {"SIGNATURE_CERTIFICATE"}


def test_a_signing_certificate_of_its_own_is_named_in_the_settings() -> None:
    named = SIGNED.model_copy(update={"signature_fingerprints": (OTHER.fingerprint,)})
    world = ready(party=OTHER, options=named)

    assert world.refused() == []
    assert read_state(world.saved or b"").registration.registration_id == "reg-1"
    world.party = VTN
    world.run(MINUTE)
    assert set(world.refused()) == {"SIGNATURE_CERTIFICATE"}


def test_without_tls_and_without_a_named_certificate_nobody_is_believed() -> None:
    world = ready(peer="")

    assert set(world.refused()) == {"SIGNATURE_CERTIFICATE"}


def test_the_stored_window_stays_small() -> None:
    world = ready()
    world.run(20 * MINUTE)

    kept = read_state(world.saved or b"").replay
    assert 6 <= len(kept.seen) <= 20
    assert kept.floor > bucket_of(NOW)


def test_switching_high_security_on_renews_the_registration() -> None:
    world = SealedWorld(options=SIGNED.model_copy(update={"xml_signature": False}))
    world.settle()
    world.options = SIGNED
    world.restart()
    world.settle()

    first, second = world.of(wire.OadrCreatePartyRegistration)
    assert (first.oadr_xml_signature, second.oadr_xml_signature) == (False, True)
    assert second.registration_id == "reg-1"
    world.restart()
    world.settle()
    assert len(world.of(wire.OadrCreatePartyRegistration)) == 2


def test_a_restored_backup_takes_nothing_that_was_sent_before_the_restore() -> None:
    world = ready()
    world.saved = recovered(world.saved or b"", world.now)
    copy = world.last
    world.session = world._session()
    world.twist = lambda _: copy
    world._perform(world.session.on_time(world.now))
    world.settle()

    assert world.refused() == ["REPLAY_TIME"]
    assert read_state(write_state(read_state(world.saved))) == read_state(world.saved)


# --- push


def test_an_unsigned_push_is_answered_463_and_has_no_effect() -> None:
    world = ready(options=PUSHING)
    reply = world.ask(CODEC.encode(listing(event("e1"))))

    answer = CODEC.decode(reply.body)
    assert isinstance(answer, wire.OadrResponse)
    assert answer.ei_response.response_code == "463"
    assert world.emitted == []
    assert world.refused() == ["SIGNATURE_MISSING"]


def test_a_signed_push_takes_effect_once() -> None:
    world = ready(options=PUSHING)
    world.decide = lambda _: Opt.IN
    pushed = VTN.sealed(CODEC.encode(replace(listing(event("e1")), ei_response=None)), world.now)

    assert world.ask(pushed).status == 200
    world.settle()
    assert [found.event_id for found in world.emitted] == ["e1"]

    again = CODEC.decode(world.ask(pushed).body)
    assert isinstance(again, wire.OadrResponse)
    assert again.ei_response.response_code == "463"
    assert world.refused() == ["REPLAY_SEEN"]


def test_what_the_ven_sends_can_be_sealed_anew_at_each_attempt() -> None:
    world = ready(twist=unsigned)
    world.run(5 * SECOND)
    bodies = [sent.body for sent in world.sent]

    one, other = (OTHER.sealed(body, NOW + at * SECOND) for at, body in enumerate(bodies[:2]))

    assert one != other
    assert message_of(one, OTHER) == message_of(other, OTHER)
