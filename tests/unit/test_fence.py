"""Fencing numbers: ordered, written, read, and never believed without the key."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.fence import LONGEST, Fence, authentic, fence_text, read_fence, texts

KEY = bytes(range(32))
ONE = Fence(store_id="store-1", epoch=1, start=5, instance="a")


@pytest.mark.parametrize(
    "higher",
    [
        replace(ONE, epoch=2, start=1),
        replace(ONE, start=6),
        replace(ONE, instance="b"),
    ],
)
def test_epoch_then_start_then_instance_decide(higher: Fence) -> None:
    assert higher.above(ONE)
    assert not ONE.above(higher)


def test_neither_itself_nor_another_store_fences_a_gateway_off() -> None:
    assert not ONE.above(ONE)
    assert not replace(ONE, store_id="store-2", epoch=9).above(ONE)


numbers = st.builds(
    Fence,
    store_id=st.from_regex(r"[0-9A-Za-z-]{1,64}", fullmatch=True),
    epoch=st.integers(1, 2**21),
    start=st.integers(1, 10**15 - 1),
    instance=st.from_regex(r"[0-9A-Za-z-]{1,64}", fullmatch=True),
)


@given(numbers, numbers)
def test_of_two_copies_exactly_one_goes_on(left: Fence, right: Fence) -> None:
    right = replace(right, store_id=left.store_id)
    assert left.above(right) + right.above(left) == (left != right)


@given(numbers)
def test_a_written_number_is_read_back(fence: Fence) -> None:
    assert authentic(KEY, fence_text(KEY, fence)) == fence
    assert read_fence(fence_text(KEY, fence)) == fence


@given(numbers, st.data())
def test_a_number_that_was_changed_anywhere_is_not_believed(
    fence: Fence, data: st.DataObject
) -> None:
    text = fence_text(KEY, fence)
    place = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.sampled_from("0123456789abcdef:-").filter(lambda c: c != text[place]))

    assert authentic(KEY, text[:place] + other + text[place + 1 :]) is None


def test_a_number_under_another_key_is_not_believed() -> None:
    assert authentic(KEY, fence_text(bytes(32), ONE)) is None


@given(st.text(max_size=300))
def test_any_text_is_read_without_a_fault(text: str) -> None:
    assert authentic(KEY, text) is None


def test_a_header_holds_few_numbers_and_is_short() -> None:
    assert list(texts("a, b,c ,d,e,f")) == ["a", "b", "c", "d"]
    assert list(texts("a" * (LONGEST + 1))) == []
