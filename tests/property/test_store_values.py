"""Nothing is lost between a value and its row: decimals, instants, events, readings."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Column, Integer, MetaData, Numeric, Table, create_engine, insert, select
from sqlalchemy.exc import StatementError

from gateway.database.columns import (
    ExactDecimal,
    instant_at,
    length_micros,
    length_of,
    micros,
    optional_instant_at,
    optional_micros,
)
from gateway.domain.errors import MisuseError, StoreError
from gateway.domain.event import (
    Basis,
    Commodity,
    Direction,
    EventKey,
    GridEvent,
    Interval,
    Kind,
    Signal,
    Targets,
    TestKind,
)
from gateway.domain.intent import ComputeFlexIntent
from gateway.domain.names import EventId, UtilityName
from gateway.domain.participation import Opt, Participation
from gateway.domain.plan import EffectivePlan
from gateway.domain.protocol import ProtocolName
from gateway.domain.timespan import Span
from gateway.store.codec import GRID_EVENT, PARTICIPATION, decoded, model_bytes, read_model
from gateway.store.events import obligation
from tests.intent_samples import EVENT, UTC_1600
from tests.southbound_fakes import sample_plan

METADATA = MetaData()
BOTH = Table(
    "both",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("exact", ExactDecimal),
    Column("naive", Numeric(40, 20)),
)
ENGINE = create_engine("sqlite://")
METADATA.create_all(ENGINE)

DECIMALS = st.decimals(allow_nan=False, allow_infinity=False)
TWENTY_DIGITS = st.integers(10**19, 10**20 - 1).flatmap(
    lambda digits: st.integers(0, 20).map(lambda places: Decimal(digits).scaleb(-places))
)
INSTANTS = st.timedeltas(timedelta(0), timedelta(days=73_000)).map(
    lambda since: datetime(2000, 1, 1, tzinfo=UTC) + since
)
LENGTHS = st.timedeltas(timedelta(days=-400), timedelta(days=400))
TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)


def stored(value: Decimal | None) -> Decimal | None:
    with ENGINE.connect() as connection:
        row_id = connection.execute(insert(BOTH), {"exact": value}).inserted_primary_key
        assert row_id is not None
        found: Decimal | None = connection.execute(
            select(BOTH.c.exact).where(BOTH.c.id == row_id[0])
        ).scalar_one()
        return found


@given(DECIMALS | TWENTY_DIGITS | st.none())
def test_an_exact_column_keeps_every_digit(value: Decimal | None) -> None:
    found = stored(value)

    assert found == value
    assert str(found) == str(value)


@pytest.mark.filterwarnings("ignore:Dialect sqlite:sqlalchemy.exc.SAWarning")
@pytest.mark.parametrize("text", ["12345678.123456789012", "999999999999.999999999"])
def test_the_naive_column_loses_digits_on_sqlite(text: str) -> None:
    value = Decimal(text)
    with ENGINE.connect() as connection:
        connection.execute(insert(BOTH), {"id": 1, "naive": value, "exact": value})
        naive, exact = connection.execute(
            select(BOTH.c.naive, BOTH.c.exact).where(BOTH.c.id == 1)
        ).one()

    assert naive != value, "if this ever holds, SQLAlchemy has learnt it"
    assert exact == value


@pytest.mark.parametrize("bad", [Decimal("NaN"), Decimal("Infinity"), 1.5, 1, "1"])
def test_only_finite_decimals_enter_an_exact_column(bad: object) -> None:
    with ENGINE.connect() as connection, pytest.raises((StatementError, MisuseError)) as found:
        connection.execute(insert(BOTH), {"exact": bad})

    assert "NOT_EXACT" in str(found.value)


def test_an_exact_column_that_holds_no_number_is_an_error() -> None:
    with ENGINE.connect() as connection:
        connection.exec_driver_sql("INSERT INTO both (id, exact) VALUES (7, 'abc')")
        with pytest.raises(StoreError, match="CORRUPT_ROW"):
            connection.execute(select(BOTH.c.exact).where(BOTH.c.id == 7)).scalar_one()


@given(INSTANTS)
def test_instants_are_exact_and_sort(at: datetime) -> None:
    assert instant_at(micros(at)) == at
    assert micros(at + timedelta(microseconds=1)) == micros(at) + 1
    assert optional_instant_at(optional_micros(at)) == at


@given(LENGTHS)
def test_lengths_are_exact(length: timedelta) -> None:
    assert length_of(length_micros(length)) == length


def test_no_instant_stays_none() -> None:
    assert optional_micros(None) is None
    assert optional_instant_at(None) is None


@st.composite
def events(draw: st.DrawFn) -> GridEvent:
    def span() -> Span:
        return Span.lasting(draw(INSTANTS), abs(draw(LENGTHS)))

    signals = tuple(
        Signal(
            signal_id=draw(TEXTS),
            name=draw(TEXTS),
            type=draw(TEXTS),
            kind=draw(st.sampled_from(Kind)),
            direction=draw(st.sampled_from(Direction)),
            commodity=draw(st.sampled_from(Commodity)),
            basis=draw(st.sampled_from(Basis)),
            unit=draw(TEXTS),
            intervals=tuple(
                Interval(span=span(), value=draw(DECIMALS | TWENTY_DIGITS))
                for _ in range(draw(st.integers(0, 3)))
            ),
            current_value=draw(st.none() | DECIMALS),
        )
        for _ in range(draw(st.integers(0, 2)))
    )
    return GridEvent(
        utility=UtilityName(draw(TEXTS)),
        protocol=draw(st.sampled_from(ProtocolName)),
        event_id=EventId(draw(TEXTS)),
        version=draw(st.integers(0, 2**53)),
        program=draw(TEXTS),
        created_at=draw(INSTANTS),
        received_at=draw(INSTANTS),
        start=draw(INSTANTS),
        duration=draw(st.none() | LENGTHS),
        signals=signals,
        targets=Targets(sites=tuple(draw(st.lists(TEXTS, max_size=2)))),
        priority=draw(st.integers(0, 1000)),
        ramp_in=draw(LENGTHS),
        recovery=draw(LENGTHS),
        offset=draw(LENGTHS),
        cancelled_at=draw(st.none() | INSTANTS),
        cancel_implied=draw(st.booleans()),
        test=draw(st.sampled_from(TestKind)),
        comment=draw(TEXTS),
        source=draw(st.dictionaries(TEXTS, TEXTS, max_size=2)),
        unmapped=draw(st.dictionaries(TEXTS, TEXTS, max_size=2)),
    )


@given(events())
def test_an_event_comes_back_as_it_was(event: GridEvent) -> None:
    body = GRID_EVENT.dump_json(event)
    found = decoded(GRID_EVENT, body)

    assert found == event
    assert GRID_EVENT.dump_json(found) == body
    assert obligation(found) == obligation(event)
    for signal, again in zip(event.signals, found.signals, strict=True):
        for interval, same in zip(signal.intervals, again.intervals, strict=True):
            assert str(interval.value) == str(same.value)


@given(INSTANTS, st.sampled_from(Opt), TEXTS)
def test_an_answer_comes_back_as_it_was(at: datetime, opt: Opt, reason: str) -> None:
    answer = Participation(
        event=EventKey(utility=UtilityName("azp"), event_id=EventId("e")),
        version=3,
        opt=opt,
        reason=reason,
        decided_at=at,
        by="gateway",
    )

    assert decoded(PARTICIPATION, PARTICIPATION.dump_json(answer)) == answer


def test_a_stored_value_that_this_code_cannot_read_is_an_error() -> None:
    with pytest.raises(StoreError, match=r"UNREADABLE_ROW: .*version"):
        decoded(GRID_EVENT, GRID_EVENT.dump_json(EVENT).replace(b'"version":0', b'"version":"x"'))


def test_what_was_read_lately_is_the_same_value_and_another_body_another() -> None:
    plan = sample_plan(UTC_1600)
    body = model_bytes(plan)
    again = bytes(bytearray(body))
    assert read_model(EffectivePlan, body) == plan
    assert read_model(EffectivePlan, again) is read_model(EffectivePlan, body)
    other = model_bytes(plan.model_copy(update={"revision": plan.revision + 1}))
    assert read_model(EffectivePlan, other).revision == plan.revision + 1


def test_one_body_is_never_taken_for_another_kind() -> None:
    body = model_bytes(sample_plan(UTC_1600))
    read_model(EffectivePlan, body)
    with pytest.raises(StoreError, match="UNREADABLE_ROW"):
        read_model(ComputeFlexIntent, body)
