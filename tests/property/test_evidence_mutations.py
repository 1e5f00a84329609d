"""Seeded forgeries: whatever is done to a bundle, it is refused, and what was touched is named."""

import random  # noqa: TID251 - seeds forgeries; nothing here is given to the code under test
from collections.abc import Callable
from datetime import timedelta
from functools import cache
from typing import Any

import pytest

from gateway.domain.errors import WireError
from gateway.settlement.archive import from_zip, to_zip
from gateway.settlement.evidence import INCLUSION, MANIFEST, RECORDS
from gateway.settlement.finding import Outcome
from tests.evidence_story import Case, Files, close, judged, listed, with_document, with_lines
from tests.intent_samples import START
from tests.settlement_story import told

Mutation = Callable[[random.Random], tuple[Files, str]]
"""Makes a forged bundle; names the file or record that must be named."""


@cache
def case() -> Case:
    """A story of some hundred records."""
    return close(told())


def files() -> Files:
    return case().files


def flip(body: bytes, chance: random.Random) -> bytes:
    """Flip one bit."""
    at = chance.randrange(len(body))
    return body[:at] + bytes([body[at] ^ 1 << chance.randrange(8)]) + body[at + 1 :]


def a_bit_of_a_file(chance: random.Random) -> tuple[Files, str]:
    name = chance.choice(list(files()))
    return {**files(), name: flip(files()[name], chance)}, name


def a_bit_of_a_file_listed_anew(chance: random.Random) -> tuple[Files, str]:
    name = chance.choice([name for name in files() if name != MANIFEST])
    return listed({**files(), name: flip(files()[name], chance)}), ""


def named(position: int) -> str:
    return f"record {case().evidence.records[position].index}"


def a_record_dropped(chance: random.Random) -> tuple[Files, str]:
    position = chance.randrange(len(case().evidence.records))
    drop = lambda items: [*items[:position], *items[position + 1 :]]  # noqa: E731 - one use, twice
    return listed(with_document(with_lines(files(), drop), INCLUSION, drop)), ""


def the_last_ones_dropped(chance: random.Random) -> tuple[Files, str]:
    left = chance.randrange(1, len(case().evidence.records))
    keep = lambda items: items[:left]  # noqa: E731 - one use, twice
    return listed(with_document(with_lines(files(), keep), INCLUSION, keep)), ""


def two_swapped(chance: random.Random) -> tuple[Files, str]:
    one, other = sorted(chance.sample(range(len(case().evidence.records)), 2))

    def swap(items: list[Any]) -> list[Any]:
        found = list(items)
        found[one], found[other] = found[other], found[one]
        return found

    changed = with_lines(files(), swap)
    if chance.random() < 0.5:
        changed = with_document(changed, INCLUSION, swap)
    return listed(changed), named(one)


def one_repeated(chance: random.Random) -> tuple[Files, str]:
    position = chance.randrange(len(case().evidence.records))
    again = lambda items: [*items[: position + 1], *items[position:]]  # noqa: E731 - one use, twice
    return listed(with_document(with_lines(files(), again), INCLUSION, again)), named(position)


def digits_changed(chance: random.Random) -> tuple[Files, str]:
    position = chance.randrange(len(case().evidence.records))

    def change(lines: list[bytes]) -> list[bytes]:
        line = lines[position]
        digits = [at for at, byte in enumerate(line) if 0x31 <= byte <= 0x39]
        at = chance.choice(digits)
        swapped = bytes([0x31 + (line[at] - 0x31 + chance.randrange(1, 9)) % 9])
        return [*lines[:position], line[:at] + swapped + line[at + 1 :], *lines[position + 1 :]]

    return listed(with_lines(files(), change)), ""


def one_of_another_log(chance: random.Random) -> tuple[Files, str]:
    other = other_lines()
    position = chance.randrange(60, 200)
    replaced = with_lines(
        files(), lambda lines: [*lines[:position], other[position + 1], *lines[position + 1 :]]
    )
    return listed(replaced), named(position)


@cache
def other_lines() -> list[bytes]:
    skipped = [START + timedelta(minutes=3)]
    return close(told(skip=skipped)).files[RECORDS].splitlines()


MUTATIONS: list[Mutation] = [
    a_bit_of_a_file,
    a_bit_of_a_file_listed_anew,
    a_record_dropped,
    the_last_ones_dropped,
    two_swapped,
    one_repeated,
    digits_changed,
    one_of_another_log,
]


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda found: found.__name__)
def test_every_seeded_forgery_is_refused_and_named(mutation: Mutation) -> None:
    assert judged(files()).outcome is Outcome.VERIFIED
    for seed in range(13):
        forged, touched = mutation(random.Random(f"{mutation.__name__} {seed}"))
        verdict = judged(forged)
        assert verdict.outcome is not Outcome.VERIFIED, seed
        assert all(finding.where and finding.detail for finding in verdict.findings)
        assert any(finding.where.startswith(touched) for finding in verdict.findings), seed


def test_no_bit_of_an_archive_can_be_flipped() -> None:
    packed = to_zip(files())
    chance = random.Random(7)
    for _ in range(200):
        try:
            found = from_zip(flip(packed, chance))
        except WireError as error:
            assert error.reason == "MALFORMED_ARCHIVE"
        else:
            assert judged(found).outcome is not Outcome.VERIFIED
