"""The replay window: its edges, its bounds, and what a restart leaves of it."""

from datetime import timedelta

import pytest

from gateway.domain.errors import IdentityError
from gateway.protocols.oadr2b.signature.replay import BUCKET_S, Limits, ReplayWindow, Stamp
from tests.signing import NOW

pytestmark = pytest.mark.spec("OpenADR 2.0b rule 514")
SECOND = timedelta(seconds=1)


def stamp(off_s: float = 0, nonce: str = "n") -> Stamp:
    return Stamp(at=NOW + timedelta(seconds=off_s), nonce=nonce)


def refused(window: ReplayWindow, peer: str, one: Stamp, later: timedelta = timedelta(0)) -> str:
    try:
        window.admit(peer, one, NOW + later)
    except IdentityError as error:
        return error.reason
    return ""


@pytest.mark.parametrize(
    ("off_s", "reason"), [(60, ""), (60.001, "REPLAY_TIME"), (-60, ""), (-60.001, "REPLAY_TIME")]
)
def test_the_window_has_both_edges(off_s: float, reason: str) -> None:
    assert refused(ReplayWindow(Limits()), "a", stamp(off_s)) == reason


def test_its_width_is_a_setting() -> None:
    window = ReplayWindow(Limits(past=5 * SECOND, future=0 * SECOND))

    assert refused(window, "a", stamp(-6)) == "REPLAY_TIME"
    assert refused(window, "a", stamp(0.001)) == "REPLAY_TIME"
    assert refused(window, "a", stamp(-5)) == ""


def test_the_same_stamp_is_taken_once_from_each_peer() -> None:
    window = ReplayWindow(Limits())

    assert refused(window, "a", stamp()) == ""
    assert refused(window, "a", stamp()) == "REPLAY_SEEN"
    assert refused(window, "b", stamp()) == ""
    assert refused(window, "a", stamp(nonce="m")) == ""
    assert refused(window, "a", stamp(1)) == ""


def test_a_stamp_is_remembered_as_long_as_its_time_is_accepted() -> None:
    window = ReplayWindow(Limits())
    window.admit("a", stamp(60), NOW)

    for second in range(121):
        assert refused(window, "a", stamp(60), second * SECOND) == "REPLAY_SEEN"
    assert refused(window, "a", stamp(60), 121 * SECOND) == "REPLAY_TIME"


def test_a_restart_forgets_nothing() -> None:
    window = ReplayWindow(Limits())
    window.admit("a", stamp(), NOW)

    again = ReplayWindow(Limits(), window.remembered())

    assert refused(again, "a", stamp()) == "REPLAY_SEEN"
    assert again.remembered() == window.remembered()


def test_a_clock_set_back_does_not_reopen_what_was_dropped() -> None:
    window = ReplayWindow(Limits())
    window.admit("a", stamp(), NOW)
    assert refused(window, "a", stamp(600), 600 * SECOND) == ""
    assert [seen.bucket for seen in window.remembered().seen] == [
        int((NOW.timestamp() + 600) // BUCKET_S)
    ]

    assert refused(window, "a", stamp()) == "REPLAY_TIME"
    assert refused(ReplayWindow(Limits(), window.remembered()), "a", stamp()) == "REPLAY_TIME"


def test_a_full_window_refuses_what_is_new_instead_of_forgetting() -> None:
    window = ReplayWindow(Limits(of_one_peer=3, of_all=5))
    for number in range(3):
        window.admit("a", stamp(nonce=str(number)), NOW)

    assert refused(window, "a", stamp(nonce="3")) == "REPLAY_FULL"
    assert refused(window, "a", stamp(nonce="0")) == "REPLAY_SEEN"
    assert refused(window, "b", stamp(nonce="0")) == ""
    assert refused(window, "b", stamp(nonce="1")) == ""
    assert refused(window, "c", stamp(nonce="0")) == "REPLAY_FULL"


def test_room_comes_back_with_time() -> None:
    window = ReplayWindow(Limits(of_one_peer=1))
    window.admit("a", stamp(), NOW)
    later = stamp(75)

    assert refused(window, "a", later, 75 * SECOND) == ""
    assert len(window.remembered().seen) == 1
