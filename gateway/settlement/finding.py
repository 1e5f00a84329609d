"""What a verifier found, and where."""

from dataclasses import dataclass
from enum import Enum


class Outcome(Enum):
    """The verdict; the value is the exit code."""

    VERIFIED = 0
    MISMATCH = 1
    """Something is not what it claims to be."""
    MALFORMED = 2
    """Something cannot be read."""
    INCOMPLETE = 3
    """Something that is needed is not there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that does not hold."""

    outcome: Outcome
    check: str
    """Which check: ``files``, ``heads``, ``log``, ``sequence``, ``time``, ``signature``, ``order``, ``frozen``,
    ``closing``, ``trail``, ``recompute``, ``read``."""
    where: str
    """The file, or the record by its place in the log, e.g. ``record 17 (telemetry)``."""
    detail: str


def mismatch(check: str, where: str, detail: str) -> Finding:
    """Say that something is not what it claims to be."""
    return Finding(outcome=Outcome.MISMATCH, check=check, where=where, detail=detail)


def malformed(check: str, where: str, detail: str) -> Finding:
    """Say that something cannot be read."""
    return Finding(outcome=Outcome.MALFORMED, check=check, where=where, detail=detail)


def incomplete(check: str, where: str, detail: str) -> Finding:
    """Say that something is not there."""
    return Finding(outcome=Outcome.INCOMPLETE, check=check, where=where, detail=detail)
