"""After a power loss the files hold everything that anybody was told: images rebuilt from traced system calls."""

from pathlib import Path

import pytest

from conformance.faults.disk import Disk
from conformance.faults.promises import Promised, found_in, lay
from conformance.faults.syscalls import Cut, Flushed, Moved, Opened, Said, Wrote, missing
from conformance.soak import images
from conformance.soak.row import CAUGHT, Plan
from gateway.app.ids import SeededChance


@pytest.mark.slow
def test_no_image_of_the_files_lacks_what_was_acknowledged(tmp_path: Path) -> None:
    """Kills: ``synchronous=NORMAL`` and ``OFF``, each every time."""
    if why := missing():
        pytest.skip(why)
    plan = Plan(seed=1, runs=None, quick=True, only="", folder=tmp_path)

    rows = list(images.run(plan))

    assert [row.what for row in rows if not row.good] == []
    assert sum(row.runs for row in rows if row.expected != CAUGHT) >= 30
    assert [row.what for row in rows if row.expected == CAUGHT] == [
        "mutant: synchronous=NORMAL",
        "mutant: synchronous=OFF",
    ]


# --- the disk itself


def disk(*calls: Opened | Wrote | Cut | Flushed | Moved | Said) -> Disk:
    made = Disk()
    for call in calls:
        made.take(call)
    return made


FOLDER = Flushed(name="", worked=True)
FLUSH = Flushed(name="f", worked=True)
MADE = (Opened(name="f"), FOLDER)


def wrote(offset: int, data: bytes) -> Wrote:
    return Wrote(name="f", offset=offset, data=data)


def test_what_was_not_flushed_is_gone() -> None:
    assert disk(*MADE, wrote(0, b"aa"), FLUSH, wrote(2, b"bb")).flushed() == {"f": b"aa"}


def test_a_flush_that_failed_keeps_nothing_and_the_next_one_does_not_bring_it_back() -> None:
    failed = Flushed(name="f", worked=False)

    assert disk(*MADE, wrote(0, b"aa"), failed, wrote(4, b"bb"), FLUSH).flushed() == {
        "f": b"\0\0\0\0bb"
    }


def test_a_file_whose_name_was_never_flushed_is_gone() -> None:
    assert disk(Opened(name="f"), wrote(0, b"aa"), FLUSH).flushed() == {}


def test_a_removed_file_is_back_until_the_folder_was_flushed() -> None:
    gone = Moved(name="f", to="")

    assert disk(*MADE, wrote(0, b"a"), FLUSH, gone).flushed() == {"f": b"a"}
    assert disk(*MADE, wrote(0, b"a"), FLUSH, gone, FOLDER).flushed() == {}


def test_cutting_and_writing_beyond_the_end_fill_with_zeros() -> None:
    assert disk(
        *MADE, wrote(0, b"abcd"), Cut(name="f", size=2), wrote(3, b"x"), FLUSH
    ).flushed() == {"f": b"ab\0x"}


def test_a_torn_image_is_a_beginning_and_a_reordered_one_any_set_of_sectors() -> None:
    made = disk(*MADE, wrote(0, bytes(range(1, 9))), wrote(8, b"zzzz"))
    chance = SeededChance(1, "test")

    torn = {made.torn(chance, 4)["f"] for _ in range(200)}
    reordered = {made.reordered(chance, 4)["f"] for _ in range(200)}

    whole = bytes(range(1, 9)) + b"zzzz"
    assert torn == {whole[:size] for size in (0, 4, 8, 12)}
    assert reordered == {b"", whole[:4], whole[:8], whole, b"\0\0\0\0" + whole[4:8]} | {
        bytes(8) + b"zzzz",
        whole[:4] + bytes(4) + b"zzzz",
        bytes(4) + whole[4:],
    }


# --- the promises


def line(*facts: str, size: int = 0, leaf: str = "", a: int = 0) -> str:
    told = ", ".join(f'"{fact}"' for fact in facts)
    return f'{{"facts": [{told}], "size": {size}, "leaf": "{leaf}", "site-a": {a}}}'


def test_everything_promised_is_missed_in_an_empty_file(tmp_path: Path) -> None:
    promised = Promised()
    promised.take("a line of something else")
    promised.take(line("batch site-a b1", "beat site-a 5", size=2, leaf="ff", a=3))
    promised.take(line("sent OadrPoll", size=2, leaf="ff", a=3))

    assert promised.lines == 2
    assert promised.missing(found_in(lay({}, tmp_path))) == [
        "log record 1",
        "batch site-a b1",
        "beat site-a",
        "stream site-a at 3",
    ]


def test_a_file_that_is_no_database_is_a_fault(tmp_path: Path) -> None:
    found = found_in(lay({"s.db": b"not a database, but of some length" * 200}, tmp_path))

    assert [fault[:7] for fault in found.faults] == ["SQLite:"]
