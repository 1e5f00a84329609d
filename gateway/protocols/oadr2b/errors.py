"""From our errors to OpenADR 2.0b response codes.

45x is a breach of the standard, 46x a matter of this deployment; receivers decide on the first digit, the rest informs.

Spec: OpenADR 2.0b section 8.7; rules 33, 48, 58, 109, 112, 340 and 517.
"""

from collections.abc import Mapping
from typing import Final

from gateway.domain.errors import (
    GatewayError,
    IdentityError,
    MisuseError,
    SessionError,
    SignalError,
    StoreError,
    WireError,
)

OUT_OF_SEQUENCE: Final = 450
NOT_ALLOWED: Final = 451
INVALID_ID: Final = 452
NOT_RECOGNIZED: Final = 453
INVALID_DATA: Final = 454
COMPLIANCE: Final = 459
SIGNAL_NOT_SUPPORTED: Final = 460
REPORT_NOT_SUPPORTED: Final = 461
TARGET_MISMATCH: Final = 462
NOT_REGISTERED: Final = 463
DEPLOYMENT: Final = 469

RESPONSE_CODES: Final[Mapping[str, int]] = {
    # bytes that are no message
    "TOO_LARGE": COMPLIANCE,
    "ENCODING": COMPLIANCE,
    "DOCTYPE": COMPLIANCE,
    "NOT_XML": COMPLIANCE,
    "TOO_DEEP": COMPLIANCE,
    "TOO_MANY_ELEMENTS": COMPLIANCE,
    "TOO_MANY_ATTRIBUTES": COMPLIANCE,
    "TOO_MANY_REFERENCES": COMPLIANCE,
    "WRONG_NAMESPACE": COMPLIANCE,
    "SCHEMA": COMPLIANCE,
    "SCHEMA_VERSION": COMPLIANCE,
    "UNKNOWN_MESSAGE": NOT_RECOGNIZED,
    # values outside our bounds
    "INVALID_NUMBER": INVALID_DATA,
    "INVALID_TIME": INVALID_DATA,
    "INVALID_DURATION": INVALID_DATA,
    "INVALID_TEXT": INVALID_DATA,
    "INVALID_UNIT": INVALID_DATA,
    # messages out of turn
    "OUT_OF_SEQUENCE": OUT_OF_SEQUENCE,
    "NOT_ALLOWED": NOT_ALLOWED,
    "INVALID_ID": INVALID_ID,
    "NOT_RECOGNIZED": NOT_RECOGNIZED,
    "INVALID_DATA": INVALID_DATA,
    "COMPLIANCE": COMPLIANCE,
    # what this deployment cannot do
    "SIGNAL_NOT_SUPPORTED": SIGNAL_NOT_SUPPORTED,
    "REPORT_NOT_SUPPORTED": REPORT_NOT_SUPPORTED,
    "TARGET_MISMATCH": TARGET_MISMATCH,
    "NOT_REGISTERED": NOT_REGISTERED,
    "DEPLOYMENT": DEPLOYMENT,
    # who wrote it, and when, is not proven
    "SIGNATURE_MISSING": NOT_REGISTERED,
    "SIGNATURE_SHAPE": NOT_REGISTERED,
    "SIGNATURE_ALGORITHM": NOT_REGISTERED,
    "SIGNATURE_REFERENCE": NOT_REGISTERED,
    "SIGNATURE_DIGEST": NOT_REGISTERED,
    "SIGNATURE_VALUE": NOT_REGISTERED,
    "SIGNATURE_CERTIFICATE": NOT_REGISTERED,
    "SIGNATURE_KEY": NOT_REGISTERED,
    "REPLAY_MISSING": NOT_REGISTERED,
    "REPLAY_TIME": NOT_REGISTERED,
    "REPLAY_SEEN": NOT_REGISTERED,
    "REPLAY_FULL": NOT_REGISTERED,
}
"""Reason word to response code. A reason that the sessions use and this table lacks fails a test."""

DEFAULTS: Final[Mapping[type[GatewayError], int]] = {
    WireError: INVALID_DATA,
    SessionError: COMPLIANCE,
    SignalError: SIGNAL_NOT_SUPPORTED,
    IdentityError: NOT_REGISTERED,
    MisuseError: DEPLOYMENT,
    StoreError: DEPLOYMENT,
}
"""What an error class answers when its reason has no line of its own, e.g. one raised outside this package."""


def response_code(error: GatewayError) -> int:
    """Return the code that tells a peer about an error: 450-469.

    Our own faults are never blamed on the peer: ``MisuseError`` and ``StoreError`` answer 469 whatever their reason.
    """
    if isinstance(error, MisuseError | StoreError):
        return DEPLOYMENT
    by_class = next(
        (code for kind, code in DEFAULTS.items() if isinstance(error, kind)), DEPLOYMENT
    )
    return RESPONSE_CODES.get(error.reason, by_class)
