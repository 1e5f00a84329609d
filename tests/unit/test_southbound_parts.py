"""Problems, tokens, keys, signatures and envelopes."""

import base64
import json
import os
import stat
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import rfc8785
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import ECKey, OctKey

from gateway.domain.canonical import canonical
from gateway.domain.errors import ConfigError, GatewayError, SessionError, StoreError, WireError
from gateway.domain.signed import document_digest, signed_part
from gateway.intents.envelope import document_of, intent_event, plan_event, reset_event
from gateway.southbound.problem_table import TABLE, listed_reason, told_detail
from gateway.southbound.signer import KeyFileSigner, open_signer
from gateway.southbound.tokens import (
    EVENTS_READ,
    SCOPES,
    create_token,
    list_tokens,
    revoke_token,
    token_digest,
)
from gateway.southbound.verify import verified
from tests.fakes import CountedIds
from tests.southbound_fakes import OTHER, PHX, SOURCE, SmallStore, sample_intent, sample_plan

NOW = datetime(2025, 5, 3, 23, 0, tzinfo=UTC)
SIGNER = KeyFileSigner.seeded(b"a")


def tree(base: type[GatewayError]) -> Iterator[type[GatewayError]]:
    for child in base.__subclasses__():
        if child.__module__ == "gateway.domain.errors":
            yield child
            yield from tree(child)


@pytest.mark.parametrize("kind", list(tree(GatewayError)), ids=lambda kind: str(kind.__name__))
def test_every_error_of_the_tree_has_an_answer(kind: type[GatewayError]) -> None:
    error = ConfigError(("a",)) if kind is ConfigError else kind("NEVER_LISTED", "detail")
    row = TABLE[listed_reason(error)]
    assert 400 <= row.status < 600


def test_codes_are_unique_and_every_row_says_what_to_do() -> None:
    assert len({row.code for row in TABLE.values()}) == len(TABLE)
    assert all(row.fix and row.title and row.slug for row in TABLE.values())


def test_what_went_wrong_here_is_not_told_outside() -> None:
    error = StoreError("DISK_FULL", "no space on /var/lib/secret")
    assert (listed_reason(error), told_detail(error)) == ("BUSY", TABLE["BUSY"].title)
    assert listed_reason(StoreError("STALE_REVISION", "x")) == "STALE_REVISION"
    assert told_detail(WireError("INVALID_NUMBER", "too large")) == "too large"


async def test_a_token_is_shown_once_and_kept_as_a_digest() -> None:
    store, ids = SmallStore(), CountedIds()

    secret = await create_token(store, ids, name="a", site=PHX, now=NOW)
    await create_token(store, ids, name="b", site=OTHER, now=NOW, scopes=(EVENTS_READ,))

    first, second = await list_tokens(store)
    assert (first.sha256, first.site, first.scopes) == (token_digest(secret), PHX, SCOPES)
    assert (second.scopes, second.site) == ((EVENTS_READ,), OTHER)
    assert secret not in repr(await list_tokens(store))
    assert await revoke_token(store, "a", NOW)
    assert not await revoke_token(store, "a", NOW)
    assert not await revoke_token(store, "c", NOW)
    assert (await list_tokens(store))[0].revoked_at == NOW


@pytest.mark.parametrize(
    ("name", "scopes", "reason"),
    [
        ("a", ("admin",), "SCOPE"),
        ("a", (), "SCOPE"),
        ("", SCOPES, "SCOPE"),
        ("taken", SCOPES, "CONFLICT"),
    ],
)
async def test_a_token_that_makes_no_sense_is_refused(
    name: str, scopes: tuple[str, ...], reason: str
) -> None:
    store, ids = SmallStore(), CountedIds()
    await create_token(store, ids, name="taken", site=PHX, now=NOW)
    with pytest.raises(SessionError) as refused:
        await create_token(store, ids, name=name, site=PHX, now=NOW, scopes=scopes)
    assert refused.value.reason == reason
    assert len(await list_tokens(store)) == 1


def test_the_key_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    first = open_signer(tmp_path)
    second = open_signer(tmp_path)

    (path,) = (tmp_path / "keys").iterdir()
    assert first.kid == second.kid
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert open_signer(tmp_path / "elsewhere").kid != first.kid


def test_the_key_file_is_never_open_to_others_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        open_signer(tmp_path)
    finally:
        os.umask(before)
    (path,) = (tmp_path / "keys").iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_key_that_others_may_read_or_that_is_none_is_refused(tmp_path: Path) -> None:
    open_signer(tmp_path)
    (path,) = (tmp_path / "keys").iterdir()
    path.chmod(0o640)
    with pytest.raises(ConfigError, match="chmod 600"):
        open_signer(tmp_path)
    path.chmod(0o600)
    rsa_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    other_curve = ec.generate_private_key(ec.SECP384R1())
    for key in (rsa_key, other_curve):
        path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        with pytest.raises(ConfigError, match="P-256"):
            open_signer(tmp_path)
    path.write_bytes(b"half a k")
    with pytest.raises(ConfigError, match="no readable"):
        open_signer(tmp_path)


def test_a_seed_gives_its_key_and_the_key_set_holds_no_secret() -> None:
    assert KeyFileSigner.seeded(b"a").kid == SIGNER.kid != KeyFileSigner.seeded(b"b").kid
    keys = SIGNER.key_set()["keys"]
    assert isinstance(keys, list)
    assert set(keys[0]) == {"kty", "crv", "x", "y", "kid", "use", "alg"}


@pytest.mark.spec("RFC 7515 appendix F")
@given(st.binary(max_size=300))
def test_a_signature_holds_for_its_bytes_alone(payload: bytes) -> None:
    signature = SIGNER.detached(payload)
    assert verified(payload, signature, SIGNER.key_set())
    assert not verified(payload + b" ", signature, SIGNER.key_set())
    assert not verified(payload, signature, KeyFileSigner.seeded(b"b").key_set())
    assert json.loads(base64.urlsafe_b64decode(signature.split(".")[0] + "==")) == {
        "alg": "ES256",
        "kid": SIGNER.kid,
    }


PRIVATE = ec.generate_private_key(ec.SECP256R1())
OURS = ECKey.import_key(
    PRIVATE.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
)
OUR_KEYS = {"keys": [{**OURS.as_dict(private=False), "kid": "ours"}]}


def forged(header: dict[str, object], payload: bytes = b"abc") -> str:
    """Sign with the right key, under any header."""
    head = base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=").decode()
    middle = base64.urlsafe_b64encode(payload).rstrip(b"=").decode()
    r, s = decode_dss_signature(
        PRIVATE.sign(f"{head}.{middle}".encode(), ec.ECDSA(hashes.SHA256()))
    )
    tail = base64.urlsafe_b64encode(r.to_bytes(32) + s.to_bytes(32)).rstrip(b"=").decode()
    return f"{head}..{tail}"


@pytest.mark.parametrize("header", [{}, {"typ": "JOSE"}])
def test_the_two_headers_that_are_allowed_hold(header: dict[str, object]) -> None:
    assert verified(b"abc", forged({"alg": "ES256", "kid": "ours", **header}), OUR_KEYS)


@pytest.mark.parametrize(
    "signature",
    [
        "",
        ".",
        "..",
        "a..b",
        "a.b.c",
        "a...b",
        "é..é",
        forged({"alg": "none", "kid": "ours"}),
        forged({"alg": "HS256", "kid": "ours"}),
        forged({"alg": "ES384", "kid": "ours"}),
        forged({"alg": "ES256"}),
        forged({"kid": "ours"}),
        forged({"alg": "ES256", "kid": "other"}),
        forged({"alg": "ES256", "kid": "ours", "cty": "x"}),
        forged({"alg": "ES256", "kid": "ours", "jwk": OURS.as_dict(private=False)}),
        forged({"alg": "ES256", "kid": "ours", "b64": False, "crit": ["b64"]}),
        forged({"alg": "ES256", "kid": ["ours"]}),
        forged({"alg": "ES256", "kid": "ours"}, b"abd"),
    ],
)
def test_signatures_that_are_none_do_not_hold(signature: str) -> None:
    assert not verified(b"abc", signature, OUR_KEYS)


def test_a_public_key_is_never_used_as_a_shared_secret() -> None:
    header = {"alg": "HS256", "kid": SIGNER.kid}
    secret = OctKey.import_key(json.dumps(SIGNER.key_set()).encode())
    whole = jws.serialize_compact(header, b"abc", secret, algorithms=["HS256"])
    head, _, tail = whole.split(".")
    assert not verified(b"abc", f"{head}..{tail}", SIGNER.key_set())


@pytest.mark.parametrize(
    "key_set", [{}, {"keys": 3}, {"keys": [3]}, {"keys": [{"kid": SIGNER.kid}]}]
)
def test_key_sets_that_are_none_verify_nothing(key_set: dict[str, object]) -> None:
    assert not verified(b"abc", SIGNER.detached(b"abc"), key_set)


@pytest.mark.spec("CloudEvents 1.0")
def test_an_intent_goes_out_signed_in_a_canonical_envelope() -> None:
    intent = sample_intent(NOW).model_copy(
        update={"sequence": 41, "deliver_by": NOW + timedelta(hours=1)}
    )

    signed, body = intent_event(intent, source=SOURCE, sign=SIGNER.detached, traceparent="00-x")
    event = json.loads(body)

    assert body == rfc8785.dumps(event) == canonical(event)
    assert b"\n" not in body
    assert event["data"] == document_of(signed)
    assert verified(signed_part(event["data"]), signed.signature, SIGNER.key_set())
    del event["data"]
    assert event == {
        "specversion": "1.0",
        "id": "intent-1_1",
        "source": SOURCE,
        "type": "org.compute-flex.intent.v1",
        "subject": "intent-1",
        "time": "2025-05-03T23:00:00Z",
        "datacontenttype": "application/json",
        "sequence": "00000000000000000041",
        "expirytime": "2025-05-04T00:00:00Z",
        "traceparent": "00-x",
    }


def test_a_plan_goes_out_likewise_and_optional_attributes_are_left_out() -> None:
    signed, body = plan_event(sample_plan(NOW), source=SOURCE, sequence=7, sign=SIGNER.detached)
    event = json.loads(body)

    assert (event["id"], event["subject"], event["sequence"]) == ("plan-phx-1_1", PHX, f"{7:020d}")
    assert not {"expirytime", "traceparent"} & set(event)
    assert verified(signed_part(event["data"]), signed.signature, SIGNER.key_set())
    assert plan_event(signed, source=SOURCE, sequence=7, sign=lambda _: signed.signature)[1] == body


def test_a_reset_holds_plan_and_intents_as_they_are() -> None:
    documents = [document_of(sample_intent(NOW))]
    body = reset_event(None, documents, source=SOURCE, site=PHX, sequence=3, at=NOW)
    assert json.loads(body)["data"] == {"plan": None, "intents": documents}


def test_a_digest_covers_unknown_fields_and_not_the_signature() -> None:
    document: dict[str, object] = {"a": 1, "signature": "x"}
    assert document_digest(document) == document_digest({"a": 1, "signature": "y"})
    assert document_digest(document) == document_digest({"a": 1})
    assert document_digest(document) != document_digest({**document, "new": 1})
