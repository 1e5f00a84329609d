"""The VEN takes, answers and lets go of events (catalogue cases E1_10xx and A_E1_0xxx)."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from gateway.domain.errors import MisuseError
from gateway.domain.event import MOST_INTERVALS, EventKey, TestKind
from gateway.domain.names import EventId
from gateway.domain.participation import Opt, Participation
from gateway.protocols.actions import Emit, Send
from gateway.protocols.oadr2b import messages as wire
from gateway.protocols.oadr2b import registration
from gateway.protocols.oadr2b.events import State
from gateway.protocols.oadr2b.options import VenOptions
from gateway.protocols.oadr2b.ven_event_book import COMMENT_KEPT, DECODED_KEPT, MOST_EVENTS
from gateway.protocols.oadr2b.ven_snapshot import read_state, write_state
from gateway.protocols.oadr2b.ven_state import EventRecord, Registration, VenState
from tests.oadr2b_world import (
    CODEC,
    HOUR,
    MINUTE,
    NOW,
    SCOPE,
    UTILITY,
    ScriptedVtn,
    World,
    cancelled,
    event,
    listing,
    ok,
    signal,
    simple,
    steps,
)

TEN = timedelta(seconds=10)
IN, OUT = "optIn", "optOut"


def undecided() -> World:
    world = World(decide=lambda _: None)
    world.settle()
    return world


def ready(**keys: object) -> World:
    world = World(**keys)  # type: ignore[arg-type] # names of fields, checked when it is made
    world.settle()
    return world


def short(world: World) -> list[tuple[str, int, str, str]]:
    return [each[:4] for each in world.responses()]


# --- taking and answering


@pytest.mark.spec("OpenADR 2.0b case E1_1010")
def test_an_empty_listing_gets_no_answer() -> None:
    world = ready()

    world.poll(listing())

    assert world.of(wire.OadrCreatedEvent) == []


@pytest.mark.spec("OpenADR 2.0b case E1_1025")
def test_an_event_is_taken_in_and_answered_in() -> None:
    world = ready()

    world.poll(listing(event(priority=1), request_id="d7"))

    created = world.of(wire.OadrCreatedEvent)[0]
    assert created.ei_response.request_id == "d7"
    assert created.ven_id == "ven-1"
    assert world.responses() == [("e1", 0, "200", IN, "d7")]
    taken = world.emitted[0]
    assert (taken.start, taken.duration) == (NOW + HOUR, HOUR)
    assert taken.signals[0].intervals[0].value == Decimal(225000)
    assert taken.priority == 1
    assert taken.source["requestID"] == "d7"


def test_the_raw_message_is_handed_in_with_its_digest() -> None:
    world = ready()

    world.poll(listing(event()))

    emit = world.emits[0]
    assert CODEC.decode(emit.raw.body) == listing(event())
    assert emit.events[0].raw_sha256 == emit.raw.sha256
    assert len(emit.raw.sha256) == 64


@pytest.mark.spec("OpenADR 2.0b case E1_1020")
def test_a_price_event_is_taken_in() -> None:
    usd = wire.ItemBase(
        name="currencyPerKWh",
        item_description="currencyPerKWh",
        item_units="USD",
        si_scale_code="none",
    )
    prices = steps("0.12", "0.30")
    world = ready()

    world.poll(
        listing(
            event(
                hours=2,
                signals=(signal("ELECTRICITY_PRICE", wire.SignalType.PRICE, prices, usd),),
            )
        )
    )

    assert short(world) == [("e1", 0, "200", IN)]
    assert world.emitted[0].signals[0].unit == "USD/kWh"


@pytest.mark.spec("OpenADR 2.0b case E1_1027")
def test_an_event_with_a_baseline_is_taken_in() -> None:
    baseline = wire.EiEventBaseline(
        dtstart=NOW + HOUR,
        duration=HOUR,
        intervals=steps("300000"),
        baseline_id="b1",
        baseline_name="usual",
    )
    world = ready()

    world.poll(listing(event(baseline=baseline)))

    assert short(world) == [("e1", 0, "200", IN)]
    assert "usual" in world.emitted[0].unmapped.values()


@pytest.mark.spec("OpenADR 2.0b case E1_1030")
def test_each_version_is_answered_once() -> None:
    world = ready()

    world.poll(listing(event()))
    world.poll(listing(event(version=1, hours=2), request_id="d2"))

    assert world.responses() == [("e1", 0, "200", IN, "d1"), ("e1", 1, "200", IN, "d2")]
    assert [found.version for found in world.emitted] == [0, 1]


@pytest.mark.spec("OpenADR 2.0b case E1_1040")
def test_two_events_are_both_answered() -> None:
    world = ready()

    world.poll(listing(event("e1", signals=(simple("1"),)), event("e2", start=NOW + 3 * HOUR)))

    assert sorted(short(world)) == [("e1", 0, "200", IN), ("e2", 0, "200", IN)]
    assert len(world.emits) == 1


@pytest.mark.spec("OpenADR 2.0b case E1_1050")
def test_events_told_at_the_start_are_answered() -> None:
    world = World(vtn=ScriptedVtn(events=[event()]))

    world.settle()

    assert world.responses() == [("e1", 0, "200", IN, "requested")]


@pytest.mark.spec("OpenADR 2.0b rule 12")
@pytest.mark.spec("OpenADR 2.0b case A_E1_0086")
def test_an_event_that_wants_no_answer_gets_none() -> None:
    world = ready()

    world.poll(listing(event(required=False)))
    world.poll(listing(cancelled(event(required=False))))

    assert world.of(wire.OadrCreatedEvent) == []
    assert len(world.emitted) == 2
    assert world.emitted[0].response_required is False


@pytest.mark.spec("OpenADR 2.0b rules 12 and 62")
@pytest.mark.spec("OpenADR 2.0b case CFX2B-EVT-11")
@pytest.mark.spec("OpenADR 2.0b rule 62")
def test_an_unchanged_event_is_answered_again_at_every_delivery() -> None:
    world = ready(decide=lambda _: Opt.OUT)

    world.poll(listing(event()))
    world.poll(listing(event(), request_id="d2"), listing(event(), request_id="d3"))

    assert [each[3:] for each in world.responses()] == [(OUT, "d1"), (OUT, "d2"), (OUT, "d3")]
    assert len(world.emitted) == 1


@pytest.mark.spec("OpenADR 2.0b case A_E1_0110")
def test_an_unknown_event_with_a_higher_number_is_new() -> None:
    world = ready()

    world.poll(listing(event(version=4)))

    assert short(world) == [("e1", 4, "200", IN)]


@pytest.mark.spec("OpenADR 2.0b rules 56-58, A_E1_0392")
@pytest.mark.spec("OpenADR 2.0b case A_E1_0392")
def test_a_lower_number_is_refused_and_the_newer_version_kept() -> None:
    world = ready()
    world.poll(listing(event(version=2)))

    world.poll(listing(event(version=1)), listing(cancelled(event(), version=1)))
    world.poll(listing(event(version=2)))

    assert short(world)[1:] == [("e1", 1, "450", OUT), ("e1", 1, "450", OUT), ("e1", 2, "200", IN)]
    assert len(world.emitted) == 1


@pytest.mark.spec("OpenADR 2.0b rule 6, CFX2B-EVT-10")
@pytest.mark.spec("OpenADR 2.0b case A_E1_0130")
@pytest.mark.parametrize(
    ("told", "kind"),
    [
        (None, TestKind.NONE),
        ("false", TestKind.NONE),
        ("true", TestKind.LIVE_TEST),
        ("1", TestKind.LIVE_TEST),
        ("yes", TestKind.LIVE_TEST),
        ("False", TestKind.LIVE_TEST),
    ],
)
def test_a_test_event_goes_through_marked(told: str | None, kind: TestKind) -> None:
    world = ready()

    world.poll(listing(event(test=told)))

    assert world.emitted[0].test is kind
    assert short(world) == [("e1", 0, "200", IN)]


@pytest.mark.spec("OpenADR 2.0b case A_E1_0180")
def test_new_changed_and_cancelled_events_share_one_message() -> None:
    world = ready()
    world.poll(listing(event("b"), event("c", start=NOW + 2 * HOUR)))

    world.poll(
        listing(
            event("a", start=NOW + 4 * HOUR),
            event("b", version=1, hours=3),
            cancelled(event("c", start=NOW + 2 * HOUR)),
        )
    )

    assert sorted(short(world)[2:]) == [
        ("a", 0, "200", IN),
        ("b", 1, "200", IN),
        ("c", 1, "200", IN),
    ]


@pytest.mark.spec("OpenADR 2.0b rule 43")
@pytest.mark.spec("OpenADR 2.0b case A_E1_0190")
@pytest.mark.spec("OpenADR 2.0b rule 41")
def test_a_request_id_that_never_changes_is_no_key() -> None:
    world = ready()

    world.poll(listing(event(), request_id="0"))
    world.poll(listing(event(version=1), request_id="0"))

    assert world.responses() == [("e1", 0, "200", IN, "0"), ("e1", 1, "200", IN, "0")]


# --- what is wrong with an event


@pytest.mark.spec("OpenADR 2.0b cases E1_1080 and A_E1_0390")
@pytest.mark.spec("OpenADR 2.0b case E1_1080")
@pytest.mark.parametrize("vtn_id", ["VTN-1", "other"])
def test_a_foreign_vtn_id_is_refused_as_a_whole(vtn_id: str) -> None:
    world = ready()
    world.poll(listing(event("old")))

    world.poll(listing(event(), vtn_id=vtn_id), listing(vtn_id=vtn_id))

    created = world.of(wire.OadrCreatedEvent)[1:]
    assert [c.ei_response.response_code for c in created] == ["452"]
    assert created[0].event_responses == ()
    assert [found.event_id for found in world.emitted] == ["old"]


@pytest.mark.spec("OpenADR 2.0b rule 40")
def test_a_listing_that_reports_an_error_says_nothing_about_events() -> None:
    world = ready()
    world.poll(listing(event()))

    world.poll(listing(code="500"))

    assert len(world.emitted) == 1
    assert "events_with_error" in world.words()


@pytest.mark.spec("OpenADR 2.0b case E1_1070")
def test_an_unknown_signal_is_not_supported() -> None:
    world = ready()

    world.poll(listing(event(signals=(signal("x-own", wire.SignalType.LEVEL),))))
    world.poll(listing(event(signals=(signal("x-own", wire.SignalType.LEVEL),))))

    assert short(world) == [("e1", 0, "460", OUT)] * 2
    assert world.emitted == []


@pytest.mark.spec("OpenADR 2.0b rule 109")
def test_one_unsupported_signal_refuses_the_event_unless_partly_will_do() -> None:
    mixed = event(signals=(simple("1"), signal("x-own", signal_id="s2")))
    strict, partly = ready(), ready(options=VenOptions(query_first=False, partial_signals="accept"))

    strict.poll(listing(mixed))
    partly.poll(listing(mixed))

    assert short(strict) == [("e1", 0, "460", OUT)]
    assert short(partly) == [("e1", 0, "200", IN)]
    assert [s.name for s in partly.emitted[0].signals] == ["SIMPLE"]


@pytest.mark.spec("OpenADR 2.0b rules 48 and 512, A_E1_0325")
@pytest.mark.spec("OpenADR 2.0b case A_E1_0325")
def test_a_foreign_market_context_is_a_target_mismatch() -> None:
    world = ready()

    world.poll(listing(event(context="http://utility.example/other")))

    assert short(world) == [("e1", 0, "462", OUT)]


@pytest.mark.spec("OpenADR 2.0b rule 512")
def test_a_market_context_is_compared_as_a_uri() -> None:
    world = ready()

    world.poll(listing(event(context="HTTP://Utility.Example:80/fast-dr")))

    assert short(world) == [("e1", 0, "200", IN)]
    assert world.emitted[0].program == "http://utility.example/fast-dr"
    assert world.emitted[0].source["marketContext"] == "HTTP://Utility.Example:80/fast-dr"


@pytest.mark.spec("OpenADR 2.0b rules 22 and 63")
@pytest.mark.spec("OpenADR 2.0b rules 48, 111, 112 and 512, A_E1_0300")
@pytest.mark.spec("OpenADR 2.0b case A_E1_0300")
@pytest.mark.parametrize(
    ("target", "code", "sites"),
    [
        (wire.EiTarget(), "200", ()),
        (wire.EiTarget(ven_ids=("ven-1",)), "200", ()),
        (wire.EiTarget(ven_ids=("VEN-1",)), "462", ()),
        (wire.EiTarget(resource_ids=("phx-2", "elsewhere")), "200", ("phx-2",)),
        (wire.EiTarget(resource_ids=("elsewhere",)), "462", ()),
        (wire.EiTarget(resource_ids=("elsewhere",), ven_ids=("ven-1",)), "200", ()),
        (wire.EiTarget(group_ids=("west",)), "200", ()),
        (wire.EiTarget(group_names=("east",)), "462", ()),
        (wire.EiTarget(party_ids=("dc",)), "200", ()),
        (wire.EiTarget(meter_assets=("m-1",)), "200", ()),
        (wire.EiTarget(end_device_assets=("Energy_Management_System",)), "200", ()),
        (wire.EiTarget(end_device_assets=("Thermostat",)), "462", ()),
        (wire.EiTarget(ven_ids=("ven-1", "ven-2")), "459", ()),
    ],
)
def test_a_target_must_name_us(target: wire.EiTarget, code: str, sites: tuple[str, ...]) -> None:
    options = VenOptions(query_first=False, groups=("west",), parties=("dc",), places=("m-1",))
    world = ready(options=options)

    world.poll(listing(event(target=target)))

    assert [each[2] for each in world.responses()] == [code]
    assert [found.targets.sites for found in world.emitted] == ([sites] if code == "200" else [])


@pytest.mark.spec("OpenADR 2.0b rule 22")
def test_resources_beside_a_ven_narrow_it_where_the_program_says_so() -> None:
    both = wire.EiTarget(ven_ids=("ven-1",), resource_ids=("R2",))
    options = VenOptions(query_first=False, resources={"R2": "phx-2"}, resources_narrow=True)
    world = ready(options=options)

    world.poll(listing(event(target=both)))
    world.poll(listing(event(version=1, target=replace(both, resource_ids=("R9",)))))

    assert world.emitted[0].targets.sites == ("phx-2",)
    assert short(world)[1] == ("e1", 1, "462", OUT)


@pytest.mark.spec("OpenADR 2.0b rules 111 and 112")
def test_a_signal_for_other_device_classes_meets_no_resource() -> None:
    aimed = replace(signal(), ei_target=wire.EiTarget(end_device_assets=("Thermostat",)))
    world = ready()

    world.poll(listing(event(signals=(aimed,))))

    assert short(world) == [("e1", 0, "469", OUT)]


def broken_interval(**changes: object) -> wire.OadrEvent:
    steps_ = (replace(steps("5")[0], **changes),)  # type: ignore[arg-type] # names of fields
    return event(signals=(signal(values=steps_),))


@pytest.mark.spec("OpenADR 2.0b rules 2, 8, 9, 22, 100-103, 107 and 116")
@pytest.mark.spec("OpenADR 2.0b rules 2, 8, 9, 22, 100-103, 107, 116")
@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (broken_interval(uid=None), "459"),
        (broken_interval(uid="1"), "450"),
        (broken_interval(uid="x"), "450"),
        (broken_interval(dtstart=NOW), "459"),
        (broken_interval(duration=None), "454"),
        (broken_interval(duration=-HOUR), "454"),
        (broken_interval(duration=2 * HOUR), "454"),
        (event(hours=2, signals=(signal(values=steps("1", "2", minutes=30)),)), "454"),
        (event(hours=2, signals=(signal(values=(*steps("1"), *steps("2"))),)), "450"),
        (event(signals=(signal(), signal())), "459"),
        (event(signals=(simple("4"),)), "454"),
        (event(signals=(simple("1.5"),)), "454"),
        (event(signals=(signal("SIMPLE", wire.SignalType.LEVEL),)), "459"),
        (event(signals=(signal("SIMPLE", wire.SignalType.DELTA, item=None),)), "459"),
        (event(startafter=-MINUTE), "454"),
        (event(hours=0, signals=(signal(),)), "454"),
        (
            event(signals=(replace(signal(), ei_target=wire.EiTarget(resource_ids=("phx-1",))),)),
            "459",
        ),
        (
            event(period=wire.EiActivePeriod(dtstart=NOW, duration=-HOUR)),
            "454",
        ),
        (
            event(
                period=wire.EiActivePeriod(dtstart=NOW, duration=HOUR, x_ei_notification=-MINUTE)
            ),
            "454",
        ),
        (
            event(
                baseline=wire.EiEventBaseline(
                    dtstart=NOW,
                    duration=2 * HOUR,
                    intervals=steps("1"),
                    baseline_id="b",
                    baseline_name="b",
                )
            ),
            "454",
        ),
        (
            event(
                baseline=wire.EiEventBaseline(
                    dtstart=NOW,
                    duration=timedelta(0),
                    intervals=steps("1"),
                    baseline_id="b",
                    baseline_name="b",
                )
            ),
            "454",
        ),
    ],
)
def test_an_event_that_breaks_a_rule_is_refused_and_its_neighbour_is_not(
    bad: wire.OadrEvent, code: str
) -> None:
    world = ready()

    world.poll(listing(event("good", start=NOW + 9 * HOUR), bad))

    assert sorted(short(world)) == [("e1", 0, code, OUT), ("good", 0, "200", IN)]
    assert [found.event_id for found in world.emitted] == ["good"]


@pytest.mark.spec("OpenADR 2.0b case A_E1_0360")
def test_a_number_beyond_our_bounds_refuses_its_event_only() -> None:
    huge = (
        CODEC.encode(listing(event("good"), event("huge"), event("fine")))
        .replace(b"225000", b"1e300", 2)
        .replace(b"1e300", b"225000", 1)
    )
    vtn = ScriptedVtn()
    world = ready(vtn=vtn)
    vtn.script(wire.OadrPoll, huge)

    world.run(TEN)

    assert sorted(short(world)) == [
        ("fine", 0, "200", IN),
        ("good", 0, "200", IN),
        ("huge", 0, "454", OUT),
    ]
    paths = [key for found in world.emitted for key in found.unmapped]
    assert any("oadrEvent[3]" in path for path in paths)
    assert not any("oadrEvent[2]" in path for path in paths)


@pytest.mark.spec("OpenADR 2.0b rule 102")
def test_a_stamp_that_says_what_the_durations_say_does_no_harm() -> None:
    world = ready()

    world.poll(listing(broken_interval(dtstart=NOW + HOUR)))

    assert short(world) == [("e1", 0, "200", IN)]


def test_an_event_listed_twice_is_refused_the_second_time() -> None:
    world = ready(decide=lambda _: None)

    world.poll(listing(event(), event(version=1)))

    assert short(world) == [("e1", 1, "459", OUT)]
    assert [found.version for found in world.emitted] == [0]


def test_a_broken_change_of_a_taken_event_releases_it() -> None:
    world = ready()
    world.poll(listing(event()))

    world.poll(listing(event(version=1, signals=(simple("9"),))))

    assert short(world)[1] == ("e1", 1, "454", OUT)
    assert (world.emitted[1].version, world.emitted[1].cancelled_at) == (1, NOW + 2 * TEN)


def test_a_refused_event_is_taken_when_a_new_version_is_right() -> None:
    world = ready()
    world.poll(listing(event(signals=(simple("9"),))))

    world.poll(listing(event(version=1, signals=(simple("3"),))))

    assert short(world) == [("e1", 0, "454", OUT), ("e1", 1, "200", IN)]


@pytest.mark.spec("OpenADR 2.0b case A_E1_0340")
def test_an_event_that_is_over_is_not_acted_upon() -> None:
    world = ready()

    world.poll(listing(event("past", start=NOW - 3 * HOUR), event("now", start=NOW - MINUTE)))

    assert sorted(short(world)) == [("now", 0, "200", IN), ("past", 0, "200", OUT)]
    assert [found.event_id for found in world.emitted] == ["now"]


@pytest.mark.spec("OpenADR 2.0b rules 14, 29, 105 and 115")
def test_what_changes_nothing_is_noted_only() -> None:
    late = event(period=wire.EiActivePeriod(dtstart=NOW + HOUR, duration=HOUR))
    old = replace(late.ei_event.event_descriptor, created_date_time=NOW - HOUR)
    world = ready()

    world.poll(listing(replace(late, ei_event=replace(late.ei_event, event_descriptor=old))))

    assert {"notification_missing", "created_time_off"} <= set(world.words())
    assert short(world) == [("e1", 0, "200", IN)]


# --- cancelling


@pytest.mark.spec("OpenADR 2.0b case A_E1_0102")
def test_a_cancelled_event_ends_at_once_and_is_confirmed() -> None:
    world = ready()
    running = event(start=NOW - MINUTE)
    world.poll(listing(running))

    world.poll(listing(cancelled(running), request_id="d2"))

    assert world.responses()[1] == ("e1", 1, "200", IN, "d2")
    assert (world.emitted[1].version, world.emitted[1].cancelled_at) == (1, world.now - TEN + TEN)
    assert not world.emitted[1].cancel_implied


@pytest.mark.spec("OpenADR 2.0b rule 36")
def test_a_cancellation_is_confirmed_at_each_delivery_and_then_never_mentioned() -> None:
    world = ready()
    world.poll(listing(event()))

    world.poll(listing(cancelled(event())), listing(cancelled(event()), request_id="d2"))
    world.poll(listing())
    world.answer("e1", Opt.OUT, version=1)

    assert short(world) == [("e1", 0, "200", IN), *[("e1", 1, "200", IN)] * 2]
    assert len(world.emitted) == 2


@pytest.mark.spec("OpenADR 2.0b rules 21, 36 and 60, A_E1_0345")
@pytest.mark.spec("OpenADR 2.0b case A_E1_0345")
def test_an_unknown_cancelled_event_is_confirmed_and_nothing_more() -> None:
    world = ready()

    world.poll(listing(cancelled(event(), version=3)))

    assert short(world) == [("e1", 3, "200", IN)]
    assert world.emitted == []


def test_a_cancelled_event_does_not_come_back() -> None:
    world = ready()
    world.poll(listing(event()))
    world.poll(listing(cancelled(event())))

    world.poll(listing(event(version=2)), listing(event(version=1)))

    assert short(world)[2:] == [("e1", 2, "450", OUT), ("e1", 1, "450", OUT)]


def test_a_cancellation_that_cannot_be_read_as_an_event_ends_what_was_taken() -> None:
    world = ready()
    world.poll(listing(event()))

    world.poll(listing(cancelled(event(signals=(simple("9"),)))))

    assert short(world)[1] == ("e1", 1, "200", IN)
    assert world.emitted[1].cancelled_at is not None
    assert world.emitted[1].version == 1


@pytest.mark.spec("OpenADR 2.0b rule 61, A_E1_0370")
@pytest.mark.spec("OpenADR 2.0b case A_E1_0370")
def test_an_event_missing_from_a_listing_is_cancelled_without_an_answer() -> None:
    world = ready()
    world.poll(listing(event("a"), event("b", start=NOW + 3 * HOUR)))
    answers = len(world.of(wire.OadrCreatedEvent))

    world.poll(listing(event("b", start=NOW + 3 * HOUR), request_id="d2"))

    gone = world.emitted[-1]
    assert (gone.event_id, gone.version, gone.cancel_implied) == ("a", 0, True)
    assert gone.cancelled_at == NOW + 2 * TEN
    assert short(world)[2:] == [("b", 0, "200", IN)]
    assert len(world.of(wire.OadrCreatedEvent)) == answers + 1


@pytest.mark.spec("OpenADR 2.0b rule 61")
def test_an_empty_listing_cancels_everything() -> None:
    world = ready()
    world.poll(listing(event("a"), event("b")))

    world.poll(listing())

    assert sorted(found.event_id for found in world.emitted[2:]) == ["a", "b"]


def test_a_vtn_that_lists_only_news_cancels_nothing_by_silence() -> None:
    world = ready(options=VenOptions(query_first=False, implied_cancel=False))
    world.poll(listing(event("a")))

    world.poll(listing(event("b")))

    assert [found.cancelled_at for found in world.emitted] == [None, None]


@pytest.mark.spec("OpenADR 2.0b case CFX2B-EVT-06")
def test_a_limited_reply_cancels_nothing() -> None:
    world = ready(
        options=VenOptions(query_first=False, reply_limit=1), vtn=ScriptedVtn(events=[event("a")])
    )
    world.vtn.events = [event("b")]

    world.restart()
    world.settle()

    assert world.of(wire.OadrRequestEvent)[0].reply_limit == 1
    assert all(found.cancelled_at is None for found in world.emitted)


def test_a_vanished_event_comes_back_with_a_new_version_only() -> None:
    world = ready()
    world.poll(listing(event()))
    world.poll(listing())

    world.poll(listing(event()), listing(event(version=1)), listing(cancelled(event(), 2)))

    assert short(world)[1:] == [
        ("e1", 0, "200", OUT),
        ("e1", 1, "200", IN),
        ("e1", 2, "200", IN),
    ]


@pytest.mark.spec("OpenADR 2.0b rule 66")
def test_an_event_that_is_nearly_over_may_vanish_without_being_cancelled() -> None:
    world = ready()
    world.poll(listing(event(start=NOW - HOUR + timedelta(seconds=35))))

    world.poll(listing())

    assert len(world.emitted) == 1


@pytest.mark.spec("OpenADR 2.0b rule 66")
def test_an_event_that_is_over_is_still_answered_while_it_is_listed() -> None:
    world = ready()
    running = event(start=NOW - HOUR + MINUTE)
    world.poll(listing(running))
    world.run(5 * MINUTE)

    world.poll(listing(running))
    world.poll(listing(cancelled(running)))

    assert short(world)[1:] == [("e1", 0, "200", IN), ("e1", 1, "200", IN)]
    assert len(world.emitted) == 1


# --- randomisation


@pytest.mark.spec("OpenADR 2.0b case A_E1_0260")
def test_a_random_delay_shifts_start_and_end_alike() -> None:
    world = ready(draws=[150])

    world.poll(listing(event(startafter=4 * MINUTE)))

    taken = world.emitted[0]
    assert taken.offset == timedelta(seconds=150)
    assert taken.start == NOW + HOUR + taken.offset
    assert taken.duration == HOUR
    assert taken.signals[0].intervals[0].span.end == taken.end
    assert taken.randomise == 4 * MINUTE


@pytest.mark.spec("OpenADR 2.0b rule 30, A_E1_0262")
@pytest.mark.spec("OpenADR 2.0b case CFX2B-EVT-12")
def test_a_modification_keeps_the_delay_unless_startafter_changes() -> None:
    world = ready(draws=[150, 30])

    for version, spread in enumerate([4, 4, 1, 0, 4]):
        world.poll(
            listing(
                event(version=version, startafter=timedelta(minutes=spread) if spread else None)
            )
        )

    assert [found.offset.seconds for found in world.emitted] == [150, 150, 30, 0, 0]


@pytest.mark.spec("OpenADR 2.0b rule 65, A_E1_0267 and A_E1_0268")
@pytest.mark.spec("OpenADR 2.0b case CFX2B-EVT-08")
@pytest.mark.spec("OpenADR 2.0b case A_E1_0267")
@pytest.mark.parametrize("implied", [False, True])
def test_a_running_event_with_startafter_ends_after_a_random_time(implied: bool) -> None:
    world = ready(draws=[0, 90])
    running = event(start=NOW - MINUTE, startafter=2 * MINUTE)
    world.poll(listing(running))

    world.poll(listing() if implied else listing(cancelled(running)))

    assert world.emitted[1].cancelled_at == NOW + 2 * TEN + timedelta(seconds=90)
    assert world.emitted[1].cancel_implied is implied


def test_a_cancelled_event_never_ends_later_than_it_would_have() -> None:
    world = ready(draws=[0, 120])
    running = event(start=NOW - HOUR + MINUTE, startafter=2 * MINUTE)
    world.poll(listing(running))

    world.poll(listing(cancelled(running)))

    assert world.emitted[1].cancelled_at == NOW + MINUTE


def test_a_pending_event_with_startafter_ends_at_once() -> None:
    world = ready(draws=[60, 60])

    world.poll(listing(event(startafter=2 * MINUTE)))
    world.poll(listing(cancelled(event(startafter=2 * MINUTE))))

    assert world.emitted[1].cancelled_at == NOW + 2 * TEN


@pytest.mark.spec("OpenADR 2.0b case CFX2B-NET-03")
def test_a_restart_draws_nothing_anew() -> None:
    world = ready(draws=[150])
    world.poll(listing(event(startafter=4 * MINUTE)))
    world.vtn.events = [event(version=1, startafter=4 * MINUTE)]

    world.restart()
    world.settle()

    assert [found.offset.seconds for found in world.emitted] == [150, 150]


# --- open-ended events


@pytest.mark.spec("OpenADR 2.0b case A_E1_0250")
def test_an_open_ended_event_runs_until_it_is_cancelled() -> None:
    world = ready(vtn=ScriptedVtn(poll_every=5 * MINUTE))
    open_ended = event(hours=0, start=NOW - MINUTE)
    world.poll(listing(open_ended))
    world.run(48 * HOUR)

    world.poll(listing(open_ended), listing(cancelled(open_ended)))

    first, last = world.emitted
    assert first.duration is None
    assert first.signals[0].intervals[0].span.duration == timedelta(0)
    assert last.cancelled_at is not None
    assert short(world) == [*[("e1", 0, "200", IN)] * 2, ("e1", 1, "200", IN)]


# --- decisions


def test_while_undecided_the_ven_goes_on_polling_and_answers_each_delivery_later() -> None:
    world = undecided()
    world.poll(listing(event(), request_id="d1"))
    world.poll(listing(event(), request_id="d2"), listing(event(), request_id="d2"))
    silent = len(world.of(wire.OadrCreatedEvent))
    polls = len(world.of(wire.OadrPoll))

    world.answer("e1", Opt.IN)

    assert silent == 0
    assert polls >= 4
    created = world.of(wire.OadrCreatedEvent)
    assert len(created) == 1
    assert [each.request_id for each in created[0].event_responses] == ["d1", "d2"]


@pytest.mark.spec("OpenADR 2.0b rule 42, A_E1_0280")
@pytest.mark.spec("OpenADR 2.0b case A_E1_0280")
def test_a_change_of_mind_repeats_the_delivery_and_leaves_the_outer_request_id_empty() -> None:
    world = ready()
    world.poll(listing(event(), request_id="d1"))

    world.answer("e1", Opt.OUT)

    last = world.of(wire.OadrCreatedEvent)[-1]
    assert last.ei_response.request_id == ""
    assert world.responses()[-1] == ("e1", 0, "200", OUT, "d1")
    world.poll(listing(event(), request_id="d2"))
    assert world.responses()[-1] == ("e1", 0, "200", OUT, "d2")


def test_the_same_decision_twice_changes_nothing() -> None:
    world = ready()
    world.poll(listing(event()))

    world.answer("e1", Opt.IN)
    world.answer("e1", Opt.IN)

    assert len(world.of(wire.OadrCreatedEvent)) == 1


@pytest.mark.parametrize(("event_id", "version"), [("e1", 0), ("e9", 0)])
def test_a_decision_about_what_is_no_longer_asked_is_passed_over(
    event_id: str, version: int
) -> None:
    world = undecided()
    world.poll(listing(event(version=1)))

    world.answer(event_id, Opt.IN, version)

    assert world.of(wire.OadrCreatedEvent) == []
    assert "decision_too_late" in world.words()


def test_a_decision_does_not_undo_an_error() -> None:
    world = ready()
    world.poll(listing(event(signals=(simple("9"),))))

    world.answer("e1", Opt.IN)

    assert short(world) == [("e1", 0, "454", OUT)]


def test_a_decision_about_an_event_that_wants_no_answer_stays_inside() -> None:
    world = ready()
    world.poll(listing(event(required=False)))

    world.answer("e1", Opt.OUT)

    assert world.of(wire.OadrCreatedEvent) == []


def test_a_late_decision_still_answers_an_event_that_is_over() -> None:
    world = undecided()
    world.poll(listing(event(start=NOW - HOUR + MINUTE)))
    world.run(5 * MINUTE)

    world.answer("e1", Opt.OUT)

    assert short(world) == [("e1", 0, "200", OUT)]


def test_a_partial_answer_must_be_settled_before() -> None:
    world = undecided()
    partial = Participation(
        event=EventKey(utility=UTILITY, event_id=EventId("e1")),
        version=0,
        opt=Opt.PARTIAL,
        reason="committed",
        decided_at=NOW,
        by="site:phx-1",
    )

    with pytest.raises(MisuseError, match="PARTIAL_OPT"):
        world.session.on_decisions((partial,), world.now)


def test_decisions_of_one_turn_that_answer_one_delivery_go_out_as_one_message() -> None:
    world = undecided()
    world.poll(listing(event("e1"), event("e2"), event("e3"), request_id="d1"))
    world.poll(listing(event("e1"), event("e2"), event("e3"), event("e4"), request_id="d2"))
    before = len(world.of(wire.OadrCreatedEvent))

    decisions = [
        Participation(
            event=EventKey(utility=UTILITY, event_id=EventId(event_id)),
            version=0,
            opt=Opt.OUT,
            reason="guard",
            decided_at=NOW,
            by="gateway",
        )
        for event_id in ("e1", "e2", "e3", "e4")
    ]
    world._perform(world.session.on_decisions(decisions, world.now))
    world.settle()

    created = world.of(wire.OadrCreatedEvent)[before:]
    assert [each.ei_response.request_id for each in created] == ["d2"]
    told = [(r.qualified_event_id.event_id, r.request_id) for r in created[0].event_responses]
    assert told == [
        *[(e, d) for e in ("e1", "e2", "e3") for d in ("d1", "d2")],
        ("e4", "d2"),
    ]


# --- how long an event may be


def test_a_long_comment_is_handed_in_whole_and_remembered_in_part() -> None:
    world = ready()
    comment = "\u00e9<&" * COMMENT_KEPT
    told = event("e1")
    descriptor = replace(told.ei_event.event_descriptor, vtn_comment=comment)
    told = replace(told, ei_event=replace(told.ei_event, event_descriptor=descriptor))

    world.poll(listing(told))
    world.poll(listing())

    assert [found.comment for found in world.emitted] == [comment, comment[:COMMENT_KEPT]]
    assert world.emitted[-1].cancelled_at is not None


def test_more_events_than_are_kept_decoded_end_all_the_same() -> None:
    world = ready()
    many = [event(f"e{number}") for number in range(DECODED_KEPT + 20)]
    world.poll(listing(*many))

    world.poll(listing())

    gone = [found.event_id for found in world.emitted if found.cancelled_at is not None]
    assert sorted(gone) == sorted(each.ei_event.event_descriptor.event_id for each in many)


def test_an_event_of_as_many_intervals_as_are_taken_is_taken() -> None:
    world = ready()

    world.poll(listing(event(signals=(_minutes(MOST_INTERVALS),), hours=MOST_INTERVALS // 60)))

    assert short(world) == [("e1", 0, "200", IN)]
    assert len(world.emitted[0].signals[0].intervals) == MOST_INTERVALS


@pytest.mark.spec("OpenADR 2.0b rule 19")
def test_an_event_of_more_is_refused_by_itself_and_the_session_goes_on() -> None:
    world = ready()
    long = event("e1", signals=(_minutes(MOST_INTERVALS), replace(_minutes(60), signal_id="s2")))

    world.poll(listing(long, event("e2")))

    assert short(world) == [("e1", 0, "469", OUT), ("e2", 0, "200", IN)]
    assert [found.event_id for found in world.emitted] == ["e2"]
    assert "event_refused" in world.words()


def test_a_change_to_more_intervals_releases_the_version_that_was_taken() -> None:
    world = ready()
    world.poll(listing(event("e1")))

    world.poll(listing(event("e1", version=1, signals=(_minutes(MOST_INTERVALS + 60),))))

    assert short(world)[-1] == ("e1", 1, "469", OUT)
    assert world.emitted[-1].cancelled_at is not None


def _minutes(count: int) -> wire.EiEventSignal:
    return signal(values=steps(*["225000"] * count, minutes=1))


def test_a_decision_after_a_restart_answers_the_delivery_from_before() -> None:
    world = undecided()
    world.poll(listing(event(), request_id="d1"))
    world.vtn.events = [event()]

    world.restart()
    world.answer("e1", Opt.IN)
    world.settle()

    assert ("e1", 0, "200", IN, "d1") in world.responses()


@pytest.mark.spec("OpenADR 2.0b rule 64")
@pytest.mark.spec("OpenADR 2.0b section 8.6")
def test_polls_may_wait_for_the_answer_but_not_for_ever() -> None:
    world = World(
        options=VenOptions(query_first=False, answer_before_poll=True), decide=lambda _: None
    )
    world.settle()
    world.vtn.queue.append(listing(event()))
    world.run(TEN)
    at_delivery = len(world.of(wire.OadrPoll))

    world.run(TEN)
    held = len(world.of(wire.OadrPoll))
    world.run(2 * TEN)

    assert [emit.answer_within for emit in world.emits] == [TEN]
    assert held == at_delivery
    assert len(world.of(wire.OadrPoll)) > held


def test_an_answer_lets_the_polls_go_on_at_once() -> None:
    world = World(options=VenOptions(query_first=False, answer_before_poll=True))
    world.settle()
    world.vtn.queue.append(listing(event()))

    world.run(TEN)

    names = [type(s.message).__name__ for s in world.sent]
    assert names[-2:] == ["OadrCreatedEvent", "OadrPoll"]


# --- what the VTN says to our answers


@pytest.mark.spec("OpenADR 2.0b case A_E1_0310")
def test_an_error_in_answer_to_an_answer_is_survived() -> None:
    world = ready()
    world.vtn.script(wire.OadrCreatedEvent, wire.OadrResponse(ei_response=ok(code="459")))

    world.poll(listing(event()))
    world.poll(listing(event("e2")))

    assert "created_event_refused" in world.words()
    assert len(world.of(wire.OadrCreatedEvent)) == 2


def test_after_an_error_each_event_is_told_once_more_on_its_own() -> None:
    world = ready()
    world.poll(listing(event("a"), event("b")))
    world.vtn.script(wire.OadrCreatedEvent, *[wire.OadrResponse(ei_response=ok(code="450"))] * 3)
    before = len(world.of(wire.OadrCreatedEvent))

    world.poll(listing(event("a"), event("b")))

    sizes = [len(c.event_responses) for c in world.of(wire.OadrCreatedEvent)[before:]]
    assert sizes == [2, 1, 1]


@pytest.mark.spec("OpenADR 2.0b section 9.1.4")
@pytest.mark.spec("OpenADR 2.0b case CFX2B-NET-07")
def test_a_lost_answer_is_sent_again_as_it_was() -> None:
    world = ready()
    world.vtn.script(wire.OadrCreatedEvent, "TIMEOUT", "STATUS_503")

    world.poll(listing(event()))
    world.run(TEN)

    bodies = [s.body for s in world.sent if isinstance(s.message, wire.OadrCreatedEvent)]
    assert len(bodies) == 3
    assert len(set(bodies)) == 1


# --- memory


def remembered(count: int, state: State) -> bytes:
    """Return the state of a registered VEN that knows so many events."""
    events = {
        f"old{n}": EventRecord(
            event_id=f"old{n}",
            version=0,
            state=state,
            required=True,
            startafter=timedelta(0),
            touched_at=NOW - n * timedelta(seconds=1),
        )
        for n in range(count)
    }
    registered = Registration(
        state=registration.State.REGISTERED,
        registration_id="reg-1",
        ven_id="ven-1",
        vtn_id="vtn-1",
    )
    return write_state(VenState(registration=registered, events=events))


def test_more_open_events_than_we_can_hold_are_refused() -> None:
    world = World(
        saved=remembered(MOST_EVENTS + 1, State.OPEN),
        vtn=ScriptedVtn(events=[event()]),
        options=VenOptions(query_first=False, implied_cancel=False),
    )

    world.settle()

    assert short(world) == [("e1", 0, "469", OUT)]


def test_the_events_that_were_over_first_are_forgotten_first() -> None:
    world = World(saved=remembered(MOST_EVENTS, State.CANCELLED), vtn=ScriptedVtn(events=[event()]))

    world.settle()

    assert short(world) == [("e1", 0, "200", IN)]
    assert world.saved is not None
    known = read_state(world.saved).events
    assert len(known) == MOST_EVENTS
    assert f"old{MOST_EVENTS - 1}" not in known


def test_an_event_of_a_program_that_is_no_longer_configured_is_let_go_in_silence() -> None:
    world = ready()
    world.poll(listing(event()))

    world.scope = replace(SCOPE, programs=SCOPE.programs[1:])
    world.restart()
    world.settle()

    assert len(world.emitted) == 1
    assert "event_vanished" in world.words()


def test_an_event_is_released_after_a_restart_as_it_was_taken() -> None:
    world = ready(draws=[70])
    world.poll(listing(event(startafter=2 * MINUTE)))

    world.restart()
    world.settle()

    first, last = world.emitted
    assert last == replace(
        first,
        cancelled_at=world.now,
        cancel_implied=True,
        received_at=world.now,
        source=first.source,
    )


def test_events_that_are_long_over_are_forgotten() -> None:
    world = ready(vtn=ScriptedVtn(poll_every=5 * MINUTE))
    world.poll(listing(event("a"), event("b", hours=1)))
    world.poll(listing(cancelled(event("a")), event("b")))

    world.run(30 * HOUR)

    assert world.saved is not None
    assert b'"events":[]' in world.saved


def test_an_event_is_handed_in_before_anything_is_sent_about_it() -> None:
    world = ready()
    world.vtn.queue.append(listing(event(), cancelled(event("e0"))))
    seen: list[list[type]] = []
    perform = world._perform

    def watch(actions: object) -> None:
        listed = list(actions)  # type: ignore[call-overload] # a sequence of actions
        seen.append([type(action) for action in listed])
        perform(listed)

    world._perform = watch  # type: ignore[method-assign] # a spy on the driver, not on the session
    world.run(TEN)

    for kinds in seen:
        if Emit in kinds and Send in kinds:
            assert kinds.index(Emit) < kinds.index(Send)
    assert any(Emit in kinds and Send in kinds for kinds in seen)
