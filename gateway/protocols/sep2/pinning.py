"""A peer named by hand: an operator pins it by its LFDI or by its SFDI, written as people write them."""

import re
from typing import Final

from gateway.protocols.sep2.identity import LFDI_DIGITS, is_sfdi, same_hex, sfdi_of

_LFDI: Final = re.compile(rf"[0-9A-F]{{{LFDI_DIGITS}}}")
_SFDI: Final = re.compile(r"[0-9]{2,12}")


def is_pin(text: str) -> bool:
    """Say whether a text is an LFDI of 40 hex digits, or an SFDI whose check digit is right.

    Blanks, colons and hyphens count for nothing.
    """
    bare = _bare(text)
    return bool(_LFDI.fullmatch(bare)) or _is_sfdi(bare)


def sfdi_pinned(text: str) -> int | None:
    """Return the SFDI of the device that a text names; None: it names none."""
    bare = _bare(text)
    if _LFDI.fullmatch(bare):
        return sfdi_of(bare)
    return int(bare) if _is_sfdi(bare) else None


def pinned_as(lfdi: str, text: str) -> bool:
    """Say whether a device of this LFDI is the one that a text names; a text that names none matches none."""
    bare = _bare(text)
    if _LFDI.fullmatch(bare):
        return same_hex(lfdi, bare)
    return _is_sfdi(bare) and sfdi_of(lfdi) == int(bare)


def _is_sfdi(bare: str) -> bool:
    return bool(_SFDI.fullmatch(bare)) and is_sfdi(int(bare))


def _bare(text: str) -> str:
    return re.sub(r"[\s:-]", "", text).upper()
