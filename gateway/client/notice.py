"""What the site's people should know although nothing is raised."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

log = logging.getLogger("gridgate.client")


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something out of the ordinary that the client dealt with by itself."""

    reason: str
    """``CONFLICT`` (known revision, other content: not followed), ``SIGNATURE`` (does not hold: not followed),
    ``UNREADABLE`` (no valid document: passed over), ``LATE`` (past its ``deliver_by``: dropped), ``REFUSED`` (the
    gateway refused something sent in the background), ``GATEWAY_BEHIND`` (it knows less than we do), ``VOID`` (it was
    restored and no longer stands by an intent; a loop over intents gets it cancelled) or ``BUFFER`` (samples were given
    up)."""
    subject: str
    """Id of what it is about."""
    detail: str


OnNotice = Callable[[Notice], None]


def write_notice(notice: Notice) -> None:
    """Write a notice to the log: what happens unless the site asks for notices itself."""
    log.warning("%s %s: %s", notice.reason, notice.subject, notice.detail)
