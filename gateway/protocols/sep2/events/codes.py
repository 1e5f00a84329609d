"""Numbers of events on the wire: what a server says about one, and what a device may answer.

Spec: IEEE 2030.5-2018 Table 27, 2023 Table 31; EventStatus.currentStatus; responseRequired.
"""

from enum import IntEnum, StrEnum
from typing import Final


class FunctionSet(StrEnum):
    """The function sets that have events."""

    DER = "der"
    DRLC = "drlc"
    PRICING = "pricing"
    MESSAGING = "messaging"
    FLOW = "flow"


class Listed(IntEnum):
    """EventStatus.currentStatus; every other number is reserved and means nothing."""

    SCHEDULED = 0
    ACTIVE = 1
    CANCELLED = 2
    CANCELLED_RANDOMLY = 3
    SUPERSEDED = 4
    """Never of a text message; edition 2023 forbids servers to use it."""
    COMPLETED = 5
    """Edition 2023 only."""


class Code(IntEnum):
    """Response.status."""

    RECEIVED = 1
    STARTED = 2
    COMPLETED = 3
    OPTED_OUT = 4
    OPTED_IN = 5
    CANCELLED = 6
    SUPERSEDED = 7
    """By an event of the same program."""
    PARTLY_OUT = 8
    PARTLY_IN = 9
    NOT_TAKEN_PART = 10
    ACKNOWLEDGED = 11
    NOT_SHOWN = 12
    OTHER_SERVER = 13
    """Displaced by an event of another server."""
    OTHER_PROGRAM = 14
    """Displaced by an event of another program on the same server."""
    RESUMED = 15
    """Edition 2023 only."""
    NOT_SUPPORTED = 251
    """Edition 2023 only; 252 before."""
    NOT_APPLICABLE = 252
    INVALID = 253
    EXPIRED = 254


DIRECT: Final = frozenset({FunctionSet.DER, FunctionSet.DRLC})
"""Function sets that control something; only their events are answered 254."""
RANDOMIZABLE: Final = frozenset({FunctionSet.DER, FunctionSet.DRLC, FunctionSet.PRICING})

_ON_RECEIPT: Final = 0b001
_SPECIFIC: Final = 0b010
_BY_USER: Final = 0b100
_EITHER: Final = frozenset(
    {Code.OPTED_OUT, Code.OPTED_IN, Code.PARTLY_OUT, Code.PARTLY_IN},
)
"""Codes that some sort under bit 1 and some under bit 2: either bit asks for them."""

_DIRECT_CODES: Final = frozenset(Code) - {Code.NOT_SHOWN}
_PRICE_CODES: Final = frozenset(
    {
        *(Code.RECEIVED, Code.STARTED, Code.COMPLETED, Code.SUPERSEDED, Code.ACKNOWLEDGED),
        *(Code.OTHER_SERVER, Code.OTHER_PROGRAM, Code.EXPIRED),
        Code.CANCELLED,  # not in the table, demanded by CSIP-AUS PRC-04
    }
)
ALLOWED: Final[dict[FunctionSet, frozenset[Code]]] = {
    FunctionSet.DER: _DIRECT_CODES,
    FunctionSet.DRLC: _DIRECT_CODES,
    FunctionSet.PRICING: _PRICE_CODES,
    FunctionSet.MESSAGING: _PRICE_CODES - {Code.CANCELLED} | {Code.NOT_SHOWN},
    FunctionSet.FLOW: frozenset({Code.RECEIVED, Code.STARTED, Code.COMPLETED, Code.CANCELLED}),
}
"""Which function set may send what (IEEE 2030.5-2018 Table 27)."""


def asked_for(code: Code, required: int) -> bool:
    """Say whether the bits of responseRequired ask for a code.

    Args:
        code: What there is to say.
        required: responseRequired of the event; 0 asks for nothing.
    """
    if code is Code.RECEIVED:
        return bool(required & _ON_RECEIPT)
    if code is Code.ACKNOWLEDGED:
        return bool(required & _BY_USER)
    if code in _EITHER:
        return bool(required & (_SPECIFIC | _BY_USER))
    return bool(required & _SPECIFIC)
