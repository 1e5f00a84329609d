"""The mark that every test certificate of the project carries, leaf and authority alike."""

from typing import Final

TEST_MARK_OID: Final = "1.3.6.1.4.1.32473.71.1"
"""Object identifier of the certificate extension that means "TEST: never for production".

Ours and unregistered: the enterprise arc 32473 is set aside for examples (RFC 5612), so that it can never come to
mean something else in somebody's production certificate; 71.1 below it is the project's own choice. The extension
is not critical, so that any TLS stack accepts the certificate; only this gateway attaches a meaning to it.
"""
