"""A part of the log for an auditor: the records, each with its path to a signed head, checked without the store.

manifest.json      which log, how many records, and the SHA-256 of every other file
records.jsonl      the records, one canonical JSON document per line, in log order
inclusion.json     for each record the path that ties it to the newest head
tree_heads.json    one or two signed heads, oldest first, and the log's public key
consistency.json   the path from the oldest head to the newest

A changed, moved or invented record is found, and one left out between two others of its source. Whoever exports may
leave out whole sources, or the last records of one: ask for a later export, or compare heads.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from pydantic import JsonValue, TypeAdapter

from gateway.domain.canonical import canonical
from gateway.domain.errors import GatewayError, WireError
from gateway.settlement.bundle import (
    CONSISTENCY_OF,
    HEADS_OF,
    PROOFS_OF,
    records_of,
    typed,
)
from gateway.settlement.checks.log import (
    heads_are_signed,
    log_grew,
    records_are_logged,
    sources_have_no_gaps,
    time_runs_forward,
)
from gateway.settlement.evidence import (
    CONSISTENCY,
    HEADS,
    INCLUSION,
    MANIFEST,
    RECORDS,
    Consistency,
    Heads,
    Proof,
    log_files,
)
from gateway.settlement.finding import Finding, incomplete, malformed, mismatch
from gateway.settlement.heads import SignedHead
from gateway.settlement.records import Logged

SCHEMA: Final = "audit-export/1"
MANIFEST_OF: Final = TypeAdapter(dict[str, JsonValue])
FILES: Final = (MANIFEST, RECORDS, INCLUSION, HEADS, CONSISTENCY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Extract:
    """An export that could be read; nothing in it is believed yet."""

    records: Sequence[Logged]
    proofs: Sequence[Proof]
    heads: Heads
    consistency: Consistency


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What a verifier says."""

    findings: tuple[Finding, ...]
    extract: Extract | None = None


def build_audit(
    records: Sequence[Logged],
    leaves: Sequence[bytes],
    heads: Sequence[SignedHead],
    *,
    public_key: bytes,
) -> dict[str, bytes]:
    """Make an export: file name -> bytes.

    Args:
        records: Ascending.
        leaves: Leaf hashes of the whole log, as far as the newest head.
        heads: One or two, oldest first.
        public_key: Raw Ed25519 key of the log.

    Raises:
        MisuseError: ``NO_HEAD`` without a head, ``OUT_OF_TREE`` when a head or record lies beyond the leaves.
    """
    files = log_files(records, leaves, heads, public_key)
    newest = heads[-1].head
    manifest = {
        "schema": SCHEMA,
        "files": {name: sha256(body).hexdigest() for name, body in files.items()},
        "log": {"log_id": newest.log_id, "root": newest.root, "size": newest.size},
        "records": len(records),
    }
    return {MANIFEST: canonical(manifest), **files}


def verify_audit(files: Mapping[str, bytes], expected_log_id: str | None = None) -> Judged:
    """Check an export without store or network.

    Args:
        files: Name -> bytes.
        expected_log_id: The log that must have signed it; None: whoever signed it is named.
    """
    missing = [name for name in FILES if name not in files]
    strangers = [name for name in files if name not in FILES]
    if missing:
        return Judged(findings=tuple(incomplete("files", n, "it is not there") for n in missing))
    if strangers:
        name = strangers[0][:80]
        return Judged(findings=(malformed("files", name, "no file of an export has this name"),))
    try:
        extract = _read(files)
    except GatewayError as error:
        return Judged(findings=(malformed("read", "export", error.detail),))
    return Judged(findings=tuple(_checked(files, extract, expected_log_id)), extract=extract)


def _read(files: Mapping[str, bytes]) -> Extract:
    proofs = typed(files, INCLUSION, PROOFS_OF)
    return Extract(
        records=records_of(files[RECORDS], proofs),
        proofs=proofs,
        heads=typed(files, HEADS, HEADS_OF),
        consistency=typed(files, CONSISTENCY, CONSISTENCY_OF),
    )


def _checked(
    files: Mapping[str, bytes], extract: Extract, expected_log_id: str | None
) -> Iterator[Finding]:
    newest = extract.heads.heads[-1].head
    if expected_log_id is not None and newest.log_id != expected_log_id:
        yield mismatch("heads", HEADS, f"it is of log {newest.log_id}, not of {expected_log_id}")
    yield from heads_are_signed(extract)
    yield from log_grew(extract)
    yield from records_are_logged(extract)
    yield from sources_have_no_gaps(extract, whole=frozenset())
    yield from time_runs_forward(extract)
    yield from _manifest(files, extract)


def _manifest(files: Mapping[str, bytes], extract: Extract) -> Iterator[Finding]:
    """Check that the manifest says nothing that does not follow from the rest."""
    try:
        claimed = typed(files, MANIFEST, MANIFEST_OF)
    except WireError as error:
        yield malformed("files", MANIFEST, error.detail)
        return
    newest = extract.heads.heads[-1].head
    follows: dict[str, object] = {
        "schema": SCHEMA,
        "files": {n: sha256(body).hexdigest() for n, body in files.items() if n != MANIFEST},
        "log": {"log_id": newest.log_id, "root": newest.root, "size": newest.size},
        "records": len(extract.records),
    }
    if claimed != follows:
        yield mismatch("files", MANIFEST, "it does not follow from the other files")
