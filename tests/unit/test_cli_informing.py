"""What ``gridgate intents`` says of intents that inform and oblige to nothing."""

from dataclasses import replace
from decimal import Decimal

from gateway.cli.show import _told_lines
from gateway.domain.event import Basis, Commodity, Direction, EventKey, Interval, Kind
from gateway.domain.names import IntentId
from gateway.domain.timespan import Span
from gateway.intents.derive import Envelope, derive
from gateway.pipeline.records import IntentRecord
from tests.intent_samples import DISPATCH, EVENT, PROGRAM, SITE, START, UTC_1600
from tests.unit.test_plan import TERMS

ENVELOPE = Envelope(
    intent_id=IntentId("a" * 36), revision=1, sequence=1, event_ref="e", now=UTC_1600
)


def lines(kind: Kind, unit: str, name: str, *values: str, **told: object) -> list[str]:
    intervals = tuple(
        Interval(
            span=Span(start=START.replace(minute=30 + n), end=START.replace(minute=31 + n)),
            value=Decimal(value),
        )
        for n, value in enumerate(values)
    )
    signal = replace(
        DISPATCH,
        signal_id=name,
        kind=kind,
        direction=Direction.NONE,
        commodity=Commodity.PRICE,
        basis=Basis.ORDINAL if kind is Kind.ALERT else Basis.ABSOLUTE,
        unit=unit,
        intervals=intervals,
    )
    event = replace(EVENT, signals=(signal,), **told)  # type: ignore[arg-type] # by name
    record = IntentRecord(
        intent=derive(event, PROGRAM, SITE, TERMS, ENVELOPE, None),
        event=EventKey(utility=event.utility, event_id=event.event_id),
        version=0,
    )
    return list(_told_lines(record))


def test_a_message_is_shown_word_by_word_and_cannot_paint_the_terminal() -> None:
    told = {"textMessage": "Line 7 \x9b31mout\u202e"}
    (line,) = lines(Kind.ALERT, "1", "TextMessage", "2", unmapped=told)
    assert line.startswith("message  aaaaaaaa")
    assert "priority 2: Line 7" in line
    assert "\x9b" not in line
    assert "\u202e" not in line


def test_prices_are_shown_with_their_unit() -> None:
    assert lines(Kind.PRICE, "USD/kWh", "price", "0.085", "0.4", "0.1")[0].endswith(
        "0.085 to 0.4 USD/kWh"
    )
    (line,) = lines(Kind.PRICE, "AUD/kWh", "price above 500 kWh", "0.085")
    assert line.startswith("price above 500 kWh")
    assert line.endswith("0.085 AUD/kWh")
