"""Recognise the project's own test certificates, so that they are refused outside test mode."""

from collections.abc import Iterable
from typing import Final

from gateway.domain.errors import IdentityError
from gateway.domain.test_mark import TEST_MARK_OID

__all__ = [
    "TEST_MARK",
    "first_test_mark",
    "is_test_certificate",
    "refuse_test_certificates",
]

TEST_MARK: Final = TEST_MARK_OID
"""Dotted text of the extension that marks a test certificate."""


def _der_of(dotted: str) -> bytes:
    """Encode an object identifier as it stands in a certificate (X.690 clause 8.19)."""
    first, second, *rest = (int(arc) for arc in dotted.split("."))
    content = bytearray()
    for arc in (40 * first + second, *rest):
        septets = [arc & 0x7F]
        while arc := arc >> 7:
            septets.append(0x80 | arc & 0x7F)
        content += bytes(reversed(septets))
    return bytes((0x06, len(content))) + bytes(content)


_MARK_BYTES: Final = _der_of(TEST_MARK)


def is_test_certificate(der: bytes) -> bool:
    """Say whether one certificate carries the test mark.

    The encoded identifier is looked for in the raw bytes: DER has one form for it, no signed byte of a certificate
    can be changed to hide it, and there is no parser that a strange certificate could make fail and so let through.
    A stranger who plants these bytes in his own certificate only has himself refused.

    Args:
        der: The certificate, DER.
    """
    return _MARK_BYTES in der


def first_test_mark(ders: Iterable[bytes]) -> str | None:
    """Return which certificate of a chain is a test certificate, or nothing when none is.

    Args:
        ders: The chain, leaf first; anchors may follow.

    Returns:
        Words for a log line or an error, e.g. ``certificate 2 of 3``.
    """
    chain = tuple(ders)
    for position, der in enumerate(chain, start=1):
        if is_test_certificate(der):
            return f"certificate {position} of {len(chain)}"
    return None


def refuse_test_certificates(ders: Iterable[bytes]) -> None:
    """Refuse a chain that holds a test certificate; called wherever test mode is off.

    Raises:
        IdentityError: ``TEST_CERTIFICATE``.
    """
    if where := first_test_mark(ders):
        raise IdentityError(
            "TEST_CERTIFICATE",
            f"{where} is a gridgate TEST certificate; use a certificate of the utility's own authority, "
            "or set test_mode = true in [gateway] for a rehearsal",
        )
