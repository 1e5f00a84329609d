"""Namespaces of IEEE 2030.5 and CSIP-AUS with the prefixes that an XPath of a case may use, and words of the wire."""

from typing import Final

NS: Final = "urn:ieee:std:2030.5:ns"
AUS: Final = "https://csipaus.org/ns"
BETA: Final = "https://csipaus.org/ns/v1.3-beta/storage"
"""Of what CSIP-AUS adds for storage, in its beta."""
XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"
NAMES: Final[dict[str, str]] = {"s": NS, "aus": AUS, "beta": BETA, "xsi": XSI}
MEDIA_TYPE: Final = "application/sep+xml"
POLL_DEFAULT_S: Final = 900
"""Of a pollRate that is absent or 0 (SunSpec GEN.013)."""
RECEIVED, STARTED, COMPLETED = 1, 2, 3
OPTED_OUT, OPTED_IN = 4, 5
CANCELLED, SUPERSEDED = 6, 7
UNSUPPORTED, INAPPLICABLE, INVALID, EXPIRED = 251, 252, 253, 254
ABORTED_BY_SERVER, ABORTED_BY_PROGRAM = 13, 14


def tag(name: str) -> str:
    """Return a tag in Clark's notation: ``mRID``, ``aus:opModImpLimW``."""
    prefix, _, local = name.rpartition(":")
    return f"{{{NAMES[prefix or 's']}}}{local}"
