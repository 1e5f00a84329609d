"""Noise of the plant as a pure function of (seed, job, second): no state, no order, no float.

One SHAKE-128 stream per (seed, job, minute) yields 60 x 12 words of 16 bits. Twelve uniform words, added up and
centred, have a standard deviation of 65,536 (to one part in a billion) and are near enough to normal, within six
deviations. The same second has the same noise in whichever process, and after whatever restart, it is asked for.
"""

import struct
from functools import lru_cache
from hashlib import shake_128
from typing import Final

WORDS: Final = 12
_MINUTE: Final = struct.Struct(f"<{60 * WORDS}H")
_MEAN: Final = 65_535 * WORDS // 2
ONE: Final = 65_536_000
"""Fixed point: a noise factor of 1, see ``factor_sum``."""
SIGMA_PERMILLE: Final = 6
"""Standard deviation per job and second: 0.6 %."""


@lru_cache(maxsize=256)
def _words(seed: int, job: str, minute: int) -> tuple[int, ...]:
    key = f"gridgate-site:{seed}:{job}:{minute}".encode()
    return _MINUTE.unpack(shake_128(key).digest(_MINUTE.size))


def factor_sum(seed: int, job: str, first: int, last: int) -> int:
    """Add up the noise factors of a job over the seconds ``[first, last)``.

    Args:
        seed: Of the run.
        job: Its name.
        first: Second since the start of the run, 0 or more.
        last: First second that no longer counts.

    Returns:
        The sum in units of 1 / ``ONE``: ``(last - first) * ONE`` would be no noise at all.
    """
    total = 0
    while first < last:
        minute, offset = divmod(first, 60)
        until = min(last, (minute + 1) * 60)
        words = _words(seed, job, minute)[offset * WORDS : (offset + until - first) * WORDS]
        deviation = sum(words) - _MEAN * (until - first)
        total += (until - first) * ONE + SIGMA_PERMILLE * deviation
        first = until
    return total
