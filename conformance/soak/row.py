"""What a part of the endurance run is asked for, and what it answers."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Literal

Expected = Literal["clean", "caught"]
CLEAN: Final[Expected] = "clean"
CAUGHT: Final[Expected] = "caught"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What one part is to do."""

    seed: int
    """The first seed; a part that needs several counts on from it."""
    runs: int | None
    """How often each row is run; None: as often as the part thinks right for its kind of run."""
    quick: bool
    """True: the slice that the test suite runs, seconds; False: everything, minutes."""
    only: str
    """Rows whose ``what`` begins with this; empty: all."""
    folder: Path
    """Where the part may write; empty at its start and removed after it."""

    def wants(self, what: str) -> bool:
        """Say whether a row is asked for."""
        return what.startswith(self.only)

    def times(self, quick: int, whole: int) -> int:
        """Return how often to run a row: as told, or by the kind of run."""
        if self.runs is not None:
            return self.runs
        return quick if self.quick else whole


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table: one point, fault, seed range or mutant, run several times."""

    part: str
    """Name of the part in the registry."""
    what: str
    """Name of the row, stable: ``--part`` and ``--only`` with it run it again."""
    runs: int
    lost: int = 0
    """Effects or acknowledged rows that are missing, over all runs."""
    doubled: int = 0
    """Effects that happened more than once."""
    other: int = 0
    """Everything else that must not be: too late, wrong value, unanswered, over a limit."""
    caught: int = 0
    """Runs in which the checker objected."""
    expected: Expected = CLEAN
    """``clean``: nothing may be found; ``caught``: a wrong device, which must be found in every run."""
    seed: int = 1
    """First seed of the runs."""
    seconds: float = 0.0
    """Processor or wall time, as it was taken."""
    note: str = ""
    """What was found, the first of it, or a figure that belongs here; one line."""

    @property
    def good(self) -> bool:
        """Say whether the row shows what it must; a row without a run shows nothing."""
        if self.runs < 1:
            return False
        if self.expected == CAUGHT:
            return self.caught == self.runs
        return not (self.lost or self.doubled or self.other or self.caught)

    @property
    def replay(self) -> str:
        """Return the command that runs this row again."""
        return (
            f"gridgate-conformance soak --part {self.part} --only '{self.what}'"
            f" --seed {self.seed} --runs {self.runs}"
        )

    def document(self) -> dict[str, object]:
        """Return the row as JSON."""
        return {**asdict(self), "good": self.good, "replay": self.replay}


Part = Callable[[Plan], Iterator[Row]]
"""Runs its rows one after the other; yields each as soon as it is done."""
