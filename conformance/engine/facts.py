"""What a transcript must know beside its messages, and the poll period that a case offers."""

from collections.abc import Mapping
from datetime import timedelta

from conformance.kit.case import Case, Timing


def poll_of(case: Case, poll_s: float) -> timedelta:
    """Return the poll period that is offered in a case.

    Args:
        case: To be played.
        poll_s: Of the IXIT, for cases that do not ask for a period of their own; 0: none.
    """
    if poll_s and case.timing.poll == Timing().poll:
        return timedelta(seconds=poll_s)
    return case.timing.poll


def facts_of(case: Case, poll_s: float = 0) -> Mapping[str, str]:
    """Return the settings of a case's peer, the poll period in seconds among them."""
    return {**dict(case.facts), "poll_s": f"{poll_of(case, poll_s).total_seconds():g}"}
