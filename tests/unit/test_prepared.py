"""Statements that go straight to the driver do what SQLAlchemy would have done."""

import sqlite3
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import (
    Column,
    Connection,
    Executable,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    bindparam,
    func,
    select,
    update,
)
from sqlalchemy.dialects.sqlite import insert

from gateway.database import prepared
from gateway.database.columns import ExactDecimal
from gateway.database.engine import WRITER, connected, engine_for

PART = Table(
    "part",
    MetaData(),
    Column("name", String, primary_key=True),
    Column("count", Integer),
    Column("body", LargeBinary),
    Column("price", ExactDecimal),
)
ADD = insert(PART)
PUT = ADD.on_conflict_do_update(
    index_elements=["name"], set_={"count": PART.c.count + bindparam("more")}
).returning(PART.c.count)
NAMED = (
    select(PART.c.name, PART.c.count, PART.c.body).where(PART.c.name == bindparam("name")).limit(1)
)
PRICED = select(PART.c.price).where(PART.c.name == bindparam("name"))
AMONG = (
    select(PART.c.name)
    .where(PART.c.name.in_(bindparam("names", expanding=True)))
    .order_by(PART.c.name)
)
TOTAL = select(func.coalesce(func.sum(PART.c.count), 0))
RENAME = update(PART).where(PART.c.name == bindparam("b_name")).values(count=bindparam("b_count"))
BOLT = {"name": "bolt", "count": 3, "body": b"\x00\xff", "price": Decimal("0.10")}
NUT = {"name": "nut", "count": 5, "body": b"", "price": Decimal("1E+2")}


@pytest.fixture
def open_(tmp_path: Path) -> Iterator[Connection]:
    engine = engine_for(tmp_path / "parts.db", WRITER, "BEGIN IMMEDIATE")
    with connected(engine) as connection, connection.begin():
        PART.create(connection)
        yield connection


@pytest.mark.parametrize(
    ("statement", "values"),
    [
        (NAMED, {"name": "bolt"}),
        (NAMED, {"name": "none"}),
        (PRICED, {"name": "nut"}),
        (AMONG, {"names": ["nut", "bolt", "cog"]}),
        (TOTAL, None),
    ],
)
def test_a_question_gets_the_answer_that_sqlalchemy_gives(
    open_: Connection, statement: Executable, values: dict[str, object] | None
) -> None:
    prepared.run(open_, ADD, [BOLT, NUT])

    ours = prepared.run(open_, statement, values).all()

    assert ours == open_.execute(statement, values).all()
    assert [row._mapping for row in ours] == [
        row._mapping for row in open_.execute(statement, values)
    ]


def test_what_is_written_is_read_back_with_its_types(open_: Connection) -> None:
    prepared.run(open_, ADD, BOLT)

    row = open_.execute(select(PART)).one()

    assert row._asdict() == BOLT


def test_a_conflict_is_resolved_and_its_outcome_returned(open_: Connection) -> None:
    prepared.run(open_, ADD, BOLT)

    assert prepared.run(open_, PUT, {**BOLT, "more": 4}).scalar_one() == 7
    assert prepared.run(open_, TOTAL).scalar_one() == 7


def test_a_statement_brings_its_own_values_and_says_which_are_missing(open_: Connection) -> None:
    prepared.run(open_, ADD, BOLT)
    prepared.run(open_, RENAME, {"b_name": "bolt", "b_count": 9})

    assert prepared.run(open_, NAMED, {"name": "bolt"}).one()._mapping["count"] == 9
    assert prepared.changed(open_, RENAME, {"b_name": "cog", "b_count": 1}) == 0
    with pytest.raises(KeyError):
        prepared.run(open_, NAMED, {"title": "bolt"})


def test_most_statements_go_to_the_driver_and_the_rest_to_sqlalchemy() -> None:
    assert prepared.prepared(NAMED, ("name",)) is not None
    assert prepared.prepared(PUT, (*BOLT, "more")) is not None
    assert prepared.prepared(PRICED, ("name",)) is None
    assert prepared.prepared(AMONG, ("names",)) is None


def test_a_broken_rule_is_the_drivers_own_error(open_: Connection) -> None:
    prepared.run(open_, ADD, BOLT)

    with pytest.raises(sqlite3.IntegrityError):
        prepared.run(open_, ADD, BOLT)
