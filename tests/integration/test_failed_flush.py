"""A failed flush is final, and what a restart then promises stands on the disk."""

from pathlib import Path

import pytest

from conformance.faults.syscalls import missing
from conformance.soak import failed_flush
from conformance.soak.row import Plan
from gateway.database.engine import READER, WRITER, driver, engine_for
from gateway.database.place import flush_names
from gateway.domain.errors import StoreError


@pytest.mark.slow
def test_a_flush_that_fails_ends_the_writing_and_the_next_start_stands_on_the_disk(
    tmp_path: Path,
) -> None:
    """Kills: a writer that goes on; a start that builds on bytes which only the operating system still has."""
    if why := missing():
        pytest.skip(why)
    plan = Plan(seed=1, runs=None, quick=True, only="", folder=tmp_path)

    rows = list(failed_flush.run(plan))

    assert [(row.what, row.note) for row in rows if not row.good] == []
    assert [row.what for row in rows] == [
        "every flush fails once",
        "mutant: a writer that goes on",
    ]


@pytest.mark.parametrize("pragmas", [WRITER, READER])
def test_no_connection_uses_a_map_or_a_file_elsewhere(
    pragmas: dict[str, str | int], tmp_path: Path
) -> None:
    engine_for(tmp_path / "s.db", WRITER, "BEGIN").connect().close()
    with engine_for(tmp_path / "s.db", pragmas, "BEGIN").connect() as connection:
        raw = driver(connection)

        assert raw.execute("PRAGMA temp_store").fetchone() == (2,)
        assert (raw.execute("PRAGMA mmap_size").fetchone() or (0,)) == (0,)
        assert raw.execute("PRAGMA query_only").fetchone() == (pragmas["query_only"],)


def test_a_folder_that_cannot_be_flushed_is_said() -> None:
    with pytest.raises(StoreError, match=r"FLUSH_FAILED: /proc/self could not be flushed"):
        flush_names(Path("/proc/self"))
