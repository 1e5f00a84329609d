"""XML signatures of suite and reference VEN: each reads the other's, the gateway reads both, none a forged one."""

from datetime import UTC, datetime, timedelta

import pytest

from certs.issue import openadr
from conformance.kit.checks import signatures
from conformance.kit.oadr20b import build, forging
from conformance.kit.oadr20b import registration as party
from conformance.kit.oadr20b.event import simple
from conformance.kit.oadr20b.signatures import read
from conformance.kit.oadr20b.signing import MD5, RIGHT, SHA1, Seal, Signer, signed
from conformance.kit.schemas import body_faults
from conformance.kit.transcript import Connection, Message, Part, Side, Transcript
from conformance.reference.ven2b.envelope import Signed
from conformance.reference.ven2b.state import Memory
from conformance.reference.wire2b import local, make, message
from gateway.app.virtual import VirtualClock
from gateway.domain.errors import IdentityError
from gateway.protocols import xml
from gateway.protocols.oadr2b.signature.verify import STRICT, verify

NOW = datetime(2026, 5, 4, 13, tzinfo=UTC)
PKI = {"ecc": openadr("ecc", NOW), "rsa": openadr("rsa", NOW)}
VTN, VEN = PKI["ecc"].vtn("localhost"), PKI["ecc"].ven("ven-1")
SUITE = Signer.of(VTN.chain_pem, VTN.key_pem)


def listing(name: str = "event-1") -> bytes:
    event = build.ei_event(simple(name, NOW, timedelta(hours=1)), NOW, "http://program")
    return build.payload(
        build.distribute_event([event], vtn_id="v", request_id="q", replying_to="")
    )


def sealed(seal: Seal = RIGHT, name: str = "event-1", nonce: str = "n-1") -> bytes:
    return signed(listing(name), SUITE, NOW, nonce, seal)


def device() -> Signed:
    clock = VirtualClock(NOW)
    own = (VEN.chain_pem, VEN.key_pem, VTN.chain_pem)
    return Signed(*own, Memory(), clock, lambda: "nonce-of-device")


def poll() -> bytes:
    return device().wrap(message("oadr:oadrPoll", make("ei:venID", "ven-1")))


@pytest.mark.spec("OpenADR 2.0b section 10.6")
@pytest.mark.parametrize("kind", ["ecc", "rsa"])
def test_what_the_suite_signs_is_valid_and_verifies_for_judge_and_gateway(kind: str) -> None:
    leaf = PKI[kind].vtn("localhost")
    body = signed(listing(), Signer.of(leaf.chain_pem, leaf.key_pem), NOW, "n-1")

    assert body_faults(body) == ()
    assert (read(body).fault, read(body).algorithm, read(body).nonce) == ("", "", "n-1")
    verified = verify(xml.parse(body), [leaf.fingerprint], NOW, STRICT)
    assert verified.stamp.nonce == "n-1"


@pytest.mark.spec("OpenADR 2.0b section 10.6")
def test_what_the_reference_signs_is_valid_and_verifies_for_judge_and_gateway() -> None:
    body = poll()

    assert body_faults(body) == ()
    assert (read(body).fault, read(body).algorithm) == ("", "")
    assert verify(xml.parse(body), [VEN.fingerprint], NOW, STRICT).signer == VEN.fingerprint


def test_the_reference_believes_what_the_suite_signs_once() -> None:
    ven = device()

    assert local(ven.unwrap(sealed())) == "oadrDistributeEvent"
    with pytest.raises(IdentityError, match="seen before"):
        ven.unwrap(sealed())


DAY = timedelta(days=1)
FORGED = {
    "unsigned": listing(),
    "changed": sealed(Seal(afterwards=forging.change)),
    "value": sealed(Seal(afterwards=forging.break_value)),
    "wrapped": sealed(Seal(afterwards=forging.wrap)),
    "wrapped, one Id": sealed(Seal(afterwards=forging.wrap_under_one_id)),
    "no ReplayProtect": sealed(Seal(protect=False)),
    "loose ReplayProtect": sealed(Seal(protect_covered=False)),
    "MD5": sealed(Seal(digest=MD5)),
}
OLD = {
    "SHA-1 digest": sealed(Seal(digest=SHA1)),
    "SHA-1 value": sealed(Seal(sha1_value=True)),
    "yesterday": sealed(Seal(age=DAY)),
    "tomorrow": sealed(Seal(age=-DAY)),
}


@pytest.mark.spec("OpenADR 2.0b rule 514")
@pytest.mark.parametrize("name", sorted({**FORGED, **OLD}))
def test_the_reference_believes_no_forged_message(name: str) -> None:
    with pytest.raises(IdentityError):
        device().unwrap({**FORGED, **OLD}[name])


@pytest.mark.parametrize("name", sorted(FORGED))
def test_the_judge_finds_every_forged_message(name: str) -> None:
    assert read(FORGED[name]).fault


@pytest.mark.parametrize("name", ["SHA-1 digest", "SHA-1 value"])
def test_the_judge_names_an_algorithm_that_the_standard_does_not(name: str) -> None:
    assert not read(OLD[name]).fault
    assert "sha1" in read(OLD[name]).algorithm


def test_a_stranger_is_known_by_the_certificate() -> None:
    leaf = PKI["ecc"].vtn("elsewhere.example")
    body = signed(listing(), Signer.of(leaf.chain_pem, leaf.key_pem), NOW, "n-1")

    assert read(body).certificate_sha256 != read(sealed()).certificate_sha256
    with pytest.raises(IdentityError, match="another certificate"):
        device().unwrap(body)


def history(*bodies: bytes, peer: str = "") -> Transcript:
    found = Transcript(case="OADR20B-VEN-TST-001")
    found.add(Connection(number=1, at=NOW, opened_by=Side.DEVICE, tls={"peer_sha256": peer}))
    for number, body in enumerate(bodies, 1):
        found.add(
            Message(
                number=number,
                sender=Side.DEVICE,
                part=Part.REQUEST,
                connection=1,
                exchange=number,
                at=NOW,
                elapsed_s=0.0,
                start="POST /x HTTP/1.1",
                headers=(),
                body=body,
            )
        )
    return found


def test_every_message_of_the_device_must_be_signed() -> None:
    check, seen = signatures.signs_everything(), signatures.signatures_seen(1)
    good, bad = history(poll()), history(poll(), build.payload(party.poll("ven-1")))

    assert (check(good), seen.count(good)) == ([], 1)
    assert ([f.message for f in check(bad)], seen.count(bad)) == ([2], 1)


def test_the_algorithms_of_the_device_are_those_of_the_standard() -> None:
    check = signatures.signs_by_named_algorithms()

    assert check(history(sealed())) == []
    assert "sha1" in check(history(sealed(Seal(digest=SHA1))))[0].observed


def test_the_device_signs_by_the_certificate_of_its_connection() -> None:
    check, own = signatures.signs_as_it_shows_itself(), read(poll()).certificate_sha256

    assert check(history(poll(), peer=own)) == []
    assert check(history(poll(), peer="")) == []
    assert check(history(poll(), peer="0" * 64))


def test_timestamps_are_of_the_present_and_nonces_fresh() -> None:
    check = signatures.protects_from_replay()

    assert check(history(sealed(), sealed(nonce="n-2"))) == []
    assert [f.message for f in check(history(sealed(), sealed()))] == [2]
    for age in (timedelta(minutes=2), -timedelta(minutes=2)):
        assert "timestamp" in check(history(sealed(Seal(age=age))))[0].path


def test_a_document_counts_as_brought_when_it_arrived_whole() -> None:
    transcript = history()
    assert signatures.brought("odd").count(transcript) == 0
    for number, fault in ((1, ""), (2, "reset_mid")):
        transcript.add(
            Message(
                number=number,
                sender=Side.SUITE,
                part=Part.RESPONSE,
                connection=1,
                exchange=0,
                at=NOW,
                elapsed_s=0.0,
                start="HTTP/1.1 200 OK",
                headers=(),
                body=listing(),
                wrong="odd",
                fault=fault,
            )
        )
    assert signatures.brought("odd").count(transcript) == 1
