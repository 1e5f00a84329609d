"""What a figure has to reach, beside what it reached."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One figure that something was promised about."""

    name: str
    wanted: str
    """In words, with the unit."""
    measured: str
    met: bool
    doubt: str = ""
    """Why a figure that is not reached says nothing here, e.g. that the machine was busy; empty: it does."""

    def told(self) -> dict[str, str]:
        """Return it as figures of a bench are told."""
        missed = f"not judged: {self.doubt}" if self.doubt else "missed"
        verdict = "met" if self.met else missed
        return {"bar": self.wanted, "measured": self.measured, "verdict": verdict}


def told(*bars: Bar) -> dict[str, object]:
    """Return bars by name."""
    return {bar.name: bar.told() for bar in bars}
