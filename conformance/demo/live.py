"""The live view of a scaled run: power against the limit, the state, and what just happened.

On a terminal it is drawn in place; piped, it is a plain line a quarter of an hour of the timeline.
"""

import json
import sys
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from conformance.demo.scenario import OFFSET
from gateway.domain.timespan import Span, instant

BAR: Final = 60
_PLAIN_EVERY: Final = 15
_SHOWN: Final = 8
_STYLE: Final = {"normal": "green", "ramp_in": "yellow", "hold": "red", "recovery": "cyan"}
_BEGINS: Final = {
    "ramp_in": "the site comes down step by step",
    "hold": "the event begins: the cap holds",
    "recovery": "the event is over: the site comes back by its ramp",
    "normal": "no cap any more",
}


class Tail:
    """Reads the lines that were added to a file since it was last asked."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read = 0

    def lines(self) -> list[Any]:
        """Return what is new, parsed; an unfinished last line waits."""
        if not self._path.exists():
            return []
        with self._path.open("rb") as file:
            file.seek(self._read)
            fresh = file.read()
        whole = fresh[: fresh.rfind(b"\n") + 1]
        self._read += len(whole)
        return [json.loads(line) for line in whole.splitlines() if line.startswith(b"{")]


@dataclass
class View:
    """What is shown; fed by the demonstration, drawn on request.

    Args:
        run: Of the timeline.
        factor: Seconds of the timeline per real second.
        stream: Where to draw.
    """

    run: Span
    factor: float
    stream: TextIO
    minute: dict[str, Any] = field(default_factory=dict)
    top_kw: float = 120.0
    happened: deque[str] = field(default_factory=lambda: deque(maxlen=_SHOWN))
    _live: Live | None = None

    def __enter__(self) -> "View":
        console = Console(file=self.stream)
        if console.is_terminal:
            self._live = Live(self._drawn(), console=console, refresh_per_second=8, transient=True)
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    def tell(self, at: datetime, what: str) -> None:
        """Note something that happened."""
        line = f"{at + OFFSET:%H:%M:%S}  {what}"
        self.happened.append(line)
        if self._live is None:
            print(line, file=self.stream, flush=True)

    def show(self, minutes: Sequence[dict[str, Any]]) -> None:
        """Take new minutes of the site's trace."""
        for minute in minutes:
            if self.minute and minute["phase"] != self.minute["phase"]:
                self.tell(instant(minute["minute"]), _BEGINS[minute["phase"]])
            self.minute = minute
            self.top_kw = max(self.top_kw, minute["it_kw"] * 1.1)
            if self._live is None and minute["number"] % _PLAIN_EVERY == 0:
                print(self._line(minute), file=self.stream, flush=True)
        if self._live is not None:
            self._live.update(self._drawn())

    def _line(self, minute: dict[str, Any]) -> str:
        at = instant(minute["minute"]) + OFFSET
        cap = minute["target_kw"]
        limit = "no cap" if cap is None else f"cap {cap:5.1f} kW"
        return f"{at:%H:%M}     {minute['it_kw']:5.1f} kW  {limit:<12} {minute['phase']}"

    def _drawn(self) -> Group:
        if not self.minute:
            return Group(
                Text("Phoenix demonstration: starting the utility, the gateway and the site …")
            )
        at = instant(self.minute["minute"])
        left = max(self.run.end - at, timedelta(0)).total_seconds() / self.factor
        title = Text(
            f"Phoenix demonstration   {at + OFFSET:%H:%M} local   about {left:.0f} s left", "bold"
        )
        return Group(
            title,
            Text("simulated site, test certificates", "dim"),
            self._bar(),
            self._jobs(),
            self._story(),
        )

    def _bar(self) -> Text:
        kw, cap, phase = self.minute["it_kw"], self.minute["target_kw"], self.minute["phase"]
        filled = round(kw / self.top_kw * BAR)
        mark = None if cap is None else min(round(cap / self.top_kw * BAR), BAR - 1)
        bar = Text("GPU power ")
        for k in range(BAR):
            if k == mark:
                bar.append("┃", "bold red")
            else:
                bar.append("█" if k < filled else "·", _STYLE[phase] if k < filled else "dim")
        limit = "no cap" if cap is None else f"cap {cap:.1f} kW"
        return bar.append(f" {kw:.1f} kW, {limit}, {phase.replace('_', ' ')}")

    def _jobs(self) -> Table:
        table = Table(box=None, padding=(0, 2, 0, 0))
        for heading in ("job", "throughput", "GPU cap"):
            table.add_column(heading, justify="left" if heading == "job" else "right")
        for name, share in self.minute["throughput"].items():
            cap = self.minute["cap_w"][name]
            table.add_row(name, f"{share:.0%}", f"{cap} W" if cap else "paused")
        return table

    def _story(self) -> Text:
        return Text("\n".join(self.happened), "dim")


def stderr_view(run: Span, factor: float) -> View:
    """Draw on stderr, so that stdout stays free for JSON."""
    return View(run=run, factor=factor, stream=sys.stderr)
