"""What a foreign device is expected to get: verdicts kept as data, and in what a run differs from them, either way."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from pydantic import model_validator

from conformance.engine.data import FOLDER, Model, load
from conformance.engine.errors import SuiteError
from conformance.engine.judging import Judged
from conformance.kit.verdict import Verdict

PICS: Final = "pics.yaml"
IXIT: Final = "ixit.yaml"
EXPECTED: Final = "expected.yaml"
_PEERS: Final = "peers"


class Deviation(Model):
    """A case that the device is known not to pass."""

    case: str
    verdict: Literal["FAIL", "WARN", "INCONCLUSIVE"] = "FAIL"
    requirement: str = ""
    """Cited by the first cause; empty only where the verdict is INCONCLUSIVE."""
    reason: str
    """In what the device deviates, or why it cannot be judged."""

    @model_validator(mode="after")
    def _named(self) -> "Deviation":
        if not self.requirement and self.verdict != "INCONCLUSIVE":
            raise ValueError(f"{self.case}: which requirement does it violate?")
        return self


class LeftOut(Model):
    """A case that is not played with a device."""

    case: str
    reason: str


class Expected(Model):
    """All that is expected of one device."""

    plan: str
    also: tuple[str, ...] = ()
    """Names under which the same device is judged by other plans, always together with this one."""
    pics: str = PICS
    ixit: str = IXIT
    """Files, relative to this one."""
    time: str = ""
    """As ``--time`` of a run; empty: real."""
    side_by_side: int = 40
    """Cases at a time."""
    subset: tuple[str, ...]
    """Cases of the daily test, which takes two minutes at the most."""
    deviations: tuple[Deviation, ...]
    """Every other case that applies must PASS."""
    left_out: tuple[LeftOut, ...] = ()
    """Cases that cannot be played with it in a sensible time."""

    def played(self, every: Sequence[str]) -> tuple[str, ...]:
        """Return what is played of a plan's cases; empty: all."""
        gone = {row.case for row in self.left_out}
        return tuple(name for name in every if name not in gone) if gone else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A foreign device whose verdicts are kept."""

    name: str
    folder: Path
    expected: Expected

    @property
    def pics(self) -> Path:
        """Return what it claims."""
        return self.folder / self.expected.pics

    @property
    def ixit(self) -> Path:
        """Return how it is driven."""
        return self.folder / self.expected.ixit


def _folders() -> dict[str, Path]:
    """Return where what is kept of each device lies, of whatever profile."""
    return {path.parent.name: path.parent for path in FOLDER.glob(f"*/{_PEERS}/*/{EXPECTED}")}


def peer_names() -> list[str]:
    """Return the devices that are known."""
    return sorted(_folders())


def find_peer(name: str) -> Peer:
    """Return a device by its name.

    Raises:
        SuiteError: there is none of that name, or its file contradicts itself.
    """
    folder = _folders().get(name)
    if folder is None:
        known = ", ".join(peer_names())
        raise SuiteError(f"no foreign device is called {name!r}; there is {known}")
    expected = load(folder / EXPECTED, Expected)
    names = [row.case for row in expected.deviations]
    if len(set(names)) < len(names):
        raise SuiteError(f"{folder / EXPECTED}: a case stands twice among the deviations")
    return Peer(name=name, folder=folder, expected=expected)


def find_together(name: str) -> list[Peer]:
    """Return a device by its name, and what is always judged with it.

    Raises:
        SuiteError: as ``find_peer``.
    """
    first = find_peer(name)
    return [first, *(find_peer(other) for other in first.expected.also)]


def surprises(expected: Expected, judged: Sequence[Judged]) -> list[str]:
    """Return in what verdicts differ from those expected.

    Args:
        expected: Of the device.
        judged: Of a run; what was skipped is not looked at, but a case that is expected to deviate and was skipped
            because it does not apply any more is a surprise.
    """
    rows = {row.case: row for row in expected.deviations}
    found: list[str] = []
    for case in judged:
        if case.verdict is Verdict.SKIP:
            if case.case in rows and "deselected" not in case.cause:
                found.append(f"{case.case}: expected to deviate, but skipped: {case.cause}")
            continue
        text = _surprise(rows.get(case.case), case)
        if text:
            found.append(f"{case.case}: {text}")
    known = {case.case for case in judged}
    named = (*rows, *expected.subset, *(row.case for row in expected.left_out))
    gone = [name for name in named if name not in known]
    return found + [f"{name}: expected, but not in the plan" for name in dict.fromkeys(gone)]


def _surprise(row: Deviation | None, case: Judged) -> str:
    if row is None:
        return "" if case.verdict is Verdict.PASS else f"unexpected {case.verdict}: {case.cause}"
    if case.verdict is Verdict.PASS:
        return f"unexpected PASS; expected {row.verdict}: {row.reason}"
    if case.verdict.value != row.verdict:
        return f"unexpected {case.verdict}, expected {row.verdict}: {case.cause}"
    if row.requirement and not case.cause.startswith(f"{row.requirement} "):
        return f"expected {row.verdict} of {row.requirement}, but {case.cause}"
    return ""
