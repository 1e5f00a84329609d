"""Any message can be signed and read again; any change of a signed part is refused; nonces are never forgotten."""

from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from gateway.domain.errors import GatewayError, IdentityError
from gateway.protocols import xml
from gateway.protocols.oadr2b.messages import Message
from gateway.protocols.oadr2b.signature.names import ds
from gateway.protocols.oadr2b.signature.replay import Limits, ReplayWindow, Stamp
from tests.oadr2b_strategies import messages
from tests.signing import CODEC, NOW, VEN, VTN, Party, message_of, read

pytestmark = pytest.mark.spec("OpenADR 2.0b rule 514")
SLOW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
parties = st.sampled_from([VEN, VTN])


@SLOW
@given(message=messages, party=parties)
def test_whatever_is_sealed_reads_back_equal(message: Message, party: Party) -> None:
    assert message_of(party.sealed(CODEC.encode(message)), party) == message


@SLOW
@given(message=messages, data=st.data())
def test_whatever_byte_is_changed_the_message_stays_the_same_or_is_refused(
    message: Message, data: st.DataObject
) -> None:
    body = VEN.sealed(CODEC.encode(message))
    at = data.draw(st.integers(0, len(body) - 1))
    flipped = body[at] ^ data.draw(st.integers(1, 255))
    changed = body[:at] + bytes([flipped]) + body[at + 1 :]

    try:
        found = read(changed)
    except GatewayError:
        return
    original = read(body)
    assert found.message == message
    assert found.stamp == original.stamp
    assert found.signer == original.signer


@SLOW
@given(message=messages, data=st.data())
def test_any_text_of_the_message_or_of_its_time_that_is_changed_is_refused(
    message: Message, data: st.DataObject
) -> None:
    root = xml.parse(VEN.sealed(CODEC.encode(message)))
    properties = root.find(f".//{ds('SignatureProperties')}")
    assert properties is not None
    leaves = [e for part in (root[1], properties) for e in part.iter() if not len(e)]
    chosen = data.draw(st.sampled_from(leaves))
    chosen.text = (chosen.text or "") + "x"

    with pytest.raises(IdentityError, match=r"SIGNATURE_DIGEST|REPLAY_MISSING"):
        read(etree.tostring(root))


# --- the replay window against a model that never forgets

steps = st.lists(
    st.tuples(
        st.sampled_from(["a", "b"]),
        st.integers(-90, 90),  # stamp minus now, seconds
        st.integers(0, 3),  # nonce
        st.integers(-40, 60),  # how the clock moves before
        st.booleans(),  # restart before
    ),
    max_size=60,
)


@settings(max_examples=200, deadline=None)
@given(steps=steps)
def test_no_stamp_is_ever_taken_twice_whatever_clock_and_restarts_do(
    steps: list[tuple[str, int, int, int, bool]],
) -> None:
    limits = Limits()
    window, now = ReplayWindow(limits), NOW
    taken: set[tuple[str, datetime, str]] = set()
    for peer, off_s, nonce, moved_s, restart in steps:
        now += timedelta(seconds=moved_s)
        if restart:
            window = ReplayWindow(limits, window.remembered())
        stamp = Stamp(at=now + timedelta(seconds=off_s), nonce=str(nonce))
        key = (peer, stamp.at, stamp.nonce)
        try:
            window.admit(peer, stamp, now)
        except IdentityError as error:
            outside = abs(off_s) > 60 or stamp.at < NOW - timedelta(days=1)
            assert error.reason == "REPLAY_TIME" or key in taken
            assert not outside or error.reason == "REPLAY_TIME"
        else:
            assert abs(off_s) <= 60
            assert key not in taken
            taken.add(key)


@settings(max_examples=50, deadline=None)
@given(offs=st.lists(st.integers(-60, 60), max_size=40, unique=True))
def test_with_a_clock_that_only_goes_on_every_new_stamp_inside_the_window_is_taken(
    offs: list[int],
) -> None:
    window, now = ReplayWindow(Limits()), NOW
    for off_s in offs:
        window.admit("a", Stamp(at=now + timedelta(seconds=off_s), nonce=str(off_s)), now)
        now += timedelta(seconds=1)
