"""Starts ``tests/store_child.py``."""

import subprocess
import sys
from pathlib import Path

from tests.forked import ran

ROOT = Path(__file__).parents[1]


def child(*words: str, prefix: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    """Run a child to its end; a prefix, as a tracer is one, makes it start from nothing."""
    if not prefix:
        return ran("tests.store_child", *words)
    return subprocess.run(
        [*prefix, sys.executable, "-m", "tests.store_child", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def url(path: Path) -> str:
    """Return the url of a file."""
    return f"sqlite:///{path}"


def python(program: str) -> subprocess.CompletedProcess[str]:
    """Run a program given as text; it must succeed."""
    return subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
