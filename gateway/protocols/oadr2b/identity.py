"""Who a certificate says its holder is: the OpenADR fingerprint."""

import hashlib
import re
from typing import Final

_HEX_DIGITS: Final = 20
_FINGERPRINT: Final = re.compile(r"[0-9A-F]{20}")


def fingerprint(der: bytes) -> str:
    """Return the fingerprint of a certificate.

    Args:
        der: The whole certificate in DER.

    Returns:
        The last 20 hex digits of its SHA-256 as upper-case pairs joined by colons: ``59:4D:…:94``.

    Spec: OpenADR 2.0b section 10.5.1.
    """
    digits = hashlib.sha256(der).hexdigest()[-_HEX_DIGITS:].upper()
    return ":".join(digits[at : at + 2] for at in range(0, _HEX_DIGITS, 2))


def same_fingerprint(one: str, other: str) -> bool:
    """Say whether two texts give the same fingerprint; colons, blanks and case do not count.

    Anything that is no fingerprint at all equals nothing, itself included: an empty setting never matches.
    """
    bare = _bare(one)
    return bool(_FINGERPRINT.fullmatch(bare)) and bare == _bare(other)


def _bare(text: str) -> str:
    return re.sub(r"[\s:]", "", text).upper()
