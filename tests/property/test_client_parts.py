"""The client's parts: blocks, notebook, buffers, waits."""

import itertools
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.client.answering import promised
from gateway.client.buffer import FolderBatches, MemoryBatches, make_batch, samples_of
from gateway.client.exchange import BackLaterError, BackOff
from gateway.client.notebook import MOST_KNOWN, PLAN, Notebook, Verdict
from gateway.client.problem import read_problem
from gateway.client.stream import LARGEST_BLOCK, Block, BlockParser
from gateway.domain.answers import Sample
from gateway.domain.names import MeterId
from gateway.domain.reading import Quality, Reading

START = datetime(2025, 5, 3, 21, 40, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
STREAM = (
    b"retry: 2000\n\n: ping\n\nid: 41\nevent: plan\ndata: {}\n\n"
    b"id:42\r\nevent:intent\r\ndata:a\r\ndata: b\r\n\r\n\n\n: bye\n\n"
)
BLOCKS = [
    Block(),
    Block(comment="ping"),
    Block(event="plan", sequence=41, data=b"{}"),
    Block(event="intent", sequence=42, data=b"a\nb"),
    Block(comment="bye"),
]


def sample(number: int) -> Sample:
    return Sample(
        meter="it_load",
        start=START + number * MINUTE,
        duration=MINUTE,
        energy_kwh=Decimal(number),
    )


@pytest.mark.spec("HTML Living Standard, server-sent events, event stream interpretation")
@given(st.lists(st.integers(1, len(STREAM) - 1)))
def test_blocks_do_not_depend_on_how_the_network_cuts_them(cuts: list[int]) -> None:
    parser, found = BlockParser(), []
    edges = [0, *sorted(cuts), len(STREAM)]
    for begin, end in itertools.pairwise(edges):
        parser.feed(STREAM[begin:end])
        while (block := parser.pop()) is not None:
            found.append(block)
    assert found == BLOCKS
    assert parser.begun == 0


def test_a_block_has_a_largest_size() -> None:
    parser = BlockParser()
    parser.feed(b"data: " + b"x" * (LARGEST_BLOCK - 6))
    with pytest.raises(BackLaterError):
        parser.feed(b"x")


@given(st.binary(max_size=400))
def test_no_bytes_break_the_parser(chunk: bytes) -> None:
    parser = BlockParser()
    parser.feed(chunk + b"\n\n")
    while parser.pop() is not None:
        pass
    assert parser.begun == 0


def test_a_notebook_compares_before_it_ignores() -> None:
    notebook = Notebook(None)
    notebook.note("i", 5, "a", 1)
    assert notebook.judge("i", 6, "b") is Verdict.NEW
    assert notebook.judge("i", 5, "a") is Verdict.SAME
    assert notebook.judge("i", 5, "b") is Verdict.CONFLICT
    assert notebook.judge("i", 4, "b") is Verdict.OLDER
    assert notebook.judge("i", 2**32 + 1, "b") is Verdict.NEW
    assert notebook.judge("other", 1, "b") is Verdict.NEW


def test_the_cursor_stays_behind_the_oldest_that_was_not_taken() -> None:
    notebook = Notebook(None)
    for sequence, key in enumerate(("a", "b", "a", PLAN), start=1):
        notebook.note(key, sequence, "", sequence)
        notebook.read_to(sequence)
    assert notebook.cursor == 1
    notebook.take("b", 2)
    assert notebook.cursor == 2
    notebook.take("a", 1)  # an older revision: the newer one still waits
    assert notebook.cursor == 2
    notebook.take("a", 3)
    assert notebook.cursor == 3
    notebook.take(PLAN, 4)
    assert notebook.cursor == 4


def test_a_taken_plan_covers_what_came_before_it_where_nobody_reads_intents() -> None:
    notebook = Notebook(None)
    for sequence, key in enumerate(("a", PLAN, "b"), start=1):
        notebook.note(key, 1, "", sequence)
        notebook.read_to(sequence)
    notebook.take(PLAN, 1, covers=True)
    assert notebook.cursor == 2


def test_a_notebook_is_read_back_without_what_was_not_taken(tmp_path: Path) -> None:
    path = tmp_path / "cursor"
    first = Notebook(path)
    for sequence, key in enumerate(("a", "b"), start=1):
        first.note(key, 7, key, sequence)
        first.read_to(sequence)
    first.take("a", 7)

    second = Notebook(path)

    assert second.received == 1
    assert second.intents() == {"a": 7}
    assert second.judge("a", 7, "a") is Verdict.SAME
    assert second.judge("b", 7, "b") is Verdict.NEW
    assert [each.name for each in tmp_path.iterdir()] == ["cursor"]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"cursor":"x","known":{}}', '{"cursor":1,"known":{"a":[1]}}']
)
def test_an_unreadable_notebook_reads_everything_again(tmp_path: Path, text: str) -> None:
    path = tmp_path / "cursor"
    path.write_text(text)
    assert Notebook(path).received == 0
    assert Notebook(path).intents() == {}


def test_a_notebook_that_cannot_be_written_stops_nobody(tmp_path: Path) -> None:
    notebook = Notebook(tmp_path / "missing" / "cursor")
    notebook.note("a", 1, "", 1)
    notebook.read_to(1)
    notebook.take("a", 1)
    assert notebook.cursor == 1


def test_a_notebook_knows_a_bounded_number_of_intents_and_always_the_plan() -> None:
    notebook = Notebook(None)
    notebook.note(PLAN, 1, "", None)
    for n in range(MOST_KNOWN + 50):
        notebook.note(f"i{n}", 1, "", n + 1)
    assert len(notebook.intents()) == MOST_KNOWN - 1
    assert notebook.revision(PLAN) == 1


@given(st.lists(st.integers(1, 5), max_size=12), st.integers(1, 20), st.booleans())
def test_both_buffers_keep_order_and_the_newest(sizes: list[int], room: int, on_disk: bool) -> None:
    with TemporaryDirectory() as folder:
        kept = FolderBatches(Path(folder), room) if on_disk else MemoryBatches(room)
        number, made = 0, []
        for size in sizes:
            made.append(make_batch([sample(number + n) for n in range(size)]))
            number += size
            kept.add(made[-1])
        if on_disk:
            dropped = kept.dropped_samples
            kept = FolderBatches(Path(folder), room)
            kept.dropped_samples = dropped
        left = []
        while (batch := kept.first()) is not None:
            assert kept.first() == batch
            kept.done("another")
            left.append(batch)
            kept.done(batch.batch_id)
        assert len(kept) == 0
        assert left == made[len(made) - len(left) :]
        total = sum(len(batch.samples) for batch in left)
        assert total <= max(room, sizes[-1] if sizes else 0)
        assert kept.dropped_samples == number - total


def test_a_buffered_file_that_cannot_be_read_is_set_aside(tmp_path: Path) -> None:
    kept = FolderBatches(tmp_path, 100)
    for n in range(3):
        kept.add(make_batch([sample(n)]))
    first = sorted(tmp_path.iterdir())[0]
    first.write_text("{")
    (tmp_path / "notes.txt").write_text("not ours")

    again = FolderBatches(tmp_path, 100)

    batch = again.first()
    assert batch is not None
    assert batch.samples == (sample(1),)
    assert again.dropped_samples == 1
    assert {path.suffix for path in tmp_path.iterdir()} == {".json", ".txt", ".unreadable"}


def test_the_same_samples_make_the_same_batch() -> None:
    assert make_batch([sample(1)]) == make_batch([sample(1)])
    assert make_batch([sample(1)]).batch_id != make_batch([sample(2)]).batch_id


def test_a_meters_readings_become_samples_and_missing_ones_are_left_out() -> None:
    def reading(energy_kwh: Decimal | None, quality: Quality) -> Reading:
        return Reading(
            meter=MeterId("it_load"),
            start=START,
            duration=MINUTE,
            energy_kwh=energy_kwh,
            quality=quality,
        )

    given_: list[Sample | Reading] = [
        reading(Decimal("1.5"), Quality.ESTIMATED),
        reading(None, Quality.MISSING),
        sample(2),
    ]
    assert [(s.energy_kwh, s.quality) for s in samples_of(given_)] == [
        (Decimal("1.5"), "E"),
        (Decimal(2), "A"),
    ]


@given(st.integers(1, 10_000), st.text(max_size=8))
def test_a_wait_lies_between_half_and_all_of_the_doubled_base(failures: int, spread: str) -> None:
    back_off = BackOff(base_s=0.5, cap_s=30, spread=spread)
    whole = min(30.0, 0.5 * 2.0 ** min(failures - 1, 30))
    assert whole / 2 <= back_off.delay_s(failures) <= whole
    assert back_off.delay_s(failures) == back_off.delay_s(failures)


def test_sites_come_back_at_different_times() -> None:
    waits = {BackOff(spread=f"site-{n}").delay_s(6) for n in range(50)}
    assert len(waits) > 35


@given(st.decimals(0, 10_000, places=6))
def test_a_promise_never_says_less_than_what_will_be_drawn(kw: Decimal) -> None:
    assert kw <= promised(kw) < kw + Decimal("0.001")


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"reason":3}', b'{"a":1,"a":2}'])
def test_a_proxys_page_is_no_problem_document(body: bytes) -> None:
    assert read_problem(502, body) is None


def test_a_problem_names_the_fields() -> None:
    body = {"reason": "INVALID_BODY", "detail": "wrong", "errors": [{"pointer": "/kw"}]}
    problem = read_problem(422, json.dumps(body).encode())
    assert problem is not None
    assert (problem.reason, problem.detail) == ("INVALID_BODY", "wrong (/kw)")
