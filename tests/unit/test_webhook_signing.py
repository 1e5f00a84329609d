"""Signatures of deliveries, held against the scheme's arithmetic done by hand and the published vectors."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from gateway.client import SeenIds, verify_webhook
from gateway.client.webhook import MOST_IDS
from gateway.domain.errors import ConfigError, GatewayError
from gateway.southbound.webhook.signing import parse_secret, read_secrets, signed_headers

AT = datetime(2025, 5, 3, 23, 0, tzinfo=UTC)
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_" + base64.b64encode(bytes(range(40))).decode()
SEED = b"WEBHOOKASYMMETRICTESTPRIVATEKEY1"[:32]
PRIVATE = "whsk_" + base64.b64encode(SEED).decode()
PUBLIC = "whpk_" + base64.b64encode(
    Ed25519PrivateKey.from_private_bytes(SEED)
    .public_key()
    .public_bytes(Encoding.Raw, PublicFormat.Raw)
).decode()  # fmt: skip


def by_hand(secret: str, webhook_id: str, stamp: int, body: bytes) -> str:
    """Write down what the specification says, with nothing of the gateway."""
    key = base64.b64decode(secret.split("_", 1)[1])
    mac = hmac.new(key, f"{webhook_id}.{stamp}.".encode() + body, hashlib.sha256)
    return "v1," + base64.b64encode(mac.digest()).decode()


def ed25519(key: bytes, message: bytes, signature: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except InvalidSignature:
        return False
    return True


def headers(*secrets: str, webhook_id: str = "i_1", body: bytes = b"{}") -> dict[str, str]:
    return signed_headers([parse_secret(text) for text in secrets], webhook_id, AT, body)


@pytest.mark.spec("Standard Webhooks 1.0, vectors of the reference libraries")
@pytest.mark.parametrize(
    ("secret", "expected"),
    [
        (SECRET, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
        (
            "whsk_VEVTVFNJR05JTkdLRVlET05PVFVTRVRISVNGT1JBTlk=",
            "v1a,tQ9V2XOqn7jL/DQenEFpqIugdBVtiMmER5mhSkXBNwM0mkATuDe6KYYUuxqtaiHeYGb7KaaBRdM5WqyeFiL8Ag==",
        ),
    ],
)
def test_the_published_vectors_come_out(secret: str, expected: str) -> None:
    at = datetime.fromtimestamp(1614265330, UTC)
    body = b'{"test": 2432232314}'
    made = signed_headers([parse_secret(secret)], "msg_p5jXN8AQM9LWM0D4loKWxJek", at, body)
    assert made == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": expected,
    }


@given(st.binary(min_size=24, max_size=64), st.binary(max_size=300), st.integers(0, 2**33))
def test_the_signature_is_the_scheme_done_by_hand(key: bytes, body: bytes, stamp: int) -> None:
    secret = "whsec_" + base64.b64encode(key).decode()
    at = datetime.fromtimestamp(stamp, UTC)
    made = signed_headers([parse_secret(secret)], "uuid_4294967297", at, body)
    assert made["webhook-signature"] == by_hand(secret, "uuid_4294967297", stamp, body)


@pytest.mark.spec("Standard Webhooks 1.0, webhook headers")
def test_during_a_rotation_either_secret_is_enough() -> None:
    made = headers(OTHER, SECRET)
    stamp = int(AT.timestamp())
    assert made["webhook-signature"] == " ".join(
        (by_hand(OTHER, "i_1", stamp, b"{}"), by_hand(SECRET, "i_1", stamp, b"{}"))
    )
    for known in ([OTHER], [SECRET], [OTHER, SECRET]):
        assert verify_webhook(made, b"{}", known, AT).webhook_id == "i_1"


def test_an_ed25519_signature_needs_the_public_half_alone() -> None:
    made = headers(PRIVATE)
    assert made["webhook-signature"].startswith("v1a,")
    assert parse_secret(PRIVATE).public() == PUBLIC
    assert not verify_webhook(made, b"{}", [PUBLIC], AT, ed25519=ed25519).repeated
    assert refusal(made, b"{}", [PUBLIC]) == "BAD_SIGNATURE"
    assert refusal(made, b"{}", [SECRET], ed=True) == "BAD_SIGNATURE"
    assert refusal(headers(SECRET), b"{}", [PUBLIC], ed=True) == "BAD_SIGNATURE"


def refusal(
    given: Mapping[str, str],
    body: bytes,
    secrets: list[str],
    *,
    now: datetime = AT,
    ed: bool = False,
) -> str:
    with pytest.raises(GatewayError) as found:
        verify_webhook(given, body, secrets, now, ed25519=ed25519 if ed else None)
    assert not any(secret in str(found.value) for secret in secrets)
    return found.value.reason


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_every_header_is_needed_and_covered(name: str) -> None:
    made = headers(SECRET)
    assert refusal({**made, name: ""}, b"{}", [SECRET]) == "NO_SIGNATURE"
    changed = {"webhook-id": "i_2", "webhook-timestamp": str(int(AT.timestamp()) + 1)}
    changed["webhook-signature"] = headers(OTHER)["webhook-signature"]
    assert refusal({**made, name: changed[name]}, b"{}", [SECRET]) == "BAD_SIGNATURE"


@pytest.mark.parametrize("stamp", ["soon", "-1", "1.5", "٣", "1" * 12])
def test_a_stamp_that_is_no_number_is_refused(stamp: str) -> None:
    assert (
        refusal({**headers(SECRET), "webhook-timestamp": stamp}, b"{}", [SECRET]) == "NO_SIGNATURE"
    )


def test_another_body_or_order_of_what_is_signed_is_refused() -> None:
    assert refusal(headers(SECRET), b"{} ", [SECRET]) == "BAD_SIGNATURE"
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    stamp = str(int(AT.timestamp()))
    swapped = hmac.digest(key, f"{stamp}.i_1.{{}}".encode(), "sha256")
    entry = "v1," + base64.b64encode(swapped).decode()
    assert (
        refusal({**headers(SECRET), "webhook-signature": entry}, b"{}", [SECRET]) == "BAD_SIGNATURE"
    )


@pytest.mark.parametrize("entry", ["v1,", "v1", ",", "v2,{}", "v1a,{}", "v1, {}", "{}", "v1,é"])
def test_other_versions_and_rubbish_sign_nothing(entry: str) -> None:
    good = headers(SECRET)["webhook-signature"].removeprefix("v1,")
    given = {**headers(SECRET), "webhook-signature": entry.format(good)}
    assert refusal(given, b"{}", [SECRET]) in {"BAD_SIGNATURE", "NO_SIGNATURE"}


def test_a_good_signature_is_found_among_others_and_names_are_read_in_any_case() -> None:
    made = headers(SECRET)
    entry = f"v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc= v2,x {made['webhook-signature']}"
    given = {name.title(): value for name, value in made.items()} | {"Webhook-Signature": entry}
    assert verify_webhook(given, b"{}", [SECRET], AT).sent_at == AT


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_!!", "whpk_", "whpk_AAAA"])
def test_a_secret_that_cannot_be_read_opens_nothing(secret: str) -> None:
    empty = hmac.digest(b"", b"i_1." + str(int(AT.timestamp())).encode() + b".{}", "sha256")
    forged = {**headers(SECRET), "webhook-signature": "v1," + base64.b64encode(empty).decode()}
    assert refusal(forged, b"{}", [secret] if secret else [], ed=True) == "BAD_SIGNATURE"


@pytest.mark.parametrize(
    ("minutes", "reason"), [(5.01, "STALE"), (-5.01, "STALE"), (4.9, ""), (-4.9, "")]
)
def test_the_window_is_five_minutes_either_way(minutes: float, reason: str) -> None:
    now = AT + timedelta(minutes=minutes)
    if reason:
        assert refusal(headers(SECRET), b"{}", [SECRET], now=now) == reason
    else:
        verify_webhook(headers(SECRET), b"{}", [SECRET], now)


def test_a_repetition_is_known_once_it_was_stored_and_for_ten_minutes() -> None:
    seen = SeenIds()
    assert not verify_webhook(headers(SECRET), b"{}", [SECRET], AT, seen=seen).repeated
    assert not verify_webhook(headers(SECRET), b"{}", [SECRET], AT, seen=seen).repeated
    seen.add("i_1", AT)
    assert verify_webhook(headers(SECRET), b"{}", [SECRET], AT, seen=seen).repeated
    assert seen.known("i_1", AT + timedelta(minutes=9))
    assert not seen.known("i_1", AT + timedelta(minutes=11))


def test_remembered_ids_are_bounded_and_the_oldest_goes_first() -> None:
    seen = SeenIds()
    for number in range(MOST_IDS + 1):
        seen.add(str(number), AT)
    assert not seen.known("0", AT)
    assert seen.known("1", AT)
    assert seen.known(str(MOST_IDS), AT)


def written(folder: Path, name: str, text: str, mode: int = 0o600) -> Path:
    path = folder / name
    path.write_text(text)
    path.chmod(mode)
    return path


def test_secrets_are_read_from_private_files_and_show_nowhere(tmp_path: Path) -> None:
    files = [written(tmp_path, "a", SECRET + "\n"), written(tmp_path, "b", PRIVATE)]
    secrets = read_secrets(files)
    assert [secret.kind for secret in secrets] == ["whsec_", "whsk_"]
    shown = f"{secrets!r} {secrets} {[*map(str, secrets)]}"
    assert "MfKQ" not in shown
    assert repr(secrets[0].key) not in shown


@pytest.mark.parametrize(
    ("text", "mode", "why"),
    [
        (SECRET, 0o640, "chmod 600"),
        (SECRET, 0o604, "chmod 600"),
        ("whsec_AAAA", 0o600, "24 to 64"),
        ("whsec_" + base64.b64encode(bytes(65)).decode(), 0o600, "24 to 64"),
        ("whsk_" + base64.b64encode(bytes(31)).decode(), 0o600, "32 bytes"),
        ("whsk_" + base64.b64encode(SEED + bytes(32)).decode(), 0o600, "halves"),
        ("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", 0o600, "begins with"),
        ("whsec_no base64!", 0o600, "begins with"),
        ("whsec_ééé9", 0o600, "begins with"),
    ],
)
def test_a_file_without_a_usable_secret_is_told_without_showing_it(
    tmp_path: Path, text: str, mode: int, why: str
) -> None:
    path = written(tmp_path, "secret", text, mode)
    with pytest.raises(ConfigError, match=why) as found:
        read_secrets([path, tmp_path / "missing"])
    assert len(found.value.faults) == 2
    assert text[8:] not in str(found.value)


def test_both_halves_of_a_key_may_stand_in_the_file() -> None:
    public = base64.b64decode(PUBLIC.removeprefix("whpk_"))
    both = parse_secret("whsk_" + base64.b64encode(SEED + public).decode())
    assert both == parse_secret(PRIVATE)
