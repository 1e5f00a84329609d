"""Bundles of the small event, honest and forged."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from conformance.forgeries.editing import Files, with_records, without
from gateway.pipeline.methods import METHODS
from gateway.settlement.evidence import (
    Evidence,
    build_bundle,
    closing_documents,
    result_of,
)
from gateway.settlement.heads import LogKey, SignedHead, sign_head
from gateway.settlement.merkle import Frontier, leaf_hash
from gateway.settlement.records import Logged
from gateway.settlement.statement import settle
from gateway.settlement.verify import Verdict, verify
from tests.intent_samples import UTC_1600
from tests.settlement_story import LAST, Story, told

CLOSED_AT = LAST + timedelta(minutes=45)


def key_of(seed: bytes) -> LogKey:
    """Make a log's key from a test seed."""
    private = Ed25519PrivateKey.from_private_bytes(seed)
    public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return LogKey(public=public, sign=private.sign)


KEY = key_of(b"\x01" * 32)
OTHER_KEY = key_of(b"\x02" * 32)


@dataclass(frozen=True)
class Case:
    """One statement's evidence and the log that it lies in."""

    story: Story
    evidence: Evidence

    @property
    def files(self) -> Files:
        """The bundle."""
        return build_bundle(self.evidence)


def head_at(records: list[Logged], size: int, at: datetime, key: LogKey = KEY) -> SignedHead:
    """Sign the head of the first ``size`` records."""
    root = Frontier().extend(found.body for found in records[:size]).root
    return sign_head(root, size, at=at, key=key)


def close(story: Story, key: LogKey = KEY) -> Case:
    """Settle a story, log the closing records, and collect the evidence."""
    needed = list(story.records)
    result = result_of(settle(story.inputs(), METHODS))
    for kind, document in closing_documents(result):
        story.log(kind, story.intent_id, document, CLOSED_AT)
    story.log("audit", "elsewhere", {"note": "another story in the same log"}, CLOSED_AT)
    early = next(
        i for i, r in enumerate(story.records) if r.record.t > UTC_1600 + timedelta(minutes=2)
    )
    size = len(story.records)
    heads = (
        head_at(story.records, early, story.records[early - 1].record.t, key),
        head_at(story.records, size, CLOSED_AT + timedelta(seconds=1), key),
    )
    evidence = Evidence(
        records=[*needed, *story.records[len(needed) : size - 1]],
        leaves=[leaf_hash(found.body) for found in story.records],
        heads=heads,
        public_key=key.public,
        result=result,
    )
    return Case(story=story, evidence=evidence)


@cache
def honest() -> Case:
    """The plain event's evidence; do not change it."""
    return close(told())


def judged(files: Mapping[str, bytes], log_id: str | None = None) -> Verdict:
    """Verify with the gateway's methods."""
    return verify(files, METHODS, expected_log_id=log_id)


def without_record(files: Files, *positions: int) -> Files:
    """Leave records out, with their proofs, and list the files anew."""
    return with_records(files, lambda items: without(items, *positions))
