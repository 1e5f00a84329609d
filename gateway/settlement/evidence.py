"""The evidence of one statement: the records that close it, and the bundle that proves it.

    manifest.json      what this is, and the SHA-256 of every other file
    records.jsonl      the log records that the statement needs, one canonical JSON document per line, in log order
    inclusion.json     for each record the path that ties it to the newest head
    tree_heads.json    one or two signed heads, oldest first, and the log's public key
    consistency.json   the path from the oldest head to the newest
    result.json        the statement, its baselines and what validation found
    certs/<kid>.pem    certificates of devices that signed records, if any did

Every file is canonical JSON (certificates apart), so one statement has one bundle, byte for byte.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Annotated, Final, Literal

from pydantic import Field, JsonValue

from gateway.domain.canonical import canonical
from gateway.domain.errors import MisuseError
from gateway.domain.quantity import plain
from gateway.domain.reading import Measured
from gateway.domain.settlement import BaselineResult, Document, LogIndex, SettlementStatement
from gateway.domain.timespan import instant_text
from gateway.settlement.heads import Hex32, SignedHead
from gateway.settlement.merkle import Tree
from gateway.settlement.records import Logged
from gateway.settlement.statement import Settled

MANIFEST: Final = "manifest.json"
RECORDS: Final = "records.jsonl"
INCLUSION: Final = "inclusion.json"
HEADS: Final = "tree_heads.json"
CONSISTENCY: Final = "consistency.json"
RESULT: Final = "result.json"
REQUIRED: Final = (MANIFEST, RECORDS, INCLUSION, HEADS, CONSISTENCY, RESULT)


class Proof(Document):
    """One record's path to the newest head, leaf side first."""

    index: LogIndex
    size: LogIndex
    path: tuple[Hex32, ...]


class Heads(Document):
    """``tree_heads.json``."""

    public_key: Hex32
    """Raw Ed25519 key."""
    heads: Annotated[tuple[SignedHead, ...], Field(min_length=1, max_length=2)]


class Consistency(Document):
    """``consistency.json``."""

    from_size: LogIndex
    to_size: LogIndex
    path: tuple[Hex32, ...]


class Result(Document):
    """``result.json``: everything that a verifier computes again."""

    schema_: Annotated[Literal["evidence-result/1"], Field(alias="schema")] = "evidence-result/1"
    statement: SettlementStatement
    baselines: tuple[BaselineResult, ...]
    """The paid one first."""
    vee: dict[str, JsonValue]


def vee_document(measured: Measured) -> dict[str, JsonValue]:
    """Write down what validation found: counts, rejected rows, and the series that settlement used."""
    return {
        "counts": dict(measured.counts),
        "flags": dict(measured.flags),
        "rejected": [[instant_text(at), reason] for at, reason in measured.rejected],
        "intervals": [
            {
                "start": instant_text(reading.start),
                "energy_kwh": None if reading.energy_kwh is None else plain(reading.energy_kwh),
                "quality": reading.quality.value,
                "flags": list(reading.flags),
            }
            for reading in measured.readings
        ],
    }


def result_of(settled: Settled) -> Result:
    """Collect what a verifier has to find again."""
    return Result(
        statement=settled.statement,
        baselines=settled.baselines,
        vee=vee_document(settled.measured),
    )


def closing_documents(result: Result) -> tuple[tuple[str, dict[str, object]], ...]:
    """Return (kind, document) of the records that close a statement, in the order they are logged.

    Their subject is the intent id. What validation found and every baseline come before the statement.
    """
    statement = result.statement
    about = {"statement_id": statement.id, "version": statement.version}
    written = result.model_dump(mode="json", by_alias=True)
    return (
        ("vee", {**about, "vee": written["vee"]}),
        *(("baseline", {**about, "baseline": found}) for found in written["baselines"]),
        ("settlement", {**about, "statement": written["statement"]}),
    )


def cited(statement: SettlementStatement) -> tuple[int, ...]:
    """Return the log indexes of a statement's inputs, and of what names them as late, ascending."""
    inputs = statement.inputs
    late = statement.correction.late if statement.correction else ()
    every = (*inputs.config, *inputs.event, *inputs.intent, *inputs.opt, *inputs.telemetry, *late)
    return tuple(sorted(set(every)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What a bundle is made of."""

    records: Sequence[Logged]
    """Ascending: the cited ones, the closing ones, and key records of devices that signed any."""
    leaves: Sequence[bytes]
    """Leaf hashes of the whole log, as far as the newest head."""
    heads: Sequence[SignedHead]
    """One or two, oldest first: one from before the event if there is one, and the newest, which covers all records."""
    public_key: bytes
    """Raw Ed25519 key of the log."""
    result: Result
    certificates: Mapping[str, bytes] = field(default_factory=dict)
    """kid -> PEM."""


def build_bundle(evidence: Evidence) -> dict[str, bytes]:
    """Make a bundle: file name -> bytes, in deterministic order; equal evidence gives equal bytes.

    Raises:
        MisuseError: ``NO_HEAD`` without a head, ``OUT_OF_TREE`` when a head or record lies beyond the leaves.
    """
    logged = log_files(evidence.records, evidence.leaves, evidence.heads, evidence.public_key)
    heads = Heads(public_key=evidence.public_key.hex(), heads=tuple(evidence.heads))
    files = {
        **logged,
        RESULT: canonical(evidence.result.model_dump(mode="json", by_alias=True)),
        **{f"certs/{kid}.pem": pem for kid, pem in sorted(evidence.certificates.items())},
    }
    return {MANIFEST: manifest_of(files, evidence.result, heads), **files}


def log_files(
    records: Sequence[Logged],
    leaves: Sequence[bytes],
    heads: Sequence[SignedHead],
    public_key: bytes,
) -> dict[str, bytes]:
    """Write records with what ties them to the log: name -> bytes of four files.

    Raises:
        MisuseError: ``NO_HEAD``, ``OUT_OF_TREE``.
    """
    if not heads:
        raise MisuseError("NO_HEAD", "a bundle needs a signed head that covers its records")
    tree = Tree(leaves)
    oldest, newest = heads[0].head, heads[-1].head
    proofs = [
        {
            "index": found.index,
            "size": newest.size,
            "path": _hex(tree.inclusion(found.index, newest.size)),
        }
        for found in records
    ]
    signed = Heads(public_key=public_key.hex(), heads=tuple(heads))
    consistency = {
        "from_size": oldest.size,
        "to_size": newest.size,
        "path": _hex(tree.consistency(oldest.size, newest.size)),
    }
    return {
        RECORDS: b"".join(found.body + b"\n" for found in records),
        INCLUSION: canonical(proofs),
        HEADS: canonical(signed.model_dump(mode="json")),
        CONSISTENCY: canonical(consistency),
    }


def manifest_of(files: Mapping[str, bytes], result: Result, heads: Heads) -> bytes:
    """Write the manifest; it claims nothing that does not follow from the other files."""
    statement, newest = result.statement, heads.heads[-1].head
    return canonical(
        {
            "schema": "evidence-bundle/1",
            "event": {
                "utility": statement.utility,
                "program": statement.program,
                "event_id": statement.event_id,
                "intent_id": statement.intent_id,
            },
            "files": {
                name: sha256(body).hexdigest() for name, body in files.items() if name != MANIFEST
            },
            "log": {"log_id": newest.log_id, "root": newest.root, "size": newest.size},
            "method": dict(statement.baseline.parameters),
            "resource": {"site": statement.site, "meter": statement.meter},
            "simulated": statement.simulated,
            "software": statement.software,
            "statement": {"id": statement.id, "version": statement.version},
            "test": statement.test,
        }
    )


def _hex(path: Sequence[bytes]) -> list[str]:
    return [node.hex() for node in path]
