"""Notes which lines of a package run."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

Tracing = Callable[[FrameType, str, object], "Tracing | None"]


@contextmanager
def lines_of(folder: Path) -> Iterator[set[tuple[str, int]]]:
    """Note the lines of files below a folder that run in this thread during a block.

    Args:
        folder: As compiled code names it.

    Yields:
        File and line, growing.
    """
    found: set[tuple[str, int]] = set()
    inside = f"{folder}/"

    def ran(frame: FrameType, event: str, _: object) -> Tracing:
        if event == "line":
            found.add((frame.f_code.co_filename, frame.f_lineno))
        return ran

    def called(frame: FrameType, _: str, __: object) -> Tracing | None:
        return ran if frame.f_code.co_filename.startswith(inside) else None

    before = sys.gettrace()
    sys.settrace(called)
    try:
        yield found
    finally:
        sys.settrace(before)
