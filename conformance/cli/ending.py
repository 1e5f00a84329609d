"""How a verb of the suite ends."""

from enum import IntEnum
from typing import Final


class Exit(IntEnum):
    """Exit codes of ``gridgate-conformance``."""

    OK = 0
    FAIL = 1
    INCONCLUSIVE = 2
    ERROR = 3
    USAGE = 4


INTERRUPTED: Final = Exit.USAGE
"""A run that was broken off by hand (Ctrl-C): the number of wrong use, as it has nothing to report."""

EXITS: Final = "Exit codes: 0 pass, 1 fail, 2 inconclusive, 3 suite error, 4 usage or interrupted."
