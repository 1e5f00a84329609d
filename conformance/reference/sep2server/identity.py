"""Identities of devices: LFDI, SFDI and the check digits of clause 6.3."""

import hashlib
import re
from typing import Final

_LFDI: Final = re.compile(r"[0-9A-Fa-f]{40}")


def lfdi_of(der: bytes | None) -> str:
    """Return the LFDI of a certificate: the left 160 bits of its SHA-256; empty without one (6.3.4)."""
    return "" if der is None else hashlib.sha256(der).hexdigest()[:40].upper()


def well_formed(lfdi: str) -> bool:
    """Say whether this is an LFDI: 40 hex digits."""
    return _LFDI.fullmatch(lfdi) is not None


def sfdi_of(lfdi: str) -> int:
    """Return the SFDI: 36 bits in decimal, and a digit with which all digits sum to a multiple of ten (6.3.3)."""
    number = int(lfdi[:9], 16)
    return number * 10 + -sum(map(int, str(number))) % 10
