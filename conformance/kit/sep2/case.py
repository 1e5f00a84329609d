"""The decorator of 2030.5 cases: ``kit.case.case`` with what is usual here."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from typing import Any, Final

from conformance.kit.case import Case, Play, Timing
from conformance.kit.case import case as plain

POLL: Final = timedelta(seconds=60)
"""Of the lists of programs and controls."""
CLIENTS: Final = ("der", "aggregator", "csipaus")
"""Modes of the plans: a client with one EndDevice, an aggregator, either of them with CSIP-AUS."""
CSIP: Final = ("der", "aggregator")


def case(
    *,
    lasts: timedelta = timedelta(minutes=5),
    poll: timedelta = POLL,
    modes: Sequence[str] = CLIENTS,
    **fields: Any,
) -> Callable[[Play], Case]:
    """Turn a script into a case.

    Args:
        lasts: Real time that it takes, about.
        poll: pollRate of programs and controls.
        modes: Plans that it belongs to.
        fields: Those of ``kit.case.case``; ``Any``, as they are of its many types.
    """
    timing = fields.pop("timing", None) or Timing(poll=poll, lasts=lasts)
    return partial(plain, timing=timing, modes=modes)(**fields)
