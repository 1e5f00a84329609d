"""Seeded forgeries: whatever is done to a bundle, it is refused, and what was touched is named."""

from functools import cache
from random import Random  # noqa: TID251 - seeds forgeries; nothing here is given to the code under test

import pytest

from conformance.forgeries.classes import FORGERIES, flip
from conformance.forgeries.editing import Files
from conformance.soak.forgeries import fault_of, judged
from gateway.domain.errors import WireError
from gateway.pipeline.methods import METHODS
from gateway.settlement.archive import from_zip, to_zip
from gateway.settlement.finding import Outcome
from gateway.settlement.verify import verify
from tests.evidence_story import KEY, close
from tests.settlement_story import told

SEEDS = range(7)


@cache
def files() -> Files:
    """Return the bundle of a story of some hundred records."""
    return close(told()).files


def test_the_honest_bundle_is_not_refused() -> None:
    assert judged(files(), KEY.log_id).outcome is Outcome.VERIFIED


@pytest.mark.parametrize("what", FORGERIES)
def test_every_seeded_forgery_is_refused_and_named(what: str) -> None:
    for seed in SEEDS:
        forgery = FORGERIES[what](files(), Random(f"{what} {seed}"))
        assert forgery.files != files(), seed
        assert not fault_of(judged(forgery.files, KEY.log_id), forgery.named), seed


def test_the_judge_objects_to_an_honest_bundle_and_to_a_wrong_name() -> None:
    forgery = FORGERIES["drop a record"](files(), Random(1))
    assert fault_of(judged(files(), KEY.log_id), forgery.named) == "it was accepted"
    assert "named, not" in fault_of(judged(forgery.files, KEY.log_id), ("record 999999 ",))


def test_another_key_is_seen_by_those_who_were_told_whose_log_it_is() -> None:
    for seed in SEEDS:
        forged = FORGERIES["re-sign with another key"](files(), Random(seed)).files
        assert judged(forged, KEY.log_id).outcome is not Outcome.VERIFIED
    verdicts = {
        verify(FORGERIES["re-sign with another key"](files(), Random(seed)).files, METHODS).outcome
        for seed in SEEDS
    }
    # Trust on first use: a log signed whole by another key is another log, and shows its id.
    assert Outcome.VERIFIED in verdicts


def test_no_bit_of_an_archive_can_be_flipped() -> None:
    packed = to_zip(files())
    chance = Random(7)
    for _ in range(200):
        with pytest.raises(WireError, match="MALFORMED_ARCHIVE"):
            from_zip(flip(packed, chance))
