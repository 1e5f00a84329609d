"""What a test case is: a decorated coroutine function with everything a report says about it."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any

from conformance.kit.finding import Check, Level
from conformance.kit.transcript import Transcript


class Maturity(StrEnum):
    """How much a verdict of the case is worth; only stable cases decide."""

    DRAFT = "draft"
    WATCHLIST = "watchlist"
    STABLE = "stable"


class Start(StrEnum):
    """In which state the suite brings the device before the script begins; unmet: INCONCLUSIVE."""

    FRESH = "fresh"
    """Not registered; the device is about to start, or has just been reset."""
    REGISTERED = "registered"
    """Registered, reports registered, no events, queue empty."""


@dataclass(frozen=True, slots=True)
class Observation:
    """What must have been seen at least so often for a PASS to mean anything."""

    what: str
    """For people, e.g. ``event e1 delivered``."""
    at_least: int
    count: Callable[[Transcript], int] = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """How long a case takes, and on which clocks it may run."""

    poll: timedelta = timedelta(seconds=10)
    """Poll period offered at registration."""
    lasts: timedelta = timedelta(minutes=1)
    """Real time that it takes, about; for the estimate before a run."""
    real_only: bool = False
    """True: never on a scaled or virtual clock."""
    virtual_only: bool = False
    """True: it takes months, so on a virtual clock alone; such a case is not stable."""


Play = Callable[[Any], Awaitable[None]]
"""The script; takes a ``Stage``. Which kind the role decides (``kit.stage``)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One test case with its script."""

    id: str
    version: int
    title: str
    purpose: str
    """Which wrong implementation it exposes."""
    requirements: tuple[str, ...]
    """What its own checks cite; never empty."""
    checks: tuple[Check, ...]
    observations: tuple[Observation, ...]
    play: Play = field(compare=False, repr=False)
    public: tuple[str, ...] = ()
    """Ids of the public catalogue that exercise the same, for orientation."""
    applies_if: str = ""
    """Expression over PICS items; empty: always."""
    maturity: Maturity = Maturity.STABLE
    severity: Level = Level.MUST
    modes: tuple[str, ...] = ("pull", "push")
    start: Start = Start.REGISTERED
    suspends: tuple[str, ...] = ()
    """General rules that the case breaks on purpose, or makes the device break."""
    faults: str = ""
    """Fault schedule (``conformance.faults``); empty: none."""
    timing: Timing = Timing()
    mutants: tuple[str, ...] = ()
    """Ids of wrong devices that must fail it."""
    needs: tuple[str, ...] = ()
    """Methods of the driver without which it cannot be judged."""
    facts: tuple[tuple[str, str], ...] = ()
    """Settings of the scripted peer, e.g. ``("vtn_metadata", "no")``; see the page on writing cases."""

    @property
    def area(self) -> str:
        """Return the third word of the id, e.g. ``EVT``."""
        return self.id.split("-")[2]


def case(  # noqa: PLR0913 - the decorator is the table of a case's properties
    *,
    id: str,  # noqa: A002 - the word of every test plan
    title: str,
    purpose: str,
    requirements: Sequence[str],
    checks: Sequence[Check],
    observations: Sequence[Observation],
    version: int = 1,
    public: Sequence[str] = (),
    applies_if: str = "",
    maturity: Maturity = Maturity.STABLE,
    severity: Level = Level.MUST,
    modes: Sequence[str] = ("pull", "push"),
    start: Start = Start.REGISTERED,
    suspends: Sequence[str] = (),
    faults: str = "",
    timing: Timing | None = None,
    mutants: Sequence[str] = (),
    needs: Sequence[str] = (),
    facts: Sequence[tuple[str, str]] = (),
) -> Callable[[Play], Case]:
    """Turn a script into a case; the arguments are the fields of ``Case``."""

    def decorate(play: Play) -> Case:
        return Case(
            id=id,
            version=version,
            title=title,
            purpose=purpose,
            requirements=tuple(requirements),
            checks=tuple(checks),
            observations=tuple(observations),
            play=play,
            public=tuple(public),
            applies_if=applies_if,
            maturity=maturity,
            severity=severity,
            modes=tuple(modes),
            start=start,
            suspends=tuple(suspends),
            faults=faults,
            timing=timing or Timing(),
            mutants=tuple(mutants),
            needs=tuple(needs),
            facts=tuple(facts),
        )

    return decorate
