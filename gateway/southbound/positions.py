"""Where a reader stands in a site's stream, and what to do when its cursor is of no use any more."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import orjson
from aiohttp import web

from gateway.domain.errors import WireError
from gateway.domain.intent import ComputeFlexIntent
from gateway.domain.names import SiteId
from gateway.domain.signed import signed_part
from gateway.intents.envelope import document_of, reset_event
from gateway.pipeline.ports import Work
from gateway.pipeline.records import OutboxItem

_DIGITS: Final = 20


def number(request: web.Request, name: str, default: int, largest: int) -> int:
    """Read a whole number out of the query.

    Raises:
        WireError: ``INVALID_QUERY``.
    """
    text = request.query.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= _DIGITS) or int(text) > largest:
        raise WireError("INVALID_QUERY", f"{name} must be a whole number up to {largest}")
    return int(text)


def timely(item: OutboxItem, now: datetime) -> bool:
    """Say whether a document may still be sent: no start may reach a site at its end or later."""
    return item.deliver_by is None or now < item.deliver_by


def usable(work: Work, site: SiteId, cursor: int) -> bool:
    """Say whether everything after ``cursor`` is still kept, and the cursor is one of ours.

    A cursor beyond the newest comes from before a restore of the store.
    """
    newest = work.outbox.newest_sequence(site)
    oldest = work.outbox.oldest_sequence(site) or newest + 1
    return oldest - 1 <= cursor <= newest


@dataclass(frozen=True, slots=True)
class Reset:
    """All that holds for a site, ready to be sent."""

    sequence: int
    body: bytes


def reset(
    work: Work, site: SiteId, *, source: str, sign: Callable[[bytes], str], at: datetime
) -> Reset:
    """Gather what a reader needs that lost its place.

    Intents come as they were published where that is still kept, else signed afresh as they stand. What was never put
    to the site, because it is held for an operator, is not told here either: its receipt would be for nothing.
    """
    newest = work.outbox.newest_sequence(site)
    told = [record.intent for record in work.intents.of_site(site) if record.intent.signature]
    documents = [_published(work, intent, sign) for intent in told]
    plan = work.plans.get(site)
    body = reset_event(plan, documents, source=source, site=site, sequence=newest, at=at)
    return Reset(newest, body)


def signed_document(
    intent: ComputeFlexIntent, sign: Callable[[bytes], str]
) -> Mapping[str, object]:
    """Return an intent as it stands now; its state may have moved on since it was published, so it is signed anew."""
    document = document_of(intent)
    return {**document, "signature": sign(signed_part(document))}


def _published(
    work: Work, intent: ComputeFlexIntent, sign: Callable[[bytes], str]
) -> Mapping[str, object]:
    kept = work.outbox.after(SiteId(intent.site), intent.sequence - 1, 1, "intent")
    if kept and (kept[0].subject, kept[0].revision) == (intent.id, intent.revision):
        event: Mapping[str, Mapping[str, object]] = orjson.loads(kept[0].body)
        return event["data"]
    return signed_document(intent, sign)
