"""The console: one line per case, and what the suite is waiting for; colour only on a terminal."""

import sys
from datetime import timedelta
from typing import Final, TextIO

from conformance.engine.judging import Judged, Verdicts
from conformance.engine.run import Listener
from conformance.kit.case import Case
from conformance.kit.verdict import Verdict

_COLOURS: Final = {
    Verdict.PASS: "32",
    Verdict.FAIL: "31",
    Verdict.WARN: "33",
    Verdict.INCONCLUSIVE: "35",
    Verdict.SKIP: "2",
    Verdict.ERROR: "41",
}
_CLEAR: Final = "\r\x1b[2K"
CONSOLE: Final = "console.log"


class Console:
    """Writes how a run goes.

    Args:
        out: Where to.
        keep: Also written there, without colour (``console.log``).
    """

    def __init__(self, out: TextIO | None = None, keep: TextIO | None = None) -> None:
        self._out = out or sys.stderr
        self._keep = keep
        self._live = self._out.isatty()
        self._shown = ""

    def listener(self) -> Listener:
        """Return what a run tells."""
        return Listener(begun=self.begun, ended=self.ended, tell=self.waiting)

    def begun(self, case: Case, place: int, count: int) -> None:
        """Show which case is played."""
        self._shown = f"[{place}/{count}] {case.id}"
        self._draw(self._shown)

    def waiting(self, what: str, within: timedelta) -> None:
        """Show what is waited for, and how long at most."""
        left = within.total_seconds()
        self._draw(f"{self._shown} waiting for the device to {what} ({left:.0f} s left)")

    def ended(self, row: Judged, seconds: float) -> None:
        """Write the verdict on a case."""
        cause = f"  {row.cause}" if row.cause else ""
        rest = f"{row.case}  {row.title}  {seconds:.1f} s{cause}"
        self.line(f"{self._painted(row.verdict):<{12 + self._paint()}} {rest}")
        if self._keep is not None:
            self._keep.write(f"{row.verdict:<12} {rest}\n")

    def concluded(self, verdicts: Verdicts, folder: str) -> None:
        """Write the verdict on the plan."""
        counts = {v: sum(1 for c in verdicts.cases if c.verdict is v) for v in Verdict}
        told = ", ".join(f"{n} {v}" for v, n in counts.items() if n)
        able = "certifiable" if verdicts.certifiable else "not certifiable"
        text = f"{verdicts.plan}: {verdicts.verdict} ({told}; {able}, pre-test) -> {folder}"
        self.kept(text)

    def kept(self, text: str) -> None:
        """Write a line that is also kept."""
        self.line(text)
        if self._keep is not None:
            self._keep.write(f"{text}\n")

    def line(self, text: str) -> None:
        """Write a line."""
        self._out.write(f"{_CLEAR if self._live else ''}{text}\n")
        self._out.flush()

    def _draw(self, text: str) -> None:
        if self._live:
            self._out.write(f"{_CLEAR}{text[:150]}")
            self._out.flush()

    def _paint(self) -> int:
        return 10 if self._live else 0

    def _painted(self, verdict: Verdict) -> str:
        if not self._live:
            return verdict.value
        return f"\x1b[{_COLOURS[verdict]:0>2}m{verdict.value}\x1b[0m"
