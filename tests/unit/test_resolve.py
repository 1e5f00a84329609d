"""What a signal asks, in kilowatts at the meter: offsets of both signs."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from gateway.domain.event import Basis, Direction, Interval
from gateway.domain.timespan import Span
from gateway.intents.resolve import Bounds, Footing, resolve
from tests.intent_samples import DISPATCH, PROGRAM, SITE, START

FOOTING = Footing(site=SITE, program=PROGRAM, pre_event_kw=Decimal(100))


def bounds(value: str, direction: Direction) -> Bounds:
    span = Span.lasting(START, timedelta(hours=1))
    interval = Interval(span=span, value=Decimal(value))
    signal = replace(
        DISPATCH, basis=Basis.RELATIVE_CURRENT, direction=direction, intervals=(interval,)
    )
    return resolve(signal, interval, FOOTING)


@pytest.mark.spec("OpenADR 2.0b Table 1")
def test_of_offsets_of_both_signs_each_says_its_own_direction() -> None:
    assert bounds("-25", Direction.HOLD) == Bounds(import_max_kw=Decimal(75))
    assert bounds("10", Direction.HOLD) == Bounds(import_min_kw=Decimal(110))


def test_an_unsigned_reduction_is_one_whatever_its_sign() -> None:
    assert bounds("25", Direction.DECREASE) == bounds("-25", Direction.DECREASE)
