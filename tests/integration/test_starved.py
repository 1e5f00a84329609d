"""Without file descriptors, or on a disk that turned read-only, the gateway says so and goes on or stops cleanly."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from conformance.faults.syscalls import missing
from tests.forked import ran
from tests.store_processes import ROOT


def child(word: str, path: Path, *prefix: str) -> subprocess.CompletedProcess[str]:
    if not prefix:
        return ran("tests.starved_child", word, str(path))
    return subprocess.run(
        [*prefix, sys.executable, "-m", "tests.starved_child", word, str(path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.slow
def test_without_descriptors_open_work_goes_on_and_new_connections_come_back(
    tmp_path: Path,
) -> None:
    """Kills: a store that opens a file in the middle of a transaction; a listener that dies with its first EMFILE."""
    ran = child("descriptors", tmp_path / "s.db")

    assert ran.stdout.splitlines() == [
        "before 200",
        "stored 200",
        "open connection 200",
        "said accept",
        "after 200",
    ], ran.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("call", "reason"),
    [("openat", "CANNOT_OPEN"), ("pwrite64", "FLUSH_FAILED")],
)
def test_a_read_only_disk_is_said_and_nothing_is_acknowledged(
    call: str, reason: str, tmp_path: Path
) -> None:
    if why := missing():
        pytest.skip(why)
    made = child("store", tmp_path / "s.db")
    strace = shutil.which("strace") or ""
    files = [flag for name in ("s.db.lock", "s.db-wal") for flag in ("-P", str(tmp_path / name))]
    if call == "pwrite64":
        files = files[2:]
    prefix = [strace, "-f", "-qq", "-o", "/dev/null", *files, "-e", f"inject={call}:error=EROFS"]

    ran = child("store", tmp_path / "s.db", *prefix)
    again = child("store", tmp_path / "s.db")

    assert made.stdout.splitlines() == ["stored 0"], made.stderr
    assert ran.stdout.splitlines() == [reason], ran.stderr
    assert again.stdout.splitlines() == ["stored 1"], again.stderr
