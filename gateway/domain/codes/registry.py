"""Every error code, and the way from an error to its own."""

import re
from collections.abc import Mapping
from typing import Final

from gateway.domain.codes import (
    operator,
    own,
    pki,
    settlement,
    signatures,
    sites,
    store,
    utility_link,
    utility_messages,
    webhooks,
)
from gateway.domain.codes.row import Row
from gateway.domain.errors import (
    ConfigError,
    DeliveryError,
    GatewayError,
    IdentityError,
    MeterDataError,
    MisuseError,
    SessionError,
    SignalError,
    StoreError,
    TransportError,
    WireError,
)

PARTS: Final = (
    operator,
    utility_link,
    utility_messages,
    signatures,
    settlement,
    sites,
    webhooks,
    store,
    pki,
    own,
)
ROWS: Final[tuple[Row, ...]] = tuple(
    sorted((row for part in PARTS for row in part.ROWS), key=lambda row: row.code)
)
RETIRED: Final[Mapping[str, str]] = {}
"""Code -> the reason that it once stood for; such a code is never given away again."""
CODE: Final = re.compile(r"GG-[1-9][0-9]{3}")
_STATUS: Final = re.compile(r"STATUS_[0-9]+")
_OTHERWISE: Final[tuple[tuple[type[GatewayError], str], ...]] = (
    (WireError, "GG-4005"),
    (SessionError, "GG-4094"),
    (SignalError, "GG-2207"),
    (IdentityError, "GG-4012"),
    (TransportError, "GG-2003"),
    (DeliveryError, "GG-4901"),
    (MeterDataError, "GG-4221"),
    (StoreError, "GG-6010"),
    (MisuseError, "GG-9001"),
    (ConfigError, "GG-1001"),
)
_BY_CODE: Final = {row.code: row for row in ROWS}


def by_code(code: str) -> Row | None:
    """Return what is known about a code; None: there is no such code now."""
    return _BY_CODE.get(code)


def by_reason(reason: str, kind: type[GatewayError] = GatewayError) -> Row | None:
    """Return the row of a reason word as a class of errors uses it.

    Args:
        reason: Upper-case word; ``STATUS_503`` and the like share one row.
        kind: Class that carries it; ``GatewayError``: whichever row comes first.
    """
    word = "STATUS" if _STATUS.fullmatch(reason) else reason
    rows = [row for row in ROWS if row.reason == word]
    fit = [
        row for row in rows if not row.kinds or kind is GatewayError or issubclass(kind, row.kinds)
    ]
    return min(fit, key=lambda row: not row.kinds, default=None)


def row_of(error: GatewayError) -> Row:
    """Return the row of an error; one whose word has none gets that of its class."""
    found = by_reason(error.reason, type(error))
    if found is not None:
        return found
    return _BY_CODE[next(code for kind, code in _OTHERWISE if isinstance(error, kind))]
