"""Values made by columns are what calls would have made."""

from dataclasses import FrozenInstanceError, dataclass, field

import pytest

from gateway.domain.errors import MisuseError
from gateway.protocols.oadr2b.content.columns import Rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One of many."""

    name: str
    size: int | None = None
    parts: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """Does work of its own."""

    name: str

    def __post_init__(self) -> None:
        """Refuse an empty name."""
        if not self.name:
            raise ValueError


@dataclass(frozen=True, kw_only=True)
class Open:
    """Has no slots."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """Has a default that is made anew each time."""

    names: list[str] = field(default_factory=list)


def test_rows_are_what_a_call_for_each_would_give() -> None:
    rows = Rows(Sample).make(3, {"name": ["a", "b", "c"], "parts": [(1,), (), (2, 3)]})

    assert rows == [
        Sample(name="a", parts=(1,)),
        Sample(name="b"),
        Sample(name="c", parts=(2, 3)),
    ]
    assert len({*rows, Sample(name="b")}) == 3
    with pytest.raises(FrozenInstanceError):
        rows[0].name = "z"  # type: ignore[misc] # that it is refused is the point


def test_no_rows_are_none() -> None:
    assert Rows(Sample).make(0, {"name": []}) == []


@pytest.mark.parametrize(
    "columns",
    [
        {"name": ["a"]},
        {"name": ["a", "b", "c"]},
        {"name": ["a", "b"], "parts": [()]},
        {"size": [1, 2]},
        {"name": ["a", "b"], "colour": ["red", "blue"]},
    ],
)
def test_columns_that_do_not_fit_are_refused(columns: dict[str, list[object]]) -> None:
    with pytest.raises(MisuseError, match="UNEXPECTED"):
        Rows(Sample).make(2, columns)


@pytest.mark.parametrize("kind", [Checked, Open])
def test_a_class_with_more_to_it_than_fields_is_refused(kind: type[object]) -> None:
    with pytest.raises(MisuseError, match="UNEXPECTED"):
        Rows(kind)


def test_a_default_that_is_made_anew_needs_a_column() -> None:
    with pytest.raises(MisuseError, match="UNEXPECTED"):
        Rows(Made).make(1, {})
    assert Rows(Made).make(1, {"names": [["a"]]}) == [Made(names=["a"])]
