"""The one error that the client raises, and what it carries."""

from dataclasses import dataclass
from typing import Final

from gateway.domain.canonical import read_json
from gateway.domain.errors import GatewayError, WireError

_LARGEST: Final = 64 << 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Why the gateway refused, in its own words (RFC 9457)."""

    status: int
    """HTTP status; 0 when no answer came before the deadline."""
    reason: str
    """Upper-case word, e.g. ``STALE_REVISION``; ``UNREACHABLE`` when no answer came."""
    detail: str
    fix: str = ""
    code: str = ""
    """``GG-nnnn``."""
    trace_id: str = ""


class Refused(GatewayError):  # noqa: N818 - the published name
    """The gateway refused, or could not be reached before the deadline.

    Args:
        problem: Its reasons.
    """

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.reason, problem.detail)
        self.problem = problem


def read_problem(status: int, body: bytes) -> Problem | None:
    """Read a problem document; None when the body is none, as from a proxy between us."""
    try:
        found = read_json(body, largest=_LARGEST)
    except WireError:
        return None
    if not isinstance(found, dict) or not isinstance(found.get("reason"), str):
        return None
    texts = {name: str(found.get(name, "")) for name in ("detail", "fix", "code", "trace_id")}
    faults = found.get("errors")
    if isinstance(faults, list):
        places = [str(each.get("pointer")) for each in faults if isinstance(each, dict)]
        texts["detail"] += f" ({', '.join(places)})" if places else ""
    return Problem(status=status, reason=found["reason"], **texts)
