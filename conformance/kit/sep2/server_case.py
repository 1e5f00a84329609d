"""The decorator of cases for 2030.5 servers: ``kit.sep2.case.case`` with what is usual there."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, Final

from conformance.kit.case import Case, Play
from conformance.kit.sep2.case import case as plain

SERVERS: Final = ("csip", "csipaus")
"""Modes of the plans: a utility's server as CSIP has it, and one with CSIP-AUS."""
AUS: Final = ("csipaus",)


def case(
    *, lasts: timedelta = timedelta(seconds=10), modes: Sequence[str] = SERVERS, **fields: Any
) -> Callable[[Play], Case]:
    """Turn a script into a case.

    Args:
        lasts: Real time that it takes, about.
        modes: Plans that it belongs to.
        fields: Those of ``kit.case.case``; ``Any``, as they are of its many types.
    """
    return plain(lasts=lasts, modes=modes, **fields)
