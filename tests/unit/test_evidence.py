"""Evidence: what a bundle proves, and each named way to falsify one."""

import base64
import io
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from conformance.forgeries.editing import Files, listed, with_document, with_lines
from gateway.domain.canonical import canonical, read_json
from gateway.domain.errors import MeterDataError, MisuseError, WireError
from gateway.domain.participation import Opt
from gateway.pipeline.methods import METHODS
from gateway.settlement.archive import from_zip, to_zip
from gateway.settlement.evidence import (
    CONSISTENCY,
    HEADS,
    INCLUSION,
    MANIFEST,
    RECORDS,
    REQUIRED,
    RESULT,
    Evidence,
    Result,
    build_bundle,
    cited,
    closing_documents,
    result_of,
)
from gateway.settlement.finding import Outcome
from gateway.settlement.heads import SignedHead, TreeHead, is_signed, log_id_of
from gateway.settlement.merkle import leaf_hash
from gateway.settlement.records import envelope, logged
from gateway.settlement.statement import settle
from tests.evidence_story import (
    CLOSED_AT,
    KEY,
    OTHER_KEY,
    Case,
    close,
    head_at,
    honest,
    judged,
    without_record,
)
from tests.intent_samples import EVENT, START, UTC_1600
from tests.metering import golden
from tests.settlement_story import FIRST, LAST, MINUTE, TERMS, Story, told


def where(files: Files, log_id: str | None = None) -> list[str]:
    return [finding.where for finding in judged(files, log_id).findings]


def checks(files: Files, log_id: str | None = None) -> set[str]:
    return {finding.check for finding in judged(files, log_id).findings}


# --- what holds


def test_an_honest_bundle_verifies_and_names_its_log() -> None:
    verdict = judged(honest().files)

    assert verdict.findings == ()
    assert verdict.outcome is Outcome.VERIFIED
    assert verdict.log_id == KEY.log_id
    assert verdict.size == len(honest().story.records)
    assert verdict.statement == honest().evidence.result.statement
    assert judged(honest().files, KEY.log_id).outcome is Outcome.VERIFIED


def test_equal_evidence_gives_equal_bytes_in_one_order() -> None:
    again = close(told())

    assert again.files == honest().files
    assert list(again.files)[: len(REQUIRED)] == list(REQUIRED)
    assert to_zip(again.files) == to_zip(dict(reversed(honest().files.items())))


def test_a_bundle_survives_its_archive() -> None:
    packed = to_zip(honest().files)

    assert from_zip(packed) == honest().files


def test_a_statement_cites_everything_it_rests_on() -> None:
    case = honest()
    statement = case.evidence.result.statement

    kinds = [found.record.k for found in case.evidence.records if found.index in cited(statement)]
    assert len(kinds) == len(case.story.records) - 5
    assert set(kinds) == {"config", "telemetry", "event", "intent", "opt"}
    assert [kind for kind, _ in closing_documents(case.evidence.result)] == [
        "vee",
        "baseline",
        "baseline",
        "settlement",
    ]


def test_the_bundle_holds_no_more_of_the_log_than_its_own_story() -> None:
    assert b"another story" not in b"".join(honest().files.values())


def test_one_head_is_enough() -> None:
    evidence = honest().evidence

    files = build_bundle(replace(evidence, heads=evidence.heads[1:]))

    assert judged(files).outcome is Outcome.VERIFIED


def test_a_bundle_without_a_head_or_with_one_beyond_the_leaves_cannot_be_made() -> None:
    evidence = honest().evidence
    for broken in (replace(evidence, heads=()), replace(evidence, leaves=evidence.leaves[:-1])):
        with pytest.raises(MisuseError):
            build_bundle(broken)


@pytest.mark.spec("evidence vectors, tree head")
def test_the_signed_head_of_the_vectors_is_accepted_and_its_bad_twin_is_not() -> None:
    vectors = golden("evidence_vectors.json")
    head = TreeHead.model_validate(vectors["tree_head"])
    public = bytes.fromhex(vectors["ed25519_public_hex"])

    assert head.signed_bytes() == vectors["tree_head_bytes_utf8"].encode()
    assert log_id_of(public) == head.log_id
    good = SignedHead(head=head, signature=vectors["tree_head_signature_hex"])
    bad = SignedHead(head=head, signature=vectors["bad_signature_hex"])
    assert is_signed(good, public)
    assert not is_signed(bad, public)
    assert not is_signed(good, KEY.public)
    seed = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(vectors["ed25519_seed_hex"]))
    assert seed.sign(head.signed_bytes()).hex() == good.signature


# --- forgeries by someone who lacks the log's key but knows the format


def first_of(kind: str, case: Case | None = None) -> int:
    records = (case or honest()).evidence.records
    return next(i for i, found in enumerate(records) if found.record.k == kind)


def edited(position: int, change: Callable[[dict[str, Any]], object]) -> Files:
    """Change one record, keep everything else, and list the files anew."""

    def lines(found: list[bytes]) -> list[bytes]:
        document = read_json(found[position], largest=1 << 24)
        change(document)
        return [*found[:position], canonical(document), *found[position + 1 :]]

    return listed(with_lines(honest().files, lines))


def test_a_flipped_reading_is_refused_and_its_record_named() -> None:
    position = first_of("telemetry") + 100

    def more(document: dict[str, Any]) -> None:
        document["batch"]["samples"][0]["energy_kwh"] = "1.6"

    verdict = judged(edited(position, more))

    assert verdict.outcome is Outcome.MISMATCH
    index = honest().evidence.records[position].index
    assert f"record {index} (telemetry)" in [finding.where for finding in verdict.findings]


@pytest.mark.parametrize(
    ("kind", "key", "value"),
    [
        ("config", "terms", {"price_per_kwh": "9"}),
        ("intent", "intent", {"status": "completed"}),
        ("opt", "opt", "out"),
        ("event", "version", 1),
        ("settlement", "statement", {"currency": "EUR"}),
    ],
)
def test_a_changed_record_of_any_kind_is_refused_and_named(
    kind: str, key: str, value: object
) -> None:
    position = first_of(kind)

    def change(document: dict[str, Any]) -> None:
        changed = document[key] | value if isinstance(value, dict) else value
        document[key] = changed

    index = honest().evidence.records[position].index
    assert f"record {index} ({kind})" in where(edited(position, change))


def test_a_record_left_out_is_missed_by_number() -> None:
    position = first_of("telemetry") + 120
    index = honest().evidence.records[position].index

    verdict = judged(without_record(honest().files, position))

    assert verdict.outcome is Outcome.INCOMPLETE
    assert f"record {index}" in [finding.where for finding in verdict.findings]
    assert "sequence" in {finding.check for finding in verdict.findings}


def test_the_last_reading_left_out_is_missed_although_no_gap_shows() -> None:
    records = honest().evidence.records
    position = max(i for i, found in enumerate(records) if found.record.k == "telemetry")

    verdict = judged(without_record(honest().files, position))

    assert verdict.outcome is Outcome.INCOMPLETE
    assert {finding.check for finding in verdict.findings} == {"closing"}
    assert f"record {records[position].index}" in [finding.where for finding in verdict.findings]


def test_lines_dropped_or_cut_without_their_proofs_are_refused() -> None:
    for change in (lambda lines: lines[:-1], lambda lines: lines[1:]):
        files = with_lines(honest().files, change)
        assert judged(files).outcome is Outcome.MISMATCH
        assert RECORDS in where(files)
        assert judged(listed(files)).outcome is Outcome.MALFORMED
    cut = {**honest().files, RECORDS: honest().files[RECORDS][:-1]}
    assert judged(listed(cut)).outcome is Outcome.MALFORMED


def test_reordered_records_are_refused_with_and_without_their_proofs() -> None:
    def swapped(items: list[Any]) -> list[Any]:
        return [*items[:50], items[51], items[50], *items[52:]]

    lines = with_lines(honest().files, swapped)
    both = with_document(lines, INCLUSION, swapped)

    assert "record 50 (telemetry)" in where(listed(lines))
    found = judged(listed(both))
    assert found.outcome is Outcome.MISMATCH
    named = [(finding.check, finding.where) for finding in found.findings]
    assert ("log", "record 50 (telemetry)") in named


def test_a_backdated_record_is_refused_and_named() -> None:
    position = first_of("config")

    def back(document: dict[str, Any]) -> None:
        document["t"] = "2025-05-01T00:00:00Z"

    assert "record 0 (config)" in where(edited(position, back))


def test_a_record_of_another_log_in_its_place_is_refused() -> None:
    other = close(told(skip=[START]))
    position = first_of("telemetry") + 30
    body = other.evidence.records[position + 3].body

    files = listed(
        with_lines(honest().files, lambda ls: [*ls[:position], body, *ls[position + 1 :]])
    )

    index = honest().evidence.records[position].index
    assert f"record {index} (telemetry)" in where(files)


def test_the_result_of_another_statement_is_refused() -> None:
    other = close(told(skip=[START + n * MINUTE for n in range(30)]))

    files = listed({**honest().files, RESULT: other.files[RESULT]})

    assert judged(files).outcome is Outcome.MISMATCH
    assert any(place.startswith(RESULT) for place in where(files))


@pytest.mark.parametrize(
    "places", [("totals", "payment"), ("totals", "reduction_kwh"), ("performance",)]
)
def test_a_figure_changed_by_a_cent_or_less_is_refused(places: tuple[str, ...]) -> None:
    def change(document: dict[str, Any]) -> dict[str, Any]:
        inner = document["statement"]
        for key in places[:-1]:
            inner = inner[key]
        inner[places[-1]] = str(Decimal(inner[places[-1]]) + Decimal("0.000000001"))
        return document

    files = listed(with_document(honest().files, RESULT, change))

    assert judged(files).outcome is Outcome.MISMATCH
    assert "closing" in checks(files)


def test_signing_again_with_another_key_makes_another_log() -> None:
    forged = close(told(), OTHER_KEY)

    assert judged(forged.files).log_id == OTHER_KEY.log_id != KEY.log_id
    verdict = judged(forged.files, KEY.log_id)
    assert verdict.outcome is Outcome.MISMATCH
    assert verdict.findings[0].where == HEADS


def test_a_head_signed_by_another_key_under_the_same_name_is_refused() -> None:
    evidence = honest().evidence
    head = evidence.heads[1].head
    stolen = SignedHead(head=head, signature=OTHER_KEY.sign(head.signed_bytes()).hex())
    files = build_bundle(replace(evidence, heads=(evidence.heads[0], stolen)))

    assert HEADS in where(files)
    other_public = build_bundle(replace(evidence, public_key=OTHER_KEY.public))
    assert HEADS in where(other_public)
    no_point = build_bundle(replace(evidence, public_key=b"\xff" * 32))
    assert HEADS in where(no_point)


def test_an_older_head_does_not_cover_the_newest_records() -> None:
    def older(document: dict[str, Any]) -> dict[str, Any]:
        return {**document, "heads": document["heads"][:1]}

    files = listed(with_document(honest().files, HEADS, older))

    assert judged(files).outcome is Outcome.MISMATCH
    assert {"log"} <= checks(files)


def test_a_proof_that_names_another_size_is_refused() -> None:
    def smaller(document: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{**document[0], "size": 300}, *document[1:]]

    assert where(listed(with_document(honest().files, INCLUSION, smaller))) == ["record 0 (config)"]


def test_a_key_may_not_sign_under_the_name_of_another_log() -> None:
    head = honest().evidence.heads[1].head.model_copy(update={"log_id": OTHER_KEY.log_id})
    borrowed = SignedHead(head=head, signature=KEY.sign(head.signed_bytes()).hex())

    assert not is_signed(borrowed, KEY.public)


def test_heads_out_of_order_are_refused() -> None:
    def turned(document: dict[str, Any]) -> dict[str, Any]:
        return {**document, "heads": document["heads"][::-1]}

    assert HEADS in where(listed(with_document(honest().files, HEADS, turned)))


def test_a_wrong_consistency_path_is_refused() -> None:
    def shorter(document: dict[str, Any]) -> dict[str, Any]:
        return {**document, "path": document["path"][1:]}

    files = listed(with_document(honest().files, CONSISTENCY, shorter))

    assert where(files) == [CONSISTENCY]


@pytest.mark.parametrize("name", REQUIRED)
def test_a_missing_file_is_incomplete_and_named(name: str) -> None:
    files = {key: body for key, body in honest().files.items() if key != name}

    verdict = judged(files)

    assert verdict.outcome is Outcome.INCOMPLETE
    assert name in [finding.where for finding in verdict.findings]


@pytest.mark.parametrize("name", REQUIRED)
def test_a_file_that_cannot_be_read_is_malformed_and_named(name: str) -> None:
    for body in (b"", b"{", b"[]\n", b'{"a":1,"a":2}', b'{"a":1.5}', b"\xff\xfe", b"[" * 100):
        files = (
            listed({**honest().files, name: body})
            if name != MANIFEST
            else {**honest().files, name: body}
        )
        verdict = judged(files)
        assert verdict.outcome is Outcome.MALFORMED
        assert name in [finding.where for finding in verdict.findings]


@pytest.mark.parametrize("name", [INCLUSION, HEADS, CONSISTENCY, RESULT])
def test_a_document_of_another_shape_is_malformed_and_named(name: str) -> None:
    for body in (b"{}", b"[{}]", b'"text"', b"null"):
        verdict = judged(listed({**honest().files, name: body}))
        assert verdict.outcome is Outcome.MALFORMED
        assert name in [finding.where for finding in verdict.findings]


def test_white_space_that_changes_nothing_is_still_refused() -> None:
    spaced = {**honest().files, RESULT: honest().files[RESULT] + b" "}
    manifest = {**honest().files, MANIFEST: honest().files[MANIFEST] + b"\n"}

    assert judged(listed(spaced)).outcome is Outcome.MALFORMED
    assert where(manifest) == [MANIFEST]


def test_a_stranger_among_the_files_is_refused() -> None:
    for name in ("notes.txt", "../records.jsonl", "certs/short.pem"):
        unlisted = {**honest().files, name: b"x"}
        assert judged(unlisted).outcome is Outcome.MISMATCH
        assert name in where(unlisted)
        assert judged(listed(unlisted)).outcome is Outcome.MALFORMED


def test_a_manifest_may_claim_nothing_of_its_own() -> None:
    def claim(document: dict[str, Any]) -> dict[str, Any]:
        return {**document, "simulated": False}

    assert where(with_document(honest().files, MANIFEST, claim)) == [MANIFEST]
    nameless = with_document(honest().files, MANIFEST, lambda _: {"files": []})
    assert judged(nameless).outcome is Outcome.MISMATCH or where(nameless) == [MANIFEST]


@pytest.mark.parametrize(
    "line",
    [
        b"{}",
        b'{"k":"telemetry"}',
        b"not json",
        canonical(envelope("opt", "x", {"opt": "perhaps"}, seq=0, at=START)),
        canonical(envelope("opt", "x", {}, seq=0, at=START) | {"src": "intent:x"}),
    ],
)
def test_a_line_that_is_no_record_is_malformed(line: bytes) -> None:
    files = listed(with_lines(honest().files, lambda lines: [*lines[:-1], line]))

    assert judged(files).outcome is Outcome.MALFORMED
    assert RECORDS in where(files)


# --- forgeries by whoever keeps the log


def test_a_record_left_out_by_the_keeper_leaves_a_gap() -> None:
    story = told()
    story.counts[f"telemetry:{story.site.site}"] += 1
    story.meter(LAST)

    verdict = judged(close(story).files)

    assert verdict.outcome is Outcome.INCOMPLETE
    assert "sequence" in {finding.check for finding in verdict.findings}


def test_an_answer_that_the_keeper_hides_is_missed() -> None:
    story = Story()
    story.agree()
    story.run_meter(FIRST, UTC_1600)
    story.notify(EVENT, UTC_1600 + timedelta(seconds=31))
    story.counts[f"opt:{story.intent_id}"] = 1
    story.answer(Opt.IN, UTC_1600 + timedelta(seconds=40))
    story.run_meter(UTC_1600, LAST)

    assert "sequence" in checks(close(story).files)


def test_terms_that_came_after_the_start_are_refused() -> None:
    story = Story()
    story.run_meter(FIRST, START)
    story.agree(START + MINUTE)
    story.notify(EVENT, START + 2 * MINUTE)
    story.run_meter(START + MINUTE, LAST)

    found = judged(close(story).files)

    assert [(f.check, f.where) for f in found.findings] == [("order", "record 110 (config)")]


def test_time_that_runs_back_in_the_log_is_refused_and_a_small_step_is_not() -> None:
    def with_step(step: timedelta) -> Files:
        story = told()
        note: dict[str, object] = {"cause": "phase", "status": "completed"}
        story.log("intent", story.intent_id, note, LAST - step)
        return close(story).files

    assert judged(with_step(timedelta(seconds=20))).outcome is Outcome.VERIFIED
    late = judged(with_step(timedelta(minutes=5)))
    assert {finding.check for finding in late.findings} == {"time"}
    assert late.findings[0].where.endswith("(intent)")


def test_a_record_dated_around_a_head_that_covers_it_is_refused() -> None:
    case = honest()
    records = case.story.records
    early = case.evidence.heads[0].head.size
    for at in (records[early - 1].record.t + timedelta(hours=9), FIRST):
        heads = (head_at(records, early, at), case.evidence.heads[1])
        files = build_bundle(replace(case.evidence, heads=heads))
        assert "time" in checks(files)


def test_a_limit_that_was_not_frozen_from_the_log_is_refused() -> None:
    def forge(**changes: Any) -> Files:
        story = Story()
        story.agree()
        story.run_meter(FIRST, UTC_1600)
        intent = story.notify(EVENT, UTC_1600 + timedelta(seconds=31))
        story.records.pop()
        story.counts[f"intent:{story.intent_id}"] = 0
        ask = intent.asks[0]
        assert ask.resolution is not None
        frozen = ask.resolution.model_copy(update=changes.pop("resolution", {}))
        segments = (ask.segments[0].model_copy(update=changes),)
        asks = (ask.model_copy(update={"resolution": frozen, "segments": segments}),)
        story.revise(intent.model_copy(update={"asks": asks}), UTC_1600 + timedelta(seconds=31))
        story.answer(Opt.IN, UTC_1600 + timedelta(seconds=40))
        story.run_meter(UTC_1600, LAST)
        return close(story).files

    assert judged(forge()).outcome is Outcome.VERIFIED
    for files in (
        forge(resolution={"pre_event_kw": Decimal(110)}),
        forge(resolution={"samples": 59}),
        forge(resolution={"pre_event_kw": None}),
        forge(resolved_import_max_kw=Decimal("75.1")),
        forge(resolved_import_max_kw=Decimal("74.9")),
    ):
        verdict = judged(files)
        assert {finding.check for finding in verdict.findings} >= {"frozen"}
        assert verdict.findings[0].where.endswith("(intent)")


def test_a_later_revision_may_not_change_what_was_frozen() -> None:
    story = told()
    intent = story.derived(LAST)
    ask = intent.asks[0]
    assert ask.resolution is not None
    frozen = ask.resolution.model_copy(update={"samples": 58})
    changed = intent.model_copy(
        update={"revision": 2, "asks": (ask.model_copy(update={"resolution": frozen}),)}
    )
    story.revise(changed, LAST)

    assert "frozen" in checks(close(story).files)


def test_a_statement_that_the_keeper_made_up_is_computed_again() -> None:
    """The keeper logs, signs and exports a false statement with all the right proofs."""
    story = told()
    true = close(told()).evidence.result
    more = true.statement.totals.model_copy(update={"payment": Decimal("76.00")})
    false = true.model_copy(
        update={"statement": true.statement.model_copy(update={"totals": more})}
    )
    case = forged_by_keeper(story, false)

    verdict = judged(case)

    assert [finding.check for finding in verdict.findings] == ["recompute"]
    assert verdict.findings[0].where == "result.json statement.totals.payment"
    assert verdict.outcome is Outcome.MISMATCH


def forged_by_keeper(story: Story, result: Result) -> Files:
    for kind, document in closing_documents(result):
        story.log(kind, story.intent_id, document, CLOSED_AT)
    return bundle_of(story, result)


def bundle_of(story: Story, result: Result) -> Files:
    return build_bundle(
        Evidence(
            records=story.records,
            leaves=[leaf_hash(found.body) for found in story.records],
            heads=(head_at(story.records, len(story.records), CLOSED_AT),),
            public_key=KEY.public,
            result=result,
        )
    )


@pytest.mark.parametrize(("change", "refused"), [("0.000000900", False), ("0.000002", True)])
def test_energy_agrees_within_a_millionth(change: str, refused: bool) -> None:
    true = close(told()).evidence.result
    totals = true.statement.totals
    moved = totals.model_copy(update={"metered_kwh": totals.metered_kwh + Decimal(change)})
    other = true.model_copy(
        update={"statement": true.statement.model_copy(update={"totals": moved})}
    )

    verdict = judged(forged_by_keeper(told(), other))

    assert (verdict.outcome is Outcome.MISMATCH) is refused


def test_a_bundle_without_terms_event_or_intent_is_incomplete() -> None:
    for kind in ("config", "event", "intent"):
        story = told()
        story.records = [found for found in story.records if found.record.k != kind]
        story.records = [logged(i, found.body) for i, found in enumerate(story.records)]
        result = close(told()).evidence.result
        inputs = result.statement.inputs.model_copy(
            update={
                name: tuple(f.index for f in story.records if f.record.k == name)
                for name in ("config", "event", "intent", "opt", "telemetry")
            }
        )
        statement = result.statement.model_copy(update={"inputs": inputs})
        files = forged_by_keeper(story, result.model_copy(update={"statement": statement}))

        verdict = judged(files)

        assert verdict.outcome is not Outcome.VERIFIED
        assert any("RECORDS_INCOMPLETE" in finding.detail for finding in verdict.findings)


def test_numbers_beyond_every_meter_are_refused_without_a_crash() -> None:
    calm = {"spike_action": "flag"}
    story = Story(terms=TERMS.model_copy(update={"vee": calm}))
    story.agree()
    story.run_meter(FIRST, UTC_1600)
    story.notify(EVENT, UTC_1600 + timedelta(seconds=31))
    story.answer(Opt.IN, UTC_1600 + timedelta(seconds=40))
    story.run_meter(UTC_1600, START)
    story.meter(START, Decimal("999999999999"))
    story.run_meter(START + MINUTE, LAST)
    dear = TERMS.model_copy(update={"vee": calm, "price_per_kwh": Decimal("999999999999999999")})
    result = close(told()).evidence.result

    for other in (story, told(terms=dear)):
        with pytest.raises(MeterDataError) as caught:
            settle(other.inputs(), METHODS)
        assert caught.value.reason == "OUT_OF_RANGE"
        assert judged(forged_by_keeper(other, result)).outcome is Outcome.MISMATCH


def test_what_cannot_be_computed_at_all_is_said() -> None:
    odd = TERMS.model_copy(update={"vee": {"max_kilowatt": "1"}})
    true = close(told()).evidence.result

    verdict = judged(forged_by_keeper(told(terms=odd), true))

    assert "recompute" in {finding.check for finding in verdict.findings}
    out = judged(forged_by_keeper(told(answer=Opt.OUT), true))
    assert any("NOTHING_OWED" in finding.detail for finding in out.findings)


def test_closing_records_that_are_lacking_surplus_or_early_are_named() -> None:
    case = honest()
    last = len(case.evidence.records) - 1
    lacking = judged(without_record(case.files, last))
    assert lacking.outcome is Outcome.INCOMPLETE

    twice = told()
    result = close(told()).evidence.result
    for kind, document in closing_documents(result)[:1]:
        twice.log(kind, twice.intent_id, document, LAST)
    surplus = judged(forged_by_keeper(twice, result))
    assert any("closes another statement" in finding.detail for finding in surplus.findings)

    early, twin = told(), told()
    for story in (early, twin):
        story.records.pop()
        story.counts["telemetry:phx-1"] -= 1
    for number in range(4):
        twin.log("audit", "x", {"n": number}, LAST)
    twin.meter(LAST - MINUTE)
    true = result_of(settle(twin.inputs(), METHODS))
    for kind, document in closing_documents(true):
        early.log(kind, early.intent_id, document, LAST)
    early.meter(LAST - MINUTE)
    files = bundle_of(early, true)
    assert checks(files) == {"order"}


def test_a_record_that_nobody_cites_is_refused() -> None:
    story = told()
    result = close(told()).evidence.result
    story.meter(LAST)

    verdict = judged(forged_by_keeper(story, result))

    assert any("does not cite" in finding.detail for finding in verdict.findings)


# --- devices


def certificate(
    key: Any, start: datetime = FIRST - timedelta(days=1), end: datetime = LAST + timedelta(days=1)
) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "meter 1")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).serial_number(7)
    builder = builder.not_valid_before(start).not_valid_after(end).public_key(key.public_key())
    ed25519 = isinstance(key, Ed25519PrivateKey)
    return builder.sign(key, None if ed25519 else SHA256())


class Device:
    """A meter that signs its records."""

    def __init__(self, key: Any, **validity: datetime) -> None:
        self.key = key
        self.certificate = certificate(key, **validity)
        self.kid = self.certificate.fingerprint(SHA256()).hex()
        self.pem = self.certificate.public_bytes(Encoding.PEM)

    def signed(self, document: dict[str, object]) -> dict[str, object]:
        body = canonical({**document, "kid": self.kid})
        ed25519 = isinstance(self.key, Ed25519PrivateKey)
        raw = self.key.sign(body) if ed25519 else self.key.sign(body, ec.ECDSA(SHA256()))
        text = base64.urlsafe_b64encode(raw).decode().rstrip("=")
        return {**document, "kid": self.kid, "sig": text}


def signed_case(
    device: Device,
    *,
    register: str | None = "telemetry:phx-1",
    break_it: Callable[[dict[str, object]], dict[str, object]] = lambda document: document,
    pem: bytes | None = None,
) -> Files:
    story = told()
    if register is not None:
        key = {"signs_for": register, "certificate_sha256": device.kid}
        story.log("key", "meter-1", key, LAST)
    story.meter(LAST)
    last = story.records.pop()
    body = canonical(break_it(device.signed(dict(last.document))))
    story.records.append(logged(last.index, body))
    case = close(story)
    certificates = {device.kid: device.pem if pem is None else pem} if pem != b"" else {}
    return build_bundle(replace(case.evidence, certificates=certificates))


ED = Device(Ed25519PrivateKey.from_private_bytes(b"\x05" * 32))
EC = Device(ec.derive_private_key(5, ec.SECP256R1()))


@pytest.mark.parametrize("device", [ED, EC], ids=["ed25519", "p256"])
def test_a_record_signed_by_a_registered_device_verifies(device: Device) -> None:
    files = signed_case(device)

    assert judged(files).findings == ()
    assert f"certs/{device.kid}.pem" in files


def test_every_fault_of_a_device_signature_is_named() -> None:
    def without(key: str) -> Callable[[dict[str, object]], dict[str, object]]:
        return lambda document: {k: v for k, v in document.items() if k != key}

    def with_(key: str, value: str) -> Callable[[dict[str, object]], dict[str, object]]:
        return lambda document: {**document, key: value}

    expired = Device(ED.key, end=FIRST)
    p384 = Device(ec.derive_private_key(5, ec.SECP384R1()))
    for files, text in (
        (signed_case(ED, register=None), "not registered"),
        (signed_case(ED, register="telemetry:other"), "not registered"),
        (signed_case(ED, break_it=without("sig")), "belong together"),
        (signed_case(ED, break_it=without("kid")), "belong together"),
        (signed_case(ED, break_it=with_("sig", "AAAA")), "does not fit"),
        (signed_case(ED, break_it=with_("sig", "%")), "does not fit"),
        (signed_case(ED, pem=b""), "needs it"),
        (signed_case(ED, pem=b"no certificate"), "no PEM"),
        (signed_case(ED, pem=EC.pem), "another certificate"),
        (signed_case(expired), "not valid then"),
        (signed_case(p384), "does not fit"),
    ):
        findings = [f for f in judged(files).findings if f.check == "signature"]
        assert len(findings) == 1, text
        assert text in findings[0].detail


# --- the archive


def test_a_repacked_compressed_or_broken_archive_is_refused() -> None:
    packed = to_zip(honest().files)
    middle = len(packed) // 2
    for broken in (
        b"",
        b"PK\x03\x04",
        packed[:-1],
        packed + b"\x00",
        packed[:10] + b"\x01" + packed[11:],
        packed[:middle] + bytes([packed[middle] ^ 1]) + packed[middle + 1 :],
    ):
        with pytest.raises(WireError) as caught:
            from_zip(broken)
        assert caught.value.reason == "MALFORMED_ARCHIVE"


def test_a_compressed_archive_is_refused_before_it_unpacks() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(RECORDS, b"0" * 10_000_000)

    with pytest.raises(WireError) as caught:
        from_zip(packed.getvalue())
    assert "not compressed" in caught.value.detail
