"""Which names a test certificate may bear; everything that could be production is refused."""

import ipaddress
import re
from typing import Final

from gateway.domain.errors import MisuseError

RESERVED: Final = ("test", "example", "invalid", "localhost")
"""Top-level names that can never be somebody's real host (RFC 2606, RFC 6761)."""
LONGEST: Final = 64
"""Characters that a common name may have (RFC 5280, appendix A.1: ub-common-name)."""

_LABEL: Final = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")
_VEN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9:._-]*")


def host(text: str) -> str:
    """Return a host name or loopback address that may be certified, in lower case.

    Raises:
        MisuseError: ``INVALID_NAME`` when it is no host name of at most 64 characters; ``PRODUCTION_NAME`` when it
            is neither loopback nor under a reserved top-level name.
    """
    if address := _address(text):
        if not address.is_loopback:
            raise _production(text)
        return str(address)
    name = text.lower()
    labels = name.split(".")
    if len(name) > LONGEST or not all(_LABEL.fullmatch(label) for label in labels):
        raise MisuseError("INVALID_NAME", f"{text!r} is no host name of at most {LONGEST} letters")
    if name == "localhost" or (len(labels) > 1 and labels[-1] in RESERVED):
        return name
    raise _production(text)


def ven(text: str) -> str:
    """Return a VEN's unique id that may be certified, as given.

    An id with a dot reads as a host name and is judged as one.

    Raises:
        MisuseError: ``INVALID_NAME`` or ``PRODUCTION_NAME``, as for ``host``.
    """
    if len(text) > LONGEST or not _VEN.fullmatch(text):
        raise MisuseError(
            "INVALID_NAME",
            f"{text!r} is no VEN name: at most {LONGEST} letters, digits, colons, dots, hyphens, underscores, "
            "beginning with a letter or digit",
        )
    if "." in text:
        host(text)
    return text


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    # A scope such as %eth0 names an interface of one machine; a certificate has no place for it.
    return None if "%" in text else address


def _production(text: str) -> MisuseError:
    return MisuseError(
        "PRODUCTION_NAME",
        f"{text!r} could be a production name, and test certificates are never issued for those; "
        f"use localhost, a loopback address, or a name that ends in .{', .'.join(RESERVED)}",
    )
