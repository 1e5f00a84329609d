"""Checks a detached signature against a key set: for readers of intents and plans that want to."""

import base64
import binascii
from collections.abc import Mapping
from typing import Final

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from gateway.domain.canonical import read_json
from gateway.domain.errors import WireError

_HEADERS: Final = (frozenset({"alg", "kid"}), frozenset({"alg", "kid", "typ"}))
"""Nothing else: ``crit``, ``b64`` or an embedded key would change what is checked, or with what."""


def verified(payload: bytes, signature: str, key_set: Mapping[str, object]) -> bool:
    """Say whether a signature holds.

    Args:
        payload: The signed bytes (``gateway.domain.signed.signed_part``).
        signature: Compact JWS with an empty payload part.
        key_set: As read from ``/v1/jwks.json``.

    Spec: RFC 7515, appendix F.
    """
    head, _, tail = signature.partition("..")
    if not head or not tail or "." in head + tail:
        return False
    try:
        header = read_json(_decoded(head), largest=4096)
        key = _key_named(header, key_set)
        if key is None:
            return False
        whole = f"{head}.{_encoded(payload)}.{tail}"
        jws.deserialize_compact(whole, key, algorithms=["ES256"])
    except (WireError, JoseError, ValueError, TypeError, KeyError):
        return False
    return True


def _key_named(header: object, key_set: Mapping[str, object]) -> ECKey | None:
    if not isinstance(header, dict) or frozenset(header) not in _HEADERS:
        return None
    keys = key_set.get("keys")
    named = (key for key in keys if isinstance(key, dict)) if isinstance(keys, list) else iter(())
    found = next((key for key in named if key.get("kid") == header["kid"]), None)
    if found is None or (found.get("kty"), found.get("crv")) != ("EC", "P-256"):
        return None
    return ECKey.import_key({name: found[name] for name in ("kty", "crv", "x", "y")})


def _decoded(part: str) -> bytes:
    try:
        return base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except binascii.Error:
        raise WireError("MALFORMED_JSON", "the signature's header is not base64url") from None


def _encoded(payload: bytes) -> str:
    return base64.urlsafe_b64encode(payload).rstrip(b"=").decode()
