"""What one check found: a sentence, its code where something is wrong, and the fix."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from gateway.domain.codes.registry import by_reason
from gateway.domain.codes.row import Row
from gateway.domain.errors import ConfigError, GatewayError, MisuseError


class State(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    SKIP = "skip"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of the doctor."""

    part: str
    """``gateway``, or the name of a utility."""
    check: str
    state: State
    text: str
    row: Row | None = None
    """Its error code; None while nothing is wrong."""
    fix: str = ""
    facts: Mapping[str, object] = field(default_factory=dict)
    """Plain JSON values, for ``--json``; free of secrets."""


_MANY: Final = "; "


@dataclass(frozen=True, slots=True)
class Scribe:
    """Writes findings of one part.

    Args:
        part: ``gateway``, or the name of a utility.
    """

    part: str

    def ok(self, check: str, text: str, **facts: object) -> Finding:
        """Note that a check is in order."""
        return Finding(part=self.part, check=check, state=State.OK, text=text, facts=facts)

    def fail(self, check: str, reason: str, text: str = "", **facts: object) -> Finding:
        """Note a problem; ``text`` may end with a fix of its own, after "; "."""
        return self._wrong(State.FAIL, check, reason, text, facts)

    def warn(self, check: str, reason: str, text: str = "", **facts: object) -> Finding:
        """Note what will become a problem."""
        return self._wrong(State.WARN, check, reason, text, facts)

    def skip(self, check: str, text: str) -> Finding:
        """Note a check that could tell nothing, and why."""
        return Finding(part=self.part, check=check, state=State.SKIP, text=text)

    def error(self, check: str, error: GatewayError) -> Finding:
        """Note an error of the tree as a problem."""
        return self._wrong(State.FAIL, check, error.reason, error.detail, {}, type(error))

    def faults(self, check: str, error: ConfigError) -> list[Finding]:
        """Note every fault of a configuration."""
        return [
            self._wrong(State.FAIL, check, fault.reason, str(fault), {}, ConfigError)
            for fault in error.faults
        ]

    def _wrong(
        self,
        state: State,
        check: str,
        reason: str,
        text: str,
        facts: Mapping[str, object],
        kind: type[GatewayError] = GatewayError,
    ) -> Finding:
        row = by_reason(reason, kind)
        if row is None:
            raise MisuseError("UNEXPECTED", f"the doctor has no code for {reason}")
        what, _, fix = text.rpartition(_MANY)
        what, fix = (what, fix) if what else (fix, row.fix)
        return Finding(
            part=self.part,
            check=check,
            state=state,
            text=what or row.title,
            row=row,
            fix=fix,
            facts=facts,
        )


def count(findings: Iterable[Finding]) -> dict[State, int]:
    """Return how many findings ended in each state."""
    counts = dict.fromkeys(State, 0)
    for finding in findings:
        counts[finding.state] += 1
    return counts
