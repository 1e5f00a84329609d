"""Statements: the figures of a plain event, and everything that makes an event less than plain."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from gateway.domain.errors import ConfigError, MeterDataError, MisuseError
from gateway.domain.event import Basis, GridEvent, Interval, Kind, TestKind
from gateway.domain.intent import State
from gateway.domain.participation import Opt
from gateway.domain.reading import Quality
from gateway.domain.settlement import BaselineStatus, SettlementStatement
from gateway.domain.timespan import Span
from gateway.pipeline.methods import METHODS
from gateway.settlement.obligations import Answer, Owed, Revision, obligation
from gateway.settlement.performance import obligation_kwh
from gateway.settlement.plan import evidence_span
from gateway.settlement.statement import Settled, settle
from gateway.settlement.terms import terms_of
from tests.intent_samples import DISPATCH, EVENT, PROGRAM, SITE, START, UTC_1600
from tests.settlement_story import FIRST, LAST, MINUTE, TERMS, Story, told, with_program

FIVE = timedelta(minutes=5)
HOURS_3 = timedelta(hours=3)
CLOSE = Decimal("1e-6")


def settled(story: Story) -> Settled:
    return settle(story.inputs(), METHODS)


def statement(story: Story) -> SettlementStatement:
    return settled(story).statement


def close(found: Decimal | None, expected: str) -> bool:
    return found is not None and abs(found - Decimal(expected)) <= CLOSE


def test_a_plain_event_pays_for_what_was_owed_and_not_for_more() -> None:
    found = statement(told())

    assert (found.start, found.end) == (START, START + HOURS_3)
    assert len(found.intervals) == 36
    assert close(found.totals.baseline_kwh, "300")
    assert close(found.totals.metered_kwh, "210")
    assert close(found.totals.reduction_kwh, "90")
    assert close(found.totals.obligation_kwh, "75")
    assert found.totals.shortfall_kwh == 0
    assert found.totals.payment == Decimal("75.00")
    assert close(found.performance, "1.2")
    assert close(found.pre_event_kw, "100")
    assert found.limit_kw == Decimal(75)
    assert found.quality_counts == {"A": 36, "E": 0, "M": 0, "T": 0}
    assert found.flags == ("baseline_unverified",)
    assert (found.simulated, found.test) == (True, False)
    assert found.measurement_point == "it_load"


def test_the_baseline_is_the_mean_of_its_window_and_the_firm_level_stands_beside_it() -> None:
    story = told()
    for position, record in enumerate(story.records):
        assert record.index == position

    found = settled(story)

    paid, beside = found.baselines
    assert (paid.method, beside.method) == ("same_day", "fsl")
    assert [used.start for used in paid.windows] == [
        START - timedelta(minutes=90) + n * FIVE for n in range(12)
    ]
    assert found.statement.baseline.status is BaselineStatus.OK
    alternative = found.statement.alternatives[0]
    assert close(alternative.figures["nominated_kw"], "25")
    assert close(alternative.reduction_kwh, "90")
    assert close(alternative.performance, "1.2")


def test_a_short_interval_is_not_netted_against_a_good_one() -> None:
    story = Story()
    story.agree()
    story.run_meter(FIRST, UTC_1600)
    story.notify(EVENT, UTC_1600 + timedelta(seconds=31))
    story.answer(Opt.IN, UTC_1600 + timedelta(seconds=40))
    at = UTC_1600
    while at < LAST:
        late = START <= at < START + FIVE  # 90 kW in the first five minutes
        story.meter(at, Decimal("1.5") if late else None)
        at += MINUTE

    found = statement(story)

    first = found.intervals[0]
    assert close(first.obligation_kwh, "2.083333333")
    assert close(first.reduction_kwh, "0.833333333")
    assert close(first.shortfall_kwh, "1.25")
    assert close(first.payment, "-1.666666667")  # 0.8333 x 1 - 1.25 x 2
    assert found.totals.payment == Decimal("71.25")  # 35 x 2.08333 - 1.66667
    assert close(found.totals.shortfall_kwh, "1.25")
    assert close(found.performance, "1.1777777778")


def test_more_use_than_the_baseline_is_charged_and_short_in_full() -> None:
    story = told(terms=with_program(), answer=Opt.IN)
    worse = Story()
    worse.agree()
    worse.run_meter(FIRST, UTC_1600)
    worse.notify(EVENT, UTC_1600 + timedelta(seconds=31))
    at = UTC_1600
    while at < LAST:
        worse.meter(at, Decimal(2) if START <= at < START + HOURS_3 else Decimal(100) / 60)
        at += MINUTE

    found = statement(worse)

    assert statement(story).totals.payment == Decimal("75.00")
    row = found.intervals[0]
    assert close(row.reduction_kwh, "-1.666666667")
    assert close(row.shortfall_kwh, "3.75")
    assert close(row.payment, "-9.166666667")
    assert found.performance is not None
    assert found.performance < 0


def test_a_bridged_gap_is_estimated_and_a_long_one_is_missing_owed_and_unpaid() -> None:
    short = [START + n * MINUTE for n in range(10, 20)]
    long = [START + n * MINUTE for n in range(10, 140)]

    bridged = statement(told(skip=short))
    broken = statement(told(skip=long))

    assert bridged.intervals[2].quality is Quality.ESTIMATED
    assert bridged.intervals[2].flags == ("est_linear", "missing")
    assert bridged.totals.payment == Decimal("75.00")
    missing = [row for row in broken.intervals if row.metered_kwh is None]
    assert len(missing) == 26
    assert {row.reduction_kwh for row in missing} == {None}
    assert "event_data_missing" in missing[0].flags
    assert close(missing[0].shortfall_kwh, "2.083333333")
    assert close(broken.totals.obligation_kwh, "75")
    assert close(broken.totals.baseline_kwh, "83.333333333")
    assert close(broken.totals.reduction_kwh, "25")
    assert close(broken.performance, "0.333333333")
    assert broken.totals.payment == Decimal("-87.50")  # 10 x 2.08333 - 26 x 2.08333 x 2
    assert set(broken.flags) >= {"event_data_missing", "event_quality_insufficient"}


def test_missing_intervals_can_be_left_out_by_the_terms() -> None:
    long = [START + n * MINUTE for n in range(10, 140)]
    terms = TERMS.model_copy(update={"missing": "excluded"})

    found = statement(told(skip=long, terms=terms))

    assert close(found.totals.obligation_kwh, "20.833333333")
    assert found.totals.payment == Decimal("20.83")
    assert close(found.performance, "1.2")


def test_without_a_baseline_nothing_is_owed_and_the_statement_says_so() -> None:
    window = [START - timedelta(minutes=90) + n * MINUTE for n in range(-200, 60)]

    found = statement(told(skip=window, event=absolute()))

    assert found.baseline.status is BaselineStatus.INSUFFICIENT_DATA
    assert found.intervals[0].baseline_kwh is None
    assert found.totals.payment == 0
    assert found.performance is None
    assert set(found.flags) >= {"baseline_insufficient", "window_partial"}


def absolute(limit: int = 75) -> GridEvent:
    signal = replace(
        DISPATCH,
        type="setpoint",
        kind=Kind.SETPOINT,
        basis=Basis.ABSOLUTE,
        unit="kW",
        intervals=(replace(DISPATCH.intervals[0], value=Decimal(limit)),),
    )
    return replace(EVENT, signals=(signal,))


def test_an_absolute_cap_owes_what_the_baseline_lies_above_it() -> None:
    found = statement(told(event=absolute(80)))

    assert close(found.intervals[0].obligation_kwh, "1.666666667")
    assert close(found.performance, "1.5")
    assert found.limit_kw == Decimal(80)
    assert found.pre_event_kw is None
    assert found.alternatives[0].flags == ("frozen_power_unknown",)
    assert found.alternatives[0].reduction_kwh is None


def test_a_cap_above_the_baseline_owes_nothing() -> None:
    found = statement(told(event=absolute(110)))

    assert found.totals.obligation_kwh == 0
    assert found.totals.payment == 0
    assert found.performance is None


def test_the_terms_may_judge_a_fraction_by_its_frozen_cap() -> None:
    terms = TERMS.model_copy(update={"obligation": "limit"})

    assert close(statement(told(terms=terms)).totals.obligation_kwh, "75")


@pytest.mark.parametrize("minutes", [1, -30])
def test_a_cancellation_ends_the_obligation_from_when_it_is_known_or_takes_effect(
    minutes: int,
) -> None:
    story = told()
    cut = START + timedelta(hours=1, minutes=2)
    rest = [record for record in story.records if record.record.t > cut]
    story.records = story.records[: len(story.records) - len(rest)]
    intent = story.derived(cut).model_copy(
        update={"cancelled_at": cut + minutes * MINUTE, "status": State.RAMPING_OUT, "revision": 2}
    )
    story.revise(intent, cut)
    for record in rest:
        document = dict(record.document)
        kind, subject = str(document["k"]), str(document["src"]).partition(":")[2]
        story.log(kind, subject, document, record.record.t)

    found = statement(story)

    assert len(found.intervals) == 12
    assert "obligation_partial" in found.flags
    assert found.totals.payment == Decimal("25.00")


@pytest.mark.parametrize("status", [State.SUPERSEDED, State.FAILED])
def test_a_state_that_ends_the_intent_ends_what_is_owed(status: State) -> None:
    story = told()
    later = {"cause": "phase", "status": status.value}
    story.log("intent", story.intent_id, later, LAST)
    assert len(statement(story).intervals) == 36

    early = Story()
    early.agree()
    early.run_meter(FIRST, UTC_1600)
    early.notify(EVENT, UTC_1600 + timedelta(seconds=31))
    early.log("intent", early.intent_id, later, START - MINUTE)
    early.run_meter(UTC_1600, LAST)
    with pytest.raises(MeterDataError) as caught:
        statement(early)
    assert caught.value.reason == "NOTHING_OWED"


def test_an_opt_out_owes_nothing_and_a_late_opt_in_owes_the_rest() -> None:
    with pytest.raises(MeterDataError) as caught:
        statement(told(answer=Opt.OUT))
    assert caught.value.reason == "NOTHING_OWED"

    story = Story()
    story.agree()
    story.run_meter(FIRST, UTC_1600)
    story.notify(EVENT, UTC_1600 + timedelta(seconds=31))
    story.answer(Opt.OUT, UTC_1600 + timedelta(seconds=40))
    story.run_meter(UTC_1600, START + MINUTE)
    story.answer(Opt.PARTIAL, START + 2 * MINUTE)
    story.run_meter(START + MINUTE, LAST)

    found = statement(story)

    assert found.intervals[0].start == START + FIVE
    assert len(found.intervals) == 35
    assert "obligation_partial" in found.flags
    assert settled(story).baselines[0].windows[0].start == START - timedelta(minutes=90)


def test_the_message_that_led_to_an_answer_is_no_answer() -> None:
    story = told()
    story.log("opt", story.intent_id, {"cause": "commitment", "answer": {"opt": "out"}}, LAST)

    assert len(statement(story).intervals) == 36


def test_an_intent_held_for_the_operator_owes_nothing_without_an_answer() -> None:
    story = Story()
    story.agree()
    story.run_meter(FIRST, UTC_1600)
    held = story.notify(EVENT, UTC_1600 + timedelta(seconds=31))
    story.records.pop()
    story.counts[f"intent:{story.intent_id}"] = 0
    story.revise(held.model_copy(update={"hold_reason": "too few samples"}), UTC_1600 + MINUTE)
    story.run_meter(UTC_1600, LAST)

    with pytest.raises(MeterDataError) as caught:
        statement(story)
    assert caught.value.reason == "NOTHING_OWED"
    story.answer(Opt.IN, LAST)
    with pytest.raises(MeterDataError):
        statement(story)


def test_a_revision_speaks_from_when_it_was_logged() -> None:
    story = told()
    cut = START + timedelta(hours=1)
    rest = [record for record in story.records if record.record.t > cut]
    story.records = story.records[: len(story.records) - len(rest)]
    deeper = replace(
        EVENT,
        version=1,
        signals=(
            replace(DISPATCH, intervals=(replace(DISPATCH.intervals[0], value=Decimal("0.5")),)),
        ),
    )
    story.notify(deeper, cut)
    for record in rest:
        document = dict(record.document)
        kind, subject = str(document["k"]), str(document["src"]).partition(":")[2]
        story.log(kind, subject, document, record.record.t)

    found = statement(story)

    assert close(found.intervals[11].obligation_kwh, "2.083333333")
    assert close(found.intervals[12].obligation_kwh, "4.166666667")
    assert found.limit_kw == Decimal(50)
    assert len(found.intervals) == 36


def test_an_event_of_several_steps_owes_each_step_its_own() -> None:
    steps = (
        Interval(span=Span.lasting(START, timedelta(hours=1)), value=Decimal("0.75")),
        Interval(
            span=Span.lasting(START + timedelta(hours=1), timedelta(hours=2)), value=Decimal("0.9")
        ),
    )

    found = statement(told(event=replace(EVENT, signals=(replace(DISPATCH, intervals=steps),))))

    assert close(found.intervals[11].obligation_kwh, "2.083333333")
    assert close(found.intervals[12].obligation_kwh, "0.833333333")
    assert found.limit_kw == Decimal(75)


def test_an_event_off_the_grid_is_settled_in_whole_intervals() -> None:
    start = START + timedelta(seconds=17)
    span = Span.lasting(start, HOURS_3)
    event = replace(
        EVENT,
        start=start,
        signals=(replace(DISPATCH, intervals=(replace(DISPATCH.intervals[0], span=span),)),),
    )

    found = statement(told(event=event))

    assert found.intervals[0].start == START + MINUTE
    assert len(found.intervals) == 35
    assert "edge_trimmed" in found.flags


def open_ended() -> GridEvent:
    return replace(EVENT, duration=None)


def test_an_open_event_is_settled_once_it_is_closed() -> None:
    with pytest.raises(MeterDataError) as caught:
        statement(told(event=open_ended()))
    assert caught.value.reason == "EVENT_STILL_OPEN"

    story = told(event=open_ended())
    closed = story.derived(LAST).model_copy(update={"cancelled_at": LAST, "revision": 2})
    story.revise(closed, LAST + 2 * MINUTE)
    assert len(statement(story).intervals) == 48


def test_a_test_event_says_test() -> None:
    assert statement(told(event=replace(EVENT, test=TestKind.LIVE_TEST))).test
    assert statement(told(terms=TERMS.model_copy(update={"test": True}))).test


def test_an_advisory_event_owes_nothing() -> None:
    price = replace(DISPATCH, kind=Kind.PRICE, basis=Basis.ABSOLUTE, unit="USD/kWh")

    with pytest.raises(MeterDataError) as caught:
        statement(told(event=replace(EVENT, signals=(price,))))
    assert caught.value.reason == "NOTHING_OWED"


def test_late_terms_do_not_count_and_records_must_belong_together() -> None:
    story = told()
    story.terms = with_program(price_per_kwh=Decimal(9))
    story.agree(LAST)
    assert statement(story).price_per_kwh == Decimal(1)

    def refuse(change: Callable[[Story], None], reason: str) -> None:
        other = told()
        change(other)
        with pytest.raises(MeterDataError) as caught:
            other.inputs()
        assert caught.value.reason == reason

    def without(kind: str) -> Callable[[Story], None]:
        def change(other: Story) -> None:
            other.records = [found for found in other.records if found.record.k != kind]

        return change

    for kind in ("config", "event", "intent"):
        refuse(without(kind), "RECORDS_INCOMPLETE")

    def adding(kind: str, subject: str, document: dict[str, object]) -> Callable[[Story], None]:
        def change(other: Story) -> None:
            other.log(kind, subject, document, LAST)

        return change

    batch: dict[str, object] = {"batch": story.batches[START].model_dump(mode="json")}
    elsewhere: dict[str, object] = {"utility": "azp", "event_id": "x", "version": 9, "program": "p"}
    refuse(adding("opt", "another", {"opt": "in"}), "WRONG_RECORDS")
    refuse(adding("telemetry", "phx-2", batch), "WRONG_RECORDS")
    refuse(adding("event", "x", elsewhere), "WRONG_RECORDS")


def test_an_event_of_another_utility_by_the_same_id_is_passed_over() -> None:
    story = told()
    other = {"utility": "other", "event_id": EVENT.event_id, "version": 9, "program": "p"}
    story.log("event", EVENT.event_id, other, LAST)
    story.log("event", EVENT.event_id, {"event": EVENT.event_id, "fate": "no_program"}, LAST)

    found = statement(story)

    assert found.utility == "azp"
    assert len(found.inputs.event) == 3


def test_impossible_parameters_are_refused() -> None:
    odd = TERMS.model_copy(
        update={
            "baseline": {
                "family": "same_day",
                "windows": [{"anchor": "start", "from_min": -91, "to_min": -30}],
            }
        }
    )

    with pytest.raises(ConfigError):
        statement(told(terms=odd))
    with pytest.raises(ValueError, match="whole multiple"):
        type(TERMS).model_validate(TERMS.model_dump(mode="json") | {"interval": "PT90S"})
    with pytest.raises(ValueError, match="no IANA time zone"):
        type(TERMS).model_validate(TERMS.model_dump(mode="json") | {"timezone": "../etc/passwd"})
    with pytest.raises(ValueError, match="a second at least"):
        type(TERMS).model_validate(TERMS.model_dump(mode="json") | {"meter_interval": "PT0S"})


def test_an_endless_event_is_refused_before_it_costs_anything() -> None:
    terms = TERMS.model_copy(update={"meter_interval": timedelta(seconds=1)})
    span = Span.lasting(START, timedelta(days=300))
    event = replace(
        EVENT,
        duration=span.duration,
        signals=(replace(DISPATCH, intervals=(replace(DISPATCH.intervals[0], span=span),)),),
    )
    story = told(event=event)
    story.terms = terms

    with pytest.raises(MeterDataError) as caught:
        settle(replace(story.inputs(), terms=terms), METHODS)
    assert caught.value.reason == "TOO_LONG"


def test_terms_are_written_down_from_program_and_site() -> None:
    firm = with_program(baseline_method="fsl")

    assert firm.alternatives == ()
    assert firm.baseline["plc_kw"] == "pre_event_kw"
    assert statement(told(terms=firm)).baseline_method == "fsl"
    assert TERMS.vee == {"max_kw": "200", "bidirectional": False, "spike_action": "flag"}
    with pytest.raises(MisuseError) as caught:
        terms_of(PROGRAM, replace(SITE, meters=SITE.meters[1:]))
    assert caught.value.reason == "NO_METER"


def test_the_evidence_reaches_from_the_frozen_window_to_the_end() -> None:
    story = told()
    records = [found for found in story.records if found.record.k != "telemetry"]
    story.records = records

    span = evidence_span(story.inputs(), METHODS)

    assert span.start == UTC_1600 - timedelta(minutes=60)
    assert span.end == START + HOURS_3
    plain = told(event=absolute())
    assert evidence_span(plain.inputs(), METHODS).start == START - timedelta(minutes=90)


def test_three_hundred_megawatts_are_stated_to_the_last_watt_hour() -> None:
    terms = TERMS.model_copy(update={"vee": {"max_kw": "400000", "spike_action": "flag"}})
    story = Story(terms=terms)
    story.agree()
    step, cut = Decimal("5000.000000003"), Decimal("3499.999999999")
    at = FIRST
    while at < LAST:
        if at == UTC_1600:
            story.notify(EVENT, UTC_1600 + timedelta(seconds=31))
            story.answer(Opt.IN, UTC_1600 + timedelta(seconds=40))
        story.meter(at, cut if START <= at < START + HOURS_3 else step)
        at += MINUTE

    found = statement(story)

    assert found.totals.baseline_kwh == 180 * step
    assert found.totals.metered_kwh == 180 * cut
    assert found.totals.reduction_kwh == 180 * (step - cut)
    assert found.totals.obligation_kwh == 45 * step
    assert found.totals.payment == Decimal("225000.00")
    assert SettlementStatement.model_validate_json(found.model_dump_json(by_alias=True)) == found


def test_a_stretch_without_cap_or_fraction_owes_nothing() -> None:
    owed = Owed(span=Span.lasting(START, HOURS_3), limit_kw=None, fraction=None, event_start=START)

    assert obligation_kwh(owed, Decimal(10), FIVE, TERMS) == 0


def test_a_revision_that_another_replaced_at_once_never_spoke() -> None:
    story = told()
    intent = story.derived(UTC_1600)
    at = UTC_1600 + MINUTE
    words = (Revision(at=at, intent=intent), Revision(at=at, intent=None))

    assert obligation(words, ()) is None
    alone = obligation(words[:1], ())
    assert alone is not None
    assert alone.planned == Span.lasting(START, HOURS_3)


def test_an_event_that_was_refused_to_its_end_keeps_its_plan() -> None:
    story = told()
    words = (Revision(at=UTC_1600, intent=story.derived(UTC_1600)),)

    found = obligation(words, (Answer(at=UTC_1600, opt=Opt.OUT),))

    assert found is not None
    assert found.owed == ()
    assert found.planned == Span.lasting(START, HOURS_3)


def test_a_published_statement_round_trips_with_every_decimal() -> None:
    found = statement(told())

    assert SettlementStatement.model_validate_json(found.model_dump_json(by_alias=True)) == found
    assert found.model_dump(mode="json", by_alias=True)["schema"] == "settlement-statement/1"
