"""An intent was written to its site for the first time: noted in the log, some together, never on the way there."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from gateway.domain.errors import StoreError
from gateway.domain.names import SiteId
from gateway.domain.points import Step
from gateway.domain.ports import Mailbox
from gateway.domain.timespan import instant_text
from gateway.pipeline.book import Office
from gateway.pipeline.ports import Work
from gateway.pipeline.records import OutboxItem
from gateway.settlement.records import logged

KIND: Final = "delivery"
TOGETHER: Final = timedelta(seconds=1)
WRITTEN_AT_ONCE: Final = 16
"""In one transaction: what matters waits for the one writer meanwhile."""
MOST_WAITING: Final = 10_000
"""More than so many are not noted one by one; the site's acknowledgement is, whatever happens here."""


@dataclass(frozen=True, slots=True)
class _Written:
    item: OutboxItem
    channel: str
    at: datetime


@dataclass
class Delivered:
    """Notes first deliveries.

    Args:
        office: Clock and store.
    """

    office: Office
    _waiting: Mailbox[_Written] = field(init=False)
    _newest: dict[SiteId, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._waiting = self.office.clock.mailbox()

    def written(self, item: OutboxItem, channel: str) -> None:
        """Take note of a document that was just written; what a site has seen before does not count."""
        newest = self._newest.get(item.site, 0)
        self._newest[item.site] = max(newest, item.sequence)
        fresh = item.kind == "intent" and item.acked_at is None and item.sequence > newest
        if fresh and len(self._waiting) < MOST_WAITING:
            self._waiting.put(_Written(item, channel, self.office.clock.now()))

    async def run(self) -> None:
        """Write down what was noted, for ever.

        Raises:
            StoreError: the store can no longer be trusted.
        """
        clock = self.office.clock
        with clock.held():
            while True:
                first = await self._waiting.get()
                batch = [first] if first is not None else []
                until = clock.now() + TOGETHER
                # Taken as they come: what lies in a mailbox holds up a virtual clock.
                while (more := await self._waiting.get(until=until)) is not None:
                    batch.append(more)
                for start in range(0, len(batch), WRITTEN_AT_ONCE):
                    await self._write(batch[start : start + WRITTEN_AT_ONCE])

    async def _write(self, batch: Sequence[_Written]) -> None:
        try:
            await self.office.store.write(partial(_note, batch), Step.OTHER)
        except StoreError as error:
            if not error.passing:
                raise


def _note(batch: Sequence[_Written], work: Work) -> None:
    for written in batch:
        item = written.item
        first = First(
            site=item.site,
            subject=item.subject,
            revision=item.revision,
            sequence=item.sequence,
            channel=written.channel,
            at=written.at,
        )
        note_first(work, first)


@dataclass(frozen=True, slots=True, kw_only=True)
class First:
    """One revision of an intent that reached its site."""

    site: SiteId
    subject: str
    revision: int
    sequence: int
    channel: str
    """``stream``, ``poll`` or ``webhook``."""
    at: datetime


def note_first(work: Work, first: First) -> None:
    """Write it down, unless that revision was there before, on whatever channel."""
    known = work.log.entries(kinds=(KIND,), subject=first.subject)
    # Only what may be it is read: one subject's records grow with its revisions.
    mark = b'"revision":%d' % first.revision
    alike = (logged(e.index, e.record).document for e in known if mark in e.record)
    if all(document.get("revision") != first.revision for document in alike):
        document = {
            "revision": first.revision,
            "site": first.site,
            "sequence": first.sequence,
            "channel": first.channel,
            "written_at": instant_text(first.at),
        }
        work.log.append(KIND, first.subject, document, first.at)
