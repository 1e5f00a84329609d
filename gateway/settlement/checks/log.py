"""Were these records in this order in this log, with nothing between them and no time turned back?"""

from collections.abc import Collection, Iterator, Sequence
from datetime import timedelta
from typing import Final, Protocol

from gateway.settlement.evidence import CONSISTENCY, HEADS, Consistency, Heads, Proof
from gateway.settlement.finding import Finding, incomplete, mismatch
from gateway.settlement.heads import is_signed
from gateway.settlement.merkle import is_consistent, is_included, leaf_hash
from gateway.settlement.records import LateRecord, Logged

CLOCK_STEP: Final = timedelta(seconds=60)
"""A host's clock may be set back by this much while the log is written."""
WHOLE_HISTORY: Final = frozenset({"event", "intent", "opt", "late"})
"""Kinds of which a bundle holds all records from the first one on."""


class Extracted(Protocol):
    """Records out of a log, with what ties them to it."""

    @property
    def records(self) -> Sequence[Logged]:
        """In log order."""
        ...

    @property
    def proofs(self) -> Sequence[Proof]:
        """One per record."""
        ...

    @property
    def heads(self) -> Heads:
        """Signed."""
        ...

    @property
    def consistency(self) -> Consistency:
        """From the oldest head to the newest."""
        ...


def name_of(found: Logged) -> str:
    """Name a record for people."""
    return f"record {found.index} ({found.record.k})"


def heads_are_signed(bundle: Extracted) -> Iterator[Finding]:
    """Check the signature of each head, and that all are of one log and in order."""
    key = bytes.fromhex(bundle.heads.public_key)
    heads = bundle.heads.heads
    for position, signed in enumerate(heads):
        if not is_signed(signed, key):
            yield mismatch("heads", HEADS, f"head {position} is not signed by the log's key")
    first, last = heads[0].head, heads[-1].head
    if first.size > last.size or first.ts > last.ts:
        yield mismatch("heads", HEADS, "the heads are not in order of size and time")


def log_grew(bundle: Extracted) -> Iterator[Finding]:
    """Check that the oldest head's log is the beginning of the newest head's."""
    old, new, proof = bundle.heads.heads[0].head, bundle.heads.heads[-1].head, bundle.consistency
    holds = (proof.from_size, proof.to_size) == (old.size, new.size) and is_consistent(
        old.size,
        new.size,
        [bytes.fromhex(node) for node in proof.path],
        bytes.fromhex(old.root),
        bytes.fromhex(new.root),
    )
    if not holds:
        yield mismatch("log", CONSISTENCY, "the older head is no beginning of the newer one")


def records_are_logged(bundle: Extracted) -> Iterator[Finding]:
    """Check every record's path to the newest head, and that they stand in log order."""
    head = bundle.heads.heads[-1].head
    root, before = bytes.fromhex(head.root), -1
    for found, proof in zip(bundle.records, bundle.proofs, strict=True):
        if found.index <= before:
            yield mismatch("log", name_of(found), "the records are not in log order")
        before = found.index
        path = [bytes.fromhex(node) for node in proof.path]
        if proof.size != head.size or not is_included(
            leaf_hash(found.body), found.index, head.size, path, root
        ):
            yield mismatch("log", name_of(found), "it is not at this place in the signed log")


def late_batches(records: Sequence[Logged]) -> frozenset[int]:
    """Return where the batches stand that the log names as late: such a one may stand alone.

    Between the batches of a statement and one that came late for it lies whatever the meter told meanwhile.
    """
    return frozenset(
        found.record.telemetry for found in records if isinstance(found.record, LateRecord)
    )


def sources_have_no_gaps(
    bundle: Extracted,
    whole: Collection[str] = WHOLE_HISTORY,
    alone: Collection[int] = frozenset(),
) -> Iterator[Finding]:
    """Check that ``seq`` counts up by one per source: nobody left a record out between two others.

    Args:
        bundle: With its records.
        whole: Kinds of which all records from the first one on must be there.
        alone: Places before which records of the same source may be left out.
    """
    last: dict[str, int] = {}
    for found in bundle.records:
        record = found.record
        first = 0 if record.k in whole else record.seq
        expected = last.get(record.src, first - 1) + 1
        if record.seq < expected or (record.seq > expected and found.index not in alone):
            yield incomplete(
                "sequence",
                name_of(found),
                f"{record.src} goes on with {record.seq} after {expected - 1}",
            )
        last[record.src] = record.seq


def time_runs_forward(bundle: Extracted) -> Iterator[Finding]:
    """Check that no record is dated before one that was logged earlier, nor past a head that covers it."""
    old, new = bundle.heads.heads[0].head, bundle.heads.heads[-1].head
    latest = None
    for found in bundle.records:
        t = found.record.t
        back = latest is not None and t < latest - CLOCK_STEP
        before_head = found.index >= old.size and t < old.ts - CLOCK_STEP
        after_head = t > (old.ts if found.index < old.size else new.ts) + CLOCK_STEP
        if back or before_head or after_head:
            yield mismatch("time", name_of(found), "its time does not fit its place in the log")
        latest = t if latest is None else max(latest, t)
