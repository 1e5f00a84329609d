"""What holds for every statement: money follows energy, and nothing depends on the order of arrival."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.domain.answers import Sample, TelemetryBatch
from gateway.domain.settlement import SettlementStatement
from gateway.pipeline.methods import METHODS
from gateway.settlement.inputs import SettlementInputs
from gateway.settlement.statement import settle
from tests.intent_samples import START
from tests.settlement_story import TERMS, told

STEPS = 12
FIVE = timedelta(minutes=5)
BEFORE = START - timedelta(minutes=90)
loads = st.lists(
    st.one_of(st.none(), st.decimals(0, 400, places=3)), min_size=STEPS, max_size=STEPS
)
"""kWh of the first hour's five-minute intervals, some not metered."""


@cache
def plain() -> SettlementInputs:
    """An event of an hour at a five-minute meter without readings."""
    story = told(
        terms=TERMS.model_copy(update={"vee": {"linear_gap": "PT0S", "spike_action": "flag"}})
    )
    found = story.inputs()
    return replace(found, terms=found.terms.model_copy(update={"meter_interval": FIVE}))


def statement(
    energies: list[Decimal | None], order: list[int] | None = None
) -> SettlementStatement:
    """Settle the window at 10 kWh per interval and the event at ``energies``."""
    samples = [(BEFORE + n * FIVE, Decimal(10)) for n in range(12)]
    samples += [(START + n * FIVE, e) for n, e in enumerate(energies) if e is not None]
    batches = [
        TelemetryBatch(
            batch_id=f"b{n}",
            samples=(Sample(meter="it_load", start=at, duration=FIVE, energy_kwh=energy),),
        )
        for n, (at, energy) in enumerate(samples)
    ]
    shuffled = [batches[i] for i in order if i < len(batches)] if order else batches
    return settle(replace(plain(), batches=tuple(shuffled)), METHODS).statement


@settings(max_examples=40)
@given(loads)
def test_totals_are_the_sums_of_rows_and_money_is_rounded_once(
    energies: list[Decimal | None],
) -> None:
    found = statement(energies)

    owed = sum((row.obligation_kwh for row in found.intervals), Decimal(0))
    short = sum((row.shortfall_kwh for row in found.intervals), Decimal(0))
    paid = sum((row.payment for row in found.intervals), Decimal(0))
    assert (found.totals.obligation_kwh, found.totals.shortfall_kwh) == (owed, short)
    assert abs(found.totals.payment - paid) <= Decimal("0.005")
    assert found.totals.payment == round(found.totals.payment, 2)
    assert found.totals.baseline_kwh - found.totals.metered_kwh == found.totals.reduction_kwh


@settings(max_examples=40)
@given(loads)
def test_every_interval_follows_the_formula(energies: list[Decimal | None]) -> None:
    for row, energy in zip(statement(energies).intervals, energies, strict=False):
        assert row.obligation_kwh == Decimal("2.5")
        if energy is None:
            assert (row.reduction_kwh, row.shortfall_kwh) == (None, Decimal("2.5"))
            assert row.payment == Decimal(-5)
            continue
        reduction = 10 - energy
        assert row.reduction_kwh == reduction
        assert row.shortfall_kwh == max(Decimal(0), Decimal("2.5") - reduction)
        assert row.payment == min(reduction, Decimal("2.5")) - 2 * row.shortfall_kwh


@settings(max_examples=40)
@given(loads, st.permutations(range(2 * STEPS)))
def test_the_order_of_batches_changes_nothing(
    energies: list[Decimal | None], order: list[int]
) -> None:
    assert statement(energies, order=order) == statement(energies)


@settings(max_examples=40)
@given(loads)
def test_more_than_was_owed_in_one_interval_pays_for_no_other(
    energies: list[Decimal | None],
) -> None:
    exactly, far_more = Decimal("7.5"), Decimal(0)

    met = statement([exactly, *energies[1:]]).totals
    exceeded = statement([far_more, *energies[1:]]).totals

    assert met.payment == exceeded.payment
    assert met.reduction_kwh < exceeded.reduction_kwh
