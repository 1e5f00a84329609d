"""Why a handshake with a utility failed, in one word for a label."""

from typing import Final

from gateway.domain.errors import TransportError

JUDGED: Final = frozenset({"TLS", "FINGERPRINT", "TEST_CERTIFICATE", "WRONG_PEER", "IDENTITY"})
"""Reasons that are about who the peer is, or how it speaks TLS."""
_TELLING: Final = (
    ("has expired", "expired"),
    ("not yet valid", "not_yet_valid"),
    ("self-signed", "self_signed"),
    ("self signed", "self_signed"),
    ("hostname mismatch", "host_name"),
    ("ip address mismatch", "host_name"),
    ("unable to get local issuer", "unknown_issuer"),
    ("unable to get issuer", "unknown_issuer"),
    ("certificate verify failed", "not_verified"),
    ("handshake failure", "no_common_suite"),
    ("no shared cipher", "no_common_suite"),
    ("protocol version", "version"),
    ("unsupported protocol", "version"),
    ("certificate required", "ours_refused"),
    ("unknown ca", "ours_refused"),
    ("bad certificate", "ours_refused"),
    ("certificate unknown", "ours_refused"),
)
CAUSES: Final = frozenset(
    {cause for _, cause in _TELLING} | {reason.lower() for reason in JUDGED - {"TLS"}} | {"other"}
)
"""Every word that ``tls_cause`` returns."""


def tls_cause(error: TransportError) -> str | None:
    """Return the cause in one word; None when it was no failure of TLS."""
    if error.reason not in JUDGED:
        return None
    if error.reason != "TLS":
        return error.reason.lower()
    text = error.detail.lower().replace("_", " ")
    return next((cause for words, cause in _TELLING if words in text), "other")
