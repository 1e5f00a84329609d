"""What a restored store has forgotten and a site has handed back, kept in the log until its event comes again."""

from typing import Final

from gateway.domain.intent import Resolution
from gateway.domain.names import IntentId
from gateway.pipeline.ports import Work
from gateway.settlement.records import logged

REMEMBERED: Final = "remembered"
"""Word of the audit record."""


def remembered(work: Work, intent: IntentId) -> Resolution | None:
    """Return how an intent's relative ask became kilowatts before the restore; None where nobody told."""
    for entry in reversed(work.log.entries(kinds=("audit",), subject=intent)):
        document = logged(entry.index, entry.record).document
        if document.get("word") == REMEMBERED and document.get("resolution") is not None:
            return Resolution.model_validate(document["resolution"])
    return None
