"""Ids that find their own intent again, revisions that are never too low."""

import re
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.errors import MisuseError
from gateway.domain.identity import (
    EPOCHS,
    STEP,
    intent_id,
    next_revision,
    revision,
    revision_parts,
)
from gateway.domain.names import EventId, SiteId, UtilityName

KEY = b"k" * 32


def made(utility: str, event: str, site: str, key: bytes = KEY) -> str:
    return intent_id(key, UtilityName(utility), EventId(event), SiteId(site))


def test_an_id_is_a_version_8_uuid() -> None:
    found = made("azp", "evt-1", "phx-1")

    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", found)
    assert UUID(found).version == 8
    assert UUID(found).variant == "specified in RFC 4122"


def test_an_id_never_changes_between_releases() -> None:
    assert made("azp", "evt-1", "phx-1") == "07e09148-0ce4-85f9-8ab6-7e4ae08a8062"


@given(st.lists(st.tuples(st.text(), st.text(), st.text()), min_size=2, max_size=2, unique=True))
def test_different_events_and_sites_never_share_an_id(
    parts: list[tuple[str, str, str]],
) -> None:
    first, second = parts
    storable = all(c < "\ud800" or c > "\udfff" for part in (*first, *second) for c in part)

    if storable:
        assert made(*first) != made(*second)


def test_names_are_not_merely_joined() -> None:
    assert made("a", "bc", "d") != made("ab", "c", "d")
    assert made("a", "b", "cd") != made("a", "bc", "d")


def test_another_installation_makes_other_ids() -> None:
    assert made("azp", "evt-1", "phx-1") != made("azp", "evt-1", "phx-1", b"l" * 32)


def test_a_short_key_is_refused() -> None:
    with pytest.raises(MisuseError, match="SHORT_KEY"):
        made("azp", "evt-1", "phx-1", b"k" * 31)


@given(st.integers(1, EPOCHS - 1), st.integers(1, STEP - 1))
def test_a_revision_says_its_epoch_and_stays_exact_in_json(epoch: int, n: int) -> None:
    number = revision(epoch, n)

    assert revision_parts(number) == (epoch, n)
    assert number == epoch * 2**32 + n
    assert number < 2**53
    assert int(float(number)) == number


@pytest.mark.parametrize(("epoch", "n"), [(0, 1), (1, 0), (-1, 1), (1, -1), (EPOCHS, 1), (1, STEP)])
def test_a_revision_out_of_range_is_refused(epoch: int, n: int) -> None:
    with pytest.raises(MisuseError, match="OUT_OF_RANGE"):
        revision(epoch, n)


@pytest.mark.parametrize("number", [0, 1, STEP, STEP - 1, 2 * STEP, 2**53, -1])
def test_a_number_that_is_no_revision_is_refused(number: int) -> None:
    with pytest.raises(MisuseError, match="OUT_OF_RANGE"):
        revision_parts(number)


def test_revisions_count_on_and_start_above_everything_after_a_restore() -> None:
    assert next_revision(1, None) == revision(1, 1)
    assert next_revision(1, revision(1, 7)) == revision(1, 8)
    assert next_revision(2, revision(1, 7)) == revision(2, 1)
    assert next_revision(2, revision(1, STEP - 1)) > revision(1, STEP - 1)


def test_a_revision_of_a_later_epoch_means_the_store_is_an_old_copy() -> None:
    with pytest.raises(MisuseError, match="NEWER_EPOCH"):
        next_revision(1, revision(2, 1))
    with pytest.raises(MisuseError, match="OUT_OF_RANGE"):
        next_revision(1, revision(1, STEP - 1))
