"""The VEN polls on time, drains, backs off, survives what it is sent, and watches the VTN's clock."""

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest

from gateway.domain.participation import Opt
from gateway.protocols.actions import Failure, Message, Send, Wake
from gateway.protocols.entry import ClockPolicy
from gateway.protocols.oadr2b import messages as wire
from gateway.protocols.oadr2b.options import VenOptions
from tests.fakes import FixedChance
from tests.oadr2b_world import (
    HOUR,
    NOW,
    SCOPE,
    Reply,
    ScriptedVtn,
    World,
    cancelled,
    event,
    listing,
    ok,
)

SECOND = timedelta(seconds=1)
TEN = 10 * SECOND
MINUTE = timedelta(minutes=1)


GONE = listing(cancelled(event()))
"""Answered on the spot, without a decision."""


class Halfway(FixedChance):
    """Chance that always falls in the middle."""

    def random(self) -> float:
        return 0.5


def gaps(world: World, kind: type = wire.OadrPoll) -> list[timedelta]:
    times = world.times_of(kind)
    return [after - before for before, after in pairwise(times)]


def ready(**keys: object) -> World:
    world = World(**keys)  # type: ignore[arg-type] # names of fields, checked when it is made
    world.settle()
    return world


# --- polling


@pytest.mark.spec("OpenADR 2.0b section 8.6, rule 500")
@pytest.mark.spec("OpenADR 2.0b rule 500")
def test_polls_come_at_the_period_that_the_vtn_asked_for() -> None:
    world = ready(vtn=ScriptedVtn(poll_every=7 * SECOND))

    world.run(MINUTE)

    assert set(gaps(world)) == {7 * SECOND}


@pytest.mark.parametrize(
    ("asked", "options", "period"),
    [
        (None, {}, TEN),
        (None, {"poll_period": "PT25S"}, 25 * SECOND),
        (timedelta(0), {}, TEN),
        (-SECOND, {}, SECOND),
        (SECOND, {"poll_at_most_every": "PT20S"}, 20 * SECOND),
    ],
)
def test_the_period_is_never_below_our_own_limit(
    asked: timedelta | None, options: dict[str, str], period: timedelta
) -> None:
    keys = VenOptions.model_validate({"query_first": False, **options})
    vtn = ScriptedVtn(poll_every=asked)  # type: ignore[arg-type] # some VTNs leave it out
    world = ready(vtn=vtn, options=keys)

    world.run(2 * MINUTE)

    assert set(gaps(world)) == {period}


@pytest.mark.spec("OpenADR 2.0b section 9.1.8")
@pytest.mark.parametrize(
    ("jitter", "first"), [("1", 5 * SECOND), ("0.5", 2.5 * SECOND), ("0", 0 * SECOND)]
)
def test_the_first_poll_is_spread_over_a_period(jitter: str, first: timedelta) -> None:
    world = World(options=VenOptions.model_validate({"query_first": False, "jitter": jitter}))
    world.chance = Halfway()
    world.saved = None
    world.sent.clear()
    world.restart()

    world.run(TEN)

    assert world.times_of(wire.OadrPoll)[0] - NOW == first


@pytest.mark.spec("OpenADR 2.0b case CFX2B-NET-10")
@pytest.mark.spec("OpenADR 2.0b section 8.6")
def test_a_queue_is_emptied_at_once_and_answers_go_out_in_between() -> None:
    world = ready()
    world.vtn.queue.extend([GONE, wire.OadrRegisterReport(request_id="r"), GONE])

    world.run(TEN)

    names = [type(s.message).__name__ for s in world.sent if s.at == NOW + TEN]
    assert names == [
        "OadrPoll",
        "OadrCreatedEvent",
        "OadrPoll",
        "OadrRegisteredReport",
        "OadrPoll",
        "OadrCreatedEvent",
        "OadrPoll",
    ]


def test_the_period_counts_from_start_to_start_after_a_full_queue() -> None:
    world = ready()
    world.vtn.queue.extend([listing(event())] * 3)

    world.run(2 * TEN)

    assert world.times_of(wire.OadrPoll)[-1] == NOW + 2 * TEN


@pytest.mark.spec("OpenADR 2.0b section 8.6, rule 500")
def test_a_queue_that_never_runs_dry_is_left_after_fifty_polls() -> None:
    world = ready()
    world.vtn.script(wire.OadrPoll, *[wire.OadrRegisterReport(request_id="r")] * 500)

    world.run(TEN)

    assert len(world.times_of(wire.OadrPoll)) == 51
    assert "poll_queue_endless" in world.words()
    world.run(TEN)
    assert len(world.times_of(wire.OadrPoll)) == 101


@pytest.mark.spec("OpenADR 2.0b section 8.6")
@pytest.mark.parametrize(
    "reply",
    [
        None,
        wire.OadrPoll(ven_id="ven-1"),
        wire.OadrQueryRegistration(request_id="q"),
        wire.OadrUpdatedReport(ei_response=ok()),
        wire.OadrResponse(ei_response=ok(code="500")),
        wire.OadrResponse(ei_response=ok(code="999")),
        b"<html>busy</html>",
        b"\x00\x01",
        b"<!DOCTYPE x><x/>",
        b"  \n",
    ],
    ids=str,
)
def test_whatever_a_poll_brings_the_next_one_comes(reply: Reply) -> None:
    world = ready()
    world.vtn.script(wire.OadrPoll, *[reply] * 3)

    world.run(MINUTE)
    world.poll(listing(event()))

    assert world.responses()
    assert min(gaps(world)[:4]) >= 0.9 * SECOND
    assert len(world.of(wire.OadrCreatePartyRegistration)) == 1


def test_an_answer_with_another_status_is_a_failure() -> None:
    world = ready()
    (poll,) = [s for s in world.sent if isinstance(s.message, wire.OadrPoll)]
    world.run(TEN - SECOND)
    world.now += SECOND
    (send,) = [a for a in world.session.on_time(world.now) if isinstance(a, Send)]

    actions = world.session.on_message(
        Message(request_id=send.request_id, service="OadrPoll", body=b"", status=500), world.now
    )

    assert poll.key != send.request_id
    assert not any(isinstance(action, Send) for action in actions)
    (wake,) = [action for action in actions if isinstance(action, Wake)]
    assert 0.9 * SECOND <= wake.at - world.now <= 1.1 * SECOND


@pytest.mark.parametrize("request_id", ["", "unknown"])
def test_a_message_that_answers_nothing_is_noted_and_passed_over(request_id: str) -> None:
    world = ready()
    body = world.sent[0].body

    world._perform(
        world.session.on_message(
            Message(request_id=request_id, service="EiEvent", body=body), world.now
        )
    )
    world._perform(world.session.on_failure(Failure(request_id=request_id, reason="X"), world.now))
    world.run(TEN)

    assert "unexpected_message" in world.words()
    assert gaps(world) == [TEN]


def test_being_woken_early_or_twice_does_no_harm() -> None:
    world = ready()
    for _ in range(3):
        world._perform(world.session.on_time(world.now + SECOND))

    world.run(2 * TEN)

    assert gaps(world) == [TEN, TEN]


# --- failures


@pytest.mark.spec("OpenADR 2.0b sections 9.1.4 and 9.1.7, CFX2B-NET-12")
@pytest.mark.spec("OpenADR 2.0b case CFX2B-NET-12")
def test_the_wait_doubles_from_a_second_to_a_minute() -> None:
    world = ready()
    world.chance = Halfway()
    world.restart()
    world.settle()
    world.vtn.script(wire.OadrPoll, *["TIMEOUT"] * 100)
    before = len(world.times_of(wire.OadrPoll))

    world.run(10 * MINUTE)

    waits = gaps(world)[before:]
    assert [round(wait.total_seconds(), 6) for wait in waits[:8]] == [1, 2, 4, 8, 16, 32, 60, 60]


def test_the_wait_is_spread_by_ten_per_cent() -> None:
    world = ready()
    world.vtn.script(wire.OadrPoll, "TIMEOUT", "TIMEOUT")

    world.run(MINUTE)

    assert [wait.total_seconds() for wait in gaps(world)[1:3]] == pytest.approx([0.9, 1.8])


@pytest.mark.parametrize(
    ("poll_every", "cap"), [(TEN, 60), (300 * SECOND, 300), (3600 * SECOND, 900)]
)
def test_the_longest_wait_follows_the_poll_period(poll_every: timedelta, cap: int) -> None:
    world = World(vtn=ScriptedVtn(poll_every=poll_every))
    world.chance = Halfway()
    world.saved = None
    world.restart()
    world.run(timedelta(hours=1))
    world.vtn.script(wire.OadrPoll, *["TIMEOUT"] * 200)
    before = len(world.times_of(wire.OadrPoll))

    world.run(timedelta(hours=6))

    assert max(gaps(world)[before:]).total_seconds() == cap


@pytest.mark.spec("OpenADR 2.0b section 9.1.5")
@pytest.mark.parametrize(
    "reason", ["STATUS_503 40", "STATUS_429 40", "TIMEOUT 40", "STATUS_500 40"]
)
def test_a_retry_after_is_honoured(reason: str) -> None:
    world = ready()
    world.vtn.script(wire.OadrPoll, reason)

    world.run(2 * MINUTE)

    assert gaps(world)[1] == 40 * SECOND


def test_a_retry_after_of_days_is_not() -> None:
    world = ready()
    world.vtn.script(wire.OadrPoll, "STATUS_503 999999")

    world.run(timedelta(hours=2))

    assert max(gaps(world)) == timedelta(hours=1)


@pytest.mark.spec("OpenADR 2.0b case CFX2B-NET-05")
def test_after_a_success_the_waits_start_anew() -> None:
    world = ready()
    world.vtn.script(
        wire.OadrPoll, "TIMEOUT", "TIMEOUT", wire.OadrResponse(ei_response=ok()), "TIMEOUT"
    )

    world.run(MINUTE)

    waits = [round(wait.total_seconds(), 3) for wait in gaps(world)[1:5]]
    assert waits == [0.9, 1.8, 10.0, 0.9]


@pytest.mark.spec("OpenADR 2.0b case CFX2B-NET-09")
def test_a_message_that_the_vtn_cannot_digest_does_not_hold_polls_back() -> None:
    world = ready()
    world.vtn.script(wire.OadrCreatedEvent, *["STATUS_500"] * 50)

    world.poll(listing(event()))
    world.run(10 * MINUTE)

    assert len(world.of(wire.OadrCreatedEvent)) == 8
    assert "message_given_up" in world.words()
    assert max(gaps(world)) == TEN


@pytest.mark.spec("OpenADR 2.0b section 9.1.5")
@pytest.mark.parametrize("status", [400, 404, 406, 413, 415, 501])
def test_a_message_that_can_never_be_taken_is_sent_once(status: int) -> None:
    world = ready()
    world.vtn.script(wire.OadrCreatedEvent, f"STATUS_{status}")

    world.poll(listing(event()))
    world.run(5 * MINUTE)

    assert len(world.of(wire.OadrCreatedEvent)) == 1
    world.poll(listing(event()))
    assert len(world.of(wire.OadrCreatedEvent)) == 2


def test_events_are_polled_for_when_asking_for_them_fails() -> None:
    vtn = ScriptedVtn()
    vtn.script(wire.OadrRequestEvent, *["STATUS_500"] * 9)
    world = ready(vtn=vtn)

    world.run(MINUTE)

    assert len(world.of(wire.OadrRequestEvent)) == 3
    assert len(world.of(wire.OadrPoll)) > 3


def test_an_odd_answer_to_the_question_for_events_is_survived() -> None:
    vtn = ScriptedVtn()
    vtn.script(wire.OadrRequestEvent, wire.OadrResponse(ei_response=ok()))
    world = ready(vtn=vtn)

    assert "events_not_told" in world.words()
    assert len(world.of(wire.OadrPoll)) == 1


def test_an_error_in_answer_to_an_answer_is_noted() -> None:
    world = ready()
    world.vtn.script(wire.OadrRegisteredReport, wire.OadrResponse(ei_response=ok(code="459")))

    world.poll(wire.OadrRegisterReport(request_id="r"))

    assert "answer_refused" in world.words()


def test_one_request_is_outstanding_at_a_time() -> None:
    world = World()
    sends = [a for a in world.session.on_time(world.now) if isinstance(a, Send)]

    assert sends == []
    assert len(world.sent) == 1


def test_an_idle_poll_changes_nothing_that_must_be_stored() -> None:
    world = ready()
    world.run(TEN)
    before = world.saved

    world.run(10 * TEN)

    assert world.saved is before


# --- the VTN's clock


@pytest.mark.parametrize(("offset", "alarm"), [(3, False), (-45, True), (31, True)])
def test_the_clock_offset_is_noted_once_and_alarms_above_half_a_minute(
    offset: int, alarm: bool
) -> None:
    world = World(date_offset=offset * SECOND)
    world.run(MINUTE)

    notes = [note for note in world.notes if note.word == "clock_offset"]
    assert [note.fields["offset_s"] for note in notes] == [f"{offset}.000"]
    assert ("clock_alarm" in world.words()) is alarm


def test_a_clock_that_jumps_is_noted_again() -> None:
    world = World(date_offset=SECOND)
    world.run(MINUTE)
    world.date_offset = 5 * SECOND
    world.run(MINUTE)

    assert world.words().count("clock_offset") == 2


def test_an_event_made_in_the_future_tells_of_a_clock_that_is_ahead() -> None:
    world = World()
    world.now -= MINUTE
    world.poll(listing(event()))

    offsets = [note.fields["offset_s"] for note in world.notes if note.word == "clock_offset"]
    assert offsets == ["60.000"]


# --- answers while the link is down


def down(**keys: object) -> World:
    """Return a VEN that knows an undecided event and has been failing for two hours."""
    vtn = ScriptedVtn(poll_every=15 * MINUTE)
    world = ready(decide=lambda _: None, vtn=vtn, **keys)
    world.vtn.queue.append(listing(event(start=NOW + 12 * 60 * MINUTE, required=True)))
    world.run(15 * MINUTE)
    return world


def test_an_answer_tries_the_link_at_once_however_long_our_own_back_off() -> None:
    world = down()
    world.vtn.script(wire.OadrPoll, *["CONNECT"] * 20)
    world.run(120 * MINUTE)
    last = world.sent[-1].at
    world.run(MINUTE)
    assert world.sent[-1].at == last, "the link is being left alone"

    world.answer("e1", Opt.IN)

    assert world.times_of(wire.OadrCreatedEvent) == [world.now]


@pytest.mark.spec("OpenADR 2.0b section 9.1.5")
def test_an_answer_waits_as_long_as_the_vtn_itself_asked() -> None:
    world = down()
    world.vtn.script(wire.OadrPoll, "STATUS_503 1800")
    world.run(15 * MINUTE)

    world.answer("e1", Opt.IN)

    assert world.times_of(wire.OadrCreatedEvent) == []
    world.run(30 * MINUTE)
    assert len(world.times_of(wire.OadrCreatedEvent)) == 1


def test_an_answer_that_fails_again_goes_back_to_waiting() -> None:
    world = down()
    world.vtn.script(wire.OadrPoll, *["CONNECT"] * 20)
    world.vtn.script(wire.OadrCreatedEvent, *["CONNECT"] * 20)
    world.run(120 * MINUTE)

    world.answer("e1", Opt.IN)
    world.run(10 * MINUTE)

    assert len(world.times_of(wire.OadrCreatedEvent)) == 1


@pytest.mark.parametrize("back", [timedelta(hours=2), timedelta(minutes=5)])
def test_a_clock_set_back_does_not_stop_the_polls(back: timedelta) -> None:
    world = ready()
    world.run(MINUTE)
    polls = len(world.times_of(wire.OadrPoll))
    world.now -= back
    # As after a step of the clock: the driver wakes the session, which plans anew.
    world._perform(world.session.on_time(world.now))
    world.run(MINUTE)
    assert len(world.times_of(wire.OadrPoll)) - polls in range(5, 8)


def test_a_clock_set_back_does_not_lengthen_a_back_off() -> None:
    world = ready()
    world.vtn.script(wire.OadrPoll, *["CONNECT"] * 3)
    world.run(12 * SECOND)
    polls = len(world.times_of(wire.OadrPoll))
    world.now -= timedelta(hours=2)
    world._perform(world.session.on_time(world.now))
    world.run(MINUTE)
    assert len(world.times_of(wire.OadrPoll)) - polls >= 5
    assert "clock_set_back" in world.words()


def under(policy: ClockPolicy, off: timedelta) -> World:
    """Return a world whose VTN is off, at the start of a poll period."""
    world = World(scope=replace(SCOPE, clock_policy=policy), date_offset=off)
    world.settle()
    world.run(MINUTE)
    return world


@pytest.mark.parametrize("off", [timedelta(minutes=47), timedelta(minutes=-47)])
def test_nothing_of_a_vtn_that_is_minutes_off_is_started_without_a_policy(off: timedelta) -> None:
    world = under("hold", off)
    world.poll(listing(event(start=NOW + 3 * HOUR)))
    assert [each.doubt for each in world.emitted] == ["clock_offset"]
    assert "clock_too_far_off" in world.words()


@pytest.mark.parametrize("off", [timedelta(minutes=4), timedelta(0)])
def test_a_small_offset_is_no_doubt(off: timedelta) -> None:
    world = under("hold", off)
    world.poll(listing(event(start=NOW + 3 * HOUR)))
    assert [each.doubt for each in world.emitted] == [""]


def test_what_waited_for_the_clocks_to_agree_is_handed_in_once_when_they_do() -> None:
    world = under("hold", timedelta(minutes=47))
    world.poll(listing(event(start=NOW + 3 * HOUR)))
    world.restart()
    world.date_offset = SECOND
    world.run(10 * MINUTE)
    assert [(each.event_id, each.version, each.doubt) for each in world.emitted] == [
        ("e1", 0, "clock_offset"),
        ("e1", 0, ""),
    ]


def test_our_clock_counts_where_the_operator_says_so() -> None:
    world = under("trust_ours", timedelta(minutes=47))
    world.poll(listing(event(start=NOW + 3 * HOUR)))
    (found,) = world.emitted
    assert (found.doubt, found.start) == ("", NOW + 3 * HOUR)


@pytest.mark.parametrize("off", [timedelta(minutes=47), timedelta(minutes=-47)])
def test_now_is_now_where_the_operator_trusts_the_vtn_more(off: timedelta) -> None:
    world = under("trust_theirs", off)
    dispatched = world.now + off
    world.poll(listing(event(start=dispatched)))
    (found,) = world.emitted
    assert found.doubt == ""
    assert abs(found.start - (dispatched - off)) <= SECOND
    assert world.responses()[0][:2] == ("e1", 0)


def test_an_event_that_is_over_by_our_clock_alone_waits_while_the_clocks_differ() -> None:
    world = under("hold", timedelta(hours=-2))
    world.poll(listing(event(start=world.now - 2 * HOUR, hours=1)))
    assert [each.doubt for each in world.emitted] == ["clock_offset"]
    # Our clock was the wrong one, and is set right.
    world.now -= 2 * HOUR
    world.date_offset = timedelta(0)
    world._perform(world.session.on_time(world.now))
    world.run(MINUTE)
    assert [each.doubt for each in world.emitted] == ["clock_offset", ""]


def test_an_event_that_is_over_by_both_clocks_is_declined() -> None:
    world = under("hold", timedelta(minutes=-47))
    world.poll(listing(event(start=world.now - 3 * HOUR, hours=1)))
    assert world.emitted == []
    assert [code for _, _, code, opt, _ in world.responses() if opt == "optOut"] == ["200"]


@pytest.mark.spec("OpenADR 2.0b rule 61")
@pytest.mark.parametrize(("minutes_left", "gone"), [(3, False), (6, True)])
def test_an_event_that_is_over_by_the_vtns_clock_has_not_vanished(
    minutes_left: int, gone: bool
) -> None:
    """Seed 144 of the virtual days: a VTN four minutes ahead no longer lists what has three minutes to go."""
    world = under("hold", timedelta(minutes=4))
    first = event(start=world.now - HOUR + minutes_left * MINUTE)
    world.vtn.queue.append(listing(first))
    world.run(10 * SECOND)
    world.vtn.queue.append(listing(event("e2", start=world.now + 3 * HOUR), request_id="d2"))
    world.run(10 * SECOND)
    cancelled_now = [each.event_id for each in world.emitted if each.cancelled_at is not None]
    assert cancelled_now == (["e1"] if gone else [])
