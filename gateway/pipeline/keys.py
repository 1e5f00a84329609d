"""Which keys a store was written with, and when last: lost keys and lost time are found at start, not later."""

from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Final

from gateway.domain.errors import ConfigError
from gateway.domain.timespan import instant
from gateway.pipeline.book import Office
from gateway.pipeline.ports import Work
from gateway.settlement.records import logged

KIND: Final = "audit"
SUBJECT: Final = "keys"
_FIXES: Final = {
    "installation": "installation.key is not the one this store was written with: restore it from the backup",
    "log_id": "evidence-log.key is not the one that signed this store's heads: restore it from the backup",
}


def last_stored(work: Work) -> datetime | None:
    """Return when the last record was logged, None before the first; signed heads alone come every few minutes."""
    size = work.log.size()
    last = work.log.at([size - 1]) if size else ()
    return instant(str(logged(last[0].index, last[0].record).document["t"])) if last else None


def known_keys(office: Office, work: Work) -> None:
    """Write down the digests of the keys at the first start; compare them at every later one.

    With another installation key the same events would get other intents; with another log key old heads would no
    longer verify.

    Raises:
        ConfigError: naming each file that does not belong to the store.
    """
    ours = {
        "installation": sha256(office.book.installation_key).hexdigest(),
        "log_id": office.log_key.log_id,
    }
    known = work.log.entries(kinds=(KIND,), subject=SUBJECT)
    if not known:
        work.log.append(KIND, SUBJECT, {"word": "keys", **ours}, office.clock.now())
        return
    document: Mapping[str, object] = logged(known[-1].index, known[-1].record).document
    faults = tuple(_FIXES[name] for name, value in ours.items() if document.get(name) != value)
    if faults:
        raise ConfigError(faults)
