"""Why a request is not carried out."""

from typing import Final

FORMAT: Final = 0
VALUES: Final = 1
RESOURCES: Final = 2
CONDITION: Final = 3


class RefusedError(Exception):
    """The request is refused.

    Args:
        status: Of the answer.
        reason: ``reasonCode`` of the Error in it.
        allow: Methods that the resource takes, for a 405.
    """

    def __init__(self, status: int, reason: int = VALUES, allow: tuple[str, ...] = ()) -> None:
        super().__init__()
        self.status = status
        self.reason = reason
        self.allow = allow
