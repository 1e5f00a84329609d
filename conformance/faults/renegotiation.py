"""Renegotiation in the middle of a TLS 1.2 connection, asked for by the server (RFC 5246 section 7.4.1.1).

Python's ``ssl`` cannot ask for it, OpenSSL can: it is called in the library that ``ssl`` itself has loaded, on the
``SSL`` that stands behind CPython's object. Where it stands is CPython's own affair; other interpreters are refused.
"""

import _ssl
import ctypes
import platform
import ssl
import sys
from typing import Final

from gateway.domain.errors import MisuseError

_KNOWN: Final = ((3, 11), (3, 12), (3, 13))
_BEHIND: Final = 3 * ctypes.sizeof(ctypes.c_void_p)
"""Bytes from the beginning of ``_ssl._SSLSocket`` to its ``SSL *``: the object's head (two words) and its socket."""


def demand(found: object) -> None:
    """Ask the peer to shake hands again; it is asked with the next byte that is sent.

    Args:
        found: The ``ssl_object`` of a server's transport.

    Raises:
        MisuseError: ``SCHEDULE``: plain, not TLS 1.2, or an interpreter that is not known.
    """
    library = getattr(_ssl, "__file__", None)
    inner = getattr(found, "_sslobj", None)
    known = platform.python_implementation() == "CPython" and sys.version_info[:2] in _KNOWN
    if not (known and library and isinstance(found, ssl.SSLObject) and inner is not None):
        raise MisuseError("SCHEDULE", "renegotiation needs CPython 3.11 to 3.13 and TLS")
    if found.version() != "TLSv1.2":
        raise MisuseError("SCHEDULE", f"{found.version()} has no renegotiation, TLS 1.2 has")
    openssl = ctypes.CDLL(library)
    connection = ctypes.c_void_p.from_address(id(inner) + _BEHIND)
    for name in ("SSL_renegotiate", "SSL_do_handshake"):
        call = getattr(openssl, name)
        call.argtypes = [ctypes.c_void_p]
        if call(connection) != 1:
            raise MisuseError("SCHEDULE", f"{name} refused")
