"""A site's knowledge laid beside the store's: what a restored backup does not hold, the site may (R-DUR-12).

Nothing that a site says is believed for being said: a revision only tells that something is missing, an answer counts
as any other answer of that site would, and a document counts for what this gateway itself has signed.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pydantic import ValidationError

from gateway.domain.answers import Heartbeat
from gateway.domain.identity import STEP
from gateway.domain.intent import ComputeFlexIntent, State
from gateway.domain.names import IntentId, SiteId
from gateway.domain.participation import Opt
from gateway.intents.lifecycle import TERMINAL
from gateway.pipeline.memory import REMEMBERED
from gateway.pipeline.ports import IntentRecord
from gateway.pipeline.turn import Turn

MOST_COMPARED: Final = 256
"""Intents of one heartbeat that are looked up as a rule; after a restore, all of them."""
_INTENT_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What a site knows beyond the store."""

    newer: tuple[IntentId, ...] = ()
    """Intents of which it knows a later revision, or that the store does not know."""
    lost: tuple[IntentId, ...] = ()
    """Those of them that the store does not know at all, and that an earlier epoch has made."""
    newer_plan: bool = False


def compare(turn: Turn, site: SiteId, heartbeat: Heartbeat, *, recovering: bool) -> Difference:
    """Compare, and write down what only the site knows.

    Args:
        turn: The open transaction.
        site: Whose heartbeat.
        heartbeat: As sent.
        recovering: True: the store was restored and this site has not been let through yet; its answers to revisions
            that the store does know are taken over.
    """
    named = [(IntentId(i), r) for i, r in heartbeat.known.items() if _INTENT_ID.fullmatch(i)]
    newer: list[IntentId] = []
    lost: list[IntentId] = []
    for intent, revision in named if recovering else named[-MOST_COMPARED:]:
        record = turn.work.intents.get(intent)
        if record is not None and record.intent.site != site:
            record = None
        if record is not None and revision == record.intent.revision and recovering:
            _adopt(turn, site, record, heartbeat.answers.get(intent))
        if revision > (record.intent.revision if record else 0):
            newer.append(intent)
            _write_down(turn, site, intent, revision, record)
            if record is None and revision // STEP < turn.work.identity.epoch:
                lost.append(intent)
    plan = turn.work.plans.get(site)
    behind = heartbeat.plan_revision > (plan.revision if plan else 0)
    return Difference(newer=tuple(newer), lost=tuple(lost), newer_plan=behind)


def remember(turn: Turn, site: SiteId, document: Mapping[str, object]) -> bool:
    """Keep what was frozen in an intent that the store has forgotten; its signature was found to be ours."""
    try:
        intent = ComputeFlexIntent.model_validate(document)
    except ValidationError:
        return False
    if intent.site != site or intent.revision // STEP >= turn.work.identity.epoch:
        return False
    resolution = intent.ask.resolution if intent.ask else None
    turn.log(
        "audit",
        intent.id,
        {
            "word": REMEMBERED,
            "site": site,
            "revision": intent.revision,
            "resolution": None if resolution is None else resolution.model_dump(mode="json"),
        },
    )
    return True


def _adopt(turn: Turn, site: SiteId, record: IntentRecord, opt: Opt | None) -> None:
    """Take over an answer that was given after the backup was made: the utility knows it already."""
    intent = record.intent
    closed = intent.status in TERMINAL or intent.status is State.COMPLETED
    if opt is None or opt is record.opt or closed or intent.hold_reason:
        return
    if intent.cancelled_at is not None or turn.over(intent):
        return
    turn.log("opt", intent.id, {"cause": "restored", "site": site, "opt": opt.value})
    turn.decide(record, opt, "restored", f"site:{site}")


def _write_down(
    turn: Turn, site: SiteId, intent: IntentId, revision: int, record: IntentRecord | None
) -> None:
    if turn.work.log.entries(kinds=("audit",), subject=intent):
        return
    ours = record.intent.revision if record else 0
    turn.log("audit", intent, {"word": "ahead", "site": site, "theirs": revision, "ours": ours})
