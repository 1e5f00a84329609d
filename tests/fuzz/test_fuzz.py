"""Damaged messages against every reader, from a fixed seed; and proof that the attack finds what is planted."""

import pytest

from conformance.fuzz.engine import attack, tries
from conformance.fuzz.targets import CODEC, BrokenError, SignedTarget, Target, targets
from gateway.domain.errors import WireError
from gateway.protocols.oadr2b.messages import OadrDistributeEvent
from gateway.protocols.sep2.codec import decode

TARGETS = targets()
RUNS = {
    "xml": 20_000,
    "decode2b": 20_000,
    "sep2": 12_000,
    "ven2b": 1200,
    "signed2b": 8_000,
    "vtn2b": 12_000,
}
SEED = 20261121


def test_every_target_has_its_share() -> None:
    assert set(RUNS) == set(TARGETS)


@pytest.mark.slow
@pytest.mark.spec("reliability_security R-IN-1")
@pytest.mark.parametrize("name", RUNS)
def test_no_damaged_message_crashes_hangs_or_leaves_a_trace(name: str) -> None:
    found = attack(TARGETS[name], SEED, RUNS[name])

    assert found is None, (found.why, found.body)


def test_whole_messages_are_understood_so_that_damage_starts_from_something() -> None:
    for target in TARGETS.values():
        for seed in target.seeds:
            if target.name == "sep2":
                assert decode(seed, object, strict=True).leftovers == ()
            else:
                CODEC.decode(seed)


def test_a_seed_makes_the_same_inputs_again() -> None:
    target = TARGETS["decode2b"]

    assert list(tries(target, 3, 200)) == list(tries(target, 3, 200))
    assert list(tries(target, 3, 200)) != list(tries(target, 4, 200))


def _trusting(body: bytes) -> None:
    """Read a listing as if every signal's name were one of ours."""
    try:
        message = CODEC.decode(body)
    except WireError:
        return
    if isinstance(message, OadrDistributeEvent):
        for event in message.oadr_events:
            for signal in getattr(event.ei_event, "ei_event_signals", ()):
                _ = {"SIMPLE": 0, "LOAD_DISPATCH": 1}[signal.signal_name]


def _forgetful(body: bytes) -> None:
    """Stop at a message that says nothing new."""
    try:
        CODEC.decode(body)
    except WireError as error:
        if error.reason == "DOCTYPE":
            raise BrokenError("planted") from None


class _Careless(SignedTarget):
    """Reads what stands in a signed message, whether or not it is what was signed."""

    def __call__(self, body: bytes) -> None:
        try:
            message = CODEC.decode(body)
        except WireError:
            return
        if message not in self._signed.values():
            raise BrokenError("planted")


def test_a_reader_that_does_not_verify_is_found() -> None:
    careless = _Careless(TARGETS["ven2b"].seeds[:2])
    target = Target("planted", careless, careless.seeds)

    found = attack(target, SEED, RUNS["signed2b"])

    assert found is not None
    assert "planted" in found.why


@pytest.mark.parametrize(("planted", "why"), [(_trusting, "KeyError"), (_forgetful, "BrokenError")])
def test_a_planted_fault_is_found_and_made_small(planted: object, why: str) -> None:
    seeds = TARGETS["ven2b"].seeds[:1]
    target = Target("planted", planted, seeds)  # type: ignore[arg-type]  # one of the two above

    found = attack(target, SEED, RUNS["decode2b"])

    assert found is not None
    assert found.why.startswith(why)
    assert len(found.body) < len(max(seeds, key=len))
