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

    def told(self) -> dict[str, str]:
        """Return it as figures of a bench are told."""
        verdict = "met" if self.met else "missed"
        return {"bar": self.wanted, "measured": self.measured, "verdict": verdict}


def told(*bars: Bar) -> dict[str, object]:
    """Return bars by name."""
    return {bar.name: bar.told() for bar in bars}
