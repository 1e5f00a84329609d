"""The poll queue of each VEN: first in, first out, at least once.

A message leaves the queue when its logical answer arrives, not when it was sent; one that stays unanswered is sent
again at the first poll after ``resend_after``, under the same ids. In between, polls get what waits behind it, so that
a VEN that takes its time to answer still finds the end of the queue.

Spec: OpenADR 2.0b section 8.6, rule 500.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from gateway.protocols.oadr2b.vtn_book import Page
from gateway.protocols.oadr2b.vtn_facts import Delivered, GaveUp
from gateway.protocols.oadr2b.vtn_records import QueueRecord, Waiting


def enqueue(
    page: Page,
    ven_id: str,
    waiting: Waiting,
    subject: str = "",
    *,
    to_follow: bool = False,
    span: tuple[datetime, datetime] | None = None,
) -> QueueRecord:
    """Put a message at the end of a VEN's queue; ``span``: what a report of ours covers."""
    queue = page.all(QueueRecord, ven_id)
    item = QueueRecord(
        ven_id=ven_id,
        number=queue[-1].number + 1 if queue else 0,
        waiting=waiting,
        subject=subject,
        request_id=page.ids.uuid(),
        to_follow=to_follow,
        since=span[0] if span else None,
        until=span[1] if span else None,
    )
    page.put(item)
    return item


def enqueue_events(page: Page, ven_id: str) -> None:
    """Let the VEN find its events at a coming poll; one message holds them all, so one place is enough.

    What waits there already becomes a message of its own again: a push of it may be on its way, without the news.
    """
    events = [item for item in page.all(QueueRecord, ven_id) if item.waiting is Waiting.EVENTS]
    for item in events:
        if item.sent_at is None:
            page.put(replace(item, request_id=page.ids.uuid()))
            return
    for item in events:
        page.drop(item)
    enqueue(page, ven_id, Waiting.EVENTS)


def due(page: Page, ven_id: str, resend_after: timedelta | None = None) -> QueueRecord | None:
    """Return the first message that is to be sent now; None: the queue is empty for the moment."""
    resend_after = resend_after or page.options.resend_after or page.options.poll_every
    for item in page.all(QueueRecord, ven_id):
        if item.sent_at is not None and page.now < item.sent_at + resend_after:
            continue
        if item.times_sent > page.options.resends:
            page.drop(item)
            page.tell(GaveUp(ven_id=ven_id, waiting=item.waiting))
            continue
        return item
    return None


def sent(page: Page, item: QueueRecord) -> None:
    """Note that a message goes out now."""
    times = item.times_sent + 1
    page.put(replace(item, sent_at=page.now, times_sent=times))
    page.tell(Delivered(ven_id=item.ven_id, waiting=item.waiting, times_sent=times))


def answered(
    page: Page, ven_id: str, waiting: Waiting, request_id: str, subjects: tuple[str, ...] = ()
) -> tuple[QueueRecord, ...]:
    """Take the messages that an answer settles off the queue.

    Args:
        page: Where to write.
        ven_id: Whose queue.
        waiting: The kind of message answered.
        request_id: As the answer echoes it; some VENs leave it empty.
        subjects: reportRequestIDs that the answer names, which count when the echo does not help.

    Returns:
        What was settled, oldest first.
    """
    sent_items = [
        item
        for item in page.all(QueueRecord, ven_id)
        if item.waiting is waiting and item.times_sent
    ]
    settled = [item for item in sent_items if item.request_id == request_id]
    if not settled:
        settled = [item for item in sent_items if not set(item.subjects).isdisjoint(subjects)]
    if not settled and not request_id and not subjects:
        settled = sent_items[:1]
    for item in settled:
        page.drop(item)
    return tuple(settled)


def forget_reports(page: Page, ven_id: str, report_request_ids: frozenset[str]) -> None:
    """Take messages about report requests that have ended off the queue, or what they say about them."""
    for item in page.all(QueueRecord, ven_id):
        about = item.waiting in {Waiting.CREATE_REPORT, Waiting.CANCEL_REPORT}
        if not about or report_request_ids.isdisjoint(item.subjects):
            continue
        left = [one for one in item.subjects if one not in report_request_ids]
        if left:
            page.put(replace(item, subject=" ".join(left)))
        else:
            page.drop(item)
