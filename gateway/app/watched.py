"""Files of one identity, looked at again and again: have they changed, and may the new ones be used?"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, TypeAlias

from cryptography import x509

from gateway.domain.errors import ConfigError
from gateway.domain.ports import Clock
from gateway.transport.tls import refuse_test_files

AGAIN_AFTER: Final = timedelta(minutes=1)
"""Files that could not be used are tried again then, though they did not change: their days may have begun."""
Mark: TypeAlias = tuple[tuple[int, int, int], ...]


class Watched:
    """Knows which state of some files is in use.

    Args:
        paths: All that belong together.
        clock: Time between attempts.
    """

    def __init__(self, paths: Sequence[Path], clock: Clock) -> None:
        self._paths = tuple(paths)
        self._clock = clock
        self._used = self.mark()
        self._refused: Mark | None = None
        self._again_at = clock.now()

    def mark(self) -> Mark:
        """Return what is another when any of the files is."""
        return tuple(map(_state, self._paths))

    def changed(self) -> Mark | None:
        """Return the state of files that are to be tried; None while there is nothing to do."""
        mark = self.mark()
        if mark == self._used or (mark == self._refused and self._clock.now() < self._again_at):
            return None
        return mark

    def take(self, mark: Mark) -> None:
        """Note that this state is in use."""
        self._used, self._refused = mark, None

    def refuse(self, mark: Mark) -> None:
        """Note that this state cannot be used."""
        self._refused, self._again_at = mark, self._clock.now() + AGAIN_AFTER

    def again(self) -> None:
        """Try what was refused once more at the next look."""
        self._refused = None


def judge(certificate: Path, others: Sequence[Path], now: datetime, *, test_mode: bool) -> None:
    """Judge a new certificate further than the one that the gateway started with.

    Args:
        certificate: PEM, ours first.
        others: Further files that may not hold test certificates in earnest.
        now: Current instant.
        test_mode: Whether test certificates pass.

    Raises:
        IdentityError: ``TEST_CERTIFICATE`` outside test mode.
        ConfigError: ``OUR_EXPIRY`` outside its days.
        ValueError: it cannot be read.
        OSError: the same.
    """
    if not test_mode:
        refuse_test_files((certificate, *others))
    leaf = x509.load_pem_x509_certificates(certificate.read_bytes())[0]
    if not leaf.not_valid_before_utc <= now <= leaf.not_valid_after_utc:
        fault = f"{certificate}: is past its days, or before them; renew it"
        raise ConfigError((fault,), "OUR_EXPIRY")


def _state(path: Path) -> tuple[int, int, int]:
    try:
        found = path.stat()
    except OSError:
        return (0, 0, 0)
    return (found.st_mtime_ns, found.st_size, found.st_ino)
