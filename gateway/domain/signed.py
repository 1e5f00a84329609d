"""What a signature of a published document covers, and the digest that both sides compare."""

import hashlib
from collections.abc import Mapping

from gateway.domain.canonical import canonical


def signed_part(document: Mapping[str, object]) -> bytes:
    """Return the bytes that are signed: the canonical document with ``signature`` set to the empty string.

    Take the document as it was received, unknown fields included: they are signed too.

    Raises:
        MisuseError: ``NOT_CANONICAL`` when it holds a float or another value without canonical form.
    """
    return canonical({**document, "signature": ""})


def document_digest(document: Mapping[str, object]) -> str:
    """Return the SHA-256 of the signed part, lower-case hex: equal for equal content, whatever the signature."""
    return hashlib.sha256(signed_part(document)).hexdigest()
