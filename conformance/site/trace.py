"""The minutes of a run as JSON lines, for whoever watches or draws them. Numbers, not strings: it is a report."""

import json
from pathlib import Path

from conformance.site.jobs import Mix
from conformance.site.minutes import Minute
from gateway.domain.timespan import instant_text


def trace_line(minute: Minute, mix: Mix) -> str:
    """Write one minute: power in kW (``target_kw`` null: no cap), throughput 1 is uncapped, cap 0 is paused."""
    names = [job.name for job in mix]
    return json.dumps(
        {
            "minute": instant_text(minute.start),
            "number": minute.number,
            "it_kw": float(minute.it_kw),
            "poc_kw": float(minute.poc_kw),
            "target_kw": None if minute.target_kw is None else float(minute.target_kw),
            "phase": minute.phase.value,
            "throughput": dict(zip(names, map(float, minute.throughput), strict=True)),
            "cap_w": dict(zip(names, (cap or 0 for cap in minute.settings), strict=True)),
        }
    )


class Trace:
    """A file that gets a line a minute; after a restart it goes on where it ended.

    Args:
        path: File, made when missing; None: write nothing.
        mix: The jobs.
    """

    def __init__(self, path: Path | None, mix: Mix) -> None:
        self._path = path
        self._mix = mix
        self._next = 0
        if path is not None and path.exists():
            kept = [line for line in path.read_bytes().split(b"\n")[:-1] if line]
            self._next = len(kept)
            path.write_bytes(b"".join(line + b"\n" for line in kept))

    def add(self, minute: Minute) -> None:
        """Write a minute unless the file has it."""
        if self._path is None or minute.number < self._next:
            return
        with self._path.open("a", encoding="utf-8") as file:
            file.write(trace_line(minute, self._mix) + "\n")
        self._next = minute.number + 1
