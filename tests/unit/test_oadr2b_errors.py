"""Reasons map to response codes; fingerprints are the last twenty digits."""

import ast
import hashlib
from pathlib import Path
from typing import Final

import pytest

from gateway.domain.errors import (
    ConfigError,
    DeliveryError,
    GatewayError,
    IdentityError,
    MisuseError,
    SessionError,
    SignalError,
    StoreError,
    TransportError,
    WireError,
)
from gateway.protocols import oadr2b
from gateway.protocols.oadr2b.errors import DEFAULTS, RESPONSE_CODES, response_code
from gateway.protocols.oadr2b.identity import fingerprint, same_fingerprint

FOLDER: Final = Path(str(oadr2b.__file__)).parent
OURS: Final = {"MisuseError", "StoreError", "ValueError"}
"""Answered 469 whatever their reason, so that theirs need no line; the last is a setting's, which no peer sees."""


def reasons_in(path: Path) -> set[str]:
    """Find the reason of every error that a module builds with a literal one and may tell a peer."""
    return {
        call.args[0].value
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id.endswith("Error")
        and call.func.id not in OURS
        and call.args
        and isinstance(call.args[0], ast.Constant)
        and isinstance(call.args[0].value, str)
    }


@pytest.mark.parametrize(
    "path", [*sorted(FOLDER.rglob("*.py")), FOLDER.parent / "xml.py"], ids=lambda path: path.name
)
def test_every_reason_has_a_response_code(path: Path) -> None:
    assert reasons_in(path) <= set(RESPONSE_CODES)


def test_the_search_for_reasons_finds_them() -> None:
    assert reasons_in(FOLDER / "codec.py") == {
        "SCHEMA",
        "SCHEMA_VERSION",
        "UNKNOWN_MESSAGE",
        "WRONG_NAMESPACE",
    }
    assert "DOCTYPE" in reasons_in(FOLDER.parent / "xml.py")


@pytest.mark.spec("OpenADR 2.0b section 8.7")
def test_codes_lie_in_the_range_of_the_standard() -> None:
    allowed = {450, 451, 452, 453, 454, 459, 460, 461, 462, 463, 469}

    assert set(RESPONSE_CODES.values()) <= allowed
    assert set(DEFAULTS.values()) <= allowed


@pytest.mark.spec("OpenADR 2.0b rule 48")
@pytest.mark.parametrize(
    ("error", "code"),
    [
        (WireError("SCHEMA_VERSION"), 459),
        (WireError("INVALID_NUMBER"), 454),
        (WireError("SOMETHING_NEW"), 454),
        (SessionError("OUT_OF_SEQUENCE"), 450),
        (SessionError("INVALID_ID"), 452),
        (SessionError("SOMETHING_NEW"), 459),
        (SignalError("SIGNAL_NOT_SUPPORTED"), 460),
        (SignalError("TARGET_MISMATCH"), 462),
        (IdentityError("NOT_REGISTERED"), 463),
        (IdentityError("SOMETHING_NEW"), 463),
        (MisuseError("SCHEMA"), 469),
        (StoreError("SCHEMA"), 469),
        (TransportError("TIMEOUT"), 469),
        (DeliveryError("TIMEOUT"), 469),
        (ConfigError(("fault",)), 469),
    ],
    ids=str,
)
def test_an_error_has_the_code_of_its_reason_or_of_its_class(
    error: GatewayError, code: int
) -> None:
    assert response_code(error) == code


@pytest.mark.spec("OpenADR 2.0b case CFX2B-SEC-08")
@pytest.mark.spec("OpenADR 2.0b section 10.5.1")
def test_a_fingerprint_is_the_end_of_the_digest_in_pairs() -> None:
    # SHA-256 of nothing is a constant everybody knows: e3b0c442...7852b855
    assert fingerprint(b"") == "64:9B:93:4C:A4:95:99:1B:78:52:B8:55"[-29:]
    assert fingerprint(b"x").replace(":", "").lower() == hashlib.sha256(b"x").hexdigest()[-20:]


@pytest.mark.spec("OpenADR 2.0b case CFX2B-SEC-08")
def test_fingerprints_compare_without_colons_blanks_and_case() -> None:
    text = fingerprint(b"certificate")

    assert same_fingerprint(text, text.lower().replace(":", ""))
    assert same_fingerprint(f" {text} ", text.replace(":", " "))
    assert not same_fingerprint(text, fingerprint(b"another"))


@pytest.mark.parametrize("nothing", ["", ":", "AB", "Z" * 20, "A" * 19, "A" * 21, "A" * 64])
def test_what_is_no_fingerprint_equals_nothing(nothing: str) -> None:
    assert not same_fingerprint(nothing, nothing)
